"""Activations: torch's operations against the formulas, at the kinks too, and what is refused."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from minidl_core import ArgumentError, DtypeError, ShapeError
from minidl_plugins_nn import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU6,
    RReLU,
    SiLU,
    Softmax,
    Softmax2d,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanhshrink,
    Threshold,
)

ELEMENTWISE = [
    (CELU, {}),
    (CELU, {"alpha": -1.5}),
    (ELU, {}),
    (ELU, {"alpha": 0.5}),
    (GELU, {}),
    (GELU, {"approximate": "tanh"}),
    (Hardshrink, {}),
    (Hardshrink, {"lambd": 0.0}),
    (Hardsigmoid, {}),
    (Hardswish, {}),
    (Hardtanh, {}),
    (Hardtanh, {"min_val": -0.5, "max_val": 2.0}),
    (LeakyReLU, {}),
    (LeakyReLU, {"negative_slope": -0.5}),
    (LogSigmoid, {}),
    (Mish, {}),
    (ReLU6, {}),
    (SELU, {}),
    (SiLU, {}),
    (Softplus, {}),
    (Softplus, {"beta": 0.5, "threshold": 1.0}),
    (Softplus, {"beta": -2.0}),
    (Softshrink, {}),
    (Softshrink, {"lambd": 1.0}),
    (Softsign, {}),
    (Tanhshrink, {}),
    (Threshold, {"threshold": 0.5, "value": -2.0}),
]
ALONG = [(GLU, {}), (GLU, {"dim": 0}), (Softmax2d, {})] + [
    (component, {"dim": dim}) for component in (Softmax, Softmin, LogSoftmax) for dim in (0, -2)
]
KINKS = torch.tensor([-6.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0])


def named(pairs):
    ids = [f"{component.__name__}-{kwargs}" for component, kwargs in pairs]
    return pytest.mark.parametrize(("component", "kwargs"), pairs, ids=ids)


def by_autograd(component, kwargs, x, dy):
    theirs = getattr(nn, component.__name__)(**kwargs).to(x.dtype)
    leaf = x.clone().requires_grad_()
    with torch.enable_grad():
        y = theirs(leaf)
    y.backward(dy)
    return y.detach(), leaf.grad


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(50, 22, generator=generator, dtype=torch.float64) * 4
    return torch.cat([drawn, KINKS.double().repeat(2)[None]])


@named(ELEMENTWISE)
def test_equals_autograd_at_kinks_too(component, kwargs, x):
    module, dy = component(**kwargs), torch.randn_like(x)
    y, dx = by_autograd(component, kwargs, x, dy)
    torch.testing.assert_close(module.forward(x), y, rtol=1e-12, atol=1e-14)
    # torch's derivative of Hardsigmoid is 1/6 in float32 in every dtype
    rtol = 1e-7 if component is Hardsigmoid else 1e-10
    torch.testing.assert_close(module.backward(dy), dx, rtol=rtol, atol=1e-14)


@named(ELEMENTWISE)
def test_operation_equals_plain_formula(component, kwargs, x):
    module, dy = component(**kwargs), torch.randn_like(x)
    plain = dy * module.slope(x)
    torch.testing.assert_close(module.backward_of(dy, x), plain, rtol=1e-10, atol=1e-14)


@named(ELEMENTWISE)
@pytest.mark.parametrize("size", [1e3, 1e12])
def test_finite_at_large_inputs(component, kwargs, size):
    if kwargs.get("beta", 1) < 0 or kwargs.get("alpha", 1) < 0:
        pytest.skip("the function itself overflows")
    module, x = component(**kwargs), torch.tensor([-size, size])
    y, dx = module.forward(x), module.backward(torch.ones(2))
    assert y.isfinite().all()
    assert dx.isfinite().all()


@named(ALONG)
def test_plain_formula_equals_operation(component, kwargs):
    x = torch.randn(4, 6, 8, dtype=torch.float64)
    module = component(**kwargs)
    y = module.forward(x)
    dy = torch.randn_like(y)
    dx = module.backward(dy)
    sign = -1 if component is Softmin else 1
    plain = component.plain_backward(dy, x if component is GLU else y, module.dim)
    torch.testing.assert_close(dx, sign * plain, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(
        (y, dx), by_autograd(component, kwargs, x, dy), rtol=1e-10, atol=1e-14
    )


@named([*ELEMENTWISE, *ALONG])
def test_batches_over_models_without_a_loop(component, kwargs):
    module = component(**kwargs)
    x = torch.randn(3, 4, 6, 8)

    def both(x, dy):
        y = module.forward(x)
        return y, module.backward(dy[: y.shape[0], :, : y.shape[2]])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, dx = torch.vmap(both)(x, torch.ones_like(x))
    for model in range(3):
        alone = both(x[model], torch.ones_like(x[model]))
        torch.testing.assert_close((y[model], dx[model]), alone)


@named([*ELEMENTWISE, *ALONG, (PReLU, {})])
def test_is_tensor_operations_alone(component, kwargs):
    module, x = component(**kwargs), torch.randn(4, 6, 8)
    assert module.traceable

    def both(x):
        y = module.forward(x)
        return y, module.backward(torch.ones_like(y))

    traced = make_fx(both, tracing_mode="fake", _allow_non_fake_inputs=True)(x)
    torch.testing.assert_close(traced(x), both(x))


# -- PReLU and RReLU ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (4, 3, 2), (4, 3, 2, 5)])
@pytest.mark.parametrize("count", [1, 3])
def test_prelu_equals_autograd_of_torch(shape, count):
    if count == 3 and len(shape) < 2:
        pytest.skip("no channels")
    ours, theirs = PReLU(count, 0.1, dtype=torch.float64), nn.PReLU(count, 0.1).double()
    x = torch.randn(shape, dtype=torch.float64)
    leaf, dy = x.clone().requires_grad_(), torch.randn_like(x)
    with torch.enable_grad():
        y = theirs(leaf)
    y.backward(dy)
    torch.testing.assert_close(ours.forward(x), y.detach())
    torch.testing.assert_close(ours.backward(dy), leaf.grad)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


def test_rrelu_draws_slopes_uniformly():
    module = RReLU(0.2, 0.6, generator=torch.Generator().manual_seed(0))
    x = -torch.rand(20000, generator=torch.Generator().manual_seed(1)) - 0.1
    slopes = module.forward(x) / x
    dx = module.backward(torch.ones_like(x))
    torch.testing.assert_close(dx, slopes)
    assert slopes.min() >= 0.2 - 1e-6
    assert slopes.max() <= 0.6 + 1e-6
    quantiles = torch.tensor([0.1, 0.5, 0.9])
    torch.testing.assert_close(
        slopes.quantile(quantiles), 0.2 + 0.4 * quantiles, rtol=0.0, atol=0.02
    )


def test_rrelu_keeps_what_is_positive():
    x = torch.rand(100) + 0.1
    module = RReLU()
    assert torch.equal(module.forward(x), x)
    assert torch.equal(module.backward(x), x)


def test_rrelu_repeats_with_its_generator():
    outputs = [
        RReLU(generator=torch.Generator().manual_seed(5)).forward(-torch.ones(9)) for _ in range(2)
    ]
    assert torch.equal(*outputs)


def test_rrelu_evaluates_with_the_mean_slope():
    x = torch.randn(5, 3)
    module = RReLU(0.1, 0.3).eval().keep()
    theirs = nn.RReLU(0.1, 0.3).eval()
    torch.testing.assert_close(module.forward(x), theirs(x))
    torch.testing.assert_close(module.backward(x), x * torch.where(x > 0, 1.0, 0.2))


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "component",
    [CELU, ELU, SELU, SiLU, Mish, Hardswish, Hardtanh, ReLU6, Hardsigmoid, LeakyReLU, RReLU],
)
def test_refuses_to_overwrite_its_input(component):
    with pytest.raises(ArgumentError, match=f"{component.__name__}: inplace=True is not supported"):
        component(inplace=True)


@pytest.mark.parametrize(
    ("component", "kwargs", "said"),
    [
        (ELU, {"alpha": float("nan")}, "alpha must be a finite number"),
        (CELU, {"alpha": 0}, "alpha must not be 0"),
        (GELU, {"approximate": "erf"}, "'none' or 'tanh', got 'erf'"),
        (Softplus, {"beta": 0}, "beta must not be 0"),
        (Hardtanh, {"min_val": 1.0}, "min_val must be below max_val"),
        (Hardshrink, {"lambd": -1.0}, "lambd must be at least 0"),
        (Softshrink, {"lambd": -1.0}, "Softshrink: lambd must be at least 0"),
        (PReLU, {"num_parameters": 0}, "at least 1, got 0"),
        (PReLU, {"init": "0.25"}, "init must be a finite number"),
        (RReLU, {"lower": 0.5}, "lower must not be above upper"),
        (Softmax, {}, "dim must be the dimension to normalise over"),
        (LogSoftmax, {"dim": True}, "dim must be the dimension"),
        (GLU, {"dim": 0.5}, "dim must be a whole number"),
    ],
)
def test_argument_is_refused(component, kwargs, said):
    with pytest.raises(ArgumentError, match=said):
        component(**kwargs)


@pytest.mark.parametrize(
    ("module", "shape", "said"),
    [
        (PReLU(3), (4, 2), r"shape \(batch, 3, …\), got \(4, 2\)"),
        (PReLU(3), (3,), "build the layer with 1 or 1 parameters"),
        (Softmax(2), (4, 2), "with a dimension 2"),
        (Softmax(-3), (4, 2), "with a dimension -3"),
        (Softmax2d(), (4, 2), "channels, height, width"),
        (GLU(), (4, 3), r"dimension -1 is even, got one of shape \(4, 3\)"),
        (GLU(2), (4, 2), "dimension 2 is even"),
    ],
)
def test_shape_is_refused(module, shape, said):
    with pytest.raises(ShapeError, match=said):
        module.forward(torch.ones(shape))


@pytest.mark.parametrize("module", [SiLU(), PReLU(), RReLU(), Softmax(0), LogSoftmax(0), GLU()])
def test_whole_numbers_are_refused(module):
    with pytest.raises(DtypeError, match=r"floating-point dtype, got torch\.int64"):
        module.forward(torch.ones(2, 2, dtype=torch.long))


@pytest.mark.parametrize("module", [SiLU(), PReLU(), RReLU(), Softmax(0), LogSoftmax(0)])
def test_gradient_of_another_shape_is_refused(module):
    module.forward(torch.ones(2, 2))
    with pytest.raises(ShapeError, match="gradient of the output in the output's shape"):
        module.backward(torch.ones(2))
