"""What a loss promises beyond a module: one number, and no silent broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.tensor_checks import outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from minidl_core.testing.cases import Case

__all__ = ["refuses_broadcasting", "scalar_value"]


def scalar_value(case: Case) -> str:
    """The value is one number, or one for each stacked model in front of (batch, features)."""
    for batch in case.batches():
        prediction, target = case.inputs(batch)
        (value,) = outputs_of(case.build(), (prediction, target))
        stacked = prediction.shape[:-2]
        if value.shape not in ((), stacked):
            raise ConformanceError(
                "the loss must be a scalar",
                f"expected a value of shape (), got {tuple(value.shape)} for a prediction "
                f"{tuple(prediction.shape)}",
                "a mean or a sum over the rows or the elements is missing",
            )
    return ""


def refuses_broadcasting(case: Case) -> str:
    """A prediction and a target of different shapes are an error, even where they broadcast."""
    for x, target in _mismatched(*case.inputs()):
        subject = case.build()
        try:
            subject.forward(x, target)
        except Exception:
            continue
        raise ConformanceError(
            f"a prediction {tuple(x.shape)} and a target {tuple(target.shape)} are broadcast",
            cause="compare the shapes and raise minidl_core.ShapeError where they differ",
        )
    return ""


def _mismatched(prediction: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs that torch would broadcast against each other without a word."""
    pairs = [(prediction, target[..., :1]), (prediction[..., :1], target)]
    pairs += [(prediction, target[:1]), (prediction[:1], target), (prediction, target.mean())]
    if prediction.ndim > 1:
        pairs += [(prediction, target[0]), (prediction[..., :1], target[..., 0])]
    for x, l in pairs:  # noqa: E741  (the letters of the loss's formula)
        if x.shape != l.shape:
            yield x, l
