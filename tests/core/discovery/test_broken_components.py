"""One broken plugin never stops the others, and says who, which version, where and why."""

from __future__ import annotations

import contextlib
import sys
import warnings

import pytest

from minidl_core import BrokenComponentError, ContractError, MinidlError

# What the module says, and what the message must say of it.
BROKEN = {
    "import error": ("from os import nothing_like_it", "ImportError: cannot import name"),
    "missing dependency": ("import no_such_library", "install the missing no_such_library"),
    "syntax error": ("def f(:\n", "SyntaxError"),
    "system exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "any exception": ("1 / 0", "ZeroDivisionError: division by zero"),
    "not even an exception": ("class E(BaseException): pass\nraise E('panic')", "E: panic"),
    "an error that cannot be printed": (
        "class E(Exception):\n def __str__(self): 1/0\nraise E",
        "E: <exception str() failed>",
    ),
    "missing attribute": ("x = 1", "AttributeError: module 'acme_broken' has no attribute 'Boom'"),
    "not a class": ("Boom = 3", "must be a class, got int"),
    "a function": ("def Boom(): pass", "must be a class, got function"),
    "null bytes": ("x = '\0'", "null bytes"),
}


@pytest.fixture(autouse=True)
def _neighbour(site):
    site.layer("neighbour", "fine_layer", "Fine")


@pytest.mark.parametrize(("source", "cause"), BROKEN.values(), ids=BROKEN)
def test_it_is_told_with_distribution_version_entry_point_and_cause(site, registry, source, cause):
    points = {"minidl.modules": {"Boom": "acme_broken:Boom"}}
    site.install("acme-broken", points, {"acme_broken": source}, version="0.3")
    for _ in range(2):
        with pytest.raises(BrokenComponentError) as caught:
            registry.get("modules", "Boom")
        message = str(caught.value)
        for part in ("Boom", "acme-broken 0.3", "acme_broken:Boom", cause):
            assert part in message
    assert registry.get("modules", "Fine").__name__ == "Fine"


def test_files_that_are_gone_are_stale_metadata(site, registry):
    site.install("ghost", {"minidl.modules": {"Boom": "ghost.layers:Boom"}})
    with pytest.raises(BrokenComponentError, match="reinstall ghost, or uninstall it if its files"):
        registry.get("modules", "Boom")


@pytest.mark.parametrize("value", [":", "a b:C", ".x:Y", "1:2", "os:", "os:path.", "é:ü", "a:b:c"])
def test_an_entry_point_that_names_nothing_is_broken(site, registry, value):
    site.install("acme", {"minidl.modules": {"Boom": value}})
    with pytest.raises(BrokenComponentError):
        registry.get("modules", "Boom")


def test_the_interrupt_key_still_works(site, registry):
    points = {"minidl.modules": {"Boom": "acme_key:Boom"}}
    site.install("acme", points, {"acme_key": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        registry.get("modules", "Boom")


@pytest.mark.parametrize("end", ["class Boom: pass", "raise OSError"])
def test_what_a_plugin_prints_goes_to_stderr_under_its_name(site, registry, capsys, end):
    points = {"minidl.modules": {"Boom": "acme_loud:Boom"}}
    site.install("acme", points, {"acme_loud": f"print('hello\\x1b[31m')\n{end}"}, version="0.3")
    with contextlib.suppress(MinidlError):
        registry.get("modules", "Boom")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "acme 0.3: hello\\x1b[31m\n"


def test_what_a_plugin_prints_costs_nothing_without_a_stderr(site, registry, monkeypatch):
    points = {"minidl.modules": {"Fine": "acme_loud:Fine"}}
    source = "print('hello')\nfrom fine_layer import Fine"
    site.install("acme", points, {"acme_loud": source})
    monkeypatch.setattr("sys.stderr", None)
    assert registry.get("modules", "acme/Fine").__name__ == "Fine"


def test_a_plugin_that_warns_when_imported_is_not_broken(site, registry):
    source = "import warnings; warnings.warn('old')\nfrom fine_layer import Fine as Boom"
    site.install("acme", {"minidl.modules": {"Boom": "acme_warns:Boom"}}, {"acme_warns": source})
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert registry.get("modules", "Boom").__name__ == "Fine"


@pytest.mark.parametrize(
    ("kind", "source", "lacks"),
    [
        ("modules", "class C:\n forward=param=info=train=eval=len", "lacks backward"),
        ("losses", "class C:\n backward=param=info=train=eval=len", "lacks forward"),
        ("optimizers", "class C:\n zero_grad=step=len", "lacks load_state_dict, state_dict"),
        ("optimizers", "class C:\n zero_grad=state_dict=load_state_dict=len; step=3", "lacks step"),
        (
            "modules",
            "from minidl_core import BaseModule\nclass C(BaseModule):\n def forward(self, x): ...",
            "lacks backward",
        ),
    ],
)
def test_a_class_that_lacks_a_method_is_refused(site, registry, kind, source, lacks):
    site.install("acme", {f"minidl.{kind}": {"C": "acme_lacks:C"}}, {"acme_lacks": source})
    with pytest.raises(ContractError, match=lacks):
        registry.get(kind, "C")
    assert "acme_lacks" in sys.modules


def test_a_kind_of_call_alone_takes_anything_callable(site, registry):
    source = """
    from abc import abstractmethod
    from typing import Protocol
    class Dataset(Protocol):
        @abstractmethod
        def __call__(self, **arguments): ...
    def disk(seed): return seed
    x = 3
    """
    points = {
        "minidl.kinds": {"datasets": "acme_data:Dataset"},
        "minidl.datasets": {"disk": "acme_data:disk", "x": "acme_data:x"},
    }
    site.install("acme", points, {"acme_data": source})
    assert registry.create("datasets", "disk", 7) == 7
    with pytest.raises(BrokenComponentError, match="can be called, got int"):
        registry.get("datasets", "x")


def test_a_nested_attribute_is_reached(site, registry):
    source = "from fine_layer import Fine\nclass Layers:\n    Inner = Fine"
    points = {"minidl.modules": {"Inner": "acme_nested:Layers.Inner [extra]"}}
    site.install("acme", points, {"acme_nested": source})
    assert registry.get("modules", "Inner").__name__ == "Fine"
