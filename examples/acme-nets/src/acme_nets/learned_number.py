"""A parameter that is one number, or one for each of the stacked models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acme_nets.checks import check_alike
from minidl_core import ShapeError

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["factor", "sum_per_model"]


def factor(layer: object, name: str, number: Parameter, x: Tensor) -> Tensor:
    """The number as it multiplies `x`.  () as it is, (K,) -> (K, 1, 1) for an x of (K, n, features)

    Raises:
        ShapeError: there is one number for each of K models, and `x` is no batch for each of them.
        DtypeError, DeviceError: `x` differs from the number.
    """
    value = number.value
    models = tuple(value.shape)
    if models and (x.ndim != len(models) + 2 or tuple(x.shape[:-2]) != models):
        sizes = ", ".join(map(str, models))
        raise ShapeError(
            f"expected an input of shape ({sizes}, batch, features), got {tuple(x.shape)}; give "
            f"every model its batch: x.expand({sizes}, -1, -1)",
            where=layer,
        )
    check_alike(layer, "input", x, name, value)
    return value[..., None, None] if models else value


def sum_per_model(number: Parameter, terms: Tensor) -> Tensor:
    """The sum over everything but the models, which is the gradient's.  (K, n, features) -> (K,)"""
    return terms.flatten(number.value.ndim).sum(-1)
