"""The built site: its links lead somewhere, and its search finds the page for a word.

`MINIDL_SITE` is the folder of the built pages; ``tox -e docs`` sets it.
"""

from __future__ import annotations

import functools
import http.server
import importlib
import os
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

if "MINIDL_SITE" not in os.environ:
    pytest.skip("no site is built: tox -e docs builds it", allow_module_level=True)
SITE = Path(os.environ["MINIDL_SITE"])
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


class Page(HTMLParser):
    """The links of a page, and the places in it that a link may lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag in ("script", "img", "iframe") and "src" in attributes:
            self.loaded.append(attributes["src"])
        if tag == "link" and attributes.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(attributes["href"])
        self.anchors.update(attributes[key] for key in ("id", "name") if attributes.get(key))


@functools.cache
def page(path: Path) -> Page:
    return Page(path)


PAGES = sorted(SITE.rglob("*.html"))


def test_every_link_inside_the_site_leads_somewhere():
    broken = []
    for path in PAGES:
        for link in {*page(path).links, *page(path).loaded}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment) if target.suffix == ".html" else ""
            if not target.exists() or (anchor and anchor not in page(target).anchors):
                broken.append(f"{path.relative_to(SITE)}: {link}")
    assert len(PAGES) > 200
    assert broken == []


def test_no_page_loads_anything_from_elsewhere():
    strangers = {link for path in PAGES for link in page(path).loaded if urlsplit(link).netloc}
    assert strangers == set()


def test_equations_are_mathematics():
    text = (SITE / "reference/minidl_plugins_nn/Adam.html").read_text(encoding="utf-8")
    assert text.count("<math") >= 2
    assert "<mi>β</mi>" in text


def test_every_public_name_has_a_page():
    packages = [path.name for path in (SITE / "reference").iterdir() if path.is_dir()]
    assert len(packages) == 8
    for package in packages:
        for name in importlib.import_module(package).__all__:
            assert (SITE / "reference" / package / f"{name}.html").exists(), f"{package}.{name}"


@pytest.fixture(scope="module")
def address():
    """The site, served at an address of this machine."""
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("predict", "use-a-trained-model"),
        ("ONNX", "use-a-trained-model"),
        ("notebook", "look-inside"),
        ("dataset", "write-a-dataset"),
        ("observer", "write-an-observer"),
        ("engine", "write-an-engine"),
        ("fine-tune", "experiments"),
        ("freeze", "coming-from-pytorch"),
        ("weight decay", "optimizers"),
        ("dead unit", "look-inside"),
        ("straight-through", "another-backward"),
    ],
)
def test_a_search_finds_the_page(browser, address, words, expected):
    page = browser.new_page()
    page.goto(f"{address}/search.html?q={words}")
    page.wait_for_selector("#search-results ul.search li", timeout=20_000)
    page.wait_for_function(
        "!document.querySelector('#search-results h2').textContent.includes('Searching')"
    )
    found = page.eval_on_selector_all(
        "#search-results ul.search li > a", "all => all.map(each => each.getAttribute('href'))"
    )
    page.close()
    pages = [urlsplit(each).path.rpartition("/")[2] for each in found]
    assert f"{expected}.html" in pages[:10], pages[:10]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("name", ["index", "teaching", "reference/minidl_plugins_nn/Adam"])
def test_a_page_fits_the_screen_and_says_nothing(browser, address, name, size):
    said = []
    page = browser.new_page(viewport=size)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{address}/{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert said == []
    page.close()
