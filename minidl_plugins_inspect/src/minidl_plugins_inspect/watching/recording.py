"""Recording what modules compute, by methods laid over those of a copy of the model."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from torch import Tensor

from minidl_core import children
from minidl_plugins_inspect.watching.layer import Call, Layer, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minidl_core import Module, Parameter

__all__ = ["Recorder", "own_parameters", "title_of"]


class Recorder:
    """Records the calls of every module of `model`, which it changes: give it a copy.

    A module that stands in several places is one object. Each call of it is recorded at the next
    of its places inside the module that calls.

    Attributes:
        layers: what was seen, by path, in the order of the tree.
    """

    def __init__(self, model: Module) -> None:
        self.layers: dict[str, Layer] = {}
        self._active: list[tuple[str, int]] = [("", 0)]  # path, and id of the module that runs
        self._places: dict[tuple[str, int], list[str]] = {}  # inside a path, of a module
        self._turn: dict[tuple[str, int], int] = {}  # how often each was called there
        self._waiting: dict[int, list[tuple[str, Call]]] = {}  # forwards without a backward yet
        self._open: list[Call] = []  # forwards that run now
        self._first: dict[int, str] = {}  # the first place of each module
        self._add("", model, frozenset())

    def _add(self, path: str, module: Module, above: frozenset[int]) -> None:
        inside = [
            (f"{path}.{name}" if path else name, child)
            for name, child in children(module)
            if id(child) not in above | {id(module)}
        ]
        layer = Layer(path, type(module).__name__, title_of(module), not inside)
        layer.parameters = {name: (p.value, p.grad) for name, p in own_parameters(module)}
        self.layers[path] = layer
        if id(module) not in self._first:
            self._first[id(module)] = path
            self._cover(module, layer)
        for place, child in inside:
            self._places.setdefault((path, id(child)), []).append(place)
            self._add(place, child, above | {id(module)})

    def _cover(self, module: Any, layer: Layer) -> None:
        attributes = getattr(module, "__dict__", None)
        if attributes is None:
            layer.note = "its class has __slots__ and no __dict__, so nothing can be recorded"
            return
        attributes["forward"] = self._forward(module, module.forward)
        attributes["backward"] = self._backward(module, module.backward)
        if callable(getattr(module, "push", None)):
            attributes["push"] = self._push(module.push)

    # -- the methods laid over -----------------------------------------------------------------

    def _forward(self, module: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*inputs: Any, **named: Any) -> Any:
            path, call = self._enter(module), Call(input=copied(one_of(inputs)))
            self.layers[path].calls.append(call)
            self._active.append((path, id(module)))
            self._open.append(call)
            try:
                output = forward(*inputs, **named)
            finally:
                self._active.pop()
                self._open.pop()
            call.output = copied(output)
            self._waiting.setdefault(id(module), []).append((path, call))
            return output

        return recorded

    def _backward(self, module: Any, backward: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*grads: Any, **named: Any) -> Any:
            waiting = self._waiting.get(id(module))
            _, call = waiting.pop() if waiting else ("", Call())
            call.grad_output = copied(one_of(grads)) if grads else None
            grad = backward(*grads, **named)
            call.grad_input = copied(grad)
            return grad

        return recorded

    def _push(self, push: Callable[[Any], None]) -> Callable[[Any], None]:
        def recorded(kept: Any) -> None:
            if self._open:
                self._open[-1].pushed.append(copied(kept))
            push(kept)

        return recorded

    def _enter(self, module: Any) -> str:
        """Return the path at which this call of `module` is recorded."""
        for path, caller in reversed(self._active):
            if caller == id(module):
                return path  # forward calls itself, as a subclass calls the base's
            places = self._places.get((path, id(module)))
            if places:
                turn = self._turn.get((path, id(module)), 0)
                self._turn[path, id(module)] = turn + 1
                return places[turn % len(places)]
        return self._first[id(module)]


def title_of(module: Module) -> str:
    """Return `module` in one line; its class if it has no ``__repr__``."""
    try:
        title = repr(module).partition("\n")[0]
    except Exception:  # a stranger's own
        title = "<"
    return type(module).__name__ if title.startswith("<") else title


def own_parameters(module: Any) -> Iterator[tuple[str, Parameter]]:
    """Yield the parameters of `module` that are not those of a module inside it, by name."""
    inner = {id(p) for _, child in children(module) for p in child.param()}
    named = getattr(module, "named_param", None)
    pairs = named() if named else [(str(i), p) for i, p in enumerate(module.param())]
    for name, parameter in pairs:
        if id(parameter) not in inner:
            yield name, parameter


def copied(value: Any) -> Any:
    """Return `value` with a copy of each tensor in it, so that later steps cannot change it."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if type(value) in (tuple, list):
        return type(value)(copied(item) for item in value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    try:
        return copy.copy(value)
    except Exception:
        return value
