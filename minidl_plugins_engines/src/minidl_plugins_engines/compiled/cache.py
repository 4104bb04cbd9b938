"""Compiled steps on disk: named by their content, whole or not there."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from minidl_plugins_engines.program import Value, with_values

if TYPE_CHECKING:
    from minidl_plugins_engines.compiled.pure import Pure

__all__ = ["folder", "key_of", "kept", "keep"]

FORMAT = "2"  # of what is compiled from a program; raised when `Pure` or the options change


def folder() -> Path:
    """Return where compiled steps are kept: in ``MINIDL_CACHE``, or where caches are."""
    given = os.environ.get("MINIDL_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minidl"
    return Path(given or home) / "inductor"


def key_of(pure: Pure) -> str:
    """Return a name for what `pure` compiles to, on this machine with this torch."""
    lines = [FORMAT, torch.__version__, platform.machine(), _processor()]
    lines.append(str(torch.get_num_threads()))
    names: dict[Value, str] = {}

    def name_of(value: Value) -> str:
        if value not in names:
            form = (tuple(value.shape), value.stride, value.dtype, value.device)
            names[value] = f"t{len(names)}"
            lines.append(f"{names[value]} {form}")
        return names[value]

    lines += [f"in {name_of(value)}" for value in (*pure.inputs, *pure.results_drawn())]
    lines += [f"number {each.dtype}" for each in pure.numbers]
    for call in pure.calls:
        args = [with_values(each, name_of) for each in call.args]
        number = pure.number_of(call)
        if number is not None:
            args[1] = f"number {number}"
        kwargs = {key: with_values(each, name_of) for key, each in call.kwargs.items()}
        results = [None if each is None else name_of(each) for each in call.results]
        lines.append(f"{results} = {call.target}({args!r}, {kwargs!r}) {call.expected}")
    lines += [f"write {at}" for at in pure.written]
    lines += [f"out {name_of(each)}" for each in pure.program.outputs]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def kept(key: str) -> Path | None:
    """Return the library that was kept under `key`, if it is there and as it was written."""
    library, digest = _files(key)
    try:
        if digest.read_text(encoding="ascii") == _digest(library):
            return library
    except (OSError, ValueError):
        pass
    return None


def keep(key: str, made: Path) -> Path:
    """Put the library `made` under `key`, in one step, and return its new place.

    Raises:
        OSError: it cannot be written there.
    """
    library, digest = _files(key)
    for calls in made.parent.glob("*.wrapper.json"):  # of operations without machine code
        calls.replace(library.with_suffix(".json"))  # where the library looks for them
    made.replace(library)
    text = _digest(library)
    part = digest.with_suffix(f".{os.getpid()}")
    part.write_text(text, encoding="ascii")
    part.replace(digest)
    return library


def _files(key: str) -> tuple[Path, Path]:
    return folder() / f"{key}.so", folder() / f"{key}.sha256"


def _digest(library: Path) -> str:
    """Return that of a library, and of the calls that stand beside it."""
    digest = hashlib.sha256(library.read_bytes())
    calls = library.with_suffix(".json")
    if calls.exists():
        digest.update(calls.read_bytes())
    return digest.hexdigest()


def _processor() -> str:
    """Return what the processor can do: code for another may not run on this one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
