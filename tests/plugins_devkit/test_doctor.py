"""Every problem that ``minidl doctor`` finds, each with a cure."""

from __future__ import annotations

import json
import os

import pytest

HOOKED = "from minidl_core import hookimpl\n@hookimpl\ndef minidl_run(): ..."


def causes(minidl, **settings):
    """Subject and cause of each problem."""
    problems = json.loads(minidl("doctor", "--json", expect=1, **settings).stdout)
    assert all(problem["cure"] for problem in problems)
    return {(problem["subject"], problem["cause"]) for problem in problems}


def test_nothing_wrong_is_said_so(minidl):
    assert "Everything is well; 2 distributions looked at." in minidl("doctor").stdout


def test_a_broken_plugin_is_found_with_a_cure(minidl, broken):
    out = minidl("doctor", expect=1).stdout
    assert "acme-boom/Boom" in out
    assert "SystemExit: boom" in out
    assert "MINIDL_DISABLE=acme-boom" in out
    problems = json.loads(minidl("doctor", "--json", expect=1).stdout)
    assert [problem["subject"] for problem in problems] == ["acme-boom/Boom", "hooks"]
    assert all(problem["cure"] for problem in problems)


def test_a_disabled_plugin_is_no_problem(minidl, broken):
    assert "Everything is well" in minidl("doctor", MINIDL_DISABLE="acme-boom").stdout


def test_finds_every_kind_of_problem(minidl, site):
    site.layer("acme", "acme_c.linear", "Linear")
    site.layer("zeta", "zeta_c.linear", "Linear")
    site.install("stale", {"minidl.losses": {"Gone": "gone:Gone"}})
    site.install("typo", {"minidl.module": {"Swish": "acme_c.linear:Linear"}})
    site.install("lines", "[minidl.modules]\nnonsense\n")
    site.install("hooked", {"minidl": {"h": "hooked"}}, {"hooked": HOOKED})
    site.layer("newer", "newer_c.gelu", "Gelu", requires=["minidl-core>=99"])
    settings = {"MINIDL_DISABLE": "nobody", "MINIDL_PREFER": "nobody/Linear"}
    assert {(subject, cause[:28]) for subject, cause in causes(minidl, **settings)} == {
        ("nobody", "is disabled, but not install"),
        ("nobody/Linear", "is preferred, but not instal"),
        ("Linear", '"Linear" of the modules is c'),
        ("stale/Gone", '"Gone" of stale 1.0 cannot b'),
        ("typo 1.0", "its entry point Swish is in "),
        ("lines 1.0", "line 2 of entry_points.txt, "),
        ("hooks", "minidl_run of hooked/h: ther"),
        ("newer 1.0", "incompatible: requires minid"),
    }


def test_an_undeclared_kind_gets_a_suggestion(minidl, site):
    site.install("typo", {"minidl.module": {"Swish": "acme_c.linear:Linear"}})
    ((_, cause),) = causes(minidl)
    assert cause.endswith('declares the kind module. Did you mean "modules"?')


@pytest.mark.parametrize(
    ("group", "source", "expected"),
    [
        pytest.param("kinds", "class Thing: pass", "no Protocol with abstract methods", id="kind"),
        pytest.param("hookspecs", "raise OSError", "cannot be imported", id="hookspecs"),
        pytest.param("engines", "Thing = 3", "must be something that can be called", id="engine"),
        pytest.param("commands", "def Thing(): pass", "is no click command", id="command"),
        pytest.param("commands", "raise OSError", "cannot be imported", id="broken command"),
    ],
)
def test_looks_at_every_door(minidl, site, group, source, expected):
    module = "strange" if group == "hookspecs" else "strange:Thing"
    site.install("strange", {f"minidl.{group}": {"thing": module}}, {"strange": source})
    assert any(
        subject == "strange/thing" and expected in cause for subject, cause in causes(minidl)
    )


def test_components_of_a_strangers_kind_are_held_to_its_contract(minidl, site):
    source = """
    from abc import abstractmethod
    from typing import Protocol
    class Schedule(Protocol):
        @abstractmethod
        def factor(self, step): ...
    class Flat: pass
    """
    points = {
        "minidl.kinds": {"schedules": "acme_s:Schedule"},
        "minidl.schedules": {"Flat": "acme_s:Flat"},
    }
    site.install("acme", points, {"acme_s": source})
    assert {subject for subject, _ in causes(minidl)} == {"acme/Flat"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import os; os._exit(3)", "ended the process with status 3", id="_exit"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "the process by SIGKILL", id="killed"),
        pytest.param("while True: pass", "did not end within 1 seconds", id="loops"),
        pytest.param("import sys; sys.exit(3)", "gave SystemExit: 3", id="exit"),
        pytest.param("raise KeyboardInterrupt", "raised KeyboardInterrupt", id="interrupt"),
    ],
)
@pytest.mark.parametrize("group", ["minidl.modules", "minidl.commands", "minidl.kinds", "minidl"])
def test_outlives_what_it_imports(minidl, site, source, expected, group):
    site.layer("zeta", "zeta.fine", "Fine")
    site.install("acme", {group: {"thing": "acme_h:Thing"}}, {"acme_h": source})
    done = minidl("doctor", "--json", "--seconds", "1", expect=1)
    problems = json.loads(done.stdout)
    assert all("acme" in p["subject"] + p["cause"] and p["cure"] for p in problems)
    assert any(expected in problem["cause"] for problem in problems) or group == "minidl"
    assert "importing acme" in done.stderr.partition("did not end")[0]


def test_a_broken_library_is_one_problem(minidl, site):
    (site.folder / "vendor.py").write_text("raise OSError('libfoo.so.12')")
    points = {"minidl.modules": {name: f"acme_{name}:X" for name in "abc"}}
    modules = {f"acme_{name}": "import vendor\nclass X: ..." for name in "abc"}
    site.install("acme", points, modules, requires=["vendor>=2"])
    assert causes(minidl) == {
        ("vendor", "cannot be imported: OSError: libfoo.so.12; needed by acme")
    }


def test_a_missing_library_is_one_problem(minidl, site):
    for name in ("acme", "zeta"):
        points = {"minidl.modules": {f"{name}X": f"{name}_m:X", f"{name}Y": f"{name}_m:Y"}}
        site.install(name, points, {f"{name}_m": "import vendor"})
    assert causes(minidl) == {
        ("vendor", "is not installed, and acme, zeta cannot be imported without it")
    }


def test_components_with_one_cause_are_one_problem(minidl, site):
    points = {"minidl.modules": dict.fromkeys("abc", "acme_o:X")}
    site.install("acme", points, {"acme_o": "raise OSError('once')"})
    ((subject, cause),) = causes(minidl)
    assert subject == "acme/a"
    assert cause.endswith("gave OSError: once; so it is with acme/b, acme/c")


def test_unreadable_metadata_are_named(minidl, site):
    (site.folder / ".dist-info").mkdir()
    (site.folder / "acme-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    fifo = site.folder / "zeta-1.0.dist-info"
    fifo.mkdir()
    os.mkfifo(fifo / "entry_points.txt")
    headless = site.install("headless", {"minidl.modules": {"X": "json:JSONDecoder"}})
    (headless / "METADATA").unlink()
    os.mkfifo(headless / "METADATA")
    found = {(subject.rpartition("/")[2], cause) for subject, cause in causes(minidl)}
    unreadable = "its entry_points.txt cannot be read: it is no file, but a"
    assert ("acme-1.0.dist-info", f"{unreadable} folder") in found
    assert ("zeta-1.0.dist-info", f"{unreadable} FIFO") in found
    assert ".dist-info" in {subject for subject, _ in found}
    assert any(cause.endswith("has no readable METADATA") for _, cause in found)


def test_an_editable_project_in_its_own_folder_is_fine(minidl, site):
    site.layer("acme", "acme_e.x", "X")
    project = site.folder / "libraries"
    (project / "acme.egg-info").mkdir()
    (project / "acme.egg-info" / "entry_points.txt").write_text("[minidl.modules]\nX=acme_e.x:X\n")
    (project / "acme.egg-info" / "PKG-INFO").write_text("Name: acme\nVersion: 1.0\n")
    assert "Everything is well" in minidl("doctor").stdout


def test_what_a_plugin_prints_has_its_name(minidl, site):
    source = "import os\nos.system('echo from a shell')\nos.write(1, b'from C')"
    site.layer("acme", "acme_p.x", "X")
    (site.folder / "acme_p" / "__init__.py").write_text(source)
    done = minidl("doctor")
    assert done.stdout == "Everything is well; 3 distributions looked at.\n"
    assert "acme printed: from a shell\nfrom C" in done.stderr
