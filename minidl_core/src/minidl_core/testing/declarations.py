"""What a component declares about itself: its kind, its examples and its exceptions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from minidl_core.components import check_contract
from minidl_core.errors import ArgumentError, MinidlError
from minidl_core.example import Example
from minidl_core.testing.errors import ConformanceError

__all__ = ["examples_of", "exceptions_of", "kind_of", "must_have_methods"]

DEFAULT_SHAPES = ((4, 3), (2, 5))
_TESTED = ("modules", "losses", "optimizers")


def kind_of(component: Any, kind: str | None = None) -> str:
    """``"modules"``, ``"losses"`` or ``"optimizers"``: as given, or read off the methods.

    An optimizer has ``step``; the ``backward`` of a loss takes no gradient.

    Raises:
        ArgumentError: `kind` is none of these, or `component` is none of these.
    """
    name = getattr(component, "__name__", repr(component))
    if kind is not None:
        if kind not in _TESTED:
            raise ArgumentError(
                f"kind must be one of {', '.join(map(repr, _TESTED))}, got {kind!r}", where=name
            )
        return kind
    if isinstance(component, type):
        if hasattr(component, "step"):
            return "optimizers"
        if hasattr(component, "forward") and hasattr(component, "backward"):
            return "modules" if _takes_gradient(component.backward) else "losses"
    raise ArgumentError(
        "expected a class with forward and backward (a module or a loss) or with step (an "
        f"optimizer), got {component!r}; pass the class itself, or say kind=",
        where=name,
    )


def _takes_gradient(backward: Any) -> bool:
    _, *parameters = inspect.signature(backward).parameters.values()
    return any(
        p.kind is p.VAR_POSITIONAL
        or (p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty)
        for p in parameters
    )


def must_have_methods(component: Any, kind: str) -> None:
    """Refuse a class that lacks a method of its kind."""
    try:
        check_contract(kind, component, component.__name__)
    except MinidlError as error:
        raise ConformanceError(
            str(error), cause="no base class: minidl_core.BaseModule and BaseOptimizer help"
        ) from error


def examples_of(component: Any, kind: str) -> list[Example]:
    """The examples that `component` gives, or default ones if it is built without arguments.

    Raises:
        ConformanceError: there are none, or they are not usable.
    """
    give = getattr(component, "examples", None)
    if give is None:
        return _default_examples(component, kind)
    try:
        examples = list(give())
    except Exception as error:
        raise ConformanceError(
            f"{component.__name__}.examples() fails", f"{type(error).__name__}: {error}"
        ) from error
    if not examples:
        raise ConformanceError(
            f"{component.__name__}.examples() gives none: nothing would be checked"
        )
    for number, example in enumerate(examples):
        _must_be_usable(number, example, kind)
    if kind == "optimizers":
        return examples
    return [
        example if example.shapes else example._replace(shapes=_default_shapes(component, kind)[0])
        for example in examples
    ]


def _default_examples(component: Any, kind: str) -> list[Example]:
    required = _required(component, skip=1 if kind == "optimizers" else 0)
    if required:
        raise ConformanceError(
            f"{component.__name__} does not say how to build examples of itself, and cannot be "
            f"built without {', '.join(required)}",
            cause="no examples: write\n"
            "    @classmethod\n"
            "    def examples(cls) -> list[Example]:\n"
            f"        return [Example({{{', '.join(f'{n!r}: ...' for n in required)}}}"
            + ("" if kind == "optimizers" else ", shapes=[(4, 3)]")
            + ")]\n    with Example from minidl_core",
        )
    if kind == "optimizers":
        return [Example()]
    return [Example(shapes=shapes) for shapes in _default_shapes(component, kind)]


def _default_shapes(component: Any, kind: str) -> list[list[tuple[int, ...]]]:
    """(batch, features) for each input of ``forward``."""
    inputs = 1
    if kind == "modules":
        _, *parameters = inspect.signature(component.forward).parameters.values()
        inputs = max(1, sum(p.kind in _POSITIONAL and p.default is p.empty for p in parameters))
    return [[shape] * inputs for shape in DEFAULT_SHAPES]


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _required(component: Any, skip: int) -> list[str]:
    _, *parameters = inspect.signature(component.__init__).parameters.values()
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    named = positional[skip:] + [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return [p.name for p in named if p.default is p.empty]


def _must_be_usable(number: int, example: object, kind: str) -> None:
    if not isinstance(example, Example):
        raise ConformanceError(
            f"example {number} must be a minidl_core.Example, got {type(example).__name__}"
        )
    if not isinstance(example.kwargs, Mapping):
        raise ConformanceError(f"example {number}: kwargs must be a mapping of names to values")
    for shape in example.shapes:
        if not isinstance(shape, (tuple, list)) or not all(isinstance(n, int) for n in shape):
            raise ConformanceError(
                f"example {number}: shapes must list one shape for each input",
                f"expected for example [(4, 3)], got {example.shapes!r}",
            )
    if kind != "optimizers" and example.low >= example.high:
        raise ConformanceError(f"example {number}: low must be below high")


def exceptions_of(component: Any, checks: Mapping[str, Any]) -> dict[str, str]:
    """The checks that are expected to fail, each with its reason.

    Raises:
        ConformanceError: an unknown check, no reason, or every check.
    """
    declared = getattr(component, "conformance_exceptions", {})
    if not isinstance(declared, Mapping):
        raise ConformanceError("conformance_exceptions must map names of checks to reasons")
    for name, reason in declared.items():
        if name not in checks:
            raise ConformanceError(
                f"conformance_exceptions names an unknown check {name!r}",
                f"expected one of {', '.join(checks)}",
            )
        if not isinstance(reason, str) or not reason.strip():
            raise ConformanceError(f"conformance_exceptions gives no reason for {name!r}")
    if len(declared) == len(checks):
        raise ConformanceError("conformance_exceptions leaves no check: nothing would be proved")
    return dict(declared)
