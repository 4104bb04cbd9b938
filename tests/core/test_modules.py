"""What BaseModule gives: parameters by name, modes, copies; and ducks that do without it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl_core import BaseModule, Module, Sequential, StateError

from .fakes import Duck, Number, Quadratic, Scale, Square, parameter


class Affine(BaseModule):
    """y = s(x) + b, where s is a module inside, with attributes of every other kind."""

    def __init__(self) -> None:
        self.kind = Scale  # a class is not a child
        self.inner = Scale(3.0)
        self.bias = parameter(1.0)
        self.absent = None

    def forward(self, x: float) -> float:
        shift: float = self.bias.value.number
        return self.inner.forward(x) + shift

    def backward(self, grad_output: float) -> float:
        self.bias.grad.number += grad_output
        return self.inner.backward(grad_output)


class ForwardOnly(BaseModule):
    def forward(self, x: float) -> float:
        return x


class Plain:
    """Not a module."""


def test_attributes_become_parameters_and_children() -> None:
    module = Affine()
    assert module.named_param() == [("bias", module.bias), ("inner.weight", module.inner.weight)]
    assert module.param() == [module.bias, module.inner.weight]
    assert module.named_children() == [("inner", module.inner)]


def test_needs_no_super_init() -> None:
    module = Affine()
    assert module.forward(2.0) == 7.0
    assert module.backward(1.0) == 3.0
    assert [p.grad.item() for p in module.param()] == [1.0, 2.0]


@pytest.mark.parametrize("kind", [ForwardOnly, BaseModule])
def test_a_class_without_backward_cannot_be_instantiated(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"abstract.*backward"):
        kind()


@pytest.mark.parametrize("module", [Duck(1.0), Scale(1.0), Sequential()], ids=type)
def test_is_a_module(module: object) -> None:
    assert isinstance(module, Module)


@pytest.mark.parametrize("thing", [Plain(), Number(1.0), parameter(1.0), None, [Square()]])
def test_is_no_module(thing: object) -> None:
    assert not isinstance(thing, Module)


METHODS = ("forward", "backward", "param", "info", "train", "eval")


@pytest.mark.parametrize("missing", ["training", *METHODS])
def test_what_lacks_one_of_the_contract_is_no_module(missing: str) -> None:
    members = {"training": True, **dict.fromkeys(METHODS, lambda self, *tensors: None)}
    assert isinstance(type("Whole", (), members)(), Module)
    del members[missing]
    assert not isinstance(type("Part", (), members)(), Module)


def test_names_are_those_of_a_state_dict() -> None:
    shared = Scale(2.0)
    model = Sequential(Square(), Sequential(Affine(), Sequential(shared)), shared, Duck(1.0))
    assert [name for name, _ in model.named_param()] == [
        "1.0.bias",
        "1.0.inner.weight",
        "1.1.0.weight",
        "2.weight",  # a shared parameter under each of its names ...
        "3.0",  # a duck has no names of its own
    ]
    assert len(model.param()) == 4  # ... and once here


@given(st.lists(st.sampled_from([Scale(1.0), Scale(2.0), Duck(3.0), Square()]), max_size=6))
def test_each_parameter_is_listed_once(modules: list[Any]) -> None:
    listed = Sequential(*modules, Sequential(*modules)).param()
    assert len({id(p) for p in listed}) == len(listed)
    assert {id(p) for p in listed} == {id(p) for module in modules for p in module.param()}


def test_modes_reach_everything_inside() -> None:
    duck, affine = Duck(1.0), Affine()
    model = Sequential(Sequential(duck), affine)
    parts: list[Any] = [model, model[0], duck, affine, affine.inner]
    assert [part.training for part in parts] == [True] * 5
    assert model.eval() is model
    assert [part.training for part in parts] == [False] * 5
    assert model.train() is model
    assert [part.training for part in parts] == [True] * 5
    model.train(False)
    assert [part.training for part in parts] == [False] * 5


@pytest.mark.parametrize(
    ("before", "message"),
    [
        pytest.param(lambda m: None, "backward without forward", id="no-forward"),
        pytest.param(
            lambda m: (m.forward(1.0), m.backward(1.0)),
            "backward without forward",
            id="one-too-many",
        ),
        pytest.param(
            lambda m: (m.eval(), m.forward(1.0)), "backward in evaluation mode", id="eval-mode"
        ),
        pytest.param(
            lambda m: (m.forward(1.0), m.eval()),
            "backward in evaluation mode",
            id="eval-lets-go-of-what-was-kept",
        ),
        pytest.param(
            lambda m: (m.forward(1.0), m.eval(), m.train()),
            "backward without forward",
            id="eval-and-back",
        ),
    ],
)
@pytest.mark.parametrize("module", [Scale, Square, Quadratic])
def test_backward_at_the_wrong_moment(module: Any, before: Any, message: str) -> None:
    layer = Scale(2.0)
    model = Sequential(Duck(1.0), Sequential(layer))
    before(model)
    with pytest.raises(StateError) as caught:
        model.backward(1.0)
    assert str(caught.value).startswith(f"Sequential[1] › Sequential[0] › Scale(2): {message}")
    assert layer.weight.grad.number in (0.0, 1.0)  # only the backward that was right counted


def test_evaluation_mode_keeps_nothing() -> None:
    model = Sequential(Scale(2.0), Duck(1.0))
    y = model.forward(3.0)
    model.backward(1.0)
    assert model.eval().forward(3.0) == y
    with pytest.raises(StateError):
        model[0].backward(1.0)


COPIES = [
    pytest.param(copy.deepcopy, id="deepcopy"),
    pytest.param(lambda m: pickle.loads(pickle.dumps(m)), id="pickle"),
]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_shares_nothing_with_the_original(copied: Any) -> None:
    model = Sequential(Scale(3.0), Sequential(Duck(2.0), Square()))
    twin = copied(model)
    assert twin.forward(1.0) == model.forward(1.0) == 36.0
    twin.backward(1.0)
    assert [p.grad.item() for p in twin.param()] == [24.0, 36.0]
    assert [p.grad.item() for p in model.param()] == [0.0, 0.0]
    model.backward(1.0)  # it still has its own forward to undo


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_shares_within_itself_what_the_original_shares(copied: Any) -> None:
    scale = Scale(3.0)
    twin = copied(Sequential(scale, scale))
    assert twin[0] is twin[1] is not scale
    assert len(twin.param()) == 1


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_keeps_its_mode_and_what_waits_for_a_backward(copied: Any) -> None:
    model = Sequential(Scale(3.0))
    assert copied(model.eval()).training is False
    model.train().forward(5.0)
    assert copied(model).backward(1.0) == 3.0


def test_a_module_without_a_constructor_of_its_own_takes_no_arguments():
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        Square(3)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Square(nonsense=4)


def test_calling_a_module_runs_forward() -> None:
    model = Sequential(Scale(3.0), Square())
    assert model(2.0) == model.forward(2.0) == 36.0


def test_repr_is_the_tree() -> None:
    model = Sequential(Scale(3.0), Sequential(Square(), Sequential()))
    assert repr(model).splitlines() == [
        "Sequential",
        f"  0: {model[0]!r}",
        "  1: Sequential",
        f"    0: {Square()!r}",
        "    1: Sequential",
    ]
