"""Schedules made of schedules: one after another, and several at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.schedules.over_the_run import ConstantSchedule
from minidl_plugins_nn.schedules.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["JoinedSchedule", "ProductSchedule", "WarmUpSchedule"]


class CompositeSchedule:
    """Passes on what is observed, and keeps the state of the schedules inside.

    Args:
        schedules: those inside, at least one.

    Raises:
        ArgumentError: there is none, or one is no schedule.
    """

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        given: Any = schedules if hasattr(schedules, "__iter__") else [schedules]
        self.schedules: list[Schedule] = list(given)
        wrong = [each for each in self.schedules if not _is_schedule(each)]
        if wrong or not self.schedules:
            got = repr(wrong[0]) if wrong else "none"
            raise ArgumentError(
                f"expected schedules, got {got}; write CosineSchedule()",
                where=type(self).__name__,
            )

    def observe(self, metric: float) -> None:
        """Pass the metric of an evaluation to each schedule that takes one."""
        for schedule in self.schedules:
            if hasattr(schedule, "observe"):
                schedule.observe(metric)

    def state_dict(self) -> dict[str, Any]:
        states: list[Any] = [getattr(schedule, "state_dict", dict)() for schedule in self.schedules]
        return {"schedules": states}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        states = state.get("schedules", ())
        if len(states) != len(self.schedules):
            raise ArgumentError(
                f"expected the states of {len(self.schedules)} schedules, got {len(states)}",
                where=type(self).__name__,
            )
        for schedule, given in zip(self.schedules, states, strict=True):
            if hasattr(schedule, "load_state_dict"):
                schedule.load_state_dict(given)


class JoinedSchedule(CompositeSchedule):
    """One schedule after another; each sees a run of its own length.

    Args:
        schedules: two or more.
        lengths: of all but the last, which has the rest: a whole number of steps, or a share of
            the run below 1.

    Raises:
        ArgumentError: there are not as many lengths as schedules but one, or a length is neither.
    """

    def __init__(self, schedules: Sequence[Schedule], lengths: Sequence[float]) -> None:
        super().__init__(schedules)
        self.lengths = [_checked(type(self).__name__, length) for length in lengths or ()]
        if len(self.lengths) != len(self.schedules) - 1:
            raise ArgumentError(
                f"expected {len(self.schedules) - 1} lengths for {len(self.schedules)} schedules "
                f"(the last has the rest of the run), got {len(self.lengths)}",
                where=type(self).__name__,
            )

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        *earlier, last = self.schedules
        start = 0
        for schedule, length in zip(earlier, self.lengths, strict=True):
            own = _steps(length, steps)
            if step < start + own:
                return schedule.factor(step - start, own, steps_per_epoch)
            start += own
        return last.factor(step - start, max(steps - start, 1), steps_per_epoch)


class WarmUpSchedule(CompositeSchedule):
    """start + (1 − start) t/n at step t of the first n, and then another schedule.

    Args:
        length: n, a whole number of steps, or a share of the run below 1.
        then: the schedule of the rest of the run; None for a constant 1.
        start: the factor at the beginning, at least 0.

    Raises:
        ArgumentError: a number out of its range.

    Reference: P. Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017.
    """

    start = Number(least=0)

    def __init__(self, length: float, then: Schedule | None = None, start: float = 0.01) -> None:
        super().__init__([ConstantSchedule() if then is None else then])
        self.length, self.start = _checked(type(self).__name__, length), start

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        own = _steps(self.length, steps)
        if step < own:
            return float(self.start + (1 - self.start) * step / own)
        return self.schedules[0].factor(step - own, max(steps - own, 1), steps_per_epoch)


class ProductSchedule(CompositeSchedule):
    """The product of the factors of several schedules.

    Args:
        schedules: one or more.

    Raises:
        ArgumentError: there is none, or one is no schedule.
    """

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return math.prod(
            schedule.factor(step, steps, steps_per_epoch) for schedule in self.schedules
        )


def _is_schedule(item: object) -> bool:
    return isinstance(item, Schedule) and not isinstance(item, type)


def _checked(where: str, length: float) -> float:
    whole = isinstance(length, int) and not isinstance(length, bool) and length >= 1
    if not whole and not (isinstance(length, float) and 0 < length < 1):
        raise ArgumentError(
            "a length must be a whole number of steps of at least 1, or a share of the run above 0 "
            f"and below 1, got {length!r}",
            where=where,
        )
    return length


def _steps(length: float, steps: int) -> int:
    return length if isinstance(length, int) else max(1, round(length * steps))
