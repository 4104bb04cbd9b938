"""AdamW: Adam whose weight decay does not pass through the averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_plugins_nn.optimizers.adam import Adam

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["AdamW"]


class AdamW(Adam):
    """p ← (1 − lr λ) p, and then the step of `Adam` without decay.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        amsgrad: whether to divide by the largest v so far.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
        )
