"""A replayed pass gives the bits of a plain one, and is given up when anything about it changed."""

from __future__ import annotations

import copy
import pickle
import weakref
from collections import deque
from typing import TYPE_CHECKING, ClassVar

import pytest
import torch
from minidl_core.gradient_pass import is_replayable
from torch.overrides import TorchFunctionMode

from minidl_core import BaseModule, NonFiniteError, Parameter, Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor


def report(generator: torch.Generator, **like: torch.dtype) -> Sequential:
    def linear(i: int, o: int, bias: bool = True) -> Linear:
        return Linear(i, o, bias, generator=generator, **like)

    return Sequential(
        Sequential(linear(2, 25), ReLU(), linear(25, 25, False), ReLU()),
        Sequential(linear(25, 25, False), ReLU(), linear(25, 2), ReLU()),
    )


def shared(generator: torch.Generator) -> Sequential:
    layer, part = Linear(2, 2, generator=generator), Sequential(Tanh(), ReLU())
    return Sequential(layer, part, layer, part, Sigmoid(), layer)


def tied(generator: torch.Generator) -> Sequential:
    first, second = Linear(2, 2, generator=generator), Linear(2, 2, generator=generator)
    second.weight = first.weight
    return Sequential(first, Tanh(), second)


def of_stacks(generator: torch.Generator) -> Sequential:
    return stack([stack([report(generator) for _ in range(3)]) for _ in range(2)])


class Gated(BaseModule):
    """Y = s · X, with s = Σₙ Xₙ: one operand is smaller than the result."""

    replayable = True

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return x.sum(-2, keepdim=True) * x

    # dX = s · dY + Σₙ Xₙ · dYₙ
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        return x.sum(-2, keepdim=True) * grad_output + (x * grad_output).sum(-2, keepdim=True)


class Counting(BaseModule):
    """Y = X + 2 + X 1 / 8: what a factory made is written to in several ways, and kept."""

    replayable = True

    def forward(self, x: Tensor) -> Tensor:
        twos = x.new_zeros(x.shape)
        twos += 2
        ones = torch.ones_like(x)
        self.push(ones)
        sums = x.new_zeros(x.shape).addmm_(x, x.new_ones(2, 2))
        return x + ones * twos + x.new_ones(x.shape) * sums * 0.125

    # dX = dY + dY 1 / 8
    def backward(self, grad_output: Tensor) -> Tensor:
        ones: Tensor = self.pop()
        grad = grad_output.new_ones(grad_output.shape).mul_(grad_output) * ones
        return grad + grad_output @ grad_output.new_ones(2, 2) * 0.125


class Constant(Tanh):
    """Y = 1."""

    replayable = True

    def forward(self, x: Tensor) -> Tensor:
        super().forward(x)
        return torch.ones_like(x)


NETWORKS: dict[str, Callable[[torch.Generator], Sequential]] = {
    "the report's": report,
    "float64": lambda g: report(g, dtype=torch.float64),
    "bfloat16": lambda g: report(g, dtype=torch.bfloat16),
    "shared": shared,
    "tied": tied,
    "one layer": lambda g: Sequential(Linear(2, 2, generator=g)),
    "activations first and last": lambda g: Sequential(
        Tanh(), Linear(2, 2, False, generator=g), Sigmoid(), ReLU(), Tanh()
    ),
    "two activations in a row": lambda g: Sequential(Linear(2, 2, generator=g), ReLU(), Sigmoid()),
    "stacked": lambda g: stack([report(g) for _ in range(3)]),
    "a stack of stacks": of_stacks,
    "an empty part": lambda g: Sequential(Sequential(), Linear(2, 2, generator=g), Sequential()),
    "broadcast": lambda g: Sequential(Linear(2, 2, generator=g), Tanh(), Gated(), Tanh()),
    "factories": lambda g: Sequential(
        Linear(2, 2, generator=g), Counting(), Tanh(), Counting(), Counting()
    ),
    "large": lambda g: Sequential(
        Linear(2, 600, generator=g), ReLU(), Linear(600, 600, generator=g), Tanh(),
        Linear(600, 2, generator=g),
    ),
}  # fmt: skip


def batches_for(model: Sequential, sizes: list[int], seed: int = 1) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    value = model.param()[0].value
    models = value.shape[: max(0, value.ndim - 2)]
    return [
        tuple(torch.randn(*models, n, 2, generator=generator).to(value.dtype) for _ in range(2))
        for n in sizes
    ]


def trained_by_hand(model, optimizer, batches):
    loss, seen = MSELoss(), []
    for x, target in batches:
        prediction = model.forward(x)
        value = loss.forward(prediction, target)
        optimizer.zero_grad()
        model.backward(loss.backward())
        optimizer.step()
        seen.append((value.clone(), prediction.clone()))
    return seen


def calls_of(monkeypatch: pytest.MonkeyPatch, cls: type[BaseModule]) -> list[str]:
    """The name of each ``forward`` of `cls` that is really called, as it is called."""
    calls: list[str] = []
    forward = cls.forward
    monkeypatch.setattr(
        cls, "forward", lambda self, x: (calls.append("forward"), forward(self, x))[1]
    )
    return calls


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_training_gives_the_bits_of_the_plain_loop(make, momentum, monkeypatch):
    by_hand, model = (make(torch.Generator().manual_seed(0)) for _ in range(2))
    batches = batches_for(model, [7, 7, 7, 5, 7, 5, 5, 7, 7, 7])
    expected = trained_by_hand(by_hand, SGD(by_hand.param(), 0.05, momentum), batches)
    calls = calls_of(monkeypatch, Linear)
    optimizer, loss = SGD(model.param(), 0.05, momentum), MSELoss()
    steps = [
        *train(model, loss, optimizer, batches[:6]),
        *train(model, loss, optimizer, batches[6:]),
    ]
    for step, (value, prediction) in zip(steps, expected, strict=True):
        assert step.loss.equal(value)
        assert step.prediction.equal(prediction)
    for ours, theirs in zip(model.param(), by_hand.param(), strict=True):
        assert ours.value.equal(theirs.value)
        assert ours.grad.equal(theirs.grad)
    layers = expected and len(calls) / 4  # two forms of batches, each seen once and recorded once
    assert len(calls) < 10 * layers


@pytest.mark.parametrize("make", [report, lambda g: Sequential(Linear(2, 2), Constant())])
def test_what_a_step_gives_is_never_overwritten(make):
    model = make(torch.Generator().manual_seed(0))
    kept, copies = [], []
    for step in train(model, MSELoss(), SGD(model.param(), 0.1, 0.9), batches_for(model, [4] * 8)):
        kept.append(step)
        copies.append((step.loss.clone(), step.prediction.clone()))
    for step, (loss, prediction) in zip(kept, copies, strict=True):
        assert step.loss.equal(loss)
        assert step.prediction.equal(prediction)
    assert len({step.prediction.data_ptr() for step in kept}) == 8


class Called(TorchFunctionMode):
    """Counts the products."""

    def __init__(self) -> None:
        super().__init__()
        self.products = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.products += func.__name__.strip("_") in ("mm", "matmul", "addmm", "bmm", "baddbmm")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("rows", [4, 9000], ids=["few rows", "many rows"])
@pytest.mark.parametrize("name", ["the report's", "stacked"])
def test_the_gradient_of_the_data_is_not_computed(name, rows):
    model = NETWORKS[name](torch.Generator().manual_seed(0))
    optimizer, loss, batches = SGD(model.param(), 0.1), MSELoss(), batches_for(model, [rows] * 4)
    list(train(model, loss, optimizer, batches))
    with Called() as called:
        list(train(model, loss, optimizer, batches[:1]))
    assert called.products == 4 + 4 + 3


class Printing(Tanh):
    def forward(self, x):
        self.seen.append(x)
        return super().forward(x)


class Looking(Tanh):
    replayable = True

    def forward(self, x):
        y = super().forward(x)
        return -y if x.sum().item() > 0 else y


class Keeping(Tanh):
    replayable = True
    others = (torch.full((2,), 0.5),)

    def forward(self, x):
        return super().forward(x) * self.others[0]


class Duck:
    training = True

    def forward(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        return x

    def backward(self, grad):
        return grad

    def param(self):
        return []

    def info(self): ...

    def train(self): ...

    def eval(self): ...


def test_a_subclass_that_changes_a_method_must_declare_it_again():
    assert is_replayable(Tanh())
    assert not is_replayable(Printing())
    assert is_replayable(Looking())
    assert not is_replayable(Duck())

    class Renamed(Tanh):
        pass

    assert is_replayable(Renamed())


def test_a_layer_that_does_not_declare_it_is_called_every_time():
    layer = Printing()
    layer.seen = []
    duck = Duck()
    for odd, count in ((layer, lambda: len(layer.seen)), (duck, lambda: duck.calls)):
        model = Sequential(Linear(2, 2), odd)
        list(train(model, MSELoss(), SGD(model.param(), 0.1), batches_for(model, [4] * 6)))
        assert count() == 6


@pytest.mark.parametrize("layer", [Looking, Keeping], ids=["looks at elements", "keeps in a tuple"])
def test_a_layer_that_cannot_be_replayed_is_not(layer):
    by_hand, model = (
        Sequential(Linear(2, 2, generator=torch.Generator().manual_seed(0)), layer())
        for _ in range(2)
    )
    batches = batches_for(model, [4] * 8)
    trained_by_hand(by_hand, SGD(by_hand.param(), 0.1), batches)
    list(train(model, MSELoss(), SGD(model.param(), 0.1), batches))
    assert model.param()[0].value.equal(by_hand.param()[0].value)


def change_nothing(model, optimizer): ...


def load_in_place(model, optimizer):
    model.param()[0].value.fill_(0.25)


def load_by_data(model, optimizer):
    for parameter in model.param():
        parameter.value.data = torch.full(parameter.value.shape, 0.25)


def replace_value(model, optimizer):
    model[0][0].weight.value = torch.full((25, 2), 0.25)


def replace_parameter(model, optimizer):
    model[0][2].weight.value = model[1][0].weight.value.clone()


def replace_gradient(model, optimizer):
    model[0][0].weight.grad = torch.zeros(25, 2)


def halve_the_rate(model, optimizer):
    optimizer.lr /= 2


def evaluate(model, optimizer):
    model.eval().forward(torch.ones(3, 2))


def train_another(model, optimizer):
    other = report(torch.Generator().manual_seed(5))
    list(train(other, MSELoss(), SGD(other.param(), 0.1), batches_for(other, [7] * 4)))


def copy_and_train_the_copy(model, optimizer):
    twin = copy.deepcopy(model)
    list(train(twin, MSELoss(), SGD(twin.param(), 0.1), batches_for(twin, [7] * 4)))


def leave_a_forward_pending(model, optimizer):
    model.train().forward(torch.ones(3, 2))


CHANGES = [
    change_nothing, load_in_place, load_by_data, replace_value, replace_parameter,
    replace_gradient, halve_the_rate, evaluate, train_another, copy_and_train_the_copy,
    leave_a_forward_pending,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__ for change in CHANGES])
@pytest.mark.filterwarnings("ignore::minidl_core.PendingForwardWarning")
def test_a_change_between_steps_has_the_effect_it_has_in_the_plain_loop(change):
    by_hand, model = (report(torch.Generator().manual_seed(0)) for _ in range(2))
    batches, loss = batches_for(model, [7] * 12), MSELoss()

    def losses(which, optimizer, step):
        taken = []
        for i, batch in enumerate(batches):
            if i in (5, 9):
                change(which, optimizer)
                which.train()
            taken.append(step(which, optimizer, batch))
        return taken

    replayed = losses(
        model,
        SGD(model.param(), 0.1, 0.9),
        lambda which, optimizer, batch: next(train(which, loss, optimizer, [batch])).loss.item(),
    )
    assert replayed == losses(
        by_hand,
        SGD(by_hand.param(), 0.1, 0.9),
        lambda which, optimizer, batch: trained_by_hand(which, optimizer, [batch])[0][0].item(),
    )
    for ours, theirs in zip(model.param(), by_hand.param(), strict=True):
        assert ours.value.equal(theirs.value)


def test_a_part_in_evaluation_mode_within_a_pass_is_an_error_as_ever():
    model = report(torch.Generator().manual_seed(0))
    steps = train(model, MSELoss(), SGD(model.param(), 0.1), batches_for(model, [7] * 9))
    for _ in range(5):
        next(steps)
    model[0].eval()
    with pytest.raises(
        RuntimeError, match=r"Sequential\[0\] › Sequential\[3\] › ReLU: backward in"
    ):
        next(steps)


def test_one_tensor_as_input_and_target_is_not_taken_for_two():
    model = Sequential(Linear(2, 2, generator=torch.Generator().manual_seed(0)))
    by_hand = copy.deepcopy(model)
    x = torch.randn(5, 2)
    batches = [(x, x)] * 4 + [(x, -x)] * 4
    list(train(model, MSELoss(), SGD(model.param(), 0.1), batches))
    trained_by_hand(by_hand, SGD(by_hand.param(), 0.1), batches)
    assert model.param()[0].value.equal(by_hand.param()[0].value)


def test_an_input_that_records_a_graph_is_refused_also_late():
    model = report(torch.Generator().manual_seed(0))
    (x, target), *rest = batches_for(model, [7] * 5)
    batches = [*rest, (x.requires_grad_(), target)]
    with pytest.raises(TypeError, match="requires_grad=True"):
        list(train(model, MSELoss(), SGD(model.param(), 0.1), batches))


def test_a_loss_that_becomes_nan_late_is_told_with_its_place_and_changes_nothing():
    model = report(torch.Generator().manual_seed(0))
    (x, target), *rest = batches_for(model, [7] * 5)
    before = [*rest, (x * float("nan"), target)]
    twin = copy.deepcopy(model)
    list(train(twin, MSELoss(), SGD(twin.param(), 0.1), rest))
    with pytest.raises(NonFiniteError, match="train › batch 4: the input has NaN"):
        list(train(model, MSELoss(), SGD(model.param(), 0.1), before))
    assert all(p.value.equal(q.value) for p, q in zip(model.param(), twin.param(), strict=True))


def test_a_trained_model_is_copied_and_pickled_without_what_is_remembered_of_it():
    model = report(torch.Generator().manual_seed(0))
    list(train(model, MSELoss(), SGD(model.param(), 0.1), batches_for(model, [7] * 5)))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert vars(twin)["_recordings"] is None
        before = [parameter.value.clone() for parameter in model.param()]
        list(train(twin, MSELoss(), SGD(twin.param(), 0.1), batches_for(twin, [7] * 5)))
        assert all(p.value.equal(v) for p, v in zip(model.param(), before, strict=True))


def test_what_is_remembered_does_not_grow_with_the_forms_of_batches():
    model = Sequential(Linear(2, 2))
    optimizer, loss = SGD(model.param(), 0.01), MSELoss()
    for size in range(1, 40):
        list(train(model, loss, optimizer, batches_for(model, [size])))
    assert len(vars(model)["_recordings"].replays) == 16


class Watching(BaseModule):
    """Y = X + 1, with an eye on which results of all such layers are still there."""

    replayable = True
    made: ClassVar[list[weakref.ref[Tensor]]] = []
    alive: ClassVar[list[int]] = []

    def forward(self, x: Tensor) -> Tensor:
        y = x + 1
        self.made.append(weakref.ref(y))
        return y

    # dX = dY
    def backward(self, grad_output: Tensor) -> Tensor:
        self.alive.append(sum(each() is not None for each in self.made))
        grad = grad_output * 1.0
        self.made.append(weakref.ref(grad))
        return grad


def test_a_pass_that_is_recorded_keeps_nothing_alive(monkeypatch):
    monkeypatch.setattr(Watching, "made", [])
    monkeypatch.setattr(Watching, "alive", [])
    model = Sequential(Linear(2, 2), *(Watching() for _ in range(6)))
    steps = train(model, MSELoss(), SGD(model.param(), 0.1), batches_for(model, [4] * 6))
    deque(steps, maxlen=0)
    plain, recorded = Watching.alive[:6], Watching.alive[-6:]
    assert len(Watching.alive) < 6 * 6
    assert plain == recorded == [1, 2, 2, 2, 2, 2]  # the prediction; and one gradient at a time


class Threads(Tanh):
    """Notes how many threads torch has to compute with."""

    replayable = True
    seen: ClassVar[list[int]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(torch.get_num_threads())
        return super().forward(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        self.seen.append(torch.get_num_threads())
        return super().backward(grad_output)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("rows", "expected"), [(7, 1), (1 << 19, 2)], ids=["small", "large"])
def test_a_small_pass_has_one_thread_and_the_caller_has_all(rows, expected, monkeypatch):
    monkeypatch.setattr(Threads, "seen", [])
    model = Sequential(Linear(2, 2), Threads())
    for _ in train(model, MSELoss(), SGD(model.param(), 0.1), batches_for(model, [rows] * 5)):
        assert torch.get_num_threads() == 2
    assert Threads.seen == [expected] * 6  # forward and backward; afterwards it is replayed


@pytest.mark.usefixtures("two_threads")
@pytest.mark.filterwarnings("ignore::minidl_core.PendingForwardWarning")
def test_a_small_pass_that_fails_leaves_all_threads(monkeypatch):
    model = Sequential(Linear(2, 2), Tanh())
    steps = train(model, MSELoss(), SGD(model.param(), 0.1), batches_for(model, [7] * 3))
    next(steps)

    def fail(self, x):
        raise MemoryError

    monkeypatch.setattr(Tanh, "forward", fail)
    with pytest.raises(MemoryError):
        next(steps)
    assert torch.get_num_threads() == 2


def test_a_module_may_be_anything_that_setting_attributes_allows():
    layer = Linear(2, 3)
    layer.note = "mine"
    del layer.note
    assert isinstance(layer.weight, Parameter)
    with pytest.raises(AttributeError):
        del layer.note
