"""The mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, ShapeError
from minidl_plugins_basic.checks import check_alike, check_records_no_graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MSELoss"]


class MSELoss(BaseModule):
    """J(X, L) = 1/N Σᵢ (xᵢ − lᵢ)², the mean over all N elements (not over rows only).

    Shapes: prediction X and target L alike; J is a scalar. The dimensions before the last two
    are stacked models: for X of shape (K, n, out), J has shape (K,), each with N = n · out, and
    ``backward`` is the derivative of each model's own value.

    Raises:
        ShapeError: the shapes differ, even where they would broadcast, or there is no element.
        DtypeError, DeviceError: prediction and target differ in dtype or device.
        ParameterError: one of them records a graph of torch's autograd.
    """

    traceable = True

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
        check_records_no_graph(self, "prediction", prediction)
        check_alike(self, "target", target, "prediction", prediction)
        difference = prediction - target
        self.push(difference)
        dims = (-2, -1) if difference.ndim > 2 else None  # None: all of them
        return difference.square().sum(dims) * (1 / _per_model(difference))

    # dJ/dX = 2 (X − L) / N
    def backward(self) -> Tensor:
        difference: Tensor = self.pop()
        return difference * (2 / _per_model(difference))

    def summary(self) -> str:
        return "Mean Squared Error"


def _per_model(x: Tensor) -> int:
    """N, the number of elements that each model has."""
    return x.shape[-2:].numel()
