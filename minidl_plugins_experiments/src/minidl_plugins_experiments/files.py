"""Files that are either there in whole or not at all."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PARTIAL", "write_atomically", "write_json"]

PARTIAL = ".partial"  # the end of the name of a file that is being written


def write_atomically(path: Path, content: bytes) -> None:
    """Make `content` what is in `path`, or leave there what was; on disk when this returns.

    It is written beside it, flushed to disk, and renamed, which file systems do in one piece.

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
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: Path, data: Any) -> None:
    """`data` as JSON, in which there is no NaN.

    Raises:
        OSError: as `write_atomically`.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
