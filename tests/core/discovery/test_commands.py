"""What the ``minidl`` command prints with the core alone, over distributions on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..conftest import minidl_beside  # noqa: TID252

GREETER = """
import click
@click.command("greet")
def command():
    '''Say hello.'''
    click.echo("hello")
"""


@pytest.fixture
def minidl(site):
    """Run ``minidl`` in a process that sees `site` and minidl-core, and no other plugin."""
    return minidl_beside(site, "minidl-core")


@pytest.fixture
def broken(site):
    points = {
        "minidl.modules": {"Boom": "acme_boom:Boom"},
        "minidl.commands": {"boom": "acme_boom:c"},
    }
    site.install("acme-boom", points, {"acme_boom": "raise SystemExit('boom')"}, version="0.3")


def greeter(site, name, command="greet", source=GREETER):
    points = {"minidl.commands": {command: f"{name}:command"}}
    site.install(name, points, {name: source.replace("hello", name)})


def commands_in(help_text):
    lines = help_text.partition("Commands:\n")[2].splitlines()
    return [line.split()[0] for line in lines if line[2:3].strip()]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--disable", "x", "--help"]])
def test_help_lists_the_commands(minidl, arguments):
    out = minidl(*arguments).stdout
    assert out.startswith("Usage: minidl [OPTIONS] ")
    assert commands_in(out) == ["list", "plugins"]


def test_with_the_core_alone_list_and_plugins_help(minidl):
    assert "modules" not in minidl("list").stdout
    assert "No losses installed. Install a distribution" in minidl("list", "losses").stdout
    assert json.loads(minidl("list", "modules", "--json").stdout) == []
    assert minidl("plugins").stdout.endswith("engine: eager\n")


def test_an_unknown_kind_gets_a_suggestion(minidl):
    assert 'Did you mean "modules"?' in minidl("list", "modles", expect=1).stderr


def test_list_and_plugins_import_nothing(minidl, site):
    points = {"minidl.modules": {"Boom": "acme_idle:Boom"}, "minidl": {"idle": "acme_idle"}}
    site.install("acme", points, {"acme_idle": "open('touched', 'w')"})
    assert "modules   Boom     acme 1.0\n" in minidl("list").stdout
    assert minidl("plugins").stdout.startswith("acme         1.0    1 hooks, 1 modules")
    assert not Path("touched").exists()


def test_list_says_who_is_unavailable_and_why(minidl, site):
    site.layer("acme", "acme_a.swish", "Swish", requires=["minidl-core>=99"])
    site.layer("zeta", "zeta_a.gelu", "Gelu")
    lines = minidl("--disable", "Zeta", "list", "modules").stdout.splitlines()
    assert lines[0].startswith("modules  Swish  acme 1.0  incompatible: requires minidl-core>=99")
    assert lines[1] == "modules  Gelu   zeta 1.0  disabled"
    (acme, _, zeta) = json.loads(minidl("plugins", "--json", MINIDL_DISABLE="zeta").stdout)
    assert (acme["status"], zeta["status"]) == ("incompatible", "disabled")
    assert acme["reason"].startswith("requires minidl-core>=99, but")
    assert acme["gives"] == {"minidl.modules": ["Swish"]}


def test_terminals_without_unicode_get_escapes(minidl, site):
    site.install("acme", "[minidl.modules]\nσ\x1b[31m = a:B\n")
    out = minidl("list", "modules", PYTHONIOENCODING="latin-1").stdout
    assert out == "modules  \\u03c3\\x1b[31m  acme 1.0\n"


def test_a_broken_plugin_costs_only_itself(minidl, broken):
    for arguments in (["--help"], ["list"], ["plugins"], ["list", "--help"]):
        assert minidl(*arguments).stdout
    assert "boom     (cannot be loaded: see `minidl doctor`)" in minidl("--help").stdout
    assert "SystemExit: boom" in minidl("boom", expect=1).stderr
    assert "boom" not in minidl("--disable", "acme-boom", "--help").stdout


class TestACommandOfAPlugin:
    def test_is_in_the_help_and_runs(self, minidl, site):
        greeter(site, "greeter")
        assert "  greet    Say greeter.\n" in minidl("--help").stdout
        assert minidl("greet").stdout == "greeter\n"

    def test_with_an_ambiguous_name_needs_its_distribution(self, minidl, site):
        for name in ("greeter", "hailer"):
            greeter(site, name)
        assert {"greeter/greet", "hailer/greet"} <= set(commands_in(minidl("--help").stdout))
        assert minidl("hailer/greet").stdout == "hailer\n"
        assert "greeter/greet" in minidl("greet", expect=1).stderr

    def test_cannot_take_the_name_of_ours(self, minidl, site):
        greeter(site, "greeter", command="list")
        assert "eager" in minidl("minidl-core/list").stdout
        assert minidl("greeter/list").stdout == "greeter\n"

    @pytest.mark.parametrize("source", ["def command(): pass", "class command: pass"])
    def test_that_is_no_click_command_is_told(self, minidl, site, source):
        greeter(site, "wrong", source=source)
        assert "Commands:" in minidl("--help").stdout
        assert "greet is no click command" in minidl("greet", expect=1).stderr


def test_an_unknown_command_gets_a_suggestion(minidl):
    assert 'Did you mean "plugins"?' in minidl("plugin", expect=1).stderr
    assert "Installed: list, plugins" in minidl("zzz", expect=1).stderr


def test_a_library_that_a_command_cannot_import_is_named(minidl, site):
    (site.folder / "vendor.py").write_text("raise OSError('libfoo.so.12')")
    greeter(site, "greeter", source=GREETER.replace("click.echo", "import vendor; click.echo"))
    sentence = minidl("greet", expect=1).stderr
    assert "vendor.py cannot be imported: OSError: libfoo.so.12; see `minidl doctor`" in sentence
