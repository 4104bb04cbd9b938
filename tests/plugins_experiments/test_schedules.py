"""Schedules in an experiment's file: any of the kind, before each step, resumed and stacked."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from minidl_core import Registry, Sequential, registry, train
from minidl_plugins_basic import SGD, Linear, MSELoss, Tanh
from minidl_plugins_experiments.config.building import Builder
from minidl_plugins_experiments.config.component_spec import section_spec
from minidl_plugins_experiments.data.datasets.disk import disk
from minidl_plugins_experiments.training.schedules import build_schedule
from minidl_plugins_nn import CosineSchedule, Scheduler, WarmUpSchedule

WARM_UP = "{ warm_up = { length = 4, then = { cosine = { final = 0.1 } } } }"
EVERY = {
    "constant": "{ constant = { value = 0.5 } }",
    "cosine": '"cosine"',
    "exponential": "{ exponential = { factor = 0.5 } }",
    "joined": '{ joined = { schedules = ["linear", { cosine = {} }], lengths = [3] } }',
    "linear": "{ linear = { final = 0.5, start = 2 } }",
    "multi_step": "{ multi_step = { milestones = [1, 2] } }",
    "one_cycle": '"one_cycle"',
    "plateau": "{ plateau = { patience = 0, threshold = 0.5 } }",
    "polynomial": "{ polynomial = { power = 2 } }",
    "product": '{ product = { schedules = ["linear", WARM_UP] } }'.replace("WARM_UP", WARM_UP),
    "step": "{ step = { every = 1, factor = 0.5 } }",
    "warm_up": WARM_UP,
}


def rates(folder) -> list[float]:
    return [epoch["lr"] for epoch in json.loads((folder / "result.json").read_text())["epochs"]]


def test_every_schedule_of_the_registry_is_tried_here():
    assert sorted(EVERY) == sorted(c.name for c in registry.components("schedules"))


@pytest.mark.parametrize("name", EVERY)
def test_a_file_takes_any_schedule(name, minidl, write, tmp_path):
    done = minidl("run", write(schedule=EVERY[name]), "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert "minidl-plugins-nn" in {c["distribution"] for c in result["components"]}
    assert result["configuration"]["schedule"]["name"] == name


def test_the_rate_of_each_epoch_is_in_the_result(minidl, write, tmp_path):
    path = write(schedule=EVERY["step"])
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    assert rates(tmp_path / "run") == pytest.approx([0.1, 0.05, 0.025])


def test_the_first_step_has_the_first_factor(minidl, write, tmp_path):
    """A run is the loop that `Scheduler` makes, weight for weight."""
    path = write(schedule=WARM_UP, dtype='"float64"')
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    assert rates(tmp_path / "run")[0] == pytest.approx(0.1 * 0.01)

    generator = torch.Generator().manual_seed(3)
    data = disk(generator=generator, dtype=torch.float64, points=60)
    weights = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    options = {"dtype": torch.float64, "generator": weights}
    model = Sequential(Linear(2, 4, **options), Tanh(), Linear(4, 2, **options))
    optimizer = SGD(model.param(), lr=0.1, momentum=0.9)
    scheduler = Scheduler(optimizer, WarmUpSchedule(4, CosineSchedule(final=0.1)), 9, 3)
    for _ in range(3):
        order = torch.randperm(60, generator=generator)
        batches = ((data.train.x[rows], data.train.y[rows]) for rows in order.split(20))
        for _ in train(model, MSELoss(), optimizer, scheduler.over(batches)):
            pass
    saved = load_file(tmp_path / "run/weights.safetensors")
    for name, parameter in model.named_param():
        assert torch.equal(saved[name], parameter.value), name


@pytest.mark.parametrize("name", ["plateau", "product", "one_cycle"])
def test_a_resumed_run_keeps_its_schedule(name, minidl, write, tmp_path, monkeypatch):
    from minidl_plugins_experiments.training import saving

    arguments = [write(schedule=EVERY[name], epochs="6"), "--no-figures", "--checkpoint-every", "0"]
    assert minidl("run", *arguments, "--output", "whole").status == 0
    save = saving.save

    def save_and_stop(run) -> None:
        save(run)
        if len(run.epochs) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(saving, "save", save_and_stop)
    minidl("run", *arguments, "--output", "stopped")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert len(json.loads((tmp_path / "stopped/result.json").read_text())["epochs"]) == 0
    assert minidl("run", "--resume", "stopped", "--no-figures").status == 0
    assert rates(tmp_path / "stopped") == rates(tmp_path / "whole")
    whole, stopped = (
        (tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "stopped")
    )
    assert whole == stopped


@pytest.mark.parametrize("stacks", [True, False])
def test_each_restart_has_its_own_plateau(stacks, minidl, write, tmp_path, monkeypatch):
    """Restarts get rates of their own, stacked or not, and the first is the run alone."""
    if not stacks:
        monkeypatch.setattr(
            "minidl_plugins_experiments.training.trial.why_not_stacked", lambda *_: "for a test"
        )
    path = write(schedule="{ plateau = { patience = 0, threshold = 0.2 } }", epochs="6")
    arguments = ["--no-figures", "--set", "optimizer.lr=0.3"]
    for restarts in (1, 4):
        more = ["--set", f"restarts={restarts}", "--output", f"run-{restarts}"]
        done = minidl("run", path, *arguments, *more)
        assert done.status == 0, done.err
    alone, together = rates(tmp_path / "run-1"), rates(tmp_path / "run-4")
    lists = [rate for rate in together if isinstance(rate, list)]
    assert lists
    assert all(len(rate) == 4 for rate in lists)
    assert [rate[0] if isinstance(rate, list) else rate for rate in together] == alone


def test_without_the_plugin_the_file_says_what_to_install(minidl, write, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DISABLE", "minidl-plugins-nn")
    registry.refresh()
    for schedule in ("constant", "linear"):
        done = minidl("run", write(schedule=f'"{schedule}"'), "--no-figures", "--output", schedule)
        assert done.status == 0, done.err
    done = minidl("run", write(schedule='"cosine"'), "--output", "run")
    assert done.status == 2
    assert "pip install minidl-plugins-nn" in done.err
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()
    registry.refresh()


def test_linear_has_the_same_bits_without_the_plugin():
    factors = []
    for disabled in ("", "minidl-plugins-nn"):
        own = Registry(environment={"MINIDL_DISABLE": disabled})
        builder = Builder(own, torch.float32, torch.device("cpu"), None)
        schedule = build_schedule(section_spec({"linear": {"final": 0.3}}, "schedule", ""), builder)
        factors.append([schedule.factor(step, 997) for step in range(998)])
    assert factors[0] == factors[1]
