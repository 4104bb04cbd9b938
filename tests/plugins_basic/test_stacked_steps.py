"""A stacked step besides its arithmetic: diverging, looking, randomness, losses, tracing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from minidl_core import (
    ArgumentError,
    BaseModule,
    NonFiniteError,
    Parameter,
    Sequential,
    StateError,
    eager,
    train,
)
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, StackWarning, Tanh, stack, unstack

from .stacked_cases import (
    BatchNorm,
    Decayed,
    Peeking,
    close,
    compare,
    draw,
    linear,
    same,
    seeded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

K = 3


def network(seed: int) -> Sequential:
    return Sequential(linear(seed, 3, 4), BatchNorm(seed, 4, in_place=True), linear(seed, 4, 2))


def peeking(seed: int) -> Sequential:
    return Sequential(network(seed), Peeking())


# -- one model diverges --------------------------------------------------------------------------


@pytest.mark.parametrize("build", [network, peeking])
@pytest.mark.parametrize(
    "optimizer",
    [lambda p: SGD(p, 0.05, 0.9), lambda p: Decayed(p, 0.05, 0.1)],
    ids=["sgd", "steps"],
)
@pytest.mark.filterwarnings("ignore::minidl_plugins_basic.StackWarning")
def test_a_diverged_model_changes_nothing_and_others_train(
    build: Callable[[int], Any], optimizer: Callable[[Any], Any]
) -> None:
    """Model 1 gets an infinite target in step 2: alone, that step is left out."""
    models = [build(seed) for seed in range(K)]
    xs, targets = draw(0, 6, K, 5, 3), draw(1, 6, K, 5, 2)
    targets[2, 1, 0, 0] = torch.inf
    stacked, steps = stack(models), stack([optimizer(m.param()) for m in models])
    losses = [s.loss for s in train(stacked, MSELoss(), steps, zip(xs, targets, strict=True))]
    assert [bool(loss.isfinite().all()) for loss in losses] == [n != 2 for n in range(6)]
    ours = unstack(stacked)
    states = steps.state_dict()["models"]
    for k, model in enumerate(models):
        alone = optimizer(model.param())
        for n, (x, target) in enumerate(zip(xs[:, k], targets[:, k], strict=True)):
            if (n, k) != (2, 1):
                (step,) = train(model, MSELoss(), alone, [(x, target)])
                close(losses[n][k], step.loss)
        same(ours[k], model)
        for key, value in alone.state_dict().items():
            if isinstance(value, list):
                for a, b in zip(states[k][key], value, strict=True):
                    close(a, b)
            else:
                assert states[k][key] == value


def test_training_ends_when_every_model_diverged() -> None:
    models = [network(seed) for seed in range(K)]
    stacked, steps = stack(models), stack([SGD(m.param(), 0.05) for m in models])
    targets = torch.full((K, 5, 2), torch.nan, dtype=torch.float64)
    with pytest.raises(NonFiniteError, match="the target has NaN"):
        list(train(stacked, MSELoss(), steps, [(draw(0, K, 5, 3), targets)]))
    for ours, theirs in zip(unstack(stacked), models, strict=True):
        same(ours, theirs)


def test_infinite_gradients_stay_in_their_model() -> None:
    stacked = stack([linear(seed, 3, 2) for seed in range(K)])
    dy = draw(0, K, 5, 2)
    dy[1] = torch.nan
    stacked.forward(draw(1, K, 5, 3))
    stacked.backward(dy)
    for parameter in stacked.param():
        assert parameter.grad.isfinite().flatten(1).all(1).tolist() == [True, False, True]


# -- what torch cannot batch ---------------------------------------------------------------------


class Fused(SGD):
    """The step with an operation that torch has no batched form of."""

    def step(self) -> None:
        for p in self.params:
            p.value.addcmul_(p.grad, torch.ones_like(p.grad), value=-0.1)


class ByAlpha(SGD):
    def step(self) -> None:
        for p in self.params:
            p.value.sub_(p.grad, alpha=self.lr)


def test_looking_at_elements_is_said_once_and_right() -> None:
    with pytest.warns(StackWarning) as caught:
        stacked, _ = compare(peeking, lambda p, k: SGD(p, 0.1), draw(0, 5, K, 5, 3))
    (warning,) = caught
    assert warning.filename == compare.__code__.co_filename
    assert str(warning.message) == (
        "stack of 3 Sequential: forward runs one model after another, with the same results: It "
        "looks like you're calling .item() on a Tensor"
    )
    assert "calling .item()" in stacked.why_one_by_one
    assert not stacked.traceable


def test_operations_without_a_batched_form_are_named_once() -> None:
    with pytest.warns(
        StackWarning, match=r"step is slow: torch cannot batch addcmul_, and"
    ) as caught:
        _, optimizer = compare(network, lambda p, k: Fused(p, 0.1), draw(0, 4, K, 5, 3))
    assert len(caught) == 1
    assert optimizer.why_one_by_one is None


def test_an_optimizer_that_needs_a_number_steps_one_by_one() -> None:
    with pytest.warns(StackWarning, match="step runs one model after another"):
        _, optimizer = compare(network, lambda p, k: ByAlpha(p, 0.1 + 0.1 * k), draw(0, 4, K, 5, 3))
    assert optimizer.why_one_by_one
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # with one rate for all there is nothing to look at
        compare(network, lambda p, k: ByAlpha(p, 0.1), draw(0, 4, K, 5, 3))


class Late(BaseModule):
    """Looks at an element of the gradient from the second backward on."""

    def __init__(self) -> None:
        self.passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return x

    def backward(self, dy: Tensor) -> Tensor:
        self.pop()
        self.passes += 1
        return dy if self.passes == 1 or dy.sum().item() > 0 else -dy


def test_a_backward_that_can_no_longer_be_batched_is_an_error() -> None:
    stacked = stack([Late() for _ in range(K)])
    x = draw(0, K, 5, 3)
    stacked.forward(x)
    stacked.backward(x)
    stacked.forward(x)
    with pytest.raises(StateError, match="was batched in earlier steps and cannot be in this one"):
        stacked.backward(x)


class Remembering(BaseModule):
    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return x

    def backward(self, dy: Tensor) -> Tensor:
        self.latest = dy * self.pop()
        return dy


def test_a_tensor_kept_by_backward_is_an_error() -> None:
    stacked = stack([Remembering() for _ in range(K)])
    x = draw(0, K, 5, 3)
    stacked.forward(x)
    with pytest.raises(StateError, match="keeps a tensor in `latest`, which is no buffer"):
        stacked.backward(x)


# -- randomness ----------------------------------------------------------------------------------


class Dropout(BaseModule):
    def __init__(self, generator: torch.Generator | None, p: float = 0.25) -> None:
        self.generator, self.p = generator, p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        mask = torch.rand(x.shape, generator=self.generator) >= self.p
        self.push(mask)
        return x * mask / (1 - self.p)

    def backward(self, dy: Tensor) -> Tensor:
        return dy * self.pop() / (1 - self.p)


@pytest.mark.parametrize("own", [True, False], ids=["generator", "global"])
def test_each_model_draws_its_own_numbers(own: bool) -> None:
    x = torch.ones(K, 1000, 10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stacked = stack([Dropout(seeded(k) if own else None) for k in range(K)])
        y, again = stacked.forward(x), stacked.forward(x)
    assert stacked.why_one_by_one is None
    masks = [*(y != 0), *(again != 0)]
    for i, mask in enumerate(masks):
        assert abs(mask.double().mean().item() - 0.75) < 5 * (0.1875 / 10_000) ** 0.5
        for other in masks[:i]:
            both = (mask & other).double().mean().item()
            assert abs(both - 0.75**2) < 5 * (0.2461 / 10_000) ** 0.5
    close(stacked.backward(torch.ones_like(x)), again)


def test_the_same_seeds_draw_the_same_numbers() -> None:
    x = torch.ones(K, 4, 5)
    first, second = (stack([Dropout(seeded(k)) for k in range(K)]).forward(x) for _ in range(2))
    assert first.equal(second)


def test_probabilities_may_differ_among_models() -> None:
    stacked = stack([Dropout(seeded(0), p) for p in (0.0, 0.5, 0.9)])
    y = stacked.forward(torch.ones(3, 100, 100))
    for k, p in enumerate((0.0, 0.5, 0.9)):
        assert abs((y[k] != 0).double().mean().item() - (1 - p)) < 0.03


# -- losses --------------------------------------------------------------------------------------


class Weighted(MSELoss):
    """The mean squared error, with a weight for each output."""

    def __init__(self, *, counts: bool = False) -> None:
        self.factor, self.counts = 1.0, counts
        self.register_buffer("weights", torch.tensor([1.0, 2.0], dtype=torch.float64))

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.weights_used = None
        scale = (self.factor * self.weights).sqrt()
        return super().forward(prediction * scale, target * scale)

    def backward(self) -> Tensor:
        if self.counts:
            self.weights = self.weights + 1
        return super().backward() * (self.factor * self.weights).sqrt()


class Learned(MSELoss):
    def __init__(self) -> None:
        self.scale = Parameter(torch.ones(()))


def trained(loss: Any) -> Any:
    models = [network(seed) for seed in range(K)]
    stacked, steps = stack(models), stack([SGD(m.param(), 0.05) for m in models])
    return list(train(stacked, loss, steps, [(draw(0, K, 5, 3), draw(1, K, 5, 2))] * 2))


def test_a_plain_loss_is_used_as_it_is_now() -> None:
    loss = Weighted()
    before = trained(loss)
    loss.factor = 10
    close(trained(loss)[0].loss, 10 * before[0].loss)
    loss.weights *= 2
    close(trained(loss)[0].loss, 20 * before[0].loss)


def test_a_stack_of_losses_trains_as_a_plain_loss() -> None:
    for ours, theirs in zip(trained(stack([Weighted()] * K)), trained(Weighted()), strict=True):
        close(ours.loss, theirs.loss)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        pytest.param(Weighted(counts=True), StateError, "changes one of its buffers", id="buffer"),
        pytest.param(Learned(), ArgumentError, "Learned has parameters, and each", id="parameter"),
        pytest.param(
            stack([MSELoss()] * 2), ArgumentError, "for 3 models, got a stack of 2", id="2"
        ),
    ],
)
def test_losses_that_do_not_fit_are_refused(loss: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        trained(loss)


# -- tracing -------------------------------------------------------------------------------------


def report(seed: int) -> Sequential:
    sizes = [(2, 25), (25, 25), (25, 25), (25, 2)]
    layers = [Linear(*size, generator=seeded(10 * seed + i)) for i, size in enumerate(sizes)]
    return Sequential(layers[0], ReLU(), layers[1], ReLU(), layers[2], ReLU(), layers[3])


@pytest.mark.parametrize("diverged", [False, True])
def test_a_traced_step_repeats_the_eager_one(diverged: bool) -> None:
    def start() -> tuple[Any, Any, Any]:
        models = [report(seed) for seed in range(K)]
        stacked = stack(models)
        steps = stack([SGD(m.param(), 0.02 * (k + 1), 0.9) for k, m in enumerate(models)])
        loss = stacked.lift(MSELoss(), steps)
        return stacked, steps, loss

    xs, targets = torch.randn(2, 6, K, 8, 2, generator=seeded(1))
    if diverged:
        targets[4, 1] = torch.inf
    stacked, steps, loss = start()
    step = eager(stacked, loss, steps)
    expected = [step((x,), target) for x, target in zip(xs, targets, strict=True)]

    ours, our_steps, our_loss = start()
    assert ours.traceable
    assert our_steps.traceable
    assert our_loss.traceable

    def whole(x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        prediction = ours.forward(x)
        value = our_loss.forward(prediction, target)
        our_steps.zero_grad()
        ours.backward(our_loss.backward())
        our_steps.step()
        return prediction, value

    whole(xs[0], targets[0])
    held = [each.data_ptr() for part in (ours, our_loss, our_steps) for each in part.tensors()]
    signatures = [part.signature() for part in (ours, our_loss, our_steps)]
    traced = make_fx(whole)(xs[1], targets[1])  # tracing does the step as well
    for number in range(2, 6):
        prediction, value = traced(xs[number], targets[number])
        torch.testing.assert_close(prediction, expected[number][0])
        torch.testing.assert_close(value, expected[number][1])
    for a, b in zip(ours.param(), stacked.param(), strict=True):
        torch.testing.assert_close(a.value, b.value)
    assert held == [t.data_ptr() for part in (ours, our_loss, our_steps) for t in part.tensors()]
    assert signatures == [part.signature() for part in (ours, our_loss, our_steps)]


def test_rates_that_differ_reach_a_traced_step() -> None:
    models = [report(seed) for seed in range(K)]
    stacked = stack(models)
    steps = stack([SGD(m.param(), 0.01 * (k + 1)) for k, m in enumerate(models)])
    for parameter in stacked.param():
        parameter.grad.fill_(1.0)
    signature = steps.signature()
    traced = make_fx(lambda: steps.step() or stacked.param()[0].value)()
    before = stacked.param()[0].value.clone()
    steps.lr = [1.0, 2.0, 4.0]
    assert steps.signature() == signature
    traced()
    for k, lr in enumerate((1.0, 2.0, 4.0)):
        torch.testing.assert_close(stacked.param()[0].value[k], before[k] - lr)
    before = stacked.param()[0].value.clone()
    steps.lr = 3.0  # one rate for all, after they differed: still a tensor, so the trace serves
    assert steps.signature() == signature
    traced()
    torch.testing.assert_close(stacked.param()[0].value, before - 3.0)


def test_a_rate_that_changes_becomes_part_of_what_is_traced() -> None:
    models = [report(seed) for seed in range(K)]
    stacked = stack(models)
    steps = stack([SGD(m.param(), 0.1) for m in models])
    first = steps.signature()
    steps.lr = 0.1
    assert steps.signature() == first, "nothing has changed"
    steps.lr = 0.2
    changed = steps.signature()
    assert changed != first
    steps.lr = 0.3
    assert steps.signature() == changed
    assert steps.lr == 0.3
    for parameter in stacked.param():
        parameter.grad.fill_(1.0)
    before = stacked.param()[0].value.clone()
    steps.step()
    torch.testing.assert_close(stacked.param()[0].value, before - 0.3)


def test_a_setter_that_uses_other_numbers_is_called_for_each() -> None:
    class Scaled(SGD):
        """Keeps lr times a factor of its own."""

        def __init__(self, params: Any, lr: float, factor: float) -> None:
            super().__init__(params, lr)
            self.factor = factor
            self.rate = lr

        @property
        def rate(self) -> float:
            return self._rate

        @rate.setter
        def rate(self, rate: float) -> None:
            self._rate = rate * self.factor

    models = [report(seed) for seed in range(K)]
    together = stack(models)  # which the optimizer's parameters belong to
    steps = stack([Scaled(m.param(), 0.1, float(k)) for k, m in enumerate(models)])
    steps.rate = 2.0
    assert steps._rate == [2.0 * k for k in range(K)]
    assert together.size == K


def test_a_signature_changes_with_what_a_step_depends_on() -> None:
    stacked = stack([Sequential(Dropout(None), linear(k, 3, 2)) for k in range(K)])
    signatures = [stacked.signature()]
    for change in (
        lambda: stacked.eval(),
        lambda: setattr(stacked.model[0], "new", True),
    ):
        change()
        signatures.append(stacked.signature())
    assert all(a != b for i, a in enumerate(signatures) for b in signatures[:i])


def test_a_stack_is_traceable_if_every_module_inside_is() -> None:
    def made(inner: Any) -> Any:
        return stack([Sequential(linear(k, 3, 2), Sequential(inner())) for k in range(K)])

    class Undeclared(Tanh):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)

        traceable = False

    assert made(Tanh).traceable
    assert not made(Undeclared).traceable
