"""A stack of optimizers: its numbers, its state, and which parameters it belongs to."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch

from minidl_core import ArgumentError, MinidlError, Parameter, ShapeError, train
from minidl_plugins_basic import SGD, MSELoss, stack, unstack

from .stacked_cases import OPTIMIZERS, Clipped, Decayed, close, draw, same, small_bias

if TYPE_CHECKING:
    from collections.abc import Callable

K = 3
XS, TARGETS = draw(0, 8, K, 5, 3), draw(1, 8, K, 5, 2)
BATCHES = list(zip(XS, TARGETS, strict=True))


def stacks(optimizer: Callable[[Any, int], Any]) -> tuple[Any, Any, list[Any]]:
    models = [small_bias(10 * k) for k in range(K)]
    stacked = stack(models)
    return stacked, stack([optimizer(m.param(), k) for k, m in enumerate(models)]), models


def run(model: Any, optimizer: Any, batches: Any) -> None:
    list(train(model, MSELoss(), optimizer, batches))


# -- numbers -------------------------------------------------------------------------------------


def test_a_number_is_one_or_one_for_each_model() -> None:
    _, optimizer, _ = stacks(lambda p, k: SGD(p, 0.1 * (k + 1), 0.9))
    assert (optimizer.lr, optimizer.momentum) == (pytest.approx([0.1, 0.2, 0.3]), 0.9)
    optimizer.lr = 0.5
    assert optimizer.lr == 0.5
    optimizer.lr = torch.tensor([1.0, 2.0, 3.0])
    assert optimizer.lr == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("rates", [0.02, [0.01, 0.02, 0.03]], ids=["one", "each"])
def test_a_schedule_sets_one_rate_or_one_for_each(rates: Any) -> None:
    stacked, optimizer, models = stacks(lambda p, k: SGD(p, 0.1, 0.9))
    run(stacked, optimizer, BATCHES[:4])
    optimizer.lr = rates
    run(stacked, optimizer, BATCHES[4:])
    for k, (ours, model) in enumerate(zip(unstack(stacked), models, strict=True)):
        alone = SGD(model.param(), 0.1, 0.9)
        own = [(x[k], t[k]) for x, t in BATCHES]
        run(model, alone, own[:4])
        alone.lr = rates if isinstance(rates, float) else rates[k]
        run(model, alone, own[4:])
        same(ours, model)


def test_numbers_of_an_optimizer_inside_are_its_own() -> None:
    _, optimizer, _ = stacks(lambda p, k: Clipped(p, 1.0 + k, lambda q: SGD(q, 0.1 * k)))
    assert optimizer.most == [1.0, 2.0, 3.0]
    assert [part["inner"]["lr"] for part in optimizer.state_dict()["models"]] == [0.0, 0.1, 0.2]


def test_momentum_set_later_is_used() -> None:
    stacked, optimizer, models = stacks(lambda p, k: SGD(p, 0.1))
    run(stacked, optimizer, BATCHES[:2])
    optimizer.momentum = [0.0, 0.5, 0.9]
    run(stacked, optimizer, BATCHES[2:])
    for k, (ours, model) in enumerate(zip(unstack(stacked), models, strict=True)):
        alone = SGD(model.param(), 0.1)
        run(model, alone, [(x[k], t[k]) for x, t in BATCHES[:2]])
        alone.momentum = [0.0, 0.5, 0.9][k]
        run(model, alone, [(x[k], t[k]) for x, t in BATCHES[2:]])
        same(ours, model)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        (
            "lr",
            [0.1, 0.2],
            ArgumentError,
            "expected one lr, or one for each of the 3 models, got 2",
        ),
        ("lr", -1.0, ArgumentError, "lr must be a finite number of at least 0, got -1.0"),
        ("momentum", [0.1, 0.2, -3], ArgumentError, "momentum must be a finite .* got -3"),
        ("rate", 0.1, AttributeError, "a stack of SGD has no attribute 'rate' to set"),
    ],
)
def test_wrong_numbers_are_refused_and_change_nothing(
    name: str, value: Any, error: type[Exception], message: str
) -> None:
    _, optimizer, _ = stacks(lambda p, k: SGD(p, 0.1 * (k + 1), 0.9))
    with pytest.raises(error, match=message):
        setattr(optimizer, name, value)
    assert optimizer.lr == pytest.approx([0.1, 0.2, 0.3])
    assert optimizer.momentum == 0.9


def test_only_plain_values_are_read() -> None:
    _, optimizer, _ = stacks(lambda p, k: SGD(p, 0.1, 0.9))
    with pytest.raises(AttributeError, match=r"'velocity' of a stack .* is no number; see state_"):
        _ = optimizer.velocity
    with pytest.raises(AttributeError, match="a stack of SGD has no attribute 'rate'"):
        _ = optimizer.rate


# -- state ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loaded_state_goes_on_to_the_same_bits(name: str) -> None:
    stacked, optimizer, _ = stacks(OPTIMIZERS[name])
    run(stacked, optimizer, BATCHES[:4])
    weights, state = stacked.state_dict(), optimizer.state_dict()
    run(stacked, optimizer, BATCHES[4:])
    other, fresh, _ = stacks(OPTIMIZERS[name])
    other.load_state_dict(weights)
    fresh.load_state_dict(copy.deepcopy(state))
    run(other, fresh, BATCHES[4:])
    for ours, theirs in zip(other.param(), stacked.param(), strict=True):
        assert ours.value.equal(theirs.value)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_model_goes_on_alone(name: str) -> None:
    stacked, optimizer, _ = stacks(OPTIMIZERS[name])
    run(stacked, optimizer, BATCHES[:4])
    models = unstack(stacked)
    optimizers = unstack(optimizer)
    run(stacked, optimizer, BATCHES[4:])
    expected = unstack(stacked)
    for k, (model, alone) in enumerate(zip(models, optimizers, strict=True)):
        run(model, alone, [(x[k], t[k]) for x, t in BATCHES[4:]])
        same(model, expected[k])


def test_the_state_of_one_fits_the_optimizer_alone() -> None:
    stacked, optimizer, models = stacks(lambda p, k: SGD(p, 0.1 * (k + 1), 0.9))
    run(stacked, optimizer, BATCHES)
    alone = SGD(models[1].param(), 1.0, 0.5)
    alone.load_state_dict(optimizer.state_dict()["models"][1])
    assert (alone.lr, alone.momentum) == (0.2, 0.9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: {}, ArgumentError, "expected the state of a stack of 3 optimizers, under"),
        (lambda s: {"models": s["models"][:2]}, ArgumentError, "3 optimizers, .*, got 2"),
        (
            lambda s: {"models": [*s["models"][:2], {**s["models"][2], "velocity": []}]},
            ShapeError,
            "the state belongs to another model",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(
    change: Callable[[Any], Any], error: type[MinidlError], message: str
) -> None:
    stacked, optimizer, _ = stacks(lambda p, k: SGD(p, 0.1, 0.9))
    run(stacked, optimizer, BATCHES[:2])
    before = optimizer.state_dict()
    state = copy.deepcopy(before)
    for part in state["models"]:
        part["lr"] = 5.0
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(change(state))
    after = optimizer.state_dict()
    for ours, theirs in zip(after["models"], before["models"], strict=True):
        assert ours["lr"] == theirs["lr"]
        for a, b in zip(ours["velocity"], theirs["velocity"], strict=True):
            close(a, b)


def test_the_optimizers_given_are_left_as_they_were() -> None:
    models = [small_bias(k) for k in range(K)]
    stacked = stack(models)
    given = [SGD(m.param(), 0.1, [0.0, 0.9, 0.9][k]) for k, m in enumerate(models)]
    run(stacked, stack(given), BATCHES)
    assert [len(optimizer.velocity) for optimizer in given] == [0, 4, 4]
    assert not any(v.any() for optimizer in given for v in optimizer.velocity)


# -- which parameters ----------------------------------------------------------------------------


def test_parts_of_a_model_may_have_their_own_optimizer() -> None:
    models = [small_bias(10 * k) for k in range(K)]
    stacked = stack(models)
    last = stack([SGD(m[2].param(), 0.1) for m in models])
    before = stacked.state_dict()
    run(stacked, last, BATCHES)
    for name, value in stacked.state_dict().items():
        assert value.equal(before[name]) == name.startswith("0.")


def decayed(models: Any) -> list[Any]:
    return [Decayed(model.param(), 0.1, 0.1) for model in models]


def reordered(models: list[Any]) -> Any:
    stack(models)
    return decayed(models[::-1])


def of_two_stacks(models: list[Any]) -> Any:
    others = [small_bias(50 + k) for k in range(K)]
    keep.extend([stack(models), stack(others)])
    return [
        Decayed([*m.param(), *other.param()], 0.1, 0.1)
        for m, other in zip(models, others, strict=True)
    ]


keep: list[Any] = []  # stacks that live on


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(decayed, id="never-stacked"),
        pytest.param(reordered, id="another-order"),
        pytest.param(of_two_stacks, id="two-stacks"),
        pytest.param(lambda models: keep.append(stack(models)) or decayed(models)[:2], id="fewer"),
        pytest.param(
            lambda models: [Decayed([Parameter(torch.ones(2))], 0.1, 0.1)] * K, id="of-no-model"
        ),
    ],
)
def test_optimizers_of_no_one_stack_are_refused(make: Callable[[list[Any]], Any]) -> None:
    models = [small_bias(10 * k) for k in range(K)]
    with pytest.raises(ArgumentError, match=r"^stack: expected optimizers of the models of one st"):
        stack(make(models))


@pytest.mark.parametrize(
    ("optimizers", "message"),
    [
        (lambda p, k: [SGD(p, 0.1), Decayed(p, 0.1, 0.1), SGD(p, 0.1)][k], "Decayed'> in model 1"),
        (
            lambda p, k: Clipped(p, 1.0, lambda q: SGD(q, 0.1) if k else Decayed(q, 0.1, 0.1)),
            "but inner is <",
        ),
    ],
)
def test_optimizers_of_different_structure_are_refused(optimizers: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        stacks(optimizers)


def test_a_plain_optimizer_of_a_stack_is_refused() -> None:
    stacked = stack([small_bias(k) for k in range(K)])
    with pytest.raises(ArgumentError, match=r"^train: expected a stack of optimizers .* one SGD"):
        run(stacked, SGD(stacked.param(), 0.1), BATCHES)


def test_optimizers_are_unstacked_after_their_models() -> None:
    _, optimizer, _ = stacks(lambda p, k: SGD(p, 0.1))
    with pytest.raises(ArgumentError, match=r"^unstack: expected the models to be unstacked first"):
        unstack(optimizer)


def test_modules_and_optimizers_are_not_mixed() -> None:
    model = small_bias(0)
    with pytest.raises(ArgumentError, match="all of one kind, got Sequential, SGD"):
        stack([model, SGD(model.param(), 0.1)])
