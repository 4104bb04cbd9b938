"""Schedules beside torch.optim.lr_scheduler's, and in a training loop."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim import lr_scheduler

from minidl_core import ArgumentError, Parameter, registry
from minidl_plugins_nn import (
    SGD,
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    JoinedSchedule,
    LinearSchedule,
    MultiStepSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    PolynomialSchedule,
    ProductSchedule,
    Schedule,
    Scheduler,
    StepSchedule,
    WarmUpSchedule,
)

T = 40


def torch_sgd(lr):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)


def rates_of_torch(make, steps, lr=0.5):
    optimizer = torch_sgd(lr)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


TWINS = {
    "constant": (ConstantSchedule(), lambda o: lr_scheduler.ConstantLR(o, 1, T)),
    "linear": (LinearSchedule(0.1), lambda o: lr_scheduler.LinearLR(o, 1, 0.1, T)),
    "linear up": (LinearSchedule(1.0, 0.2), lambda o: lr_scheduler.LinearLR(o, 0.2, 1, T)),
    "cosine": (CosineSchedule(), lambda o: lr_scheduler.CosineAnnealingLR(o, T)),
    "cosine to": (CosineSchedule(0.1), lambda o: lr_scheduler.CosineAnnealingLR(o, T, 0.05)),
    "polynomial": (PolynomialSchedule(2), lambda o: lr_scheduler.PolynomialLR(o, T, 2)),
    "exponential": (ExponentialSchedule(0.9), lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    "step": (StepSchedule(7, 0.3), lambda o: lr_scheduler.StepLR(o, 7, 0.3)),
    "multi-step": (
        MultiStepSchedule([3, 20], 0.5),
        lambda o: lr_scheduler.MultiStepLR(o, [3, 20], 0.5),
    ),
    "one cycle": (OneCycleSchedule(), lambda o: lr_scheduler.OneCycleLR(o, 0.5, T)),
    "one cycle, linear": (
        OneCycleSchedule(0.25, "linear", 10, 100),
        lambda o: lr_scheduler.OneCycleLR(
            o, 0.5, T, pct_start=0.25, anneal_strategy="linear", div_factor=10, final_div_factor=100
        ),
    ),
    "one cycle, three phases": (
        OneCycleSchedule(three_phase=True),
        lambda o: lr_scheduler.OneCycleLR(o, 0.5, T, three_phase=True),
    ),
    "warm-up": (
        WarmUpSchedule(8, start=0.25),
        lambda o: lr_scheduler.LinearLR(o, 0.25, 1, 8),
    ),
    "warm-up, then cosine": (
        WarmUpSchedule(0.25, CosineSchedule(0.2), start=0.1),
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, 0.1, 1, 10),
                lr_scheduler.CosineAnnealingLR(o, T - 10, 0.1),
            ],
            [10],
        ),
    ),
    "joined": (
        JoinedSchedule([ConstantSchedule(0.1), ExponentialSchedule(0.8)], [5]),
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.ConstantLR(o, 0.1, 100), lr_scheduler.ExponentialLR(o, 0.8)], [5]
        ),
    ),
    "product": (
        ProductSchedule([StepSchedule(10, 0.5), ExponentialSchedule(0.9)]),
        lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.StepLR(o, 10, 0.5), lr_scheduler.ExponentialLR(o, 0.9)]
        ),
    ),
}


@pytest.mark.parametrize(("schedule", "make"), TWINS.values(), ids=TWINS.keys())
def test_rates_are_those_of_torch(schedule, make):
    ours = [0.5 * schedule.factor(step, T) for step in range(T)]
    assert ours == pytest.approx(rates_of_torch(make, T), rel=1e-10, abs=1e-14)


def test_epochs_last_several_steps():
    schedule = StepSchedule(2, 0.5)
    factors = [schedule.factor(step, 12, steps_per_epoch=2) for step in range(12)]
    assert factors == [1] * 4 + [0.5] * 4 + [0.25] * 4


@pytest.mark.parametrize(
    "kwargs",
    [
        {"patience": 2},
        {"patience": 1, "factor": 0.5, "cooldown": 2, "threshold": 0.05},
        {"patience": 0, "threshold_mode": "abs", "threshold": 0.3},
        {"patience": 1, "mode": "max"},
        {"patience": 1, "mode": "max", "threshold": 0.3, "threshold_mode": "abs"},
    ],
)
def test_plateau_is_that_of_torch(kwargs):
    generator = torch.Generator().manual_seed(1)
    metrics = (2 + torch.randn(60, generator=generator)).tolist()
    ours, optimizer = PlateauSchedule(final=1e-3, **kwargs), torch_sgd(0.5)
    theirs = lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=0.5e-3, eps=0, **kwargs)
    for metric in metrics:
        ours.observe(metric)
        theirs.step(metric)
        rate = optimizer.param_groups[0]["lr"]
        assert 0.5 * ours.factor(3, T) == pytest.approx(rate, rel=1e-12)
    assert ours.now < 1


def test_plateau_state_is_restored():
    first, second = (PlateauSchedule(patience=1, factor=0.5) for _ in range(2))
    for metric in (1.0, 2.0):
        first.observe(metric)
    second.load_state_dict(first.state_dict())
    for schedule in (first, second):
        schedule.observe(2.0)
    assert first.now == second.now == 0.5


def test_compositions_pass_metrics_and_states_on():
    def make():
        inner = PlateauSchedule(patience=0, factor=0.5)
        return WarmUpSchedule(2, ProductSchedule([inner, ConstantSchedule(0.1)]))

    first, second = make(), make()
    first.observe(1.0)
    first.observe(2.0)
    assert first.factor(5, 10) == pytest.approx(0.05)
    second.load_state_dict(first.state_dict())
    assert second.factor(5, 10) == pytest.approx(0.05)
    with pytest.raises(ArgumentError, match="the states of 2 schedules, got 0"):
        ProductSchedule([ConstantSchedule()] * 2).load_state_dict({})


def test_scheduler_sets_rate_before_each_step():
    optimizer = SGD([Parameter(torch.ones(1))], lr=0.4)
    scheduler = Scheduler(optimizer, LinearSchedule(), steps=4)
    rates = [optimizer.lr for _ in scheduler.over(range(4))]
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])
    again = Scheduler(SGD([Parameter(torch.ones(1))], lr=9.0), LinearSchedule(), steps=4)
    again.load_state_dict({**scheduler.state_dict(), "step": 1})
    again.advance()
    assert again.optimizer.lr == pytest.approx(0.3)


def test_every_registered_schedule_is_one_without_torch():
    components = registry.components("schedules")
    ours = [c for c in components if c.distribution.name == "minidl-plugins-nn"]
    assert {"constant", "cosine", "linear", "step", "plateau", "warm_up"} <= {c.name for c in ours}
    for component in ours:
        assert issubclass(component.load(), Schedule)


def sgd():
    return SGD([Parameter(torch.ones(1))])


REFUSED = {
    "share": (lambda: CosineSchedule(-1), "CosineSchedule: final must be a finite number that is"),
    "factor": (lambda: StepSchedule(3, math.nan), "StepSchedule: factor must be a finite number"),
    "every": (
        lambda: StepSchedule(0.5),
        "every must be a whole number that is at least 1, got 0.5",
    ),
    "milestones": (lambda: MultiStepSchedule([3, 3]), "increasing whole numbers of epochs above 0"),
    "run": (lambda: CosineSchedule().factor(0, 0), "in a run of at least 1, got step 0 of 0"),
    "strategy": (lambda: OneCycleSchedule(0.3, "sin"), 'anneal_strategy must be "cos" or "linear"'),
    "phases": (lambda: OneCycleSchedule(0.5, three_phase=True), "pct_start must be below 0.5"),
    "mode": (lambda: PlateauSchedule("low"), 'mode must be "min" or "max", got'),
    "metric": (lambda: PlateauSchedule().observe("low"), "a metric that is a number, got 'low'"),
    "plateau state": (lambda: PlateauSchedule().load_state_dict({}), "without best, bad, resting"),
    "lengths": (lambda: JoinedSchedule([CosineSchedule()], [3]), "expected 0 lengths for 1 sched"),
    "length": (lambda: WarmUpSchedule(1.5), "or a share of the run above 0 and below 1, got 1.5"),
    "no schedule": (lambda: ProductSchedule([3]), "ProductSchedule: expected schedules, got 3"),
    "a class": (lambda: WarmUpSchedule(3, CosineSchedule), "write CosineSchedule()"),
    "no schedules": (lambda: ProductSchedule([]), "expected schedules, got none"),
    "no lr": (lambda: Scheduler(object(), CosineSchedule(), 3), "with a learning rate `lr`"),
    "steps": (lambda: Scheduler(sgd(), CosineSchedule(), 0), "steps must be a whole number that"),
    "scheduler state": (
        lambda: Scheduler(sgd(), CosineSchedule(), 3).load_state_dict({"lr": 1}),
        "got one without step, schedule",
    ),
}


@pytest.mark.parametrize(("act", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(act, message):
    with pytest.raises(ArgumentError) as caught:
        act()
    assert message in str(caught.value)
