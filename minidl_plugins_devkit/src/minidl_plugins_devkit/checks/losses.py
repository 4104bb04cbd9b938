"""What a loss promises beyond a module: one number, and no silent broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_plugins_devkit.checks.tensors import outputs_of
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["refuses_broadcasting", "scalar_value"]


def scalar_value(case: Case) -> str:
    """The value is one number."""
    for batch in case.batches():
        inputs = case.inputs(batch)
        (value,) = outputs_of(case.build(), inputs)
        stacked = inputs[0].shape[:-2]  # a stack of losses has a value for each model
        if value.shape not in ((), stacked):
            raise ConformanceError(
                "the loss must be a scalar",
                f"expected a value of shape (), got {tuple(value.shape)} for a prediction "
                f"{tuple(inputs[0].shape)}",
                "a mean or a sum over the rows or the elements is missing",
            )
    return ""


def refuses_broadcasting(case: Case) -> str:
    """A prediction and a target of different shapes are an error, even where they broadcast."""
    prediction, *between, target = case.inputs()
    for x, label in _mismatched(prediction, target):
        subject = case.build()
        try:
            subject.forward(x, *between, label)
        except Exception:
            continue
        raise ConformanceError(
            f"a prediction {tuple(x.shape)} and a target {tuple(label.shape)} are broadcast",
            cause="compare the shapes and raise minidl_core.ShapeError where they differ",
        )
    return ""


def _mismatched(prediction: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs that torch would broadcast against each other without a word.

    For a target in another shape, such as the index of a class for each row, they differ in the
    number of rows.
    """
    pairs = [(prediction, target[:1]), (prediction[:1], target)] if target.ndim else []
    if target.shape == prediction.shape:
        pairs += [(prediction, target[..., :1]), (prediction[..., :1], target)]
        pairs += [(prediction, target.flatten()[0])]
        if prediction.ndim > 1:
            pairs += [(prediction, target[0]), (prediction[..., :1], target[..., 0])]
    for x, label in pairs:
        if (x.shape, label.shape) != (prediction.shape, target.shape) and (
            x.shape != label.shape or target.shape != prediction.shape
        ):
            yield x, label
