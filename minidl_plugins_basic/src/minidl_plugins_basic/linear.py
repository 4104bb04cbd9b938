"""The fully connected layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    Parameter,
    ShapeError,
    check_alike,
    check_grad_output,
    check_no_graph,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Linear"]

# The standard deviation of the first weights and biases, by name.
SIGMA = {
    "glorot": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "report": lambda fan_in, fan_out: 2 / math.sqrt(fan_in + fan_out),
}


class Linear(BaseModule):
    """Y = X Wᵀ + b.

    Shapes: X (…, in), W (out, in), b (out,), Y (…, out), with any batch dimensions in front.

    W and b are drawn from N(0, σ²), W first. By default σ = √(2 / (in + out)), equation (12) of
    Glorot and Bengio as a normal law; ``init="report"`` takes σ = 2 / √(in + out), which the
    report that minidl starts from prints, and which is √2 times Glorot's.

    Args:
        in_features: the size of each input row.
        out_features: the size of each output row.
        bias: whether to add b.
        generator: where the first weights come from; torch's global generator when left out.
        init: the name of σ, ``"glorot"`` or ``"report"``.
        dtype: of the parameters; torch's default dtype when left out.
        device: of the parameters; the generator's, or else torch's default, when left out.

    Attributes:
        weight, bias: the `Parameter` W, and b or None; named and laid out as in torch.nn.Linear.

    Raises:
        ArgumentError: a size below 1, or an unknown `init`.
        ShapeError, DtypeError, DeviceError: ``forward`` got an input that does not fit.

    Reference: X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward
    neural networks, AISTATS 2010.
    """

    traceable = True

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        generator: torch.Generator | None = None,
        init: Literal["glorot", "report"] = "glorot",
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise ArgumentError(
                    f"{name} must be a whole number of at least 1, got {size!r}", where="Linear"
                )
        if init not in SIGMA:
            raise ArgumentError(
                f"init must be one of {', '.join(map(repr, SIGMA))}, got {init!r}", where="Linear"
            )
        if device is None and generator is not None:
            device = generator.device
        sigma = SIGMA[init](in_features, out_features)

        def normal(*shape: int) -> Parameter:
            draw = torch.randn(shape, generator=generator, dtype=dtype, device=device)
            return Parameter(draw.mul_(sigma))

        self.in_features = in_features
        self.out_features = out_features
        self.weight = normal(out_features, in_features)
        self.bias = normal(out_features) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        self.push(x)
        y = x @ self.weight.value.mT  # (…, in) @ (in, out) -> (…, out)
        return y if self.bias is None else y + self.bias.value

    # Y = X Wᵀ + b:  dW = dYᵀ X,  db = Σₙ dYₙ,  dX = dY W
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        check_grad_output(self, grad_output, torch.Size([*x.shape[:-1], self.out_features]))
        x = x.reshape(-1, self.in_features)  # (…, in) -> (n, in)
        dy = grad_output.reshape(-1, self.out_features)  # (…, out) -> (n, out)
        self.weight.grad += dy.mT @ x  # (out, n) @ (n, in) -> (out, in)
        if self.bias is not None:
            self.bias.grad += dy.sum(0)  # (n, out) -> (out,)
        return grad_output @ self.weight.value  # (…, out) @ (out, in) -> (…, in)

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"in_features": 3, "out_features": 2}, shapes=[(4, 3)]),
            Example({"in_features": 3, "out_features": 3}, shapes=[(2, 3)]),
            Example({"in_features": 1, "out_features": 4, "bias": False}, shapes=[(5, 1)]),
            Example({"in_features": 2, "out_features": 1, "init": "report"}, shapes=[(3, 2)]),
            Example({"in_features": 3, "out_features": 2}, shapes=[(2, 4, 3)]),
        ]

    def summary(self) -> str:
        return (
            f"Linear Layer, in: {self.in_features}, out: {self.out_features}, "
            f"biases: {self.bias is not None}"
        )

    def __repr__(self) -> str:
        return f"Linear({self.in_features} → {self.out_features})"

    def _check_input(self, x: Tensor) -> None:
        self._check_parameter("weight", self.weight, (self.out_features, self.in_features))
        if self.bias is not None:
            self._check_parameter("bias", self.bias, (self.out_features,))
        check_no_graph(self, "input", x)
        if x.shape[-1:] != (self.in_features,):
            raise ShapeError(
                f"expected an input of shape (batch, {self.in_features}), got {tuple(x.shape)}; "
                "reshape the input, or build the layer with its number of features",
                where=self,
            )
        if x.numel() == 0:
            raise ShapeError(
                f"expected at least one row, got an empty batch of shape {tuple(x.shape)}; "
                "leave empty batches out",
                where=self,
            )
        check_alike(self, "input", x, "weight", self.weight.value)

    def _check_parameter(self, name: str, parameter: Parameter, shape: tuple[int, ...]) -> None:
        if parameter.value.shape != shape:
            raise ShapeError(
                f"expected a {name} of shape {shape}, got {tuple(parameter.value.shape)}; assign "
                "one of that shape, or build the layer with other sizes",
                where=self,
            )
