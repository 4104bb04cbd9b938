"""The training loop: lazy, one step for each batch, and clear about what went wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from minidl_core import ArgumentError, NonFiniteError, Sequential, StateError, train

from .fakes import Descent, Duck, Number, Quadratic, Scale, Square

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCHES: list[Any] = [(1.0, 4.0), (2.0, 8.0)]  # y = 4 x


class Setup:
    """A model of one weight, w x, its loss and its optimizer."""

    def __init__(self, *layers: Any, lr: float = 0.1) -> None:
        self.layers = layers or (Scale(3.0),)
        self.model = Sequential(*self.layers)
        self.loss: Any = Quadratic()
        self.optimizer = Descent(self.model.param(), lr)

    def train(self, batches: Any = BATCHES) -> Iterator[Any]:
        return train(self.model, self.loss, self.optimizer, batches)

    @property
    def weight(self) -> float:
        value: Any = self.model.param()[0].value
        number: float = value.number
        return number


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_yields_what_each_step_did(setup: Setup) -> None:
    first, second = setup.train()
    # J = (w x − l)², dJ/dw = 2 (w x − l) x: w = 3, then 3.2
    assert (first.number, first.loss.item(), first.prediction, first.target) == (0, 1.0, 3.0, 4.0)
    assert (second.number, second.prediction, second.target) == (1, 6.4, 8.0)
    assert second.loss.item() == pytest.approx(2.56)
    assert setup.weight == pytest.approx(3.84)


def test_learns(setup: Setup) -> None:
    for _ in range(30):
        list(setup.train())
    assert setup.weight == pytest.approx(4.0)


def test_nothing_happens_until_it_is_iterated(setup: Setup) -> None:
    steps = setup.train()
    assert setup.weight == 3.0
    next(steps)
    assert setup.weight == pytest.approx(3.2)


def test_takes_batches_one_at_a_time_and_stops_when_the_caller_does(setup: Setup) -> None:
    taken = []

    def batches() -> Iterator[Any]:
        for batch in BATCHES * 5:
            taken.append(batch)
            yield batch

    for step in setup.train(batches()):
        if step.number == 2:
            break
    assert len(taken) == 3


def test_gradients_are_of_one_step_and_stay_to_be_read(setup: Setup) -> None:
    setup.layers[0].weight.grad.number = 1000.0  # left from somewhere else
    gradients = [setup.layers[0].weight.grad.number for _ in setup.train()]
    assert gradients == pytest.approx([-2.0, -6.4])


def test_the_caller_may_change_the_learning_rate_between_steps(setup: Setup) -> None:
    weights = []
    for _ in setup.train():
        weights.append(setup.weight)
        setup.optimizer.lr = 0.0
    assert weights == pytest.approx([3.2, 3.2])


def test_several_inputs_go_in_a_tuple() -> None:
    class Sum(Square):
        def forward(self, x: float, y: float) -> float:  # type: ignore[override]
            return x + y

        def backward(self, grad_output: float) -> Any:
            return grad_output, grad_output

    setup = Setup(Sum(), Scale(3.0))
    (step,) = setup.train([((1.0, 2.0), 9.0)])
    assert step.prediction == 9.0


def test_a_batch_may_be_a_list(setup: Setup) -> None:
    assert len(list(setup.train([[1.0, 4.0]]))) == 1


def test_each_step_is_in_training_mode_whatever_the_caller_did(setup: Setup) -> None:
    setup.model.eval()
    setup.loss.eval()
    numbers = []
    for step in setup.train():
        numbers.append(step.number)
        assert setup.model.training
        assert setup.loss.training
        setup.model.eval().forward(5.0)  # an evaluation between steps
        setup.loss.eval()
    assert numbers == [0, 1]


def test_a_pass_begins_in_training_mode_all_the_way_down() -> None:
    setup = Setup(Duck(1.0), Sequential(Scale(3.0)))
    assert setup.model.training
    setup.layers[0].eval()
    setup.layers[1][0].eval()
    assert len(list(setup.train())) == 2


@pytest.mark.parametrize("batches", [[], iter(()), ()], ids=["list", "used-up", "tuple"])
def test_no_batch_is_an_error(setup: Setup, batches: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^train: expected at least one batch, got none"):
        list(setup.train(batches))


class Row:
    """Has a length that cannot be asked for, as a tensor of rank 0 has."""

    def __len__(self) -> int:
        raise TypeError("no length")


@pytest.mark.parametrize(
    ("batch", "got"),
    [
        pytest.param(1.0, "float", id="number"),
        pytest.param((1.0,), "tuple of length 1", id="single"),
        pytest.param((1.0, 2.0, 3.0), "tuple of length 3", id="triple"),
        pytest.param("xy", "str", id="string-of-two"),
        pytest.param({"input": 1.0, "target": 2.0}, "dict", id="dict"),
        pytest.param(Row(), "Row", id="no-length"),
        pytest.param(None, "NoneType", id="None"),
    ],
)
def test_a_batch_that_is_no_pair_is_an_error(setup: Setup, batch: Any, got: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        list(setup.train([BATCHES[0], batch]))
    assert str(caught.value).startswith(
        f"train › batch 1: expected each batch to be a pair (input, target), got {got}; "
    )


class Reading(float):
    """A number that can be asked whether it is finite, as a tensor can."""

    def isfinite(self) -> Number:
        return Number(math.isfinite(self))


class Overflow(Square):
    """Gives infinity."""

    def forward(self, x: float) -> float:
        super().forward(x)
        return Reading(math.inf)


class Overflowing(Quadratic):
    """A loss that overflows by itself."""

    def forward(self, prediction: float, target: float) -> Number:
        super().forward(prediction, target)
        return Number(math.nan)


def diverged() -> Scale:
    return Scale(math.nan)


def failing_setups() -> list[Any]:
    number = [(1.0, 4.0)]
    in_chain = "Sequential[1] › Sequential[0] › "
    lost = Setup(Scale(3.0))
    lost.loss = Overflowing()
    return [
        pytest.param(
            Setup(Sequential(), Sequential(diverged())),
            number,
            f"{in_chain}Scale(nan): a parameter has NaN or infinite elements",
            id="parameter",
        ),
        pytest.param(
            Setup(Scale(1.0), Sequential(Overflow(), Square())),
            number,
            f"{in_chain}Overflow: its output is the first that has NaN",
            id="overflow-in-the-middle",
        ),
        pytest.param(
            lost, number, "Overflowing: prediction and target are finite; it overflowed", id="loss"
        ),
        pytest.param(
            Setup(Scale(1.0)),
            [(Reading(math.nan), 4.0)],
            "train › batch 0: the input has NaN or infinite elements",
            id="input",
        ),
        pytest.param(
            Setup(Scale(1.0)),
            [(1.0, Reading(math.inf))],
            "train › batch 0: the target has NaN or infinite elements",
            id="target",
        ),
    ]


@pytest.mark.parametrize(("setup", "batches", "message"), failing_setups())
def test_a_loss_that_is_no_number(setup: Setup, batches: Any, message: str) -> None:
    model, loss = setup.model, setup.loss
    for parameter in model.param():
        parameter.grad.number = 1.0  # type: ignore[attr-defined]  # as an earlier step leaves it
    before = repr([[tensor.item() for tensor in p] for p in model.param()])
    with pytest.raises(NonFiniteError) as caught:
        list(setup.train(batches))
    assert str(caught.value).startswith(message)
    assert repr([[tensor.item() for tensor in p] for p in model.param()]) == before
    # what the forward kept is let go, so that a caller who catches the error may go on
    assert (model.training, loss.training) == (True, True)
    for backward in (lambda: model.backward(1.0), loss.backward):
        with pytest.raises(StateError, match="backward without forward"):
            backward()
