"""Backward against central differences of forward, for every input and every parameter."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor

from minidl_plugins_devkit.diagnosis.causes import counts_of, factor_of, likely_cause, named_factor
from minidl_plugins_devkit.diagnosis.hypotheses import hypotheses
from minidl_plugins_devkit.diagnosis.probe import Probe
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minidl_plugins_devkit.diagnosis.differences import Comparison
    from minidl_plugins_devkit.subjects.cases import Case

    Named = dict[str, tuple[Tensor, object]]  # value and gradient

__all__ = [
    "check_gradients",
    "input_gradient",
    "parameter_gradient",
    "prediction_gradient",
]


def input_gradient(case: Case) -> str:
    """What backward returns is the derivative of Σ w · forward(x) by each input x."""
    for salt, batch in enumerate(case.batches()):
        with _remembering(case, salt):
            _check_all(Probe(case, batch, salt), Probe.inputs_with_gradients)
    return ""


def prediction_gradient(case: Case) -> str:
    """What backward returns is the derivative, by each prediction, of exactly the loss's value."""
    return input_gradient(case)


def parameter_gradient(case: Case) -> str:
    """What backward adds to grad is the derivative of Σ w · forward(x) by each parameter."""
    probe = Probe(case, case.batch, 0)
    for salt, batch in enumerate(case.batches()):
        with _remembering(case, salt):
            probe = Probe(case, batch, salt)
            _check_all(probe, Probe.parameters_with_gradients)
    return "" if probe.result.parameter_grads else "has no parameters"


def check_gradients(probe: Probe) -> None:
    """Compare all gradients, but for those that are declared to be others on purpose."""
    declared = getattr(probe.case.component, "conformance_exceptions", {})
    if not {"input_gradient", "prediction_gradient"} & set(declared):
        _check_all(probe, Probe.inputs_with_gradients)
    if "parameter_gradient" not in declared:
        _check_all(probe, Probe.parameters_with_gradients)


@contextmanager
def _remembering(case: Case, salt: int) -> Iterator[None]:
    """Say of a failure at another batch size that the example's own has passed."""
    try:
        yield
    except ConformanceError as error:
        if not salt or not error.detail:
            raise
        passed = f"{error.detail}; a batch of {case.batch} passes"
        raise ConformanceError(error.finding, passed, error.cause) from error.__cause__


def _check_all(probe: Probe, named: Callable[[Probe], Named]) -> None:
    """Raise one error that names every wrong gradient."""
    pairs = named(probe)
    wrong: list[tuple[str, str, str]] = []  # name, figures, cause
    for name, (x, given) in pairs.items():
        grad = _with_right_shape(name, x, given)
        found = probe.compare(x, grad)
        if found.wrong.any():
            others = {n: other for n, (other, _) in pairs.items() if n != name}
            cause = ""
            if len(found.wrong) == x.numel():
                cause = _cause(probe, named, name, grad, found, others)
            figures = f"in {int(found.wrong.sum())} of {len(found.wrong)} elements{{}}"
            wrong.append((name, f"{figures}; {found.worst()}", cause))
    if not wrong:
        return
    shapes = ", ".join(str(tuple(x.shape)) for x in probe.inputs)
    if len(wrong) == 1:
        ((name, figures, cause),) = wrong
        raise ConformanceError(
            f"the gradient of {name} disagrees with central differences",
            figures.format(f", for inputs {shapes}"),
            cause,
        )
    names = [name for name, _, _ in wrong]
    causes = {cause for _, _, cause in wrong}
    raise ConformanceError(
        f"the gradients of {', '.join(names[:-1])} and {names[-1]} disagree with central "
        "differences",
        f"for inputs {shapes}\n"
        + "\n".join(f"{name}: {figures.format('')}" for name, figures, _ in wrong),
        causes.pop()
        if len(causes) == 1
        else "; ".join(f"{name}: {cause or 'unknown'}" for name, _, cause in wrong),
    )


def _cause(
    probe: Probe,
    named: Callable[[Probe], Named],
    name: str,
    grad: Tensor,
    found: Comparison,
    others: dict[str, Tensor],
) -> str:
    x, _ = named(probe)[name]
    right = found.numeric.reshape(x.shape)
    counts = counts_of(probe.inputs[0].shape, probe.batch)
    factor = factor_of(grad, right)
    if factor is not None:
        known = named_factor(factor, probe.case.example.kwargs)
        if known:
            return known
        known, counts = _at_another_batch(probe, named, name, factor, counts)
        if known:
            return known
    return likely_cause(grad, right, counts=counts, alike=hypotheses(probe, x, right, others))


def _at_another_batch(
    probe: Probe,
    named: Callable[[Probe], Named],
    name: str,
    factor: float,
    counts: dict[str, int],
) -> tuple[str, dict[str, int]]:
    """What a constant factor is for another number of rows: a cause, and the counts that fit.

    At four rows alone, a factor of N / 2 could not be told from a forgotten factor of two.
    """
    batch, case = probe.batch, probe.case
    if case.batch is None or not batch:
        return "", counts
    more = batch + 3
    try:
        other = Probe(case, more, probe.salt)
        x, given = named(other)[name]
        then = factor_of(_with_right_shape(name, x, given), other.derivative(x))
    except Exception:  # what happens there is the matter of other checks
        return "", counts
    if then is None:
        return "", counts
    later = counts_of(other.inputs[0].shape, more)
    fitting = {
        count: n
        for count, n in counts.items()
        if any(
            _close(factor, n**power) and _close(then, later.get(count, 0) ** power)
            for power in (1, -1)
            if later.get(count)
        )
    }
    if fitting or _close(then, factor):
        return "", fitting
    for power, said in ((1, "N"), (-1, "1 / N")):
        constant = factor / batch**power
        if _close(then, constant * more**power):
            return (
                f"it is {factor:.6g} times the right one for a batch of {batch} and {then:.6g} "
                f"times for {more}: {constant:.6g} · {said}, a mean or a sum over the batch"
            ), {}
    return "", {}


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-5 * abs(b)


def _with_right_shape(name: str, x: Tensor, grad: object) -> Tensor:
    if not isinstance(grad, Tensor):
        raise ConformanceError(f"the gradient of {name} must be a tensor, got {grad!r}")
    if grad.shape != x.shape:
        transposed = x.ndim > 1 and grad.shape == x.mT.shape
        raise ConformanceError(
            f"the gradient of {name} must have its shape {tuple(x.shape)}, got {tuple(grad.shape)}",
            cause="it is transposed" if transposed else "",
        )
    return grad
