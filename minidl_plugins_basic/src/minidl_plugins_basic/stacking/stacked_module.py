"""K modules, or K losses, as one."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor
from torch.utils import _pytree as pytree

from minidl_core import ArgumentError, BaseModule, ShapeError
from minidl_plugins_basic.stacking.lifting import (
    check_optimizer,
    check_size,
    structure_of_plain,
    unchanged_buffers,
)
from minidl_plugins_basic.stacking.many import Many
from minidl_plugins_basic.stacking.stacked_optimizer import StackedOptimizer, one_unless_all_finite
from minidl_plugins_basic.stacking.traced import Traced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_core import Loss, Module, Optimizer, Parameter
    from minidl_plugins_basic.stacking.stacked_parameter import Group, StackedParameter
    from minidl_plugins_basic.stacking.structure import Structure

__all__ = ["StackedModule"]


class StackedModule(Traced, BaseModule):
    """What `stack` makes of K modules or losses.

    The first dimension of every input, output, gradient, parameter and buffer is the model. The
    code of one model runs for all of them, by ``torch.vmap``; if it looks at elements, which cannot
    be batched, it runs for one model after another.

    Attributes:
        size: K.
        model: one model, in which the code runs. Between runs its tensors are those of model 0.
        why_one_by_one: why the models run one after another; None while they are batched.
    """

    def __init__(self, structure: Structure, group: Group, *, is_shared: bool = False) -> None:
        self._many = Many(structure, keeps_all=False)
        self._group = group
        self._is_shared = is_shared  # the model is the user's own, called for all
        self._is_loss_of: Group | None = None

    @property
    def model(self) -> Module:
        model: Module = self._many.one
        return model

    @property
    def traceable(self) -> bool:  # type: ignore[override]
        """Whether every module of a model declares itself traceable, and they are batched."""
        modules = (each for each in self._many.attributes.objects if hasattr(each, "forward"))
        return self.why_one_by_one is None and all(
            getattr(module, "traceable", False) for module in modules
        )

    # -- running -------------------------------------------------------------------------------

    def forward(self, *inputs: Any) -> Any:
        self._check("inputs", inputs)
        if self.keeping and self._is_loss_of is None:
            self._group.finite = None
        output, kept = self._run("forward", inputs)
        if self.keeping and self._is_loss_of is not None:
            self._is_loss_of.finite = output.isfinite()
        self.push(kept)
        return output

    def backward(self, *grad_outputs: Any) -> Any:
        kept = self.pop()
        self._check("gradients", grad_outputs)
        finite = self._group.finite if self._many.attributes.fields else None
        return self._run("backward", grad_outputs, kept, one_unless_all_finite(finite))[0]

    def lift(self, loss: Loss, optimizer: Optimizer | None = None) -> Loss:
        """Return `loss` for all models; `train` calls this, and trains with what it returns.

        A plain loss is called for each model. From its values the stack knows which models have
        diverged: they no longer change, and the others go on.

        Raises:
            ArgumentError: `loss` has parameters, or is a stack of another number of models; or
                `optimizer` is no stack, but has parameters of this one.
        """
        if not isinstance(optimizer, StackedOptimizer):
            check_optimizer(optimizer, self.param())
        if isinstance(loss, StackedModule):
            check_size(self.size, loss.size)
            lifted = loss
        else:
            lifted = self._lifted(loss)
        lifted._is_loss_of = lifted._group = self._group
        return cast("Loss", lifted)

    def _lifted(self, loss: Loss) -> StackedModule:
        inner = self.model._lifted(loss) if isinstance(self.model, StackedModule) else loss
        structure = structure_of_plain(inner, self.size)
        return StackedModule(structure, self._group, is_shared=True)

    def _run(
        self, name: str, inputs: Any, kept: Any = (), finite: Tensor | None = None
    ) -> tuple[Any, Any]:
        if not self._is_shared:
            return self._many.run(name, inputs, kept, finite)
        check = unchanged_buffers(self.model)
        next(check)
        results = self._many.run(name, inputs, kept, finite)
        next(check, None)
        return results

    def _check(self, what: str, tensors: Any) -> None:
        for tensor in pytree.tree_leaves(tensors):
            if isinstance(tensor, Tensor) and tensor.shape[:1] != (self.size,):
                raise ShapeError(
                    f"expected {what} with the {self.size} models in front, ({self.size}, …), got "
                    f"{tuple(tensor.shape)}; give every model its batch: "
                    f"x.expand({self.size}, *x.shape)",
                    where=self,
                )

    # -- modes ---------------------------------------------------------------------------------

    @property
    def training(self) -> bool:
        return bool(self.model.training)

    @training.setter
    def training(self, mode: bool) -> None:
        self.model.training = mode

    @property
    def keeping(self) -> bool:  # type: ignore[override]
        return bool(getattr(self.model, "keeping", self.model.training))

    @property
    def frozen(self) -> bool:  # type: ignore[override]
        return bool(getattr(self.model, "frozen", False))

    def train(self, mode: bool = True) -> StackedModule:
        self.model.train() if mode else self.model.eval()
        if not mode:
            self._stack.clear()
        return self

    def keep(self, mode: bool = True) -> StackedModule:
        self._of_base("keep").keep(mode)
        if not mode:
            self._stack.clear()
        return self

    def freeze(self, mode: bool = True) -> StackedModule:
        self._of_base("freeze").freeze(mode)
        for parameter in self.param():
            parameter.trainable = not mode
        return self

    def _of_base(self, method: str) -> BaseModule:
        if not isinstance(self.model, BaseModule):
            raise ArgumentError(f"a {type(self.model).__name__} has no {method}()", where=self)
        return self.model

    # -- parameters and buffers ----------------------------------------------------------------

    def named_children(self) -> Sequence[tuple[str, Module]]:
        return []  # a module inside has one model's shapes, and works only in a run

    def named_param(self) -> list[tuple[str, Parameter]]:
        stacked = {id(own): each for own, each in self._many.attributes.parameters}
        return [(name, stacked[id(own)]) for name, own in _named_param(self.model)]

    def named_buffers(self) -> list[tuple[str, Tensor]]:
        named: list[tuple[str, Tensor]] = getattr(self.model, "named_buffers", list)()
        pairs = [(name, self._many.attributes.windows.stacked_of(window)) for name, window in named]
        return [(name, buffer) for name, buffer in pairs if buffer is not None]

    def parts(self) -> list[Module]:
        """Return the K modules, each with its own copy of all tensors."""
        modules = [self._many.part(k, {}) for k in range(self.size)]
        columns = zip(*map(_named_param, modules), strict=True)
        for (_, stacked), column in zip(self.named_param(), columns, strict=True):
            cast("StackedParameter", stacked).parts = [weakref.ref(part) for _, part in column]
        return modules

    # -- self-description ----------------------------------------------------------------------

    def summary(self) -> str:
        return f"Stack of {self.size} models"

    def describe(self) -> str:
        describe = getattr(self.model, "describe", None)
        return f"{self.summary()}, each:\n{describe() if describe else repr(self.model)}"

    def __repr__(self) -> str:
        return f"stack of {self.size} {self.model!r}"


def _named_param(module: Module) -> list[tuple[str, Parameter]]:
    named = getattr(module, "named_param", None)
    return named() if named else [(str(i), p) for i, p in enumerate(module.param())]
