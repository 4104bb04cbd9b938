"""Engines: the plain step, and how another one is chosen."""

from __future__ import annotations

from typing import Any

import pytest

from minidl_core import (
    ComponentNotFoundError,
    NonFiniteError,
    Registry,
    Sequential,
    StateError,
    eager,
    find_engine,
    resolve_engine,
    train,
)

from .fakes import Descent, Number, Quadratic, Scale, Square

ENGINE = """
from minidl_core import eager

def shouting(model, loss, optimizer):
    step = eager(model, loss, optimizer)
    def loud(inputs, target):
        print("STEP")
        return step(inputs, target)
    return loud
"""


@pytest.fixture(autouse=True)
def no_engine_named_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIDL_ENGINE", raising=False)


@pytest.fixture
def shouting(site: Any) -> Registry:
    points = {"minidl.engines": {"shouting": "loud:shouting", "default": "loud:shouting"}}
    site.install("acme-loud", points, {"loud": ENGINE})
    return Registry([str(site.folder)])


def test_eager_is_what_there_is_without_plugins(site: Any) -> None:
    assert find_engine(None, Registry([str(site.folder)])) is None
    assert resolve_engine(None, Registry([str(site.folder)])) == ("eager", eager)


def test_a_default_goes_by_its_own_name(shouting: Registry) -> None:
    name, engine = resolve_engine(None, shouting)
    assert (name, engine.__name__) == ("shouting", "shouting")  # type: ignore[attr-defined]


def test_a_disabled_default_leaves_eager(shouting: Registry) -> None:
    shouting.disable("acme-loud")
    assert resolve_engine(None, shouting) == ("eager", eager)


def test_the_environment_names_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIDL_ENGINE", "eager")
    assert resolve_engine() == ("eager", eager)
    monkeypatch.setenv("MINIDL_ENGINE", "eagre")
    with pytest.raises(ComponentNotFoundError, match=r'No engine "eagre"\. Did you mean "eager"'):
        resolve_engine()


def test_train_takes_a_name_or_an_engine(shouting: Registry) -> None:
    calls = []

    def counting(model: Any, loss: Any, optimizer: Any) -> Any:
        step = eager(model, loss, optimizer)

        def counted(inputs: Any, target: Any) -> Any:
            calls.append(inputs)
            return step(inputs, target)

        return counted

    for engine in ("eager", eager, counting):
        model = Sequential(Scale(3.0))
        optimizer = Descent(model.param(), 0.1)
        batches: Any = [(1.0, 4.0), (2.0, 8.0)]
        list(train(model, Quadratic(), optimizer, batches, engine=engine))
        assert model.param()[0].value.item() == pytest.approx(3.84)
    assert calls == [(1.0,), (2.0,)]


def test_an_unknown_engine_is_refused_before_the_first_step() -> None:
    model = Sequential(Scale(3.0))
    with pytest.raises(ComponentNotFoundError, match="replya"):
        list(train(model, Quadratic(), Descent(model.param(), 0.1), [(1.0, 4.0)], engine="replya"))  # type: ignore[list-item]


def test_several_predictions_get_a_gradient_each() -> None:
    class Twice(Scale):
        def forward(self, x: float) -> Any:
            y = super().forward(x)
            return y, y

        def backward(self, *grads: float) -> float:  # type: ignore[override]
            return super().backward(sum(grads))

    class Sum(Quadratic):
        def forward(self, a: float, b: float, target: float) -> Number:  # type: ignore[override]
            return super().forward(a + b, target)

        def backward(self) -> Any:
            grad = super().backward()
            return grad, grad

    model = Sequential(Twice(1.0))
    # J = (2 w x − l)², dJ/dw = 4 (2 w x − l) x = −8 at w = 1, x = 1, l = 4
    (step,) = train(model, Sum(), Descent(model.param(), 0.1), [(1.0, 4.0)], engine=eager)  # type: ignore[list-item]
    assert step.prediction == (1.0, 1.0)
    assert model.param()[0].value.item() == pytest.approx(1.8)


def test_a_failed_step_leaves_nothing_pending() -> None:
    class Failing(Quadratic):
        def forward(self, prediction: float, target: float) -> Number:
            super().forward(prediction, target)
            raise RuntimeError("no")

    model, loss = Sequential(Scale(1.0), Square()), Failing()
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no"):
            list(train(model, loss, Descent(model.param(), 0.1), [(1.0, 4.0)]))  # type: ignore[list-item]
    with pytest.raises(StateError, match="backward without forward"):
        model.backward(1.0)
    with pytest.raises(StateError, match="backward without forward"):
        loss.backward()


def test_the_first_bad_place_is_found_inside_any_container() -> None:
    class Reading(float):
        def isfinite(self) -> Number:
            import math

            return Number(math.isfinite(self))

    class Overflow(Square):
        def forward(self, x: float) -> float:
            super().forward(x)
            return Reading("inf")

    class Custom(Square):
        def __init__(self) -> None:
            self.parts = [Scale(1.0), Overflow()]

        def forward(self, x: float) -> float:
            for part in self.parts:
                x = part.forward(x)
            return x

    model = Sequential(Custom())
    with pytest.raises(NonFiniteError) as caught:
        list(train(model, Quadratic(), Descent(model.param(), 0.1), [(1.0, 4.0)]))  # type: ignore[list-item]
    assert caught.value.path == ["Sequential[0]", "Custom[parts.1]", "Overflow"]
    assert "forward" not in vars(model[0])
