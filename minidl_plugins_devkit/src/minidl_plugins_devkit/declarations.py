"""What a component declares about itself: its kind, its examples and its exceptions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, Example, describe_error, suggest
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Registry

__all__ = ["examples_of", "exceptions_of", "kind_of", "must_have_methods", "name_of"]

DEFAULT_SHAPES = ((4, 3), (2, 5))
PASSES = ("modules", "losses")  # the kinds that have forward and backward


def name_of(component: Any) -> str:
    """Return what messages call `component`."""
    return str(getattr(component, "__name__", component))


def kind_of(component: Any, kind: str | None, registry: Registry) -> str:
    """Return the kind of `component`: as given, or read off its methods.

    An optimizer has ``step``; the ``backward`` of a loss takes no gradient.

    Raises:
        ArgumentError: no distribution declares `kind`, or the methods do not tell.
    """
    if kind is not None:
        if kind not in registry.kinds():
            known = registry.kinds()
            raise ArgumentError(
                f"kind must be one of {', '.join(map(repr, known))}, got {kind!r}."
                f"{suggest(kind, known)}",
                where=name_of(component),
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
        where=name_of(component),
    )


def _takes_gradient(backward: Any) -> bool:
    _, *parameters = inspect.signature(backward).parameters.values()
    return any(
        p.kind is p.VAR_POSITIONAL
        or (p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty)
        for p in parameters
    )


def must_have_methods(component: Any, kind: str, registry: Registry) -> None:
    """Raise a ConformanceError if `component` lacks a method of its kind's contract."""
    protocol = registry.find("kinds", kind).load()
    methods = sorted(getattr(protocol, "__abstractmethods__", ()))
    if methods == ["__call__"]:
        if not callable(component):
            raise ConformanceError(f"{name_of(component)} cannot be called")
        return
    if not isinstance(component, type):
        raise ConformanceError(f"{name_of(component)} must be a class, got {component!r}")
    missing = [name for name in methods if not callable(getattr(component, name, None))]
    missing += sorted(getattr(component, "__abstractmethods__", ()))
    if missing:
        helped = kind in (*PASSES, "optimizers")
        raise ConformanceError(
            f"{name_of(component)} is not one of the {kind}: it lacks "
            f"{', '.join(dict.fromkeys(missing))}",
            f"{kind} must have {', '.join(methods)}",
            "no base class: minidl_core.BaseModule and BaseOptimizer help" if helped else "",
        )


def examples_of(component: Any, kind: str, given: Iterable[Example] | None = None) -> list[Example]:
    """Return the examples that `component` gives, or default ones if it needs no arguments.

    Those `given` take the place of its own.

    Raises:
        ConformanceError: there are none, or they are not usable.
    """
    give = getattr(component, "examples", None) if given is None else lambda: given
    if give is None:
        return _default_examples(component, kind)
    try:
        examples = list(give())
    except Exception as error:
        raise ConformanceError(
            f"{name_of(component)}.examples() fails", describe_error(error)
        ) from error
    if not examples:
        raise ConformanceError(
            f"{name_of(component)}.examples() gives none: nothing would be checked"
        )
    for number, example in enumerate(examples):
        _must_be_usable(number, example, kind)
    if kind not in PASSES:
        return examples
    return [
        example if example.shapes else example._replace(shapes=_default_shapes(component, kind)[0])
        for example in examples
    ]


def _default_examples(component: Any, kind: str) -> list[Example]:
    if not isinstance(component, type):
        return [Example()]
    required = _required(component, skip=1 if kind == "optimizers" else 0)
    if required:
        raise ConformanceError(
            f"{component.__name__} does not say how to build examples of itself, and cannot be "
            f"built without {', '.join(required)}",
            cause="no examples: write\n"
            "    @classmethod\n"
            "    def examples(cls) -> list[Example]:\n"
            f"        return [Example({{{', '.join(f'{n!r}: ...' for n in required)}}}"
            + (", shapes=[(4, 3)]" if kind in PASSES else "")
            + ")]\n    with Example from minidl_core",
        )
    if kind not in PASSES:
        return [Example()]
    return [Example(shapes=shapes) for shapes in _default_shapes(component, kind)]


def _default_shapes(component: Any, kind: str) -> list[list[tuple[int, ...]]]:
    """(batch, features) for each input of ``forward``; of a loss, for each prediction."""
    _, *parameters = inspect.signature(component.forward).parameters.values()
    inputs = sum(p.kind in _POSITIONAL and p.default is p.empty for p in parameters)
    inputs -= kind == "losses"
    return [[shape] * max(1, inputs) for shape in DEFAULT_SHAPES]


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
    if kind in PASSES and example.low >= example.high:
        raise ConformanceError(f"example {number}: low must be below high")


def exceptions_of(component: Any, checks: Mapping[str, Any]) -> dict[str, str]:
    """Return the checks that are expected to fail, each with its reason.

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
    if declared and len(declared) == len(checks):
        raise ConformanceError("conformance_exceptions leaves no check: nothing would be proved")
    return dict(declared)
