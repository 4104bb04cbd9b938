"""The datasets `text` and `series`, and digits as images, indices and pixels."""

from __future__ import annotations

import pytest
import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.datasets.digits import digits
from minidl_plugins_experiments.data.datasets.series import series
from minidl_plugins_experiments.data.datasets.text import text

GIVEN = {"dtype": torch.float64}


def given() -> dict:
    return {"generator": torch.Generator().manual_seed(0), **GIVEN}


@pytest.fixture
def sentence(tmp_path):
    path = tmp_path / "sentence.txt"
    path.write_text("abcabcabcabcabcabcabd", encoding="utf-8")
    return path


def test_targets_of_a_text_are_one_character_on(sentence):
    data = text(sentence, 3, test=0.3)
    assert data.notes["classes"] == ["a", "b", "c", "d"]
    assert data.train.x.tolist() == [[0, 1, 2]] * 4
    assert data.train.y.tolist() == [[1, 2, 0]] * 4
    assert data.test.x.tolist() == [[0, 1, 2]]
    assert data.test.y.tolist() == [[1, 2, 0]]
    assert text(sentence, 3, test=0.3, stride=1).train.x.shape == (12, 3)


def test_parts_of_a_text_are_one_after_another(sentence):
    data = text(sentence, 2, test=0.2, validation=0.2)
    assert data.validation is not None
    assert [len(part.x) for part in (data.train, data.validation, data.test)] == [6, 1, 1]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("t,x\n" + "".join(f"{t},{t * t}\n" for t in range(20)), encoding="utf-8")
    return path


def test_the_target_of_a_window_is_the_value_ahead(table):
    data = series(table, "x", 3, horizon=2, test=0.25, validation=0.25, **GIVEN)
    mean, std = data.notes["target_mean"], data.notes["target_std"]
    values = torch.arange(20, dtype=torch.float64).square()
    assert (mean, std) == pytest.approx((values[:10].mean().item(), values[:10].std().item()))
    back = [
        [(each * std + mean).round() for each in part] for part in data if isinstance(part, tuple)
    ]
    targets = [values.tolist() for part in back for values in (part[1].flatten(),)]
    assert targets == [
        [t * t for t in range(4, 10)],
        [t * t for t in range(15, 20)],
        [t * t for t in range(10, 15)],
    ]
    for x, y in back:
        assert torch.equal(x[:, -1, 0].sqrt() + 2, y[:, 0].sqrt())
        assert x.shape[1:] == (3, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, t: text(f.with_name("no.txt"), 3), "cannot be read"),
        (lambda f, t: text(f, 0), "at least 1, got 0"),
        (lambda f, t: text(f, 3, stride=0), "stride"),
        (lambda f, t: text(f, 30), "expected more than 30 characters in the training"),
        (lambda f, t: text(f, 3), "expected more than 3 characters in the test part"),
        (lambda f, t: series(t.with_name("no.csv"), "x", 3, **GIVEN), "cannot be read"),
        (lambda f, t: series(t, "X", 3, **GIVEN), 'Did you mean "x"? There are: t, x'),
        (lambda f, t: series(t, "x", 15, **GIVEN), "got 20 in all"),
        (lambda f, t: series(t, "x", 3, test=1.5, **GIVEN), "got 1.5"),
    ],
)
def test_what_is_wrong_is_said(call, words, sentence, table):
    with pytest.raises(ArgumentError) as caught:
        call(sentence, table)
    assert words in str(caught.value)


@pytest.mark.parametrize("cell", ["", "n/a", "nan", "inf"])
def test_a_gap_in_a_series_is_said_with_its_line(table, cell):
    table.write_text(table.read_text().replace("9,81\n", f"9,{cell}\n"))
    with pytest.raises(ArgumentError) as caught:
        series(table, "x", 3, **GIVEN)
    assert f"expected a number in line 11 of {table}, got {cell!r}" in str(caught.value)


def test_a_series_that_never_changes_is_refused(table):
    table.write_text("x\n" + "1\n" * 30)
    with pytest.raises(ArgumentError) as caught:
        series(table, "x", 3, **GIVEN)
    assert "expected values that change" in str(caught.value)


def test_digits_are_the_same_in_every_form():
    pytest.importorskip("sklearn")
    flat = digits(**given())
    image = digits(images=True, targets="indices", **given())
    pixels = digits(targets="pixels", **given())
    assert image.train.x.shape[1:] == (1, 8, 8)
    assert torch.equal(image.train.x.flatten(1), flat.train.x)
    assert torch.equal(image.train.y, flat.train.y.argmax(1))
    assert image.train.y.dtype == torch.long
    assert pixels.task == "regression"
    assert torch.equal(pixels.test.y, flat.test.x)
    with pytest.raises(ArgumentError):
        digits(targets="labels", **given())  # type: ignore[arg-type]
