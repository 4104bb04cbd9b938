"""What becomes of words, dates, flags, gaps and numbers as people write them."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from minidl_core import ArgumentError

from .test_datasets_csv import load

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_plugins_experiments.data.data import Data

ROWS = 30


def table(cells: list[str], name: str = "a", delimiter: str = ",") -> str:
    """A table of one column, a number x and the classes yes and no."""
    quoted = [f'"{cell}"' if delimiter in cell else cell for cell in cells]
    lines = [
        f"{cell}{delimiter}{i}{delimiter}{('yes', 'no')[i % 2]}" for i, cell in enumerate(quoted)
    ]
    return "\n".join([delimiter.join([name, "x", "y"]), *lines, ""])


def by_row(data: Data) -> dict[int, list[float]]:
    """The inputs of the first column by the row's number, which is what x was."""
    place = data.notes["features"].index("x")
    mean, std = data.notes["mean"], data.notes["std"]
    rows = torch.cat([data.train.x, data.test.x])
    number = (rows[:, place] * std[place] + mean[place]).round().long().tolist()
    others = [i for i in range(rows.shape[1]) if i != place]
    return dict(zip(number, rows[:, others].tolist(), strict=True))


def training_rows(data: Data) -> list[int]:
    place = data.notes["features"].index("x")
    x = data.train.x[:, place] * data.notes["std"][place] + data.notes["mean"][place]
    return [int(value) for value in x.round().tolist()]


def normalised(values: list[float], training: list[int]) -> list[float]:
    """(x − μ) / σ, with μ and σ of the training rows that have a value."""
    known = np.array([values[i] for i in training if not math.isnan(values[i])])
    return [(value - known.mean()) / known.std(ddof=1) for value in values]


def told(data: Data) -> str:
    return "\n".join(data.notes["told"])


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda v: f"{v:.2f}".replace(".", ","), 'decimal ","'),
        (lambda v: f"{v:,.2f}", "thousands"),
        (lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")), 'decimal ","'),
        (lambda v: f"{v:.2f} kg", "kg"),
        (lambda v: f"{v:.2f}%", "%"),
    ],
    ids=["decimal comma", "thousands", "European", "unit", "percent"],
)
def test_numbers_as_people_write_them(tmp_path: Path, write: Any, words: str) -> None:
    values = [1234.5 + 17.25 * i for i in range(ROWS)]
    data = load(tmp_path, table([write(v) for v in values], delimiter=";"), target="y")
    expected = normalised(values, training_rows(data))
    for row, inputs in by_row(data).items():
        assert inputs == pytest.approx([expected[row]], abs=1e-9)
    assert words in told(data)


def test_a_missing_number_is_the_mean_and_is_marked(tmp_path: Path) -> None:
    values = [math.nan if i % 7 == 3 else 2.0 * i for i in range(ROWS)]
    cells = [("", "NA", "?")[i % 3] if math.isnan(v) else str(v) for i, v in enumerate(values)]
    data = load(tmp_path, table(cells), target="y")
    expected = normalised(values, training_rows(data))
    for row, (value, gap) in by_row(data).items():
        assert value == pytest.approx(0.0 if math.isnan(values[row]) else expected[row])
        assert gap == float(math.isnan(values[row]))
    assert "missing" in told(data)


def test_each_word_has_an_input_of_its_own(tmp_path: Path) -> None:
    words = ["red", "green", "blue"]
    data = load(tmp_path, table([words[i % 3] for i in range(ROWS)]), target="y")
    names = [name for name in data.notes["features"] if name != "x"]
    for row, inputs in by_row(data).items():
        assert sorted(inputs) == [0.0, 0.0, 1.0]
        assert words[row % 3] in names[inputs.index(1.0)]


def test_rare_words_share_an_input(tmp_path: Path) -> None:
    cells = ["often" if i % 2 else f"rare{i}" for i in range(ROWS)]
    data = load(tmp_path, table(cells), target="y", max_categories=2)
    rows = by_row(data)
    assert all(len(inputs) <= 3 for inputs in rows.values())
    assert rows[0] != rows[1]


@pytest.mark.parametrize("pair", [("True", "False"), ("yes", "no"), ("Y", "N")], ids=str)
def test_a_flag_is_one_number(tmp_path: Path, pair: tuple[str, str]) -> None:
    cells = [pair[i % 3 == 0] for i in range(ROWS)]
    rows = by_row(load(tmp_path, table(cells), target="y"))
    assert len({tuple(inputs) for inputs in rows.values()}) == 2
    assert len(rows[0]) == 1
    assert rows[1][0] > rows[0][0], "the word for yes is the larger"


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S"])
def test_a_date_is_its_days_and_places_on_circles(tmp_path: Path, form: str) -> None:
    begin = dt.datetime(2020, 1, 15, 6)
    dates = [begin + dt.timedelta(days=37 * i, hours=i) for i in range(ROWS)]
    data = load(tmp_path, table([d.strftime(form) for d in dates]), target="y")
    if "%H" not in form:
        dates = [d.replace(hour=0) for d in dates]
    days = [(d - dt.datetime(1970, 1, 1)).total_seconds() / 86400 for d in dates]
    expected = normalised(days, training_rows(data))
    for row, inputs in by_row(data).items():
        assert inputs[0] == pytest.approx(expected[row], abs=1e-9)
        circles = np.array(inputs[1:]).reshape(-1, 2)
        assert len(circles) == (3 if "%H" in form else 2)
        assert (circles**2).sum(1) == pytest.approx(1.0)
    assert form in told(data)


def test_a_date_that_can_be_two_is_asked_about(tmp_path: Path) -> None:
    cells = [f"0{1 + i % 9}/0{1 + i % 8}/2024" for i in range(ROWS)]
    with pytest.raises(ArgumentError, match=r"%d/%m/%Y") as refused:
        load(tmp_path, table(cells), target="y")
    assert "%m/%d/%Y" in str(refused.value)
    data = load(tmp_path, table(cells), target="y", dates={"a": "%d/%m/%Y"})
    assert len(by_row(data)) == ROWS


def test_words_that_look_like_numbers_are_kept_apart(tmp_path: Path) -> None:
    cells = [("007", "7", "0815")[i % 3] for i in range(ROWS)]
    data = load(tmp_path, table(cells), target="y", categories=["a"])
    assert len({tuple(inputs) for inputs in by_row(data).values()}) == 3


def test_all_columns_are_told_in_one_message(tmp_path: Path) -> None:
    lines = [f"{'inf' if i == 4 else i},{'x' * i},{i},{('yes', 'no')[i % 2]}" for i in range(ROWS)]
    text = "\n".join(["a,free text,x,y", *lines, ""])
    with pytest.raises(ArgumentError) as refused:
        load(tmp_path, text, target="y", max_categories=1000)
    assert "line 6" in str(refused.value)
    assert '"a"' in str(refused.value)


def test_test_rows_teach_nothing(tmp_path: Path) -> None:
    """A category and a value that only the test rows have change no input of a training row."""
    cells = [("red", "green")[i % 2] for i in range(ROWS)]
    before = load(tmp_path, table(cells), target="y")
    test = sorted(set(range(ROWS)) - set(training_rows(before)))
    cells[test[0]] = "violet"
    after = load(tmp_path, table(cells), target="y")
    assert after.train.x.equal(before.train.x)


def test_an_empty_row_above_the_names_is_left_out(tmp_path: Path) -> None:
    cells = [("red", "green")[i % 2] for i in range(ROWS)]
    plain = load(tmp_path, table(cells), target="y")
    above = load(tmp_path, ",,\n" + table(cells), target="y")
    assert above.notes["features"] == plain.notes["features"]
    assert above.train.x.equal(plain.train.x)


def test_an_empty_row_of_another_length_is_told(tmp_path: Path) -> None:
    text = table([str(i) for i in range(ROWS)]) + ",,,,,\n"
    with pytest.raises(ArgumentError, match="remove rows without values"):
        load(tmp_path, text, target="y")


def test_a_target_without_values_is_told(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{i},\n" for i in range(ROWS))
    with pytest.raises(ArgumentError):
        load(tmp_path, text, target="y", task="regression")
