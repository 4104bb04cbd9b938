"""What needs no second process: the kit, the learning rate, names, and what is never mentioned."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import distributed

import minidl_plugins_distributed as plugin
from minidl_core import ArgumentError, Parameter, StateError
from minidl_core.testing import parametrize_with_checks
from minidl_plugins_basic import SGD
from minidl_plugins_distributed import DataParallel
from minidl_plugins_distributed.launch import launch
from minidl_plugins_distributed.meeting import difference

ROOT = Path(__file__).parents[2]
OTHERS = ("minidl_core", "minidl_plugins_basic", "minidl_plugins_experiments")
WORDS = re.compile(r"\b(ranks?|world_size|torchrun|nccl|gloo)\b|torch\.distributed", re.IGNORECASE)


@pytest.fixture
def group():
    """A group of this process alone."""
    store = distributed.HashStore()
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.fixture
def parameters():
    return [Parameter(torch.ones(3)), Parameter(torch.ones(2, 2))]


@parametrize_with_checks([DataParallel])
def test_conforms(check, group) -> None:
    check()


def test_the_learning_rate_is_that_of_the_optimizer_inside(group, parameters) -> None:
    optimizer = DataParallel(parameters, partial(SGD, lr=0.5))
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert optimizer.optimizer.lr == 0.25  # type: ignore[attr-defined]


def test_its_state_is_that_of_the_optimizer_inside(group, parameters) -> None:
    optimizer = DataParallel(parameters, partial(SGD, lr=0.5, momentum=0.9))
    assert optimizer.state_dict().keys() == SGD(parameters, 0.5).state_dict().keys()


def test_an_optimizer_that_has_no_learning_rate(group, parameters) -> None:
    class Still(SGD):
        def __init__(self, params):
            super().__init__(params, 0.1)

        @property
        def lr(self):
            raise AttributeError("lr")

        @lr.setter
        def lr(self, lr):
            self._lr = lr

    assert getattr(DataParallel(parameters, Still), "lr", None) is None


def test_an_optimizer_without_a_flat_vector(group, parameters) -> None:
    class Plain:
        def __init__(self, params):
            self.params = list(params)

        def zero_grad(self):
            for parameter in self.params:
                parameter.grad.zero_()

        def step(self):
            for parameter in self.params:
                parameter.value.sub_(parameter.grad)

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    optimizer = DataParallel(parameters, Plain)  # type: ignore[arg-type]
    for parameter in parameters:
        parameter.grad.fill_(0.5)
    optimizer.step()
    assert all(bool((parameter.value == 0.5).all()) for parameter in parameters)


def test_outside_of_a_group_it_is_refused(parameters) -> None:
    with pytest.raises(StateError, match="this process is in none; start it with torchrun"):
        DataParallel(parameters, partial(SGD, lr=0.5))


@pytest.mark.parametrize("timeout", [0, -1.0, float("inf"), "long"])
def test_a_timeout_must_be_above_0(parameters, timeout) -> None:
    with pytest.raises(ArgumentError, match="timeout must be a finite number of seconds above 0"):
        DataParallel(parameters, partial(SGD, lr=0.5), timeout=timeout)


def test_public_names_are_sorted_and_listed() -> None:
    assert plugin.__all__ == sorted(plugin.__all__)
    for name in plugin.__all__:
        assert getattr(plugin, name).__name__ == name
        assert name in dir(plugin)
    with pytest.raises(AttributeError, match="no attribute 'DataParalel'"):
        plugin.DataParalel  # noqa: B018


# -- what the environment says, and where facts differ -----------------------------------------


def test_what_torchrun_says_is_read() -> None:
    said = {"RANK": "5", "WORLD_SIZE": "8", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
    assert launch({}) is None
    found = launch({**said, "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"})
    assert found is not None
    assert (found.rank, found.size, found.local_rank, found.local_size) == (5, 8, 1, 4)
    assert "--nnodes 2 " in found.resume_command("runs/a")
    alone = launch(said)
    assert alone is not None
    assert alone.resume_command("runs/a") == (
        "torchrun --nproc-per-node 8 -m minidl_core run --resume runs/a"
    )


def test_one_process_of_a_cluster_is_a_run_as_any_other() -> None:
    said = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
    assert launch(said) is None
    assert launch({**said, "TORCHELASTIC_RUN_ID": "none"}) is not None


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, "a.b is [1] on rank 3 and [2] on rank 0"),
        ({"a": 1}, {}, "a is there on rank 3 and not on rank 0"),
        ({}, {"a": 1}, "a is there on rank 0 and not on rank 3"),
    ],
)
def test_the_first_difference_is_said(theirs, ours, words) -> None:
    assert difference(3, theirs, ours) == words


# -- nothing else knows ------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", OTHERS)
def test_no_other_distribution_mentions_what_this_one_is_for(distribution) -> None:
    sources = list((ROOT / distribution).rglob("src/**/*.py"))
    assert sources
    for path in sources:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not WORDS.search(line), f"{path}:{number}: {line}"
