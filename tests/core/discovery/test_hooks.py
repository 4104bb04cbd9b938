"""Hook plugins: loaded lazily, guarded one by one, told about once."""

from __future__ import annotations

import sys
import warnings

import pytest

from minidl_core import PluginWarning, Registry, hookimpl

GREETER = """
from minidl_core import hookimpl

@hookimpl
def minidl_greetings():
    return ["hello"]
"""
OBSERVER = """
from minidl_core import hookimpl

seen = []

@hookimpl
def minidl_epoch_ended(run, epoch):
    seen.append((run, epoch))
"""


SPECS = """
from minidl_core import hookspec

@hookspec
def minidl_greetings(): ...

@hookspec
def minidl_run_started(run): ...

@hookspec
def minidl_epoch_ended(run, epoch, metrics): ...

@hookspec
def minidl_run_finished(run, error): ...
"""


@pytest.fixture
def told():
    return []


@pytest.fixture
def registry(site, told):
    site.install("caller", {"minidl.hookspecs": {"runs": "caller_specs"}}, {"caller_specs": SPECS})
    return Registry([str(site.folder)], report=told.append)


def install(site, name, source, value=None):
    module = name.replace("-", "_")
    return site.install(name, {"minidl": {"plugin": value or module}}, {module: source})


def test_no_plugin_is_imported_before_a_hook_is_called(site, registry):
    install(site, "greeter-a", GREETER)
    registry.components()
    registry.distributions()
    assert "greeter_a" not in sys.modules
    ((distribution, greetings),) = registry.hooks.call_each("minidl_greetings")
    assert (distribution.name, greetings) == ("greeter-a", ["hello"])
    assert "greeter_a" in sys.modules


def test_a_plugin_may_take_fewer_arguments_than_the_hook_gives(site, registry, told):
    install(site, "observer-a", OBSERVER)
    registry.hooks.call_each("minidl_epoch_ended", run="r", epoch=3, metrics={})
    assert sys.modules["observer_a"].seen == [("r", 3)]
    assert told == []


def test_a_plugin_may_be_an_object(site, registry, told):
    source = """
    from minidl_core import hookimpl
    class Plugin:
        def __init__(self): self.epochs = []
        @hookimpl
        def minidl_epoch_ended(self, epoch): self.epochs.append(epoch)
        @staticmethod
        @hookimpl
        def minidl_run_started(run): plugin.epochs.append(run)
    plugin = Plugin()
    """
    install(site, "objects", source, "objects:plugin")
    registry.hooks.call_each("minidl_run_started", run="r")
    registry.hooks.call_each("minidl_epoch_ended", run="r", epoch=0, metrics={})
    assert sys.modules["objects"].plugin.epochs == ["r", 0]
    assert told == []


@pytest.mark.parametrize(
    ("source", "value", "sentence"),
    [
        ("import no_such_library", None, "install the missing no_such_library"),
        ("raise SystemExit", None, "SystemExit"),
        ("def f(:", None, "SyntaxError"),
        ("", "broken_hooks:nothing", "AttributeError"),
        ("plugin = []", "broken_hooks:plugin", "unhashable"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_told_once_and_the_rest_works(
    site, registry, told, source, value, sentence
):
    install(site, "broken-hooks", source, value)
    install(site, "greeter-b", GREETER)
    for _ in range(3):
        assert len(registry.hooks.call_each("minidl_greetings")) == 1
    assert len(told) == 1
    assert "broken-hooks" in told[0]
    assert sentence in told[0]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "@hookimpl\ndef minidl_greting(): ...",
            'there is no hook minidl_greting. Did you mean "minidl_greetings"?',
        ),
        ("@hookimpl\ndef whatever(): ...", "there is no hook whatever"),
        (
            "@hookimpl\ndef minidl_run_finished(run, eror): ...",
            'the hook has no argument eror. Did you mean "error"?',
        ),
        ("@hookimpl\ndef minidl_run_started(x_): ...", "the hook has no argument x_"),
        ("@hookimpl(specname='minidl_run')\ndef f(): ...", "there is no hook minidl_run"),
    ],
)
def test_a_hook_that_does_not_fit_is_left_out_and_the_plugins_others_work(
    site, registry, told, source, sentence
):
    install(site, "misfit", f"{OBSERVER}\n{source}")
    registry.hooks.call_each("minidl_epoch_ended", run="r", epoch=3, metrics={})
    assert sys.modules["misfit"].seen == [("r", 3)]
    assert len(told) == 1
    assert "misfit/plugin" in told[0]
    assert sentence in told[0]


def test_a_hook_that_raises_costs_only_its_own_answer(site, registry, told):
    install(site, "a-raises", GREETER.replace("return [", "1 / 0; return ["))
    install(site, "b-exits", GREETER.replace("return [", "raise SystemExit; return ["))
    install(site, "greeter-c", GREETER)
    for _ in range(2):
        answers = registry.hooks.call_each("minidl_greetings")
        assert [distribution.name for distribution, _ in answers] == ["greeter-c"]
    assert [sentence.split(" raised ")[1] for sentence in told] == [
        "ZeroDivisionError: division by zero",
        "SystemExit",
    ]


def test_lazy_attributes_of_a_plugin_are_not_touched(site, registry, told):
    lazy = """
    def __getattr__(name):
        if name.startswith("__"): raise AttributeError(name)
        raise RuntimeError("this attribute is expensive: " + name)
    def __dir__():
        return ["Heavy", "minidl_greetings", "minidl_epoch_ended", "seen"]
    """
    import textwrap

    install(site, "lazy-hooks", OBSERVER + textwrap.dedent(lazy))
    registry.hooks.call_each("minidl_epoch_ended", run="r", epoch=3, metrics={})
    assert sys.modules["lazy_hooks"].seen == [("r", 3)]
    assert told == []


def test_an_object_that_answers_every_attribute_is_no_plugin_of_every_hook(site, registry, told):
    source = """
    class Anything:
        def __getattr__(self, name): return Anything()
        def __call__(self, *args, **kwargs): return Anything()
    anything = Anything()
    """
    install(site, "anything", source, "anything:anything")
    assert registry.hooks.call_each("minidl_greetings") == []
    assert told == []


def test_a_plugin_that_cannot_be_registered_leaves_nothing_behind(site, registry, told):
    install(site, "first", GREETER)
    site.install("second", {"minidl": {"again": "first"}})
    assert [d.name for d, _ in registry.hooks.call_each("minidl_greetings")] == ["first"]
    assert len(told) == 1
    assert "second/again cannot be registered" in told[0]
    assert registry.hooks.get_plugin("second/again") is None


def test_one_left_out_warns_by_default(site):
    install(site, "broken-hooks", "raise SystemExit")
    with pytest.warns(PluginWarning, match="broken-hooks"):
        assert Registry([str(site.folder)]).hooks.problems


def test_an_uninstalled_plugin_is_not_called_after_refresh(site, registry):
    install(site, "greeter-d", GREETER)
    assert registry.hooks.call_each("minidl_greetings")
    (site.folder / "greeter_d-1.0.dist-info" / "entry_points.txt").write_text("")
    registry.refresh()
    assert registry.hooks.call_each("minidl_greetings") == []


class TestSpecifications:
    def test_a_hook_without_one_is_reported(self, site, told):
        install(site, "orphan", OBSERVER)
        registry = Registry([str(site.folder)], report=told.append)
        (problem,) = registry.hooks.problems
        assert "orphan/plugin: there is no hook minidl_epoch_ended. There are: none" in problem

    def test_two_of_one_name_are_reported(self, site, registry, told):
        again = {"minidl.hookspecs": {"again": "again_specs"}}
        site.install("zeta", again, {"again_specs": SPECS})
        install(site, "observer-b", OBSERVER)
        registry.hooks.call_each("minidl_epoch_ended", run="r", epoch=1, metrics={})
        assert sys.modules["observer_b"].seen == [("r", 1)]
        assert "another distribution specifies the hook minidl_epoch_ended" in told[0]

    @pytest.mark.parametrize("source", ["raise SystemExit", "def f(:", "minidl_x = 3"])
    def test_a_broken_one_costs_only_its_own_hooks(self, site, registry, told, source):
        broken = {"minidl.hookspecs": {"broken": "broken_specs"}}
        site.install("broken", broken, {"broken_specs": source})
        install(site, "greeter-e", GREETER)
        assert len(registry.hooks.call_each("minidl_greetings")) == 1
        assert "broken" in told[0]


def test_the_marker_is_exported():
    @hookimpl
    def minidl_greetings():
        return []

    with warnings.catch_warnings():
        assert minidl_greetings() == []
