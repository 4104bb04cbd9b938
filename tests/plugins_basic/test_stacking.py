"""`stack` and `unstack`: there and back, what a stack says of itself, and what is refused."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
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
    Parameter,
    Sequential,
    ShapeError,
    StateError,
    train,
    walk,
)
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Tanh, stack, unstack

from .stacked_cases import (
    MODELS,
    BatchNorm,
    Feedback,
    close,
    draw,
    layer_twice,
    linear,
    same,
    shared_weight,
)

if TYPE_CHECKING:
    from collections.abc import Callable

K = 3


def nested(seed: int) -> Sequential:
    return Sequential(
        Sequential(linear(seed, 2, 5), ReLU()), Sequential(linear(seed + 50, 5, 2, False))
    )


def network(seed: int) -> Sequential:
    return Sequential(linear(seed, 3, 4), BatchNorm(seed, 4, in_place=True), linear(seed, 4, 2))


# -- there and back ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_unstack_gives_back_what_stack_took(name: str) -> None:
    models = [MODELS[name][0](seed) for seed in range(K)]
    for model in models:
        for i, parameter in enumerate(model.param()):
            parameter.grad.fill_(i + 1.0)
    back = unstack(stack(models))
    assert len(back) == K
    for ours, theirs in zip(back, models, strict=True):
        assert type(ours) is type(theirs)
        same(ours, theirs)


def test_stacking_and_unstacking_copy() -> None:
    models = [network(seed) for seed in range(K)]
    stacked = stack(models)
    back = unstack(stacked)
    for parameter in stacked.param():
        parameter.value.fill_(7.0)
    for _, buffer in stacked.named_buffers():
        buffer.fill_(7)
    for ours, theirs, seed in zip(models, back, range(K), strict=True):
        same(ours, network(seed))
        same(theirs, network(seed))


@pytest.mark.parametrize("build", [shared_weight, layer_twice])
def test_what_is_shared_stays_shared(build: Callable[[int], Any]) -> None:
    models = [build(seed) for seed in range(K)]
    for model in (stack(models), *unstack(stack(models))):
        assert len(model.param()) == len(models[0].param()) < len(model.named_param())


def test_stacks_of_stacks_come_apart_in_turn() -> None:
    models = [[network(10 * row + column) for column in range(2)] for row in range(K)]
    table = stack([stack(row) for row in models])
    assert {p.value.shape[:2] for p in table.param()} == {(K, 2)}
    for row, expected in zip(unstack(table), models, strict=True):
        for ours, theirs in zip(unstack(row), expected, strict=True):
            same(ours, theirs)


def test_stacks_of_stacks_train_as_alone() -> None:
    def rate(row: int, column: int) -> float:
        return 0.02 * (1 + row + column)

    models = [[network(10 * row + column) for column in range(2)] for row in range(K)]
    rows = [stack(row) for row in models]
    of_rows = [
        stack([SGD(m.param(), rate(i, j), 0.9) for j, m in enumerate(row)])
        for i, row in enumerate(models)
    ]
    table, optimizer = stack(rows), stack(of_rows)
    xs, targets = draw(0, 4, K, 2, 5, 3), draw(1, 4, K, 2, 5, 2)
    batches = list(zip(xs, targets, strict=True))
    with pytest.warns(match="runs one model after another"):
        losses = [step.loss for step in train(table, MSELoss(), optimizer, batches)]
    for i, row in enumerate(unstack(table)):
        for j, ours in enumerate(unstack(row)):
            alone = models[i][j]
            own = [(x[i, j], t[i, j]) for x, t in batches]
            for step in train(alone, MSELoss(), SGD(alone.param(), rate(i, j), 0.9), own):
                close(losses[step.number][i, j], step.loss)
            same(ours, alone)


def test_one_model_makes_a_stack_of_one() -> None:
    stacked = stack([network(0)])
    assert {p.value.shape[0] for p in stacked.param()} == {1}
    same(unstack(stacked)[0], network(0))


def test_one_model_may_stand_several_times() -> None:
    model = network(0)
    stacked = stack([model] * K)
    optimizer = stack([SGD(model.param(), lr=0.1 * k) for k in range(K)])
    list(train(stacked, MSELoss(), optimizer, [(draw(0, K, 5, 3), draw(1, K, 5, 2))]))
    first, *others = unstack(stacked)
    close(first[0].weight.value, model[0].weight.value)  # its learning rate is 0
    assert all(not p[0].weight.value.equal(model[0].weight.value) for p in others)


def test_modules_without_parameters_stack_too() -> None:
    x = draw(0, K, 5, 2)
    close(stack([Tanh()] * K).forward(x), x.tanh())


def test_losses_stack_and_unstack() -> None:
    loss = stack([MSELoss()] * K)
    prediction, target = draw(0, K, 5, 2), draw(1, K, 5, 2)
    close(loss.forward(prediction, target), (prediction - target).square().mean((1, 2)))
    close(loss.backward(), (prediction - target) * 2 / 10)
    assert [type(part) for part in unstack(loss)] == [MSELoss] * K


# -- what a stack is -----------------------------------------------------------------------------


def test_names_and_shapes_are_those_of_one_model() -> None:
    model, stacked = network(0), stack([network(seed) for seed in range(K)])
    assert {name: p.value.shape for name, p in stacked.named_param()} == {
        name: (K, *p.value.shape) for name, p in model.named_param()
    }
    assert {name: b.shape for name, b in stacked.named_buffers()} == {
        name: (K, *b.shape) for name, b in model.named_buffers()
    }
    assert stacked.state_dict().keys() == model.state_dict().keys()


def test_a_state_is_loaded() -> None:
    ours, theirs = (stack([network(seed + s) for s in range(K)]) for seed in (0, 10))
    ours.load_state_dict(theirs.state_dict())
    same(ours, theirs)
    x = draw(0, K, 5, 3)
    close(ours.eval().forward(x), theirs.eval().forward(x))


def test_says_how_many_models_it_is() -> None:
    assert (
        stack([nested(0)] * K).describe() == f"Stack of {K} models, each:\n" + nested(0).describe()
    )
    assert repr(stack([Tanh()] * K)) == f"stack of {K} Tanh"


def test_modes_are_those_of_the_models() -> None:
    stacked = stack([network(seed).eval() for seed in range(K)])
    assert (stacked.training, stacked.keeping) == (False, False)
    stacked.keep()
    assert (stacked.training, stacked.keeping) == (False, True)
    stacked.forward(draw(0, K, 5, 3))
    stacked.train()
    assert (stacked.training, stacked.keeping) == (True, True)
    stacked.eval()
    with pytest.raises(StateError):
        stacked.backward(draw(0, K, 5, 2))


def test_gradients_in_evaluation_mode_are_those_alone() -> None:
    models = [Sequential(linear(s, 3, 4), Tanh()) for s in range(K)]
    stacked = stack(models).eval().keep()
    x, dy = draw(0, K, 5, 3), draw(1, K, 5, 4)
    stacked.forward(x)
    got = stacked.backward(dy)
    for k, model in enumerate(models):
        model.forward(x[k])
        close(got[k], model.backward(dy[k]))


def test_frozen_stacks_are_not_trained() -> None:
    stacked = stack([network(seed) for seed in range(K)]).freeze().train()
    assert (stacked.training, stacked.keeping) == (False, True)
    assert not any(p.trainable for p in stacked.param())


def test_frozen_models_make_frozen_parameters() -> None:
    models = [Sequential(linear(s, 3, 3).freeze(), linear(s, 3, 2)) for s in range(K)]
    assert [p.trainable for p in stack(models).param()] == [False, False, True, True]


def test_forwards_wait_and_come_back_latest_first() -> None:
    models = [network(seed) for seed in range(K)]
    stacked = stack(models)
    xs, dys = draw(0, 2, K, 5, 3), draw(1, 2, K, 5, 2)
    for model, of in (
        (stacked, lambda t: t),
        *((m, lambda t, k=k: t[k]) for k, m in enumerate(models)),
    ):
        for x in xs:
            model.forward(of(x))
        for dy in reversed(dys):
            model.backward(of(dy))
    for ours, theirs in zip(unstack(stacked), models, strict=True):
        same(ours, theirs)


def test_input_changed_before_backward_is_an_error() -> None:
    stacked = stack([linear(seed, 3, 2) for seed in range(K)])
    x = draw(0, K, 5, 3)
    stacked.forward(x)
    x += 1
    with pytest.raises(StateError, match="changed in place"):
        stacked.backward(draw(1, K, 5, 2))


def test_nothing_batched_stays_in_the_model() -> None:
    stacked = stack([network(seed) for seed in range(K)])
    stacked.forward(draw(0, K, 5, 3))
    stacked.backward(draw(1, K, 5, 2))
    model: Any = stacked.model
    for name, tensor in model.state_dict().items():
        close(tensor, stacked.state_dict()[name][0])
    assert model[0].weight.value.data_ptr()  # a batched tensor has no storage
    assert not any(module._stack for module in model)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model[0].weight, "value", torch.ones(4, 3, dtype=torch.float64)),
        lambda model: setattr(model[1], "running_mean", torch.ones(4, dtype=torch.float64)),
    ],
)
def test_setting_tensors_of_the_model_inside_is_refused(change: Callable[[Any], None]) -> None:
    stacked = stack([network(seed) for seed in range(K)])
    change(stacked.model)
    with pytest.raises(StateError, match="set on the one model inside a stack"):
        stacked.forward(draw(0, K, 5, 3))


def test_copies_train_on_their_own() -> None:
    stacked = stack([network(seed) for seed in range(K)])
    for clone in (copy.deepcopy(stacked), pickle.loads(pickle.dumps(stack([nested(0)] * 2)))):
        before = {name: value.clone() for name, value in clone.state_dict().items()}
        for parameter in stacked.param():
            parameter.value.zero_()
        clone.forward(draw(0, clone.size, 5, 3 if clone.size == K else 2))
        for name, value in clone.state_dict().items():
            close(value, before[name])


def test_a_deleted_stack_frees_its_tensors_at_once() -> None:
    models = [network(seed) for seed in range(K)]
    stacked = stack(models)
    optimizer = stack([SGD(model.param(), 0.1, 0.9) for model in models])
    list(train(stacked, MSELoss(), optimizer, [(draw(0, K, 5, 3), draw(1, K, 5, 2))] * 2))
    alive = [weakref.ref(tensor) for pair in stacked.param() for tensor in pair]
    alive += [weakref.ref(buffer) for _, buffer in stacked.named_buffers()]
    gc.collect()
    gc.disable()
    try:
        del stacked, optimizer
        assert [reference() for reference in alive] == [None] * len(alive)
    finally:
        gc.enable()


# -- what cannot be stacked ----------------------------------------------------------------------


class LooksLikeReLU(ReLU):
    """Says no more of itself than its parent does."""


class Slope(BaseModule):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def backward(self, dy: Tensor) -> Tensor:
        return dy


def tied_by_a_view(seed: int) -> Sequential:
    first, second = linear(seed, 3, 4), linear(seed, 4, 3)
    second.weight = Parameter(first.weight.value.mT, first.weight.grad.mT)
    return Sequential(first, second)


def watched(layer: Linear) -> Linear:
    forward = layer.forward
    layer.forward = lambda x: forward(x)  # type: ignore[method-assign]
    return layer


def holding(weight: Tensor) -> Slope:
    return Slope(lambda x: x * weight)


UNSHARED = Sequential(linear(0, 3, 3), Tanh(), linear(1, 3, 3))


@pytest.mark.parametrize("evaluated", [0, 1])
def test_a_model_that_was_evaluated_before_is_stacked(evaluated: int) -> None:
    models = [nested(0), nested(1)]
    models[evaluated].eval().train()
    stacked = stack(models)
    assert stacked.training
    stacked.eval()
    assert not any(module.training for _, module in walk(stacked.model))


@pytest.mark.parametrize(
    ("things", "error", "message"),
    [
        pytest.param([], ArgumentError, "expected at least one model, got none", id="none"),
        pytest.param(linear(0, 2, 2), ArgumentError, "got one Linear; write stack([m", id="one"),
        pytest.param(nested(0), ArgumentError, "got one Sequential; write stack([m", id="chain"),
        pytest.param([None], ArgumentError, "modules, losses or optimizers", id="None"),
        pytest.param(
            [linear(0, 2, 2), linear(0, 2, 2, False)],
            ArgumentError,
            "expected models of one structure, but bias is None in model 1 and Parameter(2,) in",
            id="no-bias",
        ),
        pytest.param(
            [UNSHARED, shared_weight(0)],
            ArgumentError,
            "is shared with _modules.0.weight in one of the models and not in another",
            id="shared-in-the-second-only",
        ),
        pytest.param(
            [shared_weight(0), UNSHARED],
            ArgumentError,
            "in one of the models and not in another",
            id="shared-in-the-first-only",
        ),
        pytest.param([ReLU(), Tanh()], ArgumentError, "tanh.Tanh'> in model 1", id="type"),
        pytest.param([ReLU(), LooksLikeReLU()], ArgumentError, "LooksLikeReLU'> in", id="subclass"),
        pytest.param(
            [Sequential(Tanh()), Sequential(Tanh(), Tanh())],
            ArgumentError,
            "but _modules is (Tanh, Tanh) in model 1",
            id="length",
        ),
        pytest.param(
            [linear(0, 2, 3), linear(0, 3, 2)], ArgumentError, "in_features is 3 in", id="sizes"
        ),
        pytest.param(
            [linear(0, 2, 2), Linear(2, 2)], DtypeError, "torch.float64, torch.float32", id="dtype"
        ),
        pytest.param(
            [Linear(2, 2), Linear(2, 2, device="meta")], DeviceError, "got cpu, meta", id="device"
        ),
        pytest.param(
            [Slope(torch.relu), Slope(torch.tanh)], ArgumentError, "but function is", id="function"
        ),
        pytest.param(
            [Tanh().train(), Tanh().eval()], ArgumentError, "but training is False", id="mode"
        ),
    ],
)
def test_stack_refuses(things: Any, error: type[MinidlError], message: str) -> None:
    with pytest.raises(error) as caught:
        stack(things)
    assert type(caught.value) is error
    assert str(caught.value).startswith("stack: expected ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(
            lambda: Feedback(0, registered=False),
            "not stacked: Feedback computes with a tensor that is no parameter or buffer "
            "(`feedback`), so all models would share one; register it as a buffer",
            id="tensor",
        ),
        pytest.param(lambda: watched(linear(0, 2, 2)), "Linear.forward was replaced", id="method"),
        pytest.param(
            lambda: holding(torch.ones(2)), "function function holds a Tensor", id="closure"
        ),
        pytest.param(lambda: tied_by_a_view(0), "share memory", id="view"),
    ],
)
def test_what_models_would_share_is_not_stacked(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        stack([build(), build()])
    assert str(caught.value).startswith("not stacked: ")
    assert message in str(caught.value)


def test_functions_written_alike_stack() -> None:
    models = [Slope(lambda x: 2 * x) for _ in range(K)]
    close(stack(models).forward(torch.ones(K, 2)), torch.full((K, 2), 2.0))


@pytest.mark.parametrize("thing", [linear(0, 2, 2), None, Tanh()], ids=repr)
def test_unstack_refuses_what_is_no_stack(thing: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^unstack: expected what stack\(\) returned, got "):
        unstack(thing)


@pytest.mark.parametrize("shape", [(8, 2), (), (K + 1, 8, 2)], ids=str)
def test_inputs_without_models_in_front_are_refused(shape: tuple[int, ...]) -> None:
    stacked = stack([linear(seed, 2, 2) for seed in range(K)])
    with pytest.raises(ShapeError, match=r"the 3 models in front, \(3, …\), got .*x\.expand\(3, "):
        stacked.forward(draw(0, *shape))


def test_errors_of_a_layer_name_it_and_change_nothing() -> None:
    stacked = stack([nested(seed) for seed in range(K)])
    with pytest.raises(ShapeError, match=r"^Sequential\[0\] › Sequential\[0\] › Linear.*\(8, 3\)"):
        stacked.forward(draw(0, K, 8, 3))
    with pytest.raises(StateError):
        stacked.backward(draw(0, K, 8, 2))
