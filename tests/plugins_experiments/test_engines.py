"""The engine of a run: chosen by name, and named in the result."""

from __future__ import annotations

import json

import pytest

ENGINES = '''
from minidl_core import eager

calls = []


def counting(model, loss, optimizer):
    """Count the steps."""
    step = eager(model, loss, optimizer)

    def counted(inputs, target):
        calls.append(len(target))
        return step(inputs, target)

    return counted
'''


@pytest.fixture
def calls(install):
    """The batches that the engine ``counting`` has seen."""
    install("counting_engine", ENGINES, "[minidl.engines]\ncounting = counting_engine:counting\n")
    import counting_engine

    counting_engine.calls.clear()
    return counting_engine.calls


@pytest.mark.parametrize("where", ["file", "option", "environment"])
def test_a_named_engine_carries_out_the_steps(minidl, write, tmp_path, calls, monkeypatch, where):
    given = {"engine": '"counting"'} if where == "file" else {}
    path = write(baseline="false", **given)
    options = ["--engine", "counting"] if where == "option" else []
    if where == "environment":
        monkeypatch.setenv("MINIDL_ENGINE", "counting")
    done = minidl("run", path, *options, "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    assert calls == [20] * 9
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["engine"] == "counting"
    assert result["configuration"].get("engine") == (None if where == "environment" else "counting")


def test_an_unknown_engine_is_refused(minidl, write):
    done = minidl("run", write(), "--engine", "eagre")
    assert done.status == 2
    assert 'engine: No engine "eagre". Did you mean "eager"?' in done.err


def test_a_resumed_run_keeps_its_engine(minidl, write, tmp_path, calls):
    assert (
        minidl(
            "run", write(engine='"counting"', baseline="false"), "--no-figures", "--output", "run"
        ).status
        == 0
    )
    path = tmp_path / "run/result.json"
    result = {**json.loads(path.read_text()), "status": "running"}
    path.write_text(json.dumps(result))
    (tmp_path / "run/checkpoint.safetensors").unlink()
    calls.clear()
    assert minidl("run", "--resume", "run", "--no-figures").status == 0
    assert len(calls) == 9


def test_an_engine_must_be_a_name(minidl, write):
    done = minidl("run", write(engine="3"))
    assert done.status == 2
    assert "engine: expected the name of an engine, got 3" in done.err
