"""Every module, loss and optimizer in half precision, at large sizes, against float64.

What adds many elements or squares one must not do so in half precision: a float16 ends at 65,504,
and a sum of ones in it stops at 2,048.
"""

from __future__ import annotations

import inspect
import math
from functools import partial

import pytest
import torch

from minidl_core import Example, Parameter, registry
from minidl_plugins_basic import SGD
from minidl_plugins_nn import (
    AvgPool2d,
    ClipNorm,
    CosineSimilarity,
    CrossEntropyLoss,
    LPPool2d,
    NLLLoss,
    RMSNorm,
)

from .nested_tensors import mapped, tensors

OURS = ("minidl-plugins-basic", "minidl-plugins-nn")
# What is drawn depends on the dtype.
DRAWN = {"FractionalMaxPool2d", "FractionalMaxPool3d"}
RANDOM = {"RReLU", *(c.name for c in registry.components("modules") if "Dropout" in c.name)}
COMPONENTS = {
    each.name: each
    for kind in ("modules", "losses")
    for each in registry.components(kind)
    if each.distribution.name in OURS and each.name not in DRAWN
}
OPTIMIZERS = {
    each.name: each
    for each in registry.components("optimizers")
    if each.distribution.name in OURS and "lr" in inspect.signature(each.load()).parameters
}
HALVES = (torch.float16, torch.bfloat16)
ELEMENTS = 80_000
NEAR = {torch.float16: 0.05, torch.bfloat16: 0.3}  # after some ten layers, each of which rounds


def cast(values, dtype):
    return mapped(lambda t: t.to(dtype) if t.is_floating_point() else t, values)


def built(component, example, dtype):
    make = example.make or component.load()
    context = {"generator": torch.Generator().manual_seed(0), "dtype": dtype}
    wanted = inspect.signature(make).parameters
    given = {key: value for key, value in context.items() if key in wanted}
    module = make(**{**example.kwargs, **given})
    if component.name in RANDOM:
        module.eval().keep()
    return module


def drawn(example, is_loss):
    """Inputs of about ELEMENTS elements, where the batch may be of any size."""
    generator = torch.Generator().manual_seed(1)
    shapes = [list(shape) for shape in example.shapes] or [[4, 3]]
    axis = example.batch_axis
    if axis is not None:
        rows = ELEMENTS * shapes[0][axis] // math.prod(shapes[0])
        shapes = [[*s[:axis], rows, *s[axis + 1 :]] if len(s) > axis else s for s in shapes]
    if example.draw:
        return example.draw(generator, *map(tuple, shapes))
    shapes += shapes[:1] * (is_loss and len(shapes) == 1)
    span = example.high - example.low
    return tuple(torch.rand(s, generator=generator) * span + example.low for s in shapes)


def errors(half, exact):
    """The error by the length of the tensor, and the share of elements that err by 5 %."""
    half, exact = half.double(), exact.double()
    there = exact.abs() < torch.finfo(torch.float16).max
    assert half[there].isfinite().all()
    if not there.any():
        return 0.0, 0.0
    error, exact = (half - exact)[there], exact[there]
    length = error.norm() / exact.norm().clamp(min=1e-30)
    return length.item(), (error.abs() > 0.05 * exact.abs().max()).double().mean().item()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", COMPONENTS)
def test_large_half_precision_is_near_float64(name, dtype):
    component = COMPONENTS[name]
    cls = component.load()
    example = (cls.examples() if hasattr(cls, "examples") else None) or [Example(shapes=[(4, 3)])]
    if name == "RMSNorm":  # its ε depends on the dtype when left out
        example = [example[0]._replace(kwargs={**example[0].kwargs, "eps": 1e-3})]
    is_loss = component.kind == "losses"
    inputs = cast(drawn(example[0], is_loss), dtype)
    half, exact = (built(component, example[0], each) for each in (dtype, torch.float64))
    exact.load_state_dict(half.state_dict())
    outputs = [half.forward(*inputs), exact.forward(*cast(inputs, torch.float64))]
    if is_loss:
        grads = [half.backward(), exact.backward()]
        assert outputs[0].dtype == dtype
    else:
        generator = torch.Generator().manual_seed(2)
        given = [torch.rand(y.shape, generator=generator).to(dtype) for y in tensors(outputs[0])]
        grads = [half.backward(*given), exact.backward(*cast(given, torch.float64))]
    learned = [[p.grad for p in module.param()] for module in (half, exact)]
    for pair in (outputs, learned):
        for ours, theirs in zip(*map(tensors, pair), strict=True):
            assert errors(ours, theirs)[0] < NEAR[dtype]
    for ours, theirs in zip(*map(tensors, grads), strict=True):  # at a kink rounding may decide
        assert errors(ours, theirs)[1] < 0.01


@pytest.mark.parametrize("loss", [NLLLoss(), CrossEntropyLoss(label_smoothing=0.1)])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_mean_over_more_rows_than_float16_counts(loss, dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(100_000, 3, generator=generator).log_softmax(1).to(dtype)
    target = torch.randint(3, (100_000,), generator=generator)
    assert loss.forward(x, target).item() == pytest.approx(
        loss.forward(x.double(), target).item(), rel=0.02
    )


@pytest.mark.parametrize(
    "module",
    [RMSNorm(4, elementwise_affine=False), LPPool2d(2, 2), AvgPool2d(2), CosineSimilarity(-1)],
    ids=repr,
)
@pytest.mark.parametrize("size", [0.0, 1e-3, 2e4])
def test_squares_of_float16_stay_finite(module, size):
    x = torch.full((1, 1, 4, 4), size, dtype=torch.float16)
    inputs = [x, x] if isinstance(module, CosineSimilarity) else [x]
    half, exact = module.forward(*inputs), module.forward(*cast(inputs, torch.float64))
    assert half.isfinite().all()
    if not isinstance(module, RMSNorm) or size != 1e-3:  # its ε depends on the dtype
        torch.testing.assert_close(half.double(), exact, rtol=0.01, atol=1e-6)


@pytest.mark.parametrize("size", [1e-4, 1.0, 300.0])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_of_halves_step_as_float64(name, dtype, size):
    numbers = {"eps": (1e-3, 1e-3)} if name == "Adafactor" else {}  # left out, of the dtype
    moved = []
    for each in (dtype, torch.float64):
        generator = torch.Generator().manual_seed(0)
        start = torch.randn(300, 300, generator=generator).to(dtype)
        parameter = Parameter(start.to(each, copy=True))
        optimizer = OPTIMIZERS[name].load()([parameter], lr=1e-2, **numbers)
        for _ in range(5):
            gradient = torch.randn(300, 300, generator=generator) * size
            parameter.grad.copy_(gradient.to(dtype))
            optimizer.step()
        moved.append(parameter.value.double() - start.double())
    assert moved[0].isfinite().all()
    rounding = 5 * 8 * torch.finfo(dtype).eps  # a step each, of values up to 8
    assert (moved[0] - moved[1]).abs().max() < 0.1 * moved[1].abs().max() + rounding


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_norm_beyond_float16_is_clipped(dtype):
    parameter = Parameter(torch.zeros(80_000, dtype=dtype), torch.full((80_000,), 300.0).to(dtype))
    optimizer = ClipNorm([parameter], partial(SGD, lr=1.0), max_norm=1000.0)
    optimizer.step()
    assert optimizer.norm.item() == pytest.approx(300 * math.sqrt(80_000), rel=0.01)
    assert parameter.grad.double().norm().item() == pytest.approx(1000, rel=0.01)
