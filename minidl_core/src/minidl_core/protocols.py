"""The contracts: what a module, a loss, an optimizer, an engine and a command are.

Whatever has the methods is one; nothing need be inherited. `BaseModule` and `BaseOptimizer` carry
what every author would otherwise repeat. The abstract methods of a protocol are the contract of the
kind that names it in the entry-point group ``minidl.kinds``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from minidl_core.parameter import Parameter

    StepFunction = Callable[[tuple[Any, ...], Any], tuple[Any, Tensor]]
else:
    StepFunction = "Callable[[tuple[Any, ...], Any], tuple[Any, Tensor]]"

__all__ = ["Command", "Engine", "Loss", "Module", "Optimizer", "StepFunction"]


@runtime_checkable
class Module(Protocol):
    """A differentiable function with parameters.

    =======================  ==========================================================
    ``forward(*inputs)``     the output; in training mode, pushes what ``backward`` needs
                             and changes nothing else
    ``backward(*grads)``     pops it; **adds** to the parameters' gradients and returns the
                             gradient with respect to the input (a tuple, if several)
    ``param()``              the list of its `Parameter`, each once
    ``info()``               prints what it is
    ``train()``, ``eval()``  switch between training and evaluation, where nothing is kept
    ``training``             which of the two
    =======================  ==========================================================

    Also used where present: ``named_param()`` and ``named_buffers()``, lists of pairs with torch's
    state_dict names; ``describe()``, what ``info()`` prints; ``named_children()``, the modules
    inside it; ``lift(loss, optimizer)``, the loss over the outputs of a stack of models.
    """

    training: bool

    # The keyword arguments let a protocol method be met by any signature (PEP 544, mypy).
    @abstractmethod
    def forward(self, *inputs: Any, **_: Any) -> Any: ...

    @abstractmethod
    def backward(self, *grad_outputs: Any, **_: Any) -> Any: ...

    @abstractmethod
    def param(self) -> Sequence[Parameter]: ...

    @abstractmethod
    def info(self) -> None: ...

    @abstractmethod
    def train(self) -> Any: ...

    @abstractmethod
    def eval(self) -> Any: ...


@runtime_checkable
class Loss(Module, Protocol):
    """A module whose ``forward(prediction, target)`` is a scalar.

    ``backward()`` is the derivative of exactly that value with respect to the prediction. A model
    with several outputs needs a loss of as many predictions, followed by the target, whose
    ``backward()`` returns a gradient for each.
    """

    @abstractmethod
    def forward(self, *predictions_and_target: Any, **_: Any) -> Tensor: ...

    @abstractmethod
    def backward(self) -> Any: ...


@runtime_checkable
class Optimizer(Protocol):
    """Changes parameters by their gradients; constructed as ``Optimizer(params, ...)``.

    It knows the parameters and never the model. ``state_dict()`` holds all that
    ``load_state_dict()`` needs to go on exactly as if never stopped.
    """

    def __init__(self, params: Iterable[Parameter], *_: Any, **__: Any) -> None: ...

    @abstractmethod
    def zero_grad(self) -> None: ...

    @abstractmethod
    def step(self) -> None: ...

    @abstractmethod
    def state_dict(self) -> dict[str, Any]: ...

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Engine(Protocol):
    """A way to carry out training steps; `minidl_core.eager` is the meaning that all must have.

    ``engine(model, loss, optimizer)`` returns ``step(inputs, target) -> (prediction, value)``. A
    step whose loss is not finite changes no parameter and no buffer.
    """

    @abstractmethod
    def __call__(self, model: Any, loss: Any, optimizer: Any) -> StepFunction: ...


class Command(Protocol):
    """A subcommand of ``minidl``: a click command, whose ``ctx.obj`` is the `Registry`."""

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
