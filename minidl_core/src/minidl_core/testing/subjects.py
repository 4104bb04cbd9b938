"""A built module or loss, and what one pass through it gives."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from minidl_core.testing.errors import ConformanceError

__all__ = ["Pass", "Subject"]


class Pass(NamedTuple):
    """What one forward and its backward gave.

    Attributes:
        outputs: the outputs.
        input_grads: the gradient of each input; None for an input of whole numbers.
        parameter_grads: by the parameter's name, as copies.
    """

    outputs: tuple[Tensor, ...]
    input_grads: tuple[Tensor | None, ...]
    parameter_grads: dict[str, Tensor]


class Subject:
    """A module or loss under test, seen as one function of several inputs with several outputs.

    A loss is the function (prediction, target) -> J whose backward takes no cotangent, because it
    is always one, and whose target has no gradient.

    Attributes:
        module: the component itself.
        is_loss: whether it is a loss.
        generator: what it draws from, if it accepts one.
    """

    def __init__(self, module: Any, is_loss: bool, generator: torch.Generator | None) -> None:
        self.module = module
        self.is_loss = is_loss
        self.generator = generator
        self._kept = 0
        self._start = None if generator is None else generator.get_state()

    def rewind(self) -> None:
        """Let the next forward draw the same numbers as the first one."""
        if self.generator is not None and self._start is not None:
            self.generator.set_state(self._start)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        output = self.module.forward(*inputs)
        outputs = output if isinstance(output, tuple) else (output,)
        for number, tensor in enumerate(outputs):
            if not isinstance(tensor, Tensor):
                raise ConformanceError(
                    f"forward must give tensors, got {type(tensor).__name__} as output {number}"
                )
        return outputs

    def backward(self, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of each differentiable input."""
        got = self.module.backward() if self.is_loss else self.module.backward(*cotangents)
        return got if isinstance(got, tuple) else (got,)

    def one_pass(self, inputs: tuple[Tensor, ...], salt: int = 0) -> Pass:
        """Forward and backward in training mode, from zeroed gradients and the first draw."""
        self.zero_grads()
        self.rewind()
        outputs = self.forward(*inputs)
        grads = self.backward(*self.cotangents(outputs, salt))
        return Pass(outputs, grads, self.parameter_grads())

    def cotangents(self, outputs: tuple[Tensor, ...], salt: int = 0) -> tuple[Tensor, ...]:
        """A random gradient for each output: dL/dY of L = Σ w · Y. Ones for a loss."""
        if self.is_loss:
            return tuple(torch.ones_like(y) for y in outputs)
        generator = torch.Generator().manual_seed(7919 + salt)
        return tuple(
            torch.empty(y.shape, dtype=torch.float64).uniform_(-1, 1, generator=generator).to(y)
            for y in outputs
        )

    def differentiable(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The inputs that ``backward`` has gradients for."""
        return inputs[:1] if self.is_loss else inputs

    def named_pairs(self) -> list[tuple[str, Tensor, Tensor]]:
        """Name, value and gradient of each parameter that ``param()`` lists."""
        names: dict[int, str] = {}
        if hasattr(self.module, "named_param"):
            for name, (value, _) in self.module.named_param():
                names.setdefault(id(value), name)
        pairs = [tuple(pair) for pair in self.module.param()]
        return [(names.get(id(v), f"parameter {i}"), v, g) for i, (v, g) in enumerate(pairs)]

    def parameter_grads(self) -> dict[str, Tensor]:
        return {name: grad.clone() for name, _, grad in self.named_pairs()}

    def zero_grads(self) -> None:
        for _, _, grad in self.named_pairs():
            grad.zero_()

    def value(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Forward in training mode alone; what many of them keep is dropped now and then."""
        self._kept += 1
        if self._kept == 16:
            self.let_go()
        return self.forward(*inputs)

    def let_go(self) -> None:
        """Drop what forwards without a backward kept, and stay in training mode."""
        self._kept = 0
        self.module.eval()
        self.module.train()
