"""Convolutions and pooling with one planted mistake in each."""

from __future__ import annotations

import torch
from torch.nn import functional

from minidl_core import Example

from .right_images import Conv1d, PointwiseConv, TransposedConv1d, UnfoldedConv2d
from .right_pooling import (
    AdaptiveAvgPool1d,
    AvgPool1d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    NearestUpsample,
    NormPool,
    ReflectionPad,
    ShufflePixels,
)


class KernelFlippedInBackward(Conv1d):
    """The gradient of the kernel comes back to front: convolution for correlation."""

    def backward(self, grad_output):
        before = self.weight.grad.clone()
        dx = super().backward(grad_output)
        self.weight.grad.copy_(before + (self.weight.grad - before).flip(2))
        return dx


class KernelFlippedInForward(Conv1d):
    """A true convolution under the name of torch's correlation; its gradients fit."""

    def places(self, k, steps):
        return super().places(self.weight.value.shape[2] - 1 - k, steps)


class BiasMeanOverPlaces(Conv1d):
    """The gradient of the bias is a mean over the places of the image, for a sum."""

    def backward(self, grad_output):
        before = self.bias.grad.clone()
        dx = super().backward(grad_output)
        self.bias.grad.copy_(before + grad_output.sum(0).mean(-1))
        return dx


class DilationIgnored(Conv1d):
    """Takes a dilation and forgets it."""

    def places(self, k, steps):
        return slice(k, k + self.stride * (steps - 1) + 1, self.stride)


class PaddingModeIgnored(Conv1d):
    """Pads with zeros, whatever padding_mode says."""

    def __init__(
        self, in_channels, out_channels, padding=1, padding_mode="zeros", *, generator=None
    ):
        super().__init__(in_channels, out_channels, 3, padding=padding, generator=generator)

    @classmethod
    def examples(cls):
        kwargs = {"in_channels": 2, "out_channels": 3, "padding": 2, "padding_mode": "circular"}
        return [Example(kwargs, shapes=[(3, 2, 4)])]


class WrapsOnOneSide(Conv1d):
    """Circular padding whose gradient comes back on one side only."""

    def unpadded(self, dx):
        p = self.padding
        inner = dx[..., p : dx.shape[2] - p].clone()
        if self.mode == "circular" and p:
            inner[..., -p:] += dx[..., :p]
        return inner


class StrideForgottenInBackward(Conv1d):
    """The gradient of the data is written without gaps, as for a stride of one."""

    def backward(self, grad_output):
        wide = self.pop()
        self.push(wide)
        super().backward(grad_output)
        dx, steps = torch.zeros_like(wide), grad_output.shape[2]
        for k in range(self.weight.value.shape[2]):
            first = k * self.dilation
            dx[..., first : first + steps] += self.weight.value[:, :, k].mT @ grad_output
        return self.unpadded(dx)


class GroupsSwapped(UnfoldedConv2d):
    """The channels of the output are interleaved, not one group after the other."""

    def forward(self, x):
        y = super().forward(x)
        return y.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)

    def backward(self, grad_output):
        d = grad_output.unflatten(1, (-1, self.groups)).transpose(1, 2).flatten(1, 2)
        return super().backward(d)


class FoldedAsMean(UnfoldedConv2d):
    """Overlapping patches are averaged where their gradients add up."""

    def backward(self, grad_output):
        dx = super().backward(grad_output)
        k = self.weight.value.shape[2]
        size = dx.shape[2:]
        patches = functional.unfold(torch.ones_like(dx[:1, :1]), k)
        return dx / functional.fold(patches, size, k)


class TransposedUnstrided(TransposedConv1d):
    """The gradient of the data reads the output without gaps."""

    def backward(self, grad_output):
        x = self.pop()
        self.push(x)
        super().backward(grad_output)
        d = functional.pad(grad_output, (0, self.weight.value.shape[2]))
        steps = x.shape[2]
        taps = range(self.weight.value.shape[2])
        return sum(self.weight.value[:, :, k] @ d[..., k : k + steps] for k in taps)


class MixedOverPlaces(PointwiseConv):
    """The gradient of the weight takes the first place of the image alone."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += grad_output.flatten(2)[..., 0].mT @ x.flatten(2)[..., 0]
        return torch.einsum("oi,no...->ni...", self.weight.value, grad_output)


class OverlapWrittenOnce(MaxPool1d):
    """Where windows overlap the gradient is written, not added."""

    def scattered(self, dx, index, grad_output):
        return dx.scatter(2, index, grad_output)


class PadsMaximumWithZero(MaxPool1d):
    """Pads with zeros, which are above negative inputs."""

    border = 0.0


class CountsPadding(AvgPool1d):
    """count_include_pad is ignored, in value and gradient."""

    def __init__(self, kernel_size, stride=None, padding=0, count_include_pad=True):
        super().__init__(kernel_size, stride, padding)

    @classmethod
    def examples(cls):
        kwargs = {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False}
        return [Example(kwargs, shapes=[(3, 2, 7)])]


class CountsPaddingInBackward(AvgPool1d):
    """The gradient is shared among padded places too, the value is not."""

    def share(self, grad_output, counts):
        return grad_output / self.size


class MeanOfPlacesForgotten(GlobalAvgPool):
    """The value is a mean over places, the gradient that of the sum."""

    def backward(self, grad_output):
        shape = self.pop()
        return grad_output[..., None, None].expand(shape).clone()


class MaximumEverywhere(GlobalMaxPool):
    """The gradient goes to every place, not to the largest alone."""

    def backward(self, grad_output):
        return grad_output.expand(self.pop().shape).clone()


class WindowsRoundedDown(AdaptiveAvgPool1d):
    """The windows end at ⌊(i + 1) n / m⌋, and so never overlap."""

    def window(self, i, n):
        return slice(i * n // self.size, (i + 1) * n // self.size)


class PowerForgotten(NormPool):
    """(x / y)ᵖ for (x / y)ᵖ⁻¹."""

    def backward(self, grad_output):
        x, y = self.pop()
        return grad_output * (x / y).pow(self.p)


class FirstPixelOfBlock(NearestUpsample):
    """The gradient of one pixel of each block, for the sum over the block."""

    def backward(self, grad_output):
        self.pop()
        return grad_output[..., :: self.scale, :: self.scale].clone()


class ShufflesOtherOrder(ShufflePixels):
    """Blocks and channels in the other order; its gradient fits."""

    def forward(self, x):
        self.push(None)
        blocks = x.unflatten(1, (self.r**2, -1)).transpose(1, 2).flatten(1, 2)
        return functional.pixel_shuffle(blocks, self.r)

    def backward(self, grad_output):
        self.pop()
        blocks = functional.pixel_unshuffle(grad_output, self.r)
        return blocks.unflatten(1, (-1, self.r**2)).transpose(1, 2).flatten(1, 2)


class BorderCutOff(ReflectionPad):
    """The gradient of the mirrored border is cut off, not added to what it mirrors."""

    def backward(self, grad_output):
        _, shape = self.pop()
        return grad_output[..., self.padding : self.padding + shape[2]].clone()
