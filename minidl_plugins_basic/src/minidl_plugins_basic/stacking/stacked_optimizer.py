"""K optimizers as one, each with numbers of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, BaseOptimizer
from minidl_plugins_basic.stacking.many import Many
from minidl_plugins_basic.stacking.setting import set_each
from minidl_plugins_basic.stacking.snapshot import Snapshot
from minidl_plugins_basic.stacking.traced import Traced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minidl_plugins_basic.stacking.stacked_parameter import Group, StackedParameter
    from minidl_plugins_basic.stacking.structure import Structure

__all__ = ["StackedOptimizer", "one_unless_all_finite"]

OWN = frozenset({"_group", "_many"})


class StackedOptimizer(Traced):
    """What `stack` makes of K optimizers.

    An attribute such as ``lr`` is one number where all models have the same, else a list of K. It
    may be set to one number or to K. A model whose loss is not finite is not stepped.

    Attributes:
        size: K.
        optimizer: one optimizer, in which the code runs. Between runs it is that of model 0.
        params: the stacked parameters.
        why_one_by_one: why the models are stepped one after another; None while they are batched.
    """

    _group: Group

    def __init__(self, structure: Structure, group: Group) -> None:
        vars(self).update(_many=Many(structure, keeps_all=True), _group=group)

    @property
    def optimizer(self) -> Any:
        return self._many.one

    @property
    def traceable(self) -> bool:
        """Whether the optimizer declares itself traceable, and the models are batched."""
        return bool(getattr(self.optimizer, "traceable", False)) and self.why_one_by_one is None

    @property
    def params(self) -> list[StackedParameter]:
        return [stacked for _, stacked in self._many.attributes.parameters]

    def zero_grad(self) -> None:
        if type(self.optimizer).zero_grad is BaseOptimizer.zero_grad:
            for parameter in self.params:
                parameter.grad.zero_()
        else:
            self._many.run("zero_grad")

    def step(self) -> None:
        self._many.run("step", finite=one_unless_all_finite(self._group.finite))

    def state_dict(self) -> dict[str, Any]:
        """Return the state of each optimizer, which also fits that optimizer alone."""
        return {"models": self._many.call_each(lambda one, _: one.state_dict())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        states = state.get("models")
        if not isinstance(states, (list, tuple)) or len(states) != self.size:
            got = len(states) if isinstance(states, (list, tuple)) else "none"
            raise ArgumentError(
                f"expected the state of a stack of {self.size} optimizers, under `models`, got "
                f"{got}; pass what state_dict() of such a stack gave",
                where=repr(self),
            )
        before = Snapshot(self._many.attributes, grads=True)
        try:
            self._many.call_each(lambda one, k: one.load_state_dict(states[k]))
        except Exception:
            before.restore()
            raise

    def parts(self) -> list[Any]:
        """Return the K optimizers, over the parameters of the models that `unstack` gave last."""
        memos: list[dict[int, Any]] = [{} for _ in range(self.size)]
        for own, stacked in self._many.attributes.parameters:
            parts = [reference() for reference in stacked.parts]
            if not parts or None in parts:
                raise ArgumentError(
                    "expected the models to be unstacked first, for the optimizers go on with "
                    "their parameters; write models = unstack(model) and keep them",
                    where="unstack",
                )
            for memo, part in zip(memos, parts, strict=True):
                memo[id(own)] = part
        return [self._many.part(k, memo) for k, memo in enumerate(memos)]

    def __getattr__(self, name: str) -> Any:
        if name in OWN or name.startswith("__"):  # a copy that is being made has no attributes yet
            raise AttributeError(name)
        if not hasattr(self.optimizer, name):
            raise AttributeError(
                f"a stack of {type(self.optimizer).__name__} has no attribute {name!r}"
            )
        values = self._many.call_each(lambda one, _: getattr(one, name))
        if not all(isinstance(value, (bool, int, float, str, type(None))) for value in values):
            raise AttributeError(
                f"{name!r} of a stack of optimizers is no number; see state_dict()"
            )
        return values[0] if all(value == values[0] for value in values) else values

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self.optimizer, name):
            raise AttributeError(
                f"a stack of {type(self.optimizer).__name__} has no attribute {name!r} to set"
            )
        values = self._values(name, value)
        used = next((value for value in values if value), None)
        if used is not None and not all(values):  # what it needs is made for all models alike
            set_each(self._many, name, [value or used for value in values])
        set_each(self._many, name, values)

    def __repr__(self) -> str:
        return f"stack of {self.size} {type(self.optimizer).__name__}"

    def _values(self, name: str, value: Any) -> Sequence[Any]:
        values = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(values, (list, tuple)):
            return [values] * self.size
        if isinstance(getattr(self.optimizer, name), (list, tuple)):  # (β₁, β₂) of all models
            return [tuple(values)] * self.size
        if len(values) != self.size:
            raise ArgumentError(
                f"expected one {name}, or one for each of the {self.size} models, got "
                f"{len(values)}",
                where=repr(self),
            )
        return values


def one_unless_all_finite(finite: Any) -> Any:
    """Return `finite`, or None if all models are: then nothing has to be chosen.

    While a step is traced or batched once more, nobody can look: then there is a choice to make.
    """
    if finite is None:
        return None
    try:
        return None if bool(finite.all()) else finite
    except Exception:  # whatever a tracer refuses with
        return finite
