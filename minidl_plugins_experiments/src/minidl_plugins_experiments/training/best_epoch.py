"""Early stopping: the best epoch so far, whose weights are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.training.metrics import best_restart
from minidl_plugins_experiments.training.module_state import restart_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.data.data import Data
    from minidl_plugins_experiments.training.restarts import TrainingState

__all__ = ["BestEpoch", "best_epoch_of"]

PREFIX = "best."  # of its tensors in a checkpoint


class BestEpoch:
    """The epoch and the restart with the lowest value of a metric so far.

    Attributes:
        on: the metric.
        patience: after so many epochs without a lower value training stops.
        epoch: counted from 1; 0 before any value was finite.
        restart: the restart that had the value.
        value: the lowest value.
        tensors: weights and buffers of that restart after that epoch, as in a file of weights.
    """

    def __init__(self, on: str, patience: int) -> None:
        self.on, self.patience = on, patience
        self.epoch, self.restart, self.value = 0, 0, float("inf")
        self.tensors: dict[str, Tensor] = {}

    def see(self, record: Mapping[str, Any], states: Sequence[TrainingState]) -> None:
        """Keep the weights if the epoch of `record` has a lower value than all before."""
        values = record[self.on]
        best = best_restart(values)
        if best is not None and values[best] < self.value:
            self.epoch, self.restart, self.value = record["epoch"], best, values[best]
            self.tensors = restart_tensors(states, best)

    def stops(self, epochs: int) -> bool:
        """Return whether training ends after `epochs`."""
        return epochs - self.epoch >= self.patience

    def plain(self) -> dict[str, Any]:
        """Return it ready for JSON, without its tensors."""
        return {"epoch": self.epoch, "restart": self.restart, "value": self.value}

    def named_tensors(self) -> dict[str, Tensor]:
        """Return its tensors by their names in a checkpoint."""
        return {PREFIX + name: tensor for name, tensor in self.tensors.items()}

    def load(self, plain: Mapping[str, Any] | None, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `plain` and `named_tensors` gave."""
        if not plain:
            return
        self.epoch, self.restart, self.value = (plain[key] for key in ("epoch", "restart", "value"))
        self.tensors = {
            name.removeprefix(PREFIX): tensor
            for name, tensor in tensors.items()
            if name.startswith(PREFIX)
        }


def best_epoch_of(experiment: Experiment, data: Data) -> BestEpoch | None:
    """Return the early stopping that the file asks for, if it does.

    Raises:
        ConfigError: it needs a validation set, and the data have none.
    """
    stop = experiment.stop
    if stop is None:
        return None
    if stop["on"] == "validation_loss" and data.validation is None:
        raise ConfigError(
            f"early stopping needs a validation set, and {experiment.data.name} gives none; ask it "
            "for one (data.validation = 0.2, if it takes that). stop.on may also be train_loss, or "
            "test_loss, after which the test error is no longer an honest one",
            key="stop",
        )
    return BestEpoch(stop["on"], stop["patience"])
