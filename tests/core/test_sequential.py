"""A chain of modules: forward in order, backward in reverse, nested without limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl_core import ArgumentError, BaseModule, Module, Sequential

from .fakes import Duck, Scale, Square


class Split(BaseModule):
    """(x, 10 x) of one x."""

    def forward(self, x: float) -> tuple[float, float]:
        return x, 10 * x

    def backward(self, grad_left: float, grad_right: float) -> float:
        return grad_left + 10 * grad_right


class Product(BaseModule):
    """x y of two inputs."""

    def forward(self, x: float, y: float) -> float:
        self.push((x, y))
        return x * y

    def backward(self, grad_output: float) -> tuple[float, float]:
        x, y = self.pop()
        return grad_output * y, grad_output * x


leaves = st.one_of(
    st.builds(Scale, st.sampled_from([-2.0, 0.5, 3.0])),
    st.builds(Duck, st.sampled_from([-1.0, 4.0])),
    st.builds(Square),
)
chains = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4).map(lambda some: Sequential(*some))
)


def leaves_of(module: Module) -> list[Any]:
    if isinstance(module, Sequential):
        return [leaf for child in module for leaf in leaves_of(child)]
    return [module]


@settings(deadline=None)
@given(chains)
def test_nesting_changes_nothing(module: Module) -> None:
    """Any nesting computes what its leaves compute one after another."""
    flat = leaves_of(module)

    y = 0.5
    for leaf in flat:
        y = leaf.forward(y)
    g = 1.0
    for leaf in reversed(flat):
        g = leaf.backward(g)
    expected = [p.grad.number for leaf in flat for p in leaf.param()]
    for leaf in flat:
        for p in leaf.param():
            p.grad.zero_()

    assert module.forward(0.5) == y
    assert module.backward(1.0) == g
    assert [p.grad.number for leaf in flat for p in leaf.param()] == expected


def test_backward_runs_in_reverse() -> None:
    model = Sequential(Square(), Scale(3.0))  # 3 x²
    assert model.forward(5.0) == 75.0
    assert model.backward(1.0) == 30.0


def test_a_module_used_twice_adds_its_gradients() -> None:
    scale = Scale(3.0)
    model = Sequential(scale, Square(), scale)  # w (w x)² = w³ x²
    assert model.forward(2.0) == 108.0
    assert model.backward(1.0) == 108.0  # 2 w³ x
    assert scale.weight.grad.number == 108.0  # 3 w² x²
    assert model.param() == [scale.weight]


def test_a_chain_used_twice_inside_another() -> None:
    inner = Sequential(Scale(3.0))
    model = Sequential(inner, Sequential(inner), Square())  # (w² x)²
    assert model.forward(2.0) == 324.0
    assert model.backward(1.0) == 324.0  # 2 w⁴ x
    assert inner.param()[0].grad.item() == 432.0  # 4 w³ x²


def test_one_chain_on_two_inputs_in_parallel() -> None:
    model = Sequential(Scale(3.0), Square())  # (w x)²
    outputs = model.forward(1.0), model.forward(2.0)
    assert outputs == (9.0, 36.0)
    assert (model.backward(1.0), model.backward(1.0)) == (36.0, 18.0)  # the latest first
    assert model.param()[0].grad.item() == 30.0  # 2 w (1² + 2²)


def test_a_tuple_hands_several_inputs_to_the_next_and_gradients_back() -> None:
    model = Sequential(Scale(3.0), Sequential(Split(), Product()))  # 10 (w x)²
    assert model.forward(2.0) == 360.0
    assert model.backward(1.0) == 360.0  # 20 w² x


def test_takes_and_gives_several_at_its_ends() -> None:
    assert Sequential(Product()).forward(2.0, 3.0) == 6.0
    product = Sequential(Product(), Split())
    assert product.forward(2.0, 3.0) == (6.0, 60.0)
    assert product.backward(1.0, 0.0) == (3.0, 2.0)


def test_an_empty_chain_is_the_identity() -> None:
    empty = Sequential()
    assert empty.forward(2.0) == empty.backward(2.0) == 2.0
    assert empty.forward(1.0, 2.0) == empty.backward(1.0, 2.0) == (1.0, 2.0)
    assert (len(empty), empty.param(), empty.describe()) == (0, [], "|x Sequential:\n| | v")
    assert Sequential(empty, Scale(2.0), empty).forward(3.0) == 6.0


def test_indexes_iterates_and_has_a_length() -> None:
    modules = [Scale(1.0), Square(), Duck(2.0)]
    model = Sequential(*modules)
    assert list(model) == modules
    assert len(model) == 3
    assert (model[0], model[-1]) == (modules[0], modules[2])
    with pytest.raises(IndexError):
        model[3]


def test_a_slice_is_a_chain_of_the_same_modules() -> None:
    model = Sequential(Scale(2.0), Square(), Scale(3.0))
    tail = model[1:]
    assert isinstance(tail, Sequential)
    assert list(tail) == [model[1], model[2]]
    assert tail.forward(2.0) == 12.0
    assert model[::-1].forward(1.0) == 18.0


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_a_slice_keeps_the_mode(mode: bool) -> None:
    assert Sequential(Scale(2.0)).train(mode)[:1].training is mode


class WithoutInfoOrEval:
    training = True

    def forward(self, x: float) -> float:
        return x

    def backward(self, grad_output: float) -> float:
        return grad_output

    def param(self) -> list[Any]:
        return []

    def train(self) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "position", "got"),
    [
        pytest.param(([Square()],), 0, "list", id="list"),
        pytest.param((Square(), Square), 1, "the class Square", id="class"),
        pytest.param((Square(), None), 1, "NoneType", id="nothing"),
        pytest.param((abs,), 0, "builtin_function_or_method", id="function"),
        pytest.param(
            (WithoutInfoOrEval(),), 0, "WithoutInfoOrEval without info, eval", id="missing-methods"
        ),
    ],
)
def test_refuses_what_is_no_module(arguments: tuple[Any, ...], position: int, got: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Sequential(*arguments)
    assert str(caught.value).startswith(
        f"Sequential[{position}]: expected modules, got {got} at position {position}; "
    )
