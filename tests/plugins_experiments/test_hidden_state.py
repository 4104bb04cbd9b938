"""State that training changes: saved if it is a buffer, else refused before training."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from minidl_core import registry

PARTS = '''
import torch
from minidl_core import BaseModule
from minidl_plugins_basic import MSELoss


class Layer(BaseModule):
    def forward(self, x):
        self.push(x)
        return x

    def backward(self, grad_output):
        self.learn(self.pop())
        return grad_output


class Counter(Layer):
    """Counts its batches in a Python number."""

    def __init__(self):
        self.seen = 0

    def learn(self, x):
        self.seen += 1


class InAList(Layer):
    """Keeps a running mean in a list of tensors."""

    def __init__(self):
        self.means = [torch.zeros(2)]

    def learn(self, x):
        self.means[0] = 0.9 * self.means[0] + 0.1 * x.mean(0)


class Unregistered(Layer):
    """Keeps a running mean in a tensor that is no buffer."""

    def __init__(self):
        self.mean = torch.zeros(2)

    def learn(self, x):
        self.mean += 0.1 * (x.mean(0) - self.mean)


class KeepsItsInput(Layer):
    """Keeps its latest input as an attribute, which every step overwrites."""

    def learn(self, x):
        self.latest = x


class RunningMean(Layer):
    """Adds a running mean, which is a buffer."""

    def __init__(self):
        self.register_buffer("mean", torch.zeros(2))

    def forward(self, x):
        self.push(x)
        return x + self.mean

    def learn(self, x):
        self.mean += 0.1 * (x.mean(0) - self.mean)


class GrowingBuffer(Layer):
    """Makes its buffer at the first batch."""

    def __init__(self):
        self.register_buffer("mean", None)

    def learn(self, x):
        self.mean = x.mean(0)


class CountingLoss(MSELoss):
    """Counts its batches in a Python number."""

    calls = 0

    def backward(self):
        self.calls += 1
        return super().backward()


class ScaledLoss(MSELoss):
    """Divides by a running scale, which is a buffer."""

    def __init__(self):
        self.register_buffer("scale", torch.ones(()))

    def forward(self, prediction, target):
        return super().forward(prediction, target) / self.scale

    def backward(self):
        grad = super().backward() / self.scale
        self.scale *= 0.99
        return grad
'''
NAMES = ("Counter", "InAList", "Unregistered", "KeepsItsInput", "RunningMean", "GrowingBuffer")
LOSSES = ("CountingLoss", "ScaledLoss")
POINTS = "\n".join(
    [
        "[minidl.modules]",
        *(f"{name} = stateful:{name}" for name in NAMES),
        "[minidl.losses]",
        *(f"{name} = stateful:{name}" for name in LOSSES),
    ]
)


@pytest.fixture(autouse=True)
def _stateful(install):
    install("stateful", PARTS, POINTS)


def with_layer(layer):
    return f'["{layer}", {{ Linear = [2, 4] }}, "Tanh", {{ Linear = [4, 2] }}]'


@pytest.mark.parametrize(
    ("layer", "attribute"),
    [("Counter", "seen"), ("InAList", "means"), ("Unregistered", "mean")],
)
def test_hidden_state_of_a_layer_is_refused(minidl, write, tmp_path, layer, attribute):
    done = minidl("run", write(model=with_layer(layer)))
    assert done.status == 2
    assert f"model: {layer} (0) changes its attribute {attribute} in training" in done.err
    assert f'self.register_buffer("{attribute}", ' in done.err
    assert not (tmp_path / "runs").exists()


def test_hidden_state_of_a_loss_is_refused(minidl, write):
    done = minidl("run", write(loss='"CountingLoss"'))
    assert done.status == 2
    assert "loss: CountingLoss changes its attribute calls in training" in done.err


def test_a_buffer_that_changes_its_shape_is_refused(minidl, write):
    done = minidl("run", write(model=with_layer("GrowingBuffer")))
    assert done.status == 2
    assert "the buffer 0.mean gets another shape in training" in done.err


def test_an_attribute_that_each_step_overwrites_is_accepted(minidl, write):
    path = write(model=with_layer("KeepsItsInput"))
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    assert minidl("run", "--resume", "run").status == 0


@pytest.fixture
def stop_after(monkeypatch):
    """Interrupt runs after an epoch."""

    def stop(epoch):
        call_each = type(registry.hooks).call_each

        def interrupted(self, hook, **arguments):
            if hook == "minidl_epoch_ended" and arguments["epoch"] == epoch:
                raise KeyboardInterrupt
            return call_each(self, hook, **arguments)

        patch = pytest.MonkeyPatch()
        patch.setattr(type(registry.hooks), "call_each", interrupted)
        return patch

    return stop


@pytest.mark.parametrize("restarts", ["1", "3"])
@pytest.mark.parametrize(
    "lines", [{"model": with_layer("RunningMean")}, {"loss": '"ScaledLoss"'}], ids=["model", "loss"]
)
def test_buffers_survive_a_stop(minidl, write, tmp_path, stop_after, lines, restarts):
    path = write(restarts=restarts, epochs="6", **lines)
    arguments = ["--no-figures", "--checkpoint-every", "0"]
    assert minidl("run", path, *arguments, "--output", "whole").status == 0
    patch = stop_after(3)
    assert minidl("run", path, *arguments, "--output", "stopped").status != 0
    patch.undo()
    assert minidl("run", "--resume", "stopped", "--no-figures").status == 0
    whole, stopped = (
        load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "stopped")
    )
    assert whole.keys() == stopped.keys()
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)
    assert {"0.mean", "loss.scale"} & whole.keys()


def test_the_trial_leaves_the_loss_of_the_run_untouched(minidl, write, tmp_path):
    """60 rows in batches of 20, 3 epochs: the scale shrinks 9 times."""
    assert minidl("run", write(loss='"ScaledLoss"'), "--no-figures", "--output", "run").status == 0
    scale = load_file(tmp_path / "run/weights.safetensors")["loss.scale"]
    torch.testing.assert_close(scale, torch.tensor(0.99**9))


def test_each_unstacked_restart_has_its_own_loss(minidl, write, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "minidl_plugins_experiments.training.trial.why_not_stacked", lambda *_: "for the test"
    )
    for name, restarts in (("one", "1"), ("three", "3")):
        path = write(loss='"ScaledLoss"', restarts=restarts)
        assert minidl("run", path, "--no-figures", "--output", name).status == 0
    one, three = (
        json.loads((tmp_path / name / "result.json").read_text())["epochs"]
        for name in ("one", "three")
    )
    assert [epoch["train_loss"][0] for epoch in one] == [epoch["train_loss"][0] for epoch in three]
