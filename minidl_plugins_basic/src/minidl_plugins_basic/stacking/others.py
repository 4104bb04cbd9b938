"""What a run leaves in attributes that are no fields of the stack: above all, what was pushed."""

from __future__ import annotations

import copy
from collections import deque
from operator import is_
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils import _pytree as pytree

from minidl_core import StateError
from minidl_plugins_basic.stacking.lifting import changes_shared_buffer
from minidl_plugins_basic.stacking.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

__all__ = ["Others"]

CONTAINERS = (list, dict, deque)


class Others:
    """The attributes of the one thing that hold no tensor between runs.

    As a context manager it remembers them, and restores them where a run raises.
    """

    def __init__(
        self, objects: Sequence[Any], fields: Mapping[tuple[int, str], Any], *, keeps_all: bool
    ) -> None:
        self._objects, self._fields, self._keeps_all = objects, fields, keeps_all
        self._before: list[dict[str, Any]] = []
        self._given: dict[tuple[int, str], Any] = {}
        self._values: Values | None = None

    def __enter__(self) -> None:
        self._before = [dict(vars(item)) for item in self._objects]
        self.restore()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if error is not None:
            self.restore()
            for item in self._objects:
                _stack_of(item).clear()
        self._keep_originals()
        self._before, self._given = [], {}

    def restore(self) -> None:
        """Begin anew, with copies of what may be changed in place."""
        for item, before in zip(self._objects, self._before, strict=True):
            attributes = vars(item)
            attributes.clear()
            for name, value in before.items():
                own = type(value) in CONTAINERS and name != "_stack"
                attributes[name] = copy.copy(value) if own else value

    def _keep_originals(self) -> None:
        """Put a container back in the place of its copy, if that was not changed."""
        for item, before in zip(self._objects, self._before, strict=True):
            own = vars(item)
            for name, value in before.items():
                if type(value) in CONTAINERS and own.get(name) is not value:
                    now = own.get(name)
                    if type(now) is type(value) and _holds_the_same(now, value):
                        own[name] = value

    def put_back(self, kept: Any) -> None:
        """Give the one thing what its forward kept."""
        stacks, attributes = kept or ((), ())
        for index, pushed in stacks:
            for item in pushed:
                self._objects[index].push(item)
        for index, name, value in attributes:
            vars(self._objects[index])[name] = value
            self._given[index, name] = value

    def take_out(self, name: str) -> Any:
        """Return what the one thing keeps for its backward, and take it away.

        Raises:
            StateError: ``backward`` leaves a tensor that no field of the stack has a place for.
        """
        stacks = []
        for index, item in enumerate(self._objects):
            if _stack_of(item):
                pushed = []
                while _stack_of(item):
                    pushed.append(item.pop())
                stacks.append((index, pushed[::-1]))
        if self._keeps_all:
            return ()
        attributes = []
        for index, attribute, value in self._with_tensors():
            if self._given.get((index, attribute)) is value:
                pass
            elif attribute in dict(getattr(self._objects[index], "named_buffers", list)()):
                raise changes_shared_buffer(self._objects[index])
            elif name == "backward":
                raise StateError(
                    f"backward of {type(self._objects[index]).__name__} keeps a tensor in "
                    f"`{attribute}`, which is no buffer, so a stack has no place for it; "
                    "register it as a buffer"
                )
            else:
                attributes.append((index, attribute, value))
            own, before = vars(self._objects[index]), self._before[index]
            if attribute in before:
                own[attribute] = before[attribute]
            else:
                del own[attribute]
        return (stacks, attributes) if stacks or attributes else ()

    def new_fields(self) -> dict[tuple[int, str], Any]:
        """Return the attributes in which an optimizer has begun to keep tensors."""
        if not self._keeps_all:
            return {}
        return {(index, name): value for index, name, value in self._with_tensors()}

    def values(self) -> list[Any]:
        """Return every attribute that is no field: immutable ones by value, others by identity."""
        if self._values is None or not self._values.still_hold():
            self._values = Values(self._objects, self._fields)
        return self._values.said

    def _with_tensors(self) -> list[tuple[int, str, Any]]:
        found = []
        for index, (item, before) in enumerate(zip(self._objects, self._before, strict=True)):
            visible = getattr(item, "inside_a_stack", None)
            for name, value in (visible() if visible else vars(item)).items():
                if (index, name) in self._fields or name == "_stack":
                    continue
                if value is before.get(name, self) and type(value) not in CONTAINERS:
                    continue
                if any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(value)):
                    found.append((index, name, value))
        return found


def _holds_the_same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and not _holds_the_same(a.values(), b.values()):
        return False
    return len(a) == len(b) and all(map(is_, a, b))


def _stack_of(item: Any) -> list[Any]:
    stack: list[Any] = getattr(item, "_stack", [])
    return stack
