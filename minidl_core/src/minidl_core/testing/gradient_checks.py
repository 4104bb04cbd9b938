"""Backward against central differences of forward, for every input and every parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minidl_core.testing.causes import counts_of, likely_cause
from minidl_core.testing.differences import Comparison, compare
from minidl_core.testing.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core.testing.cases import Case

__all__ = ["Probe", "input_gradient", "parameter_gradient", "prediction_gradient"]


def input_gradient(case: Case) -> str:
    """What backward returns is the derivative of Σ w · forward(x) by each input x."""
    for salt, batch in enumerate(case.batches()):
        Probe(case, batch, salt).check_inputs()
    return ""


def prediction_gradient(case: Case) -> str:
    """What backward returns is the derivative, by the prediction, of exactly the value reported."""
    return input_gradient(case)


def parameter_gradient(case: Case) -> str:
    """What backward adds to grad is the derivative of Σ w · forward(x) by each parameter."""
    probe = Probe(case, case.batch, 0)
    for salt, batch in enumerate(case.batches()):
        probe = Probe(case, batch, salt)
        probe.check_parameters()
    return "" if probe.result.parameter_grads else "has no parameters"


class Probe:
    """One forward and backward at one shape and draw, and the comparisons with differences."""

    def __init__(
        self,
        case: Case,
        batch: int | None,
        salt: int = 0,
        change: Callable[[Tensor], Tensor] = Tensor.clone,
    ) -> None:
        self.case = case
        self.salt = salt
        self.batch = case.batch if batch is None else batch
        self.subject = case.build(salt=salt)
        self.inputs = tuple(map(change, case.inputs(batch, salt=salt)))
        self.result = self.subject.one_pass(self.inputs, salt)
        self.weights = self.subject.cotangents(self.result.outputs, salt)
        for number, output in enumerate(self.result.outputs):
            if not output.isfinite().all():
                raise ConformanceError(
                    f"output {number} is NaN or infinite",
                    cause="inputs outside the range of the function: set low and high, or draw, "
                    "of the Example",
                )

    def check(self) -> None:
        """Compare whatever is not declared to be another gradient, in a check of another name."""
        declared = getattr(self.case.component, "conformance_exceptions", {})
        if not {"input_gradient", "prediction_gradient"} & set(declared):
            self.check_inputs()
        if "parameter_gradient" not in declared:
            self.check_parameters()

    def check_inputs(self) -> None:
        inputs = self.subject.differentiable(self.inputs)
        grads = self.result.input_grads
        if len(grads) != len(inputs):
            raise ConformanceError(
                f"backward must return a gradient for each of {len(inputs)} inputs, "
                f"got {len(grads)}"
            )
        named = {f"input {number}": grad for number, grad in enumerate(grads)}
        for (name, grad), x in zip(named.items(), inputs, strict=True):
            if x.is_floating_point():
                shown = "the prediction" if self.subject.is_loss else name
                self._check(shown, x, grad, {n: g for n, g in named.items() if n != name})

    def check_parameters(self) -> None:
        grads = self.result.parameter_grads
        for name, value, _ in self.subject.named_pairs():
            self._check(name, value, grads[name], {n: g for n, g in grads.items() if n != name})

    def terms(self, weights: tuple[Tensor, ...]) -> Tensor:
        """The terms of Σ w · forward(x), with the draws of the first forward."""
        self.subject.rewind()
        outputs = self.subject.forward(*self.inputs)
        self.subject.let_go()
        return torch.cat([(w * y).flatten() for w, y in zip(weights, outputs, strict=True)])

    def _check(self, name: str, x: Tensor, grad: object, others: dict[str, Tensor | None]) -> None:
        grad = _checked_shape(name, x, grad)
        found = self._compare(x, grad, self.weights)
        if not found.wrong.any():
            return
        shapes = ", ".join(str(tuple(x.shape)) for x in self.inputs)
        wrong, count = int(found.wrong.sum()), len(found.wrong)
        raise ConformanceError(
            f"the gradient of {name} disagrees with central differences",
            f"in {wrong} of {count} elements, for inputs {shapes}; {found.worst()}",
            self._cause(x, grad, found, others) if count == x.numel() else "",
        )

    def _compare(self, x: Tensor, grad: Tensor, weights: tuple[Tensor, ...]) -> Comparison:
        return compare(lambda: self.terms(weights), x, grad, self.case.generator(500 + self.salt))

    def _cause(
        self, x: Tensor, grad: Tensor, found: Comparison, others: dict[str, Tensor | None]
    ) -> str:
        alike = {
            f"it is the gradient of {other}: the two are swapped": tensor
            for other, tensor in others.items()
            if isinstance(tensor, Tensor)
        }
        if not self.subject.is_loss:
            for weight in self.weights:
                alike["it is grad_output, handed on: the layer's own derivative is missing"] = (
                    weight
                )
            ones = tuple(torch.ones_like(weight) for weight in self.weights)
            unweighted = self._compare(x, torch.full_like(grad, torch.nan), ones).numeric
            if unweighted.numel() == x.numel():
                alike["it ignores grad_output, the factor that the chain rule brings"] = (
                    unweighted.reshape(x.shape)
                )
        shape = self.inputs[0].shape
        right = found.numeric.reshape(x.shape)
        return likely_cause(grad, right, counts=counts_of(shape, self.batch), alike=alike)


def _checked_shape(name: str, x: Tensor, grad: object) -> Tensor:
    if not isinstance(grad, Tensor):
        raise ConformanceError(f"the gradient of {name} must be a tensor, got {grad!r}")
    if grad.shape != x.shape:
        transposed = x.ndim > 1 and grad.shape == x.mT.shape
        raise ConformanceError(
            f"the gradient of {name} must have its shape {tuple(x.shape)}, got {tuple(grad.shape)}",
            cause="it is transposed" if transposed else "",
        )
    return grad
