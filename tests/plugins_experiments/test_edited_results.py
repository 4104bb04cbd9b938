"""A result file that was edited or damaged is refused by name."""

from __future__ import annotations

import json
import os
import stat

import pytest


@pytest.fixture
def stopped(minidl, write, tmp_path, monkeypatch):
    """The result file of a run that was stopped after its second epoch of four."""
    from minidl_core import registry

    call_each = type(registry.hooks).call_each

    def interrupted(self, hook, **given):
        if hook == "minidl_epoch_ended" and given["epoch"] == 2:
            raise KeyboardInterrupt
        return call_each(self, hook, **given)

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.hooks), "call_each", interrupted)
        assert minidl("run", write(epochs="4"), "--no-figures", "--output", "run").status == 130
    return tmp_path / "run/result.json"


def edit(path, change):
    result = json.loads(path.read_text())
    change(result)
    path.write_text(json.dumps(result))


@pytest.mark.parametrize("digest", ["kept", "removed"])
def test_an_edited_configuration_is_refused(minidl, stopped, digest):
    def change(result):
        result["configuration"]["optimizer"]["lr"] = 0.3
        if digest == "removed":
            del result["digest"]

    edit(stopped, change)
    done = minidl("run", "--resume", "run")
    assert done.status == 1
    assert "configuration in run/result.json" in done.err


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (["configuration"], None, "it has no configuration"),
        (["data", "fingerprint"], None, "it has no data.fingerprint"),
        (["restarts"], [], "expected restarts to be a dict, got list"),
        (["restarts", "dead"], None, "it has no restarts.dead"),
        (["timing"], None, "it has no timing"),
        (["final"], 3, "expected final to be a dict, got int"),
        (["epochs"], [4], "expected epochs[0] to be a dict, got int"),
        (["epochs"], [{"train_loss": ["a"]}], "expected epochs[0].train_loss to be a list of"),
    ],
)
def test_a_damaged_result_names_its_key(minidl, stopped, keys, value, said):
    def change(result):
        *before, last = keys
        for key in before:
            result = result[key]
        if value is None:
            del result[last]
        else:
            result[last] = value

    edit(stopped, change)
    for arguments in (["run", "--resume", "run"], ["compare", "run", "--no-figure"]):
        done = minidl(*arguments)
        assert done.status == 1
        assert f"run/result.json is damaged: {said}" in done.err
        assert "Traceback" not in done.err


def test_a_damaged_series_names_its_key(minidl, write, tmp_path):
    assert minidl("run", write(), "--seeds", "2", "--no-figures", "--output", "many").status == 0
    edit(tmp_path / "many/seeds.json", lambda summary: summary.pop("seeds"))
    for arguments in (["run", "--resume", "many"], ["compare", "many", "--no-figure"]):
        done = minidl(*arguments)
        assert done.status == 1
        assert "many/seeds.json is damaged: it has no seeds" in done.err


def test_a_finished_run_says_so(minidl, write):
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    done = minidl("run", "--resume", "run")
    assert done.status == 0
    assert "run is finished, and nothing is left to do" in done.err


def test_a_run_folder_obeys_the_umask(minidl, write, tmp_path):
    before = os.umask(0o077)
    try:
        assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    finally:
        os.umask(before)
    modes = [path.stat().st_mode for path in [tmp_path / "run", *(tmp_path / "run").iterdir()]]
    assert all(stat.S_IMODE(mode) & 0o077 == 0 for mode in modes)


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ("-1", "expected a whole number of at least 0, got -1; write seed = 0 or more"),
        (str(2**63), f"expected a whole number below 2^63 ({2**63}), got {2**63}"),
    ],
)
def test_a_seed_out_of_range_is_refused(minidl, write, seed, said):
    done = minidl("run", write(seed=seed), "--dry-run")
    assert done.status == 2
    assert said in done.err
