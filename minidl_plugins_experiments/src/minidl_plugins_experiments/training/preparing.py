"""Building and checking an experiment, before anything is trained or written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import RegistryError, resolve_engine
from minidl_plugins_experiments.config.building import Builder
from minidl_plugins_experiments.config.checking import device_of
from minidl_plugins_experiments.config.data_checks import checked_data
from minidl_plugins_experiments.config.grid import check_one_run, with_numbers
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.config.sizes import sizes_of
from minidl_plugins_experiments.training.best_epoch import BestEpoch, best_epoch_of
from minidl_plugins_experiments.training.earlier_transform import as_earlier, encoded_as_earlier
from minidl_plugins_experiments.training.errors import ErrorMeasure
from minidl_plugins_experiments.training.first_weights import earlier_run, freeze_layers
from minidl_plugins_experiments.training.restarts import TrainingState
from minidl_plugins_experiments.training.schedules import build_schedule, is_constant
from minidl_plugins_experiments.training.stacking import stacked
from minidl_plugins_experiments.training.trial import Trial

if TYPE_CHECKING:
    from minidl_core import Component, Engine, Module, Registry
    from minidl_plugins_experiments.config.component_spec import ComponentSpec
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.data.data import Data

__all__ = ["Prepared", "prepare"]

TABLE_CELLS = 2**22  # as many cells of a table are evaluated at once


@dataclass
class Prepared:
    """An experiment with all its parts built, before the first step.

    Attributes:
        error: what the error of a model is.
        generators: the sources of randomness: ``batches`` drew the data and draws the order of
            the rows, ``weights`` drew the first weights.
        weights_seed: the seed of ``weights``, drawn from ``batches``.
        states: the training state of each restart, or one for all of them stacked.
        engine: carries out the training steps, and is called `engine_name`.
        parameters: how many numbers one model learns.
        description: the tree of one model, as its ``info()`` prints it.
        why_not_stacked: why several restarts are not one stack, if so.
        components: the component that each key of the file means.
        best: the early stopping, if the file asks for it.
        builder: makes further components of the same experiment.
        origin: the run whose weights are the first ones, if there is one.
    """

    experiment: Experiment
    device: torch.device
    data: Data
    states: list[TrainingState]
    error: ErrorMeasure
    generators: dict[str, torch.Generator]
    weights_seed: int
    engine: Engine
    engine_name: str
    parameters: int
    description: str
    why_not_stacked: str | None
    components: dict[str, Component]
    builder: Builder
    best: BestEpoch | None = None
    origin: dict[str, Any] | None = None


def prepare(experiment: Experiment, registry: Registry) -> Prepared:
    """Build every part, try all of them together, and make the restarts.

    One generator draws the data and later the order of the rows, another one the weights. So the
    first of many restarts is equal to the only one of a run without restarts, and each setting of a
    sweep to a run with these values.

    Raises:
        ConfigError: something is unknown, missing or does not fit; its key says where.
    """
    check_one_run(experiment.sweep, stops=experiment.stop is not None)
    engine_name, engine = _engine(experiment, registry)
    device = device_of(experiment.device)
    builder = Builder(registry, getattr(torch, experiment.dtype), device, Path(experiment.folder))
    earlier = earlier_run(experiment)
    if not is_constant(experiment.schedule):
        build_schedule(experiment.schedule, builder)  # what is wrong with it is said at once

    generator = torch.Generator().manual_seed(experiment.seed)
    rows = builder.data(experiment.data, generator)
    if earlier is not None:
        rows = encoded_as_earlier(rows, earlier)
    data = checked_data(rows, experiment, device)
    if earlier is not None:
        data = as_earlier(data, earlier)
    builder.sizes = sizes_of(data)
    weights_seed = int(torch.randint(2**62, (), generator=generator))
    weights = torch.Generator(device).manual_seed(weights_seed)

    def state_of(model: Module, optimizer: ComponentSpec) -> TrainingState:
        if earlier is not None:
            earlier.fill(model)
        freeze_layers(model, experiment.frozen)
        loss = builder.loss(experiment.loss)
        state = TrainingState(model, loss, builder.optimizer(optimizer, model.param()))
        if not is_constant(experiment.schedule):
            state.schedules = [build_schedule(experiment.schedule, builder)]
        return state

    reason = Trial(experiment, builder, data).why_not_stacked()
    states = []
    for values in experiment.settings:  # each begins from the same first weights
        weights.manual_seed(weights_seed)
        optimizer = with_numbers(experiment.optimizer, values)
        states += [
            state_of(builder.model(experiment.model, weights).module, optimizer)
            for _ in range(experiment.restarts)
        ]
    first = states[0].model
    description = str(first.describe()) if hasattr(first, "describe") else type(first).__name__
    parameters = sum(parameter.value.numel() for parameter in first.param())
    error = ErrorMeasure.of(data.task, states[0].loss)
    if experiment.models > 1 and reason is None:
        states = [stacked(states)]
    for state in states:
        state.evaluate_batch = experiment.evaluate_batch or _rows_at_once(experiment, data)
    return Prepared(
        experiment=_resolved(experiment, builder),
        device=device,
        data=data,
        states=states,
        error=error,
        generators={"batches": generator, "weights": weights},
        weights_seed=weights_seed,
        engine=engine,
        engine_name=engine_name,
        parameters=parameters,
        description=description,
        why_not_stacked=reason,
        components=builder.used,
        builder=builder,
        best=best_epoch_of(experiment, data),
        origin=None if earlier is None else earlier.origin(),
    )


def _engine(experiment: Experiment, registry: Registry) -> tuple[str, Engine]:
    try:
        return resolve_engine(experiment.engine, registry)
    except RegistryError as error:
        raise ConfigError(str(error), key="engine") from error


def _rows_at_once(experiment: Experiment, data: Data) -> int:
    """Return how many rows to evaluate at once: many of a table, a few batches of other data."""
    x = data.train.x
    table = x.ndim == 2 and x.is_floating_point()
    rows = TABLE_CELLS // x.shape[1] if table else 4 * experiment.batch_size
    return max(rows, experiment.batch_size)


def _resolved(experiment: Experiment, builder: Builder) -> Experiment:
    """Return `experiment` with the arguments that its components were given."""
    resolved: dict[str, Any] = {
        key: builder.resolved.get(getattr(experiment, key).key, getattr(experiment, key))
        for key in ("data", "loss", "optimizer", "schedule")
    }
    return replace(experiment, **resolved)
