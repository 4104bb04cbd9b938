"""``--set a.b=value``: values of a file, replaced from the command line."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.component_spec import is_single
from minidl_plugins_experiments.config.old_names import RENAMED, with_current_names
from minidl_plugins_experiments.config.problems import ConfigError, kind_of
from minidl_plugins_experiments.config.reading import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KEY", "override", "parse_value", "replaced"]

KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+|\[[0-9]+\])*")
STEP = re.compile(r"[A-Za-z0-9_-]+|\[[0-9]+\]")
SECTIONS = ("data", "loss", "optimizer", "schedule")


def override(tree: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Return `tree` with each setting, such as ``optimizer.lr=0.05`` or ``model[0][1]="Tanh"``.

    A value is TOML; a plain word needs no quotes. ``optimizer.lr`` is the argument ``lr`` of the
    optimizer, whichever way the file writes the optimizer.

    Raises:
        ConfigError: a setting is not understood, or its key is not in the tree.
    """
    tree = with_current_names(tree)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals or not KEY.fullmatch(key):
            raise ConfigError(
                f"expected KEY=VALUE, such as epochs=40 or optimizer.lr=0.05, got {setting!r}",
                key="--set",
            )
        _put(tree, RENAMED.get(key, key), parse_value(key, text.strip(), "--set"))
    return tree


def replaced(tree: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `tree` with each of `values`, such as ``{"optimizer.lr": 0.05}``, in its place.

    Raises:
        ConfigError: a key is not in the tree.
    """
    tree = with_current_names(deepcopy(tree))
    for key, value in values.items():
        if not KEY.fullmatch(key):
            raise ConfigError(f"expected a key such as epochs or optimizer.lr, got {key!r}")
        _put(tree, RENAMED.get(key, key), value)
    return tree


def parse_value(key: str, text: str, option: str) -> Any:
    """Return the value that `text`, given to a command line's `option`, means."""
    try:
        parsed = parse(f"value = {text}")
    except ConfigError:
        parsed = {}
    if parsed.keys() == {"value"}:
        return parsed["value"]
    if re.fullmatch(r"([A-Za-z]|\.{0,2}/)[\w./-]*", text):  # a word, or a path
        return text
    raise ConfigError(
        f'expected a value as TOML writes it (40, 0.05, true, "text"), got {text!r}',
        key=f"{option} {key}",
    )


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    first, *steps = [
        int(step[1:-1]) if step.startswith("[") else step for step in STEP.findall(key)
    ]
    if not steps:
        tree[str(first)] = value
        return
    if first in SECTIONS:
        section = tree.get(str(first), {})
        if isinstance(section, str):
            section = tree[str(first)] = {"name": section}
        elif is_single(section) and steps[0] not in section:
            steps.insert(0, next(iter(section)))
    place: Any = tree
    for step, following in zip([first, *steps], steps, strict=False):
        if isinstance(place, dict) and isinstance(following, str):
            place.setdefault(step, {})
        place = _at(place, step, key)
    _at(place, steps[-1], key, may_be_new=True)
    place[steps[-1]] = value


def _at(place: Any, step: str | int | Any, key: str, *, may_be_new: bool = False) -> Any:
    if isinstance(step, int) and isinstance(place, list) and step < len(place):
        return place[step]
    if isinstance(step, str) and isinstance(place, dict) and (may_be_new or step in place):
        return place.get(step)
    wanted = f"a place {step}" if isinstance(step, int) else f'a key "{step}"'
    raise ConfigError(
        f"the file has no such place: expected {wanted}, got {kind_of(place)}; "
        "write the key as the file nests it",
        key=f"--set {key}",
    )
