"""Many models as one: the stack trains as each of its models does alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from minidl_core import (
    ArgumentError,
    BaseModule,
    DeviceError,
    DtypeError,
    MinidlError,
    Module,
    Parameter,
    Sequential,
    ShapeError,
    StateError,
    train,
)
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Tanh, stack, unstack

if TYPE_CHECKING:
    from collections.abc import Callable

K = 3


def linear(seed: int, *args: Any, **options: Any) -> Linear:
    options.setdefault("dtype", torch.float64)
    return Linear(*args, generator=torch.Generator().manual_seed(seed), **options)


class Scale(BaseModule):
    """y = w ⊙ x, a stranger's layer that keeps to the convention."""

    def __init__(self, seed: int, features: int = 2) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.scale = Parameter(torch.randn(1, features, generator=generator, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return x * self.scale.value

    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        self.scale.grad += (grad_output * x).sum(-2, keepdim=True)
        return grad_output * self.scale.value


def layer_twice(seed: int) -> Sequential:
    layer = linear(seed, 2, 2)
    return Sequential(layer, Tanh(), layer)


def shared_weight(seed: int) -> Sequential:
    first, second = linear(seed, 2, 2), linear(seed + 50, 2, 2)
    second.weight = first.weight
    return Sequential(first, Tanh(), second)


def nested(seed: int) -> Sequential:
    return Sequential(
        Sequential(linear(seed, 2, 5), ReLU()), Sequential(linear(seed + 50, 5, 2, bias=False))
    )


BUILDERS: dict[str, Callable[[int], Any]] = {
    "linear": lambda seed: linear(seed, 2, 2),
    "nested": nested,
    "layer-twice": layer_twice,
    "shared-weight": shared_weight,
    "stranger": lambda seed: Sequential(linear(seed, 2, 2), Scale(seed)),
}
builders = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS.keys())


def assert_same(ours: Module, theirs: Module, *, tolerance: float = 0.0) -> None:
    """Equal values and gradients under equal names."""
    ours_named, theirs_named = dict(named(ours)), dict(named(theirs))
    assert list(ours_named) == list(theirs_named)
    for name, parameter in ours_named.items():
        for got, expected in zip(parameter, theirs_named[name], strict=True):
            torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


def named(module: Any) -> list[tuple[str, Parameter]]:
    pairs: list[tuple[str, Parameter]] = module.named_param()
    return pairs


def with_gradients(model: Any) -> Any:
    for k, parameter in enumerate(model.param()):
        parameter.grad.fill_(k + 1.0)
    return model


# -- there and back ----------------------------------------------------------------------------


@builders
def test_unstack_gives_back_what_stack_took(build: Callable[[int], Any]) -> None:
    models = [with_gradients(build(seed)) for seed in range(K)]
    back = unstack(stack(models))
    assert len(back) == K
    for ours, theirs in zip(back, models, strict=True):
        assert type(ours) is type(theirs)
        assert ours.describe() == theirs.describe()
        assert_same(ours, theirs)


@builders
def test_stacks_of_stacks_come_apart_in_turn(build: Callable[[int], Any]) -> None:
    models = [[build(10 * row + column) for column in range(2)] for row in range(K)]
    table = stack([stack(row) for row in models])
    assert {p.value.shape[:2] for p in table.param()} == {(K, 2)}
    for row, expected in zip(unstack(table), models, strict=True):
        for ours, theirs in zip(unstack(row), expected, strict=True):
            assert_same(ours, theirs)


def test_a_stack_says_how_many_models_it_is() -> None:
    assert stack([nested(seed) for seed in range(K)]).describe().splitlines()[2] == (
        "| | | Linear Layer, in: 2, out: 5, biases: True, models: 3"
    )


@builders
def test_stacking_and_unstacking_copy(build: Callable[[int], Any]) -> None:
    models = [build(seed) for seed in range(K)]
    stacked = stack(models)
    back = unstack(stacked)
    for parameter in stacked.param():
        parameter.value.fill_(7.0)
        parameter.grad.fill_(7.0)
    for ours, theirs, seed in zip(models, back, range(K), strict=True):
        assert_same(ours, build(seed))
        assert_same(theirs, build(seed))


@pytest.mark.parametrize("name", ["layer-twice", "shared-weight"])
def test_what_is_shared_stays_shared(name: str) -> None:
    models = [BUILDERS[name](seed) for seed in range(K)]
    for model in (stack(models), *unstack(stack(models))):
        names = dict(named(model))
        assert names["0.weight"] is names["2.weight"]
        assert len(model.param()) == len(models[0].param())


def test_one_model_makes_a_stack_of_one() -> None:
    model = nested(0)
    stacked = stack([model])
    assert {p.value.shape[0] for p in stacked.param()} == {1}
    assert_same(unstack(stacked)[0], model)


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_the_mode_is_kept_and_pending_forwards_are_not(mode: bool) -> None:
    models = [nested(seed) for seed in range(K)]
    for model in models:
        model.forward(torch.zeros(1, 2, dtype=torch.float64))
        model.train(mode)
    stacked = stack(models)
    assert stacked.training is mode
    assert unstack(stacked)[0].training is mode
    with pytest.raises(StateError):
        stacked.backward(torch.zeros(K, 1, 2, dtype=torch.float64))


def test_modules_without_parameters_stack_too() -> None:
    assert type(stack([Tanh(), Tanh()])) is Tanh


# -- training ----------------------------------------------------------------------------------


@builders
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_training_the_stack_is_training_each_alone(
    build: Callable[[int], Any], momentum: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (6, K, 8, 2)  # a batch for each step and model
    xs, targets = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    models = [build(seed) for seed in range(K)]
    stacked = stack(models)

    optimizer = SGD(stacked.param(), 0.05, momentum)
    losses = [s.loss for s in train(stacked, MSELoss(), optimizer, zip(xs, targets, strict=True))]
    for k, model in enumerate(models):
        optimizer = SGD(model.param(), 0.05, momentum)
        batches = zip(xs[:, k], targets[:, k], strict=True)
        for step in train(model, MSELoss(), optimizer, batches):
            torch.testing.assert_close(losses[step.number][k], step.loss, rtol=1e-12, atol=1e-12)

    for ours, theirs in zip(unstack(stacked), models, strict=True):
        assert_same(ours, theirs, tolerance=1e-12)


# -- what cannot be stacked --------------------------------------------------------------------


class Nameless:
    """A module by its methods, that does not name its parameters."""

    training = True

    def forward(self, x: Tensor) -> Tensor:
        return x

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output

    def param(self) -> list[Parameter]:
        return []

    def info(self) -> None: ...
    def train(self) -> None: ...
    def eval(self) -> None: ...


class LooksLikeReLU(ReLU):
    """Says no more of itself than its parent does."""


UNSHARED = Sequential(linear(0, 2, 2), Tanh(), linear(1, 2, 2))


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        pytest.param([], ArgumentError, "expected at least one model, got none", id="none"),
        pytest.param(
            linear(0, 2, 2), ArgumentError, "got one Linear; write stack([model])", id="one-layer"
        ),
        pytest.param(
            Sequential(linear(0, 2, 2), linear(1, 2, 2)),
            ArgumentError,
            "got one Sequential; write stack([model])",
            id="one-chain",
        ),
        pytest.param(
            [linear(0, 2, 2), linear(0, 2, 2, bias=False)],
            ArgumentError,
            "model 1 has parameters ['weight'] and model 0 has ['weight', 'bias']",
            id="names",
        ),
        pytest.param(
            [layer_twice(0), UNSHARED],
            ArgumentError,
            "model 0 has ['0.weight', '0.bias', '2.weight (shared with 0.weight)', "
            "'2.bias (shared with 0.bias)']",
            id="shared-in-the-first-only",
        ),
        pytest.param(
            [UNSHARED, shared_weight(0)],
            ArgumentError,
            "model 1 has parameters ['0.weight', '0.bias', '2.weight (shared with 0.weight)', "
            "'2.bias']",
            id="shared-in-the-second-only",
        ),
        pytest.param(
            [ReLU(), Tanh()],
            ArgumentError,
            "tanh.Tanh'>:\nHyperbolic Tangent\nand model 0 is of <class ",
            id="type",
        ),
        pytest.param(
            [Sequential(linear(0, 2, 2), ReLU()), Sequential(linear(1, 2, 2), Tanh())],
            ArgumentError,
            "biases: True\n| | Hyperbolic Tangent\n| | v\nand model 0 is of <class ",
            id="type-of-a-part",
        ),
        pytest.param(
            [ReLU(), LooksLikeReLU()],
            ArgumentError,
            "LooksLikeReLU'>:\nRectified Linear Unit\nand model 0 is of <class ",
            id="type-of-the-same-description",
        ),
        pytest.param(
            [linear(0, 2, 3), linear(0, 3, 2)],
            ShapeError,
            "models whose weight has one shape, got (3, 2), (2, 3)",
            id="shape",
        ),
        pytest.param(
            [linear(0, 2, 2), linear(0, 2, 2, dtype=torch.float32)],
            DtypeError,
            "models whose weight has one dtype, got torch.float64, torch.float32",
            id="dtype",
        ),
        pytest.param(
            [linear(0, 2, 2), Linear(2, 2, device="meta", dtype=torch.float64)],
            DeviceError,
            "models whose weight has one device, got cpu, meta",
            id="device",
        ),
        pytest.param(
            [Nameless(), Nameless()],
            ArgumentError,
            "expected modules that list their parameters in named_param(), got <",
            id="nameless",
        ),
        pytest.param([None], ArgumentError, "named_param(), got None", id="None"),
    ],
)
def test_stack_refuses(models: Any, error: type[MinidlError], message: str) -> None:
    with pytest.raises(error) as caught:
        stack(models)
    assert type(caught.value) is error
    assert str(caught.value).startswith("stack: expected ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param(
            nested(0),
            "got {'0.0.weight': (5, 2), '0.0.bias': (5,), '1.0.weight': (2, 5)}",
            id="not-stacked",
        ),
        pytest.param(Tanh(), "got {}", id="no-parameters"),
        pytest.param(Nameless(), "list their parameters in named_param(), got <", id="nameless"),
        pytest.param(None, "named_param(), got None", id="None"),
    ],
)
def test_unstack_refuses(model: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        unstack(model)
    assert str(caught.value).startswith("unstack: expected ")
    assert message in str(caught.value)
