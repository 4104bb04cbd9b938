"""An optimizer around another: written in the file as an optimizer is."""

from __future__ import annotations

import json

import pytest

from minidl_core import BaseOptimizer, Component, registry


class Halved(BaseOptimizer):
    """The steps of another optimizer with half of its gradients."""

    def __init__(self, params, optimizer: "Callable[[Iterable[Parameter]], Optimizer]", by=0.5):  # noqa: F821, UP037
        super().__init__(params)
        self.inner, self.by = optimizer(self.params), by

    def step(self):
        for parameter in self.params:
            parameter.grad.mul_(self.by)
        self.inner.step()

    def state_dict(self):
        return self.inner.state_dict()

    def load_state_dict(self, state):
        self.inner.load_state_dict(state)


@pytest.fixture(autouse=True)
def _halved_is_installed(monkeypatch):
    find = registry.find
    owner = find("optimizers", "SGD").distribution

    def also(kind, name):
        if name == "Halved":
            return Component(kind, name, f"{__name__}:Halved", owner)
        return find(kind, name)

    monkeypatch.setattr(registry, "find", also)


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "optimizer",
    [
        "{ Halved = { optimizer = { SGD = { lr = 0.1 } } } }",
        '{ name = "Halved", optimizer = { name = "SGD", lr = 0.1, optional = { rho = 1 } } }',
    ],
)
def test_it_trains_and_every_place_is_accounted_for(minidl, write, tmp_path, optimizer):
    nested, plain = tmp_path / "nested", tmp_path / "plain"
    file = write(optimizer=optimizer)
    assert minidl("run", file, "--output", nested, "--no-figures").status == 0
    file = write(optimizer="{ SGD = { lr = 0.05 } }")
    assert minidl("run", file, "--output", plain, "--no-figures").status == 0
    figures = [
        [epoch["train_loss"][0] for epoch in result_of(f)["epochs"]] for f in (nested, plain)
    ]
    assert figures[0] == pytest.approx(figures[1], rel=1e-5)
    result = result_of(nested)
    assert result["configuration"]["optimizer"] == {
        "name": "Halved",
        "optimizer": {"name": "SGD", "lr": 0.1},
    }
    names = {component["key"]: component["name"] for component in result["components"]}
    assert "Halved" in names.values()
    assert next(name for key, name in names.items() if ".optimizer" in key) == "SGD"


def test_a_value_inside_can_be_overridden(minidl, write):
    file = write(optimizer="{ Halved = { optimizer = { SGD = { lr = 0.1 } } } }")
    done = minidl("run", file, "--dry-run", "--set", "optimizer.Halved.optimizer.SGD.lr=0.7")
    assert '"lr": 0.7' in done.out


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (
            "{ SDG = { lr = 0.1 } }",
            'optimizer.Halved.optimizer.SDG: No optimizer "SDG". Did you mean',
        ),
        ("{ SGD = { rl = 0.1 } }", 'optimizer.Halved.optimizer.SGD.rl: SGD has no argument "rl".'),
        ("{ SGD = { lr = -1 } }", "optimizer.Halved.optimizer.SGD.lr: SGD: lr must be a finite"),
        ('"SGD"', "optimizer.Halved.optimizer: SGD needs lr; add lr = ..."),
        ("3", "optimizer.Halved.optimizer: expected a name or a table with a name, got 3"),
    ],
)
def test_what_is_wrong_inside_is_said_with_its_place(minidl, write, inner, message):
    done = minidl("run", write(optimizer=f"{{ Halved = {{ optimizer = {inner} }} }}"))
    assert done.status == 2
    assert message in done.err
