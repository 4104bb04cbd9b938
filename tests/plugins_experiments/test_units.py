"""Dead and saturated units: which, since when, and in words of the network's own parts."""

from __future__ import annotations

import json

import pytest
import torch

from minidl_core import Parameter, Sequential, walk
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Tanh
from minidl_plugins_experiments.runs.diagnosis import warnings_of
from minidl_plugins_experiments.runs.unit_warnings import unit_warnings
from minidl_plugins_experiments.runs.units import units_of, with_epochs
from minidl_plugins_experiments.training.restarts import TrainingState
from minidl_plugins_experiments.training.silent_units import silent_units


def network(*activations):
    generator = torch.Generator().manual_seed(0)
    one, other = activations
    return Sequential(
        Sequential(Linear(2, 6, generator=generator), one),
        Linear(6, 3, generator=generator),
        other,
    )


def rows(count=50):
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("at_once", [7, 50])
def test_units_below_zero_in_every_row_are_dead(at_once):
    model = network(ReLU(), Tanh())
    bias = dict(model.named_param())["0.0.bias"].value
    bias[[1, 4]] = -100.0
    model.eval()
    hidden, output = units_of(model, rows(), at_once)
    assert (hidden["layer"], hidden["kind"], hidden["after"]) == ("0.1", "ReLU", "0.0")
    assert hidden["dead"] == [1, 4]
    assert (hidden["gives_output"], output["gives_output"]) == (False, True)
    assert (output["layer"], output["after"], output["dead"]) == ("2", "1", [])


def test_tanh_far_from_zero_is_saturated_not_dead():
    model = network(Tanh(), Tanh())
    dict(model.named_param())["0.0.bias"].value[2] = 6.0
    hidden, _ = units_of(model.eval() or model, rows(), 50)
    assert hidden["saturated"] == [2]
    assert hidden["dead"] == []


def test_looking_changes_nothing():
    model = network(ReLU(), ReLU())
    model.eval()
    before = model.forward(rows())
    units_of(model, rows(), 20)
    assert all("forward" not in vars(each) for _, each in walk(model))
    assert torch.equal(model.forward(rows()), before)
    model.train()
    model.forward(rows())
    model.backward(torch.ones(50, 3))  # nothing was left on the stacks


def test_silent_units_have_no_gradient():
    model = network(ReLU(), Tanh())
    dict(model.named_param())["0.0.bias"].value[[1, 4]] = -100.0
    state = TrainingState(model, MSELoss(), SGD(model.param(), 0.1))
    model.train()
    model.backward(torch.ones_like(model.forward(rows())))
    assert silent_units([state]) == {"0.0": [[1, 4]]}
    assert silent_units([state, state]) == {"0.0": [[1, 4], [1, 4]]}


def test_since_is_the_first_of_the_last_silent_epochs():
    entry = {"after": "0", "dead": [1, 4, 5]}
    silent = [[[1]], [[]], [[1, 4]], [[1, 4]]]
    epochs = [
        {"epoch": number + 1, "silent_units": {"0": each} if each[0] else {}}
        for number, each in enumerate(silent)
    ]
    (found,) = with_epochs([entry], epochs, 0)
    assert found["since"] == [3, 3, 4]


def test_the_dead_output_of_seed_zero_is_named(minidl, tmp_path):
    done = minidl("run", "disk", "--set", "seed=0", "--set", "epochs=10", "--no-figures",
                  "--output", "run")  # fmt: skip
    assert done.status == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    (output,) = (entry for entry in result["units"] if entry["gives_output"])
    assert (output["layer"], output["dead"], output["since"]) == ("1.3", [1], [1])
    assert "the output for inside the disk is dead (1.3 ReLU, unit 1 (since epoch 1): 1 of 2)" in (
        done.out
    )


# -- words -----------------------------------------------------------------------------------------


def entry(**values):
    base = {"layer": "0.1", "kind": "Tanh", "after": "0.0", "units": 4, "dead": [], "since": [],
            "saturated": [], "gives_output": False}  # fmt: skip
    return {**base, **values}


def result_of(*entries, norms=None, error=0.5):
    record = {"epoch": 1, "train_loss": [0.5], "train_error": [error]}
    return {
        "data": {"task": "classification"},
        "restarts": {"count": 1, "dead": [0] if error else [], "selected": 0},
        "epochs": [{**record, "epoch": each, "gradient_norms": norms or {}} for each in (1, 2, 3)],
        "final": {},
        "units": list(entries),
    }


def test_no_rectifier_is_blamed_in_a_network_of_tanh():
    words = " ".join(warnings_of(result_of(entry())))
    assert "rectifier" not in words
    assert "ReLU" not in words
    assert "none of its units is dead" in words


def test_dead_units_are_blamed_by_name():
    dead = entry(layer="3", kind="ReLU", dead=[0], since=[2])
    assert "units of 3 ReLU are dead" in warnings_of(result_of(entry(), dead))[0]


def test_a_tensor_fixed_on_purpose_is_not_called_dead():
    norms = {"0.weight": [0.0], "2.weight": [0.5]}
    (words,) = warnings_of(result_of(entry(), norms=norms, error=0.0))
    assert "nothing trains it" in words
    assert "trainable=False" in words
    assert "units are dead" not in words


def test_a_frozen_parameter_has_no_gradient_norm():
    from minidl_plugins_experiments.training.metrics import gradient_norms

    model = network(Tanh(), Tanh())
    fixed: Parameter = dict(model.named_param())["0.0.weight"]
    fixed.trainable = False
    state = TrainingState(model, MSELoss(), SGD(model.param(), 0.1))
    assert list(gradient_norms(state)) == ["0.0.bias", "1.weight", "1.bias"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"dead": [0, 1, 2, 3], "since": [2] * 4}, "every unit of 0.1 Tanh is dead"),
        ({"dead": [0, 3], "since": [2, 5]}, "0 (since epoch 2), 3 (since epoch 5): 2 of 4"),
        ({"dead": [3], "since": [5]}, None),
        ({"dead": [3], "since": [5], "gives_output": True}, "the output 3 is dead"),
        ({"saturated": [0, 1, 2]}, "0.1 Tanh saturates: in 3 of its 4 units"),
        ({"saturated": [0]}, None),
    ],
)
def test_what_is_warned_of(values, said):
    found = unit_warnings(result_of(entry(**values)))
    assert len(found) == (said is not None)
    if said:
        assert said in found[0]
