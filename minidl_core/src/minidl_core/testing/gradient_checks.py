"""Backward against central differences of forward, for every input and every parameter."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minidl_core.testing.causes import counts_of, likely_cause
from minidl_core.testing.differences import Comparison, compare
from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.hypotheses import hypotheses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minidl_core.testing.cases import Case

__all__ = ["Probe", "input_gradient", "parameter_gradient", "prediction_gradient"]


def input_gradient(case: Case) -> str:
    """What backward returns is the derivative of Σ w · forward(x) by each input x."""
    for salt, batch in enumerate(case.batches()):
        with _remembering(case, salt):
            Probe(case, batch, salt).check_inputs()
    return ""


def prediction_gradient(case: Case) -> str:
    """What backward returns is the derivative, by the prediction, of exactly the value reported."""
    return input_gradient(case)


def parameter_gradient(case: Case) -> str:
    """What backward adds to grad is the derivative of Σ w · forward(x) by each parameter."""
    probe = Probe(case, case.batch, 0)
    for salt, batch in enumerate(case.batches()):
        with _remembering(case, salt):
            probe = Probe(case, batch, salt)
            probe.check_parameters()
    return "" if probe.result.parameter_grads else "has no parameters"


@contextmanager
def _remembering(case: Case, salt: int) -> Iterator[None]:
    """Say of a failure at another batch size that the example's own has passed."""
    try:
        yield
    except ConformanceError as error:
        if not salt or not error.detail:
            raise
        passed = f"{error.detail}; a batch of {case.batch} passes"
        raise ConformanceError(error.finding, passed, error.cause) from None


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
        named = {f"input {i}": x for i, x in enumerate(inputs) if x.is_floating_point()}
        for number, grad in enumerate(grads):
            name = f"input {number}"
            if name not in named:
                continue
            x = named[name]
            shown = "the prediction" if self.subject.is_loss else name
            self._check(shown, x, grad, {n: other for n, other in named.items() if n != name})

    def check_parameters(self) -> None:
        grads = self.result.parameter_grads
        values = {name: value for name, value, _ in self.subject.named_pairs()}
        for name, value in values.items():
            self._check(name, value, grads[name], {n: v for n, v in values.items() if n != name})

    def terms(self, weights: tuple[Tensor, ...]) -> Tensor:
        """The terms of Σ w · forward(x), with the draws of the first forward."""
        self.subject.rewind()
        outputs = self.subject.value(*self.inputs)
        return torch.cat([(w * y).flatten() for w, y in zip(weights, outputs, strict=True)])

    def _check(self, name: str, x: Tensor, grad: object, others: dict[str, Tensor]) -> None:
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

    def _cause(self, x: Tensor, grad: Tensor, found: Comparison, others: dict[str, Tensor]) -> str:
        right = found.numeric.reshape(x.shape)
        return likely_cause(
            grad,
            right,
            counts=counts_of(self.inputs[0].shape, self.batch),
            alike=hypotheses(self, x, right, others),
        )


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
