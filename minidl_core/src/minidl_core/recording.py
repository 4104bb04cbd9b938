"""A gradient pass as the list of torch functions that it calls.

What a layer does around its arithmetic (checks, attributes, the stack) has the same outcome for
every batch of the same form; calling the list again gives the same result. `replaying` makes a
function of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from minidl_core.protocols import Module

__all__ = ["Call", "Name", "Recording"]

# What may be asked of a tensor without looking at its elements: the answer depends on its form.
METADATA = {
    *("__len__", "device", "dim", "dtype", "element_size", "is_complex", "is_contiguous"),
    *("is_cuda", "is_floating_point", "is_sparse", "itemsize", "layout", "ndim", "nelement"),
    *("numel", "requires_grad", "shape", "size", "stride"),
}

# Bytes of results: what is recorded is alive at once, and of larger passes that would be too much,
# for little: next to so much arithmetic, the Python around it costs nothing.
LARGE = 64 << 20


class Name(str):
    """A tensor of the pass: ``x…`` of the batch, ``c…`` of the modules, ``v…`` computed by it."""

    __slots__ = ()


class Call(NamedTuple):
    """``target = function(*args, **kwargs)``, with a `Name` for each tensor.

    Attributes:
        target: the name of the result, or None where it has one already, as in place.
        function, args, kwargs: what was called.
        result: what came of it.
    """

    target: Name | None
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Tensor | None

    @property
    def name(self) -> str:
        return name_of(self.function)

    @property
    def uses(self) -> list[Name]:
        return list(_names_in((self.args, *self.kwargs.values())))


class Recording(TorchFunctionMode):
    """Records while it is entered.

    Args:
        modules: all that take part; what they hold outlives the pass.
        batch: the inputs, and the target.

    Attributes:
        batch: as given; ``x0``, ``x1``, … in the calls.
        calls: in order.
        held: the tensors that the modules hold, by name.
        outputs: the names of prediction and loss.
        before: how many calls came before the pause between forward and backward.
        replayable: False once the pass looked at elements, or used a tensor that neither the batch
            nor a module holds.
        large: True once the results were more than `LARGE`; then nothing is recorded any more.
    """

    def __init__(self, modules: Iterable[Module], batch: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.batch = batch
        self.calls: list[Call] = []
        self.held: dict[Name, Tensor] = {}
        self.outputs: tuple[Name | None, Name | None] = (None, None)
        self.before = 0
        self.replayable = True
        self.large = False
        self._bytes = 0
        self._names: dict[int, Name] = {}
        for tensor in _held_by(modules):
            name = self._names.setdefault(id(tensor), Name(f"c{len(self.held)}"))
            self.held[name] = tensor
        for i, tensor in enumerate(batch):
            if id(tensor) in self._names:  # one tensor in two roles may be two the next time
                self.replayable = False
            self._names[id(tensor)] = Name(f"x{i}")

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.large:
            return result
        if isinstance(result, torch.Tensor) or name_of(func) == "__setitem__":
            named = {key: self._named(arg) for key, arg in (kwargs or {}).items()}
            arguments = tuple(map(self._named, args))
            target = None
            if result is not None and id(result) not in self._names:
                target = self._names[id(result)] = Name(f"v{len(self.calls)}")
            # Keeping the result keeps its id from being given to another tensor.
            self.calls.append(Call(target, func, arguments, named, result))
            if target and not _is_view(result, args):
                self._bytes += result.numel() * result.element_size()
                self.large = self._bytes > LARGE
            if self.large:
                self.calls.clear()
        elif name_of(func) not in METADATA:
            self.replayable = False
        return result

    def pause(self, prediction: Tensor, value: Tensor) -> None:
        """Here the pass gives prediction and loss away."""
        if self.large:
            return
        self.outputs = (self._names.get(id(prediction)), self._names.get(id(value)))
        self.replayable &= None not in self.outputs
        self.before = len(self.calls)

    def _named(self, arg: Any) -> Any:
        if isinstance(arg, torch.Tensor):
            if id(arg) not in self._names:
                self.replayable = False
            return self._names.get(id(arg))
        if type(arg) in (list, tuple):
            return type(arg)(map(self._named, arg))
        if isinstance(arg, (dict, list, slice)) or (
            isinstance(arg, tuple) and not isinstance(arg, torch.Size)
        ):  # there may be tensors in it
            self.replayable = False
        return arg


def _is_view(result: Tensor, args: tuple[Any, ...]) -> bool:
    memory = result.untyped_storage().data_ptr()
    tensors = (arg for arg in args if isinstance(arg, torch.Tensor))
    return any(tensor.untyped_storage().data_ptr() == memory for tensor in tensors)


def name_of(function: Any) -> str:
    """``matmul``; of a property's getter, the property."""
    return str(function.__self__.__name__ if function.__name__ == "__get__" else function.__name__)


def _held_by(modules: Iterable[Module]) -> Iterator[Tensor]:
    """The tensors that outlive a pass: parameters, their gradients, attributes of modules."""
    for module in modules:
        for parameter in module.param():
            yield from parameter
        yield from (item for item in vars(module).values() if isinstance(item, torch.Tensor))


def _names_in(arg: Any) -> Iterator[Name]:
    if isinstance(arg, Name):
        yield arg
    elif type(arg) in (list, tuple):
        for item in arg:
            yield from _names_in(item)
