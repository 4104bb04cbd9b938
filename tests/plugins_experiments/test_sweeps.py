"""``minidl run --sweep``: each setting trains as it would alone, and nothing is lost on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from minidl_plugins_experiments.config.grid import settings_of, swept
from minidl_plugins_experiments.training.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Minidl, Write

GRID = ("--sweep", "optimizer.lr=0.05,0.2", "--sweep", "optimizer.momentum=0,0.9")


def read(folder: Path, name: str = "sweep.json") -> dict[str, Any]:
    return dict(json.loads((folder / name).read_text(encoding="utf-8")))


def by_values(summary: dict[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(each["values"].values()): each for each in summary["settings"]}


# -- what the command line says --------------------------------------------------------------------


def test_values_are_toml_between_commas() -> None:
    assert swept(["a.b=1,2.5", "c=x,'y,z'", "d=[1, 2],[3]"]) == {
        "a.b": [1, 2.5],
        "c": ["x", "y,z"],
        "d": [[1, 2], [3]],
    }


def test_the_last_key_changes_fastest() -> None:
    assert settings_of({"a": [1, 2], "b": [3, 4]}) == [
        {"a": 1, "b": 3},
        {"a": 1, "b": 4},
        {"a": 2, "b": 3},
        {"a": 2, "b": 4},
    ]
    assert settings_of({}) == [{}]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("optimizer.lr", "expected KEY=VALUE,VALUE, got 'optimizer.lr'"),
        ("optimizer.lr=", "expected a list of values, got none"),
        ("optimizer.lr=0.1,0.1", "sweep.optimizer.lr: 0.1 is given twice"),
        ("optimizer.lr=-1,0.1", "lr must be a finite number of at least 0, got -1"),
        ("optimizer.lt=1,2", 'has no argument "lt". Did you mean "lr"?'),
        ("epohcs=1,2", 'there is no key "epohcs". Did you mean "epochs"?'),
        ("model[9].Linear=1,2", "expected a place 9"),
        ("batch_size=10,x y", "expected a value as TOML writes it"),
        ("seed=" + ",".join(map(str, range(1001))), "1001 settings, and 1000 are the most"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    minidl: Minidl, write: Write, tmp_path: Path, argument: str, words: str
) -> None:
    done = minidl("run", write(), "--sweep", argument)
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "runs").exists()


def test_seeds_are_swept_as_a_key(minidl: Minidl, write: Write) -> None:
    done = minidl("run", write(), "--seeds", 2, *GRID)
    assert done.status == 2
    assert "--sweep seed=3,4,5" in done.err


def test_a_key_given_twice_is_refused(minidl: Minidl, write: Write) -> None:
    done = minidl("run", write(), "--sweep", "optimizer.lr=1", "--sweep", "optimizer.lr=2")
    assert "optimizer.lr is given twice" in done.err


def test_a_dry_run_checks_every_setting(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    grid = ("--sweep", "batch_size=10,20", "--sweep", "optimizer.lr=0.1,0.2")
    done = minidl("run", write(), "--dry-run", *grid)
    assert done.status == 0
    assert done.out.count("nothing was trained and nothing written") == 2
    assert not (tmp_path / "runs").exists()
    assert minidl("run", write(), "--dry-run", "--sweep", "batch_size=10,0").status == 2


# -- what it comes to ------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [1, 2])
def test_each_setting_is_what_it_is_alone(
    minidl: Minidl, write: Write, tmp_path: Path, restarts: int
) -> None:
    file = write(dtype='"float64"', schedule='"linear"', restarts=str(restarts))
    assert minidl("run", file, "--quiet", "--output", "swept", *GRID).status == 0
    summary = read(tmp_path / "swept")
    assert summary["stacked"] == [True]
    settings = by_values(summary)
    assert len(settings) == 4
    for (lr, momentum), setting in settings.items():
        sets = ("--set", f"optimizer.lr={lr}", "--set", f"optimizer.momentum={momentum}")
        folder = f"alone-{lr}-{momentum}"
        assert minidl("run", file, "--quiet", "--output", folder, *sets).status == 0
        last = read(tmp_path / folder, "result.json")["epochs"][-1]
        for metric in ("train_loss", "train_error", "test_error"):
            assert setting[metric] == pytest.approx(last[metric], rel=1e-9)


def test_other_keys_get_a_run_for_each_value(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    grid = ("--sweep", "batch_size=10,20", "--sweep", "optimizer.lr=0.1,0.2")
    done = minidl("run", write(), "--output", "swept", *grid)
    assert done.status == 0
    summary = read(tmp_path / "swept")
    assert [group["folder"] for group in summary["groups"]] == ["group-1", "group-2"]
    assert set(by_values(summary)) == {(10, 0.1), (10, 0.2), (20, 0.1), (20, 0.2)}
    best = summary["settings"][0]["values"]
    assert f"--set batch_size={best['batch_size']} --set optimizer.lr=" in done.out
    assert (tmp_path / "swept" / "figures" / "sweep.png").read_bytes()[:4] == b"\x89PNG"


def test_a_layer_can_be_swept(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    file = write(optimizer='{ name = "SGD", lr = 0.1, optional = { momentum = 0.9 } }')
    grid = ("--sweep", 'model[1]="Tanh","ReLU"', "--sweep", "optimizer.momentum=0,0.5")
    assert minidl("run", file, "--output", "swept", *grid).status == 0
    assert set(by_values(read(tmp_path / "swept"))) == {
        *(("Tanh", 0), ("Tanh", 0.5), ("ReLU", 0), ("ReLU", 0.5))
    }


def test_a_file_can_say_its_sweep(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    file = write()
    file.write_text(f"{file.read_text()}\n[sweep]\noptimizer.lr = [0.1, 0.2]\n")
    done = minidl("run", file, "--output", "swept", "--sweep", "optimizer.momentum=0,0.9")
    assert done.status == 0
    assert read(tmp_path / "swept")["sweep"] == {
        "optimizer.lr": [0.1, 0.2],
        "optimizer.momentum": [0, 0.9],
    }


def test_the_best_setting_comes_first(minidl: Minidl, write: Write) -> None:
    grid = ("--sweep", "optimizer.lr=0.0001,0.1", "--no-figures")
    lines = minidl("run", write(epochs="8"), *grid).out.splitlines()
    assert lines[0].split()[0] == "optimizer.lr"
    assert [line.split()[0] for line in lines[1:3]] == ["0.1", "0.0001"]


def test_a_setting_that_diverges_leaves_the_others(
    minidl: Minidl, write: Write, tmp_path: Path
) -> None:
    file = write(model="[{ Linear = [2, 4] }, { Linear = [4, 2] }]", epochs="30")
    grid = ("--sweep", "optimizer.lr=0.1,1e30", "--no-figures")
    done = minidl("run", file, "--output", "swept", *grid)
    assert done.status == 0
    settings = by_values(read(tmp_path / "swept"))
    assert settings[(1e30,)]["train_loss"] == [None]
    assert settings[(0.1,)]["train_loss"][0] < 1
    assert "diverged" in done.out.splitlines()[2]


def test_random_layers_are_trained_one_after_another(
    minidl: Minidl, write: Write, tmp_path: Path
) -> None:
    pytest.importorskip("minidl_plugins_nn")
    model = "[{ Linear = [2, 4] }, { Dropout = { p = 0.5 } }, { Linear = [4, 2] }]"
    done = minidl("run", write(model=model), "--output", "swept", *GRID)
    assert done.status == 0
    assert read(tmp_path / "swept")["stacked"] == [False]
    assert "draws random numbers" in done.out


def test_with_early_stopping_each_setting_stops_on_its_own(
    minidl: Minidl, write: Write, tmp_path: Path
) -> None:
    file = write(stop='{ patience = 2, on = "train_loss" }', epochs="9")
    done = minidl("run", file, "--output", "swept", "--sweep", "optimizer.lr=0,0.1")
    assert done.status == 0, done.err
    assert len(read(tmp_path / "swept")["groups"]) == 2
    epochs = [len(read(tmp_path / "swept" / f"group-{n}", "result.json")["epochs"]) for n in (1, 2)]
    assert epochs[0] == 3 < epochs[1]


# -- stopped and continued -------------------------------------------------------------------------


def test_a_stopped_sweep_ends_as_an_undisturbed_one(
    minidl: Minidl, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = ("--sweep", "batch_size=10,20", "--sweep", "optimizer.lr=0.1,0.2", "--no-figures")
    file = write(optimizer='{ name = "SGD", lr = 0.1, optional = { momentum = 0.9 } }')
    assert minidl("run", file, "--output", "whole", *grid).status == 0
    whole = read(tmp_path / "whole")
    train_epoch = Run._train_epoch
    for stop_at in (2, 5):  # in the first group, and in the second
        epochs = iter(range(1, 100))

        def stop(self: Run, *args: Any, at: int = stop_at, count: Any = epochs) -> None:
            if next(count) == at:
                raise KeyboardInterrupt
            train_epoch(self, *args)

        folder = f"stopped-{stop_at}"
        monkeypatch.setattr(Run, "_train_epoch", stop)
        done = minidl("run", file, "--output", folder, "--checkpoint-every", 0, *grid)
        assert done.status == 130
        assert f"the sweep is continued with: minidl run --resume {folder}" in done.err
        monkeypatch.setattr(Run, "_train_epoch", train_epoch)
        assert minidl("run", "--resume", folder, "--no-figures").status == 0
        assert read(tmp_path / folder)["settings"] == whole["settings"]
    assert minidl("run", "--resume", "whole").status == 0, "there is nothing left to do"


def test_a_damaged_summary_is_one_sentence(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    assert minidl("run", write(), "--output", "swept", "--no-figures", *GRID).status == 0
    summary = read(tmp_path / "swept")
    del summary["groups"]
    summary["status"] = "running"
    (tmp_path / "swept" / "sweep.json").write_text(json.dumps(summary))
    done = minidl("run", "--resume", "swept")
    assert done.status == 1
    assert "is damaged: it has no groups" in done.err
