"""Hook plugins: loaded lazily, guarded one by one, told about once."""

from __future__ import annotations

import sys
import warnings

import pytest

from minidl_core import (
    AmbiguousComponentError,
    BrokenComponentError,
    PluginWarning,
    Registry,
    StateError,
    hookimpl,
)

GREETER = """
import click
from minidl_core import hookimpl

@hookimpl
def minidl_commands():
    return [click.Command("greet", callback=lambda: click.echo("hello"), help="Say hello.")]
"""
OBSERVER = """
from minidl_core import hookimpl

seen = []

@hookimpl
def minidl_epoch_ended(run, epoch):
    seen.append((run, epoch))
"""


@pytest.fixture
def told():
    return []


@pytest.fixture
def registry(site, told):
    return Registry([str(site.folder)], report=told.append)


def install(site, name, source, value=None):
    module = name.replace("-", "_")
    return site.install(name, {"minidl": {"plugin": value or module}}, {module: source})


def test_no_plugin_is_imported_before_a_hook_is_called(site, registry):
    install(site, "greeter-a", GREETER)
    registry.components()
    registry.distributions()
    assert "greeter_a" not in sys.modules
    ((distribution, (command,)),) = registry.hooks.ask("minidl_commands")
    assert (distribution.name, command.name) == ("greeter-a", "greet")
    assert "greeter_a" in sys.modules


def test_a_plugin_may_take_fewer_arguments_than_the_hook_gives(site, registry, told):
    install(site, "observer-a", OBSERVER)
    registry.hooks.ask("minidl_epoch_ended", run="r", epoch=3, metrics={})
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
    registry.hooks.ask("minidl_run_started", run="r")
    registry.hooks.ask("minidl_epoch_ended", run="r", epoch=0, metrics={})
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
        assert len(registry.hooks.ask("minidl_commands")) == 1
    assert len(told) == 1
    assert "broken-hooks" in told[0]
    assert sentence in told[0]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "@hookimpl\ndef minidl_comands(): ...",
            "there is no hook minidl_comands. Did you mean minidl_commands?",
        ),
        ("@hookimpl\ndef whatever(): ...", "there is no hook whatever"),
        (
            "@hookimpl\ndef minidl_run_finished(run, eror): ...",
            "the hook has no argument eror. Did you mean error?",
        ),
        ("@hookimpl\ndef minidl_run_started(x_): ...", "the hook has no argument x_"),
        ("@hookimpl(specname='minidl_run')\ndef f(): ...", "there is no hook minidl_run"),
    ],
)
def test_a_hook_that_does_not_fit_is_left_out_and_the_plugins_others_work(
    site, registry, told, source, sentence
):
    install(site, "misfit", f"{OBSERVER}\n{source}")
    registry.hooks.ask("minidl_epoch_ended", run="r", epoch=3, metrics={})
    assert sys.modules["misfit"].seen == [("r", 3)]
    assert len(told) == 1
    assert "misfit/plugin" in told[0]
    assert sentence in told[0]


def test_a_hook_that_raises_costs_only_its_own_answer(site, registry, told):
    install(site, "a-raises", GREETER.replace("return [", "1 / 0; return ["))
    install(site, "b-exits", GREETER.replace("return [", "raise SystemExit; return ["))
    install(site, "greeter-c", GREETER)
    for _ in range(2):
        answers = registry.hooks.ask("minidl_commands")
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
        return ["Heavy", "minidl_commands", "minidl_epoch_ended", "seen"]
    """
    import textwrap

    install(site, "lazy-hooks", OBSERVER + textwrap.dedent(lazy))
    registry.hooks.ask("minidl_epoch_ended", run="r", epoch=3, metrics={})
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
    assert registry.hooks.ask("minidl_commands") == []
    assert told == []


def test_a_plugin_that_cannot_be_registered_leaves_nothing_behind(site, registry, told):
    install(site, "first", GREETER)
    site.install("second", {"minidl": {"again": "first"}})
    assert [d.name for d, _ in registry.hooks.ask("minidl_commands")] == ["first"]
    assert len(told) == 1
    assert "second/again cannot be registered" in told[0]
    assert registry.hooks.get_plugin("second/again") is None


def test_one_left_out_warns_by_default(site):
    install(site, "broken-hooks", "raise SystemExit")
    with pytest.warns(PluginWarning, match="broken-hooks"):
        Registry([str(site.folder)]).hooks.ask("minidl_commands")


def test_an_uninstalled_plugin_is_not_called_after_refresh(site, registry):
    install(site, "greeter-d", GREETER)
    assert registry.hooks.ask("minidl_commands")
    (site.folder / "greeter_d-1.0.dist-info" / "entry_points.txt").write_text("")
    registry.refresh()
    assert registry.hooks.ask("minidl_commands") == []


class TestComponentsKnownOnlyAtRunTime:
    SOURCE = """
    from minidl_core import hookimpl
    class Made:
        training = True
        forward = backward = param = info = train = eval = lambda self, *a: None
    @hookimpl
    def minidl_components():
        return {answer}
    """

    def install(self, site, answer):
        import textwrap

        source = textwrap.dedent(self.SOURCE).format(answer=answer)
        install(site, "maker", source)

    def test_are_found_when_no_entry_point_has_the_name(self, site, registry):
        self.install(site, "{'modules': {'Made': Made, 'Fine': Made}}")
        site.layer("neighbour", "fine_layer_b", "Fine")
        assert registry.get("modules", "Fine").__name__ == "Fine"
        assert "maker" not in sys.modules
        assert registry.get("modules", "Made").__name__ == "Made"
        assert registry.find("modules", "maker/Fine").distribution.name == "maker"

    @pytest.mark.parametrize("answer", ["3", "{'modules': 3}", "{'modules': {'Made': 3}}"])
    def test_that_are_not_a_mapping_are_told_and_left_out(self, site, registry, told, answer):
        self.install(site, answer)
        with pytest.raises(LookupError):
            registry.get("modules", "Made")
        assert "maker 1.0 must answer kind → name → class" in told[0]


def test_the_marker_is_exported():
    @hookimpl
    def minidl_commands():
        return []

    with warnings.catch_warnings():
        assert minidl_commands() == []


# -- a hook that one plugin answers -------------------------------------------------------------

CONDUCTOR = """
from minidl_core import hookimpl

@hookimpl
def minidl_conduct():
    {body}
"""


def test_the_one_answer_is_given(site, registry):
    install(site, "conductor-a", CONDUCTOR.format(body="return 'a'"))
    install(site, "conductor-none", CONDUCTOR.format(body="return None"))
    assert registry.hooks.ask_one("minidl_conduct") == "a"


def test_no_answer_is_none(registry):
    assert registry.hooks.ask_one("minidl_conduct") is None


def test_two_answers_are_an_error_that_names_both(site, registry):
    install(site, "conductor-b", CONDUCTOR.format(body="return 'b'"))
    install(site, "conductor-c", CONDUCTOR.format(body="return 'c'"))
    with pytest.raises(AmbiguousComponentError, match=r"conductor-b/plugin, conductor-c/plugin"):
        registry.hooks.ask_one("minidl_conduct")


def test_a_plugin_that_raises_is_not_left_out_of_the_one_answer(site, registry, told):
    install(site, "conductor-d", CONDUCTOR.format(body="raise RuntimeError('no network')"))
    with pytest.raises(BrokenComponentError, match=r"conductor-d/plugin raised .*no network"):
        registry.hooks.ask_one("minidl_conduct")
    assert told == []


def test_an_error_of_ours_passes_through_as_it_is(site, registry):
    body = "from minidl_core import StateError; raise StateError('not now')"
    install(site, "conductor-e", CONDUCTOR.format(body=body))
    with pytest.raises(StateError, match="not now"):
        registry.hooks.ask_one("minidl_conduct")
