"""The folder of a run: what is in it, and how it comes to be."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from minidl_core import MinidlError
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.files import sync_folder, write_json

__all__ = [
    "CHECKPOINT", "RESULT", "SCHEMA", "SEEDS", "WEIGHTS", "check_output", "create", "fresh_name",
    "read_result",
]  # fmt: skip

RESULT = "result.json"
WEIGHTS = "weights.safetensors"
CHECKPOINT = "checkpoint.safetensors"
SEEDS = "seeds.json"  # in the folder of --seeds, beside the folders of the runs

SCHEMA = 1  # of result.json; a new one where a reader of the old would misunderstand
RUNS = Path("runs")


def check_output(folder: Path) -> None:
    """A run can be written to `folder`, which is new or empty.

    Raises:
        ConfigError: it cannot.
    """
    key = "--output"
    with suppress(OSError):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            resume = (folder / RESULT).is_file() or (folder / SEEDS).is_file()
            cure = f"go on with it: minidl run --resume {folder}; or " if resume else ""
            raise ConfigError(
                f"{folder} is there already, and a run never overwrites; {cure}name another folder",
                key=key,
            )
    parent = folder.absolute().parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise ConfigError(f"{parent} is a file, not a folder; name another place", key=key)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{parent} may not be written to; name another place", key=key)


def fresh_name(name: str) -> Path:
    """``runs/name-1``, or with the first number that is free."""
    taken = {path.name for path in RUNS.iterdir()} if RUNS.is_dir() else set()
    return RUNS / next(
        f"{name}-{number}" for number in range(1, len(taken) + 2) if f"{name}-{number}" not in taken
    )


def create(folder: Path, name: str, content: dict[str, Any]) -> None:
    """Make `folder` with one file in it; both appear at once, so a folder is never half a run.

    Raises:
        ConfigError: it cannot be made.
    """
    beside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        beside.chmod(0o755)
        write_json(beside / name, content)
        beside.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
        raise ConfigError(
            f"{folder} cannot be made ({error.strerror or error}); name another place",
            key="--output",
        ) from error


def read_result(folder: Path, name: str = RESULT) -> dict[str, Any]:
    """What a run has written of itself.

    Raises:
        MinidlError: it is not the folder of a run, or damaged, or of another schema.
    """
    path = folder / name
    if not folder.is_dir():
        raise MinidlError(f"{folder}: there is no such folder; give the folder of a run")
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MinidlError(
            f"{folder} is not the folder of a run: it has no {name}; give the one that minidl run "
            "made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MinidlError(f"{path} cannot be read ({error}); it is damaged") from error
    if not isinstance(result, dict) or "schema" not in result:
        raise MinidlError(f"{path} is not the result of a run; give the folder of one")
    if result["schema"] != SCHEMA:
        raise MinidlError(
            f"{path} has the schema {result['schema']!r}, and this version reads {SCHEMA}; use the "
            "version of minidl-plugins-experiments that wrote it"
        )
    return result
