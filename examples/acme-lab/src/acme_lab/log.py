"""Listens to the hook ``minidl_augmented``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def minidl_augmented(name: str, row: Sequence[float]) -> str:
    return f"{name} changed a row of {len(row)} numbers"
