"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.initialisation import *
    from minidl_plugins_nn.optimizers.accumulate import *
    from minidl_plugins_nn.optimizers.adadelta import *
    from minidl_plugins_nn.optimizers.adafactor import *
    from minidl_plugins_nn.optimizers.adagrad import *
    from minidl_plugins_nn.optimizers.adam import *
    from minidl_plugins_nn.optimizers.adamax import *
    from minidl_plugins_nn.optimizers.adamw import *
    from minidl_plugins_nn.optimizers.asgd import *
    from minidl_plugins_nn.optimizers.averaged import *
    from minidl_plugins_nn.optimizers.clip import *
    from minidl_plugins_nn.optimizers.lion import *
    from minidl_plugins_nn.optimizers.muon import *
    from minidl_plugins_nn.optimizers.nadam import *
    from minidl_plugins_nn.optimizers.radam import *
    from minidl_plugins_nn.optimizers.rmsprop import *
    from minidl_plugins_nn.optimizers.rprop import *
    from minidl_plugins_nn.optimizers.sgd import *
    from minidl_plugins_nn.optimizers.split import *
    from minidl_plugins_nn.schedules.by_epochs import *
    from minidl_plugins_nn.schedules.composition import *
    from minidl_plugins_nn.schedules.one_cycle import *
    from minidl_plugins_nn.schedules.over_the_run import *
    from minidl_plugins_nn.schedules.plateau import *
    from minidl_plugins_nn.schedules.schedule import Schedule as Schedule
    from minidl_plugins_nn.schedules.scheduler import *
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "initialisation": ["initialise"],
            "optimizers.accumulate": ["Accumulate"],
            "optimizers.adadelta": ["Adadelta"],
            "optimizers.adafactor": ["Adafactor"],
            "optimizers.adagrad": ["Adagrad"],
            "optimizers.adam": ["Adam"],
            "optimizers.adamax": ["Adamax"],
            "optimizers.adamw": ["AdamW"],
            "optimizers.asgd": ["ASGD"],
            "optimizers.averaged": ["Averaged"],
            "optimizers.clip": ["ClipNorm", "ClipValue"],
            "optimizers.lion": ["Lion"],
            "optimizers.muon": ["Muon"],
            "optimizers.nadam": ["NAdam"],
            "optimizers.radam": ["RAdam"],
            "optimizers.rmsprop": ["RMSprop"],
            "optimizers.rprop": ["Rprop"],
            "optimizers.sgd": ["SGD"],
            "optimizers.split": ["Split"],
            "schedules.by_epochs": ["ExponentialSchedule", "MultiStepSchedule", "StepSchedule"],
            "schedules.composition": ["JoinedSchedule", "ProductSchedule", "WarmUpSchedule"],
            "schedules.one_cycle": ["OneCycleSchedule"],
            "schedules.over_the_run": [
                "ConstantSchedule",
                "CosineSchedule",
                "LinearSchedule",
                "PolynomialSchedule",
            ],
            "schedules.plateau": ["PlateauSchedule"],
            "schedules.schedule": ["Schedule"],
            "schedules.scheduler": ["Scheduler"],
        },
    )
