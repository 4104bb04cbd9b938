"""Every dtype passes through forward, backward and step unchanged."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh, stack

DTYPES = [torch.float32, torch.float64, torch.bfloat16]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=[str(d).split(".")[1] for d in DTYPES])


def linear(dtype: torch.dtype, bias: bool = True) -> Linear:
    return Linear(3, 3, bias, generator=torch.Generator().manual_seed(0), dtype=dtype)


MODULES: dict[str, Any] = {
    "linear": linear,
    "linear-without-bias": lambda dtype: linear(dtype, bias=False),
    "relu": lambda dtype: ReLU(),
    "tanh": lambda dtype: Tanh(),
    "sigmoid": lambda dtype: Sigmoid(),
    "chain": lambda dtype: Sequential(linear(dtype), ReLU(), Sequential(linear(dtype), Tanh())),
    "stack": lambda dtype: stack([linear(dtype), linear(dtype)]),
}


def data(dtype: torch.dtype, name: str) -> torch.Tensor:
    models = (2,) if name == "stack" else ()
    shape = (*models, 4, 3)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


@dtypes
@pytest.mark.parametrize("name", MODULES)
def test_forward_and_backward_keep_the_dtype(name: str, dtype: torch.dtype) -> None:
    module = MODULES[name](dtype)
    x = data(dtype, name)
    y = module.forward(x)
    grad = module.backward(torch.ones_like(y))
    assert (y.dtype, grad.dtype) == (dtype, dtype)
    assert (y.shape, grad.shape) == (x.shape, x.shape)
    assert {t.dtype for parameter in module.param() for t in parameter} <= {dtype}


@dtypes
def test_loss_keeps_the_dtype(dtype: torch.dtype) -> None:
    loss = MSELoss()
    value = loss.forward(data(dtype, ""), torch.zeros(4, 3, dtype=dtype))
    assert (value.dtype, loss.backward().dtype) == (dtype, dtype)


@dtypes
@pytest.mark.parametrize("momentum", [None, 0.9])
@pytest.mark.parametrize("name", ["linear", "chain", "stack"])
def test_training_keeps_the_dtype_and_learns(
    name: str, momentum: float | None, dtype: torch.dtype
) -> None:
    models = [MODULES["chain" if name == "stack" else name](dtype) for _ in range(2)]
    optimizers = [SGD(model.param(), lr=0.1, momentum=momentum) for model in models]
    module, optimizer = models[0], optimizers[0]
    if name == "stack":
        module, optimizer = stack(models), stack(optimizers)
    before = [parameter.value.clone() for parameter in module.param()]
    x = data(dtype, name)
    steps = list(train(module, MSELoss(), optimizer, [(x, torch.zeros_like(x))] * 5))
    assert (steps[-1].loss < steps[0].loss).all()
    assert all(step.loss.dtype == step.prediction.dtype == dtype for step in steps)
    assert {t.dtype for parameter in module.param() for t in parameter} == {dtype}
    states = optimizer.state_dict()
    velocity = [v for state in states.get("models", [states]) for v in state["velocity"]]
    assert {v.dtype for v in velocity} == ({dtype} if momentum else set())
    assert not any(p.value.equal(b) for p, b in zip(module.param(), before, strict=True))


@dtypes
def test_a_loaded_state_takes_the_dtype_of_the_parameters(dtype: torch.dtype) -> None:
    source = SGD(linear(torch.float64).param(), 0.1, 0.9)
    optimizer = SGD(linear(dtype).param(), 0.1)
    optimizer.load_state_dict(source.state_dict())
    assert {velocity.dtype for velocity in optimizer.velocity} == {dtype}


@dtypes
def test_a_new_layer_takes_torch_default_dtype(dtype: torch.dtype) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        layer = Linear(3, 3)
    finally:
        torch.set_default_dtype(before)
    assert layer.weight.value.dtype == layer.weight.grad.dtype == dtype
