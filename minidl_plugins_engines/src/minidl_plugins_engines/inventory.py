"""All that a step can see: what is reached from model, loss and optimizer, and its tensors."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import BaseOptimizer, Parameter, walk
from minidl_plugins_engines.refusals import NotTraceableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = [
    *(
        "METHODS",
        "MODEL",
        "NUMBERS",
        "PENDING",
        "SCOPES",
        "describes_itself",
        "WHOLE",
        "ZEROING",
        "Inventory",
        "entries_of",
    ),
    *("given_to", "is_immutable", "is_traceable", "slots_of"),
]

NUMBERS = (bool, int, float, complex)
ATOMS = (
    *NUMBERS, str, bytes, type(None), type(Ellipsis), type, BuiltinFunctionType,
    torch.dtype, torch.device, torch.layout, torch.memory_format,
)  # fmt: skip
PENDING = "_stack"  # what BaseModule keeps between forward and backward; it is balanced by a step
METHODS = ("forward", "backward", "zero_grad", "step")


WHOLE, ZEROING, MODEL = SCOPES = ("whole", "zeroing", "model")


class Inventory:
    """The objects, tensors and generators that a step may read or change.

    Args:
        scope: how much of the step is traced. ``"whole"``: all of it. ``"zeroing"``: all but the
            optimizer's ``step``; its ``zero_grad`` is that of `BaseOptimizer`. ``"model"``: nothing
            of the optimizer.

    Attributes:
        components: modules, loss and optimizer, each once.
        steppers: the optimizers among the components; a schedule may change their numbers.
        holders: every container whose entries are fixed while a trace is used: the ``__dict__`` of
            an object, a list, a dict, or an object with slots.
        described: components that say themselves what a step depends on, such as stacks, with what
            they said: their tensors, and ``signature()``.
        tensors: each once, in the order of the walk.
        generators: each once.

    Raises:
        NotTraceableError: something reached could change without being seen.
    """

    def __init__(self, model: Any, loss: Any, optimizer: Any, scope: str = WHOLE) -> None:
        self.components: list[Any] = []
        self.steppers: list[Any] = []
        self.holders: list[Any] = []
        self.described: list[tuple[Any, list[Tensor], Any]] = []
        self.tensors: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self._seen: set[int] = set()
        self._keep: list[Any] = []  # so that no id in `_seen` is used again
        self._roots = {id(each) for each in (model, loss, optimizer)}
        self._walk("the model", model)
        self._walk("the loss", loss)
        self.scope = scope
        if scope == WHOLE:
            self._walk("the optimizer", optimizer)
        elif scope == ZEROING:
            self._descend(iter([("the optimizer's parameters", given_to(optimizer))]))

    def _walk(self, where: str, component: Any) -> None:
        self._admit_component(where, component)
        self._descend(iter(self._entries(where, component)))

    def _descend(self, entries: Iterator[tuple[str, Any]]) -> None:
        """Walk without recursion, so that a network may be of any depth."""
        stack = [entries]
        while stack:
            for path, value in stack[-1]:
                inner = self._admit(path, value)
                if inner is not None:
                    stack.append(inner)
                    break
            else:
                stack.pop()

    def _admit(self, path: str, value: Any) -> Iterator[tuple[str, Any]] | None:
        """Take `value` in; return what is inside it, if anything is."""
        if type(value) in ATOMS or id(value) in self._seen:
            if id(value) in self._roots:
                raise NotTraceableError(f"{path} refers back to the model, loss or optimizer")
            return None
        if isinstance(value, torch.Tensor):
            self._admit_tensor(path, value)
            return None
        if isinstance(value, torch.Generator):
            self._remember(value)
            self.generators.append(value)
            return None
        if is_immutable(value):
            return None
        self._remember(value)
        if isinstance(value, Parameter):
            self.holders.append(value)
            return ((f"{path}.{name}", getattr(value, name)) for name in slots_of(value))
        if type(value) is list:
            self.holders.append(value)
            return ((f"{path}.{i}", item) for i, item in enumerate(value))
        if type(value) is tuple:
            return ((f"{path}.{i}", item) for i, item in enumerate(value))
        if isinstance(value, dict) and type(value).__module__ in ("builtins", "collections"):
            self.holders.append(value)
            return self._of_dict(path, value)
        if hasattr(value, "backward") or hasattr(value, "step"):
            self._admit_component(path, value)
            return self._entries(path, value)
        raise NotTraceableError(f"{path} is {_kind(value)}, which could change without being seen")

    def _of_dict(self, path: str, value: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        for key, item in value.items():
            if not (is_immutable(key) or isinstance(key, Parameter)):
                raise NotTraceableError(f"{path} has a key that is {_kind(key)}")
            yield f"{path}.{key}", item

    def _admit_component(self, where: str, component: Any) -> None:
        kind = type(component)
        if describes_itself(component):
            self._admit_described(where, component)
            return
        if not is_traceable(component):
            raise NotTraceableError(
                f"{where}, {_kind(component)}, does not declare traceable = True"
            )
        if not hasattr(component, "__dict__") or slots_of(component):
            raise NotTraceableError(f"{where}, {_kind(component)}, has __slots__")
        for name in vars(component):
            if callable(getattr(kind, name, None)):
                raise NotTraceableError(f"{where} has its own {name}, which replaces the class's")
        self._remember(component)
        self.components.append(component)
        self.holders.append(vars(component))
        if hasattr(component, "step"):
            self.steppers.append(component)

    def _entries(self, where: str, component: Any) -> Iterator[tuple[str, Any]]:
        if not describes_itself(component):
            for name, value in vars(component).items():
                if name != PENDING:
                    yield f"{where}.{name}", value

    def _admit_described(self, where: str, component: Any) -> None:
        if component.traceable is not True:
            why = getattr(component, "why_one_by_one", None) or "it does not declare it"
            raise NotTraceableError(f"{where}, {_kind(component)}, is not traceable: {why}")
        self._remember(component)
        self.components += [component, *inside(component)]
        tensors = list(component.tensors())
        self.described.append((component, tensors, component.signature()))
        for i, tensor in enumerate(tensors):
            if id(tensor) not in self._seen:
                self._admit_tensor(f"{where}.tensors()[{i}]", tensor)

    def _admit_tensor(self, path: str, tensor: Tensor) -> None:
        if type(tensor) is not torch.Tensor or tensor.layout is not torch.strided:
            raise NotTraceableError(f"{path} is {_kind(tensor)}, not a plain dense tensor")
        if tensor.requires_grad or tensor.is_inference():
            raise NotTraceableError(f"{path} belongs to torch's autograd or to inference mode")
        self._remember(tensor)
        self.tensors.append(tensor)

    def _remember(self, value: Any) -> None:
        self._seen.add(id(value))
        self._keep.append(value)

    def fingerprint(self) -> tuple[list[Any], list[Any]]:
        """Return what a trace depends on: all but the numbers of the optimizer, and those numbers.

        Objects appear by their identity, immutable values by type and value.
        """
        numbered = {id(vars(each)) for each in self.steppers}
        structure: list[Any] = []
        numbers: list[Any] = []
        for holder in self.holders:
            for key, value in entries_of(holder):
                number = id(holder) in numbered and type(value) in NUMBERS
                out = numbers if number else structure
                out.append(repr(key))
                out.append((type(value), repr(value)) if is_immutable(value) else id(value))
                if isinstance(value, torch.Tensor):
                    out.append((value.data_ptr(), value.shape))
        for component, tensors, said in self.described:
            out = numbers if hasattr(component, "step") else structure
            out.append((said, [(id(each), each.data_ptr(), each.shape) for each in tensors]))
        return structure, numbers


def describes_itself(component: Any) -> bool:
    """Whether `component` has the methods ``tensors`` and ``signature``, as a stack does."""
    kind = type(component)
    return callable(getattr(kind, "tensors", None)) and callable(getattr(kind, "signature", None))


def inside(component: Any) -> list[Any]:
    """Return the modules and optimizers that the code of a stack runs in."""
    found = [each for _, each in walk(component.model)] if hasattr(component, "model") else []
    inner = getattr(component, "optimizer", None)
    while inner is not None and not any(inner is each for each in found):
        found.append(inner)
        inner = getattr(inner, "optimizer", None)
    return found


def is_traceable(component: Any) -> bool:
    """Whether the class declares itself; a subclass that overrides a method must do so again."""
    for cls in type(component).__mro__:
        if "traceable" in vars(cls):
            return vars(cls)["traceable"] is True
        if any(method in vars(cls) for method in METHODS):
            return False
    return False


def given_to(optimizer: Any) -> tuple[Parameter, ...]:
    """Return the parameters that `BaseOptimizer.zero_grad` sets to zero.

    Raises:
        NotTraceableError: the optimizer has a ``zero_grad`` of its own.
    """
    own = getattr(type(optimizer), "zero_grad", None) is not BaseOptimizer.zero_grad
    if own or "zero_grad" in vars(optimizer) or type(vars(optimizer).get("_given")) is not tuple:
        raise NotTraceableError("the optimizer has its own zero_grad and is not traceable")
    return vars(optimizer)["_given"]  # type: ignore[no-any-return]


def is_immutable(value: Any) -> bool:
    """Whether nothing inside `value` can change."""
    if type(value) in (tuple, frozenset, torch.Size):
        return all(map(is_immutable, value))
    if type(value) is slice:
        return all(map(is_immutable, (value.start, value.stop, value.step)))
    return type(value) in ATOMS or isinstance(value, type)


def slots_of(value: Any) -> list[str]:
    """Return the names of the slots that `value` has filled."""
    names = [name for cls in type(value).__mro__ for name in vars(cls).get("__slots__", ())]
    return [name for name in names if name != "__weakref__" and hasattr(value, name)]


def entries_of(holder: Any) -> list[tuple[Any, Any]]:
    """Return what `holder`, one of `Inventory.holders`, holds, by index, key or name."""
    if type(holder) is list:
        return list(enumerate(holder))
    if isinstance(holder, dict):
        return [(key, value) for key, value in holder.items() if key != PENDING]
    return [(name, getattr(holder, name)) for name in slots_of(holder)]


def _kind(value: Any) -> str:
    if isinstance(value, FunctionType):
        return f"the function {value.__qualname__}"
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")
