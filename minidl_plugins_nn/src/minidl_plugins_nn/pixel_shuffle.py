"""Layers that move elements between channels and places, and among channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, Example, ShapeError, check_grad_output, check_no_graph
from minidl_plugins_nn.image_sizes import whole_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"]


class _Shuffle(BaseModule):
    """Y holds the elements of X in other places, so that dX is found by moving dY back."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_no_graph(self, "input", x)
        self._check_input(x)
        y = self._there(x)
        self.push(y.shape)
        return y

    # Each element of X stands in one place of Y:  dX takes it back from there.
    def backward(self, grad_output: Tensor) -> Tensor:
        check_grad_output(self, grad_output, self.pop())
        return self._back(grad_output)

    def _refuse(self, expected: str, x: Tensor) -> ShapeError:
        return ShapeError(
            f"expected an input of shape {expected}, got {tuple(x.shape)}", where=self
        )

    def _check_input(self, x: Tensor) -> None:
        raise NotImplementedError

    def _there(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _back(self, y: Tensor) -> Tensor:
        raise NotImplementedError


def _enlarge(x: Tensor, r: int) -> Tensor:
    """(…, c r², h, w) → (…, c, h r, w r): each r² channels become a tile of r × r."""
    *lead, channels, height, width = x.shape
    tiles = x.reshape(-1, channels // r**2, r, r, height, width)
    return tiles.permute(0, 1, 4, 2, 5, 3).reshape(*lead, channels // r**2, height * r, width * r)


def _shrink(y: Tensor, r: int) -> Tensor:
    """(…, c, h r, w r) → (…, c r², h, w): each tile of r × r becomes r² channels."""
    *lead, channels, height, width = y.shape
    tiles = y.reshape(-1, channels, height // r, r, width // r, r)
    return tiles.permute(0, 1, 3, 5, 2, 4).reshape(*lead, channels * r**2, height // r, width // r)


class PixelShuffle(_Shuffle):
    """Makes a tile of r × r places of each r² channels: (…, c r², h, w) → (…, c, h r, w r).

    Args:
        upscale_factor: the number r.

    Raises:
        ArgumentError: r is no whole number of at least 1.
        ShapeError: the channels are not divisible by r².
        ParameterError: the input records a graph of torch's autograd.

    Reference: W. Shi et al., Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network, CVPR 2016.
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = whole_number("PixelShuffle", "upscale_factor", upscale_factor)

    def _check_input(self, x: Tensor) -> None:
        tile = self.upscale_factor**2
        if x.ndim < 3 or x.shape[-3] % tile or x.numel() == 0:
            raise self._refuse(f"(..., channels · {tile}, height, width)", x)

    def _there(self, x: Tensor) -> Tensor:
        return _enlarge(x, self.upscale_factor)

    def _back(self, y: Tensor) -> Tensor:
        return _shrink(y, self.upscale_factor)

    def summary(self) -> str:
        return f"PixelShuffle, factor: {self.upscale_factor}"

    @classmethod
    def examples(cls) -> list[Example]:
        twin = "torch.nn.PixelShuffle"
        return [Example({"upscale_factor": 2}, shapes=[(2, 8, 3, 2)], reference=twin)]


class PixelUnshuffle(_Shuffle):
    """Makes r² channels of each tile of r × r places: (…, c, h r, w r) → (…, c r², h, w).

    The inverse of `PixelShuffle`.

    Args:
        downscale_factor: the number r.

    Raises:
        ArgumentError: r is no whole number of at least 1.
        ShapeError: height or width are not divisible by r.
        ParameterError: the input records a graph of torch's autograd.
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = whole_number("PixelUnshuffle", "downscale_factor", downscale_factor)

    def _check_input(self, x: Tensor) -> None:
        r = self.downscale_factor
        if x.ndim < 3 or x.shape[-1] % r or x.shape[-2] % r or x.numel() == 0:
            raise self._refuse(f"(..., channels, height · {r}, width · {r})", x)

    def _there(self, x: Tensor) -> Tensor:
        return _shrink(x, self.downscale_factor)

    def _back(self, y: Tensor) -> Tensor:
        return _enlarge(y, self.downscale_factor)

    def summary(self) -> str:
        return f"PixelUnshuffle, factor: {self.downscale_factor}"

    @classmethod
    def examples(cls) -> list[Example]:
        twin = "torch.nn.PixelUnshuffle"
        return [Example({"downscale_factor": 2}, shapes=[(2, 2, 4, 6)], reference=twin)]


class ChannelShuffle(_Shuffle):
    """Deals the channels of g groups out in turn: 1 2 3 4 5 6 → 1 4 2 5 3 6 for g = 2.

    Shapes: x and y (n, c, ...), with at least one dimension after the channels.

    Args:
        groups: the number g.

    Raises:
        ArgumentError: g is no whole number of at least 1.
        ShapeError: the channels are not divisible by g.
        ParameterError: the input records a graph of torch's autograd.

    Reference: X. Zhang et al., ShuffleNet, CVPR 2018.
    """

    def __init__(self, groups: int) -> None:
        self.groups = whole_number("ChannelShuffle", "groups", groups)

    def _check_input(self, x: Tensor) -> None:
        if x.ndim < 3 or x.shape[1] % self.groups or x.numel() == 0:
            raise self._refuse(f"(batch, channels · {self.groups}, ...)", x)

    def _there(self, x: Tensor) -> Tensor:
        rows, channels, *room = x.shape
        dealt = x.reshape(rows, self.groups, channels // self.groups, *room).transpose(1, 2)
        return dealt.reshape(x.shape)

    def _back(self, y: Tensor) -> Tensor:
        rows, channels, *room = y.shape
        dealt = y.reshape(rows, channels // self.groups, self.groups, *room).transpose(1, 2)
        return dealt.reshape(y.shape)

    def summary(self) -> str:
        return f"ChannelShuffle, groups: {self.groups}"

    @classmethod
    def examples(cls) -> list[Example]:
        twin = "torch.nn.ChannelShuffle"
        return [Example({"groups": 2}, shapes=[(2, 6, 2, 2)], reference=twin)]
