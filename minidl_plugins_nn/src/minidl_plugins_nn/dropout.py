"""Dropout of elements and of whole channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from minidl_core import (
    ArgumentError,
    BaseModule,
    DtypeError,
    Example,
    ShapeError,
    check_grad_output,
    check_no_graph,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(BaseModule):
    dims: ClassVar[tuple[int, ...]] = ()  # the allowed dimensions; none if every one is
    channels: ClassVar[bool] = False  # whether whole channels are dropped
    traceable = True

    def __init__(
        self, p: float = 0.5, inplace: bool = False, *, generator: torch.Generator | None = None
    ) -> None:
        where = type(self).__name__
        if not isinstance(p, (int, float)) or isinstance(p, bool) or not 0 <= p <= 1:
            raise ArgumentError(f"p must be a probability from 0 to 1, got {p!r}", where=where)
        if inplace:
            raise ArgumentError(
                "inplace=True is not supported, since inputs are never changed; leave it out",
                where=where,
            )
        self.p, self.generator = p, generator

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        if not self.training or self.p == 0 or x.numel() == 0:
            self.push((None, x.shape))
            return x
        factor, summand = self._noise(self._draw(x))
        self.push((factor, x.shape))
        return x * factor if summand is None else x * factor + summand

    # y = a x + b with drawn a and b:  dx = a dy.
    def backward(self, grad_output: Tensor) -> Tensor:
        factor, shape = self.pop()
        check_grad_output(self, grad_output, shape)
        dx: Tensor = grad_output if factor is None else grad_output * factor
        return dx

    def _draw(self, x: Tensor) -> Tensor:
        """Draw 1 with probability 1 − p, else 0, for each element or each channel."""
        shape = list(x.shape)
        if self.channels:
            batch = 1 if x.ndim == min(self.dims, default=0) else 2
            shape = shape[:batch] + [1] * (x.ndim - batch)
        return x.new_empty(shape).bernoulli_(1 - self.p, generator=self.generator)

    def _noise(self, kept: Tensor) -> tuple[Tensor, Tensor | None]:
        return kept * (1 / (1 - self.p) if self.p < 1 else 0.0), None

    def _check_input(self, x: Tensor) -> None:
        check_no_graph(self, "input", x)
        if not x.is_floating_point():
            raise DtypeError(
                f"expected an input of floating-point numbers, got {x.dtype}; convert it: "
                "x.float()",
                where=self,
            )
        if self.channels and (x.ndim not in self.dims if self.dims else x.ndim < 2):
            wanted = " or ".join(map(str, self.dims)) or "at least 2"
            raise ShapeError(
                f"expected an input of {wanted} dimensions with channels, got {tuple(x.shape)}; "
                "Dropout takes any",
                where=self,
            )

    def summary(self) -> str:
        return f"{type(self).__name__}, p: {self.p:g}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.p:g})"

    @classmethod
    def examples(cls) -> list[Example]:
        shape = (4, 3, 2, 2, 2)[: max(cls.dims, default=3)]
        return [
            Example({"p": 0.3}, shapes=[shape]),
            Example({"p": 0.75}, shapes=[shape]),
            Example({"p": 0.0}, shapes=[shape]),
        ]


class Dropout(_DropoutNd):
    """y = x m / (1 − p) in training, with m drawn anew each time: 0 with probability p, else 1.

    In evaluation y = x. With p = 1 every element is 0.

    Shapes: x and y alike, of any shape.

    Args:
        p: the probability that an element becomes 0.
        inplace: not supported; here so that torch.nn's arguments fit.
        generator: where m comes from; torch's global generator when left out.

    Raises:
        ArgumentError: `p` is no probability, or `inplace` is True.
        DtypeError: the input does not hold floating-point numbers.
        ParameterError: the input records a graph of torch's autograd.

    Reference: N. Srivastava et al., Dropout: a simple way to prevent neural networks from
    overfitting, JMLR 2014.
    """


class Dropout1d(_DropoutNd):
    """`Dropout` of whole channels of a sequence: one m for each channel of each row.

    Shapes: x and y (n, c, length), or without n.

    Reference: J. Tompson et al., Efficient object localization using convolutional networks,
    CVPR 2015.
    """

    channels, dims = True, (2, 3)


class Dropout2d(_DropoutNd):
    """`Dropout` of whole channels of an image: one m for each channel of each row.

    Shapes: x and y (n, c, height, width). (Of three dimensions torch says itself that it takes them
    for a sequence, so they are refused here: use `Dropout1d`.)
    """

    channels, dims = True, (4,)

    def _draw(self, x: Tensor) -> Tensor:
        return x.new_empty((*x.shape[:2], 1, 1)).bernoulli_(1 - self.p, generator=self.generator)


class Dropout3d(_DropoutNd):
    """`Dropout` of whole channels of a volume: one m for each channel of each row.

    Shapes: x and y (n, c, depth, height, width), or without n.
    """

    channels, dims = True, (4, 5)


class AlphaDropout(_DropoutNd):
    """y = a (m x + (1 − m) α') + b in training: dropout that keeps mean 0 and variance 1.

    α' = −1.7580993408473766 is the limit of SELU, which dropped elements are set to. With
    a = ((1 − p)(1 + p α'²))^−½ and b = −a p α' mean and variance stay, if they were 0 and 1.

    Shapes: x and y alike, of any shape. See `Dropout` for arguments and errors.

    Reference: G. Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.
    """

    conformance_exceptions: ClassVar[dict[str, str]] = {
        "eval_is_mean_of_train": "mean 0 and variance 1 are kept, not the mean of each element"
    }

    def _noise(self, kept: Tensor) -> tuple[Tensor, Tensor | None]:
        limit, p = -1.7580993408473766, self.p
        if p == 1:
            return kept, None
        a = ((1 - p) * (1 + p * limit**2)) ** -0.5
        return a * kept, a * limit * (1 - kept) - a * p * limit


class FeatureAlphaDropout(AlphaDropout):
    """`AlphaDropout` of whole channels: one m for each channel of each row.

    Shapes: x and y (n, c, ...).
    """

    channels = True
