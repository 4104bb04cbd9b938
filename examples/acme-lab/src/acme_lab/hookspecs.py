"""The hooks that ``minidl augment`` calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookspec
def minidl_augmented(name: str, row: Sequence[float]) -> str:  # type: ignore[empty-body]
    """A row was changed by the augmentation `name`; return a line to print, or None."""
