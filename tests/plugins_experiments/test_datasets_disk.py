"""The disk is the one of examples/disk.py, to the bit."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.datasets.disk import disk

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLE = Path(__file__).parents[2] / "examples" / "disk.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """``examples/disk.py`` as a module."""
    pytest.importorskip("minidl_plugins_basic")
    spec = importlib.util.spec_from_file_location("example_disk", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_disk"] = module  # where dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", [0, 1, 3, 12345])
def test_draws_the_bits_of_the_example(example: ModuleType, seed: int) -> None:
    ours_from, theirs_from = seeded(seed), seeded(seed)
    ours = disk(generator=ours_from, dtype=torch.float32)
    theirs = example.disk_data(theirs_from)
    for mine, other in ((ours.train, theirs.train), (ours.test, theirs.test)):
        assert mine.x.equal(other.x)
        assert mine.y.equal(other.y)
        assert (mine.x.dtype, mine.y.dtype) == (other.x.dtype, other.y.dtype)
    assert ours.notes["mean"] == theirs.mean.tolist()
    assert ours.notes["std"] == theirs.std.tolist()
    assert ours_from.get_state().equal(theirs_from.get_state())  # what comes next is the same too


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_every_dtype_sees_the_same_points(dtype: torch.dtype) -> None:
    single = disk(generator=seeded(1), dtype=torch.float32)
    other = disk(generator=seeded(1), dtype=dtype)
    for name in ("train", "test"):
        assert getattr(other, name).x.equal(getattr(single, name).x.to(dtype))
        assert getattr(other, name).y.equal(getattr(single, name).y.to(dtype))


def test_the_default_dtype_of_torch_changes_nothing() -> None:
    before = torch.get_default_dtype()
    single = disk(generator=seeded(1), dtype=torch.float32)
    torch.set_default_dtype(torch.float64)
    try:
        other = disk(generator=seeded(1), dtype=torch.float32)
    finally:
        torch.set_default_dtype(before)
    assert other.train.x.equal(single.train.x)


@pytest.mark.parametrize("points", [2, 4, 250])
def test_the_number_of_points_is_for_each_set(points: int) -> None:
    data = disk(generator=seeded(0), dtype=torch.float32, points=points)
    for split in (data.train, data.test):
        assert split.x.shape == split.y.shape == (points, 2)
    assert data.train.y.sum(0).tolist() == [points / 2, points / 2]


def test_the_ellipse_is_the_border_between_the_labels() -> None:
    data = disk(generator=seeded(2), dtype=torch.float64)
    ellipse = data.notes["ellipse"]
    centre = torch.tensor(ellipse["centre"])
    half_axes = torch.tensor([ellipse["width"], ellipse["height"]]) / 2
    for split in (data.train, data.test):
        radius = ((split.x - centre) / half_axes).square().sum(1).sqrt()
        sure = (radius - 1).abs() > 1e-5
        assert ((radius < 1) == split.y[:, 1].bool())[sure].all()
        assert sure.sum() > 990


def test_the_notes_are_ready_for_json() -> None:
    data = disk(generator=seeded(0), dtype=torch.float32)
    assert json.loads(json.dumps(data.notes)) == data.notes
    assert data.notes["classes"] == ["outside the disk", "inside the disk"]
    assert data.task == "classification"
    assert data.validation is None


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (0, "points: expected a whole number of at least 2, got 0; write points = 2 or more"),
        (True, "points: expected a whole number of at least 2, got True"),
        (10.0, "points: expected a whole number of at least 2, got 10.0"),
        ("many", "points: expected a whole number of at least 2, got 'many'"),
        (7, "points: expected an even number, half of it for each label, got 7; take points = 8"),
    ],
)
def test_refuses_other_numbers_of_points(points: object, said: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        disk(generator=seeded(0), dtype=torch.float32, points=points)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)
