"""A sweep: the grid of values that some keys of an experiment take."""

from __future__ import annotations

import copy
import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.overriding import KEY, parse_value
from minidl_plugins_experiments.config.problems import ConfigError, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from minidl_plugins_experiments.config.component_spec import ComponentSpec

__all__ = ["check_one_run", "grid_of", "is_of_optimizer", "settings_of", "swept", "with_numbers"]

MOST = 1000  # settings of one sweep
EXAMPLE = "write optimizer.lr=0.01,0.03,0.1"


def swept(arguments: Iterable[str]) -> dict[str, list[Any]]:
    """Read ``--sweep KEY=VALUE,VALUE,…`` arguments.

    Commas inside brackets and quotes do not separate values.

    Raises:
        ConfigError: one cannot be read.
    """
    grid: dict[str, list[Any]] = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        key = key.strip()
        if not equals or not KEY.fullmatch(key):
            raise ConfigError(
                f"expected KEY=VALUE,VALUE, got {argument!r}; {EXAMPLE}", key="--sweep"
            )
        if key in grid:
            raise ConfigError(
                f"{key} is given twice; write all its values into one --sweep", key="--sweep"
            )
        grid[key] = [parse_value(key, each, "--sweep") for each in _split(text)]
    return grid


def grid_of(table: Any) -> dict[str, list[Any]]:
    """Return the values of each swept key, from the table ``[sweep]`` of a file.

    Raises:
        ConfigError: it is no table of lists, a list is empty or has a value twice, or there are
            too many settings.
    """
    if not isinstance(table, dict):
        raise ConfigError(
            f"expected a table of lists, got {kind_of(table)}; write [sweep] and below it "
            "optimizer.lr = [0.01, 0.1]",
            key="sweep",
        )
    grid = dict(_flat(table, ""))
    count = 1
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(
                f"expected a list of values, got {'none' if values == [] else kind_of(values)}; "
                f"{EXAMPLE} on the command "
                f"line, or {key} = [0.01, 0.03] in [sweep]",
                key=f"sweep.{key}",
            )
        twice = [value for i, value in enumerate(values) if value in values[:i]]
        if twice:
            raise ConfigError(f"{twice[0]!r} is given twice; leave one out", key=f"sweep.{key}")
        count *= len(values)
    if count > MOST:
        raise ConfigError(
            f"the sweep has {count} settings, and {MOST} are the most; sweep fewer values",
            key="sweep",
        )
    return grid


def settings_of(grid: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return each combination of values, the last key changing fastest; one without a grid."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def is_of_optimizer(key: str, values: Iterable[Any]) -> bool:
    """Return whether only numbers of the optimizer differ, so that a stack trains all values."""
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in values)
    return numbers and key.startswith("optimizer.")


def check_one_run(grid: Mapping[str, list[Any]], *, stops: bool) -> None:
    """Check that one run can train all of `grid`.

    Args:
        stops: whether the run stops early, which is at one epoch for all its models.

    Raises:
        ConfigError: a key is not a number of the optimizer, or the run stops early.
    """
    for key, values in grid.items():
        if stops or not is_of_optimizer(key, values):
            raise ConfigError(
                f"one run can have several numbers of its optimizer, if it does not stop early, "
                f"but not several {key}; use minidl run, which makes a run of each",
                key=f"sweep.{key}",
            )


def with_numbers(spec: ComponentSpec, values: Mapping[str, Any]) -> ComponentSpec:
    """Return the optimizer's `spec` with other numbers: ``{"optimizer.lr": 0.1}``.

    Raises:
        ConfigError: a key has no place in it.
    """
    spec = replace(
        spec, arguments=copy.deepcopy(spec.arguments), optional=copy.deepcopy(spec.optional)
    )
    for key, value in values.items():
        _section, *path = key.split(".")
        if path[0] == spec.name and len(path) > 1:
            path = path[1:]
        if path[0] == "optional" or (len(path) == 1 and path[0] in spec.optional):
            spec.optional[path[-1]] = value
            continue
        place: Any = spec.arguments
        for step in path[:-1]:
            place = place.get(step) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise ConfigError(
                f"the file has no such place {key}; write the key as the file nests it",
                key=f"sweep.{key}",
            )
        place[path[-1]] = value
    return spec


def _flat(table: dict[str, Any], before: str) -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _split(text: str) -> list[str]:
    """Return the parts between commas that are outside of brackets and quotes."""
    parts = re.findall(r"""(?:"[^"]*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|[^,])+""", text)
    return [part.strip() for part in parts]
