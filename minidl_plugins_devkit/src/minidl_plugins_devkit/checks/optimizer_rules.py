"""The update rule itself: each of its numbers has an effect, and it is the published one.

Nothing in an optimizer says twice what it should do, as forward and backward do of a derivative.
So its author writes the rule a second time, as the `reference` of an Example.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.checks.arguments import defaults_of, is_number
from minidl_plugins_devkit.checks.reference import named_in_torch
from minidl_plugins_devkit.diagnosis.agreement import must_agree, same_bits
from minidl_plugins_devkit.diagnosis.causes import factor_of, named_factor
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["hyperparameters_matter", "matches_reference", "numbers_never_set"]

STEPS = 12


def hyperparameters_matter(case: Case) -> str:
    """Every number of the example changes where the optimizer goes.

    A number that differs from its default is put back to it, any other is halved.
    """
    expected = Trial(case).advance(0, STEPS).values()
    defaults = defaults_of(case.factory)
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
    if is_number(value):
        if default != value and default is not inspect.Parameter.empty:
            yield name, default
        elif value:
            yield name, value / 2
    elif isinstance(value, (tuple, list)) and all(map(is_number, value)):
        for place, number in enumerate(value):
            if number:
                halved = [n / 2 if i == place else n for i, n in enumerate(value)]
                yield f"{name}[{place}]", type(value)(halved)


def numbers_never_set(component: Any, examples: list[Any]) -> list[str]:
    """Return the numeric arguments of the constructor that no example makes use of.

    An example does by a number that is not zero, or by anything that is not the default: None may
    turn off what a number turns on.
    """
    defaults = defaults_of(component)
    used = {
        name
        for example in examples
        for name, value in example.kwargs.items()
        if value or value != defaults.get(name, value)
    }
    return [
        name
        for name, default in defaults.items()
        if (is_number(default) or isinstance(default, tuple)) and name not in used
    ]


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
    expected = _trajectory(case)
    for number in range(STEPS):
        before = trial.values()
        trial.advance(number, number + 1)
        after = trial.values()
        gap, step = _gap(before, after, expected[number])
        if 1e-9 * step + 1e-12 < gap < 1e-5 * step:
            raise ConformanceError(
                "the parameters are where the reference is to some digits only",
                f"a step of {step:.4g} differs by {gap:.4g}",
                _small_number(case, number, gap / step)
                or "the state is kept in less than the dtype of the parameter",
            )
        must_agree(
            after,
            expected[number],
            "is not where the reference is",
            cause=_which_step(case, number, before, after, expected[number]),
        )
    return ""


def _trajectory(case: Case) -> list[dict[str, Tensor]]:
    rule = _torch_rule if isinstance(case.example.reference, str) else _written_rule
    return rule(case, Trial(case))


def _gap(
    before: dict[str, Tensor], after: dict[str, Tensor], expected: dict[str, Tensor]
) -> tuple[float, float]:
    """The largest difference from the reference, and the largest step of the reference."""
    gap = max(float((after[name] - expected[name]).abs().max()) for name in after)
    step = max(float((expected[name] - before[name]).abs().max()) for name in after)
    return gap, step


def _small_number(case: Case, number: int, share: float) -> str:
    """Say which small number, such as ε, the difference grows with; rounding grows with none."""
    numbers = {**defaults_of(case.factory), **case.example.kwargs}
    for name, value in numbers.items():
        if not (is_number(value) and 0 < value < 1e-4):
            continue
        kwargs = {**case.example.kwargs, name: 30 * value}
        larger = type(case)(
            case.component, case.kind, case.example._replace(kwargs=kwargs), case.seed
        )
        before, after = Trial(larger).advance(0, number), Trial(larger).advance(0, number + 1)
        gap, step = _gap(before.values(), after.values(), _trajectory(larger)[number])
        if gap > 5 * share * step:
            return (
                f"{name} stands in another place: inside the root or outside of it, before the "
                "bias correction or after it"
            )
    return ""


def _which_step(
    case: Case,
    number: int,
    before: dict[str, Tensor],
    after: dict[str, Tensor],
    expected: dict[str, Tensor],
) -> str:
    for name, value in after.items():
        factor = factor_of(value - before[name], expected[name] - before[name])
        named = named_factor(factor, case.example.kwargs) if factor else ""
        if named and number == 0:
            return f"the step: {named}"
    if number == 0:
        return "the first step differs: lr, a sign, weight decay, or the first bias correction"
    return (
        "a later step differs, the first does not: momentum, or a bias correction that does not "
        "follow the step count (1 − β for 1 − βᵗ)"
    )


def _torch_rule(case: Case, start: Trial) -> list[dict[str, Tensor]]:
    """The trajectory of the optimizer of torch that the reference names."""
    rule = named_in_torch(str(case.example.reference))
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


def _written_rule(case: Case, start: Trial) -> list[dict[str, Tensor]]:
    """The trajectory of the reference function: over tensors, or element by element."""
    grads: list[list[Tensor]] = []
    for number in range(STEPS):
        start.set_gradients(number)
        grads.append([parameter.grad.clone() for parameter in start.parameters])
    trajectory = [start.values() for _ in range(STEPS)]
    reference: Any = case.example.reference
    if next(iter(inspect.signature(reference).parameters)) == "values":
        given = [value.clone() for value in start.values().values()]
        return [
            dict(zip(start.values(), (value.clone() for value in values), strict=True))
            for values in _must_be_complete(reference(given, grads, **case.example.kwargs))
        ]
    for which, (name, value) in enumerate(start.values().items()):
        flat = [step[which].flatten() for step in grads]
        for place, number in enumerate(value.flatten().tolist()):
            steps = [float(grad[place]) for grad in flat]
            path = _must_be_complete(reference(number, steps, **case.example.kwargs))
            for after, at in zip(path, trajectory, strict=True):
                at[name].view(-1)[place] = after
    return trajectory


def _must_be_complete(path: Iterable[Any]) -> list[Any]:
    found = list(path)
    if len(found) != STEPS:
        raise ConformanceError(
            "the reference must give one value after each step",
            f"expected {STEPS} values for {STEPS} gradients, got {len(found)}",
        )
    return found
