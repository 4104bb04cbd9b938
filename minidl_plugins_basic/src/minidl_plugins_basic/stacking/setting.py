"""Setting an attribute of K things, such as the learning rate of K optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_plugins_basic.stacking.many import Many

__all__ = ["set_each"]


def set_each(many: Many, name: str, values: Sequence[Any]) -> None:
    """Set the attribute `name` of the one thing as each model in turn; changes are kept.

    Models that get the same value and have the same numbers are set at once. A number that this
    changes is from now on one that varies: see `Each`.
    """
    numbers = many.attributes.own_numbers()
    before = [leaf.values for leaf in numbers]
    alike: dict[Any, list[int]] = {}
    for k, value in enumerate(values):
        alike.setdefault((value, *(leaf.values[k] for leaf in numbers)), []).append(k)
    if not _set_alike(many, name, values, list(alike.values())):
        many.call_each(lambda one, k: setattr(one, name, values[k]))
    for leaf, old in zip(numbers, before, strict=True):
        if leaf.values is not old and leaf.values != old:
            leaf.varies = True


def _set_alike(many: Many, name: str, values: Sequence[Any], groups: list[list[int]]) -> bool:
    """Set it for the first of each group; whether that decides for all, as no tensor is new."""
    changes: list[Any] = [None] * many.size
    for group, (pairs, fields) in zip(
        groups, many.changes_of([(k, name, values[k]) for k, *_ in groups]), strict=True
    ):
        if pairs or any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(fields)):
            return False
        for k in group:
            changes[k] = (pairs, fields)
    many.take_each(changes)
    return True
