"""Which names outside the objects themselves the methods of a component read.

A method may read class attributes, globals of its module and variables that it closes over. Those
that can change in place cannot be traced. The others are compared before each step.
"""

from __future__ import annotations

import sys
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)  # fmt: skip
from typing import TYPE_CHECKING, Any

from minidl_plugins_engines.holding import METHODS, is_immutable
from minidl_plugins_engines.refusals import NotTraceableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Reads"]

# Functions of these packages are taken as they are: their own globals are not followed.
TRUSTED = frozenset({*sys.stdlib_module_names, "minidl_core", "torch", "numpy", "__future__"})
WRAPPERS = (staticmethod, classmethod)


class Reads:
    """The names that methods read, with what they stand for now.

    Attributes:
        classes: (class, name) -> value, as ``getattr`` on the class gives it.
        names: (id of a namespace, name) -> (namespace, value), of globals.
        cells: the variables that functions close over, with their values.

    Raises:
        NotTraceableError: one of them is something that can change in place.
    """

    def __init__(self, components: Iterable[Any]) -> None:
        self.classes: dict[tuple[type, str], Any] = {}
        self.names: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}
        self.cells: list[tuple[Any, Any]] = []
        self._scanned: set[tuple[Any, Any]] = set()
        own: dict[type, set[str]] = {}
        for each in components:
            own[type(each)] = own.get(type(each), set(vars(each))) & set(vars(each))
        for cls, names in own.items():
            for name in METHODS:
                self._read_class(cls, name, names)

    def _read_class(self, cls: type, name: str, own: set[str]) -> None:
        """Note the attribute `name` of `cls`, in every class where ``super()`` may find it."""
        if (cls, name) in self.classes or (name.startswith("__") and name != "__call__"):
            return
        missing = True
        for base in cls.__mro__:
            if base is object or name not in vars(base):
                continue
            if missing:
                self.classes[cls, name] = getattr(cls, name)
                missing = False
            self.classes[base, name] = getattr(base, name)
            self._read_value(f"{base.__qualname__}.{name}", vars(base)[name], cls, own)

    def _read_value(self, where: str, value: Any, cls: type | None, own: set[str]) -> None:
        if isinstance(value, WRAPPERS):
            value = value.__func__
        if isinstance(value, property):
            for function in (value.fget, value.fset):
                if isinstance(function, FunctionType):
                    self._scan(function, cls, own)
        elif isinstance(value, FunctionType):
            self._scan(value, cls, own)
        elif isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            self._scan(value.__func__, type(value.__self__), set())
        elif isinstance(value, (tuple, MappingProxyType)) and not is_immutable(value):
            items = value if isinstance(value, tuple) else value.values()
            for item in items:  # a constant table of functions
                self._read_value(where, item, None, set())
        elif not (
            is_immutable(value)
            or isinstance(value, (ModuleType, BuiltinFunctionType))
            or (
                type(value).__module__.partition(".")[0] in ("torch", "torch._ops", "typing")
                and callable(value)
            )
            or _is_descriptor_of_c(value)
        ):
            raise NotTraceableError(
                f"the methods read {where}, a {type(value).__qualname__}, "
                "which could change without being seen"
            )

    def _scan(self, function: FunctionType, cls: type | None, own: set[str]) -> None:
        if (function, cls) in self._scanned:
            return
        self._scanned.add((function, cls))
        if not isinstance(function, FunctionType):
            return
        where = f"{function.__module__}.{function.__qualname__}"
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._read_value(f"a default of {where}", default, None, set())
        for cell, variable in zip(
            function.__closure__ or (), function.__code__.co_freevars, strict=True
        ):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if variable != "__class__":
                self.cells.append((cell, value))
                self._read_value(f"{variable} of {where}", value, None, set())
        trusted = str(function.__module__).partition(".")[0] in TRUSTED
        for name in dict.fromkeys(_names_in(function.__code__)):
            if cls is not None and name not in own:
                self._read_class(cls, name, own)
            if not trusted:
                self._read_global(function.__globals__, name, function.__code__)

    def _read_global(self, namespace: dict[str, Any], name: str, code: CodeType) -> None:
        if name not in namespace or (id(namespace), name) in self.names:
            return
        value = namespace[name]
        where = f"{namespace.get('__name__')}.{name}"
        self.names[id(namespace), name] = (namespace, value)
        self._read_value(where, value, None, set())
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] not in TRUSTED:
            for attribute in dict.fromkeys(_names_in(code)):
                self._read_global(vars(value), attribute, code)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _is_descriptor_of_c(value: Any) -> bool:
    """Whether it is a slot or a method of a class written in C."""
    return type(value).__name__ in (
        "member_descriptor", "method_descriptor", "wrapper_descriptor", "getset_descriptor",
        "builtin_function_or_method", "_abc_data", "classmethod_descriptor",
    )  # fmt: skip
