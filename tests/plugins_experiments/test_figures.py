"""Figures are drawn of every run there can be, without a warning, and show what they should."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import matplotlib.text
import numpy as np
import pytest
import torch
from matplotlib.image import imread

from minidl_plugins_experiments.data.data import Data, Split
from minidl_plugins_experiments.figures import (
    activations,
    answers,
    curves,
    draw_comparison,
    draw_figures,
    draw_seeds,
    gradients,
    restarts,
)
from minidl_plugins_experiments.figures.points import labels_of
from minidl_plugins_experiments.figures.style import CLASS_COLOURS, plain
from minidl_plugins_experiments.runs.history import History

from .training_curves import train_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor


def run(
    epochs: int = 5,
    restarts: int = 1,
    *,
    dead: tuple[int, ...] = (),
    selected: int | None = 0,
    value: Callable[[int, int], float | None] = lambda epoch, restart: 0.5 / (epoch + restart),
    leave_out: tuple[str, ...] = (),
    task: str = "classification",
) -> dict[str, Any]:
    """A result with made-up curves."""
    names = ["train_loss", "train_error", "test_loss", "test_error"]
    records = []
    for epoch in range(1, epochs + 1):
        values = [value(epoch, restart) for restart in range(restarts)]
        record: dict[str, Any] = {"epoch": epoch, "lr": 0.1, "gradient_norms": {}}
        record.update({name: values for name in names if name not in leave_out})
        if "gradient_norms" not in leave_out:
            record["gradient_norms"] = {"0.weight": values, "0.bias": values, "2.weight": values}
        records.append(record)
    of_restarts = {"count": restarts, "dead": list(dead), "selected": selected}
    return {"epochs": records, "restarts": of_restarts, "data": {"task": task}}


def is_picture(path: Path) -> bool:
    """A PNG with something on it, of a modest size."""
    pixels = imread(path)
    height, width = pixels.shape[:2]
    return 300 <= height <= 1200 and 500 <= width <= 1400 and float(pixels.std()) > 0.01


def has_colour(path: Path, colour: str, pixels: int = 20) -> bool:
    """Whether so many pixels of the picture are of that colour."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return int((np.abs(imread(path)[..., :3] - wanted) < 0.02).all(-1).sum()) >= pixels


RUNS: dict[str, dict[str, Any]] = {
    "one-restart": run(),
    "one-epoch": run(epochs=1),
    "one-epoch-many-restarts": run(epochs=1, restarts=5, dead=(1,)),
    "many-restarts": run(restarts=12, dead=(3, 4), selected=7),
    "a-thousand-restarts": run(epochs=10, restarts=1000, dead=tuple(range(0, 1000, 3)), selected=1),
    "all-dead": run(restarts=3, dead=(0, 1, 2), selected=0),
    "one-restart-dead": run(dead=(0,)),
    "all-diverged": run(value=lambda epoch, restart: None, restarts=2, dead=(0, 1), selected=None),
    "diverges-midway": run(
        restarts=3,
        value=lambda epoch, restart: None if epoch > 2 and restart == 1 else 0.1,
        dead=(1,),
    ),
    "not-a-number": run(value=lambda epoch, restart: math.nan if epoch == 2 else math.inf),
    "zeros": run(value=lambda epoch, restart: 0.0, restarts=2),
    "zero-gradient-later": run(value=lambda epoch, restart: 0.1 if epoch < 3 else 0.0, dead=(0,)),
    "explodes": run(restarts=3, value=lambda epoch, restart: 10.0 ** (epoch * 30 * restart)),
    "negative-loss": run(value=lambda epoch, restart: -1.0 / epoch, leave_out=("train_error",)),
    "no-errors": run(leave_out=("train_error", "test_error"), task="regression", restarts=3),
    "regression": run(task="regression", value=lambda epoch, restart: 20.0 / epoch, restarts=2),
    "no-test": run(leave_out=("test_error", "test_loss")),
    "no-gradients": run(leave_out=("gradient_norms",)),
}


@pytest.mark.parametrize("name", RUNS)
def test_every_run_can_be_drawn(tmp_path: Path, name: str) -> None:
    paths = draw_figures(RUNS[name], tmp_path, None, None)
    assert all(path.parent == tmp_path / "figures" for path in paths)
    assert sorted(paths) == sorted((tmp_path / "figures").glob("*"))
    assert all(map(is_picture, paths))
    if name not in {"all-diverged", "not-a-number"}:
        assert "curves.png" in {path.name for path in paths}


def test_what_is_not_there_is_not_drawn(tmp_path: Path) -> None:
    def names(result: dict[str, Any], folder: str) -> set[str]:
        return {path.name for path in draw_figures(result, tmp_path / folder, None, None)}

    assert names(RUNS["one-restart"], "a") == {"curves.png", "gradients.png"}
    assert names(RUNS["many-restarts"], "b") == {"curves.png", "gradients.png", "restarts.png"}
    assert names(RUNS["no-gradients"], "c") == {"curves.png"}
    assert names(RUNS["all-diverged"], "d") == set()
    assert names({"epochs": []}, "e") == set()


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    one = draw_figures(RUNS["many-restarts"], tmp_path / "one", None, None)
    two = draw_figures(RUNS["many-restarts"], tmp_path / "two", None, None)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_pyplot_and_its_global_state_are_left_alone(tmp_path: Path) -> None:
    script = """
import json, pathlib, sys
from minidl_plugins_experiments.figures import draw_comparison, draw_figures, draw_seeds
folder, result = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
assert draw_figures(result, folder)
draw_seeds([result], folder / "seeds.png")
draw_comparison([("one", result)], folder / "comparison.png")
sys.exit("matplotlib.pyplot" in sys.modules)
"""
    command = [sys.executable, "-c", script, str(tmp_path), json.dumps(RUNS["many-restarts"])]
    subprocess.run(command, check=True, timeout=120)


# -- points ----------------------------------------------------------------------------------------


def plane(x: list[list[float]], y: list[list[float]], **notes: Any) -> Data:
    split = Split(torch.tensor(x), torch.tensor(y))
    return Data(split, split, "classification", notes=notes)


def one_hot(x: Tensor) -> Tensor:
    """A model that says class 1 where the first coordinate is positive."""
    right = (x[:, :1] > 0).float()
    return torch.cat([1 - right, right], 1)


SQUARE = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
SIDES = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]


def drawn(folder: Path, data: Data, predict: Callable[[Tensor], Tensor] = one_hot) -> Path | None:
    paths = draw_figures(RUNS["one-restart"], folder, data, predict)
    return next((path for path in paths if path.name == "points.png"), None)


def test_a_trained_disk_is_drawn_with_its_circle(tmp_path: Path) -> None:
    result, data, model = train_disk(3, epochs=3, restarts=1, points=200)
    model.eval()
    paths = draw_figures(result, tmp_path, data, model.forward)
    names = ["curves.png", "gradients.png", "points.png", "confusion.png"]
    assert [path.name for path in paths] == names
    assert all(map(is_picture, paths))
    without = data._replace(notes={**data.notes, "ellipse": None})
    other = draw_figures(result, tmp_path / "without", without, model.forward)[2]
    assert other.read_bytes() != paths[2].read_bytes()


def test_misclassified_points_are_marked(tmp_path: Path) -> None:
    right = drawn(tmp_path / "right", plane(SQUARE, SIDES))
    wrong = drawn(tmp_path / "wrong", plane(SQUARE, SIDES[::-1]))
    assert right is not None
    assert wrong is not None
    dark = [(imread(path)[..., :3].sum(-1) < 0.3).sum() for path in (right, wrong)]
    assert dark[1] > dark[0] + 50


@pytest.mark.parametrize(
    ("name", "data", "predict"),
    [
        ("one-output", plane(SQUARE, [[0.0], [0.0], [1.0], [1.0]]), lambda x: x[:, :1]),
        ("one-point", plane([[0.5, 0.5]], [[0.0, 1.0]]), one_hot),
        ("constant-feature", plane([[1.0, 0.0], [1.0, 2.0]], SIDES[1:3]), one_hot),
        ("one-answer-everywhere", plane(SQUARE, SIDES), lambda x: one_hot(x * 0)),
        ("three-classes", plane(SQUARE, torch.eye(3)[[0, 1, 2, 0]].tolist()),
         lambda x: torch.stack([x[:, 0], x[:, 1], -x[:, 0]], 1)),
        ("many-classes", plane(SQUARE * 5, torch.eye(20).tolist()),
         lambda x: torch.arange(20.0) * x[:, :1]),
        ("odd-names", plane(SQUARE, SIDES, classes=["_a", "$b^$"], features=["$x", "_y_"]),
         one_hot),
        ("names-beyond-the-font", plane(SQUARE, SIDES, classes=["猫", "犬"]), one_hot),
        ("not-a-number", plane(SQUARE, SIDES), lambda x: one_hot(x) * math.nan),
    ],
)  # fmt: skip
def test_every_plane_can_be_drawn(
    tmp_path: Path, name: str, data: Data, predict: Callable[[Tensor], Tensor]
) -> None:
    path = drawn(tmp_path, data, predict)
    assert path is not None
    assert is_picture(path)


def test_many_points_are_counted_in_full_and_drawn_in_part(tmp_path: Path) -> None:
    x = torch.rand(50_000, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    data = Data(Split(x, one_hot(x)), Split(x, one_hot(x)), "classification")
    path = drawn(tmp_path, data)
    assert path is not None
    assert has_colour(path, CLASS_COLOURS[0])


def test_no_plane_no_points(tmp_path: Path) -> None:
    three = Split(torch.zeros(4, 3), torch.tensor(SIDES))
    assert drawn(tmp_path, Data(three, three, "classification")) is None
    numbers = Split(torch.tensor(SQUARE), torch.zeros(4, 1))
    assert drawn(tmp_path, Data(numbers, numbers, "regression")) is None
    assert draw_figures(RUNS["one-restart"], tmp_path, plane(SQUARE, SIDES), None)


def test_labels() -> None:
    assert labels_of(torch.tensor([[0.1, 0.9], [0.6, 0.4]])).tolist() == [1, 0]
    assert labels_of(torch.tensor([[0.4], [0.6]])).tolist() == [0, 1]


# -- answers and activations -----------------------------------------------------------------------


def texts(figure: Any) -> list[str]:
    """All words of a figure."""
    return [each.get_text() for each in figure.findobj(matplotlib.text.Text)]


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were saved, as matplotlib has them."""
    figures: list[Any] = []
    for module in (answers, activations, gradients, restarts, curves):
        monkeypatch.setattr(module, "save", lambda figure, path: figures.append(figure) or path)
    return figures


def test_a_confusion_matrix_counts_rows(saved: list[Any], tmp_path: Path) -> None:
    data = plane(
        SQUARE, [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], classes=["left", "right"]
    )
    assert answers.draw_confusion(data, one_hot, tmp_path / "confusion.png")
    (figure,) = saved
    counts = [each.get_text() for each in figure.axes[0].texts]
    assert counts == ["1", "0", "1", "2"]
    assert "Test set: 1 of 4 rows misclassified" in texts(figure)
    assert {"left", "right", "true class", "predicted class"} <= set(texts(figure))


def test_many_classes_have_no_matrix(tmp_path: Path) -> None:
    split = Split(torch.zeros(31, 2), torch.arange(31))
    data = Data(split, split, "classification")
    assert answers.draw_confusion(data, lambda x: torch.eye(31), tmp_path / "c.png") is None


def test_predictions_are_drawn_in_the_unit_of_the_target(saved: list[Any], tmp_path: Path) -> None:
    split = Split(torch.tensor([[0.0], [1.0]]), torch.tensor([[-1.0], [1.0]]))
    notes = {"target": "price", "target_mean": 100.0, "target_std": 10.0}
    data = Data(split, split, "regression", notes=notes)
    path = tmp_path / "predicted.png"
    assert answers.draw_predicted(data, lambda x: torch.tensor([[-1.0], [2.0]]), path)
    (axes,) = saved[0].axes
    assert axes.collections[0].get_offsets().tolist() == [[90.0, 90.0], [110.0, 120.0]]
    assert axes.get_xlabel() == "true price"
    assert axes.get_ylabel() == "predicted price"
    assert axes.get_title() == "Test set: root mean squared error 7.07"


def test_units_are_counted_by_layer(saved: list[Any], tmp_path: Path) -> None:
    units = [
        {"layer": "1", "kind": "ReLU", "units": 4, "dead": [0], "saturated": []},
        {"layer": "3", "kind": "Tanh", "units": 5, "dead": [], "saturated": [1, 2]},
    ]
    assert activations.draw_activations(History({**run(), "units": units}), tmp_path / "a.png")
    (figure,) = saved
    widths = [[bar.get_width() for bar in bars] for bars in figure.axes[0].containers]
    assert np.allclose(widths, [[75, 60], [0, 40], [25, 0]])
    assert {
        "1 ReLU",
        "3 Tanh",
        "Units of each activation at the training rows: 1 of 9 dead",
    } <= set(texts(figure))


def test_gradients_name_their_layers_and_have_a_band(saved: list[Any], tmp_path: Path) -> None:
    result = run(epochs=3)
    result["model"] = {"layers": {"0": "Linear(25 → 25)"}}
    for record in result["epochs"]:
        record["gradient_bands"] = {"0": {"low": [1.0], "median": [2.0], "high": [4.0]}}
    assert gradients.draw_gradients(History(result), tmp_path / "g.png")
    (figure,) = saved
    assert "0 Linear 25→25" in texts(figure)
    assert list(figure.axes[0].lines[0].get_ydata()) == [2.0, 2.0, 2.0]
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1.0, 4.0)


def test_restarts_are_named_and_two_clusters_break_the_axis(
    saved: list[Any], tmp_path: Path
) -> None:
    errors = [0.5, 0.01, 0.5, 0.02, 0.015]
    result = run(restarts=5, dead=(0, 2), selected=1, value=lambda epoch, restart: errors[restart])
    assert restarts.draw_restarts(History(result), tmp_path / "r.png")
    (figure,) = saved
    above, below = figure.axes
    assert above.get_ylim()[0] > 40
    assert below.get_ylim()[1] < 3
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["1", "4", "3", "0", "2"]


def test_curves_show_baselines_and_the_epoch_kept(saved: list[Any], tmp_path: Path) -> None:
    result = run(epochs=6)
    result["baseline"] = {"constant": {"test_error": 0.5}, "linear": {"test_error": 0.25}}
    result["kept"] = {"epoch": 4}
    assert curves.draw_curves(History(result), tmp_path / "c.png")
    errors = {line.get_label(): line for line in saved[0].axes[0].lines}
    assert list(errors["best constant, test set"].get_ydata()) == [50.0, 50.0]
    assert list(errors["linear model, test set"].get_ydata()) == [25.0, 25.0]
    assert list(errors["epoch 4, kept"].get_xdata()) == [4, 4]


# -- several runs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([("disk", RUNS["one-restart"])], id="one"),
        pytest.param(list(RUNS.items()), id="all"),
        pytest.param([(f"run {i}", RUNS["many-restarts"]) for i in range(7)], id="seven"),
        pytest.param([(f"run {i}", RUNS["one-epoch"]) for i in range(60)], id="sixty"),
        pytest.param([("a" * 300, RUNS["no-errors"]), ("_$", RUNS["no-test"])], id="odd-names"),
        pytest.param([("lost", RUNS["all-diverged"])], id="diverged"),
        pytest.param([("empty", {"epochs": []})], id="empty"),
    ],
)
def test_comparisons(tmp_path: Path, results: list[tuple[str, dict[str, Any]]]) -> None:
    draw_comparison(results, tmp_path / "figures" / "comparison.png")
    assert is_picture(tmp_path / "figures" / "comparison.png")


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([RUNS["one-restart"]], id="one"),
        pytest.param([run(value=lambda e, s, i=i: 0.01 * i) for i in range(30)], id="thirty"),
        pytest.param([run(value=lambda e, s: 0.1)] * 5, id="all-alike"),
        pytest.param([run(value=lambda e, s: 0.0)] * 5, id="all-zero"),
        pytest.param([run(value=lambda e, s, i=i: 10.0**i) for i in range(9)], id="decades"),
        pytest.param([RUNS["one-restart"], RUNS["all-diverged"]], id="one-diverged"),
        pytest.param([RUNS["all-diverged"]] * 3, id="all-diverged"),
        pytest.param([RUNS["no-errors"]] * 3, id="no-errors"),
        pytest.param([RUNS["regression"]] * 3, id="regression"),
        pytest.param([RUNS["one-restart"]] * 1000, id="a-thousand"),
    ],
)
def test_seeds(tmp_path: Path, results: list[dict[str, Any]]) -> None:
    draw_seeds(results, tmp_path / "seeds.png")
    assert is_picture(tmp_path / "seeds.png")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$x$", r"\$x\$"),
        ("_hidden", "\u200b_hidden"),
        ("two\nlines", "two lines"),
        ("a" * 50, "a" * 31 + "…"),
        (7, "7"),
    ],
)
def test_a_users_words_are_shown_as_they_are(text: object, shown: str) -> None:
    assert plain(text) == shown
