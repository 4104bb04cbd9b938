"""Calls with bad arguments, by the public name that must refuse them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import minidl_core as core
import minidl_plugins_basic as basic
import minidl_plugins_devkit as devkit
import minidl_plugins_distributed as distributed
import minidl_plugins_engines as engines
import minidl_plugins_experiments as experiments
import minidl_plugins_inspect as inspected
import minidl_plugins_nn as nn

ONES = torch.ones(4, 3)
NOWHERE = Path("nowhere")


def linear(inputs: int = 3, outputs: int = 3) -> Any:
    return basic.Linear(inputs, outputs)


def network() -> Any:
    return core.Sequential(linear(), basic.Tanh())


def trained(*batches: Any, engine: Any = None, **parts: Any) -> Any:
    model = parts.get("model", network())
    loss = parts.get("loss", basic.MSELoss())
    optimizer = parts.get("optimizer", basic.SGD(linear().param(), 0.1))
    return list(core.train(model, loss, optimizer, batches or [(ONES, ONES)], engine=engine))


def sgd(**changes: Any) -> Any:
    optimizer = basic.SGD(linear().param(), 0.1)
    for name, value in changes.items():
        setattr(optimizer, name, value)
    return optimizer


CALLS: dict[str, list[Any]] = {
    "minidl_core.Parameter": [
        lambda: core.Parameter(None),
        lambda: core.Parameter(1.0),
        lambda: core.Parameter(ONES, torch.ones(2)),
        lambda: core.Parameter(ONES, [1.0]),
        lambda: setattr(core.Parameter(ONES), "grad", None),
        lambda: setattr(core.Parameter(ONES), "value", "abc"),
    ],
    "minidl_core.Sequential": [
        lambda: core.Sequential(None),
        lambda: core.Sequential([linear()]),
        lambda: core.Sequential(basic.ReLU),
        lambda: network().forward("abc"),
        lambda: network().backward(ONES),
        lambda: network().load_state_dict({}),
        lambda: network().load_state_dict({"0.weight": ONES, "0.bias": None}),
    ],
    "minidl_core.BaseModule": [
        lambda: linear().register_buffer("not a name", ONES),
        lambda: linear().register_buffer("weight", ONES),
        lambda: linear().pop(),
        lambda: linear().eval().pop(),
    ],
    "minidl_core.BaseOptimizer": [
        lambda: sgd().load_state_dict({}),
        lambda: basic.SGD(iter([]), 0.1),
    ],
    "minidl_core.train": [
        lambda: trained(None),
        lambda: trained(1),
        lambda: trained((ONES,)),
        lambda: trained((ONES, None)),
        lambda: trained((None, ONES)),
        lambda: trained(engine="replya"),
        lambda: list(core.train(network(), basic.MSELoss(), sgd(), [])),
    ],
    "minidl_core.eager": [
        lambda: core.eager(network(), basic.MSELoss(), sgd())((ONES,), None),
    ],
    "minidl_core.resolve_engine": [lambda: core.resolve_engine("no-such-engine")],
    "minidl_core.find_engine": [lambda: core.find_engine("no-such-engine", core.registry)],
    "minidl_core.registry": [
        lambda: core.registry.get("modules", "Relo"),
        lambda: core.registry.get("modules", "nobody/ReLU"),
        lambda: core.registry.get("modules", ""),
        lambda: core.registry.find("losses", "ReLU"),
        lambda: core.registry.create("modules", "Lineer", 1, 1),
        lambda: core.registry.create("modules", "Linear", -1, 1),
    ],
    "minidl_core.check_alike": [
        lambda: core.check_alike("here", "x", ONES, "y", ONES.double()),
        lambda: core.check_alike("here", "x", None, "y", ONES),
    ],
    "minidl_core.check_grad_output": [
        lambda: core.check_grad_output("here", ONES, torch.Size([1])),
    ],
    "minidl_core.check_no_graph": [
        lambda: core.check_no_graph("here", "x", torch.ones(1, requires_grad=True)),
        lambda: core.check_no_graph("here", "x", {}),
    ],
    "minidl_core.import_guarded": [
        lambda: core.registry.find("modules", "ReLU")._replace(value="no_such:Thing").load(),
    ],
    "minidl_plugins_basic.Linear": [
        lambda: linear(0),
        lambda: linear(2.5),
        lambda: linear(True),
        lambda: linear("3"),
        lambda: linear(3, None),
        lambda: basic.Linear(3, 3, init="xavier"),
        lambda: linear(2).forward(ONES),
        lambda: linear().forward(ONES.double()),
        lambda: linear().forward(ONES[:0]),
    ],
    "minidl_plugins_basic.MSELoss": [
        lambda: basic.MSELoss("none"),
        lambda: basic.MSELoss(None),
        lambda: basic.MSELoss().forward(ONES, ONES[0]),
        lambda: basic.MSELoss().forward(ONES.int(), ONES.int()),
        lambda: basic.MSELoss().backward(),
    ],
    "minidl_plugins_basic.SGD": [
        lambda: basic.SGD(None, 0.1),
        lambda: basic.SGD(linear(), 0.1),
        lambda: sgd(lr=-1),
        lambda: sgd(lr="0.1"),
        lambda: sgd(lr=float("nan")),
        lambda: sgd(lr=None),
        lambda: sgd(momentum=-0.5),
        lambda: sgd(momentum="much"),
    ],
    **{
        f"minidl_plugins_basic.{each.__name__}": [
            lambda each=each: each().forward(ONES.int()),
            lambda each=each: each().forward([1.0]),
            lambda each=each: each().backward(ONES),
        ]
        for each in (basic.ReLU, basic.Sigmoid, basic.Tanh)
    },
    "minidl_plugins_basic.stack": [
        lambda: basic.stack([]),
        lambda: basic.stack(None),
        lambda: basic.stack(linear()),
        lambda: basic.stack([linear(), linear(2)]),
        lambda: basic.stack([linear(), basic.MSELoss()]),
        lambda: basic.stack([1, 2]),
    ],
    "minidl_plugins_basic.unstack": [
        lambda: basic.unstack(linear()),
        lambda: basic.unstack(None),
    ],
    "minidl_plugins_engines.replay": [
        lambda: trained((ONES, "abc"), engine=engines.replay),
    ],
    "minidl_plugins_engines.inductor": [
        lambda: trained((ONES, "abc"), engine=engines.inductor),
    ],
    "minidl_plugins_engines.agrees_with_eager": [
        lambda: engines.agrees_with_eager(network(), basic.MSELoss(), sgd(), [None]),
        lambda: engines.agrees_with_eager(network(), basic.MSELoss(), sgd(), []),
    ],
    "minidl_plugins_devkit.run_checks": [
        lambda: devkit.run_checks(None),
        lambda: devkit.run_checks("ReLU"),
        lambda: devkit.run_checks(basic.ReLU, kind="moduls"),
        lambda: devkit.run_checks(basic.ReLU, checks=["no_such_check"]),
        lambda: devkit.run_checks(int),
    ],
    "minidl_plugins_devkit.parametrize_with_checks": [
        lambda: devkit.parametrize_with_checks([]),
        lambda: devkit.parametrize_with_checks(None),
        lambda: devkit.parametrize_with_checks([1]),
    ],
    "minidl_plugins_distributed.DataParallel": [
        lambda: distributed.DataParallel(linear().param(), None),
        lambda: distributed.DataParallel(None, basic.SGD),
        lambda: distributed.DataParallel(linear().param(), basic.SGD(linear().param(), 0.1)),
    ],
    "minidl_plugins_experiments.run": [
        lambda: experiments.run("nowhere.toml"),
        lambda: experiments.run(None),
        lambda: experiments.run({}),
        lambda: experiments.run({"data": {"name": "disc"}}),
        lambda: experiments.run({"modle": []}),
    ],
    "minidl_plugins_experiments.load_run": [
        lambda: experiments.load_run(NOWHERE),
        lambda: experiments.load_run(None),
        lambda: experiments.load_run("."),
    ],
    "minidl_plugins_experiments.read_result": [
        lambda: experiments.read_result(NOWHERE),
    ],
    "minidl_plugins_inspect.watch": [
        lambda: inspected.watch(None, ONES),
        lambda: inspected.watch(linear(), "abc"),
        lambda: inspected.watch(linear(), ONES[0, :2]),
        lambda: inspected.watch(linear(), ONES, ONES[0], basic.MSELoss()),
        lambda: inspected.watch(linear(), ONES, None, basic.MSELoss()),
    ],
    "minidl_plugins_inspect.summary": [
        lambda: inspected.summary(None),
        lambda: inspected.summary(linear(), "abc"),
        lambda: inspected.summary(linear(), (4, 2)),
    ],
    "minidl_plugins_nn.initialise": [
        lambda: nn.initialise(None, "default"),
        lambda: nn.initialise(linear(), "no such law"),
        lambda: nn.initialise(linear(), None),
    ],
    "minidl_plugins_nn.from_torch": [
        lambda: nn.from_torch(None),
        lambda: nn.from_torch(linear()),
    ],
    "minidl_plugins_nn.to_torch": [lambda: nn.to_torch(None), lambda: nn.to_torch(torch.nn.ReLU())],
    "minidl_plugins_nn.Scheduler": [
        lambda: nn.Scheduler(None, nn.ConstantSchedule(), 10),
        lambda: nn.Scheduler(sgd(), None, 10),
        lambda: nn.Scheduler(sgd(), nn.ConstantSchedule(), 0),
        lambda: nn.Scheduler(sgd(), nn.ConstantSchedule(), "10"),
    ],
    **{
        f"minidl_plugins_nn.{each.__name__}": [
            lambda each=each, given=given: each(*given) for given in bad
        ]
        for each, bad in {
            nn.ConstantSchedule: [(-1,), ("1",), (None,)],
            nn.CosineSchedule: [(-1,), ("0",)],
            nn.ExponentialSchedule: [(-1,), (None,)],
            nn.LinearSchedule: [(-1,), (0.0, "1")],
            nn.MultiStepSchedule: [([3, 2],), (None,), (["a"],)],
            nn.StepSchedule: [(0,), (1.5,), (3, -1)],
            nn.OneCycleSchedule: [(2.0,), (0.3, "sin"), (0.3, "cos", 0)],
            nn.PlateauSchedule: [("mean",), ("min", 2.0), ("min", 0.1, -1)],
            nn.PolynomialSchedule: [(-1,), ("1",)],
            nn.WarmUpSchedule: [(-1,), ("5",), (5, "cosine")],
            nn.JoinedSchedule: [([], []), ([nn.ConstantSchedule()], [3]), (None, None)],
            nn.ProductSchedule: [([],), ([1],), (None,)],
        }.items()
    },
}
