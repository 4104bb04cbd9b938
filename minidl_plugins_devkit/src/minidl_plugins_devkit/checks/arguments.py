"""Every option that an example gives the constructor has an effect."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.diagnosis.agreement import labelled, same_bits
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["arguments_matter", "defaults_of", "is_number"]

BATCHES = 6  # that are tried before an option is said to have no effect


def arguments_matter(case: Case) -> str:
    """Every option of the example that is not the default changes what is computed.

    A number, a word or a choice that has a default is put back to it. A number without one is
    halved, or, if whole, raised by one and doubled: a quotient that is rounded down hides one step.
    """
    defaults = defaults_of(case.factory)
    tried = 0
    expected = functools.cache(lambda batch: _all_it_does(case, case.example.kwargs, batch))
    for name, value in case.example.kwargs.items():
        others = _others(value, defaults.get(name, inspect.Parameter.empty))
        if not others:
            continue
        tried += 1
        if all(_is_as_before(case, name, other, expected) for other in others):
            given = " and ".join(f"{name}={each!r}" for each in (value, *others))
            raise ConformanceError(
                f"{name} has no effect",
                f"{given} give the same outputs, gradients and buffers, in training and in "
                "evaluation",
                "it is read in the constructor and forgotten, or needs other inputs to matter; an "
                "option of speed alone is left out of the examples",
            )
    return "" if tried else "the example sets no option off its default"


def _others(value: Any, default: Any) -> list[Any]:
    """Return the values to try in the place of `value`; none where it is the default."""
    if default is not inspect.Parameter.empty:
        plain = value is None or isinstance(value, (bool, int, float, str))
        return [default] if plain and value != default else []
    if not is_number(value):
        return []
    return [value + 1, 2 * value] if isinstance(value, int) else [value / 2]


def _is_as_before(
    case: Case, name: str, other: Any, expected: Callable[[int], dict[str, Tensor]]
) -> bool:
    """Whether another value gives the same for every batch: the first may hide an effect."""
    kwargs = {**case.example.kwargs, name: other}
    for batch in range(BATCHES):
        before = expected(batch)
        try:
            if not same_bits(_all_it_does(case, kwargs, batch), before):
                return False
        except Exception:  # other sizes do not fit the inputs: that is an effect
            return False
    return True


def _all_it_does(case: Case, kwargs: Mapping[str, Any], batch: int) -> dict[str, Tensor]:
    other = type(case)(case.component, case.kind, case.example._replace(kwargs=kwargs), case.seed)
    subject, inputs = other.build(), case.inputs(salt=batch)
    found = labelled(subject.one_pass(inputs)) | subject.state()
    subject.evaluate()
    evaluated = subject.forward(*inputs)
    fresh = other.build(fresh=True).state()
    return {
        **found,
        **{f"evaluated {i}": y for i, y in enumerate(evaluated)},
        **{f"fresh {name}": tensor for name, tensor in fresh.items()},
    }


def is_number(value: object) -> bool:
    """Whether `value` is an int or a float, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def defaults_of(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the defaults of the arguments of `factory` that have one."""
    function = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
