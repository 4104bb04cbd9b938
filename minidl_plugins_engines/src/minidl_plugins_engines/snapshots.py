"""The state of a step, saved and put back, so that the same step can be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.holding import PENDING, entries_of, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_plugins_engines.inventory import Inventory

__all__ = ["PythonState", "TensorState"]


class TensorState:
    """Copies of tensors and of the states of random generators.

    Args:
        tensors: those that the step may write.
        generators: those it may draw from; the global ones are always included.
    """

    def __init__(self, tensors: Iterable[torch.Tensor], generators: Iterable[Any]) -> None:
        self._tensors = [(tensor, tensor.clone()) for tensor in tensors]
        self._generators = [(each, each.get_state()) for each in (*generators, *_global())]

    def restore(self) -> None:
        """Put everything back, in place."""
        for tensor, copy in self._tensors:
            tensor.copy_(copy)
        for generator, state in self._generators:
            generator.set_state(state)

    def holds(self) -> bool:
        """Whether everything is as it was saved."""
        return all(torch.equal(tensor, copy) for tensor, copy in self._tensors) and all(
            torch.equal(generator.get_state(), state) for generator, state in self._generators
        )


class PythonState:
    """The entries of every object, list and dict that a step can reach."""

    def __init__(self, inventory: Inventory) -> None:
        self._holders = [(holder, entries_of(holder)) for holder in inventory.holders]
        self._pending = [
            (stack, list(stack))
            for each in inventory.components
            if isinstance(stack := vars(each).get(PENDING), list)
        ]

    def changed(self) -> str | None:
        """Return the name of an entry that is not the same object as before, or None."""
        for holder, before in self._holders:
            now = entries_of(holder)
            if len(now) != len(before):
                return "the number of entries"
            for (key, old), (other, new) in zip(before, now, strict=True):
                if key != other or old is not new:
                    return str(key)
        return None

    def restore(self) -> None:
        """Put every entry back."""
        for holder, before in self._holders:
            if type(holder) is list:
                holder[:] = [value for _, value in before]
            elif isinstance(holder, dict):
                kept = {PENDING: holder[PENDING]} if PENDING in holder else {}
                holder.clear()
                holder.update({**kept, **dict(before)})
            else:
                for name in slots_of(holder):
                    if getattr(holder, name) is not dict(before).get(name):
                        setattr(holder, name, dict(before)[name])
        for stack, before in self._pending:
            stack[:] = before


def _global() -> list[torch.Generator]:
    generators = [torch.default_generator]
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        generators += torch.cuda.default_generators
    return generators
