"""The fully connected layer: how its weights are drawn, and how it presents itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from minidl_core import ArgumentError, Parameter
from minidl_plugins_basic import Linear

SEEDS = range(40)
SIGMA = {"glorot": lambda n: math.sqrt(2 / n), "report": lambda n: 2 / math.sqrt(n)}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(seed: int, *args: Any, **options: Any) -> Linear:
    return Linear(*args, generator=seeded(seed), **options)


def weight_and_bias(layer: Linear) -> tuple[torch.Tensor, torch.Tensor]:
    assert layer.bias is not None
    return layer.weight.value, layer.bias.value


# -- first weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("init", SIGMA)
@pytest.mark.parametrize(("n_in", "n_out"), [(25, 25), (2, 25), (60, 10)])
@pytest.mark.parametrize("which", ["weight", "bias"])
def test_first_values_follow_the_normal_law_of_their_init(
    which: str, n_in: int, n_out: int, init: Any
) -> None:
    """The moments of N(0, σ²) over 40 seeds, each within five of its own standard errors."""
    layers = [linear(seed, n_in, n_out, init=init, dtype=torch.float64) for seed in SEEDS]
    drawn = torch.cat([getattr(layer, which).value.flatten() for layer in layers])
    z = drawn / SIGMA[init](n_in + n_out)
    n = z.numel()
    assert n >= 10 * len(SEEDS)
    assert abs(z.mean().item()) < 5 * math.sqrt(1 / n)
    assert abs(z.pow(2).mean().item() - 1) < 5 * math.sqrt(2 / n)
    assert abs(z.pow(4).mean().item() - 3) < 5 * math.sqrt(96 / n)


def test_glorot_is_the_default() -> None:
    default, glorot = linear(0, 3, 4), linear(0, 3, 4, init="glorot")
    assert default.weight.value.equal(glorot.weight.value)


def test_report_is_the_square_root_of_two_times_glorot() -> None:
    glorot = weight_and_bias(linear(0, 3, 4, dtype=torch.float64))
    report = weight_and_bias(linear(0, 3, 4, init="report", dtype=torch.float64))
    for ours, theirs in zip(glorot, report, strict=True):
        torch.testing.assert_close(theirs, math.sqrt(2) * ours, rtol=1e-15, atol=0)


def test_the_weight_is_drawn_first_and_the_bias_next() -> None:
    weight, bias = weight_and_bias(linear(7, 3, 4))
    generator, sigma = seeded(7), SIGMA["glorot"](7)
    assert weight.equal(torch.randn(4, 3, generator=generator) * sigma)
    assert bias.equal(torch.randn(4, generator=generator) * sigma)


def test_without_bias_nothing_is_drawn_for_it() -> None:
    generator = seeded(7)
    Linear(3, 4, bias=False, generator=generator)
    expected = seeded(7)
    torch.randn(4, 3, generator=expected)
    assert generator.get_state().equal(expected.get_state())


def test_the_same_seed_gives_the_same_bits() -> None:
    for ours, theirs in zip(linear(3, 5, 6).param(), linear(3, 5, 6).param(), strict=True):
        assert ours.value.equal(theirs.value)
    assert not linear(3, 5, 6).weight.value.equal(linear(4, 5, 6).weight.value)


def test_a_generator_leaves_the_global_one_alone() -> None:
    before = torch.get_rng_state()
    linear(0, 3, 4)
    assert torch.get_rng_state().equal(before)


def test_without_a_generator_the_global_one_is_used() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        layer = Linear(3, 4)
    assert layer.weight.value.equal(linear(7, 3, 4).weight.value)


# -- shapes, names, and lines ------------------------------------------------------------------


def test_parameters_are_named_and_laid_out_as_in_torch() -> None:
    ours = {name: p.value.shape for name, p in linear(0, 3, 4).named_param()}
    theirs = {name: value.shape for name, value in torch.nn.Linear(3, 4).state_dict().items()}
    assert ours == theirs


def test_without_bias_there_is_one_parameter() -> None:
    layer = linear(0, 3, 4, bias=False)
    assert layer.bias is None
    assert [name for name, _ in layer.named_param()] == ["weight"]


def test_gradients_start_at_zero() -> None:
    assert all(p.grad.shape == p.value.shape and not p.grad.any() for p in linear(0, 3, 4).param())


@pytest.mark.parametrize(
    ("layer", "summary", "representation"),
    [
        pytest.param(
            linear(0, 2, 25),
            "Linear Layer, in: 2, out: 25, biases: True",
            "Linear(2 → 25)",
            id="plain",
        ),
        pytest.param(
            linear(0, 25, 2, bias=False),
            "Linear Layer, in: 25, out: 2, biases: False",
            "Linear(25 → 2)",
            id="no-bias",
        ),
    ],
)
def test_presents_itself(layer: Linear, summary: str, representation: str) -> None:
    assert layer.summary() == layer.describe() == summary
    assert repr(layer) == representation


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (2, 1, 5, 3)], ids=str)
def test_takes_any_batch_dimensions_as_torch_does(shape: tuple[int, ...]) -> None:
    layer = linear(0, 3, 4, dtype=torch.float64)
    weight, bias = weight_and_bias(layer)
    x = torch.randn(shape, generator=seeded(1), dtype=torch.float64)
    dy = torch.randn(*shape[:-1], 4, generator=seeded(2), dtype=torch.float64)
    torch.testing.assert_close(layer.forward(x), torch.nn.functional.linear(x, weight, bias))
    torch.testing.assert_close(layer.backward(dy), dy @ weight)
    rows, row_grads = x.reshape(-1, 3), dy.reshape(-1, 4)
    torch.testing.assert_close(layer.weight.grad, row_grads.mT @ rows)
    assert layer.bias is not None
    torch.testing.assert_close(layer.bias.grad, row_grads.sum(0))


def test_forward_and_backward_do_not_change_their_inputs() -> None:
    layer = linear(0, 3, 4)
    x, grad = torch.ones(5, 3), torch.ones(5, 4)
    layer.forward(x)
    layer.backward(grad)
    assert x.equal(torch.ones(5, 3))
    assert grad.equal(torch.ones(5, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        pytest.param((0, 3), {}, "in_features must be a whole number of at least 1, got 0", id="0"),
        pytest.param((3, -1), {}, "out_features must be .* at least 1, got -1", id="negative"),
        pytest.param((2.0, 3), {}, r"in_features must be a whole number .* got 2\.0", id="float"),
        pytest.param(("2", 3), {}, "in_features must be a whole number .* got '2'", id="str"),
        pytest.param((True, 3), {}, "in_features must be a whole number .* got True", id="bool"),
        pytest.param((2, None), {}, "out_features must be a whole number .* got None", id="None"),
        pytest.param(
            (2, 3),
            {"init": "he"},
            "init must be one of 'glorot', 'report', got 'he'",
            id="unknown-init",
        ),
    ],
)
def test_refuses(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^Linear: {message}$"):
        Linear(*arguments, **options)


def test_a_shared_weight_gathers_the_gradients_of_both() -> None:
    first, second = linear(0, 3, 3, bias=False), linear(1, 3, 3, bias=False)
    second.weight = first.weight
    x = torch.ones(1, 3)
    for layer in (first, second):
        layer.forward(x)
        layer.backward(torch.ones(1, 3))
    assert isinstance(first.weight, Parameter)
    assert first.weight.grad.equal(torch.full((3, 3), 2.0))
