"""Whatever TOML a file holds, there is a run or one message, and never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidl_core import MinidlError, registry
from minidl_plugins_experiments.config.experiment import KEYS, experiment_of
from minidl_plugins_experiments.config.overriding import override
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.config.reading import parse, read
from minidl_plugins_experiments.training.preparing import prepare

WORDS = [
    *("disk", "csv", "Linear", "ReLU", "Residual", "MSELoss", "HuberLoss", "SGD", "Adam", "step"),
    *("linear", "name", "optional", "module", "lr", "momentum", "in_features", "out_features"),
    *("inner", "points", "every", "train_loss", "float64", "cpu", "acme-nets/Swish", "", "a/b"),
]
SCALARS = (
    st.integers(-3, 40) | st.sampled_from([2**62, -(2**70)]) | st.floats() | st.booleans()
    | st.sampled_from(WORDS) | st.text(max_size=4)
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
RIGHT: dict[str, Any] = {
    "data": {"name": "disk", "points": 20},
    "model": [{"Linear": [2, 4]}, ["Tanh"], {"Linear": [4, 2]}],
    "loss": "MSELoss",
    "optimizer": {"name": "SGD", "lr": 0.1},
    "schedule": {"step": {"every": 2}},
    "epochs": 2,
    "batch_size": 5,
}


def attempt(tree: dict[str, Any]) -> None:
    """Prepare what `tree` describes; a `ConfigError` with a message is as good."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            prepared = prepare(experiment_of(tree, folder=folder), registry)
        except ConfigError as error:
            assert len(str(error)) > 10  # noqa: PT017 - an error is as good
        else:
            assert prepared.states
        assert list(Path(folder).iterdir()) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_right_file_with_anything_in_one_place(data):
    tree = {**RIGHT, data.draw(st.sampled_from(KEYS)): data.draw(VALUES)}
    if tree.get("restarts", 1) not in range(1, 40):
        tree["restarts"] = 2
    attempt(tree)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_component_with_any_arguments(data):
    key = data.draw(st.sampled_from(["data", "loss", "optimizer", "schedule", "model"]))
    name = data.draw(st.sampled_from(WORDS))
    arguments = data.draw(
        st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=3) | st.lists(VALUES, max_size=3)
    )
    component = {name: arguments}
    attempt({**RIGHT, key: [component, {"Linear": [2, 2]}] if key == "model" else component})


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([*KEYS, "x"]), VALUES, max_size=9))
def test_any_tree(tree):
    attempt(tree)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.binary(max_size=40))
def test_any_text_and_any_bytes(content):
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "any.toml")
        path.write_bytes(raw)
        try:
            read(path)
        except ConfigError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(max_size=12)
        | st.tuples(st.sampled_from([*KEYS, "optimizer.lr", "model[0]", "model[1][0]"]), st.text())
        .map("=".join)
    )
)  # fmt: skip
def test_any_settings(texts):
    tree = parse('model = ["ReLU", ["Tanh"]]\noptimizer = { SGD = { lr = 1 } }\nepochs = 3')
    try:
        override(tree, texts)
    except MinidlError as error:
        assert "--set" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("setting", "optimizer"),
    [
        ('"SGD"', {"name": "SGD", "lr": 0.5}),
        ('{ name = "SGD" }', {"name": "SGD", "lr": 0.5}),
        ('{ name = "SGD", lr = 3 }', {"name": "SGD", "lr": 0.5}),
        ("{ SGD = { lr = 3, momentum = 1 } }", {"SGD": {"lr": 0.5, "momentum": 1}}),
    ],
)
def test_a_setting_means_the_same_however_the_file_is_written(setting, optimizer):
    tree = parse(f"optimizer = {setting}")
    tree = override(tree, ["optimizer.lr=0.5"])
    assert tree["optimizer"] == optimizer


def test_settings_take_toml_and_plain_words():
    tree = parse('model = [["ReLU"], { Linear = { bias = true } }]\nepochs = 3')
    tree = override(
        tree,
        ["epochs = 40", "dtype=float64", 'loss="Huber Loss"', "model[0][0]=acme-nets/Swish",
         "model[1].Linear.bias=false", "data.points=7", "schedule={ step = { every = 2 } }"],
    )  # fmt: skip
    assert tree == {
        "model": [["acme-nets/Swish"], {"Linear": {"bias": False}}],
        "epochs": 40,
        "dtype": "float64",
        "loss": "Huber Loss",
        "data": {"points": 7},
        "schedule": {"step": {"every": 2}},
    }
