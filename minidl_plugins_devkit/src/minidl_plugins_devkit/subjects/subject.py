"""A built module or loss, and what one pass through it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    A loss is the function (predictions…, target) -> J whose backward takes no gradient, because
    dJ/dJ is one, and whose target has no gradient.

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
        self._buffers: dict[str, Tensor] = {}
        self.remember()

    # -- modes ---------------------------------------------------------------------------------

    def train(self) -> None:
        """Enter training mode."""
        self.module.train()

    def evaluate(self, *, keep: bool = False) -> None:
        """Enter evaluation mode; with `keep`, such that backward works."""
        self.module.eval()
        if keep:
            self.module.keep()

    def let_go(self) -> None:
        """Discard what forwards without a backward kept, and stay in the mode."""
        self._kept = 0
        keep = not self.module.training and getattr(self.module, "keeping", False)
        training = self.module.training
        self.module.eval()
        if training:
            self.module.train()
        elif keep:
            self.module.keep()

    def rewind(self) -> None:
        """Let the next pass draw the numbers, and have the buffers, of the first one."""
        self.unlearn()
        if self.generator is not None and self._start is not None:
            self.generator.set_state(self._start)

    def unlearn(self) -> None:
        """Put the buffers back to what `remember` saw."""
        for name, buffer in self.buffers().items():
            if name in self._buffers and self._buffers[name].shape == buffer.shape:
                buffer.copy_(self._buffers[name])

    def remember(self) -> None:
        """Make the buffers of now those that passes start from."""
        self._buffers = {name: buffer.clone() for name, buffer in self.buffers().items()}

    def draw_like(self, other: Subject) -> None:
        """From now on, draw the numbers that `other` draws."""
        self._start = other._start

    # -- passes --------------------------------------------------------------------------------

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Forward on copies of `inputs`, so that a module which changes them harms no check."""
        return self.forward_on(*(x.clone() for x in inputs))

    def forward_on(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Forward on `inputs` themselves."""
        output = self.module.forward(*inputs)
        outputs = output if isinstance(output, tuple) else (output,)
        for number, tensor in enumerate(outputs):
            if not isinstance(tensor, Tensor):
                raise ConformanceError(
                    f"forward must give tensors, got {type(tensor).__name__} as output {number}"
                )
        return outputs

    def backward(self, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of each differentiable input."""
        got = self.module.backward() if self.is_loss else self.module.backward(*grad_outputs)
        return got if isinstance(got, tuple) else (got,)

    def one_pass(self, inputs: tuple[Tensor, ...], salt: int = 0) -> Pass:
        """Forward and backward, from zeroed gradients, the first draw and the first buffers."""
        self.zero_grads()
        self.rewind()
        outputs = self.forward(*inputs)
        grads = self.backward(*self.grad_outputs(outputs, salt))
        return Pass(outputs, grads, self.parameter_grads())

    def grad_outputs(self, outputs: tuple[Tensor, ...], salt: int = 0) -> tuple[Tensor, ...]:
        """A random gradient for each output: dL/dY of L = Σ w · Y. Ones for a loss."""
        if self.is_loss:
            return tuple(torch.ones_like(y) for y in outputs)
        generator = torch.Generator().manual_seed(7919 + salt)
        return tuple(
            torch.empty(y.shape, dtype=torch.float64).uniform_(-1, 1, generator=generator).to(y)
            for y in outputs
        )

    def differentiable(self, inputs: tuple[Tensor, ...], grads: int = 0) -> tuple[Tensor, ...]:
        """The inputs that ``backward`` has gradients for: of a loss, all but the target.

        A loss without a target, which returns as many `grads` as it has inputs, has them for all.
        """
        return inputs[:-1] if self.is_loss and grads != len(inputs) else inputs

    def value(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Forward alone; what many of them keep is discarded now and then."""
        self._kept += 1
        if self._kept == 16:
            self.let_go()
        return self.forward(*inputs)

    # -- parameters and buffers ----------------------------------------------------------------

    def named_pairs(self) -> list[tuple[str, Tensor, Tensor]]:
        """Name, value and gradient of each parameter that ``param()`` lists."""
        names: dict[int, str] = {}
        if hasattr(self.module, "named_param"):
            for name, (value, _) in self.module.named_param():
                names.setdefault(id(value), name)
        pairs = [tuple(pair) for pair in self.module.param()]
        return [(names.get(id(v), f"parameter {i}"), v, g) for i, (v, g) in enumerate(pairs)]

    def buffers(self) -> dict[str, Tensor]:
        """Each buffer itself, by its name."""
        named = getattr(self.module, "named_buffers", None)
        return dict(named()) if named else {}

    def parameter_grads(self) -> dict[str, Tensor]:
        """A copy of each parameter's gradient, by its name."""
        return {name: grad.clone() for name, _, grad in self.named_pairs()}

    def zero_grads(self) -> None:
        """Set every gradient to zero, in place."""
        for _, _, grad in self.named_pairs():
            grad.zero_()

    def state(self) -> dict[str, Tensor]:
        """Copies of all parameters and buffers, by name."""
        values = {name: value for name, value, _ in self.named_pairs()}
        return {name: x.clone() for name, x in {**values, **self.buffers()}.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over what ``state()`` of another instance gave.

        Raises:
            ConformanceError: the two name their parameters and buffers differently.
        """
        mine = {name: value for name, value, _ in self.named_pairs()} | self.buffers()
        if mine.keys() != state.keys():
            raise ConformanceError(
                "two instances name their parameters and buffers differently",
                f"{sorted(mine)} and {sorted(state)}",
            )
        for name, tensor in state.items():
            mine[name].copy_(tensor)
