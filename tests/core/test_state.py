"""Buffers, state, keeping, freezing, modules in lists and dicts, and tensors changed in place."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from minidl_core import (
    ArgumentError,
    BaseModule,
    Parameter,
    ParameterError,
    Sequential,
    ShapeError,
    StateError,
    walk,
)

from .fakes import Descent, Duck, Number, Scale, Square, parameter


class Centre(BaseModule):
    """y = x − m in evaluation, y = x in training, which moves m, a buffer, towards x."""

    def __init__(self) -> None:
        self.register_buffer("mean", Number(0.0))  # type: ignore[arg-type]

    def forward(self, x: float) -> float:
        self.push(x)
        mean: Any = self.mean
        return x if self.training else x - mean.number

    def backward(self, grad_output: float) -> float:
        x = self.pop()
        if self.training:
            mean: Any = self.mean
            mean.copy_(Number(0.5 * mean.number + 0.5 * x))
        return grad_output


class Keeper(BaseModule):
    """y = x for a Number, which it pushes as it is given, inside whatever `wrap` makes."""

    def __init__(self, wrap: Any = lambda x: x) -> None:
        self.wrap = wrap

    def forward(self, x: Any) -> Any:
        self.push(self.wrap(x))
        return x

    def backward(self, grad_output: Any) -> Any:
        self.pop()
        return grad_output


class Branches(BaseModule):
    """Modules and parameters in a list, a dict, and a list in a dict."""

    def __init__(self) -> None:
        self.layers = [Scale(1.0), Square()]
        self.heads = {"a": Scale(2.0), "b": [Scale(3.0), "no module"]}
        self.shifts = (parameter(4.0), 5)

    def forward(self, x: float) -> float:
        return x

    def backward(self, grad_output: float) -> float:
        return grad_output


class TestBuffers:
    def test_are_named_as_in_torch(self) -> None:
        model = Sequential(Square(), Sequential(Centre()))
        assert [name for name, _ in model.named_buffers()] == ["1.0.mean"]

    def test_may_be_replaced_by_assignment(self) -> None:
        module = Centre()
        module.mean = Number(3.0)
        ((_, buffer),) = module.named_buffers()
        assert buffer.item() == 3.0

    def test_without_a_tensor_are_left_out(self) -> None:
        module = Centre()
        module.register_buffer("mask", None)
        assert [name for name, _ in module.named_buffers()] == ["mean"]

    def test_belong_to_one_instance(self) -> None:
        Centre().register_buffer("more", Number(1.0))  # type: ignore[arg-type]
        assert len(Centre().named_buffers()) == 1

    @pytest.mark.parametrize("name", ["running mean", "weight"])
    def test_refuse_a_name_that_cannot_be_theirs(self, name: str) -> None:
        with pytest.raises(ArgumentError, match="name of a new attribute"):
            Scale(1.0).register_buffer(name, Number(0.0))  # type: ignore[arg-type]


class TestState:
    def test_goes_from_one_module_to_another(self) -> None:
        first, second = Sequential(Scale(2.0), Centre()), Sequential(Scale(3.0), Centre())
        first.forward(8.0)
        first.backward(1.0)
        state = first.state_dict()
        assert {name: tensor.item() for name, tensor in state.items()} == {
            "0.weight": 2.0,
            "1.mean": 8.0,
        }
        second.load_state_dict(state)
        assert second.eval().forward(5.0) == first.eval().forward(5.0) == 2.0

    def test_is_a_copy(self) -> None:
        module = Scale(2.0)
        module.state_dict()["weight"].zero_()
        assert module.weight.value.item() == 2.0

    @pytest.mark.parametrize(
        ("state", "error", "sentence"),
        [
            ({"0.weight": Number(9.0)}, ArgumentError, "has no 1.mean"),
            (
                {"0.weight": Number(9.0), "1.mean": Number(9.0), "2.bias": Number(9.0)},
                ArgumentError,
                "has 2.bias, which the module has not",
            ),
            ({"0.weight": Number(9.0), "1.mean": 9.0}, ArgumentError, "no tensor in 1.mean"),
            (
                {"0.weight": Number(9.0), "1.mean": Number(9.0, shape=(2,))},
                ShapeError,
                r"expected 1.mean of shape \(\), got \(2,\)",
            ),
        ],
        ids=["missing", "unknown", "no-tensor", "shape"],
    )
    def test_that_does_not_fit_changes_nothing(
        self, state: Any, error: type[Exception], sentence: str
    ) -> None:
        model = Sequential(Scale(2.0), Centre())
        with pytest.raises(error, match=sentence):
            model.load_state_dict(state)
        assert [tensor.item() for tensor in model.state_dict().values()] == [2.0, 0.0]


class TestModes:
    def test_keep_gives_gradients_in_evaluation_mode(self) -> None:
        model = Sequential(Scale(2.0), Centre()).eval().keep()
        model.forward(3.0)
        assert model.backward(1.0) == 2.0
        assert [tensor.item() for _, tensor in model.named_buffers()] == [0.0]

    def test_keep_can_be_taken_back(self) -> None:
        model = Sequential(Scale(2.0)).eval().keep()
        model.forward(3.0)
        model.keep(False)
        with pytest.raises(StateError, match="keep"):
            model.backward(1.0)

    def test_frozen_modules_stay_frozen_through_train(self) -> None:
        frozen, model = Centre(), Sequential(Scale(2.0))
        frozen.freeze()
        chain = Sequential(frozen, model).train()
        assert (frozen.training, frozen.keeping, model.training) == (False, True, True)
        chain.forward(3.0)
        chain.backward(1.0)
        assert [tensor.item() for _, tensor in frozen.named_buffers()] == [0.0]

    def test_frozen_parameters_are_not_stepped(self) -> None:
        first, second = Scale(2.0), Scale(3.0)
        first.freeze()
        optimizer = Descent(Sequential(first, second).param(), 0.1)
        assert optimizer.params == [second.weight]
        first.weight.grad.number = 7.0  # type: ignore[attr-defined]
        optimizer.zero_grad()
        assert first.weight.grad.item() == 0.0

    def test_freezing_after_the_optimizer_is_an_error(self) -> None:
        first, second = Scale(2.0), Scale(3.0)
        optimizer = Descent(Sequential(first, second).param(), 0.1)
        first.freeze()
        with pytest.raises(StateError, match="make the optimizer anew"):
            optimizer.zero_grad()

    def test_unfreezing_makes_everything_trainable(self) -> None:
        module = Scale(2.0).freeze().freeze(False)
        assert (module.training, module.weight.trainable) == (True, True)


class TestParameter:
    def test_says_whether_it_decays_and_trains(self) -> None:
        value: Any = Number(1.0)
        fixed = copy.deepcopy(Parameter(value, decays=False, trainable=False))
        assert (fixed.decays, fixed.trainable) == (False, False)
        assert (parameter(1.0).decays, parameter(1.0).trainable) == (True, True)

    def test_of_another_shape_gets_a_fresh_gradient(self) -> None:
        weight = parameter(1.0)
        weight.grad.number = 5.0
        weight.value = Number(2.0, shape=(3,))
        assert (weight.grad.shape, weight.grad.item()) == ((3,), 0.0)

    def test_of_the_same_shape_keeps_its_gradient(self) -> None:
        weight = parameter(1.0)
        weight.grad.number = 5.0
        weight.value = Number(2.0)
        assert weight.grad.item() == 5.0

    def test_refuses_no_gradient(self) -> None:
        with pytest.raises(ParameterError, match=r"got NoneType.*zero_"):
            parameter(1.0).grad = None

    def test_comes_with_its_name_to_an_optimizer(self) -> None:
        model = Sequential(Scale(2.0), Scale(3.0))
        assert Descent(model.named_param(), 0.1).params == model.param()


class TestTheTree:
    def test_opens_lists_tuples_and_dicts(self) -> None:
        model = Branches()
        assert [name for name, _ in model.named_param()] == [
            "shifts.0",
            "layers.0.weight",
            "heads.a.weight",
            "heads.b.0.weight",
        ]
        model.eval()
        assert not any(module.training for _, module in walk(model))

    def test_is_walked_by_path(self) -> None:
        model = Sequential(Branches(), Duck(1.0))
        paths = [path for path, _ in walk(model)]
        assert paths == [
            "",
            "0",
            "0.layers.0",
            "0.layers.1",
            "0.heads.a",
            "0.heads.b.0",
            "1",
        ]

    def test_may_contain_itself(self) -> None:
        model = Branches()
        model.layers.append(model)  # type: ignore[arg-type]
        assert [path for path, _ in walk(model)][-1] == "heads.b.0"

    def test_gives_a_shared_module_in_each_place(self) -> None:
        shared = Scale(1.0)
        model = Sequential(shared, shared)
        assert [path for path, _ in walk(model)] == ["", "0", "1"]
        assert model.param() == [shared.weight]


@pytest.mark.parametrize(
    "wrap",
    [lambda x: x, lambda x: (1, x), lambda x: [None, [x]]],
    ids=["alone", "in-a-tuple", "in-a-nested-list"],
)
def test_a_kept_tensor_changed_in_place_is_an_error(wrap: Any) -> None:
    model = Sequential(Keeper(wrap))
    y = model.forward(Number(1.0))
    y.zero_()
    with pytest.raises(StateError, match=r"changed in place.*clone") as caught:
        model.backward(1.0)
    assert caught.value.path == ["Sequential[0]", "Keeper"]
