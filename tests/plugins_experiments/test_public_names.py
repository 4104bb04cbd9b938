"""What ``import minidl_plugins_experiments`` offers, and through which doors."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

import minidl_plugins_experiments as experiments

POINTS = [
    point
    for point in distribution("minidl-plugins-experiments").entry_points
    if point.group.startswith("minidl")
]


def test_public_names_are_sorted_and_listed() -> None:
    assert experiments.__all__ == sorted(experiments.__all__)
    for name in experiments.__all__:
        assert getattr(experiments, name).__name__ == name
        assert name in dir(experiments)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Dta'"):
        experiments.Dta  # noqa: B018


@pytest.mark.parametrize("point", POINTS, ids=[f"{p.group}-{p.name}" for p in POINTS])
def test_every_entry_point_can_be_loaded(point) -> None:
    assert point.load() is not None
