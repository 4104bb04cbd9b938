"""What the update rules share: the direction, and weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from minidl_plugins_nn.half import wide
from minidl_plugins_nn.hyperparameters import is_zero
from minidl_plugins_nn.optimizers.state import StatefulOptimizer

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["RuleOptimizer"]


class RuleOptimizer(StatefulOptimizer):
    """An update rule with weight decay, which ascends if asked to.

    Attributes:
        maximize: whether it ascends the gradient.
        decoupled_weight_decay: whether decay shrinks the value instead of joining the gradient.
    """

    flags: ClassVar[tuple[str, ...]] = ("maximize",)
    maximize: bool = False
    decoupled_weight_decay: bool = False
    lr: Any
    weight_decay: Any = 0.0

    def decayed_gradient(self, parameter: Parameter) -> Tensor:
        """Apply weight decay, and return the gradient to descend.

        Coupled, it is g + λ p; decoupled, p ← (1 − lr λ) p and the gradient stays g. With
        `maximize`, g is the negative gradient. Parameters that do not decay have λ = 0. Of a
        parameter in half precision it is in float32, as the state is: squares would underflow.
        """
        grad = wide(-parameter.grad if self.maximize else parameter.grad)
        if not parameter.decays or is_zero(self.weight_decay):
            return grad
        if self.decoupled_weight_decay:
            parameter.value.mul_(1 - self.lr * self.weight_decay)
            return grad
        decayed: Tensor = grad + self.weight_decay * wide(parameter.value)
        return decayed
