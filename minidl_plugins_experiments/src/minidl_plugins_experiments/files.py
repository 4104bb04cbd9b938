"""Files that are either there in whole or not at all."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PARTIAL", "sync_folder", "write_atomically", "write_json"]

PARTIAL = ".partial"  # the end of the name of a file that is being written


def write_atomically(path: Path, content: bytes) -> None:
    """Make `content` what is in `path`, or leave there what was.

    It is written beside it, flushed to disk, and renamed, which file systems do in one piece. That
    the new one has the name survives a power cut once `sync_folder` was called, too.

    Raises:
        OSError: it could not be written, as on a full disk. Nothing is left over.
    """
    beside = path.with_name(path.name + PARTIAL)
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """`data` as JSON, in which there is no NaN: a line for each key, and for each item of a list.

    Raises:
        OSError: as `write_atomically`.
    """
    lines = ",\n".join(f"{_json(key)}: {_lines(value)}" for key, value in data.items())
    write_atomically(path, f"{{\n{lines}\n}}\n".encode())


def _lines(value: Any) -> str:
    if isinstance(value, list) and value:
        items = ",\n".join(f"  {_json(item)}" for item in value)
        return f"[\n{items}\n]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
