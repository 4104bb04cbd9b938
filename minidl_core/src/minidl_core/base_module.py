"""The base class of modules: parameters, buffers, modes, self-description, and the stack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from minidl_core.errors import ArgumentError, StateError
from minidl_core.parameter import Parameter
from minidl_core.pending import versions, warn_pending
from minidl_core.state import load_state
from minidl_core.tree import is_module, members, tree_of, walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from minidl_core.protocols import Module

__all__ = ["BaseModule"]

Self = TypeVar("Self", bound="BaseModule")


class BaseModule(ABC):
    """What every module would otherwise repeat.

    An author writes ``forward``, which ends in ``self.push(...)`` of what the derivative needs,
    and ``backward``, which begins with ``self.pop()``. `forward` changes nothing else: what is
    learned from a batch, such as running means, is written in ``backward``. Attributes that are
    `Parameter` or modules, also in lists, tuples and dicts, are found in the order they were
    assigned. There is no ``super().__init__()`` to call.

    Attributes:
        training: whether the module behaves as in training (dropout drops, norms use the batch).
        keeping: whether ``forward`` keeps what ``backward`` needs.
        traceable: a class sets it to True to declare that its ``forward`` and ``backward`` are
            nothing but tensor operations, the same for every batch of one shape: nothing printed,
            counted, or decided by the data. Engines may then run the operations without them.
        max_pending: how many forwards may wait for their backward before the user is warned.
    """

    training: bool = True
    keeping: bool = True
    frozen: bool = False
    traceable: ClassVar[bool] = False
    max_pending: int = 100
    _stack: list[Any]
    _buffer_names: tuple[str, ...] = ()

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        module = super().__new__(cls)
        module._stack = []
        return module

    def __init__(self) -> None:  # noqa: B027 (`__new__` takes any arguments, this takes none)
        """Do nothing."""

    @abstractmethod
    def forward(self, *inputs: Any, **_: Any) -> Any:
        """Return the output for `inputs`."""

    @abstractmethod
    def backward(self, *grad_outputs: Any, **_: Any) -> Any:
        """Return the gradient with respect to the inputs of the latest pending ``forward``."""

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self.forward(*inputs, **named)

    def push(self, kept: Any) -> None:
        """Keep `kept` for the ``backward`` of this ``forward``, if the module is `keeping`."""
        if self.keeping:
            self._stack.append((kept, versions(kept)))
            if len(self._stack) >= self.max_pending:
                warn_pending(self, len(self._stack))

    def pop(self) -> Any:
        """Return what the latest ``forward`` kept: last in, first out.

        Raises:
            StateError: nothing was kept, or a kept tensor was changed in place since.
        """
        if self._stack:
            kept, then = self._stack.pop()
            if versions(kept) != then:
                raise StateError(
                    "a tensor that backward needs was changed in place after forward, so the "
                    "gradient would be wrong; change a copy: x.clone()",
                    where=self,
                )
            return kept
        if self.keeping:
            raise StateError(
                "backward without forward: expected a forward in training mode for each backward, "
                "and every forward has had its backward; call forward first",
                where=self,
            )
        raise StateError(
            "backward in evaluation mode: forward kept nothing to differentiate; call train(), or "
            "keep() to stay in evaluation mode, before the forward whose gradient you want",
            where=self,
        )

    def train(self: Self, mode: bool = True) -> Self:
        """Enter training mode (or, with False, evaluation mode), with everything inside."""
        self.training = mode and not self.frozen
        self.keeping = mode
        if not mode:
            self._stack.clear()
        for _, child in self.named_children():
            child.train() if mode else child.eval()
        return self

    def eval(self: Self) -> Self:
        """Enter evaluation mode: nothing is kept, and pending forwards are discarded."""
        return self.train(False)

    def keep(self: Self, mode: bool = True) -> Self:
        """Keep what ``backward`` needs without changing how layers behave.

        ``model.eval().keep()`` gives gradients in evaluation mode: saliency, attacks.
        """
        for _, module in walk(self):
            if isinstance(module, BaseModule):
                module.keeping = mode
                if not mode:
                    module._stack.clear()
        return self

    def freeze(self: Self, mode: bool = True) -> Self:
        """Fix every parameter and stay in evaluation behaviour, also through ``train()``.

        Gradients still pass through. ``freeze(False)`` makes every parameter trainable again.
        Make the optimizer afterwards.
        """
        for _, module in walk(self):
            if isinstance(module, BaseModule):
                module.frozen = mode
                module.training = module.keeping and not mode
        for parameter in self.param():
            parameter.trainable = not mode
        return self

    # -- parameters and buffers ----------------------------------------------------------------

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Make attribute `name` a buffer: a tensor that is saved and moved but not trained.

        Running statistics, fixed matrices and masks are buffers. Assign to it later as usual.
        """
        if not name.isidentifier() or isinstance(vars(self).get(name), Parameter):
            raise ArgumentError(
                f"expected the name of a new attribute for a buffer, got {name!r}", where=self
            )
        self._buffer_names = (*(each for each in self._buffer_names if each != name), name)
        setattr(self, name, tensor)

    def named_children(self) -> Sequence[tuple[str, Module]]:
        """Return the modules that are attributes of this one, by name."""
        return [(name, item) for name, item in members(self) if is_module(item)]

    def named_param(self) -> list[tuple[str, Parameter]]:
        """Return every parameter by its name in torch's state_dict (``0.2.weight``).

        A parameter that is reached in several ways appears under each of its names.
        """
        named = [(name, item) for name, item in members(self) if isinstance(item, Parameter)]
        for name, child in self.named_children():
            inner = getattr(child, "named_param", None)
            pairs = inner() if inner else [(str(i), p) for i, p in enumerate(child.param())]
            named += [(f"{name}.{rest}", parameter) for rest, parameter in pairs]
        return named

    def named_buffers(self) -> list[tuple[str, Tensor]]:
        """Return every buffer by its name in torch's state_dict (``0.running_mean``)."""
        own = vars(self)
        named = [(name, own[name]) for name in self._buffer_names if own.get(name) is not None]
        for name, child in self.named_children():
            inner = getattr(child, "named_buffers", list)
            named += [(f"{name}.{rest}", buffer) for rest, buffer in inner()]
        return named

    def param(self) -> list[Parameter]:
        """Return every parameter, each once, however often it is shared."""
        return list({id(parameter): parameter for _, parameter in self.named_param()}.values())

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all parameters and buffers, by torch.nn's names."""
        return {name: tensor.detach().clone() for name, tensor in self._tensors().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy in what ``state_dict()`` gave; raise, and change nothing, if it does not fit."""
        load_state(self._tensors(), state, self)

    def _tensors(self) -> dict[str, Tensor]:
        values = {name: parameter.value for name, parameter in self.named_param()}
        return {**values, **dict(self.named_buffers())}

    def summary(self) -> str:
        """Return one line on what this module is, for the tree of ``info()``."""
        return type(self).__name__

    def describe(self) -> str:
        """Return the line of a leaf, or the tree of a module that holds others."""
        return tree_of(self.summary(), self) if self.is_container() else self.summary()

    def info(self) -> None:
        """Print ``describe()``."""
        print(self.describe())

    def is_container(self) -> bool:
        """Whether the description shows what is inside."""
        return bool(self.named_children())

    def __repr__(self) -> str:
        inside = self.named_children() if self.is_container() else ()
        lines = [f"{name}: {child!r}".replace("\n", "\n  ") for name, child in inside]
        return "\n  ".join([type(self).__name__, *lines])
