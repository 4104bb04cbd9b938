"""What a module, a loss and an optimizer are: whatever has the methods, inheriting nothing.

`BaseModule` and `BaseOptimizer` carry what every author would otherwise repeat.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from minidl_core.parameter import Parameter

__all__ = ["Loss", "Module", "Optimizer"]


@runtime_checkable
class Module(Protocol):
    """A differentiable function with parameters.

    ======================  ===========================================================
    ``forward(*inputs)``    the output; in training mode, pushes what ``backward`` needs
    ``backward(*grads)``    pops it; **adds** to the parameters' gradients and returns the
                            gradient with respect to the input (a tuple, if several)
    ``param()``             the list of its `Parameter`, each once
    ``info()``              prints what it is
    ``train()``, ``eval()`` switch between training and evaluation, where nothing is kept
    ``training``            which of the two
    ======================  ===========================================================

    Also used where present: ``named_param()``, a list of pairs with torch's state_dict names;
    ``describe()``, what ``info()`` prints; ``named_children()``, the modules inside it.
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
    """A module whose ``forward(prediction, target)`` is a scalar, one for each stacked model.

    ``backward()`` is the derivative of exactly that value with respect to the prediction.
    """

    @abstractmethod
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor: ...

    @abstractmethod
    def backward(self) -> Tensor: ...


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
