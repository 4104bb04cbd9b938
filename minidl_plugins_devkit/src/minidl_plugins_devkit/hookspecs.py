"""The hook that the conformance kit calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@hookspec
def minidl_checks() -> Mapping[str, Sequence[Any]]:  # type: ignore[empty-body]
    """Return checks to add to the kit's own, by kind: ``{"modules": [replays]}``.

    A check is a function that takes a `minidl_plugins_devkit.Case`. It raises a
    `minidl_plugins_devkit.ConformanceError`, or returns a note: what it could not check, or ``""``.
    Its name is the check's name; the first line of its docstring says what it proves. The kind
    may be any that is installed, also one that your distribution declares.
    """
