"""What engines and stacks ask of every layer on images: tracing, and K models at once."""

from __future__ import annotations

import inspect
from typing import NamedTuple

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_leaves, tree_map

from .image_twins import LAYERS

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
    layer = example.make or layer
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


def drawn(example, seed):
    if example.draw:
        return list(example.draw(torch.Generator().manual_seed(seed), *example.shapes))
    return [
        torch.empty(shape, dtype=torch.float64).uniform_(example.low, example.high)
        for shape in example.shapes
    ]


class Trial(NamedTuple):
    """Three models of one structure, and what each of them is given."""

    models: list
    arguments: list  # of `one_pass`, without the module
    results: list

    @classmethod
    def of(cls, layer, example):
        torch.manual_seed(0)
        models = [built(layer, example, seed) for seed in range(3)]
        y = models[0].forward(*drawn(example, 0))
        shape = (y[0] if isinstance(y, tuple) else y).shape
        models[0].pop()
        arguments = [
            (
                drawn(example, k),
                [p.value.clone() for p in model.param()],
                [b.clone() for _, b in model.named_buffers()],
                torch.randn(shape, dtype=torch.float64),
            )
            for k, model in enumerate(models)
        ]
        each = zip(models, arguments, strict=True)
        return cls(models, arguments, [one_pass(model, *given) for model, given in each])


EACH = pytest.mark.parametrize(
    ("layer", "i"), CASES, ids=lambda value: getattr(value, "__name__", value)
)


def agree(got, expected, *, exact=False):
    for one, other in zip(tree_leaves(got), tree_leaves(expected), strict=True):
        if exact:
            assert torch.equal(one, other)
        else:
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@EACH
def test_models_run_together_under_vmap(layer, i):
    trial = Trial.of(layer, layer.examples()[i])
    together = built(layer, layer.examples()[i], 0)
    stacked = tree_map(lambda *rows: torch.stack(rows), *trial.arguments)
    got = torch.vmap(lambda *given: one_pass(together, *given))(*stacked)
    for k, expected in enumerate(trial.results):
        agree(tree_map(lambda stack, k=k: stack[k], got), expected)


@EACH
def test_traced_operations_hold_for_other_inputs(layer, i):
    trial = Trial.of(layer, layer.examples()[i])
    module = built(layer, layer.examples()[i], 0)
    traced = make_fx(lambda *given: one_pass(module, *given))(*trial.arguments[0])
    for given, expected in zip(trial.arguments, trial.results, strict=True):
        agree(traced(*given), expected, exact=True)


@pytest.mark.parametrize("layer", [each for each in LAYERS if not each.__name__.startswith("Lazy")])
def test_class_that_computes_declares_itself_traceable(layer):
    declares = next(cls for cls in layer.__mro__ if "traceable" in vars(cls))
    computes = [cls for cls in layer.__mro__ if {"forward", "backward"} & vars(cls).keys()]
    assert declares.traceable is True
    assert issubclass(declares, computes[0])
