"""Every layer on images runs under vmap, as K models at once."""

from __future__ import annotations

import inspect
import re

import pytest
import torch

import minidl_plugins_nn

NAMES = [
    name
    for name in minidl_plugins_nn.__all__
    if re.fullmatch(
        r".*(Conv|ConvTranspose|Pool|Unpool|Norm|Pad|Dropout)[123]d|.*Norm|.*[Dd]ropout"
        r"|(Unf|F)latten|Identity|(Unf|F)old|.*[Ss]huffle|Upsampl.*",
        name,
    )
]
LAYERS = [getattr(minidl_plugins_nn, name) for name in NAMES]
# What is drawn for K models at once differs from what is drawn for one after the other.
DRAWS = ("Dropout", "FractionalMaxPool")
CASES = [
    (layer, i)
    for layer in LAYERS
    if not any(word in layer.__name__ for word in DRAWS)
    for i in range(len(layer.examples()))
]


def built(layer, example, seed):
    kwargs = dict(example.kwargs)
    takes = inspect.signature(layer).parameters
    if "dtype" in takes:
        kwargs["dtype"] = torch.float64
    if "generator" in takes:
        kwargs["generator"] = torch.Generator().manual_seed(seed)
    module = layer(**kwargs)
    for i, parameter in enumerate(module.param()):
        parameter.value.copy_(torch.randn(parameter.value.shape).mul(i + 1))
    return module


def one_pass(module, inputs, values, buffers, dy):
    """Forward and backward with the given parameters and buffers: gradients and buffers."""
    for parameter, value in zip(module.param(), values, strict=True):
        parameter.value = value
        parameter.grad = torch.zeros_like(value)
    for (name, _), buffer in zip(module.named_buffers(), buffers, strict=True):
        setattr(module, name, buffer.clone())
    y = module.forward(*inputs)
    first = y[0] if isinstance(y, tuple) else y
    dx = module.backward(dy)
    dx = dx[0] if isinstance(dx, tuple) else dx
    grads = tuple(parameter.grad for parameter in module.param())
    after = tuple(buffer for _, buffer in module.named_buffers())
    return first, dx, grads, after


@pytest.mark.parametrize(("layer", "i"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_models_run_together_under_vmap(layer, i):
    example = layer.examples()[i]
    torch.manual_seed(0)
    models = [built(layer, example, seed) for seed in range(3)]
    inputs = [
        example.draw(torch.Generator().manual_seed(k), *example.shapes)
        if example.draw
        else [
            torch.empty(shape, dtype=torch.float64).uniform_(example.low, example.high)
            for shape in example.shapes
        ]
        for k in range(3)
    ]
    values = [[p.value.clone() for p in m.param()] for m in models]
    buffers = [[b.clone() for _, b in m.named_buffers()] for m in models]
    y = models[0].forward(*inputs[0])
    shape = (y[0] if isinstance(y, tuple) else y).shape
    models[0].pop()
    dys = [torch.randn(shape, dtype=torch.float64) for _ in range(3)]
    alone = [one_pass(*each) for each in zip(models, inputs, values, buffers, dys, strict=True)]
    together = built(layer, example, 0)

    def stacked(rows):
        return [torch.stack(column) for column in zip(*rows, strict=True)]

    got = torch.vmap(lambda *args: one_pass(together, *args))(
        stacked(inputs), stacked(values), stacked(buffers), torch.stack(dys)
    )
    flat = torch.utils._pytree.tree_leaves
    for k, expected in enumerate(alone):
        for stack, one in zip(flat(got), flat(expected), strict=True):
            torch.testing.assert_close(stack[k], one, rtol=1e-10, atol=1e-12)
