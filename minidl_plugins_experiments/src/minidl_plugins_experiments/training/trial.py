"""A trial of all parts of an experiment, on models that are thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError
from minidl_plugins_experiments.config.checking import checked_pass
from minidl_plugins_experiments.config.data_checks import rows_as_text
from minidl_plugins_experiments.config.grid import with_numbers
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.training.errors import ErrorMeasure, check_classes
from minidl_plugins_experiments.training.hidden_state import find_hidden_state
from minidl_plugins_experiments.training.plain_state import to_plain
from minidl_plugins_experiments.training.restarts import TrainingState
from minidl_plugins_experiments.training.schedules import is_constant
from minidl_plugins_experiments.training.stacking import TRIAL_ROWS, why_not_stacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_core import Loss, Module
    from minidl_plugins_experiments.config.building import Builder
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.data.data import Data

__all__ = ["Trial"]


@dataclass(frozen=True)
class Trial:
    """Tries model, loss and optimizer together, without touching those of the run."""

    experiment: Experiment
    builder: Builder
    data: Data

    def why_not_stacked(self) -> str | None:
        """Try all parts; return why the restarts cannot be stacked, or None if they can.

        Raises:
            ConfigError: something does not fit, or the run could not be resumed.
        """
        generator = self._generator()
        self._check_step(generator)
        self._check_state()
        if self.experiment.models == 1:
            return None

        settings = self.experiment.settings
        chosen = [settings[0], settings[len(settings) // 2], settings[-1]]
        states = [self._state(self._model(generator), values) for values in chosen]
        rows = self._rows()
        return why_not_stacked(states, self.data.train.x[:rows], self.data.train.y[:rows])

    def _check_step(self, generator: torch.Generator) -> None:
        """Take one or two rows forward and backward, and let the optimizer make a step."""
        experiment, (x, y) = self.experiment, self.data.train
        node = self.builder.model(experiment.model, generator)
        if not node.module.param():
            raise ConfigError(
                "expected a model that can learn, got one without parameters; add a layer that has "
                "some, such as Linear",
                key="model",
            )
        state = self._state(node.module)
        rows = min(2, experiment.batch_size)  # batch normalisation needs two
        if list(getattr(state.loss, "param", list)()):
            raise ConfigError(
                f"{experiment.loss.name} has parameters of its own, and a run trains those of the "
                "model; take a loss without, and put the layer into the model",
                key=experiment.loss.key,
            )
        error = ErrorMeasure.of(self.data.task, state.loss)

        def check(prediction: torch.Tensor) -> None:
            check_classes(error, prediction, self.data, "model")

        key = experiment.loss.key
        prediction = checked_pass(node, state.loss, key, x[:rows], y[:rows], check)
        if not error.counts(prediction, y):
            raise ConfigError(
                "expected a target for each place of the prediction "
                f"{tuple(prediction.shape)}, without its classes, to count errors with; got "
                f"targets of {rows_as_text(y)}; take CrossEntropyLoss, or one-hot targets",
                key=key,
            )
        self._check_schedule(state)
        key = experiment.optimizer.key
        try:
            state.optimizer.step()
            to_plain(state.optimizer.state_dict(), "state_dict()", {})
        except MinidlError as error:
            raise ConfigError(str(error), key=key) from error
        except Exception as error:
            raise ConfigError(
                f"a first step raised {type(error).__name__}: {error}; choose another optimizer, "
                "or tell its author",
                key=key,
            ) from error

    def _check_schedule(self, state: TrainingState) -> None:
        scheduled = not is_constant(self.experiment.schedule)
        if scheduled and not isinstance(getattr(state.optimizer, "lr", None), (int, float)):
            raise ConfigError(
                f"{self.experiment.optimizer.name} has no learning rate lr to change; leave the "
                'schedule out, or write schedule = "constant"',
                key="schedule",
            )

    def _check_state(self) -> None:
        """Refuse state that a checkpoint would miss."""
        rows, (x, y) = self._rows(), self.data.train
        second = slice(rows, 2 * rows) if len(x) >= 2 * rows else slice(rows)
        try:
            found = find_hidden_state(
                lambda: (self._model(self._generator()), self._loss()),
                (x[:rows], y[:rows]),
                (x[second], y[second]),
            )
        except MinidlError as error:
            raise ConfigError(f"a trial step: {error}", key="model") from error
        except Exception as error:
            raise ConfigError(
                f"a trial step of {rows} rows raised {type(error).__name__}: {error}; check the "
                "model's layers (`minidl check NAME`)",
                key="model",
            ) from error
        if found is not None:
            where, problem = found
            raise ConfigError(problem, key=self.experiment.loss.key if where == "loss" else where)

    def _state(
        self, model: Module, values: Mapping[str, Any] = MappingProxyType({})
    ) -> TrainingState:
        spec = with_numbers(self.experiment.optimizer, values)
        optimizer = self.builder.optimizer(spec, model.param())
        return TrainingState(model, self._loss(), optimizer)

    def _loss(self) -> Loss:
        return self.builder.loss(self.experiment.loss)

    def _model(self, generator: torch.Generator) -> Module:
        return self.builder.model(self.experiment.model, generator).module

    def _generator(self) -> torch.Generator:
        return torch.Generator(self.builder.device).manual_seed(0)

    def _rows(self) -> int:
        return min(TRIAL_ROWS, self.experiment.batch_size)
