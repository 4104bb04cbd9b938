"""The Huber loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acme_nets.checks import check_alike, check_records_no_graph, finite_number
from minidl_core import ArgumentError, BaseModule, Example, ShapeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HuberLoss"]


class HuberLoss(BaseModule):
    """J(X, L) = 1/N Σᵢ h(xᵢ − lᵢ), with h(d) = d²/2 where |d| ≤ δ, else δ (|d| − δ/2).

    Quadratic near the target and linear far from it, so that one outlier does not outweigh all
    else. The convention is torch.nn.HuberLoss's: the mean over all N elements, not over rows only.
    (As δ grows it becomes half of the mean squared error.)

    Shapes: prediction X and target L alike, of any shape; J is a scalar.

    Args:
        delta: δ, above 0: from where on the loss is linear.

    Raises:
        ArgumentError: `delta` is not a finite number above 0.
        ShapeError: the shapes differ, even where they would broadcast, or there is no element.
        DtypeError, DeviceError: prediction and target differ in dtype or device.
        ParameterError: one of them records a graph of torch's autograd.

    Reference: P. J. Huber, Robust estimation of a location parameter, 1964.
    """

    traceable = True

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = finite_number("HuberLoss", "delta", delta, least=0)
        if not delta:
            raise ArgumentError("delta must be above 0, got 0", where="HuberLoss")

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        if prediction.shape != target.shape:
            raise ShapeError(
                f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have "
                "the same shape; reshape the target, for it is never broadcast",
                where=self,
            )
        if prediction.numel() == 0:
            raise ShapeError(
                f"expected at least one element to take the mean of, got an empty batch of shape "
                f"{tuple(prediction.shape)}; leave empty batches out",
                where=self,
            )
        for role, tensor in (("prediction", prediction), ("target", target)):
            check_records_no_graph(self, role, tensor)
        check_alike(self, "target", target, "prediction", prediction)
        d = prediction - target
        c = d.clamp(-self.delta, self.delta)
        self.push(c)
        # with c = d inside, and ±δ outside, both cases of h(d) are c (d − c/2)
        return (c * (d - c / 2)).mean()

    # h'(d) = d where |d| ≤ δ, else ±δ:  dJ/dX = c / N
    def backward(self) -> Tensor:
        c: Tensor = self.pop()
        return c / c.numel()

    def summary(self) -> str:
        return f"Huber Loss, delta: {self.delta}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3)]),
            Example({"delta": 0.5}, shapes=[(2, 3, 2)]),
            Example({"delta": 100.0}, shapes=[(5, 1)]),
        ]
