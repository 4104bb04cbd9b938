"""What a stack holds in an attribute: tensors with the models in front, and a value for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Each",
    "Field",
    "Same",
    "chosen",
    "is_number",
    "is_same",
    "of_each",
    "of_model",
    "taken",
]


class Each:
    """One Python value for each model: a number, or a random generator.

    Attributes:
        varies: whether somebody changes the number between steps, as a schedule does. Then it is a
            tensor also while all models have the same, so that a traced step serves for any value.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = list(values)
        self.varies = False
        self._tensor: Tensor | None = None
        self._alike: tuple[list[Any] | None, bool] = None, False  # of which values, and whether
        self._of: list[Any] = []  # the values that the tensor has
        self._version = 0

    def inside_a_stack(self) -> dict[str, Any]:
        return {"values": self.values}

    def tensor(self, device: Any) -> Tensor | None:
        """Return the numbers as a tensor (K,), or None if one number, or a generator, serves."""
        if isinstance(self.values[0], Generator) or (not self.varies and self._are_alike()):
            return None
        if self._tensor is None or self._of != self.values:
            whole = all(isinstance(value, int) for value in self.values)
            new = torch.tensor(
                self.values, dtype=torch.int64 if whole else torch.float64, device=device
            )
            if self._tensor is not None and self._tensor.dtype == new.dtype:
                self._tensor.copy_(new)  # in its place, for whoever holds it
            else:
                self._tensor = new
            self._of, self._version = list(self.values), self._tensor._version
        return self._tensor

    def _are_alike(self) -> bool:
        if self._alike[0] is not self.values:  # a list of values is replaced, never changed
            first = self.values[0]
            alike = all(type(value) is type(first) and value == first for value in self.values)
            self._alike = self.values, alike
        return self._alike[1]

    def refresh(self) -> None:
        """Take over what a run has done to the tensor in place, as in ``self.steps += 1``."""
        if self._tensor is not None and self._tensor._version != self._version:
            self.values = self._tensor.tolist()
            self._of, self._version = list(self.values), self._tensor._version


class Field:
    """The value of one attribute for all models: its leaves, and how they are nested."""

    def __init__(self, leaves: Sequence[Any], spec: pytree.TreeSpec) -> None:
        self.leaves, self.spec = list(leaves), spec
        self.is_leaf = spec.is_leaf()

    def inside_a_stack(self) -> dict[str, Any]:
        return {"leaves": self.leaves}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles nest their leaves anew: a spec is not made for it."""
        return _field_of, (pytree.tree_unflatten(self.leaves, self.spec),)

    def nested(self, leaves: list[Any]) -> Any:
        """Return `leaves`, one in the place of each of its own, nested as they are."""
        if self.is_leaf:
            return leaves[0]
        return list(leaves) if self._is_flat_list() else pytree.tree_unflatten(leaves, self.spec)

    def flat(self, value: Any) -> list[Any] | None:
        """Return the leaves of `value`, or None if it is nested in another way."""
        if self.is_leaf and not isinstance(value, (list, tuple, dict)):
            return [value]
        leaves, spec = pytree.tree_flatten(value)
        return leaves if spec == self.spec else None

    def _is_flat_list(self) -> bool:
        return self.spec.type is list and self.spec.num_children == len(self.leaves)


class Inner:
    """A leaf of a stack inside of this one, which is looked into and stays in its place."""

    def __init__(self, leaf: Each) -> None:
        self.leaf = leaf


class Same:
    """Marks a leaf that a run has not replaced."""

    def __init__(self, leaf: Any) -> None:
        self.leaf = leaf


def _field_of(value: Any) -> Field:
    return Field(*pytree.tree_flatten(value))


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_same(a: object, b: object) -> bool:
    """Whether a run has left `b`, which was there before, as it was."""
    return a is b or (is_number(a) and type(a) is type(b) and a == b)


def of_model(leaf: Any, k: int) -> Any:
    """Return what model `k` has of a stacked leaf."""
    if isinstance(leaf, Tensor):
        return leaf[k]
    if isinstance(leaf, Inner):
        return leaf.leaf
    return leaf.values[k] if isinstance(leaf, Each) else leaf


def taken(new: Any, old: Any, size: int) -> Any:
    """Return the stacked leaf after a batched run that put `new` in the place of `old`."""
    if isinstance(new, Same):
        return new.leaf
    if isinstance(new, Tensor):
        if isinstance(old, Each):
            return _with_values(old, new.tolist())
        return _written(old, new)
    return _with_values(old, [new] * size) if is_number(new) else new


def of_each(column: Sequence[Any], old: Any) -> Any:
    """Return the stacked leaf after runs of each model that put `column` in the place of `old`."""
    if all(isinstance(new, Same) for new in column):
        return old
    values = [of_model(old, k) if isinstance(new, Same) else new for k, new in enumerate(column)]
    if isinstance(values[0], Tensor):
        return _written(old, torch.stack(values))
    return _with_values(old, values) if is_number(values[0]) else values[0]


def chosen(finite: Tensor, new: Any, old: Any) -> Any:
    """Return `new` for the models that are finite and `old` for the others; tensors in place."""
    if isinstance(new, Tensor) and isinstance(old, Tensor):
        where = _of_models(finite, new.ndim)
        where = where.view(*where.shape, *[1] * (new.ndim - where.ndim))
        return new.copy_(torch.where(where, new, old))
    if isinstance(new, Each) and isinstance(old, Each) and new.values != old.values:
        pairs = zip(_of_models(finite, 1).tolist(), new.values, old.values, strict=True)
        new.values = [a if is_finite else b for is_finite, a, b in pairs]
    return new


def _with_values(old: Any, values: list[Any]) -> Each:
    """Give `old` other values, if it is an `Each`, so that its tensor stays the same one."""
    if not isinstance(old, Each):
        return Each(values)
    old.values = values
    return old


def _of_models(finite: Tensor, ndim: int) -> Tensor:
    """Return `finite` with at most `ndim` dimensions: of a stack of stacks it has more than one."""
    return finite.flatten(ndim - 1).any(-1) if finite.ndim > ndim else finite


def _written(old: Any, new: Tensor) -> Tensor:
    """Write `new` into `old` if it fits there, so that whoever holds `old` sees it."""
    if isinstance(old, Tensor) and (old.shape, old.dtype) == (new.shape, new.dtype):
        return old.copy_(new)
    return new
