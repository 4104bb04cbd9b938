"""One line of a generated function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.program import Value

__all__ = ["Line"]


class Line:
    """One line of the generated function: ``results = function(*args, **kwargs)``.

    `results` is None if nothing is assigned. `freed` are the values to be let go of afterwards.
    If there is something `expected`, the line leaves the function unless its argument is just that.
    """

    __slots__ = ("args", "expected", "freed", "function", "kwargs", "results", "several")

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
        results: list[Value | None] | None = None, several: bool = False,
    ) -> None:  # fmt: skip
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.results = results
        self.several = several
        self.freed: list[Value] = []
        self.expected: bool | None = None
