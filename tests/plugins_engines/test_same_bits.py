"""Whatever happens to model, loss and optimizer, an engine trains them to the bits of ``eager``."""

from __future__ import annotations

import copy
import gc
import os
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch

from minidl_core import NonFiniteError, Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Tanh, stack
from minidl_plugins_engines import MismatchWarning, agrees_with_eager, explain

from . import cases
from .cases import SETUPS, batch_of, generator, linear, rows

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 20
PROGRAMS = int(os.environ.get("MINIDL_RANDOM_PROGRAMS", "60"))


def state_of(setup: Any) -> list[torch.Tensor]:
    model, loss, optimizer = setup
    tensors = [tensor for p in model.param() for tensor in p]
    tensors += [buffer for part in (model, loss) for _, buffer in named_buffers(part)]
    return [*tensors, *tensors_in(optimizer.state_dict())]


def named_buffers(part: Any) -> Any:
    return getattr(part, "named_buffers", list)()


def tensors_in(state: Any) -> list[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        return [state]
    if isinstance(state, dict):
        state = list(state.values())
    if isinstance(state, (list, tuple)):
        return [tensor for item in state for tensor in tensors_in(item)]
    return []


def trained(
    setup: Any, name: str, engine: str, between: Callable[[Any, int], None] | None = None
) -> list[torch.Tensor]:
    """Losses and predictions of all steps, and the state after them."""
    seen = []
    for step in range(STEPS):
        if between is not None:
            between(setup, step)
        (done,) = train(*setup, [batch_of(name, step)], engine=engine)
        seen += [done.loss.clone(), done.prediction.clone()]
    return [*seen, *(tensor.clone() for tensor in state_of(setup))]


def assert_same_bits(name: str, between: Callable[[Any, int], None] | None = None) -> None:
    make = SETUPS[name]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the engine does for small steps: threads add up in another order
    try:
        expected = trained(make(), name, "eager", between)
    finally:
        torch.set_num_threads(threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MismatchWarning)  # of components that lie on purpose
        got = trained(make(), name, "replay", between)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert torch.equal(a, b) or bool((a.isnan() == b.isnan()).all() and a.isnan().any())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", SETUPS)
def test_every_setup(name: str, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert_same_bits(name)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def at(when: int, change: Callable[[Any, Any, Any], None]) -> Callable[[Any, int], None]:
    """Do `change` to model, loss and optimizer before step `when`."""
    return lambda setup, step: change(*setup) if step == when else None


def set_rate(setup: Any, step: int) -> None:
    setup[2].lr = 0.05 / (1 + step)


def wrap_forward(model: Any, loss: Any, optimizer: Any) -> None:
    layer = model[0]
    plain = layer.forward
    layer.forward = lambda x: plain(x) * 2


def look_in_evaluation(setup: Any, step: int) -> None:
    if step % 4 == 3:
        setup[0].eval()
        setup[0].forward(rows())


def replace_value(model: Any, loss: Any, optimizer: Any) -> None:
    model[0].weight.value = model[0].weight.value * 0.5


def load(model: Any, loss: Any, optimizer: Any) -> None:
    model.load_state_dict({name: t * 0.9 for name, t in model.state_dict().items()})


def grow(model: Any, loss: Any, optimizer: Any) -> None:
    model._modules = (*model._modules, Tanh())


CHANGES: dict[str, tuple[str, Callable[[Any, int], None]]] = {
    "the learning rate at every step": ("report", set_rate),
    "the momentum": ("report", at(9, lambda m, j, o: setattr(o, "momentum", 0.5))),
    "a rate of Adam": ("Adam", set_rate),
    "a method on the instance": ("report", at(9, wrap_forward)),
    "an attribute": ("numbers in attributes", at(9, lambda m, j, o: setattr(m[1], "scale", 3.0))),
    "an item of a dict": (
        "numbers in attributes",
        at(9, lambda m, j, o: m[1].cfg.update(slope=3.0)),
    ),
    "an attribute of a plain loss": (
        "a loss that inherits nothing",
        at(9, lambda m, j, o: setattr(j, "w", 10.0)),
    ),
    "evaluation in between": ("dropout", look_in_evaluation),
    "a value replaced": ("report", at(9, replace_value)),
    "a loaded state": ("batch norm", at(9, load)),
    "another layer": ("report", at(9, grow)),
    "a gradient replaced": (
        "report",
        at(9, lambda m, j, o: setattr(m[0].weight, "grad", torch.ones_like(m[0].weight.grad))),
    ),
    "a layer appended to a list": (
        "a list of layers",
        at(9, lambda m, j, o: m[0].layers.append(Tanh())),
    ),
    "a layer of a list replaced": (
        "a list of layers",
        at(9, lambda m, j, o: m[0].layers.__setitem__(1, ReLU())),
    ),
    "a buffer of the loss replaced": (
        "a loss with a buffer",
        at(9, lambda m, j, o: setattr(j, "scale", torch.tensor(2.0))),
    ),
    "a generator seeded anew": (
        "dropout",
        at(9, lambda m, j, o: m[1].generator.manual_seed(9)),
    ),
    "a generator replaced": (
        "dropout",
        at(9, lambda m, j, o: setattr(m[1], "generator", generator(9))),
    ),
    "the probability of dropout": ("dropout", at(9, lambda m, j, o: setattr(m[1], "p", 0.25))),
    "a value written in place": ("Adam", at(9, lambda m, j, o: m[0].weight.value.zero_())),
    "the state of the optimizer loaded": (
        "AdamW",
        at(9, lambda m, j, o: o.load_state_dict(o.state_dict())),
    ),
    "the norm to clip at": ("clipped", at(9, lambda m, j, o: setattr(o, "max_norm", 10.0))),
    "the limit of waiting forwards": (
        "report",
        at(9, lambda m, j, o: setattr(m[0], "max_pending", 50)),
    ),
    "a layer in evaluation behaviour": (
        "batch norm",
        at(9, lambda m, j, o: setattr(m[1], "frozen", True)),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changes_between_steps(what: str) -> None:
    name, between = CHANGES[what]
    assert_same_bits(name, between)


@pytest.mark.parametrize("where", ["class", "module"])
def test_changes_of_classes_and_globals(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(setup: Any, step: int) -> None:
        if where == "class":
            monkeypatch.setattr(cases.Doubled, "slope", 2.0 if step < 9 else 5.0)
        else:
            monkeypatch.setattr(cases, "FACTOR", 1.5 if step < 9 else 5.0)

    assert_same_bits("numbers in attributes" if where == "class" else "a module global", change)


def test_batches_of_many_shapes_and_dtypes() -> None:
    def batches() -> Any:
        for step in range(40):
            n = (8, 5, 1, 8)[step % 4]
            yield rows(n, seed=step), rows(n, seed=step + 100)

    model, loss, optimizer = SETUPS["report"]()
    assert agrees_with_eager(model, loss, optimizer, batches()) == []


def test_a_loss_that_is_no_number_changes_nothing() -> None:
    model, loss, optimizer = SETUPS["batch norm"]()
    list(train(model, loss, optimizer, [batch_of("", s) for s in range(8)], engine="replay"))
    before = [tensor.clone() for tensor in state_of((model, loss, optimizer))]
    bad = rows().fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="the input has NaN"):
        list(train(model, loss, optimizer, [(bad, rows())], engine="replay"))
    values = [p.value for p in model.param()] + [b for _, b in model.named_buffers()]
    assert all(tensor.isfinite().all() for tensor in values)
    for a, b in zip(state_of((model, loss, optimizer))[::2], before[::2], strict=True):
        assert torch.equal(a, b) or a.shape == b.shape
    step = list(train(model, loss, optimizer, [(rows(), rows())], engine="replay"))
    assert step[0].loss.isfinite()


def test_a_false_declaration_is_told_once_and_not_believed() -> None:
    """It says that it is traceable, and draws from a generator that nobody sees."""

    class Lies(Tanh):
        traceable = True

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Lies.calls += 1
            return super().forward(x) * (1.0 if Lies.calls % 2 else 0.5)

        calls = 0

    model = Sequential(linear()(), Lies())
    optimizer = SGD(model.param(), 0.1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        loss = MSELoss()
        for step in range(30):
            list(train(model, loss, optimizer, [batch_of("", step)], engine="replay"))
    assert explain(model, loss, optimizer).startswith("not traced")
    assert len([w for w in told if issubclass(w.category, MismatchWarning)]) <= 1


def test_it_says_what_is_traced() -> None:
    model, loss, optimizer = SETUPS["report"]()
    assert "traced" in explain(model, loss, optimizer)
    list(train(model, loss, optimizer, [batch_of("", s) for s in range(8)], engine="replay"))
    assert explain(model, loss, optimizer).startswith("the whole step is traced")
    assert explain(*SETUPS["a loss that inherits nothing"]()).startswith("not traced")


def test_a_deleted_model_frees_its_memory_at_once() -> None:
    gc.collect()
    gc.disable()
    try:
        model, loss, optimizer = SETUPS["report"]()
        list(train(model, loss, optimizer, [batch_of("", s) for s in range(8)], engine="replay"))
        value = weakref.ref(model.param()[0].value)
        module = weakref.ref(model)
        del model, optimizer
        assert module() is None
        assert value() is None
    finally:
        gc.enable()


def test_a_copy_trains_on_its_own() -> None:
    model, loss, optimizer = SETUPS["report"]()
    list(train(model, loss, optimizer, [batch_of("", s) for s in range(8)], engine="replay"))
    twin, its_loss, its_optimizer = copy.deepcopy((model, loss, optimizer))
    before = [p.value.clone() for p in model.param()]
    list(train(twin, its_loss, its_optimizer, [batch_of("", 9)], engine="replay"))
    assert all(torch.equal(p.value, b) for p, b in zip(model.param(), before, strict=True))
    list(train(model, loss, optimizer, [batch_of("", 9)], engine="replay"))
    pairs = zip(model.param(), twin.param(), strict=True)
    assert all(torch.equal(p.value, q.value) for p, q in pairs)


def test_a_stack_of_models_with_a_rate_each() -> None:
    def made() -> Any:
        models = [Sequential(linear()(), Tanh(), linear(3, 3)()) for _ in range(4)]
        for k, model in enumerate(models):
            for parameter in model.param():
                parameter.value.mul_(1 + 0.1 * k)
        together = stack(models)
        rates = (0.01, 0.02, 0.05, 0.1)
        pairs = zip(models, rates, strict=True)
        return together, MSELoss(), stack([SGD(m.param(), lr, 0.9) for m, lr in pairs])

    results = []
    for engine in ("eager", "replay"):
        model, loss, optimizer = made()
        for step in range(STEPS):
            x, y = batch_of("", step)
            batch = (x.expand(4, -1, -1), y.expand(4, -1, -1))
            list(train(model, loss, optimizer, [batch], engine=engine))
        results.append([p.value.clone() for p in model.param()])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def random_network(seed: int) -> Any:
    g = generator(seed)

    def draw(n: int) -> int:
        return int(torch.randint(n, (), generator=g))

    width = 1 + draw(6)
    layers: list[Any] = [Linear(3, width, generator=g)]
    for _ in range(draw(5)):
        kind = draw(4)
        if kind == 0:
            layers.append(layers[draw(len(layers))])  # used a second time, where it fits
            if isinstance(layers[-1], Linear) and layers[-1].in_features != width:
                layers.pop()
        elif kind == 1:
            layers.append(Linear(width, width, bool(draw(2)), generator=g))
        else:
            layers.append((ReLU, Tanh)[draw(2)]())
    layers.append(Linear(width, 3, generator=g))
    model = Sequential(*layers)
    return model, MSELoss(("mean", "sum")[draw(2)]), SGD(model.param(), 0.01, (0.0, 0.9)[draw(2)])  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_networks(seed: int) -> None:
    batches = [batch_of("", step) for step in range(9)]
    assert agrees_with_eager(*random_network(seed), batches) == []
