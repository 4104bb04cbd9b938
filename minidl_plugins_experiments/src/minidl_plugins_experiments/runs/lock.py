"""A lock on a run folder: one process at a time writes into it.

The operating system holds the lock and drops it when the process ends, however it ends. So the lock
of a killed process is free, and no process has to decide whether another one is still alive. The
file ``lock`` says who holds it. It is removed at the end; a killed process leaves it behind.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from minidl_core import MinidlError
from minidl_plugins_experiments.runs.results import now
from minidl_plugins_experiments.telling import tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from minidl_plugins_experiments.session import Session

__all__ = ["LOCK", "locked"]

LOCK = "lock"
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def locked(session: Session, folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` inside the context, in the main process.

    Raises:
        MinidlError: another process holds it.
    """
    if not session.is_main_process:
        yield
        return
    descriptor = _acquire(folder)
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink()
        os.close(descriptor)


def _acquire(folder: Path) -> int:
    path = folder / LOCK
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise MinidlError(
                f"{folder} cannot be written to ({error.strerror or error}); repair that, or copy "
                "the folder to another place"
            ) from error
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in HELD:
                who = _who(path)
                os.close(descriptor)
                raise MinidlError(
                    f"{folder} is in use by {who}; wait until that process ends, or stop it first"
                ) from error
            tell(f"minidl: {folder} cannot be locked ({error}); let no other process resume it")
        if _is_at(descriptor, path):
            break
        os.close(descriptor)  # its holder removed it meanwhile
    me = {"pid": os.getpid(), "host": socket.gethostname(), "since": now()}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(me).encode())
    return descriptor


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        import msvcrt

        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text, which others may read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

    def _is_at(_descriptor: int, _path: Path) -> bool:
        return True  # an open file cannot be removed there

else:

    def _lock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_at(descriptor: int, path: Path) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            return False


def _who(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
