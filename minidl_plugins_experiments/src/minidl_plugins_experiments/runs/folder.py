"""The run folder: its files, how it is created, and how it is read."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from minidl_core import MinidlError
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.files import sync_folder, write_json
from minidl_plugins_experiments.runs.checked_result import (
    RUN_KEYS,
    SERIES_KEYS,
    SWEEP_KEYS,
    check_keys,
)
from minidl_plugins_experiments.runs.schema import SCHEMA, upgraded

__all__ = [
    "RESULT", "SCHEMA", "SEEDS", "SWEEP", "WEIGHTS", "check_output", "create_folder", "is_series",
    "is_sweep", "read_result",
]  # fmt: skip

RESULT = "result.json"
WEIGHTS = "weights.safetensors"
SEEDS = "seeds.json"  # in the folder of a --seeds series, beside the run folders
SWEEP = "sweep.json"  # in that of a --sweep
KEYS = {RESULT: RUN_KEYS, SEEDS: SERIES_KEYS, SWEEP: SWEEP_KEYS}

RUNS = Path("runs")


def check_output(folder: Path) -> None:
    """Check that a run can be written to `folder`.

    Raises:
        ConfigError: it exists and is not empty, or it cannot be created.
    """
    key = "--output"
    with suppress(OSError):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            resume = any((folder / name).is_file() for name in KEYS)
            cure = f"resume it: minidl run --resume {folder}; or " if resume else ""
            raise ConfigError(
                f"{folder} exists already, and a run never overwrites; {cure}name another folder",
                key=key,
            )
    parent = folder.absolute().parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise ConfigError(f"{parent} is a file, not a folder; name another place", key=key)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{parent} may not be written to; name another place", key=key)


def create_folder(folder: Path | None, name: str, file: str, content: dict[str, Any]) -> Path:
    """Create `folder` with one JSON file in it; without `folder`, the first free ``runs/name-N``.

    Folder and file appear in one step, so a run folder always has its result.

    Raises:
        ConfigError: the folder cannot be created.
    """
    if folder is not None:
        _create(folder, file, content)
        return folder
    for _ in range(100):  # another process may take the same name
        folder = _free_name(name)
        try:
            _create(folder, file, content)
        except ConfigError:
            if not folder.exists():
                raise
        else:
            return folder
    raise ConfigError(f"no free name in {RUNS} for {name}; name a folder", key="--output")


def _free_name(name: str) -> Path:
    taken = {path.name for path in RUNS.iterdir()} if RUNS.is_dir() else set()
    return RUNS / next(
        f"{name}-{number}" for number in range(1, len(taken) + 2) if f"{name}-{number}" not in taken
    )


def _create(folder: Path, file: str, content: dict[str, Any]) -> None:
    beside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
        beside.mkdir()
        write_json(beside / file, content)
        beside.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
        raise ConfigError(
            f"{folder} cannot be created ({error.strerror or error}); name another place",
            key="--output",
        ) from error


def is_sweep(folder: Path) -> bool:
    """Return whether `folder` is that of a ``--sweep``."""
    return (folder / SWEEP).is_file()


def is_series(folder: Path) -> bool:
    """Return whether `folder` is that of a ``--seeds`` series."""
    return (folder / SEEDS).is_file()


def read_result(folder: Path, name: str = RESULT) -> dict[str, Any]:
    """Read the result of a run, or with `name` the summary of a series.

    A result of an earlier schema is returned in the current one.

    Raises:
        MinidlError: the folder has no run, or the file is damaged or of a later schema.
    """
    path = folder / name
    if not folder.is_dir():
        raise MinidlError(f"{folder}: there is no such folder; give a run folder")
    try:
        result: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MinidlError(
            f"{folder} is not a run folder: it has no {name}; give one that minidl run made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MinidlError(f"{path} cannot be read ({error}); it is damaged") from error
    if not isinstance(result, dict) or "schema" not in result:
        raise MinidlError(f"{path} is not the result of a run; give a run folder")
    if result["schema"] == 1:
        result = upgraded(result)
    if result["schema"] != SCHEMA:
        raise MinidlError(
            f"{path} has the schema {result['schema']!r}, and this version reads 1 and {SCHEMA}; "
            "use the version of minidl-plugins-experiments that wrote it"
        )
    check_keys(path, result, KEYS[name])
    return dict(result)
