"""A user's own file: read to the letter, split and normalised honestly."""

from __future__ import annotations

import csv as reading
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl_plugins_experiments.data.datasets.csv_file import csv

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_plugins_experiments.data.data import Data

FLOWERS = """\
length,width,kind
1.0,10,rose
2.0,20,tulip
3.0,30,rose
4.0,40,tulip
5.0,50,rose
6.0,60,tulip
7.0,70,rose
8.0,80,tulip
9.0,90,rose
10.0,100,tulip
"""


def load(folder: Path, text: str, *, seed: int = 0, **arguments: Any) -> Data:
    path = folder / "table.csv"
    path.write_bytes(text.encode("utf-8"))
    settings: dict[str, Any] = {"dtype": torch.float64, "path": path, **arguments}
    return csv(generator=torch.Generator().manual_seed(seed), **settings)


def raw_rows(data: Data) -> list[tuple[float, ...]]:
    """The rows of all parts as they were in the file, sorted."""
    mean, std = (torch.tensor(data.notes[name], dtype=torch.float64) for name in ("mean", "std"))
    parts = [part for part in (data.train, data.test, data.validation) if part is not None]
    return sorted(
        tuple(round(value, 6) for value in row)
        for part in parts
        for row in torch.cat([part.x * std + mean, part.y], 1).tolist()
    )


def test_every_row_is_in_one_part_with_its_own_target(tmp_path: Path) -> None:
    data = load(tmp_path, FLOWERS, target="kind", test=0.2, validation=0.2)
    assert data.validation is not None
    assert [len(part.x) for part in (data.train, data.validation, data.test)] == [6, 2, 2]
    expected = [(float(i), 10.0 * i, float(i % 2), float((i + 1) % 2)) for i in range(1, 11)]
    assert raw_rows(data) == expected
    assert data.task == "classification"
    assert data.notes["classes"] == ["rose", "tulip"]
    assert data.notes["features"] == ["length", "width"]
    assert (data.notes["target"], data.notes["rows"]) == ("kind", 10)


def test_each_class_is_in_every_part(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{'rare' if i < 3 else 'common'}" for i in range(100))
    for seed in range(30):
        data = load(tmp_path, f"x,y\n{rows}\n", seed=seed, target="y", validation=0.1)
        assert data.validation is not None
        for part in (data.train, data.test, data.validation):
            assert (part.y.sum(0) >= 1).all()
        assert data.test.y.sum(0).tolist() == [19, 1]


def test_normalised_by_the_training_part_alone(tmp_path: Path) -> None:
    data = load(tmp_path, FLOWERS, target="kind", test=0.3)
    torch.testing.assert_close(data.train.x.mean(0), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(data.train.x.std(0), torch.ones(2, dtype=torch.float64))
    assert (data.test.x.mean(0).abs() > 1e-6).all()
    widths = (data.train.x * torch.tensor(data.notes["std"]))[:, 1] + data.notes["mean"][1]
    assert data.notes["mean"][1] == pytest.approx(widths.mean().item())


def test_what_the_test_part_says_changes_nothing_in_training(tmp_path: Path) -> None:
    # The target of a row says whether it is tested: the parts depend on the seed alone.
    before = load(tmp_path, FLOWERS, target="kind")
    held_back = (before.test.x * torch.tensor(before.notes["std"]))[:, 0] + before.notes["mean"][0]
    changed = FLOWERS
    for length in held_back.round().int().tolist():
        changed = changed.replace(f"{length}.0,{length}0,", f"{length * 1000}.0,{length}0,")
    after = load(tmp_path, changed, target="kind")
    assert changed != FLOWERS
    assert after.train.x.equal(before.train.x)
    assert after.notes["mean"] == before.notes["mean"]


@pytest.mark.parametrize("constant", ["0.1", "0", "-3e9"])
def test_a_constant_column_becomes_zero(tmp_path: Path, constant: str) -> None:
    rows = "".join(f"{constant},{i},{i % 2}\n" for i in range(30))
    data = load(tmp_path, "c,x,y\n" + rows, target="y")
    for part in (data.train, data.test):
        assert part.x[:, 0].tolist() == [0.0] * len(part.x)
    assert data.notes["mean"][0] == float(constant)
    assert data.notes["std"][0] == 1.0


def test_a_column_that_is_constant_only_in_training_stays_finite(tmp_path: Path) -> None:
    for seed in range(30):
        data = load(tmp_path, "c,x,y\n" + "5,1,0\n" * 9 + "7,2,0\n", seed=seed, target=-1,
                    task="regression", test=0.1)  # fmt: skip
        if data.notes["std"][0] == 1.0:
            assert data.test.x[:, 0].tolist() == [2.0]
            return
    pytest.fail("the odd row was never held back")


def test_a_regression_has_its_target_normalised_too(tmp_path: Path) -> None:
    rows = "".join(f"{i},{3 * i + 1}\n" for i in range(20))
    data = load(tmp_path, "x,y\n" + rows, target="y", task="regression", validation=0.25)
    assert data.validation is not None
    assert [len(part.y) for part in (data.train, data.validation, data.test)] == [11, 5, 4]
    assert data.train.y.shape == (11, 1)
    for part in (data.train, data.test, data.validation):
        torch.testing.assert_close(part.y, part.x)  # y = 3 x + 1 exactly
    ours = data.train.y * data.notes["target_std"] + data.notes["target_mean"]
    assert {round(value, 6) for value in ours.flatten().tolist()} <= {3 * i + 1 for i in range(20)}
    assert "classes" not in data.notes


def test_without_normalisation_the_numbers_are_the_files(tmp_path: Path) -> None:
    data = load(tmp_path, FLOWERS, target="kind", normalise=False)
    assert set(data.train.x[:, 1].tolist()) <= {10.0 * i for i in range(1, 11)}
    assert "mean" not in data.notes
    data = load(tmp_path, "x,y\n1,2\n3,4\n5,6\n", target="y", task="regression", normalise=False)
    assert set(data.train.y.flatten().tolist()) <= {2.0, 4.0, 6.0}


def test_the_same_seed_gives_the_same_parts_and_another_others(tmp_path: Path) -> None:
    one, same, other = (load(tmp_path, FLOWERS, seed=s, target="kind") for s in (1, 1, 4))
    assert one.train.x.equal(same.train.x)
    assert not one.train.x.equal(other.train.x)


@pytest.mark.parametrize("target", ["kind", 2, -1, " kind "])
def test_the_target_is_named_or_placed(tmp_path: Path, target: object) -> None:
    assert load(tmp_path, FLOWERS, target=target).notes["target"] == "kind"


def test_columns_can_be_left_out_even_nameless_or_text_ones(tmp_path: Path) -> None:
    text = ",id,x,id,y\n" + "".join(f"{i},no{i},{i},q,{i % 2}\n" for i in range(8))
    data = load(tmp_path, text, target="y", drop=[0, 1, 3])
    assert data.notes["features"] == ["x"]
    data = load(tmp_path, text.replace("id,x,id", "a,x,b"), target="y", drop=["a", "b", 0])
    assert data.notes["features"] == ["x"]


def test_a_file_without_names(tmp_path: Path) -> None:
    text = "".join(f"{i % 2};{i};{-i}\n" for i in range(10))
    data = load(tmp_path, text, target=0, header=False, delimiter=";")
    assert data.notes["features"] == ["1", "2"]
    assert data.notes["target"] == "0"
    assert len(data.train.x) + len(data.test.x) == 10


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeff" + FLOWERS, id="byte-order-mark"),
        pytest.param(FLOWERS.replace("\n", "\r\n"), id="windows-line-ends"),
        pytest.param(FLOWERS.replace("\n", "\r"), id="old-mac-line-ends"),
        pytest.param(FLOWERS.replace("\n", "\n\n") + "\n \n", id="blank-lines"),
        pytest.param(FLOWERS.replace(",", " , "), id="spaces-around"),
        pytest.param(FLOWERS.rstrip("\n"), id="no-last-line-end"),
        pytest.param(FLOWERS.replace("rose", '"rose"').replace("length", '"length"'), id="quotes"),
    ],
)
def test_ways_to_write_the_same_table(tmp_path: Path, text: str) -> None:
    plain, other = load(tmp_path, FLOWERS, target="kind"), load(tmp_path, text, target="kind")
    assert other.train.x.equal(plain.train.x)
    assert other.train.y.equal(plain.train.y)
    assert other.notes == plain.notes


def test_quotes_keep_delimiters_and_line_ends_in_a_cell(tmp_path: Path) -> None:
    text = 'x,y\n1,"a,\nb"\n2,"say ""c"""\n3,"a,\nb"\n4,"say ""c"""\n'
    assert load(tmp_path, text, target="y").notes["classes"] == ["a,\nb", 'say "c"']


def test_unusual_separators_do_not_end_a_line(tmp_path: Path) -> None:
    text = FLOWERS.replace("rose", "ro\u2028se")
    assert load(tmp_path, text, target="kind").notes["classes"] == ["ro\u2028se", "tulip"]


def test_classes_that_are_numbers_are_sorted_as_such(tmp_path: Path) -> None:
    rows = "".join(f"{i},{(10, 9, -1)[i % 3]}\n" for i in range(12))
    assert load(tmp_path, "x,y\n" + rows, target="y").notes["classes"] == ["-1", "9", "10"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dtype(tmp_path: Path, dtype: torch.dtype) -> None:
    data = load(tmp_path, FLOWERS, target="kind", dtype=dtype)
    assert data.train.x.dtype == data.train.y.dtype == data.test.x.dtype == dtype


def test_statistics_are_taken_in_float64(tmp_path: Path) -> None:
    rows = "".join(f"{1e9 + i},{i % 2}\n" for i in range(50))  # float32 would see one number
    data = load(tmp_path, "x,y\n" + rows, target="y", dtype=torch.float32)
    assert data.train.x.unique().numel() == len(data.train.x)


def test_the_notes_are_ready_for_json(tmp_path: Path) -> None:
    for task, target in (("classification", "kind"), ("regression", "width")):
        drop = ["kind"] if task == "regression" else []
        notes = load(tmp_path, FLOWERS, target=target, task=task, drop=drop).notes
        assert json.loads(json.dumps(notes)) == notes


@pytest.mark.parametrize("loader", ["load_wine", "load_breast_cancer"])
def test_a_real_table(tmp_path: Path, loader: str) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = getattr(datasets, loader)()
    path = tmp_path / "real.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = reading.writer(file)
        writer.writerow([*bunch.feature_names, "class"])
        for x, y in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True):
            writer.writerow([*x, bunch.target_names[y]])
    data = csv(
        generator=torch.Generator().manual_seed(0), dtype=torch.float64, path=path, target="class"
    )
    assert data.notes["features"] == list(bunch.feature_names)
    assert sorted(data.notes["classes"]) == sorted(bunch.target_names)
    rows = torch.cat([data.train.x, data.test.x])
    mean, std = (torch.tensor(data.notes[name], dtype=torch.float64) for name in ("mean", "std"))
    raw = rows * std + mean
    for column in range(raw.shape[1]):
        expected = sorted(bunch.data[:, column].tolist())
        assert sorted(raw[:, column].tolist()) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from("abc")), min_size=2, max_size=40),
    st.floats(0.05, 0.5),
    st.integers(0, 5),
)
def test_any_table_is_dealt_out_whole(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[float, str]],
    test: float,
    seed: int,
) -> None:
    rows = [*rows, *rows, (1.0, "a"), (2.0, "a"), (1.0, "b"), (2.0, "b")]
    text = "x,y\n" + "".join(f"{x!r},{y}\n" for x, y in rows)
    data = load(
        tmp_path_factory.mktemp("any"), text, seed=seed, target="y", test=test, normalise=False
    )
    names = data.notes["classes"]
    ours = sorted(
        (x, names[label])
        for part in (data.train, data.test)
        for (x,), label in zip(part.x.tolist(), part.y.argmax(1).tolist(), strict=True)
    )
    assert ours == sorted(rows)
    assert all(math.isfinite(x) for x, _ in ours)
