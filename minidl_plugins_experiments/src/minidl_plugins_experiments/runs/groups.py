"""Groups of runs beside each other: the spread of each, and how far it is from the first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minidl_core import MinidlError
from minidl_plugins_experiments.runs.folder import (
    SEEDS,
    SWEEP,
    is_series,
    is_sweep,
    read_result,
)  # fmt: skip
from minidl_plugins_experiments.runs.member import has_diverged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Difference", "Group", "difference", "groups_of", "quartiles"]

RESAMPLES = 10_000
LEVEL = 0.95


class Group(NamedTuple):
    """The results of one experiment from several seeds, or of one setting from several restarts.

    Attributes:
        name: the folder, and the values of a sweep's setting.
        configuration: of the experiment; the seed is left out.
        task: such as ``"classification"``.
        unit: what the values differ by: ``"seed"`` or ``"restart"``.
        errors: the test error at the end by seed or restart; infinite for one that diverged.
        curves: the test error after each epoch, of each of them; NaN where there is none.
    """

    name: str
    configuration: dict[str, Any]
    task: str
    unit: str
    errors: dict[int, float]
    curves: list[list[float]]


class Difference(NamedTuple):
    """The mean of paired differences, with its bootstrap interval.

    Attributes:
        pairs: how many seeds both groups have.
        mean: of the differences.
        low, high: 95 % of the means of resampled pairs lie between; NaN for fewer than two pairs.
    """

    pairs: int
    mean: float
    low: float
    high: float


def groups_of(folders: Iterable[Path]) -> list[Group]:
    """Return the groups in `folders`: one for a run or a series of seeds, one a sweep's setting.

    Raises:
        MinidlError: a folder has no finished result.
    """
    return [group for folder in folders for group in _groups_in(folder)]


def quartiles(group: Group) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile of the errors."""
    values = sorted(group.errors.values())
    low, middle, high = (_quantile(values, share) for share in (0.25, 0.5, 0.75))
    return low, middle, high


def difference(group: Group, base: Group) -> Difference | None:
    """Return how far `group` is from `base`, seed by seed; None without a common finite pair.

    The interval is that of the percentile bootstrap: the means of 10,000 samples of the pairs,
    drawn with replacement by a generator of seed 0.
    """
    if group.unit != base.unit:
        return None
    pairs = [
        group.errors[key] - base.errors[key]
        for key in group.errors
        if math.isfinite(group.errors[key]) and math.isfinite(base.errors.get(key, math.inf))
    ]
    if not pairs:
        return None
    values: NDArray[np.float64] = np.array(pairs)
    if len(values) < 2:
        return Difference(1, float(values[0]), math.nan, math.nan)
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    means = values[drawn].mean(1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(len(values), float(values.mean()), float(low), float(high))


def _groups_in(folder: Path) -> Iterator[Group]:
    if is_sweep(folder):
        yield from _settings_of(folder)
        return
    places = [folder]
    if is_series(folder):
        seeds = read_result(folder, SEEDS)["seeds"]
        places = [folder / f"seed-{seed}" for seed in seeds if (folder / f"seed-{seed}").is_dir()]
    results = [read_result(place) for place in places]
    done = [each for each in results if each["status"] == "finished" or has_diverged(each)]
    if not done:
        raise MinidlError(f"{folder} has no finished run; resume it: minidl run --resume {folder}")
    configuration = {k: v for k, v in done[0]["configuration"].items() if k != "seed"}
    errors = {int(each["configuration"]["seed"]): _test_error(each) for each in done}
    curves = [_curve(each, each["restarts"].get("selected") or 0) for each in done]
    yield Group(str(folder), configuration, done[0]["data"]["task"], "seed", errors, curves)


def _settings_of(folder: Path) -> Iterator[Group]:
    summary = read_result(folder, SWEEP)
    if summary["status"] != "finished":
        raise MinidlError(f"{folder} is not finished; resume it: minidl run --resume {folder}")
    for setting in summary["settings"]:
        values = ", ".join(f"{key}={value}" for key, value in setting["values"].items())
        found = setting.get("test_error") or [None] * len(setting["train_loss"])
        errors = {at: math.inf if e is None else float(e) for at, e in enumerate(found)}
        result = read_result(folder / setting["folder"])
        curves = [_curve(result, setting["first_model"] + at) for at in errors]
        name = f"{folder} ({values})"
        yield Group(name, dict(setting["values"]), summary["task"], "restart", errors, curves)


def _curve(result: Mapping[str, Any], model: int) -> list[float]:
    """Return the test error of one model after each epoch."""
    errors = (epoch.get("test_error") or [None] * (model + 1) for epoch in result["epochs"])
    return [math.nan if each[model] is None else float(each[model]) for each in errors]


def _test_error(result: Mapping[str, Any]) -> float:
    error = result["final"].get("test_error")
    return math.inf if error is None or has_diverged(result) else float(error)


def _quantile(values: list[float], share: float) -> float:
    """Return the quantile as NumPy does; infinite next to an infinite value."""
    place = share * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    if low == high or place == math.floor(place):
        return low
    return low + (high - low) * (place - math.floor(place))
