"""One table of everything that can be put in wrongly, and the one clear error that each gives.

A message begins with its place in the network and says what was expected and what came.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import torch

from minidl_core import (
    ArgumentError,
    DeviceError,
    DtypeError,
    MinidlError,
    NonFiniteError,
    Parameter,
    ParameterError,
    Sequential,
    ShapeError,
    StateError,
    train,
)
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh, stack

if TYPE_CHECKING:
    from collections.abc import Callable

IN_NETWORK = "Sequential[1] › Sequential[0] › Linear(25 → 2)"
NAN = torch.tensor(math.nan)
NO_TENSORS = {"ndarray": np.ones((1, 2)), "list": [[1.0, 2.0]], "NoneType": None, "float": 1.0}


class Case(NamedTuple):
    """What is done, and the error it gives: its class, its place, and parts of its message."""

    do: Callable[[], object]
    error: type[MinidlError]
    place: str | None
    says: tuple[str, ...]


def linear(n_in: int, n_out: int, **options: Any) -> Linear:
    return Linear(n_in, n_out, generator=torch.Generator().manual_seed(0), **options)


def network(**options: Any) -> Sequential:
    """2 → 25 → 2, the second layer at Sequential[1] › Sequential[0]."""
    return Sequential(
        Sequential(linear(2, 25, **options), ReLU()), Sequential(linear(25, 2, **options))
    )


def second(model: Sequential) -> Linear:
    layer: Any = model[1]
    found: Linear = layer[0]
    return found


def forward(module: Any, *shape: int, **options: Any) -> Callable[[], object]:
    return lambda: module.forward(torch.ones(shape, **options))


def into_second(*shape: int, **options: Any) -> Callable[[], object]:
    """The tensor arrives at the second layer of the network, whose first part lets all through."""
    return forward(Sequential(Sequential(), Sequential(linear(25, 2))), *shape, **options)


def loss_of(prediction: torch.Tensor, target: torch.Tensor) -> Callable[[], object]:
    return lambda: MSELoss().forward(prediction, target)


def grad_into(module: Any, *shape: int) -> Callable[[], object]:
    def do() -> None:
        module.forward(torch.ones(3, 2))
        module.backward(torch.ones(shape))

    return do


def backward(module: Any, *before: str) -> Callable[[], object]:
    """backward, after the named methods, which get what fits."""

    def do() -> None:
        for name in before:
            getattr(module, name)(*[torch.ones(1, 2)] * (name != "eval"))
        module.backward(torch.ones(1, 2))

    return do


def training(
    model: Any = None,
    x: torch.Tensor | None = None,
    target: torch.Tensor | None = None,
    batches: Any = None,
    **values: torch.Tensor,
) -> Callable[[], object]:
    """The training of the network on one batch, or on `batches`; `values` fill the second layer."""
    model = network() if model is None else model
    for name, value in values.items():
        getattr(second(model), name).value.copy_(value)
    x = torch.ones(4, 2) if x is None else x
    target = torch.zeros(*x.shape[:-1], 2) if target is None else target
    batches = [(x, target)] if batches is None else batches
    return lambda: list(train(model, MSELoss(), SGD(model.param(), 0.1), batches))


def overflowing() -> Sequential:
    """Weights of 1e30 in each of three layers: the second one's output is infinite in float32."""
    model = Sequential(Sequential(linear(2, 2)), Sequential(linear(2, 2), linear(2, 2)))
    for parameter in model.param():
        parameter.value.fill_(1e30)
    return model


def stack_with_nan(diverged: list[int]) -> tuple[Any, Any]:
    """Three models, of which those are, and the optimizer of them all."""
    models = [network() for _ in range(3)]
    stacked = stack(models)
    for k in diverged:
        stacked.param()[-1].value[k] = NAN
    return stacked, stack([SGD(model.param(), 0.1, 0.9) for model in models])


def with_parameter(name: str, value: torch.Tensor) -> Callable[[], object]:
    layer = linear(2, 3)
    getattr(layer, name).value = value
    return lambda: layer.forward(torch.ones(4, 2))


def training_stack(diverged: list[int]) -> Callable[[], object]:
    model, optimizer = stack_with_nan(diverged)
    batch = torch.ones(3, 4, 2), torch.zeros(3, 4, 2)
    return lambda: list(train(model, MSELoss(), optimizer, [batch]))


CASES = {
    # -- shapes
    "wrong-feature-count": Case(
        into_second(8, 24), ShapeError, IN_NETWORK, ("shape (batch, 25)", "got (8, 24)", "reshape")
    ),
    "wrong-feature-count-of-the-network": Case(
        forward(network(), 8, 3),
        ShapeError,
        "Sequential[0] › Sequential[0] › Linear(2 → 25)",
        ("(batch, 2)", "got (8, 3)"),
    ),
    "layers-that-do-not-fit": Case(
        forward(Sequential(linear(2, 25), Tanh(), linear(2, 2)), 8, 2),
        ShapeError,
        "Sequential[2] › Linear(2 → 2)",
        ("(batch, 2)", "got (8, 25)"),
    ),
    "one-row-of-another-size": Case(
        into_second(24), ShapeError, IN_NETWORK, ("(batch, 25)", "got (24,)")
    ),
    "number": Case(into_second(), ShapeError, IN_NETWORK, ("(batch, 25)", "got ()")),
    "sequences-of-another-size": Case(
        into_second(3, 8, 24), ShapeError, IN_NETWORK, ("(batch, 25)", "got (3, 8, 24)")
    ),
    "no-models-in-front": Case(
        forward(stack_with_nan([])[0], 8, 2),
        ShapeError,
        "stack of 3 Sequential",
        ("the 3 models in front, (3, …)", "got (8, 2)", "x.expand(3, *x.shape)"),
    ),
    "wrong-number-of-models": Case(
        forward(stack_with_nan([])[0], 4, 8, 2),
        ShapeError,
        "stack of 3 Sequential",
        ("the 3 models in front, (3, …)", "got (4, 8, 2)"),
    ),
    "bias-replaced-by-one-number": Case(
        with_parameter("bias", torch.zeros(1)),
        ShapeError,
        "Linear(2 → 3)",
        ("a bias of shape (3,)", "got (1,)"),
    ),
    "weight-replaced-by-its-transpose": Case(
        with_parameter("weight", torch.zeros(2, 3)),
        ShapeError,
        "Linear(2 → 3)",
        ("a weight of shape (3, 2)", "got (2, 3)"),
    ),
    "empty-batch": Case(
        into_second(0, 25), ShapeError, IN_NETWORK, ("at least one row", "shape (0, 25)")
    ),
    "empty-batch-in-training": Case(
        training(x=torch.ones(0, 2)),
        ShapeError,
        "Sequential[0] › Sequential[0] › Linear(2 → 25)",
        ("at least one row", "shape (0, 2)"),
    ),
    "empty-batch-in-the-loss": Case(
        loss_of(torch.ones(0, 2), torch.ones(0, 2)),
        ShapeError,
        "MSELoss",
        ("at least one element", "shape (0, 2)"),
    ),
    "target-that-would-broadcast-rows": Case(
        loss_of(torch.ones(8, 1), torch.ones(8)),
        ShapeError,
        "MSELoss",
        ("prediction (8, 1) and target (8,)", "same shape"),
    ),
    "target-that-would-broadcast-columns": Case(
        loss_of(torch.ones(8, 2), torch.ones(8, 1)),
        ShapeError,
        "MSELoss",
        ("prediction (8, 2) and target (8, 1)", "same shape"),
    ),
    "target-that-would-broadcast-models": Case(
        loss_of(torch.ones(3, 8, 2), torch.ones(8, 2)),
        ShapeError,
        "MSELoss",
        ("prediction (3, 8, 2) and target (8, 2)", "same shape"),
    ),
    "target-of-another-batch": Case(
        training(target=torch.zeros(5, 2)),
        ShapeError,
        "MSELoss",
        ("prediction (4, 2) and target (5, 2)",),
    ),
    **{
        f"gradient-that-would-broadcast-{type(module).__name__}": Case(
            grad_into(Sequential(module), 1, 2),
            ShapeError,
            f"Sequential[0] › {module!r}",
            ("the output's shape (3, 2)", "got (1, 2)"),
        )
        for module in (linear(2, 2), ReLU(), Tanh(), Sigmoid())
    },
    # -- dtypes and devices
    "dtype": Case(
        into_second(8, 25, dtype=torch.float64),
        DtypeError,
        IN_NETWORK,
        ("of the weight, torch.float32", "got torch.float64", "x.to(torch.float32)"),
    ),
    "integer-input": Case(
        into_second(8, 25, dtype=torch.int64),
        DtypeError,
        IN_NETWORK,
        ("torch.float32", "got torch.int64"),
    ),
    "dtype-of-target": Case(
        loss_of(torch.ones(8, 2), torch.ones(8, 2, dtype=torch.int64)),
        DtypeError,
        "MSELoss",
        ("target in the dtype of the prediction, torch.float32", "got torch.int64"),
    ),
    "device": Case(
        into_second(8, 25, device="meta"),
        DeviceError,
        IN_NETWORK,
        ("on the device of the weight, cpu", "got meta", 'x.to("cpu")'),
    ),
    "device-of-parameters": Case(
        forward(network(device="meta"), 8, 2),
        DeviceError,
        "Sequential[0] › Sequential[0] › Linear(2 → 25)",
        ("on the device of the weight, meta", "got cpu"),
    ),
    "device-of-target": Case(
        loss_of(torch.ones(8, 2), torch.ones(8, 2, device="meta")),
        DeviceError,
        "MSELoss",
        ("target on the device of the prediction, cpu", "got meta"),
    ),
    # -- graphs of autograd
    **{
        f"input-with-requires-grad-{type(module).__name__}": Case(
            forward(Sequential(module), 8, 2, requires_grad=True),
            ParameterError,
            f"Sequential[0] › {module!r}",
            ("the input has requires_grad=True", "x.detach()"),
        )
        for module in (linear(2, 2), ReLU(), Tanh(), Sigmoid())
    },
    "prediction-with-requires-grad": Case(
        loss_of(torch.ones(8, 2, requires_grad=True), torch.ones(8, 2)),
        ParameterError,
        "MSELoss",
        ("the prediction has requires_grad=True",),
    ),
    "target-with-requires-grad": Case(
        loss_of(torch.ones(8, 2), torch.ones(8, 2, requires_grad=True)),
        ParameterError,
        "MSELoss",
        ("the target has requires_grad=True",),
    ),
    # -- order of calls
    **{
        f"backward-without-forward-{type(module).__name__}": Case(
            backward(Sequential(Sequential(), module)),
            StateError,
            f"Sequential[1] › {module!r}",
            ("backward without forward", "expected a forward in training mode"),
        )
        for module in (linear(2, 2), ReLU(), Tanh(), Sigmoid())
    },
    "backward-once-too-often": Case(
        backward(Sequential(Sequential(), linear(2, 2)), "forward", "backward"),
        StateError,
        "Sequential[1] › Linear(2 → 2)",
        ("backward without forward",),
    ),
    "backward-without-forward-of-the-loss": Case(
        MSELoss().backward, StateError, "MSELoss", ("backward without forward",)
    ),
    "backward-of-the-loss-in-eval-mode": Case(
        MSELoss().eval().backward, StateError, "MSELoss", ("backward in evaluation mode",)
    ),
    **{
        f"backward-in-eval-mode-{type(module).__name__}": Case(
            backward(Sequential(Sequential(), module), "eval", "forward"),
            StateError,
            f"Sequential[1] › {module!r}",
            ("backward in evaluation mode", "call train()"),
        )
        for module in (linear(2, 2), ReLU(), Tanh(), Sigmoid())
    },
    # -- parameters
    # -- what is no tensor
    **{
        f"{name}-of-{given[0]}": Case(
            lambda layer=layer, given=given: layer.forward(given[1]),  # type: ignore[misc]
            DtypeError,
            repr(layer),
            ("the input as a tensor", f"got {given[0]}", "torch.as_tensor(x)"),
        )
        for name, layer in {
            "linear": linear(2, 25),
            "relu": ReLU(),
            "tanh": Tanh(),
            "sigmoid": Sigmoid(),
        }.items()
        for given in NO_TENSORS.items()
    },
    **{
        f"target-of-{name}": Case(
            lambda given=given: MSELoss().forward(torch.ones(1, 2), given),  # type: ignore[misc]
            DtypeError,
            "MSELoss",
            ("the target as a tensor", f"got {name}"),
        )
        for name, given in NO_TENSORS.items()
    },
    "parameter-that-is-a-list": Case(
        lambda: Parameter([1.0, 2.0]),  # type: ignore[arg-type]
        ParameterError,
        None,
        ("must be a torch.Tensor", "got list", "torch.as_tensor"),
    ),
    "parameter-that-is-an-array": Case(
        lambda: Parameter(torch.ones(2).numpy()),  # type: ignore[arg-type]
        ParameterError,
        None,
        ("must be a torch.Tensor", "got ndarray"),
    ),
    "parameter-of-integers": Case(
        lambda: Parameter(torch.ones(2, dtype=torch.int64)),
        ParameterError,
        None,
        ("floating-point dtype", "got torch.int64", ".to(torch.float32)"),
    ),
    "parameter-of-complex-numbers": Case(
        lambda: Parameter(torch.ones(2, dtype=torch.complex64)),
        ParameterError,
        None,
        ("floating-point dtype", "got torch.complex64"),
    ),
    "parameter-with-requires-grad": Case(
        lambda: Parameter(torch.ones(2, requires_grad=True)),
        ParameterError,
        None,
        ("must not record a graph", "tensor.detach()"),
    ),
    "parameter-of-torch.nn": Case(
        lambda: Parameter(torch.nn.Parameter(torch.ones(2))),
        ParameterError,
        None,
        ("must not record a graph",),
    ),
    "gradient-of-another-shape": Case(
        lambda: Parameter(torch.ones(2, 3), torch.ones(3)),
        ShapeError,
        None,
        ("of shape (2, 3)", "got (3,)"),
    ),
    "gradient-of-another-dtype": Case(
        lambda: Parameter(torch.ones(2), torch.ones(2, dtype=torch.float64)),
        ParameterError,
        None,
        ("torch.float32 on cpu", "got torch.float64 on cpu"),
    ),
    "gradient-on-another-device": Case(
        lambda: Parameter(torch.ones(2), torch.ones(2, device="meta")),
        ParameterError,
        None,
        ("torch.float32 on cpu", "got torch.float32 on meta"),
    ),
    # -- optimizers
    "optimizer-of-nothing": Case(
        lambda: SGD([], 0.1), ArgumentError, "SGD", ("at least one parameter", "got none")
    ),
    "optimizer-of-a-model-without-parameters": Case(
        lambda: SGD(ReLU().param(), 0.1), ArgumentError, "SGD", ("got none",)
    ),
    "optimizer-of-a-module": Case(
        lambda: SGD(linear(2, 2), 0.1),  # type: ignore[arg-type]
        ArgumentError,
        "SGD",
        ("expected parameters", "got Linear", "model.param()"),
    ),
    "optimizer-of-a-chain": Case(
        lambda: SGD(network(), 0.1),  # type: ignore[arg-type]
        ArgumentError,
        "SGD",
        ("expected parameters", "got Sequential at position 0", "model.param()"),
    ),
    "optimizer-of-tensors": Case(
        lambda: SGD([torch.ones(2)], 0.1),  # type: ignore[list-item]
        ArgumentError,
        "SGD",
        ("expected parameters", "got Tensor at position 0"),
    ),
    **{
        f"learning-rate-{lr!r}": Case(
            lambda lr=lr: SGD(network().param(), lr),  # type: ignore[misc]
            ArgumentError,
            "SGD",
            ("lr must be a finite number of at least 0", f"got {lr!r}"),
        )
        for lr in (-0.1, math.nan, math.inf, "0.1", None)
    },
    **{
        f"momentum-{momentum!r}": Case(
            lambda momentum=momentum: SGD(network().param(), 0.1, momentum),  # type: ignore[misc]
            ArgumentError,
            "SGD",
            ("momentum must be a finite number of at least 0", f"got {momentum!r}"),
        )
        for momentum in (-0.9, math.nan, "0.9")
    },
    # -- training
    "no-batches": Case(
        training(batches=[]), ArgumentError, "train", ("at least one batch", "got none")
    ),
    "batch-without-target": Case(
        training(batches=[torch.ones(4, 2)]),
        ArgumentError,
        "train › batch 0",
        ("pair (input, target)", "got Tensor"),
    ),
    "batch-that-is-a-number": Case(
        training(batches=torch.ones(3)),
        ArgumentError,
        "train › batch 0",
        ("pair (input, target)", "got Tensor"),
    ),
    "nan-in-the-input": Case(
        training(x=NAN.expand(4, 2)),
        NonFiniteError,
        "train › batch 0",
        ("the input has NaN or infinite elements", "loss of step 0 is nan"),
    ),
    "infinity-in-the-target": Case(
        training(target=torch.full((4, 2), math.inf)),
        NonFiniteError,
        "train › batch 0",
        ("the target has NaN or infinite elements", "loss of step 0 is inf"),
    ),
    "nan-in-a-later-batch": Case(
        training(batches=[(torch.ones(4, 2), torch.full((4, 2), x)) for x in (1.0, math.nan)]),
        NonFiniteError,
        "train › batch 1",
        ("the target has NaN", "loss of step 1 is nan"),
    ),
    "nan-in-a-weight": Case(
        training(weight=NAN), NonFiniteError, IN_NETWORK, ("a parameter has NaN",)
    ),
    "infinity-in-a-bias": Case(
        training(bias=torch.tensor(math.inf)),
        NonFiniteError,
        IN_NETWORK,
        ("a parameter has NaN or infinite elements", "loss of step 0 is inf"),
    ),
    "overflow-in-a-middle-layer": Case(
        training(overflowing()),
        NonFiniteError,
        "Sequential[1] › Sequential[0] › Linear(2 → 2)",
        ("its output is the first that has NaN or infinite elements",),
    ),
    "overflow-in-the-loss": Case(
        training(target=torch.full((4, 2), 1e30)),
        NonFiniteError,
        "MSELoss",
        ("prediction and target are finite", "loss of step 0 is inf"),
    ),
    "every-stacked-model-diverged": Case(
        training_stack([0, 1, 2]),
        NonFiniteError,
        "stack of 3 Sequential",
        ("a parameter has NaN", "loss of step 0 is [nan, nan, nan]"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bad_input(case: Case) -> None:
    with pytest.raises(case.error) as caught:
        case.do()
    assert type(caught.value) is case.error
    place = f"{case.place}: " if case.place else ""
    message = str(caught.value)
    assert message.startswith(place)
    assert " › ".join(caught.value.path) == (case.place or "")
    for part in case.says:
        assert part in message.removeprefix(place)


def test_a_step_whose_loss_is_no_number_changes_no_parameter() -> None:
    model = network()
    good = torch.ones(4, 2), torch.zeros(4, 2)
    bad = torch.ones(4, 2), torch.full((4, 2), 1e30)
    alone = network()
    list(train(alone, MSELoss(), SGD(alone.param(), 0.1), [good]))
    with pytest.raises(NonFiniteError):
        list(train(model, MSELoss(), SGD(model.param(), 0.1), [good, bad, good]))
    for ours, theirs in zip(model.param(), alone.param(), strict=True):
        assert ours.value.equal(theirs.value)


def test_a_diverged_model_of_a_stack_leaves_the_others_training() -> None:
    generator = torch.Generator().manual_seed(1)
    x, target = torch.randn(2, 5, 4, 2, generator=generator)
    (stacked, optimizer), alone = stack_with_nan([1]), network()
    batches = [(a.expand(3, -1, -1), b.expand(3, -1, -1)) for a, b in zip(x, target, strict=True)]
    steps = list(train(stacked, MSELoss(), optimizer, batches))
    assert [step.loss.isfinite().tolist() for step in steps] == [[True, False, True]] * 5
    list(train(alone, MSELoss(), SGD(alone.param(), 0.1, 0.9), zip(x, target, strict=True)))
    for ours, theirs in zip(stacked.param(), alone.param(), strict=True):
        for k in (0, 2):
            torch.testing.assert_close(ours.value[k], theirs.value)
