"""The keys of a file that say where training begins, what it leaves alone, and when it stops."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from minidl_core import suggest
from minidl_plugins_experiments.config.problems import ConfigError, kind_of

__all__ = ["OPTIONS", "training_options"]

OPTIONS = ("weights", "frozen", "stop", "baseline")
STOP_ON = ("validation_loss", "test_loss", "train_loss")


def training_options(tree: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return the values of `OPTIONS` in `tree`, checked; None for what is left out.

    Raises:
        ConfigError: names the first that is wrong.
    """
    return {
        "weights": _weights(tree.get("weights"), folder),
        "frozen": _frozen(tree.get("frozen")),
        "stop": _stop(tree.get("stop")),
        "baseline": _flag(tree.get("baseline"), "baseline"),
    }


def _weights(value: Any, folder: str) -> dict[str, Any] | None:
    """Return ``{"run": folder, "leave_out": [...]}`` with a path that holds from anywhere."""
    if value is None:
        return None
    given = {"run": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("run"), str) or not given["run"]:
        raise ConfigError(
            f'expected the folder of a run, got {kind_of(value)}; write weights = "runs/a-1", or '
            'weights = { run = "runs/a-1", leave_out = ["2"] } to leave out some layers',
            key="weights",
        )
    for key in given:
        if key not in ("run", "leave_out"):
            hint = suggest(key, ("run", "leave_out"))
            raise ConfigError(f'there is no key "{key}".{hint} There are: run, leave_out',
                              key=f"weights.{key}")  # fmt: skip
    path = Path(given["run"])
    if not path.is_absolute():  # beside the file, or where the command runs, as runs/ is
        beside = Path(folder).absolute() / path
        path = beside if beside.is_dir() else path.absolute()
    leave_out = _paths(given.get("leave_out", []), "weights.leave_out")
    return {"run": str(path), **({"leave_out": leave_out} if leave_out else {})}


def _frozen(value: Any) -> list[str] | None:
    return None if value is None else _paths(value, "frozen") or None


def _paths(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(
        isinstance(each, str) and re.fullmatch(r"\w+(\.\w+)*", each) for each in value
    ):
        raise ConfigError(
            f'expected a list of layers by their paths, got {kind_of(value)}; write {key} = ["0", '
            '"1.2"], as the names in weights.safetensors begin',
            key=key,
        )
    return list(value)


def _stop(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ConfigError(
            f"expected a table, got {kind_of(value)}; write stop = {{ patience = 10 }}", key="stop"
        )
    for key in value:
        if key not in ("patience", "on"):
            hint = suggest(key, ("patience", "on"))
            raise ConfigError(
                f'there is no key "{key}".{hint} There are: patience, on', key=f"stop.{key}"
            )
    patience = value.get("patience")
    if not isinstance(patience, int) or isinstance(patience, bool) or patience < 1:
        raise ConfigError(
            f"expected a whole number of epochs of at least 1, got {kind_of(patience)}; write "
            "patience = 10",
            key="stop.patience",
        )
    on = value.get("on", STOP_ON[0])
    if on not in STOP_ON:
        raise ConfigError(
            f"expected one of {', '.join(STOP_ON)}, got {kind_of(on)}; leave it out for "
            f"{STOP_ON[0]}",
            key="stop.on",
        )
    return {"patience": patience, "on": on}


def _flag(value: Any, key: str) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise ConfigError(f"expected true or false, got {kind_of(value)}; write one", key=key)
    return value
