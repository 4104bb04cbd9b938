"""The convenience base class of modules: parameters, modes, self-description, and the stack."""

from __future__ import annotations

import sys
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard, TypeVar

from minidl_core.changes import changes
from minidl_core.errors import PendingForwardWarning, StateError
from minidl_core.parameter import Parameter
from minidl_core.protocols import Module

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BaseModule"]

Self = TypeVar("Self", bound="BaseModule")


class BaseModule(ABC):
    """What every module would otherwise repeat.

    An author writes ``forward``, which ends in ``self.push(...)`` of what the derivative needs,
    and ``backward``, which begins with ``self.pop()``. Attributes that are `Parameter` or modules
    are found by themselves, in the order they were assigned. There is no ``super().__init__()``
    to remember.

    Attributes:
        training: whether ``forward`` keeps what ``backward`` needs.
        replayable: what a class sets to True to declare that its ``forward`` and ``backward`` do
            nothing but tensor operations, the same for every batch of one shape: nothing printed,
            counted, or decided by the data. Then `train` may call the operations without them.
        max_pending: how many forwards may wait for their backward before the user is told.
    """

    training: bool = True
    replayable: ClassVar[bool] = False
    max_pending: int = 100
    _stack: list[Any]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        module = super().__new__(cls)
        module._stack = []
        return module

    def __init__(self) -> None:  # noqa: B027 (it takes no arguments; `__new__` alone takes any)
        """Nothing is left to do."""

    def __setattr__(self, name: str, value: Any) -> None:
        if vars(self).get(name, self) is not value:
            if name == "training":
                changes.modes += 1
            else:
                changes.structure += 1
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        changes.structure += 1
        super().__delattr__(name)

    @abstractmethod
    def forward(self, *inputs: Any, **_: Any) -> Any:
        """The output for `inputs`."""

    @abstractmethod
    def backward(self, *grad_outputs: Any, **_: Any) -> Any:
        """The gradient with respect to the inputs of the latest ``forward`` not yet undone."""

    # -- what backward needs -------------------------------------------------------------------

    def push(self, kept: Any) -> None:
        """Keep `kept` for the ``backward`` of this ``forward``; in evaluation mode, do nothing."""
        if self.training:
            self._stack.append(kept)
            if len(self._stack) >= self.max_pending:
                self._warn_pending()

    def pop(self) -> Any:
        """What the latest ``forward`` kept, last in, first out.

        Raises:
            StateError: in evaluation mode, or when every ``forward`` has had its ``backward``.
        """
        if self._stack:
            return self._stack.pop()
        if self.training:
            raise StateError(
                "backward without forward: expected a forward in training mode for each backward, "
                "and every one has had its backward already; call forward first",
                where=self,
            )
        raise StateError(
            "backward in evaluation mode: nothing was kept to differentiate; "
            "call train() before the forward whose gradient you want",
            where=self,
        )

    def _warn_pending(self) -> None:
        """Tell the user, at the line of theirs that called, and by the path of the layer.

        A layer does not know its containers, but the call stack does. The whole network is told
        about once, so the limit of every layer in it is raised.
        """
        path = [repr(self)]
        inner: object = self
        frame = sys._getframe(1)
        depth = stacklevel = 2
        while frame.f_back is not None:
            caller = frame.f_locals.get("self")
            if caller is inner:
                stacklevel = depth + 1
            elif isinstance(caller, BaseModule):
                for name, child in caller.named_children():
                    if child is inner:
                        path.insert(0, f"{type(caller).__name__}[{name}]")
                        inner = caller
                        stacklevel = depth + 1
                        break
            frame = frame.f_back
            depth += 1
        warnings.warn(
            f"{' › '.join(path)}: {len(self._stack)} forwards in training mode had no backward, "
            "and each keeps its input in memory; call eval() before evaluating, or set "
            f"max_pending above {self.max_pending} if so many are meant",
            PendingForwardWarning,
            stacklevel=stacklevel,
        )
        _double_max_pending(inner)

    # -- modes ---------------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Enter training mode (or, with False, evaluation mode), with everything inside."""
        self.training = mode
        if not mode:
            self._stack.clear()
        for _, child in self.named_children():
            if mode:
                child.train()
            else:
                child.eval()
        return self

    def eval(self: Self) -> Self:
        """Enter evaluation mode: nothing is kept, and what waited for a backward is let go."""
        return self.train(False)

    # -- parameters ----------------------------------------------------------------------------

    def named_children(self) -> Sequence[tuple[str, Module]]:
        """The modules that are attributes of this one, by name."""
        return [(name, item) for name, item in vars(self).items() if _is_module(item)]

    def named_param(self) -> list[tuple[str, Parameter]]:
        """Every parameter by its name in torch's state_dict (``0.2.weight``).

        A parameter that is reached in several ways appears under each of its names.
        """
        named = [(name, item) for name, item in vars(self).items() if isinstance(item, Parameter)]
        for name, child in self.named_children():
            inner = getattr(child, "named_param", None)
            pairs = inner() if inner else [(str(i), p) for i, p in enumerate(child.param())]
            named += [(f"{name}.{rest}", parameter) for rest, parameter in pairs]
        return named

    def param(self) -> list[Parameter]:
        """Every parameter, each once, however often it is shared."""
        return list({id(parameter): parameter for _, parameter in self.named_param()}.values())

    # -- self-description ----------------------------------------------------------------------

    def summary(self) -> str:
        """One line on what this module is; the line that the tree of ``info()`` shows."""
        return type(self).__name__

    def describe(self) -> str:
        """The line of a leaf, or the tree of a module that holds others."""
        if not self._is_container():
            return self.summary()
        title, *body, end = _block(self)
        return "\n".join([f"|x {title}", *(f"| {line}" for line in body), f"| | {end}"])

    def info(self) -> None:
        """Print ``describe()``."""
        print(self.describe())

    def _is_container(self) -> bool:
        return bool(self.named_children())

    def __repr__(self) -> str:
        return type(self).__name__


def _is_module(item: object) -> TypeGuard[Module]:
    """Whether `item` has the methods; the first two questions spare most attributes the third."""
    if isinstance(item, BaseModule):
        return True
    return hasattr(item, "forward") and isinstance(item, Module) and not isinstance(item, type)


def _double_max_pending(module: object) -> None:
    if isinstance(module, BaseModule):
        module.max_pending *= 2
        for _, child in module.named_children():
            _double_max_pending(child)


def _block(module: Module) -> list[str]:
    """The lines of `module` inside a tree: one for a leaf; title, indented children and ``v``."""
    if isinstance(module, BaseModule) and module._is_container():
        children = [line for _, child in module.named_children() for line in _block(child)]
        return [f"{module.summary()}:", *(f"| {line}" for line in children), "v"]
    describe = getattr(module, "describe", None)
    return str(describe()).splitlines() if describe else [type(module).__name__]
