"""``python examples/disk.py`` and ``disk_seeds.py``, as a user runs them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

PNG = b"\x89PNG\r\n\x1a\n"
FIGURES = ["disk_errors.png", "disk_test.png", "disk_train.png"]


def is_picture(path: Path) -> bool:
    """Whether it is a PNG with more than a frame and an empty page in it."""
    from matplotlib.image import imread

    if not path.read_bytes().startswith(PNG):
        return False
    pixels = imread(path)[..., :3].reshape(-1, 3)
    coloured = pixels.max(1) - pixels.min(1) > 0.2
    return len(pixels) > 100_000 and int(coloured.sum()) > 500


def test_without_arguments_it_trains_and_tells(run_example, tmp_path):
    done = run_example("disk.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("|x Sequential:\n| | Sequential:\n| | | Linear Layer, in: 2, ")
    assert float(re.search(r"^train error: (.*)%$", done.stdout, re.MULTILINE)[1]) < 3
    assert float(re.search(r"^test error:  (.*)%$", done.stdout, re.MULTILINE)[1]) < 4
    assert "epoch 50/50" in done.stderr
    assert "training time" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_all_that_can_be_asked_for_at_once(run_example, tmp_path):
    done = run_example(
        "disk.py", "--seed=0", "--restarts=4", "--epochs=12", "--epoch-errors", "--plots", "--time"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^ +\d+ +\d+\.\d% +\d+\.\d%$", done.stdout, re.MULTILINE)) == 12
    assert re.search(
        r"^restarts: \d of 4 died; kept restart \d, whose training loss is the lowest "
        r"\(\d\.\d{4}\)$",
        done.stdout,
        re.MULTILINE,
    )
    assert re.search(r"^training time: \d+\.\d\d s$", done.stdout, re.MULTILINE)
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == FIGURES
    assert all(is_picture(tmp_path / "figures" / name) for name in FIGURES)


def test_one_start_that_died_is_told(disk, capsys):
    disk.main(["--seed=0", "--epochs=20"])
    assert "this restart died: its training error is above 25%; try --restarts 16" in (
        capsys.readouterr().out
    )


def test_the_booleans_at_the_head_are_the_flags_defaults(disk, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert (disk.PLOTS, disk.TIME) == (False, False)
    monkeypatch.setattr(disk, "PLOTS", True)
    monkeypatch.setattr(disk, "TIME", True)
    disk.main(["--epochs=1"])
    assert "training time" in capsys.readouterr().out
    assert sorted(path.name for path in Path("figures").iterdir()) == FIGURES
    disk.main(["--epochs=1", "--no-plots", "--no-time", "--output=elsewhere"])
    assert "training time" not in capsys.readouterr().out
    assert not Path("elsewhere").exists()


def test_the_true_circle_is_drawn_where_normalising_puts_it(disk):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    result = disk.run(seed=3, epochs=1)
    disk.paint_points(axes, result, "test")
    (ellipse,) = axes.patches
    mean, std = result.data.mean.tolist(), result.data.std.tolist()
    for x, y in ellipse.get_patch_transform().transform([(1, 0), (0, 1), (-0.6, 0.8)]):
        across, up = x * std[0] + mean[0] - 0.5, y * std[1] + mean[1] - 0.5
        assert across**2 + up**2 == pytest.approx(disk.RADIUS**2, rel=1e-5)


def test_the_misclassified_points_are_the_ones_marked(disk):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    result = disk.run(seed=3, epochs=1)
    disk.paint_points(axes, result, "train")
    blue, orange, crosses = (scatter.get_offsets() for scatter in axes.collections)
    assert len(blue) == len(orange) == 500
    assert len(crosses) == round(1000 * result.train_errors[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs=-3"], "epochs: expected a whole number of at least 1, got -3"),
        (["--epochs=0"], "epochs: expected a whole number of at least 1, got 0"),
        (["--epochs=many"], "argument --epochs: invalid int value: 'many'"),
        (["--restarts=0"], "restarts: expected a whole number of at least 1, got 0"),
        (["--seed=-1"], "seed: expected a whole number of at least 0, got -1"),
        (["--init=he"], "argument --init: invalid choice: 'he'"),
        (["--plots", f"--output={os.devnull}"], "output: expected a folder that can be written to"),
    ],
)
def test_a_mistake_gets_one_clear_message(disk, capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        disk.main(arguments)
    assert stopped.value.code == 2
    *usage, last = capsys.readouterr().err.splitlines()
    assert f"error: {message}" in last
    assert usage[0].startswith("usage: ")


def test_a_training_that_diverges_gets_one_clear_message(disk, capsys, monkeypatch):
    monkeypatch.setattr(disk, "LEARNING_RATE", 1e30)
    with pytest.raises(SystemExit):
        disk.main(["--epochs=2"])
    assert "lower the learning rate" in capsys.readouterr().err.splitlines()[-1]


def test_the_table_over_seeds(run_example):
    done = run_example("disk_seeds.py", "--first-seed=3", "--seeds=2", "--restarts=3", "--epochs=2")
    assert done.returncode == 0, done.stderr
    head, _, title, rule, *rows = done.stdout.splitlines()
    assert head.startswith("Test error, seeds 3–4, 2 epochs; torch ")
    assert {line.count("|") for line in (title, rule, *rows)} == {8}
    assert [row.split("|")[1:3] for row in rows] == [
        [" glorot ", " 1 "], [" glorot ", " 3 "], [" report ", " 1 "], [" report ", " 3 "],
    ]  # fmt: skip
    for line in rows:
        best, median, worst = (float(cell.strip(" %")) for cell in line.split("|")[3:6])
        assert best <= median <= worst
    assert re.search(r" \d of 6 \(\d+%\) ", rows[1])


@pytest.mark.parametrize("argument", ["--seeds=0", "--threads=0", "--restarts=0", "--epochs=-1"])
def test_a_table_of_nothing_gets_one_clear_message(run_example, argument):
    done = run_example("disk_seeds.py", argument)
    name = argument.strip("-").split("=")[0]
    assert done.returncode == 2
    assert f"error: {name}: expected a whole number of at least 1" in done.stderr.splitlines()[-1]
