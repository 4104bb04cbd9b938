"""What the ``minidl`` command prints, over real processes and distributions on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_hooks import GREETER


@pytest.fixture
def minidl(site):
    """Run ``minidl`` in a process that sees `site` and minidl-core, and no other plugin."""
    alone = (
        "import sys\n"
        "sys.path[:] = [p for p in sys.path if not p.endswith('-packages')]\n"
        "sys.path += {paths!r}\n"
        "from minidl_core.command import main\n"
        "main(sys.argv[1:])\n"
    )
    libraries = site.folder / "libraries"
    libraries.mkdir()
    for name in ("minidl_core", "click", "pluggy", "packaging"):
        module = __import__(name)
        (libraries / name).symlink_to(Path(module.__file__).parent)
    script = alone.format(paths=[str(libraries), str(site.folder)])

    def run(*arguments, expect=0, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def broken(site):
    points = {"minidl.modules": {"Boom": "acme_boom:Boom"}, "minidl": {"boom": "acme_boom"}}
    site.install("acme-boom", points, {"acme_boom": "raise SystemExit('boom')"}, version="0.3")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--disable", "x", "--help"]])
def test_help_is_one_page_whichever_way_it_is_asked_for(minidl, arguments):
    out = minidl(*arguments).stdout
    assert out.startswith("Usage: minidl [OPTIONS] COMMAND")
    assert [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines()] == [
        *("check", "describe", "doctor", "list", "new", "plugins")
    ]


def test_with_nothing_installed_list_and_plugins_say_what_to_do(minidl):
    assert "No components installed. Install a distribution" in minidl("list").stdout
    assert "No losses installed" in minidl("list", "losses").stdout
    assert "No plugins installed" in minidl("plugins").stdout
    assert json.loads(minidl("list", "--json").stdout) == []
    assert "Everything is well" in minidl("doctor").stdout


def test_list_and_plugins_import_nothing(minidl, site):
    points = {"minidl.modules": {"Boom": "acme_idle:Boom"}, "minidl": {"idle": "acme_idle"}}
    site.install("acme", points, {"acme_idle": "open('touched', 'w')"})
    assert minidl("list").stdout == "modules  Boom  acme 1.0\n"
    assert minidl("plugins").stdout == "acme  1.0  1 hooks, 1 modules  ok\n"
    assert not Path("touched").exists()


def test_list_shows_who_is_disabled_or_incompatible_and_why(minidl, site):
    site.layer("acme", "acme_a.swish", "Swish", requires=["minidl-core>=99"])
    site.layer("zeta", "zeta_a.gelu", "Gelu")
    lines = minidl("--disable", "Zeta", "list").stdout.splitlines()
    assert lines[0].startswith("modules  Swish  acme 1.0  incompatible: requires minidl-core>=99")
    assert lines[1] == "modules  Gelu   zeta 1.0  disabled"
    (acme, zeta) = json.loads(minidl("plugins", "--json", MINIDL_DISABLE="zeta").stdout)
    assert (acme["status"], zeta["status"]) == ("incompatible", "disabled")
    assert acme["reason"].startswith("requires minidl-core>=99, but")
    assert acme["gives"] == {"minidl.modules": ["Swish"]}


def test_describe_shows_signature_docstring_and_provenance(minidl, site):
    source = """
    from __future__ import annotations
    class Swish:
        '''x σ(x).'''
        training = True
        def __init__(self, beta: float = 1.0) -> None: ...
        forward = backward = param = info = train = eval = lambda self: None
    """
    site.install("acme", {"minidl.modules": {"Swish": "acme_doc:Swish"}}, {"acme_doc": source})
    out = minidl("describe", "Swish").stdout
    assert out.startswith("Swish(beta: float = 1.0)\n\nx σ(x).\n\nkind:         modules\n")
    assert "entry point:  acme_doc:Swish" in out
    (described,) = json.loads(minidl("describe", "acme/Swish", "--json").stdout)
    assert described["version"] == "1.0"
    assert described["file"].endswith("acme_doc.py")


def test_describe_of_an_unknown_name_says_what_is_like_it(minidl, site):
    site.layer("acme", "acme_b.swish", "Swish")
    error = minidl("describe", "Swich", expect=1).stderr
    assert 'No module "Swich". Did you mean "Swish"?' in error
    assert "`minidl list`" in minidl("describe", "Qqqq", expect=1).stderr


def test_a_terminal_without_unicode_gets_escapes_and_no_traceback(minidl, site):
    site.install("acme", "[minidl.modules]\nσ\x1b[31m = a:B\n")
    out = minidl("list", PYTHONIOENCODING="latin-1").stdout
    assert out == "modules  \\u03c3\\x1b[31m  acme 1.0\n"


class TestABrokenPlugin:
    def test_never_stops_help_or_the_listings(self, minidl, broken):
        for arguments in (["--help"], ["list"], ["plugins"], ["list", "--help"]):
            assert minidl(*arguments).stdout
        error = minidl("--help").stderr
        assert error.startswith("minidl: plugin left out:")
        assert error.count("acme-boom 0.3") == 1

    def test_is_found_by_doctor_with_a_cure(self, minidl, broken):
        out = minidl("doctor", expect=1).stdout
        assert "acme-boom/Boom" in out
        assert "SystemExit: boom" in out
        assert "MINIDL_DISABLE=acme-boom" in out
        problems = json.loads(minidl("doctor", "--json", expect=1).stdout)
        assert [problem["subject"] for problem in problems] == ["acme-boom/Boom", "hooks"]
        assert all(problem["cure"] for problem in problems)

    def test_is_no_problem_once_disabled(self, minidl, broken):
        assert "Everything is well" in minidl("doctor", MINIDL_DISABLE="acme-boom").stdout
        assert minidl("--disable", "acme-boom", "--help").stderr == ""


def test_doctor_finds_every_kind_of_problem(minidl, site):
    site.layer("acme", "acme_c.linear", "Linear")
    site.layer("zeta", "zeta_c.linear", "Linear")
    site.install("stale", {"minidl.losses": {"Gone": "gone:Gone"}})
    site.install("typo", {"minidl.module": {"Swish": "acme_c.linear:Linear"}})
    site.install("lines", "[minidl.modules]\nnonsense\n")
    site.install(
        "hooked",
        {"minidl": {"h": "hooked"}},
        {"hooked": "from minidl_core import hookimpl\n@hookimpl\ndef minidl_run(): ..."},
    )
    site.layer("newer", "newer_c.gelu", "Gelu", requires=["minidl-core>=99"])
    settings = {"MINIDL_DISABLE": "nobody", "MINIDL_PREFER": "nobody/Linear"}
    problems = json.loads(minidl("doctor", "--json", expect=1, **settings).stdout)
    assert {(problem["subject"], problem["cause"][:28]) for problem in problems} == {
        ("nobody", "is disabled, but not install"),
        ("nobody/Linear", "is preferred, but not instal"),
        ("Linear", '"Linear" of the modules is c'),
        ("stale/Gone", '"Gone" of stale 1.0 cannot b'),
        ("typo 1.0", "its entry point Swish is in "),
        ("lines 1.0", "line 2 of entry_points.txt, "),
        ("hooks", "minidl_run of hooked/h: ther"),
        ("newer 1.0", "incompatible: requires minid"),
    }


class TestACommandOfAPlugin:
    def test_is_in_the_help_and_runs(self, minidl, site):
        site.install("greeter", {"minidl": {"g": "greeter"}}, {"greeter": GREETER})
        assert "  greet     Say hello.\n" in minidl("--help").stdout
        assert minidl("greet").stdout == "hello\n"

    def test_that_two_plugins_claim_is_reached_by_its_distribution(self, minidl, site):
        for name in ("greeter", "hailer"):
            site.install(name, {"minidl": {"g": name}}, {name: GREETER.replace("hello", name)})
        assert "greeter/greet" in minidl("--help").stdout
        assert minidl("hailer/greet").stdout == "hailer\n"
        assert "greeter/greet" in minidl("greet", expect=2).stderr

    def test_cannot_take_the_name_of_one_of_ours(self, minidl, site):
        source = GREETER.replace('"greet"', '"doctor"')
        site.install("greeter", {"minidl": {"g": "greeter"}}, {"greeter": source})
        assert "Everything is well" in minidl("doctor").stdout
        assert minidl("greeter/doctor").stdout == "hello\n"

    @pytest.mark.parametrize("answer", ["3", "[3]", "None", "['x']"])
    def test_that_is_no_command_is_told_and_left_out(self, minidl, site, answer):
        source = (
            f"from minidl_core import hookimpl\n@hookimpl\ndef minidl_commands(): return {answer}"
        )
        site.install("wrong", {"minidl": {"w": "wrong"}}, {"wrong": source})
        done = minidl("--help")
        assert "Commands:" in done.stdout
        assert ("wrong 1.0 must answer a list of click commands" in done.stderr) == (
            answer != "None"
        )


def test_an_unknown_command_gets_a_suggestion(minidl):
    assert 'did you mean "doctor"?' in minidl("docter", expect=2).stderr
    assert "there are: check" in minidl("zzz", expect=2).stderr
