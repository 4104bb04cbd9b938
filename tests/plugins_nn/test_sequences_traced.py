"""What engines and stacks ask of layers on sequences: tracing, and K models at once."""

from __future__ import annotations

import inspect
import warnings

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_leaves, tree_map

from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, MSELoss, stack, unstack
from minidl_plugins_nn import (
    LSTM,
    Add,
    GRUCell,
    MultiheadAttention,
    Parallel,
    Select,
    SelfAttention,
    TransformerEncoderLayer,
)

from .test_sequences_conform import COMPONENTS
from .twins import doubles

MODELS = range(3)
CASES = [
    pytest.param(component, i, id=f"{component.__name__}-{i}")
    for component in COMPONENTS
    for i in range(len(component.examples()))
]


def built(component, example, seed=0):
    make = example.make or component
    takes = inspect.signature(make).parameters
    given = {"dtype": torch.float64, "generator": torch.Generator().manual_seed(seed)}
    module = make(**{n: v for n, v in given.items() if n in takes}, **example.kwargs)
    for parameter in module.param():
        parameter.value.add_(doubles(*parameter.value.shape, seed=seed) / 10)
    return module


def inputs_of(example, seed):
    if example.draw:
        return example.draw(torch.Generator().manual_seed(seed), *map(tuple, example.shapes))
    return tuple(
        torch.empty(tuple(shape), dtype=torch.float64).uniform_(
            example.low, example.high, generator=torch.Generator().manual_seed(seed + i)
        )
        for i, shape in enumerate(example.shapes)
    )


def one_pass(module, inputs, values):
    """Outputs, input gradients and parameter gradients, all that are there."""
    for parameter, value in zip(module.param(), values, strict=True):
        parameter.value = value
        parameter.grad = torch.zeros_like(value)
    outputs = module.forward(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    grads = module.backward(*(y.cos() for y in outputs))
    present = [grad for grad in tree_leaves(grads) if grad is not None]
    return list(outputs), present, [parameter.grad for parameter in module.param()]


def trials(component, example):
    models = [built(component, example, seed) for seed in MODELS]
    given = [
        (inputs_of(example, seed), [p.value.clone() for p in model.param()])
        for seed, model in zip(MODELS, models, strict=True)
    ]
    return given, [one_pass(m, *each) for m, each in zip(models, given, strict=True)]


@pytest.mark.parametrize(("component", "i"), CASES)
def test_models_run_together_under_vmap(component, i):
    example = component.examples()[i]
    given, expected = trials(component, example)
    module = built(component, example)
    stacked = tree_map(lambda *each: torch.stack(each), *given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = torch.vmap(lambda *each: one_pass(module, *each))(*stacked)
    for k in MODELS:
        own = tree_map(lambda stack, k=k: stack[k], got)
        torch.testing.assert_close(own, expected[k], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("component", "i"), CASES)
def test_traced_operations_hold_for_other_inputs(component, i):
    example = component.examples()[i]
    given, expected = trials(component, example)
    module = built(component, example)
    traced = make_fx(lambda *each: one_pass(module, *each))(*given[0])
    for each, right in zip(given, expected, strict=True):
        torch.testing.assert_close(traced(*each), right, rtol=0, atol=0)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.__name__)
def test_class_that_computes_declares_itself_traceable(component):
    declares = next(cls for cls in component.__mro__ if "traceable" in vars(cls))
    computes = [cls for cls in component.__mro__ if {"forward", "backward"} & vars(cls).keys()]
    assert declares.traceable is True
    assert issubclass(declares, computes[0])


def test_attention_looks_for_no_fused_kernel_under_vmap(capfd):
    layer = SelfAttention(4, 2, causal=True, dtype=torch.float64)
    torch.vmap(layer.forward)(doubles(3, 2, 5, 4))
    assert "performance drop" not in capfd.readouterr().err


def test_masks_are_shared_by_stacked_models():
    layer = MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64)
    x = doubles(3, 2, 5, 4)
    mask = torch.ones(5, 5, dtype=torch.bool).triu(1)
    stacked = torch.vmap(lambda x: layer.forward(x, attn_mask=mask)[0])(x)
    alone = torch.stack([layer.forward(each, attn_mask=mask)[0] for each in x])
    torch.testing.assert_close(stacked, alone, rtol=1e-12, atol=1e-14)


def test_a_state_left_out_is_zero_for_every_stacked_model():
    cell = GRUCell(3, 4, dtype=torch.float64)
    x = doubles(3, 2, 3)
    stacked = torch.vmap(cell.forward)(x)
    alone = torch.stack([cell.forward(each) for each in x])
    torch.testing.assert_close(stacked, alone, rtol=1e-12, atol=1e-14)


def sequence_model(seed):
    given = {"generator": torch.Generator().manual_seed(seed), "dtype": torch.float64}
    attention = SelfAttention(4, 2, causal=True, **given)
    return Sequential(
        Parallel(attention, Sequential(attention, attention)),
        Add(),
        TransformerEncoderLayer(4, 2, 6, 0.0, "gelu", batch_first=True, **given),
        LSTM(4, 4, batch_first=True, **given),
        Select(0),
    )


def test_a_stack_trains_as_each_model_alone():
    batches = [(doubles(2, 5, 4, seed=i), doubles(2, 5, 4, seed=i + 9)) for i in range(3)]
    together = [(x.expand(3, *x.shape), y.expand(3, *y.shape)) for x, y in batches]
    models, alone = [[sequence_model(seed) for seed in MODELS] for _ in range(2)]
    many = stack(models)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = stack([SGD(model.param(), lr=0.1) for model in models])
        for _ in train(many, MSELoss(), optimizer, together):
            pass
    for each, expected in zip(unstack(many), alone, strict=True):
        for _ in train(expected, MSELoss(), SGD(expected.param(), lr=0.1), batches):
            pass
        torch.testing.assert_close(each.state_dict(), expected.state_dict(), rtol=1e-10, atol=1e-12)
