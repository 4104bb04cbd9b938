"""The attributes of the one thing that are the same for all models, as they are at one moment."""

from __future__ import annotations

from itertools import chain, zip_longest
from operator import is_
from typing import TYPE_CHECKING, Any

from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

__all__ = ["Values"]

IMMUTABLE = (bool, int, float, complex, str, bytes, type(None))


class Values:
    """What `objects` have in attributes that are no `fields`.

    Attributes:
        said: for each attribute its object, its name and what it holds: immutable things by type
            and value, others by identity. Equal while nothing has changed.
    """

    def __init__(self, objects: Sequence[Any], fields: Container[tuple[int, str]]) -> None:
        self._objects = objects
        self._skipped = [
            {name for name in vars(item) if (index, name) in fields}
            for index, item in enumerate(objects)
        ]
        self._dicts: list[dict[Any, Any]] = []
        self._lists: list[Any] = []
        self.said = [
            (index, name, *map(_by_value, self._leaves(value)))
            for index, item in enumerate(objects)
            for name, value in vars(item).items()
            if (index, name) not in fields and name != "_stack"
        ]
        self._seen = self._look()

    def still_hold(self) -> bool:
        """Whether every attribute holds the very same object, and containers do. False: perhaps."""
        now = self._look()
        return len(now) == len(self._seen) and all(map(is_, now, self._seen))

    def _look(self) -> list[Any]:
        dicts = [*map(vars, self._objects), *self._dicts]
        values = [
            [value for name, value in each.items() if name not in skipped]
            if skipped
            else each.values()
            for each, skipped in zip_longest(dicts, self._skipped)
        ]
        return [*chain.from_iterable([*dicts, *values, *self._lists])]

    def _leaves(self, value: Any) -> list[Any]:
        """Return what is inside of nested containers, which are remembered; else `value`."""
        if type(value) not in pytree.SUPPORTED_NODES and not isinstance(value, tuple):
            return [value]
        leaves: list[Any] = pytree.tree_leaves(value, is_leaf=self._remember)
        return leaves

    def _remember(self, value: Any) -> bool:
        """Remember `value` if it is a container. It never is a leaf."""
        if isinstance(value, dict):
            self._dicts.append(value)
        elif type(value) in pytree.SUPPORTED_NODES:
            self._lists.append(value)
        return False


def _by_value(leaf: Any) -> Any:
    """Return what is equal for equal values, or for one object, which stays alive with it."""
    return (type(leaf), leaf) if isinstance(leaf, IMMUTABLE) else (id(leaf), leaf)
