"""Every gradient and every step against torch: the one file that turns autograd on.

The oracle computes each network a second time, from torch's own functions on leaves that ask
for a gradient; one leaf for each `Parameter`, so that what is shared here is shared there.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from minidl_core import Module, Parameter, Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RELATIVE_GRADIENT = 1e-10
RELATIVE_STEPS = 1e-12
BATCH = 7

ACTIVATIONS: dict[type, Callable[[Tensor], Tensor]] = {
    ReLU: torch.relu,
    Tanh: torch.tanh,
    Sigmoid: torch.sigmoid,
}


# -- the oracle --------------------------------------------------------------------------------


class Oracle:
    """The same function as `module`, of leaves that autograd differentiates."""

    def __init__(self, *modules: Module) -> None:
        self.parameters = {id(p): p for module in modules for p in module.param()}
        self.leaves = {key: p.value.clone().requires_grad_() for key, p in self.parameters.items()}

    def leaf(self, parameter: Parameter) -> Tensor:
        return self.leaves[id(parameter)]

    def forward(self, module: Any, x: Tensor) -> Tensor:
        if isinstance(module, Sequential):
            for child in module:
                x = self.forward(child, x)
            return x
        if hasattr(module, "lift"):  # a stack
            return torch.stack(
                [self.part(module, k).forward(module.model, x[k]) for k in range(len(x))]
            )
        if isinstance(module, Linear):
            bias = None if module.bias is None else self.leaf(module.bias)
            return functional.linear(x, self.leaf(module.weight), bias)
        return ACTIVATIONS[type(module)](x)

    def part(self, stacked: Any, k: int) -> Oracle:
        """The oracle of one model of a stack, whose leaves are slices."""
        part = Oracle()
        own, parameters = stacked.model.named_param(), stacked.named_param()
        part.leaves = {
            id(mine): self.leaf(parameter)[k]
            for (_, mine), (_, parameter) in zip(own, parameters, strict=True)
        }
        return part

    def gradients(self) -> list[tuple[Tensor, Tensor]]:
        """The gradient of each parameter, with the one that autograd gives."""
        return [(p.grad, gradient(self.leaves[key])) for key, p in self.parameters.items()]


def mse(prediction: Tensor, target: Tensor, models: int) -> Tensor:
    """torch's mean squared error, model by model where several are stacked."""
    if not models:
        return functional.mse_loss(prediction, target)
    pairs = zip(prediction, target, strict=True)
    return torch.stack([mse(*pair, models - 1) for pair in pairs])


def gradient(leaf: Tensor) -> Tensor:
    assert leaf.grad is not None
    return leaf.grad


def agree(got: Tensor, expected: Tensor, relative: float) -> None:
    """`got` differs from `expected` by at most `relative` of the largest element."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype == torch.float64
    difference = (got - expected).abs().max().item()
    assert difference <= relative * expected.abs().max().item()


def flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


# -- networks ----------------------------------------------------------------------------------


class Draw:
    """Layers and data in float64, from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def linear(self, n_in: int, n_out: int, bias: bool = True) -> Linear:
        return Linear(n_in, n_out, bias, generator=self.generator, dtype=torch.float64)

    def tensor(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)


def loss_of(module: Any) -> Any:
    """The loss that `train` uses: of each model of a stack."""
    return module.lift(MSELoss()) if hasattr(module, "lift") else MSELoss()


def stacked(models: tuple[int, ...], build: Callable[[], Any]) -> Any:
    """`build` called for every model, and the results put together."""
    if not models:
        return build()
    return stack([stacked(models[1:], build) for _ in range(models[0])])


def report(draw: Draw) -> Sequential:
    return Sequential(
        Sequential(draw.linear(2, 25), ReLU(), draw.linear(25, 25, bias=False), ReLU()),
        Sequential(draw.linear(25, 25, bias=False), ReLU(), draw.linear(25, 2), ReLU()),
    )


def layer_twice(draw: Draw) -> Sequential:
    layer = draw.linear(3, 3)
    return Sequential(layer, Tanh(), layer)


def activation_twice(draw: Draw) -> Sequential:
    tanh = Tanh()
    return Sequential(draw.linear(3, 4), tanh, draw.linear(4, 2), tanh)


def chain_twice(draw: Draw) -> Sequential:
    chain = Sequential(draw.linear(3, 3), Sigmoid())
    return Sequential(chain, Sequential(draw.linear(3, 3, bias=False), chain), ReLU(), chain)


def shared_weight(draw: Draw) -> Sequential:
    first, second = draw.linear(3, 3), draw.linear(3, 3)
    second.weight = first.weight
    return Sequential(first, Tanh(), second)


def deep(draw: Draw) -> Sequential:
    model: Any = draw.linear(3, 3)
    for _ in range(6):
        model = Sequential(model, Tanh(), draw.linear(3, 3))
    return Sequential(model, Sequential(), Sequential(Sequential(Sequential(Sigmoid()))))


class Case(NamedTuple):
    build: Callable[[Draw], Any]
    features: int


CASES = {
    "linear": Case(lambda draw: draw.linear(3, 4), 3),
    "linear-without-bias": Case(lambda draw: draw.linear(3, 4, bias=False), 3),
    "linear-1-to-1": Case(lambda draw: draw.linear(1, 1), 1),
    "relu": Case(lambda draw: ReLU(), 3),
    "tanh": Case(lambda draw: Tanh(), 3),
    "sigmoid": Case(lambda draw: Sigmoid(), 3),
    "empty-chain": Case(lambda draw: Sequential(), 3),
    "report": Case(report, 2),
    "nested-deep": Case(deep, 3),
    "layer-twice": Case(layer_twice, 3),
    "activation-twice": Case(activation_twice, 3),
    "chain-twice-inside-another": Case(chain_twice, 3),
    "shared-weight": Case(shared_weight, 3),
}
MODELS: dict[str, tuple[int, ...]] = {"one": (), "K": (3,), "K=1": (1,), "K1xK2": (2, 3)}

cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
models_in_front = pytest.mark.parametrize("models", MODELS.values(), ids=MODELS.keys())


def gradient_pairs(
    module: Any, xs: list[Tensor], draw: Draw, times: int = 1
) -> list[tuple[Tensor, Tensor]]:
    """What `module` computes in one pass (or the last of several), with what the oracle does.

    The pass is forward on each input in turn, and backward in reverse. The pairs are the
    predictions, losses and input gradients, and last the parameter gradients; autograd's come
    from one loss, the sum over the inputs and over the stacked models.
    """
    models = xs[0].ndim - 2
    oracle = Oracle(module)
    module.eval()
    targets = [draw.tensor(*module.forward(x).shape) for x in xs]
    module.train()
    loss = loss_of(module)
    for _ in range(times):
        predictions = [module.forward(x) for x in xs]
        values = [loss.forward(*pair) for pair in zip(predictions, targets, strict=True)]
        input_grads = [module.backward(loss.backward()) for _ in xs][::-1]

    with torch.enable_grad():
        leaves = [x.clone().requires_grad_() for x in xs]
        expected = [oracle.forward(module, leaf) for leaf in leaves]
        expected_values = [mse(*pair, models) for pair in zip(expected, targets, strict=True)]
        torch.autograd.backward(times * torch.stack(expected_values).sum())

    return [
        *zip(predictions, expected, strict=True),
        *zip(values, expected_values, strict=True),
        *((grad, gradient(leaf) / times) for grad, leaf in zip(input_grads, leaves, strict=True)),
        *oracle.gradients(),
    ]


def check_gradients(module: Any, xs: list[Tensor], draw: Draw, times: int = 1) -> None:
    for got, expected in gradient_pairs(module, xs, draw, times):
        agree(got, expected, RELATIVE_GRADIENT)


# -- gradients ---------------------------------------------------------------------------------


@cases
@models_in_front
def test_gradients(case: Case, models: tuple[int, ...]) -> None:
    draw = Draw()
    module = stacked(models, lambda: case.build(draw))
    check_gradients(module, [draw.tensor(*models, BATCH, case.features)], draw)


@cases
@models_in_front
def test_gradients_of_one_network_on_two_inputs_in_parallel(
    case: Case, models: tuple[int, ...]
) -> None:
    draw = Draw()
    module = stacked(models, lambda: case.build(draw))
    xs = [draw.tensor(*models, batch, case.features) for batch in (BATCH, 3)]
    check_gradients(module, xs, draw)


@cases
def test_gradients_add_up_over_passes(case: Case) -> None:
    draw = Draw()
    check_gradients(case.build(draw), [draw.tensor(BATCH, case.features)], draw, times=3)


@cases
def test_gradients_of_a_transposed_input(case: Case) -> None:
    draw = Draw()
    x = draw.tensor(case.features, BATCH).T
    check_gradients(case.build(draw), [x], draw)


def test_relu_has_derivative_0_at_0() -> None:
    x = torch.tensor([[0.0, -0.0, 1.0, -1.0]], dtype=torch.float64)
    check_gradients(ReLU(), [x], Draw())


@pytest.mark.parametrize("shape", [(), (5,), (5, 2), (3, 5, 2), (2, 3, 5, 2)], ids=str)
def test_loss(shape: tuple[int, ...]) -> None:
    draw = Draw()
    prediction, target = draw.tensor(*shape), draw.tensor(*shape)
    loss = MSELoss()
    value = loss.forward(prediction, target)
    with torch.enable_grad():
        leaf = prediction.clone().requires_grad_()
        expected = mse(leaf, target, 0)
        torch.autograd.backward(expected.sum())
    agree(value, expected, RELATIVE_GRADIENT)
    agree(loss.backward(), gradient(leaf), RELATIVE_GRADIENT)


@st.composite
def networks(choose: Any, draw: Draw, n_in: int) -> Any:
    """A random nested chain from `n_in` features, in which earlier modules may come again."""
    seen: list[tuple[int, int, Any]] = []

    def chain(n_in: int, depth: int) -> tuple[int, Any]:
        n = n_in
        modules = []
        for _ in range(choose(st.integers(0, 4))):
            kind = choose(st.sampled_from(["linear", "activation", "chain", "again", "tied"]))
            fitting = [(n_out, module) for n_seen, n_out, module in seen if n_seen == n]
            if kind == "again" and fitting:
                n_out, module = choose(st.sampled_from(fitting))
            elif kind == "chain" and depth < 3:
                n_out, module = chain(n, depth + 1)
            elif kind == "activation":
                n_out, module = n, choose(st.sampled_from([ReLU, Tanh, Sigmoid]))()
            else:
                n_out = choose(st.integers(1, 5))
                module = draw.linear(n, n_out, choose(st.booleans()))
                tied = [m for _, m in fitting if isinstance(m, Linear) and m.out_features == n_out]
                if kind == "tied" and tied:
                    module.weight = choose(st.sampled_from(tied)).weight
            modules.append(module)
            seen.append((n, n_out, module))
            n = n_out
        return n, Sequential(*modules)

    return chain(n_in, 0)[1]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_gradients_of_random_architectures(data: st.DataObject) -> None:
    draw = Draw(data.draw(st.integers(0, 2**32 - 1), "seed"))
    models = data.draw(st.sampled_from([(), (), (2,), (2, 2)]), "models")
    n_in = data.draw(st.integers(1, 5), "features")
    batches = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=2), "batches")
    network = data.draw(networks(draw, n_in))

    def redrawn() -> Any:
        """A copy with other weights, small enough that no activation is saturated."""
        copy = deepcopy(network)
        for parameter in copy.param():
            parameter.value.copy_(0.4 * draw.tensor(*parameter.value.shape))
        return copy

    module = stacked(models, redrawn)
    pairs = gradient_pairs(module, [draw.tensor(*models, batch, n_in) for batch in batches], draw)
    # together, for a single small gradient can be all rounding
    got, expected = zip(*pairs, strict=True)
    agree(flat(got), flat(expected), RELATIVE_GRADIENT)
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape


# -- steps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [None, 0, 0.5, 0.9])
@pytest.mark.parametrize("name", ["report", "layer-twice", "shared-weight", "nested-deep"])
@pytest.mark.parametrize("models", [(), (3,), (1,)], ids=["one", "K", "K=1"])
def test_ten_steps_of_sgd(name: str, momentum: float | None, models: tuple[int, ...]) -> None:
    """From equal starts, with a learning rate that changes midway."""
    draw = Draw()
    case = CASES[name]
    made: list[Any] = []
    model = stacked(models, lambda: made.append(case.build(draw)) or made[-1])
    oracle = Oracle(model)
    x = draw.tensor(*models, BATCH, case.features)
    batches = [(x, draw.tensor(*model.eval().forward(x).shape)) for _ in range(10)]

    optimizers = [SGD(each.param(), lr=0.1, momentum=momentum) for each in made]
    optimizer: Any = stack(optimizers) if models else optimizers[0]
    values = []
    for step in train(model, MSELoss(), optimizer, batches):
        values.append(step.loss)
        if step.number == 4:
            optimizer.lr = 0.02

    theirs = torch.optim.SGD(oracle.leaves.values(), lr=0.1, momentum=momentum or 0.0)
    for number, (x, target) in enumerate(batches):
        theirs.zero_grad()
        with torch.enable_grad():
            value = mse(oracle.forward(model, x), target, len(models))
            torch.autograd.backward(value.sum())
        theirs.step()
        agree(values[number], value, RELATIVE_STEPS)
        if number == 4:
            theirs.param_groups[0]["lr"] = 0.02

    for key, parameter in oracle.parameters.items():
        agree(parameter.value, oracle.leaves[key], RELATIVE_STEPS)


# -- weights to and from torch -----------------------------------------------------------------


def in_torch(module: Any, made: dict[int, Any]) -> Any:
    """torch.nn's network of the same structure; `made` is what is shared already."""
    if id(module) in made:
        return made[id(module)]
    if isinstance(module, Sequential):
        layer: Any = nn.Sequential(*(in_torch(child, made) for child in module))
    elif isinstance(module, Linear):
        has_bias = module.bias is not None
        layer = nn.Linear(module.in_features, module.out_features, has_bias, dtype=torch.float64)
        layer.weight = made.setdefault(id(module.weight), layer.weight)
        layer.bias = made.setdefault(id(module.bias), layer.bias)
    else:
        layer = {ReLU: nn.ReLU, Tanh: nn.Tanh, Sigmoid: nn.Sigmoid}[type(module)]()
    made[id(module)] = layer
    return layer


@cases
def test_weights_move_to_torch_by_name(case: Case) -> None:
    draw = Draw()
    model = case.build(draw)
    theirs = in_torch(model, {})
    names = [name for name, _ in model.named_param()]
    assert names == list(theirs.state_dict())
    theirs.load_state_dict({name: p.value for name, p in model.named_param()})
    x = draw.tensor(BATCH, case.features)
    agree(model.forward(x), theirs(x), RELATIVE_STEPS)


@cases
def test_weights_move_from_torch_by_name(case: Case) -> None:
    draw = Draw()
    model = case.build(draw)
    theirs = in_torch(model, {})
    weights = theirs.state_dict()
    for name, parameter in model.named_param():
        parameter.value.copy_(weights[name])
    x = draw.tensor(BATCH, case.features)
    agree(model.forward(x), theirs(x), RELATIVE_STEPS)
