"""Every problem that ``minidl doctor`` finds, each with a cure."""

from __future__ import annotations

import json

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
