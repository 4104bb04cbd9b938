"""Real images, bundled with scikit-learn."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.datasets.digits import digits


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def _sklearn() -> None:
    pytest.importorskip("sklearn")


@pytest.mark.usefixtures("_sklearn")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_image_is_in_one_part_with_its_own_label(dtype: torch.dtype) -> None:
    from sklearn.datasets import load_digits

    data = digits(generator=seeded(0), dtype=dtype, validation=0.1)
    assert data.validation is not None
    parts = (data.train, data.test, data.validation)
    for part in parts:
        assert (part.x.shape[1], part.y.shape[1]) == (64, 10)
        assert part.x.dtype == part.y.dtype == dtype
        assert part.y.sum(1).eq(1).all()
    ours = sorted(
        (*pixels, label)
        for part in parts
        for pixels, label in zip(
            (part.x * 16).round().int().tolist(), part.y.argmax(1).tolist(), strict=True
        )
    )
    images, labels = load_digits(return_X_y=True)
    theirs = sorted(
        (*map(int, image), int(label)) for image, label in zip(images, labels, strict=True)
    )
    assert ours == theirs


@pytest.mark.usefixtures("_sklearn")
def test_pixels_are_between_0_and_1() -> None:
    data = digits(generator=seeded(0), dtype=torch.float32)
    assert (data.train.x.min().item(), data.train.x.max().item()) == (0.0, 1.0)


@pytest.mark.usefixtures("_sklearn")
def test_each_digit_is_dealt_out_in_the_shares_asked_for() -> None:
    data = digits(generator=seeded(1), dtype=torch.float32, test=0.25, validation=0.1)
    assert data.validation is not None
    counts = [part.y.sum(0) for part in (data.train, data.test, data.validation)]
    everything = sum(counts)
    assert ((counts[1] - 0.25 * everything).abs() <= 0.5).all()
    assert ((counts[2] - 0.1 * everything).abs() <= 0.5).all()


@pytest.mark.usefixtures("_sklearn")
def test_the_generator_decides_the_parts() -> None:
    one, same, other = (digits(generator=seeded(s), dtype=torch.float32) for s in (1, 1, 2))
    assert one.test.x.equal(same.test.x)
    assert not one.test.x.equal(other.test.x)
    assert one.validation is None


@pytest.mark.usefixtures("_sklearn")
def test_the_notes_are_ready_for_json() -> None:
    notes = digits(generator=seeded(0), dtype=torch.float32).notes
    assert json.loads(json.dumps(notes)) == notes
    assert notes["classes"] == list("0123456789")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"test": 0}, "test: expected a share of the rows between 0 and 1, got 0;"),
        ({"test": "a fifth"}, "test: expected a share of the rows between 0 and 1, got 'a fifth'"),
        ({"test": True}, "test: expected a share of the rows between 0 and 1, got True"),
        ({"validation": 1.5}, "validation: expected a share of the rows between 0 and 1, or 0"),
        ({"test": 0.5, "validation": 0.5}, "test: expected test and validation to leave images"),
        ({"test": 0.999}, 'digits: expected a row of "0" to train on, but all are held back'),
    ],
)
def test_refuses(arguments: dict[str, object], said: str) -> None:
    if arguments.get("test") == 0.999:
        pytest.importorskip("sklearn")
    with pytest.raises(ArgumentError) as caught:
        digits(generator=seeded(0), dtype=torch.float32, **arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)


def test_without_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ArgumentError, match=r"pip install 'minidl-plugins-experiments\[digits\]'"):
        digits(generator=seeded(0), dtype=torch.float32)
