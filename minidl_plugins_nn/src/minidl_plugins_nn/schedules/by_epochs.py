"""Schedules that change between epochs. Without epochs (steps_per_epoch=1) a step is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import ArgumentError
from minidl_plugins_nn.hyperparameters import Number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ExponentialSchedule", "MultiStepSchedule", "StepSchedule"]


class StepSchedule:
    """Times `factor` after each `every` epochs.

    Args:
        every: a whole number of epochs, at least 1.
        factor: at least 0.
    """

    every = Number(least=1, whole=True)
    gamma = Number(least=0, called="factor")

    def __init__(self, every: int, factor: float = 0.1) -> None:
        self.every, self.gamma = every, factor

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return float(self.gamma ** (step // steps_per_epoch // self.every))


class MultiStepSchedule:
    """Times `factor` after each of the epochs in `milestones`.

    Args:
        milestones: numbers of epochs, increasing.
        factor: at least 0.

    Raises:
        ArgumentError: `milestones` are no increasing whole numbers.
    """

    gamma = Number(least=0, called="factor")

    def __init__(self, milestones: Sequence[int], factor: float = 0.1) -> None:
        listed = milestones if isinstance(milestones, (list, tuple)) else [milestones]
        self.milestones, self.gamma = tuple(listed), factor
        whole = all(isinstance(milestone, int) for milestone in self.milestones)
        if not whole or list(self.milestones) != sorted({0, *self.milestones} - {0}):
            raise ArgumentError(
                "milestones must be increasing whole numbers of epochs above 0, got "
                f"{milestones!r}; write milestones=[30, 60, 90]",
                where="MultiStepSchedule",
            )

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        passed = sum(milestone <= step // steps_per_epoch for milestone in self.milestones)
        return float(self.gamma**passed)


class ExponentialSchedule:
    """Times `factor` after each epoch.

    Args:
        factor: above 0.
    """

    gamma = Number(above=0, called="factor")

    def __init__(self, factor: float) -> None:
        self.gamma = factor

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return float(self.gamma ** (step // steps_per_epoch))
