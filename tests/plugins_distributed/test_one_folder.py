"""One run folder and one voice, whatever the options of `minidl run`."""

from __future__ import annotations

import json
import subprocess
import sys

from .processes import MINIDL, environment


def test_all_that_one_process_leaves_once(together, write, tmp_path):
    parallel, _ = write()
    done = together(2, *MINIDL, parallel, "--json-lines", "lines.jsonl")
    assert done.status == 0, done.err
    assert done.out.count("run: runs/small-parallel-1") == 1
    assert done.err.count("epoch 4/4") == 1
    (folder,) = (tmp_path / "runs").iterdir()
    assert {"result.json", "weights.safetensors", "checkpoint.safetensors", "figures"} <= {
        path.name for path in folder.iterdir()
    }
    lines = (tmp_path / "lines.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["started", *["epoch"] * 4, "finished"]
    result = json.loads((folder / "result.json").read_text())
    names = {component["key"]: component["name"] for component in result["components"]}
    assert names["optimizer.DataParallel"] == "DataParallel"
    assert names["optimizer.DataParallel.optimizer.SGD"] == "SGD"
    assert result["configuration"]["optimizer"]["optimizer"] == {
        "name": "SGD",
        "lr": 0.1,
        "momentum": 0.9,
    }


def test_a_dry_run_prints_once_and_writes_nothing(together, write, tmp_path):
    parallel, _ = write()
    done = together(2, *MINIDL, parallel, "--dry-run")
    assert done.status == 0, done.err
    assert done.out.count("nothing was trained and nothing written") == 1
    assert not (tmp_path / "runs").exists()


def test_several_seeds(together, write, tmp_path):
    parallel, alone = write(epochs="2")
    done = together(2, *MINIDL, parallel, "--seeds", "2", "--no-figures", "--output", "two")
    assert done.status == 0, done.err
    assert done.out.count("seeds: 2, from 3") == 1
    subprocess.run(
        [sys.executable, *MINIDL, str(alone), "--seeds", "2", "--no-figures", "--output", "one"],
        cwd=tmp_path,
        env=environment(),
        check=True,
    )
    one, two = (
        json.loads((tmp_path / name / "seeds.json").read_text())["test_errors"]
        for name in ("one", "two")
    )
    assert one == two


def test_one_process_of_torchrun(together, write, tmp_path):
    parallel, _ = write()
    done = together(1, *MINIDL, parallel, "--no-figures", "--quiet")
    assert (done.status, done.out) == (0, "runs/small-parallel-1\n"), done.err
