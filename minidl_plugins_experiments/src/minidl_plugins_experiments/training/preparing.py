"""All that can be found wrong is found here, before anything is trained or written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError
from minidl_plugins_basic import stack
from minidl_plugins_experiments.config.building import Builder
from minidl_plugins_experiments.config.checking import checked_data, checked_pass, device_of
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.training.plain_state import to_plain
from minidl_plugins_experiments.training.restarts import TRIAL_ROWS, Lane, why_not_stacked
from minidl_plugins_experiments.training.schedules import schedule_of

if TYPE_CHECKING:
    from minidl_core import Loss, Module, Optimizer, Registry
    from minidl_core.components import Component
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.data.data import Data
    from minidl_plugins_experiments.training.schedules import Schedule

__all__ = ["Prepared", "prepare"]


@dataclass
class Prepared:
    """An experiment with all its parts built, before the first step.

    Attributes:
        generators: the sources of randomness: ``batches``, which drew the data and draws the order
            of the rows, and ``weights``.
        weights_seed: the seed of ``weights``, drawn from ``batches``.
        description: the tree of one network, as its ``info()`` prints it.
        why_not_stacked: the reason, if there are several starts and they are not one stack.
        components: what each key of the file came to mean.
    """

    experiment: Experiment
    device: torch.device
    data: Data
    loss: Loss
    lanes: list[Lane]
    schedule: Schedule
    generators: dict[str, torch.Generator]
    weights_seed: int
    parameters: int
    description: str
    why_not_stacked: str | None
    components: dict[str, Component]


def prepare(experiment: Experiment, registry: Registry) -> Prepared:
    """Build every part, try them together, and make the starts.

    One generator draws the data and later the order of the rows, another the first weights. So
    the first of many starts is the start that would have been alone.

    Raises:
        ConfigError: something is unknown, missing, or does not fit; its key says where.
    """
    device = device_of(experiment.device)
    builder = Builder(registry, getattr(torch, experiment.dtype), device, Path(experiment.folder))
    schedule = schedule_of(experiment.schedule)
    loss = builder.loss(experiment.loss)

    generator = torch.Generator().manual_seed(experiment.seed)
    data = checked_data(builder.data(experiment.data, generator), experiment, device)
    weights_seed = int(torch.randint(2**62, (), generator=generator))
    weights = torch.Generator(device).manual_seed(weights_seed)

    def optimizer_of(model: Module) -> Optimizer:
        return builder.optimizer(experiment.optimizer, model.param())

    reason = _tried(experiment, builder, loss, optimizer_of, data)
    models = [builder.model(experiment.model, weights).module for _ in range(experiment.starts)]
    first = models[0]
    description = str(first.describe()) if hasattr(first, "describe") else type(first).__name__
    parameters = sum(parameter.value.numel() for parameter in first.param())
    if experiment.starts > 1 and reason is None:
        together = stack(models)
        lanes = [Lane(together, optimizer_of(together), (experiment.starts,))]
    else:
        lanes = [Lane(model, optimizer_of(model)) for model in models]
    sections = ("data", "loss", "optimizer")
    resolved: dict[str, Any] = {
        key: builder.resolved[getattr(experiment, key).key] for key in sections
    }
    return Prepared(
        experiment=replace(experiment, **resolved),
        device=device,
        data=data,
        loss=loss,
        lanes=lanes,
        schedule=schedule,
        generators={"batches": generator, "weights": weights},
        weights_seed=weights_seed,
        parameters=parameters,
        description=description,
        why_not_stacked=reason,
        components=builder.used,
    )


def _tried(
    experiment: Experiment, builder: Builder, loss: Loss, optimizer_of: Any, data: Data
) -> str | None:
    """Try all parts on networks of their own, that the run's random numbers stay untouched.

    Returns why the starts cannot be stacked; None if they can, or there is only one.
    """
    throwaway = torch.Generator(builder.device).manual_seed(0)
    node = builder.model(experiment.model, throwaway)
    _check_parameters(node.module)
    optimizer = optimizer_of(node.module)
    checked_pass(node, loss, experiment.loss.key, data.train.x[:1], data.train.y[:1])
    key = experiment.optimizer.key
    if experiment.schedule.name != "constant" and not isinstance(
        getattr(optimizer, "lr", None), (int, float)
    ):
        raise ConfigError(
            f"{experiment.optimizer.name} has no learning rate lr to change; leave the schedule "
            'out, or write schedule = "constant"',
            key="schedule",
        )
    try:
        optimizer.step()
        to_plain(optimizer.state_dict(), "state_dict()", {})
    except MinidlError as error:
        raise ConfigError(str(error), key=key) from error
    except Exception as error:
        raise ConfigError(
            f"a first step raised {type(error).__name__}: {error}; choose another optimizer, or "
            "tell its author",
            key=key,
        ) from error
    if experiment.starts == 1:
        return None
    two = [builder.model(experiment.model, throwaway).module for _ in range(2)]
    rows = slice(0, min(TRIAL_ROWS, experiment.batch_size))
    return why_not_stacked(two, loss, optimizer_of, data.train.x[rows], data.train.y[rows])


def _check_parameters(model: Module) -> None:
    if not model.param():
        raise ConfigError(
            "expected a model that can learn, got one without parameters; add a layer that has "
            "some, such as Linear",
            key="model",
        )
