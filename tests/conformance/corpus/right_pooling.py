"""Pooling, padding and resampling that are right."""

from __future__ import annotations

import torch
from torch.nn import functional

from minidl_core import BaseModule, Example


class MaxPool1d(BaseModule):
    """The largest of each window; windows overlap where stride is below kernel_size."""

    def __init__(self, kernel_size, stride=None, padding=0):
        self.size, self.stride, self.padding = kernel_size, stride or kernel_size, padding

    border = float("-inf")

    def forward(self, x):
        wide = functional.pad(x, (self.padding, self.padding), value=self.border)
        windows = wide.unfold(2, self.size, self.stride)
        y, place = windows.max(-1)
        starts = self.stride * torch.arange(windows.shape[2], device=x.device)
        self.push((starts + place, wide.new_zeros(()).expand(wide.shape)))
        return y

    def backward(self, grad_output):
        index, zeros = self.pop()
        dx = self.scattered(zeros.clone(), index, grad_output)
        return dx[..., self.padding : dx.shape[2] - self.padding]

    def scattered(self, dx, index, grad_output):
        return dx.scatter_add(2, index, grad_output)

    @classmethod
    def examples(cls):
        given = [{"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1}]
        twin = "torch.nn.MaxPool1d"
        return [Example(kwargs, shapes=[(3, 2, 7)], reference=twin) for kwargs in given] + [
            Example(given[1], shapes=[(3, 2, 5)], low=-2, high=-1, reference=twin)
        ]


class AvgPool1d(BaseModule):
    """The mean of each window; count_include_pad tells whether padded zeros count."""

    def __init__(self, kernel_size, stride=None, padding=0, count_include_pad=True):
        self.size, self.stride, self.padding = kernel_size, stride or kernel_size, padding
        self.all = count_include_pad

    def counts(self, length, x):
        real = functional.pad(torch.ones_like(x[:1, :1]), (self.padding, self.padding))
        if self.all:
            real = torch.ones_like(real)
        return real.unfold(2, self.size, self.stride).sum(-1)

    def forward(self, x):
        wide = functional.pad(x, (self.padding, self.padding))
        counts = self.counts(x.shape[2], x)
        self.push((counts, wide.new_zeros(()).expand(wide.shape)))
        return wide.unfold(2, self.size, self.stride).sum(-1) / counts

    def backward(self, grad_output):
        counts, zeros = self.pop()
        dx, share = zeros.clone(), self.share(grad_output, counts)
        for k in range(self.size):
            stop = k + self.stride * (share.shape[2] - 1) + 1
            dx[..., k : stop : self.stride] += share
        return dx[..., self.padding : dx.shape[2] - self.padding]

    def share(self, grad_output, counts):
        return grad_output / counts

    @classmethod
    def examples(cls):
        given = [
            {"kernel_size": 2},
            {"kernel_size": 3, "stride": 2, "padding": 1},
            {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False},
        ]
        twin = "torch.nn.AvgPool1d"
        return [Example(kwargs, shapes=[(3, 2, 7)], reference=twin) for kwargs in given]


class GlobalAvgPool(BaseModule):
    """The mean over all places of each channel."""

    def forward(self, x):
        self.push(x.shape)
        return x.mean((2, 3))

    def backward(self, grad_output):
        shape = self.pop()
        places = shape[2] * shape[3]
        return (grad_output / places)[..., None, None].expand(shape).clone()

    @classmethod
    def examples(cls):
        return [Example(shapes=[s]) for s in [(4, 2, 3, 3), (2, 3, 2, 5)]]


class GlobalMaxPool(BaseModule):
    """The largest of each channel, by amax, whose gradient is shared by equal elements."""

    def forward(self, x):
        y = x.amax((2, 3), keepdim=True)
        hit = (x == y).to(x.dtype)
        self.push(hit / hit.sum((2, 3), keepdim=True))
        return y

    def backward(self, grad_output):
        return grad_output * self.pop()

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 2, 3, 3)])]


class AdaptiveAvgPool1d(BaseModule):
    """Means over windows of nearly equal size, from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉."""

    def __init__(self, output_size):
        self.size = output_size

    def window(self, i, n):
        return slice(i * n // self.size, -(-(i + 1) * n // self.size))

    def forward(self, x):
        self.push(x.shape)
        parts = [x[..., self.window(i, x.shape[2])].mean(-1) for i in range(self.size)]
        return torch.stack(parts, -1)

    def backward(self, grad_output):
        shape = self.pop()
        dx = grad_output.new_zeros(shape)
        for i in range(self.size):
            at = self.window(i, shape[2])
            dx[..., at] += grad_output[..., i : i + 1] / (at.stop - at.start)
        return dx

    @classmethod
    def examples(cls):
        twin = "torch.nn.AdaptiveAvgPool1d"
        return [Example({"output_size": m}, shapes=[(3, 2, 7)], reference=twin) for m in (3, 5)]


class NormPool(BaseModule):
    """(Σ xᵖ)^(1/p) over all places of each channel, for positive inputs."""

    def __init__(self, p=2.0):
        self.p = p

    def forward(self, x):
        y = x.pow(self.p).sum(-1, keepdim=True).pow(1 / self.p)
        self.push((x, y))
        return y

    def backward(self, grad_output):
        x, y = self.pop()
        return grad_output * (x / y).pow(self.p - 1)

    @classmethod
    def examples(cls):
        given = [{"p": p} for p in (2.0, 3.0)]
        return [Example(kwargs, shapes=[(3, 2, 5)], low=0.5, high=2) for kwargs in given]


class NearestUpsample(BaseModule):
    """Each pixel becomes a block of scale × scale."""

    def __init__(self, scale):
        self.scale = scale

    def forward(self, x):
        self.push(x.shape)
        return x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)

    def backward(self, grad_output):
        n, c, h, w = self.pop()
        return grad_output.reshape(n, c, h, self.scale, w, self.scale).sum((3, 5))

    @classmethod
    def examples(cls):
        def nearest(x, scale):
            return functional.interpolate(x, scale_factor=scale)

        return [Example({"scale": 2}, shapes=[(3, 2, 2, 3)], reference=nearest)]


class ShufflePixels(BaseModule):
    """(c r², h, w) to (c, h r, w r)."""

    def __init__(self, upscale_factor):
        self.r = upscale_factor

    def forward(self, x):
        self.push(None)
        return functional.pixel_shuffle(x, self.r)

    def backward(self, grad_output):
        self.pop()
        return functional.pixel_unshuffle(grad_output, self.r)

    @classmethod
    def examples(cls):
        twin = "torch.nn.PixelShuffle"
        return [Example({"upscale_factor": 2}, shapes=[(3, 8, 2, 3)], reference=twin)]


class ReflectionPad(BaseModule):
    """The border is mirrored: its gradient is added to what it mirrors."""

    def __init__(self, padding):
        self.padding = padding

    def forward(self, x):
        n, p = x.shape[2], self.padding
        index = torch.arange(-p, n + p, device=x.device).abs()
        index = torch.where(index >= n, 2 * (n - 1) - index, index)
        self.push((index, x.shape))
        return x[..., index]

    def backward(self, grad_output):
        index, shape = self.pop()
        return grad_output.new_zeros(shape).index_add(2, index, grad_output)

    @classmethod
    def examples(cls):
        twin = "torch.nn.ReflectionPad1d"
        return [Example({"padding": 2}, shapes=[(3, 2, 4)], reference=twin)]
