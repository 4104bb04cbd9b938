"""Whether what declares itself replayable gives the same when it is replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core.base_module import BaseModule
from minidl_core.gradient_pass import gradient_pass, is_replayable, plain_pass
from minidl_core.testing.comparing import same_bits
from minidl_core.testing.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from minidl_core.testing.cases import Case
    from minidl_core.testing.subjects import Subject

__all__ = ["replays"]

PASSES = 5  # the first is plain, the second recorded


def replays(case: Case) -> str:
    """What is declared replayable gives the same to the bit when train() replays it."""
    expected, got = _Passes(case.build(), plain_pass), _Passes(case.build(), gradient_pass)
    if not is_replayable(got.subject.module):
        return "is not declared replayable"
    if len(got.subject.forward(*case.inputs())) > 1:
        return "has several outputs, which no loss takes"
    for subject in (expected.subject, got.subject):
        subject.module.eval()
        subject.module.train()
        subject.rewind()
    for number in range(PASSES):
        inputs = case.inputs(salt=number)
        right, mine = expected.over(inputs), got.over(inputs)
        for what, tensor in right.items():
            if not same_bits(mine[what], tensor):
                raise ConformanceError(
                    f"{what} differs when the pass is replayed",
                    f"in pass {number + 1} over batches of one form",
                    "it is decided by something other than tensor operations on the batch, the "
                    "parameters and attributes: do not set replayable = True",
                )
    return ""


class _Passes:
    """A module before a loss of the kit's, or a loss behind a module of the kit's."""

    def __init__(self, subject: Subject, run: Callable[..., Any]) -> None:
        self.subject, self._run = subject, run
        self._model = _Identity() if subject.is_loss else subject.module
        self._loss = subject.module if subject.is_loss else _HalfSquares()

    def over(self, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        self.subject.zero_grads()
        batch = inputs[:1] if self.subject.is_loss else inputs
        running = self._run(self._model, self._loss, batch, inputs[-1].clone())
        prediction, value = next(running)
        next(running, None)
        grads = self.subject.parameter_grads()
        named = {f"the gradient of {name}": grad for name, grad in grads.items()}
        return {"the output": prediction, "the value": value, **named}


class _Identity(BaseModule):
    replayable = True

    def forward(self, x: Tensor) -> Tensor:
        return x

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output


class _HalfSquares(BaseModule):
    """J = ½ Σ y², so dJ/dy = y; there is no target."""

    replayable = True

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.push(prediction)
        return prediction.square().sum() / 2

    def backward(self) -> Tensor:
        prediction: Tensor = self.pop()
        return prediction
