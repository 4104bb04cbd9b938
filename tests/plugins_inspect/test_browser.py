"""The report in a headless browser: opened, its controls used, nothing said on the console."""

from __future__ import annotations

import shutil

import pytest

from .conftest import FILE, run_minidl

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium: apt-get install chromium")

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Open the report of a run; at the end, the console must be empty and nothing requested."""
    said, contexts = [], []

    def opened(folder, size=DESK, scheme="light"):
        assert run_minidl("report", folder, "--quiet") == 0
        context = browser.new_context(viewport=size, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto((folder / "report.html").as_uri())
        assert said.pop(0).endswith("report.html")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def pixels(page, canvas="plane-train"):
    return page.evaluate(f"document.getElementById('{canvas}').toDataURL()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_fits_the_screen(opened, disk_run, size, scheme, tmp_path):
    page = opened(disk_run, size, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    for section in page.query_selector_all("main section"):
        assert section.bounding_box()["height"] > 60
    assert len(page.query_selector_all("svg path")) >= 20
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert contrast(ground, ink) > 7
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 50_000


def test_the_slider_shows_the_boundary_at_each_epoch(opened, disk_run):
    page = opened(disk_run)
    assert page.inner_text("#epoch-text") == "4"
    trained = pixels(page)
    page.fill("#epoch", "0")
    assert page.inner_text("#epoch-text") == "0"
    assert pixels(page) != trained
    page.fill("#epoch", "4")
    assert pixels(page) == trained


def test_the_restart_can_be_chosen(opened, disk_run):
    page = opened(disk_run)
    page.fill("#epoch", "0")
    options = page.query_selector_all("#restart option")
    assert len(options) == 3
    shown = set()
    for restart in range(3):
        page.select_option("#restart", str(restart))
        shown.add(pixels(page))
    assert len(shown) == 3


def test_play_runs_to_the_last_epoch(opened, disk_run):
    page = opened(disk_run)
    page.click("#play")
    assert page.inner_text("#epoch-text") == "0"
    sync_api.expect(page.locator("#epoch-text")).to_have_text("4")
    sync_api.expect(page.locator("#play")).to_have_text("Play")


def test_measures_and_scales_redraw_the_charts(opened, disk_run):
    page = opened(disk_run)
    before = page.inner_html("#loss-chart")
    page.check("#log")
    assert page.inner_html("#loss-chart") != before
    drawn = set()
    for option in page.query_selector_all("#measure option"):
        page.select_option("#measure", option.get_attribute("value"))
        drawn.add(page.inner_html("#activations-chart"))
    assert len(drawn) >= 4  # no unit is dead or saturated


def test_charts_follow_the_width(opened, disk_run):
    page = opened(disk_run)
    page.set_viewport_size(PHONE)
    page.wait_for_selector("#lr-chart svg[viewBox^='0 0 3']")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_tables_show_restarts_and_rows(opened, disk_run):
    page = opened(disk_run)
    assert page.locator("#restarts-table tbody tr").count() == 3
    assert page.locator("#restarts-table tr.selected").count() == 1
    assert "test error of a linear model" in page.inner_text("#facts")
    assert "Tanh" in page.inner_text("#structure-table")
    assert "of restart" in page.inner_text("#misclassified-text").lower()
    assert '"batch_size": 20' in page.inner_text("#configuration-text")


def test_hostile_names_stay_text(opened, tmp_path):
    name = "<img src=x onerror=document.title='owned'>"
    rows = "\n".join(f"{i % 7},{i % 5},{'<b>' if i % 2 else 'b'}" for i in range(60))
    (tmp_path / "table.csv").write_text(f"{name},b,label\n{rows}\n", encoding="utf-8")
    file = tmp_path / "names.toml"
    data = '{ name = "csv", path = "table.csv", target = "label", task = "classification" }'
    text = FILE.replace('{ name = "disk", points = 120 }', data)
    file.write_text(text, encoding="utf-8")
    assert run_minidl("run", file, "--output", tmp_path / "run", "--quiet", "--no-figures") == 0
    page = opened(tmp_path / "run")
    assert page.locator("img").count() == 0
    assert "owned" not in page.title()
    assert name in page.inner_text("#misclassified-table")


def contrast(first, second):
    """The contrast ratio of the Web Content Accessibility Guidelines, between rgb(…) colours."""

    def luminance(colour):
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted(map(luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)
