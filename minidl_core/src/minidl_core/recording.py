"""A gradient pass as the list of torch functions that it calls.

What a layer does around its arithmetic (checks, attributes, the stack) has the same outcome for
every batch of the same form; calling the list again gives the same result. `replaying` makes a
function of it.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from minidl_core.protocols import Module

__all__ = ["Call", "Form", "Name", "Recording"]

# What may be asked of a tensor without looking at its elements: the answer depends on its form.
METADATA = {
    *("__len__", "device", "dim", "dtype", "element_size", "is_complex", "is_contiguous"),
    *("is_cuda", "is_floating_point", "is_sparse", "itemsize", "layout", "ndim", "nelement"),
    *("numel", "requires_grad", "shape", "size", "stride"),
}


class Name(str):
    """A tensor of the pass: ``x…`` of the batch, ``c…`` of the modules, ``v…`` computed by it."""

    __slots__ = ()


class Form(NamedTuple):
    """What is known of a tensor without its elements."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: Tensor) -> Form:
        return cls(tensor.shape, tensor.stride(), tensor.dtype, tensor.device)

    def empty(self) -> Tensor:
        """A new tensor of this form."""
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=self.device)


class Call(NamedTuple):
    """``target = function(*args, **kwargs)``, with a `Name` for each tensor.

    Attributes:
        target: the name of the result, or None where it has one already, as in place.
        function, args, kwargs: what was called.
    """

    target: Name | None
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def name(self) -> str:
        return name_of(self.function)

    @property
    def uses(self) -> list[Name]:
        return list(_names_in((self.args, *self.kwargs.values())))


class Recording(TorchFunctionMode):
    """Records while it is entered. No result is kept: it takes no more memory than the pass.

    Args:
        modules: all that take part; what they hold outlives the pass.
        batch: the inputs, and the target.

    Attributes:
        calls: in order.
        held: the tensors that the modules hold, by name; the batch's are ``x0``, ``x1``, ….
        forms: of every tensor, by name.
        memories: a number for each name, the same for views of the same memory.
        outputs: the names of prediction and loss.
        before: how many calls came before the pause between forward and backward.
        replayable: False once the pass looked at elements, or used a tensor that neither the batch
            nor a module holds.
    """

    def __init__(self, modules: Iterable[Module], batch: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.held: dict[Name, Tensor] = {}
        self.forms: dict[Name, Form] = {}
        self.memories: dict[Name, int] = {}
        self.outputs: tuple[Name | None, Name | None] = (None, None)
        self.before = 0
        self.replayable = True
        self._batch = batch
        self._names: dict[int, Name] = {}  # of the tensors that live, by id
        self._sharing: dict[int, set[Name]] = {}  # the same, by the address of their memory
        self._references: list[weakref.ref[Tensor]] = []
        for tensor in _held_by(modules):
            if id(tensor) not in self._names:
                name = Name(f"c{len(self.held)}")
                self.held[name] = tensor
                self._admit(tensor, name)
        for i, tensor in enumerate(batch):
            if id(tensor) in self._names:  # one tensor in two roles may be two the next time
                self.replayable = False
            self._admit(tensor, Name(f"x{i}"))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) or name_of(func) == "__setitem__":
            named = {key: self._named(arg) for key, arg in (kwargs or {}).items()}
            arguments = tuple(map(self._named, args))
            target = None
            if result is not None and id(result) not in self._names:
                target = Name(f"v{len(self.calls)}")
                self._admit(result, target)
                self._forget_with(result, target)
            self.calls.append(Call(target, func, arguments, named))
        elif name_of(func) not in METADATA:
            self.replayable = False
        return result

    def pause(self, prediction: Tensor, value: Tensor) -> None:
        """Here the pass gives prediction and loss away."""
        self.outputs = (self._names.get(id(prediction)), self._names.get(id(value)))
        self.replayable &= None not in self.outputs
        self.before = len(self.calls)

    def _admit(self, tensor: Tensor, name: Name) -> None:
        sharing = self._sharing.setdefault(_address(tensor), set())
        self.memories[name] = self.memories[next(iter(sharing))] if sharing else len(self.memories)
        sharing.add(name)
        self._names[id(tensor)] = name
        self.forms[name] = Form.of(tensor)

    def _forget_with(self, tensor: Tensor, name: Name) -> None:
        """Once `tensor` is gone, another may get its id and its memory."""
        key, address = id(tensor), _address(tensor)

        def forget(_: object) -> None:
            del self._names[key]
            self._sharing[address].discard(name)

        self._references.append(weakref.ref(tensor, forget))

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


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


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
