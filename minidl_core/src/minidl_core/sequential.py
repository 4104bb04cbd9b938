"""Modules in a chain: the executable meaning of the Module contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from minidl_core.base_module import BaseModule
from minidl_core.errors import ArgumentError
from minidl_core.pending import locate
from minidl_core.tree import is_module, missing_methods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core.protocols import Module

__all__ = ["Sequential"]


class Sequential(BaseModule):
    """The composition of modules: ``forward`` in order, ``backward`` in reverse.

    For f = fₙ ∘ … ∘ f₁ the chain rule gives df/dx = dfₙ · … · df₁, so the gradient passes through
    the ``backward`` of the last module first. A module that returns a tuple hands several inputs
    to the next, and gets as many gradients back. Chains nest without limit, and the same module
    may stand in several places: its gradients add up. An empty chain is the identity.

    It indexes, slices (into a `Sequential` of the same modules), iterates and has a length.

    Raises:
        ArgumentError: an argument is not a module.
    """

    traceable = True

    def __init__(self, *modules: Module) -> None:
        for index, module in enumerate(modules):
            if not is_module(module):
                raise ArgumentError(
                    f"expected modules, got {_kind_of(module)} at position {index}; "
                    "write Sequential(first, second), and Sequential(*modules) for a list",
                    where=f"{type(self).__name__}[{index}]",
                )
        self._modules = modules

    def forward(self, *inputs: Any) -> Any:
        x = inputs
        for index, module in enumerate(self._modules):
            try:
                y = module.forward(*x)
            except BaseException as error:
                locate(error, self, str(index), module)
                raise
            x = y if type(y) is tuple else (y,)
        return x if len(x) != 1 else x[0]

    def backward(self, *grad_outputs: Any) -> Any:
        grads = grad_outputs
        for index in range(len(self._modules) - 1, -1, -1):
            module = self._modules[index]
            try:
                grad = module.backward(*grads)
            except BaseException as error:
                locate(error, self, str(index), module)
                raise
            grads = grad if type(grad) is tuple else (grad,)
        return grads if len(grads) != 1 else grads[0]

    def named_children(self) -> list[tuple[str, Module]]:
        return [(str(index), module) for index, module in enumerate(self._modules)]

    def is_container(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        if isinstance(index, slice):
            part = Sequential(*self._modules[index])
            part.training = self.training
            return part
        return self._modules[index]


def _kind_of(thing: object) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    missing = f" without {', '.join(missing_methods(thing))}" if hasattr(thing, "forward") else ""
    return f"{type(thing).__name__}{missing}"
