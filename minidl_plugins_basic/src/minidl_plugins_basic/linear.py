"""The fully connected layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch

from minidl_core import ArgumentError, BaseModule, Example, Parameter, ShapeError
from minidl_plugins_basic.checks import check_alike, check_grad_output
from minidl_plugins_basic.products import add_product, add_rows, affine, product
from minidl_plugins_basic.stacking import stack

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

    Shapes: X (n, in), W (out, in), b (out,), Y (n, out). With K stacked models each of them has
    K in front: X (K, n, in), W (K, out, in), b (K, out), Y (K, n, out); see `stack`.

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
        bias = None if self.bias is None else self.bias.value
        return affine(x, self.weight.value, bias)

    # Y = X Wᵀ + b:  dW = dYᵀ X,  db = Σₙ dYₙ,  dX = dY W
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        check_grad_output(self, grad_output, torch.Size([*x.shape[:-1], self.out_features]))
        add_product(self.weight.grad, grad_output.mT, x)  # (out, n) @ (n, in) -> (out, in)
        if self.bias is not None:
            add_rows(self.bias.grad, grad_output)
        return product(grad_output, self.weight.value)  # (n, out) @ (out, in) -> (n, in)

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"in_features": 3, "out_features": 2}, shapes=[(4, 3)]),
            Example({"in_features": 3, "out_features": 3}, shapes=[(2, 3)]),
            Example({"in_features": 1, "out_features": 4, "bias": False}, shapes=[(5, 1)]),
            Example({"in_features": 2, "out_features": 1, "init": "report"}, shapes=[(3, 2)]),
            Example(
                shapes=[(2, 4, 3)],
                batch_axis=1,
                make=lambda generator: stack([cls(3, 2, generator=generator) for _ in range(2)]),
            ),
        ]

    def summary(self) -> str:
        models = self.weight.value.shape[:-2]
        stacked = f", models: {'x'.join(map(str, models))}" if models else ""
        return (
            f"Linear Layer, in: {self.in_features}, out: {self.out_features}, "
            f"biases: {self.bias is not None}{stacked}"
        )

    def __repr__(self) -> str:
        return f"Linear({self.in_features} → {self.out_features})"

    def _check_input(self, x: Tensor) -> None:
        models = self.weight.value.shape[:-2]
        if x.ndim != len(models) + 2 or x.shape[:-2] != models or x.shape[-1] != self.in_features:
            expected = ", ".join([*map(str, models), "batch", str(self.in_features)])
            cure = "reshape the input, or build the layer with its number of features"
            if models and x.ndim == 2 and x.shape[-1] == self.in_features:
                cure = (
                    f"give every model its batch: x.expand({', '.join(map(str, models))}, -1, -1)"
                )
            raise ShapeError(
                f"expected an input of shape ({expected}), got {tuple(x.shape)}; {cure}", where=self
            )
        if x.numel() == 0:
            raise ShapeError(
                f"expected at least one row, got an empty batch of shape {tuple(x.shape)}; "
                "leave empty batches out",
                where=self,
            )
        check_alike(self, "input", x, "weight", self.weight.value)
