"""An exception in an author's code: where it happened, and on what."""

from __future__ import annotations

import inspect
import linecache
import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import minidl_core
from minidl_core import describe_error
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["CrashError", "place_of"]

# Code that an author did not write: the kit, the core, torch and Python itself.
_FOREIGN = tuple(
    f"{folder}/"
    for folder in (
        Path(__file__).parent,
        Path(str(minidl_core.__file__)).parent,
        Path(torch.__file__).parent,
        sysconfig.get_path("stdlib"),
    )
)


class CrashError(ConformanceError):
    """An exception that a check did not expect.

    Attributes:
        place: ``file:line`` of the author's code.
    """

    def __init__(self, error: BaseException, component: Any, hint: str = "") -> None:
        frame, line = _frame_of(error)
        self.place = place_of(error, component)
        where = f"at {self.place}"
        if frame is not None:
            code = linecache.getline(frame.f_code.co_filename, line).strip()
            where += f", in {frame.f_code.co_name}: {code}"
            tensors = ", ".join(dict.fromkeys(_tensors_in(frame, code)))
            where += f"\nwith {tensors}" if tensors else ""
        self.short = f"{describe_error(error)}, at {self.place}"
        super().__init__(
            f"{type(error).__name__} where none is expected", f"{error}\n{where}", hint
        )


def place_of(error: BaseException, component: Any) -> str:
    """Return ``file:line`` of the last line of the author's code that `error` came through.

    If there is none, because the component could not be called, it is the line of its class.
    """
    frame, line = _frame_of(error)
    if frame is not None:
        return f"{_shown(frame.f_code.co_filename)}:{line}"
    try:
        _, line = inspect.getsourcelines(component)
        return f"{_shown(inspect.getsourcefile(component) or '?')}:{line}"
    except (OSError, TypeError):
        return str(getattr(component, "__qualname__", component))


def _frame_of(error: BaseException) -> tuple[FrameType | None, int]:
    found: tuple[FrameType | None, int] = None, 0
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        installed = "site-packages" in file or not file.startswith(_FOREIGN[-1])
        if installed and not file.startswith(_FOREIGN[:-1]):
            found = step.tb_frame, step.tb_lineno
        step = step.tb_next
    return found


def _tensors_in(frame: FrameType, code: str) -> Iterator[str]:
    """Each tensor that the line `code` names, as ``self.weight.value (2, 3)``."""
    for name in re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", code):
        thing, shown = frame.f_locals.get(name.partition(".")[0]), name.partition(".")[0]
        for part in name.split(".")[1:]:
            if isinstance(thing, Tensor):
                break
            thing, shown = inspect.getattr_static(thing, part, None), f"{shown}.{part}"
            if inspect.ismemberdescriptor(thing):  # a slot, such as a Parameter's value
                thing = _slot(frame, shown)
        if isinstance(thing, Tensor):
            kind = "" if thing.is_floating_point() else f" of {thing.dtype}"
            yield f"{shown} {tuple(thing.shape)}{kind}"


def _slot(frame: FrameType, path: str) -> Any:
    head, *rest = path.split(".")
    thing = frame.f_locals.get(head)
    for part in rest:
        thing = getattr(thing, part, None)
    return thing


def _shown(file: str) -> str:
    """The path of `file`, relative to the working folder if it is inside."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
