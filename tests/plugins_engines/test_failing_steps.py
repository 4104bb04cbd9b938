"""A step that fails leaves nothing behind: the next good one gives the bits of a fresh model."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch

from minidl_core import BaseModule, MinidlError, Sequential, StateError, train, walk
from minidl_plugins_basic import SGD, Linear, MSELoss, Tanh, stack
from minidl_plugins_nn import Accumulate, BatchNorm1d, Each, Residual

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 6  # good ones before: enough for a trace


class Failing:
    """What all parts that fail on demand share: the place where the next step fails."""

    place: str | None = None
    error: type[BaseException] = RuntimeError

    @classmethod
    def here(cls, place: str) -> None:
        if cls.place == place:
            raise cls.error(f"fails in {place}")


class Passing(BaseModule):
    """Hands on what it gets, unless it fails."""

    def forward(self, x: Any) -> Any:
        Failing.here("a layer's forward")
        self.push(None)
        return x

    def backward(self, grad_output: Any) -> Any:
        self.pop()
        Failing.here("a layer's backward")
        return grad_output


class Loss(MSELoss):
    def forward(self, prediction: Any, target: Any) -> Any:
        value = super().forward(prediction, target)
        Failing.here("the loss's forward")
        return value

    def backward(self) -> Any:
        grad = super().backward()
        Failing.here("the loss's backward")
        return grad


class Descent(SGD):
    def step(self) -> None:
        Failing.here("the optimizer")
        super().step()


PLACES = [
    "a layer's forward",
    "a layer's backward",
    "the loss's forward",
    "the loss's backward",
    "the optimizer",
]


@pytest.fixture(autouse=True)
def nothing_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path))
    monkeypatch.setattr(Failing, "place", None)
    monkeypatch.setattr(Failing, "error", RuntimeError)


def network() -> Sequential:
    generator = torch.Generator().manual_seed(0)
    return Sequential(
        Linear(4, 5, generator=generator),
        Residual(Sequential(BatchNorm1d(5), Tanh(), Passing())),
        Linear(5, 1, generator=generator),
    )


def optimizer_of(model: Any) -> SGD:
    return Descent(model.param(), 0.01, 0.5)


def one(accumulating: bool = False) -> tuple[Any, Any, Any]:
    model = network()
    if accumulating:
        return model, Loss(), Accumulate(model.param(), lambda p: Descent(p, 0.01, 0.5), 2)
    return model, Loss(), optimizer_of(model)


def stacked() -> tuple[Any, Any, Any]:
    models = [network(), network()]
    model = stack(models)
    return model, Loss(), stack([optimizer_of(each) for each in models])


def batch(seed: int, *front: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(*front, 8, 4, generator=generator),
        torch.randn(*front, 8, 1, generator=generator),
    )


def kept_by(*modules: Any) -> int:
    """How many forwards of `modules` wait for their backward."""
    return sum(len(each._stack) for module in modules for _, each in walk(module))


def state_of(model: Any, optimizer: Any, place: str) -> list[torch.Tensor]:
    """All tensors, but for buffers where only the optimizer fails: `backward` has learned them."""
    learned = dict(model.named_buffers()) if place == "the optimizer" else {}
    tensors = [tensor for name, tensor in model.state_dict().items() if name not in learned]
    pending = [optimizer.state_dict()]
    while pending:
        item = pending.pop()
        if isinstance(item, torch.Tensor):
            tensors.append(item)
        elif isinstance(item, (dict, list, tuple)):
            pending += item.values() if isinstance(item, dict) else item
    return tensors


SETUPS = {"one": (one, ()), "accumulating": (lambda: one(True), ()), "stacked": (stacked, (2,))}
# Every second batch alone reaches the optimizer that gradients are accumulated for.
CASES = [(s, p) for s in SETUPS for p in PLACES if (s, p) != ("accumulating", "the optimizer")]


@pytest.mark.filterwarnings("ignore::minidl_plugins_engines.CompilerWarning")
@pytest.mark.parametrize(("setup", "place"), CASES)
@pytest.mark.parametrize("engine", ["eager", "replay", "inductor"])
def test_failing_step_leaves_nothing_behind(engine: str, setup: str, place: str) -> None:
    make, front = SETUPS[setup]
    good = [batch(seed, *front) for seed in range(STEPS + 3)]
    results = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="this stack runs one model after another")
        for failures in (0, 150 if engine == "eager" else 5):
            model, loss, optimizer = make()
            list(train(model, loss, optimizer, good[:STEPS], engine=engine))
            threads = torch.get_num_threads()
            for number in range(failures):
                Failing.place = place
                Failing.error = KeyboardInterrupt if number % 2 else RuntimeError
                with pytest.raises((RuntimeError, KeyboardInterrupt), match="fails in"):
                    list(train(model, loss, optimizer, [good[STEPS]], engine=engine))
                assert kept_by(model, loss) == 0
            Failing.place = None
            assert torch.get_num_threads() == threads
            assert all(each.training and each.keeping for _, each in walk(model))
            list(train(model, loss, optimizer, good[STEPS:], engine=engine))
            results.append(state_of(model, optimizer, place))
    for ours, fresh in zip(*results, strict=True):
        assert torch.equal(ours, fresh)


@pytest.mark.filterwarnings("ignore::minidl_plugins_engines.CompilerWarning")
@pytest.mark.parametrize("engine", ["eager", "replay", "inductor"])
def test_refused_batches_between_traced_steps_change_nothing(engine: str) -> None:
    x, target = batch(STEPS)
    refused = [
        (x[:, :3], target),
        (x, target[:, 0]),
        (x.double(), target),
        (x, None),
        ([1], target),
    ]
    results = []
    for times in (0, 30):
        model = Sequential(Linear(4, 5), Tanh(), Linear(5, 1))
        for number, parameter in enumerate(model.param()):
            parameter.value = torch.linspace(-1, 1, parameter.value.numel()).reshape(
                parameter.value.shape
            ) / (number + 1)
        loss, optimizer = MSELoss(), SGD(model.param(), 0.01, 0.5)
        list(train(model, loss, optimizer, [batch(n) for n in range(STEPS)], engine=engine))
        for bad in refused * times:
            with pytest.raises(MinidlError):
                list(train(model, loss, optimizer, [bad], engine=engine))
        assert kept_by(model, loss) == 0
        list(train(model, loss, optimizer, [batch(STEPS)] * 3, engine=engine))
        results.append(state_of(model, optimizer, ""))
    for ours, fresh in zip(*results, strict=True):
        assert torch.equal(ours, fresh)


@pytest.mark.parametrize("place", PLACES[:2])
def test_failing_chain_by_hand_keeps_nothing(place: str) -> None:
    model = Sequential(Linear(4, 4), Each(Residual(Sequential(Tanh(), Passing()))), Linear(4, 1))
    x, _ = batch(0)
    for _ in range(150):
        Failing.place = place
        with pytest.raises(RuntimeError, match="fails in"):
            model.backward(model.forward(x))
        assert kept_by(model) == 0


def test_backward_after_failed_second_forward_is_refused() -> None:
    model = Sequential(Linear(4, 4), Passing())
    x, _ = batch(0)
    grad = torch.ones_like(model.forward(x))
    Failing.place = "a layer's forward"
    with pytest.raises(RuntimeError, match="fails in"):
        model.forward(x)
    Failing.place = None
    with pytest.raises(StateError, match="backward without forward"):
        model.backward(grad)
