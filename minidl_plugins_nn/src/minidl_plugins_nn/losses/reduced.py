"""The base classes of losses: a mean or a sum of values, and what they ask of their tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from minidl_core import (
    ArgumentError,
    BaseModule,
    DeviceError,
    DtypeError,
    Example,
    ShapeError,
    check_alike,
    check_no_graph,
)
from minidl_plugins_nn.half import wide

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ElementwiseLoss", "ReducedLoss", "check_labels", "check_prediction", "check_signs"]


class ReducedLoss(BaseModule):
    """A loss that is the mean or the sum of many values.

    ``reduction="none"`` is refused: a loss is one number, whose derivative ``backward()`` gives.
    torch's deprecated arguments ``size_average`` and ``reduce`` are left out; what follows them
    there is passed by name here. Half precision is accumulated in float32.
    """

    REDUCTIONS: ClassVar[tuple[str, ...]] = ("mean", "sum")

    def __init__(self, *, reduction: str = "mean") -> None:
        if reduction not in self.REDUCTIONS:
            known = ", ".join(map(repr, self.REDUCTIONS))
            why = " (a loss is one number here)" if reduction == "none" else ""
            raise ArgumentError(
                f"reduction must be one of {known}, got {reduction!r}{why}",
                where=type(self).__name__,
            )
        self.reduction = reduction

    def reduced(self, values: Tensor) -> Tensor:
        """Return the mean or the sum of `values`; half precision is accumulated in float32."""
        return (wide(values).sum() * self.share(values)).to(values.dtype)

    def share(self, values: Tensor) -> float:
        """Return dJ/dv for each v of `values`: 1/N, or 1 for the sum."""
        return 1.0 if self.reduction == "sum" else 1 / values.numel()

    def keep_weight(self, name: str, weight: Tensor | None) -> None:
        """Make buffer `name` of `weight`, if there is one."""
        if weight is not None and not getattr(weight, "is_floating_point", bool)():
            raise ArgumentError(
                f"{name} must be a tensor of a floating-point dtype, got {weight!r}",
                where=type(self).__name__,
            )
        self.register_buffer(name, None if weight is None else weight.detach().clone())

    def summary(self) -> str:
        words = "".join(f" {c}" if c.isupper() else c for c in type(self).__name__)
        return f"{words.strip()}, reduction: {self.reduction}"


class ElementwiseLoss(ReducedLoss):
    """J(X, L) = 1/N Σᵢ v(xᵢ, lᵢ), or the sum alone.

    A subclass writes v as `values` and its derivative by x as `slopes`. Prediction and target have
    one shape, whatever it is; nothing is broadcast.
    """

    traceable = True

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_prediction(self, prediction)
        self.check_target(prediction, target)
        if prediction.shape != target.shape:
            raise ShapeError(
                f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have "
                "the same shape; reshape the target, for it is never broadcast",
                where=self,
            )
        self.push((prediction, target))
        return self.reduced(self.values(prediction, target))

    # dJ/dX = v'(X, L) / N
    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor] = self.pop()
        return self.slopes(*kept) * self.share(kept[0])

    @abstractmethod
    def values(self, x: Tensor, target: Tensor) -> Tensor:
        """Return v(x, target)."""

    @abstractmethod
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        """Return dv/dx."""

    def check_target(self, prediction: Tensor, target: Tensor) -> None:
        check_alike(self, "target", target, "prediction", prediction)

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3)]),
            Example(shapes=[(2, 3, 2)]),
            Example({"reduction": "sum"}, shapes=[(5,)]),
        ]


def check_prediction(layer: object, x: Tensor, role: str = "prediction") -> None:
    """Refuse a prediction that is empty, of whole numbers, or records a graph.

    Raises:
        ShapeError: it has no element.
        DtypeError: it is not of a floating-point dtype.
        ParameterError: it records a graph of torch's autograd.
    """
    check_no_graph(layer, role, x)
    if not x.is_floating_point():
        raise DtypeError(
            f"expected a {role} of a floating-point dtype, got {x.dtype}; convert it: x.float()",
            where=layer,
        )
    if x.numel() == 0:
        raise ShapeError(
            f"expected at least one element to take the loss of, got an empty batch of shape "
            f"{tuple(x.shape)}; leave empty batches out",
            where=layer,
        )


def check_signs(layer: object, prediction: Tensor, target: Tensor) -> None:
    """Check a target of ±1, which may be of any dtype but bool: that has no −1.

    Raises:
        DtypeError: it is of bools.
        DeviceError, ParameterError: as `check_labels`.
    """
    check_labels(layer, prediction, target)
    if str(target.dtype) == "torch.bool":
        raise DtypeError(
            "expected a target of 1 and -1, got torch.bool; convert it: target.int() * 2 - 1",
            where=layer,
        )


def check_labels(layer: object, prediction: Tensor, target: Tensor) -> None:
    """Check a target whose numbers are labels, such as ±1, which may be of any dtype.

    Raises:
        DeviceError: it is on another device than the prediction.
        ParameterError: it records a graph of torch's autograd.
    """
    check_no_graph(layer, "target", target)
    if target.device != prediction.device:
        raise DeviceError(
            f"expected the target on the device of the prediction, {prediction.device}, got "
            f'{target.device}; move it: target.to("{prediction.device}")',
            where=layer,
        )
