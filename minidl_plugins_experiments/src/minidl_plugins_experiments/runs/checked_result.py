"""The structure that every reader of a ``result.json`` or ``seeds.json`` relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["RUN_KEYS", "SERIES_KEYS", "SWEEP_KEYS", "check_keys"]

RUN_KEYS: dict[str, Any] = {
    "status": str,
    "configuration": dict,
    "name": str,
    "run": str,
    "distributions": dict,
    "data": {"task": str, "fingerprint": str},
    "model": {"parameters": int},
    "restarts": {"count": int, "dead": list},
    "epochs": list,
    "final": dict,
    "timing": dict,
}
SERIES_KEYS: dict[str, Any] = {
    "status": str,
    "configuration": dict,
    "name": str,
    "file": str,
    "seeds": list,
}
SWEEP_KEYS: dict[str, Any] = {
    "status": str,
    "name": str,
    "file": str,
    "sweep": dict,
    "groups": list,
}
CURVES = ("train_loss", "train_error", "test_loss", "test_error",
          "validation_loss", "validation_error")  # fmt: skip
CURE = "restore the file from a backup, or start a new run"


def check_keys(path: Path, content: Mapping[str, Any], keys: Mapping[str, Any]) -> None:
    """Check that `content`, read from `path`, has `keys` with values of their types.

    Raises:
        MinidlError: names the first key that is missing or has another type.
    """
    _check(path, content, keys, "")
    if keys is RUN_KEYS:
        for index, epoch in enumerate(content["epochs"]):
            _check_epoch(path, epoch, f"epochs[{index}]")


def _check(path: Path, content: Mapping[str, Any], keys: Mapping[str, Any], before: str) -> None:
    for key, kind in keys.items():
        if key not in content:
            raise MinidlError(f"{path} is damaged: it has no {before}{key}; {CURE}")
        expected = dict if isinstance(kind, dict) else kind
        if not isinstance(content[key], expected):
            raise _wrong(path, f"{before}{key}", expected.__name__, content[key])
        if isinstance(kind, dict):
            _check(path, content[key], kind, f"{before}{key}.")


def _check_epoch(path: Path, epoch: Any, key: str) -> None:
    if not isinstance(epoch, dict):
        raise _wrong(path, key, "dict", epoch)
    for name in CURVES:
        values = epoch.get(name, [])
        if not isinstance(values, list) or not all(
            value is None or isinstance(value, (int, float)) for value in values
        ):
            raise _wrong(path, f"{key}.{name}", "list of numbers", values)


def _wrong(path: Path, key: str, expected: str, value: Any) -> MinidlError:
    return MinidlError(
        f"{path} is damaged: expected {key} to be a {expected}, got {type(value).__name__}; {CURE}"
    )
