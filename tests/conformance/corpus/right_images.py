"""Convolutions, pooling and reshaping that are right, with torch's modules as references."""

from __future__ import annotations

import torch
from torch.nn import functional

from minidl_core import BaseModule, Example, Parameter, ShapeError


class Conv1d(BaseModule):
    """y[n, o, t] = b[o] + Σᵢₖ W[o, i, k] x[n, i, s t + d k − p], one product for each place k."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        padding_mode="zeros",
        *,
        generator=None,
    ):
        shape = (out_channels, in_channels, kernel_size)
        self.weight = Parameter(torch.randn(shape, generator=generator))
        self.bias = Parameter(torch.zeros(out_channels))
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.mode = {"zeros": "constant"}.get(padding_mode, padding_mode)

    def padded(self, x):
        return functional.pad(x, (self.padding, self.padding), mode=self.mode)

    def places(self, k, steps):
        first = k * self.dilation
        return slice(first, first + self.stride * (steps - 1) + 1, self.stride)

    def forward(self, x):
        wide, weight = self.padded(x), self.weight.value
        reach = self.dilation * (weight.shape[2] - 1)
        steps = (wide.shape[2] - reach - 1) // self.stride + 1
        y = self.bias.value[:, None].expand(len(x), -1, steps)
        for k in range(weight.shape[2]):
            y = y + weight[:, :, k] @ wide[..., self.places(k, steps)]
        self.push(wide)
        return y

    def backward(self, grad_output):
        wide = self.pop()
        self.bias.grad += grad_output.sum((0, 2))
        dx = torch.zeros_like(wide)
        for k in range(self.weight.value.shape[2]):
            at = self.places(k, grad_output.shape[2])
            self.weight.grad[:, :, k] += torch.einsum("not,nit->oi", grad_output, wide[..., at])
            dx[..., at] += self.weight.value[:, :, k].mT @ grad_output
        return self.unpadded(dx)

    def unpadded(self, dx):
        p = self.padding
        inner = dx[..., p : dx.shape[2] - p].clone()
        if self.mode == "circular" and p:
            inner[..., -p:] += dx[..., :p]
            inner[..., :p] += dx[..., dx.shape[2] - p :]
        return inner

    @classmethod
    def examples(cls):
        sizes = {"in_channels": 2, "out_channels": 3, "kernel_size": 3}
        strided = {**sizes, "stride": 2, "padding": 1, "dilation": 2}
        circular = {**sizes, "padding": 2, "padding_mode": "circular"}
        given = [(sizes, 5), (strided, 8), (circular, 4)]
        twin = "torch.nn.Conv1d"
        return [Example(kwargs, shapes=[(3, 2, n)], reference=twin) for kwargs, n in given]


class UnfoldedConv2d(BaseModule):
    """A convolution as one matrix product with the unfolded image."""

    def __init__(self, in_channels, out_channels, kernel_size, groups=1, *, generator=None):
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        self.weight = Parameter(torch.randn(shape, generator=generator))
        self.bias = Parameter(torch.zeros(out_channels))
        self.groups = groups

    def forward(self, x):
        weight = self.weight.value
        k = weight.shape[2]
        columns = functional.unfold(x, k).unflatten(1, (self.groups, -1))  # (n, g, c k k, places)
        rows = weight.reshape(self.groups, -1, weight[0].numel())  # (g, o, c k k)
        self.push((columns, rows, x.shape))
        y = (rows @ columns).flatten(1, 2) + self.bias.value[:, None]
        return y.unflatten(2, (x.shape[2] - k + 1, x.shape[3] - k + 1))

    def backward(self, grad_output):
        columns, rows, shape = self.pop()
        d = grad_output.flatten(2).unflatten(1, (self.groups, -1))
        self.bias.grad += grad_output.sum((0, 2, 3))
        dw = torch.einsum("ngop,ngkp->gok", d, columns)
        self.weight.grad += dw.reshape(self.weight.value.shape)
        dx = (rows.mT @ d).flatten(1, 2)
        return functional.fold(dx, shape[2:], self.weight.value.shape[2])

    @classmethod
    def examples(cls):
        one = {"in_channels": 2, "out_channels": 3, "kernel_size": 2}
        two = {"in_channels": 4, "out_channels": 6, "kernel_size": 2, "groups": 2}
        twin = "torch.nn.Conv2d"
        return [
            Example(one, shapes=[(2, 2, 4, 3)], reference=twin),
            Example(two, shapes=[(2, 4, 3, 3)], reference=twin),
        ]


class TransposedConv1d(BaseModule):
    """The transpose of a strided convolution: each input step writes kernel_size outputs."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, *, generator=None):
        shape = (in_channels, out_channels, kernel_size)
        self.weight = Parameter(torch.randn(shape, generator=generator))
        self.bias = Parameter(torch.zeros(out_channels))
        self.stride = stride

    def places(self, k, steps):
        return slice(k, k + self.stride * (steps - 1) + 1, self.stride)

    def forward(self, x):
        self.push(x)
        weight, steps = self.weight.value, x.shape[2]
        length = self.stride * (steps - 1) + weight.shape[2]
        y = self.bias.value[:, None].expand(len(x), -1, length).clone()
        for k in range(weight.shape[2]):
            y[..., self.places(k, steps)] += weight[:, :, k].mT @ x
        return y

    def backward(self, grad_output):
        x = self.pop()
        self.bias.grad += grad_output.sum((0, 2))
        dx = torch.zeros_like(x)
        for k in range(self.weight.value.shape[2]):
            d = grad_output[..., self.places(k, x.shape[2])]
            self.weight.grad[:, :, k] += torch.einsum("nit,not->io", x, d)
            dx += self.weight.value[:, :, k] @ d
        return dx

    @classmethod
    def examples(cls):
        kwargs = {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 2}
        return [Example(kwargs, shapes=[(3, 2, 4)], reference="torch.nn.ConvTranspose1d")]


class DepthwiseConv2d(BaseModule):
    """One kernel for each channel, by the operation of torch that gives all three gradients."""

    def __init__(self, channels, kernel_size, *, generator=None):
        shape = (channels, 1, kernel_size, kernel_size)
        self.weight = Parameter(torch.randn(shape, generator=generator))

    def forward(self, x):
        reach = self.weight.value.shape[2] - 1
        if reach % 2:
            raise ShapeError("expected an odd kernel size", where=self)
        self.push(x)
        return functional.conv2d(x, self.weight.value, groups=x.shape[1], padding=reach // 2)

    def backward(self, grad_output):
        x, weight = self.pop(), self.weight.value
        reach = weight.shape[2] - 1
        settings = [1, 1], [reach // 2] * 2, [1, 1], False, [0, 0], x.shape[1]
        dx, dw, _ = torch.ops.aten.convolution_backward(
            grad_output, x, weight, None, *settings, [True, True, False]
        )
        self.weight.grad += dw
        return dx

    @classmethod
    def examples(cls):
        return [Example({"channels": 2, "kernel_size": 3}, shapes=[(2, 2, 4, 3)])]


class PointwiseConv(BaseModule):
    """A product over the channels at each place, of images of any number of dimensions."""

    def __init__(self, inputs, outputs, *, generator=None):
        self.weight = Parameter(torch.randn(outputs, inputs, generator=generator))

    def forward(self, x):
        self.push(x)
        return torch.einsum("oi,ni...->no...", self.weight.value, x)

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += torch.einsum("nop,nip->oi", grad_output.flatten(2), x.flatten(2))
        return torch.einsum("oi,no...->ni...", self.weight.value, grad_output)

    @classmethod
    def examples(cls):
        kwargs = {"inputs": 2, "outputs": 3}
        return [Example(kwargs, shapes=[s]) for s in [(3, 2, 4), (2, 2, 3, 2), (2, 2, 2, 1, 3)]]
