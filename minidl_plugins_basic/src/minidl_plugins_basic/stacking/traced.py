"""What engines, and a stack around this one, may know of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from minidl_plugins_basic.stacking.many import Many

__all__ = ["Traced"]


class Traced:
    """The part that stacks of modules and of optimizers have in common.

    Attributes:
        size: K.
        why_one_by_one: why the models run one after another; None while they are batched.
    """

    _many: Many

    @property
    def size(self) -> int:
        return self._many.size

    @property
    def why_one_by_one(self) -> str | None:
        return self._many.why_one_by_one

    def tensors(self) -> list[Tensor]:
        """Return all tensors that a step reads or writes, those of differing numbers included."""
        return self._many.attributes.tensors()

    def generators(self) -> list[Generator]:
        """Return the random generators that a step draws from, besides torch's own."""
        return self._many.attributes.generators()

    def signature(self) -> tuple[Any, ...]:
        """Return the Python values that a step depends on; a trace holds while this is equal."""
        return self._many.signature()

    def inside_a_stack(self) -> dict[str, Any]:
        """Return what is stacked when this stack is inside of another."""
        return {"attributes": self._many.attributes}

    def settle_stack(self) -> None:
        """Put windows of model 0 into the one thing, after a run of the stack around this one."""
        self._many.attributes.settle()
