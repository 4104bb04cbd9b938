"""K modules, or K losses, as one."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils import _pytree as pytree

from minidl_core import ArgumentError, BaseModule, Optimizer, ShapeError, StateError, walk
from minidl_plugins_basic.stacking.many import Many
from minidl_plugins_basic.stacking.stacked_optimizer import StackedOptimizer, one_unless_all_finite
from minidl_plugins_basic.stacking.stacked_parameter import Group, StackedParameter
from minidl_plugins_basic.stacking.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_core import Loss, Module, Parameter

__all__ = ["StackedModule"]


class StackedModule(BaseModule):
    """What `stack` makes of K modules or losses.

    The first dimension of every input, output, gradient, parameter and buffer is the model. The
    code of one model runs for all of them, by ``torch.vmap``; if it looks at elements, which cannot
    be batched, it runs for one model after another.

    Attributes:
        size: K.
        model: one model, in which the code runs. Between runs its tensors are those of model 0.
        why_one_by_one: why the models run one after another; None while they are batched.
    """

    def __init__(self, structure: Structure, group: Group, *, lifted: bool = False) -> None:
        self._many = Many(structure, keeps_all=False)
        self._group = group
        self._lifted = lifted
        self._is_loss_of: Group | None = None

    @property
    def size(self) -> int:
        return self._many.size

    @property
    def model(self) -> Module:
        model: Module = self._many.one
        return model

    @property
    def why_one_by_one(self) -> str | None:
        return self._many.why_one_by_one

    @property
    def traceable(self) -> bool:  # type: ignore[override]
        """Whether every module of a model declares itself traceable, and they are batched."""
        declared = all(getattr(module, "traceable", False) for _, module in walk(self.model))
        return declared and self.why_one_by_one is None

    # -- running -------------------------------------------------------------------------------

    def forward(self, *inputs: Any) -> Any:
        self._check("inputs", inputs)
        if self.keeping:
            self._group.finite = None
        buffers = self._buffers_in_use() if self._lifted else []
        output, kept = self._many.run("forward", inputs)
        self._check_unchanged(buffers)
        if self._is_loss_of is not None and self.keeping:
            self._is_loss_of.finite = output.isfinite()
        self.push(kept)
        return output

    def backward(self, *grad_outputs: Any) -> Any:
        kept = self.pop()
        self._check("gradients", grad_outputs)
        finite = self._group.finite
        has_buffers = bool(self._many.attributes.fields)
        buffers = self._buffers_in_use() if self._lifted else []
        output, _ = self._many.run(
            "backward",
            grad_outputs,
            kept,
            finite=one_unless_all_finite(finite) if has_buffers else None,
        )
        self._check_unchanged(buffers)
        return output

    def lift(self, loss: Loss, optimizer: Optimizer | None = None) -> Loss:
        """Return `loss` for all models; `train` calls this, and trains with what it returns.

        A plain loss is called for each model. From its values the stack knows which models have
        diverged: they no longer change, and the others go on.

        Raises:
            ArgumentError: `loss` has parameters, or is a stack of another number of models; or
                `optimizer` is none of `stack`, but has parameters of this one.
        """
        own = {id(parameter) for parameter in self.param()}
        if not isinstance(optimizer, StackedOptimizer) and any(
            id(parameter) in own for parameter in getattr(optimizer, "params", ())
        ):
            raise ArgumentError(
                f"expected a stack of optimizers for a stack of models, got one "
                f"{type(optimizer).__name__}; write "
                "stack([SGD(model.param(), lr=0.1) for model in models]) after stack(models)",
                where="train",
            )
        if isinstance(loss, StackedModule):
            if loss.size != self.size:
                raise ArgumentError(
                    f"expected a loss for {self.size} models, got a stack of {loss.size}; write "
                    f"stack([loss] * {self.size}), or pass the loss of one",
                    where="train",
                )
            lifted = loss
        else:
            inner = self.model.lift(loss) if isinstance(self.model, StackedModule) else loss
            if loss.param():
                raise ArgumentError(
                    f"{type(loss).__name__} has parameters, and each model needs its own; write "
                    f"stack([loss_1, …]) with {self.size} of them",
                    where="train",
                )
            structure = Structure.of_one(inner, self.size)
            lifted = StackedModule(structure, Group(), lifted=True)
        lifted._is_loss_of = lifted._group = self._group
        return lifted

    def _check(self, what: str, tensors: Any) -> None:
        for tensor in pytree.tree_leaves(tensors):
            if isinstance(tensor, Tensor) and tensor.shape[:1] != (self.size,):
                raise ShapeError(
                    f"expected {what} with the {self.size} models in front, "
                    f"({self.size}, …), got {tuple(tensor.shape)}; give every model its batch: "
                    f"x.expand({self.size}, *x.shape)",
                    where=self,
                )

    def _buffers_in_use(self) -> list[tuple[str, Tensor, int]]:
        named = getattr(self.model, "named_buffers", list)()
        return [(name, buffer, buffer._version) for name, buffer in named]

    def _check_unchanged(self, before: list[tuple[str, Tensor, int]]) -> None:
        for (name, old, version), (_, new, now) in (
            zip(before, self._buffers_in_use(), strict=True) if before else ()
        ):
            if old is not new or version != now:
                raise StateError(
                    f"{type(self.model).__name__} changes its buffer {name}, and all models would "
                    f"share it; write stack([loss_1, …]) with {self.size} of them",
                    where="train",
                )

    # -- modes ---------------------------------------------------------------------------------

    @property
    def training(self) -> bool:  # type: ignore[override]
        return bool(self.model.training)

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
            raise ArgumentError(f"{type(self.model).__name__} has no {method}()", where=self)
        return self.model

    # -- parameters and buffers ----------------------------------------------------------------

    def named_children(self) -> Sequence[tuple[str, Module]]:
        """Return none: a module inside has one model's shapes, and works only in a run."""
        return []

    def named_param(self) -> list[tuple[str, Parameter]]:
        stacked = self._stacked_by_own()
        named = getattr(self.model, "named_param", None)
        pairs = named() if named else [(str(i), p) for i, p in enumerate(self.model.param())]
        return [(name, stacked[id(own)]) for name, own in pairs]

    def named_buffers(self) -> list[tuple[str, Tensor]]:
        named = getattr(self.model, "named_buffers", list)()
        pairs = [(name, self._many.attributes.stacked_of(window)) for name, window in named]
        return [(name, buffer) for name, buffer in pairs if buffer is not None]

    def _stacked_by_own(self) -> dict[int, StackedParameter]:
        return {id(own): stacked for own, stacked in self._many.attributes.parameters}

    def parts(self) -> list[Module]:
        """Return the K modules, each with its own copy of all tensors."""
        modules = [self._many.part(k, {}) for k in range(self.size)]
        stacked_by_own = self._stacked_by_own()
        fresh = [_parameters(module) for module in modules]
        for at, own in enumerate(_parameters(self.model)):
            stacked = stacked_by_own[id(own)]
            stacked.parts = [weakref.ref(parameters[at]) for parameters in fresh]
        return modules

    # -- of a stack inside of a stack ------------------------------------------------------------

    def inside_a_stack(self) -> dict[str, Any]:
        """Return what is stacked when this stack is inside of another."""
        return {"attributes": self._many.attributes}

    def settle_stack(self) -> None:
        self._many.attributes.settle()

    # -- self-description ----------------------------------------------------------------------

    def summary(self) -> str:
        return f"Stack of {self.size} models"

    def describe(self) -> str:
        describe = getattr(self.model, "describe", None)
        return f"{self.summary()}, each:\n{describe() if describe else repr(self.model)}"

    def __repr__(self) -> str:
        return f"stack of {self.size} {self.model!r}"


def _parameters(module: Module) -> list[Parameter]:
    named = getattr(module, "named_param", None)
    return [parameter for _, parameter in named()] if named else list(module.param())
