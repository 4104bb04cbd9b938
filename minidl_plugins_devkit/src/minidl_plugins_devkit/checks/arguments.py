"""Every number that an example gives the constructor has an effect."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.diagnosis.agreement import labelled, same_bits
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["arguments_matter", "defaults_of", "is_number"]


def arguments_matter(case: Case) -> str:
    """Every number of the example that is not the default changes what is computed.

    A number that has a default is put back to it; any other is halved, or, if whole, raised by one.
    """
    defaults = defaults_of(case.factory)
    tried = 0
    expected = None
    for name, value in case.example.kwargs.items():
        default = defaults.get(name, inspect.Parameter.empty)
        if not is_number(value) or value == default:
            continue
        if default is inspect.Parameter.empty:
            default = value + 1 if isinstance(value, int) else value / 2
        tried += 1
        expected = expected or _all_it_does(case, case.example.kwargs)
        try:
            got = _all_it_does(case, {**case.example.kwargs, name: default})
        except Exception:  # other sizes do not fit the inputs: that is an effect
            continue
        if same_bits(got, expected):
            raise ConformanceError(
                f"{name} has no effect",
                f"{name}={value!r} and {name}={default!r} give the same outputs, gradients and "
                "buffers, in training and in evaluation",
                "it is read in the constructor and forgotten, or needs other inputs to matter",
            )
    return "" if tried else "the example sets no number off its default"


def _all_it_does(case: Case, kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    other = type(case)(case.component, case.kind, case.example._replace(kwargs=kwargs), case.seed)
    subject, inputs = other.build(), case.inputs()
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
