"""A model and a loss to train, around any module or loss under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import BaseModule

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = ["model_and_loss"]


def model_and_loss(subject: Subject) -> tuple[Any, Any]:
    """Return what an engine takes: the module and a loss, or a model and the loss.

    A module gets the loss ½ Σ y² over all of its outputs, whatever the target; a loss gets the
    identity as its model. Both of these are traceable.
    """
    if subject.is_loss:
        return _Identity(), subject.module
    return subject.module, _HalfSquares()


class _Identity(BaseModule):
    traceable = True

    def forward(self, *inputs: Tensor) -> Any:
        return inputs if len(inputs) > 1 else inputs[0]

    def backward(self, *grad_outputs: Tensor) -> Any:
        return grad_outputs if len(grad_outputs) > 1 else grad_outputs[0]


class _HalfSquares(BaseModule):
    """J = ½ Σ y², so dJ/dy = y."""

    traceable = True

    def forward(self, *predictions_and_target: Tensor) -> Tensor:
        predictions = predictions_and_target[:-1]
        self.push(predictions)
        first, *others = (y.square().sum() / 2 for y in predictions)
        total: Tensor = sum(others, first)
        return total

    def backward(self) -> Any:
        predictions: tuple[Tensor, ...] = self.pop()
        return predictions if len(predictions) > 1 else predictions[0]
