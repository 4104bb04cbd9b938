"""Several seeds, and runs side by side."""

from __future__ import annotations

import json
import shutil
import statistics

import pandas as pd
import pytest


def test_seeds_are_run_one_by_one_and_told_in_three_numbers(minidl, write, tmp_path):
    done = minidl("run", write(restarts="2"), "--seeds", "4", "--output", "many")
    assert done.status == 0, done.err
    summary = json.loads((tmp_path / "many/seeds.json").read_text())
    assert summary["seeds"] == [3, 4, 5, 6]
    errors = [
        json.loads((tmp_path / f"many/seed-{seed}/result.json").read_text())["final"]["test_error"]
        for seed in summary["seeds"]
    ]
    assert summary["test_errors"] == errors
    assert summary["median"] == statistics.median(errors)
    assert (summary["best"], summary["worst"]) == (min(errors), max(errors))
    assert summary["restarts"] == 8
    for which in ("best:", "median:", "worst:", "dead restarts:"):
        assert which in done.out
    assert (tmp_path / "many/figures/seeds.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_alone_is_the_seed_among_many(minidl, write, tmp_path):
    assert minidl("run", write(), "--seeds", "2", "--no-figures", "--output", "many").status == 0
    arguments = ["--set", "seed=4", "--no-figures", "--output", "one"]
    assert minidl("run", write(), *arguments).status == 0
    many, one = tmp_path / "many/seed-4/weights.safetensors", tmp_path / "one/weights.safetensors"
    assert many.read_bytes() == one.read_bytes()


def test_seeds_that_were_stopped_go_on(minidl, write, tmp_path):
    for name in ("whole", "stopped"):
        arguments = ["--seeds", "3", "--no-figures", "--output", name]
        assert minidl("run", write(), *arguments).status == 0
    summary = tmp_path / "stopped/seeds.json"
    content = json.loads(summary.read_text())
    for key in ("finished", "test_errors", "best", "median", "worst"):
        del content[key]
    summary.write_text(json.dumps({**content, "status": "running"}))
    for path in (tmp_path / "stopped/seed-5").iterdir():
        path.unlink()
    (tmp_path / "stopped/seed-5").rmdir()
    assert minidl("run", "--resume", "stopped", "--no-figures").status == 0
    whole, again = (
        json.loads((tmp_path / name / "seeds.json").read_text()) for name in ("whole", "stopped")
    )
    assert whole["test_errors"] == again["test_errors"]
    assert minidl("run", "--resume", "stopped").status == 0


def test_resumed_seeds_keep_optional_arguments(minidl, write, tmp_path):
    """A series that lost a seed trains it again with momentum, which the file says is optional."""
    path = write(optimizer='{ name = "SGD", lr = 0.1, optional = { momentum = 0.9 } }')
    for name in ("whole", "stopped"):
        assert minidl("run", path, "--seeds", "2", "--no-figures", "--output", name).status == 0
    file = tmp_path / "stopped/seeds.json"
    summary = json.loads(file.read_text())
    assert summary["configuration"]["optimizer"]["momentum"] == 0.9
    file.write_text(json.dumps({**summary, "status": "running"}))
    shutil.rmtree(tmp_path / "stopped/seed-4")
    assert minidl("run", "--resume", "stopped", "--no-figures").status == 0
    whole, stopped = (
        (tmp_path / name / "seed-4/weights.safetensors").read_bytes()
        for name in ("whole", "stopped")
    )
    assert whole == stopped


def test_runs_side_by_side_show_what_differs(minidl, write, tmp_path):
    for name, lr in (("slow", 0.01), ("fast", 0.2)):
        arguments = ["--set", f"optimizer.lr={lr}", "--no-figures", "--output", name]
        assert minidl("run", write(), *arguments).status == 0
    assert minidl("run", write(), "--seeds", "2", "--no-figures", "--output", "many").status == 0
    done = minidl("compare", "slow", "fast", "many", "--figure", "both.png")
    assert done.status == 0, done.err
    header, *rows = done.out.splitlines()
    for column in ("run", "optimizer.lr", "seed", "train error", "test error", "status"):
        assert column in header
    assert "batch_size" not in header
    assert [row.split()[0] for row in rows] == [
        "slow", "fast", "many/seed-3", "many/seed-4", "figure:",
    ]  # fmt: skip
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_no_run_cannot_be_compared(minidl, write, tmp_path):
    (tmp_path / "empty").mkdir()
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    for folder, said in (("empty", "is not a run folder"), ("none", "there is no such")):
        done = minidl("compare", "run", folder)
        assert done.status == 1
        assert said in done.err
    done = minidl("compare", "run", "--figure", "run/result.json/here.png")
    assert done.status == 1, done
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "many",
    [
        ["--seeds", "3"],
        ["--sweep", "optimizer.lr=0.1,0.2"],  # one stack
        ["--sweep", "batch_size=10,20", "--sweep", "seed=3,4"],  # runs of their own
    ],
    ids=["seeds", "stack", "sweep of seeds"],
)
def test_a_table_is_read_once_for_all_runs(many, minidl, write, tmp_path, monkeypatch):
    rows = "\n".join(f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(40))
    (tmp_path / "table.csv").write_text(f"x,y,label\n{rows}\n")
    read, times = pd.read_csv, []

    def counted(*args, **kwargs):
        times.append(args)
        return read(*args, **kwargs)

    monkeypatch.setattr(pd, "read_csv", counted)
    path = write(
        data='{ name = "csv", path = "table.csv", target = "label", task = "classification" }',
        model='[{ Linear = [2, 4] }, "Tanh", { Linear = [4, 2] }]',
    )
    done = minidl("run", path, *many, "--no-figures", "--output", "many")
    assert done.status == 0, done.err
    assert len(times) == 1
