"""Whoever is installed sees every run; nobody is named."""

from __future__ import annotations

import json

import pytest

from minidl_core import Hooks


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("by", ["option", "environment"])
def test_lines_of_json_are_written_along(minidl, write, tmp_path, monkeypatch, by):
    file = tmp_path / "events.jsonl"
    option = ["--json-lines", file] if by == "option" else []
    if by == "environment":
        monkeypatch.setenv("MINIDL_JSON_LINES", str(file))
    assert minidl("run", write(), "--no-figures", "--output", "run", *option).status == 0
    started, *epochs, finished = lines_of(file)
    assert (started["event"], started["name"], started["seed"]) == ("started", "small", 3)
    assert started["folder"] == "run"
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert epochs[-1]["metrics"] == result["final"]
    assert (finished["event"], finished["error"]) == ("finished", None)
    assert len({line["run"] for line in (started, *epochs, finished)}) == 1


def test_nothing_is_written_unless_it_is_asked_for(minidl, write, tmp_path):
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "small.toml"]


def test_a_failed_run_is_told_with_its_reason(minidl, write, tmp_path):
    path = write(optimizer='{ name = "SGD", lr = 1e30 }')
    assert minidl("run", path, "--json-lines", tmp_path / "events").status == 1
    assert lines_of(tmp_path / "events")[-1]["error"].startswith("NonFiniteError: ")


def test_a_strangers_observer_sees_it_too(minidl, write, tmp_path, monkeypatch):
    """The log of acme-nets, which nothing here names but its own variable."""
    monkeypatch.setenv("ACME_RUN_LOG", str(tmp_path / "acme.jsonl"))
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    started, *epochs, finished = lines_of(tmp_path / "acme.jsonl")
    assert started["what"] == "small, seed 3, in run"
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert finished["error"] is None


def test_an_observer_that_raises_costs_nothing_but_itself(minidl, write, tmp_path, monkeypatch):
    monkeypatch.setenv("ACME_RUN_LOG", str(tmp_path))  # a folder: it cannot be written to
    done = minidl("run", write(), "--no-figures", "--output", "run")
    assert done.status == 0
    assert "the hook minidl_run_started of acme-nets/run_log raised IsADirectoryError" in done.err
    assert json.loads((tmp_path / "run/result.json").read_text())["status"] == "finished"


def test_what_an_observer_prints_is_no_answer(minidl, write, monkeypatch):
    def printing(self, hook, **event):
        print("noise")
        return []

    monkeypatch.setattr(Hooks, "call_each", printing)
    done = minidl("run", write(), "--no-figures", "--quiet", "--output", "run")
    assert done.status == 0
    assert done.out == "run\n"
    assert "noise" in done.err
