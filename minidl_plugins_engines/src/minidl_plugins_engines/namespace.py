"""A namespace for generated functions: constants get names, and source text becomes a function."""

from __future__ import annotations

from typing import Any

__all__ = ["Namespace"]


class Namespace:
    """The globals of one generated function.

    Nothing but names made here is ever put into the text, so that no value can break it.
    """

    def __init__(self) -> None:
        self._globals: dict[str, Any] = {"__builtins__": {"len": len, "bool": bool}}
        self._names: dict[int, str] = {}

    def add(self, value: Any) -> str:
        """Return the name of `value`; the same for the same object."""
        if value is None or value is True or value is False:
            return repr(value)
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"c{len(self._names)}"
            self._globals[name] = value
        return name

    def define(self, name: str, text: str) -> Any:
        """Compile `text`, which defines the function `name`, and return the function."""
        exec(compile(text, f"<{name} of minidl>", "exec"), self._globals)
        return self._globals.pop(name)
