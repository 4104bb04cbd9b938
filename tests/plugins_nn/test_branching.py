"""Containers that branch and merge, against the same network in torch."""

from __future__ import annotations

import pytest
import torch

from minidl_core import ArgumentError, BaseModule, DtypeError, Sequential, ShapeError
from minidl_plugins_nn import (
    LSTM,
    Add,
    Bilinear,
    Concatenate,
    Each,
    Embedding,
    Multiply,
    Parallel,
    Partition,
    Residual,
    Select,
)

from .twins import assert_same, doubles, numbers


class Quadratic(BaseModule):
    """y = (w x)²: its derivative depends on x, so a wrong order of backwards shows."""

    def __init__(self, size):
        self.weight = Embedding(1, size, dtype=torch.float64).weight

    def forward(self, x):
        self.push(x)
        return (self.weight.value * x) ** 2

    def backward(self, grad_output):
        x = self.pop()
        wx = self.weight.value * x
        self.weight.grad += (grad_output * 2 * wx * x).sum(0, keepdim=True)
        return grad_output * 2 * wx * self.weight.value


class Twin(torch.nn.Module):
    """A function of the inputs and of the weights of some `Quadratic`, by the paths they have."""

    def __init__(self, mine, function):
        super().__init__()
        self.function = function
        self.names = []
        shared = {}
        for path, parameter in mine.named_param():
            if id(parameter) not in shared:
                shared[id(parameter)] = torch.nn.Parameter(parameter.value.clone())
                self.names.append(path)
            self.register_parameter(path.replace(".", "-"), shared[id(parameter)])

    def state_dict(self, *args):
        return {name.replace("-", "."): value for name, value in super().state_dict().items()}

    def named_parameters(self, **_):
        named = super().named_parameters(remove_duplicate=False)
        return [(name.replace("-", "."), value) for name, value in named]

    def forward(self, *inputs):
        weights = [getattr(self, name.replace(".", "-")) for name in self.names]
        return self.function(*inputs, *weights)


def q(w, x):
    return (w * x) ** 2


def check(mine, function, *inputs):
    assert_same(mine, Twin(mine, function), *inputs)


def test_residual_adds_its_input():
    check(Residual(Quadratic(3)), lambda x, w: x + q(w, x), doubles(4, 3))


def test_residual_with_a_shortcut_that_shares_a_part():
    part = Quadratic(3)
    mine = Residual(Sequential(part, Quadratic(3)), part)
    check(mine, lambda x, w, v: q(w, x) + q(v, q(w, x)), doubles(4, 3))


def test_nested_residuals():
    mine = Residual(Residual(Quadratic(3)))
    check(mine, lambda x, w: x + x + q(w, x), doubles(4, 3))


def test_parallel_gives_all_branches_the_same_input():
    mine = Parallel(Quadratic(3), Sequential(), Quadratic(3))
    check(mine, lambda x, w, v: (q(w, x), x, q(v, x)), doubles(4, 3))


def test_parallel_branches_may_share_a_part():
    part = Quadratic(3)
    mine = Parallel(part, Sequential(part, part), Sequential(Quadratic(3), part))
    check(mine, lambda x, w, v: (q(w, x), q(w, q(w, x)), q(w, q(v, x))), doubles(4, 3))


def test_parallel_branches_of_two_inputs():
    mine = Parallel(Add(), Sequential(Each(Quadratic(3), Sequential()), Multiply()))
    check(mine, lambda x, y, w: (x + y, q(w, x) * y), doubles(4, 3), doubles(4, 3, seed=1))


def test_each_gives_every_branch_its_input():
    part = Quadratic(3)
    mine = Each(part, Sequential(), part)
    inputs = doubles(4, 3), doubles(2, 2), doubles(5, 3, seed=1)
    check(mine, lambda x, y, z, w: (q(w, x), y, q(w, z)), *inputs)


def test_branches_of_whole_numbers_have_no_gradient():
    tables = [Embedding(5, 3, dtype=torch.float64) for _ in range(2)]
    model = Sequential(Parallel(*tables), Add())
    x = numbers(5, 4)
    y = model.forward(x)
    assert torch.equal(y, tables[0].weight.value[x] + tables[1].weight.value[x])
    assert model.backward(torch.ones_like(y)) is None
    assert torch.equal(tables[0].weight.grad, tables[1].weight.grad)
    assert tables[0].weight.grad.sum() == 12


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4), ()])
def test_merges_agree_with_torch(count, shape):
    inputs = [doubles(*shape, seed=seed) for seed in range(count)]
    inputs[0] = torch.zeros_like(inputs[0])  # a product with a zero among its factors
    check(Add(), lambda *x: sum(x), *inputs)
    check(Multiply(), lambda *x: torch.stack(x).prod(0), *inputs)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_concatenate_and_split_agree_with_torch(dim):
    shapes = [[2, 3, 4] for _ in range(3)]
    for size, shape in enumerate(shapes, 1):
        shape[dim] = size
    inputs = [doubles(*shape) for shape in shapes]
    check(Concatenate(dim), lambda *x: torch.cat(x, dim), *inputs)
    whole = torch.cat(inputs, dim)
    check(Partition([1, 2, 3], dim), lambda x: x.split([1, 2, 3], dim), whole)


@pytest.mark.parametrize("index", [0, 1, -1])
def test_select_gives_the_others_a_gradient_of_zero(index):
    inputs = doubles(4, 3), doubles(2), doubles(1, 5)
    check(Select(index), lambda *x: x[index], *inputs)


def test_select_goes_on_with_the_outputs_of_an_lstm():
    lstm = LSTM(3, 4, dtype=torch.float64)
    model = Sequential(lstm, Select(0))
    x, dy = doubles(5, 2, 3), doubles(5, 2, 4)
    y = model.forward(x)
    assert torch.equal(y, lstm.eval().forward(x)[0])
    model.train()
    model.forward(x)
    dx = model.backward(dy)
    lstm.forward(x)
    assert torch.equal(dx, lstm.backward(dy))


def test_parts_are_named_by_their_place():
    model = Parallel(Quadratic(2), Residual(Quadratic(3), Quadratic(3)))
    names = ["0.weight", "1.inner.weight", "1.shortcut.weight"]
    assert [name for name, _ in model.named_param()] == names


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Parallel(), "expected modules"),
        (lambda: Each(1), "0 must be a module, got 1"),
        (lambda: Residual(Add), "inner must be a module"),
        (lambda: Residual(Add(), 3), "shortcut must be a module"),
        (lambda: Partition([3]), "sizes must be two or more"),
        (lambda: Partition([3, 0]), "sizes must be two or more"),
    ],
)
def test_refuses_arguments_it_cannot_use(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


X, Y = torch.zeros(4, 3), torch.zeros(4, 1)


@pytest.mark.parametrize(
    ("layer", "inputs", "words"),
    [
        (Add(), (X, Y), "expected inputs of one shape"),
        (Multiply(), (X, Y), "expected inputs of one shape"),
        (Add(), (), "expected at least one input"),
        (Concatenate(0), (X, Y), "differ in dimension 0 alone"),
        (Concatenate(), (X, X[0]), "differ in dimension -1 alone"),
        (Concatenate(2), (X, X), "differ in dimension 2 alone"),
        (Partition([1, 1]), (X,), "expected 2 in dimension -1"),
        (Select(2), (X, X), "expected an input 2"),
        (Select(0), ((X, X), X), "expected input 0 to be a tensor"),
        (Each(Add(), Add()), (X,), "expected an input for each of 2"),
        (Parallel(Parallel(Add(), Add())), (X,), "expected one output from branch 0"),
        (
            Residual(Sequential(Partition([1, 2]), Select(0))),
            (X,),
            "give the shape of the shortcut",
        ),
    ],
)
def test_refuses_inputs_that_do_not_fit(layer, inputs, words):
    with pytest.raises(ShapeError, match=words):
        layer.forward(*inputs)


def test_merges_refuse_inputs_of_two_dtypes():
    with pytest.raises(DtypeError, match="input 2"):
        Add().forward(X, X.double())


def test_an_error_says_in_which_branch():
    model = Parallel(Sequential(), Residual(Bilinear(3, 3, 3)))
    with pytest.raises(TypeError) as error:
        model.forward(X)
    assert "missing 1 required positional argument" in str(error.value)
    with pytest.raises(ShapeError) as refused:
        Parallel(Sequential(), Sequential(Partition([1, 1]))).forward(X)
    assert refused.value.path == ["Parallel[1]", "Sequential[0]", "Partition"]
