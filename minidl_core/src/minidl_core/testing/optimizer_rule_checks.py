"""The update rule itself: each of its numbers has an effect, and it is the published one.

Nothing in an optimizer says twice what it should do, as forward and backward do of a derivative.
So its author writes the rule a second time, as the `reference` of an Example.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from minidl_core.testing.comparing import must_agree, same_bits
from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from minidl_core.testing.cases import Case

__all__ = ["hyperparameters_matter", "matches_reference", "numbers_never_set"]

STEPS = 12


def hyperparameters_matter(case: Case) -> str:
    """Every number of the example changes where the optimizer goes.

    A number that differs from its default is put back to it, any other is halved.
    """
    expected = Trial(case).advance(0, STEPS).values()
    defaults = _defaults(case.factory)
    tried = 0
    for name, value in case.example.kwargs.items():
        for shown, other in _others(name, value, defaults.get(name, inspect.Parameter.empty)):
            tried += 1
            kwargs = {**case.example.kwargs, name: other}
            if same_bits(Trial(case, kwargs=kwargs).advance(0, STEPS).values(), expected):
                raise ConformanceError(
                    f"{shown} has no effect",
                    f"{name}={value!r} and {name}={other!r} give the same {STEPS} steps",
                    "it is read in the constructor and forgotten in step()",
                )
    return "" if tried else "the example sets no number"


def _others(name: str, value: Any, default: Any) -> Iterator[tuple[str, Any]]:
    if _is_number(value):
        if default != value and default is not inspect.Parameter.empty:
            yield name, default
        elif value:
            yield name, value / 2
    elif isinstance(value, (tuple, list)) and all(map(_is_number, value)):
        for place, number in enumerate(value):
            if number:
                halved = [n / 2 if i == place else n for i, n in enumerate(value)]
                yield f"{name}[{place}]", type(value)(halved)


def numbers_never_set(component: Any, examples: list[Any]) -> list[str]:
    """The numeric arguments of the constructor that no example sets to anything but zero."""
    exercised = {name for example in examples for name, value in example.kwargs.items() if value}
    return [
        name
        for name, default in _defaults(component).items()
        if (_is_number(default) or isinstance(default, tuple)) and name not in exercised
    ]


def _defaults(factory: Callable[..., Any]) -> dict[str, Any]:
    function = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def matches_reference(case: Case) -> str:
    """It goes where the rule goes that the example names or writes as its reference."""
    reference = case.example.reference
    if reference is None:
        raise ConformanceError(
            "the update rule is not checked against anything",
            cause="the example gives no reference: name a class of torch that takes the same "
            'arguments (reference="torch.optim.SGD"), or write the rule for one number: '
            "reference(value, grads, **kwargs) gives its values after each step",
        )
    trial = Trial(case)
    rule = _torch_rule if isinstance(reference, str) else _float_rule
    expected = rule(case, Trial(case))
    for number in range(STEPS):
        before = trial.values()
        trial.advance(number, number + 1)
        _must_be_precise(before, trial.values(), expected[number])
        must_agree(
            trial.values(),
            expected[number],
            "is not where the reference is",
            cause=_which_step(number),
        )
    return ""


def _must_be_precise(
    before: dict[str, Tensor], after: dict[str, Tensor], expected: dict[str, Tensor]
) -> None:
    """Tell a step that is right to some digits from one that is wrong."""
    for name, value in after.items():
        gap = float((value - expected[name]).abs().max())
        step = float((expected[name] - before[name]).abs().max())
        if 1e-9 * step + 1e-12 < gap < 1e-5 * step:
            raise ConformanceError(
                f"{name} is where the reference is to some digits only",
                f"a step of {step:.4g} differs by {gap:.4g}",
                "the state is kept in less than the dtype of the parameter",
            )


def _which_step(number: int) -> str:
    if number == 0:
        return "the first step differs: lr, a sign, weight decay, or the first bias correction"
    return (
        "a later step differs, the first does not: momentum, or a bias correction that does not "
        "follow the step count (1 − β for 1 − βᵗ)"
    )


def _torch_rule(case: Case, start: Trial) -> list[dict[str, Tensor]]:
    """The trajectory of the optimizer of torch that the reference names."""
    path = str(case.example.reference)
    rule: Any = torch
    for name in path.removeprefix("torch.").split("."):
        rule = getattr(rule, name, None)
    if not path.startswith("torch.") or rule is None:
        raise ConformanceError(f"the reference {path!r} is no class of torch")
    kwargs = {name: value for name, value in case.example.kwargs.items() if value is not None}
    values = [parameter.value for parameter in start.parameters]
    optimizer = rule(values, **kwargs)
    trajectory = []
    for number in range(STEPS):
        start.set_gradients(number)
        for value, parameter in zip(values, start.parameters, strict=True):
            value.grad = parameter.grad.clone()
        optimizer.step()
        trajectory.append(start.values())
    return trajectory


def _float_rule(case: Case, start: Trial) -> list[dict[str, Tensor]]:
    """The trajectory of the reference function, element by element."""
    grads: list[list[Tensor]] = []
    for number in range(STEPS):
        start.set_gradients(number)
        grads.append([parameter.grad.clone() for parameter in start.parameters])
    trajectory = [start.values() for _ in range(STEPS)]
    reference: Any = case.example.reference
    for which, (name, value) in enumerate(start.values().items()):
        flat = [step[which].flatten() for step in grads]
        for place, number in enumerate(value.flatten().tolist()):
            steps = [float(grad[place]) for grad in flat]
            path = list(reference(number, steps, **case.example.kwargs))
            if len(path) != STEPS:
                raise ConformanceError(
                    "the reference must give one value after each step",
                    f"expected {STEPS} values for {STEPS} gradients, got {len(path)}",
                )
            for after, at in zip(path, trajectory, strict=True):
                at[name].view(-1)[place] = after
    return trajectory
