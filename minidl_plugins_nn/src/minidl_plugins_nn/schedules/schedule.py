"""The contract of the kind `schedules`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from minidl_core import ArgumentError

__all__ = ["Schedule", "progress"]


@runtime_checkable
class Schedule(Protocol):
    """What the learning rate is multiplied by, before each step.

    Also used where present: ``observe(metric)``, called after each evaluation, and for a schedule
    that learns from it ``state_dict()`` and ``load_state_dict(state)``.
    """

    @abstractmethod
    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        """Return the factor for the step that comes next.

        Args:
            step: how many steps were done before it.
            steps: how many steps the run has in all.
            steps_per_epoch: how many of them are an epoch.
        """


def progress(schedule: object, step: int, steps: int) -> float:
    """Return the share of the run that is done, from 0 to 1.

    Raises:
        ArgumentError: `step` is negative, or `steps` not above 0.
    """
    if step < 0 or steps < 1:
        raise ArgumentError(
            f"expected a step of at least 0 in a run of at least 1, got step {step} of {steps}",
            where=type(schedule).__name__,
        )
    return min(step / steps, 1.0)
