"""One forward and backward at one shape and draw, whose derivatives are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from minidl_plugins_devkit.diagnosis.differences import Comparison, compare
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["Probe"]


class Probe:
    """The gradients of one pass, and the same derivatives by differences.

    Args:
        batch: the number of rows; the example's own if None.
        salt: another one draws other parameters, inputs and gradients of the outputs.
        change: makes inputs of another layout.
        mode: ``"keeping"`` for a pass in evaluation mode, after one in training mode.
    """

    def __init__(
        self,
        case: Case,
        batch: int | None,
        salt: int = 0,
        change: Callable[[Tensor], Tensor] = Tensor.clone,
        mode: Literal["training", "keeping"] = "training",
    ) -> None:
        self.case = case
        self.salt = salt
        self.batch = case.batch if batch is None else batch
        self.subject = case.build(salt=salt)
        self.inputs = tuple(map(change, case.inputs(batch, salt=salt)))
        if mode == "keeping":
            self.subject.one_pass(case.inputs(batch, salt=salt + 40))
            self.subject.remember()
            self.subject.evaluate(keep=True)
        self.result = self.subject.one_pass(self.inputs, salt)
        self.weights = self.subject.grad_outputs(self.result.outputs, salt)
        for number, output in enumerate(self.result.outputs):
            if not output.isfinite().all():
                raise ConformanceError(
                    f"output {number} is NaN or infinite",
                    cause="inputs outside the range of the function: set low and high, or draw, "
                    "of the Example",
                )

    def inputs_with_gradients(self) -> dict[str, tuple[Tensor, object]]:
        """Each differentiable input, and the gradient that backward gave for it, by name.

        Raises:
            ConformanceError: backward gave another number of gradients.
        """
        grads = self.result.input_grads
        inputs = self.subject.differentiable(self.inputs, len(grads))
        if len(grads) != len(inputs):
            raise ConformanceError(
                f"backward must return a gradient for each of {len(inputs)} inputs, "
                f"got {len(grads)}"
            )
        found: dict[str, tuple[Tensor, object]] = {}
        for number, (x, grad) in enumerate(zip(inputs, grads, strict=True)):
            if x.is_floating_point():
                name = f"input {number}"
                if self.subject.is_loss:
                    name = "the prediction" if len(inputs) == 1 else f"prediction {number}"
                found[name] = x, grad
        return found

    def parameters_with_gradients(self) -> dict[str, tuple[Tensor, object]]:
        """Each parameter's value, and what backward added to its gradient, by name."""
        grads = self.result.parameter_grads
        return {name: (value, grads[name]) for name, value, _ in self.subject.named_pairs()}

    def terms(self, weights: tuple[Tensor, ...]) -> Tensor:
        """The terms of Σ w · forward(x), with the draws of the first forward."""
        self.subject.rewind()
        outputs = self.subject.value(*self.inputs)
        return torch.cat([(w * y).flatten() for w, y in zip(weights, outputs, strict=True)])

    def compare(self, x: Tensor, grad: Tensor) -> Comparison:
        """Compare `grad`, the gradient by `x`, with differences."""
        return compare(
            lambda: self.terms(self.weights), x, grad, self.case.generator(500 + self.salt)
        )

    def derivative(self, x: Tensor, weights: tuple[Tensor, ...] | None = None) -> Tensor:
        """The gradient by `x` of Σ w · forward(x); NaN where `x` is too large, or at kinks."""
        unknown = torch.full(x.shape, torch.nan, dtype=torch.float64)
        used = self.weights if weights is None else weights
        found = compare(lambda: self.terms(used), x, unknown, self.case.generator(), limit=False)
        return found.numeric.reshape(x.shape) if found.numeric.numel() == x.numel() else unknown
