"""Many restarts: stacked where the parts allow it, side by side where not, and the best is kept."""

from __future__ import annotations

import json

import pytest
import torch

from minidl_core import registry

PARTS = '''
import torch
from minidl_core import BaseModule, BaseOptimizer, Parameter


class Flat(BaseModule):
    """Centres the batch over its first dimension."""

    def forward(self, x):
        self.push(None)
        return x - x.mean(0, keepdim=True)

    def backward(self, grad_output):
        self.pop()
        return grad_output - grad_output.mean(0, keepdim=True)


class TwoOnly(BaseModule):
    """Takes no third dimension."""

    def forward(self, x):
        if x.ndim != 2:
            raise ValueError("two dimensions only")
        self.push(None)
        return x

    def backward(self, grad_output):
        self.pop()
        return grad_output


class Looks(TwoOnly):
    """Looks at an element, which a stack cannot."""

    def forward(self, x):
        if x[0, 0].item() > 1e30:
            raise ValueError("too large")
        return super().forward(x)


class Fixed(TwoOnly):
    """Computes with a tensor that is no buffer."""

    def __init__(self):
        self.matrix = torch.eye(2)

    def forward(self, x):
        return super().forward(x @ self.matrix.to(x.dtype))


class Clipped(BaseOptimizer):
    """Divides by the norm of all gradients."""

    def __init__(self, params, lr):
        super().__init__(params)
        self.lr = lr

    def step(self):
        norm = sum(p.grad.square().sum() for p in self.params).sqrt() + 1e-12
        for value, grad in self.params:
            value -= self.lr * grad / norm

    def state_dict(self):
        return {"lr": self.lr}

    def load_state_dict(self, state):
        self.lr = state["lr"]


class Unsaved(Clipped):
    def state_dict(self):
        return {"lr": self.lr, "what": object()}


class Branches(BaseModule):
    """One input to each of several modules; as many outputs."""

    def __init__(self, *branches: "Module"):
        self.branches = branches

    def named_children(self):
        return [(str(i), branch) for i, branch in enumerate(self.branches)]

    def forward(self, x):
        return tuple(branch.forward(x) for branch in self.branches)

    def backward(self, *grads):
        back = [b.backward(g) for b, g in reversed(list(zip(self.branches, grads)))]
        return sum(back[1:], back[0])


class Plus(BaseModule):
    """The sum of several inputs."""

    def forward(self, *inputs):
        self.push(len(inputs))
        return sum(inputs[1:], inputs[0])

    def backward(self, grad_output):
        return (grad_output,) * self.pop()


class Chain(BaseModule):
    """A list of modules under a keyword, and one without an annotation."""

    def __init__(self, layers: "list[Module]", last):
        self.layers, self.last = layers, last

    def named_children(self):
        return [*((str(i), m) for i, m in enumerate(self.layers)), ("last", self.last)]

    def forward(self, x):
        for _, layer in self.named_children():
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for _, layer in reversed(self.named_children()):
            grad = layer.backward(grad)
        return grad
'''
POINTS = """
[minidl.modules]
Flat = odd_parts:Flat
TwoOnly = odd_parts:TwoOnly
Looks = odd_parts:Looks
Fixed = odd_parts:Fixed
Branches = odd_parts:Branches
Plus = odd_parts:Plus
Chain = odd_parts:Chain
[minidl.optimizers]
Clipped = odd_parts:Clipped
Unsaved = odd_parts:Unsaved
"""


@pytest.fixture(autouse=True)
def _odd_parts(tmp_path_factory, monkeypatch):
    """A stranger's distribution, laid down as pip would."""
    site = tmp_path_factory.mktemp("site")
    (site / "odd_parts.py").write_text(PARTS, encoding="utf-8")
    info = site / "odd_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(site))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ({"model": '["Looks", { Linear = [2, 2] }]'}, "item()"),
        ({"model": '["Fixed", { Linear = [2, 2] }]'}, "no parameter or buffer (`matrix`)"),
    ],
    ids=["looks at an element", "a tensor that is no buffer"],
)
def test_what_cannot_be_stacked_is_trained_side_by_side(minidl, write, tmp_path, lines, reason):
    path = write(restarts="3", **lines)
    done = minidl("run", path, "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    restarts = result_of(tmp_path / "run")["restarts"]
    assert restarts["stacked"] is False
    assert reason in restarts["reason"]
    assert "3 trained one after another; they cannot be stacked: " in done.out
    assert reason in done.out


@pytest.mark.parametrize(
    "lines",
    [
        {"model": '[{ Linear = [2, 2] }, "Flat"]'},
        {"model": '["TwoOnly", { Linear = [2, 2] }]'},
        {"optimizer": '{ name = "Clipped", lr = 0.1 }'},
    ],
    ids=["a mean over the batch", "two dimensions only", "a norm of all gradients"],
)
def test_each_stacked_restart_is_trained_as_alone(minidl, write, tmp_path, lines):
    for restarts in ("1", "3"):
        path = write(restarts=restarts, dtype='"float64"', **lines)
        assert minidl("run", path, "--no-figures", "--output", restarts).status == 0
    one, many = (result_of(tmp_path / restarts) for restarts in ("1", "3"))
    assert many["restarts"]["stacked"] is True
    for alone, among in zip(one["epochs"], many["epochs"], strict=True):
        assert among["train_loss"][0] == pytest.approx(alone["train_loss"][0], rel=1e-9)


def test_side_by_side_each_start_is_the_one_that_would_have_been_alone(minidl, write, tmp_path):
    model = '["Looks", { Linear = [2, 6] }, "Tanh", { Linear = [6, 2] }]'
    assert (
        minidl("run", write(restarts="3", model=model), "--no-figures", "--output", "k").status == 0
    )
    assert minidl("run", write(model=model), "--no-figures", "--output", "one").status == 0
    for many, one in zip(
        result_of(tmp_path / "k")["epochs"], result_of(tmp_path / "one")["epochs"], strict=True
    ):
        assert many["train_loss"][:1] == one["train_loss"]
        assert many["test_error"][:1] == one["test_error"]
        assert [v[0] for v in many["gradient_norms"].values()] == [
            v[0] for v in one["gradient_norms"].values()
        ]


def test_stacked_and_side_by_side_agree_to_rounding(minidl, write, tmp_path, monkeypatch):
    path = write(restarts="4", epochs="5", dtype='"float64"')
    assert minidl("run", path, "--no-figures", "--output", "stacked").status == 0
    monkeypatch.setattr(
        "minidl_plugins_experiments.training.trial.why_not_stacked", lambda *_: "for the test"
    )
    assert minidl("run", path, "--no-figures", "--output", "beside").status == 0
    stacked, beside = result_of(tmp_path / "stacked"), result_of(tmp_path / "beside")
    assert (stacked["restarts"]["stacked"], beside["restarts"]["stacked"]) == (True, False)
    for one, other in zip(stacked["epochs"], beside["epochs"], strict=True):
        torch.testing.assert_close(
            torch.tensor(one["train_loss"]), torch.tensor(other["train_loss"]), rtol=1e-5, atol=0
        )


def test_one_start_that_diverges_leaves_the_others_alone(minidl, write, tmp_path, monkeypatch):
    """Side by side, with the second start's weights far too large."""
    from minidl_plugins_experiments.training import run as running

    train_epoch = running.Run._train_epoch

    def spoil(self, epoch, progress):
        if epoch == 2:
            self.states[1].model.param()[0].value.fill_(1e38)
        train_epoch(self, epoch, progress)

    monkeypatch.setattr(running.Run, "_train_epoch", spoil)
    path = write(restarts="3", model='["Looks", { Linear = [2, 2] }]')
    done = minidl("run", path, "--output", "run")
    assert done.status == 0, done.err
    result = result_of(tmp_path / "run")
    assert result["epochs"][-1]["train_loss"][1] is None
    assert 1 in result["restarts"]["dead"]
    assert result["restarts"]["selected"] != 1
    assert None not in [result["epochs"][-1]["train_loss"][k] for k in (0, 2)]


def test_a_state_that_cannot_be_saved_is_refused_before_it_trains(minidl, write, tmp_path):
    done = minidl("run", write(optimizer='{ name = "Unsaved", lr = 0.1 }'))
    assert done.status == 2
    assert "optimizer: expected a state of numbers, text and tensors, got object in" in done.err
    assert not (tmp_path / "runs").exists()


# -- branches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        '[{ Branches = [[{ Linear = [2, 2] }, "Tanh"], { Linear = [2, 2] }, "ReLU"] }, "Plus"]',
        """[{ Chain = { layers = [{ Linear = [2, 3] }, [
            "Tanh"]], last = { module = { Linear = [3, 2] } } } }]""",
        """[{ Linear = [2, 4] }, { Linear = [4, 2] },
            { Residual = { inner = [{ Linear = [2, 2] }, "Swish"], scale = 0.5 } }]""",
    ],
    ids=["branches that are summed", "a list, and one without annotation", "a residual block"],
)
@pytest.mark.parametrize("restarts", [1, 2])
def test_modules_inside_of_modules(minidl, write, tmp_path, model, restarts):
    path = write(model=model, restarts=str(restarts), epochs="15")
    done = minidl("run", path, "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    epochs = result_of(tmp_path / "run")["epochs"]
    assert epochs[-1]["train_loss"][0] < epochs[0]["train_loss"][0]
    assert all(min(values) > 0 for values in epochs[0]["gradient_norms"].values())
