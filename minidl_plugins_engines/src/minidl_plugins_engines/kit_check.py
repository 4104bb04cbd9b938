"""What the conformance kit asks of components that declare ``traceable = True``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import BaseModule, BaseOptimizer
from minidl_plugins_devkit import ConformanceError, Trial, model_and_loss
from minidl_plugins_engines.agreement import agrees_with_eager
from minidl_plugins_engines.explaining import explain
from minidl_plugins_engines.holding import is_traceable
from minidl_plugins_engines.refusals import MismatchWarning
from minidl_plugins_engines.replaying import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from minidl_plugins_devkit import Case

__all__ = ["replays", "replays_steps"]

STEPS = 8
UNDECLARED = "it does not declare traceable = True, so engines run it as it is written"
CAUSE = (
    "forward, backward and step must be tensor operations alone, the same for every batch of one "
    "shape: nothing counted, decided or sized by the data; else leave traceable = True out"
)


def replays(case: Case) -> str:
    """A step that engines trace trains it to the bits of the step as it is written."""

    def setup() -> tuple[Any, Any, Any]:
        model, loss = model_and_loss(case.build(dtype=torch.float32))
        return model, loss, _Descent(model) if model.param() else _NoSteps()

    def batch(number: int) -> tuple[Any, Any]:
        inputs = case.inputs(salt=number, dtype=torch.float32)
        return (inputs[:-1], inputs[-1]) if case.kind == "losses" else (inputs, torch.zeros(()))

    component = case.build(dtype=torch.float32).module
    return _check(case, setup, batch) if is_traceable(component) else UNDECLARED


def replays_steps(case: Case) -> str:
    """A step that engines trace changes parameters to the bits of the step as it is written."""

    def setup() -> tuple[Any, Any, Any]:
        trial = Trial(case, dtype=torch.float32)
        return _Given(trial.parameters), _Sum(), trial.optimizer

    def batch(number: int) -> tuple[Any, Any]:
        generator = case.generator(500 + number)
        shapes = [p.value.shape for p in Trial(case).parameters]
        grads = tuple(torch.randn(shape, generator=generator) for shape in shapes)
        return grads, torch.zeros(())

    return _check(case, setup, batch) if is_traceable(setup()[2]) else UNDECLARED


def _check(
    case: Case,
    setup: Callable[[], tuple[Any, Any, Any]],
    batch: Callable[[int], tuple[Any, Any]],
) -> str:
    batches = [batch(number) for number in range(STEPS)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", MismatchWarning)
        different = agrees_with_eager(*setup(), batches)
    for warning in told:
        if issubclass(warning.category, MismatchWarning):
            different = different or [str(warning.message).partition(". ")[0]]
    if different:
        raise ConformanceError(
            "it declares traceable = True, and a traced step is not the step as it is written",
            different[0],
            CAUSE,
        )
    parts = setup()
    step = replay(*parts)
    for inputs, target in batches[:4]:
        step(inputs, target)
    seen = explain(*parts)
    whole = seen.startswith("the whole step is traced")
    if seen.startswith("not traced") or (case.kind == "optimizers" and not whole):
        raise ConformanceError(
            "it declares traceable = True, and its step cannot be traced", seen, CAUSE
        )
    return ""


class _Given(BaseModule):
    """Its inputs are the gradients of its parameters."""

    traceable = True

    def __init__(self, parameters: list[Any]) -> None:
        self.parameters = list(parameters)

    def forward(self, *grads: Tensor) -> Tensor:
        self.push(grads)
        return torch.stack([grad.sum() for grad in grads])

    def backward(self, *grad_outputs: Tensor) -> Any:
        grads = self.pop()
        for parameter, grad in zip(self.parameters, grads, strict=True):
            parameter.grad += grad
        return grads


class _Sum(BaseModule):
    traceable = True

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.push(prediction)
        return prediction.sum() + target

    def backward(self) -> Tensor:
        return torch.ones_like(self.pop())


class _Descent(BaseOptimizer):
    """p ← p − g / 100."""

    traceable = True

    def __init__(self, model: Any) -> None:
        super().__init__(model.param())

    def step(self) -> None:
        for value, grad in self.params:
            value.sub_(0.01 * grad)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is no state."""


class _NoSteps:
    """The optimizer of a model without parameters."""

    traceable = True

    def zero_grad(self) -> None:
        """There is nothing to set to zero."""

    def step(self) -> None:
        """There is nothing to change."""
