"""A schedule in one's own training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from minidl_core import ArgumentError
from minidl_plugins_nn.hyperparameters import Number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from minidl_plugins_nn.schedules.schedule import Schedule

__all__ = ["Scheduler"]

Batch = TypeVar("Batch")


class Scheduler:
    """Sets the learning rate of an optimizer before each step::

        scheduler = Scheduler(optimizer, WarmUpSchedule(100, CosineSchedule()), steps=5000)
        for epoch in range(50):
            for step in train(model, loss, optimizer, scheduler.over(batches)):
                ...
            scheduler.observe(validation_loss)  # for a PlateauSchedule

    Args:
        optimizer: anything with an attribute `lr`; its value now is the full learning rate.
        schedule: gives the factor.
        steps: how many steps the run has.
        steps_per_epoch: how many of them are an epoch.

    Attributes:
        lr: the full learning rate.
        step: how many steps have been given a rate.

    Raises:
        ArgumentError: the optimizer has no `lr`; a number of steps is below 1.
    """

    steps = Number(least=1, whole=True)
    steps_per_epoch = Number(least=1, whole=True)

    def __init__(
        self, optimizer: Any, schedule: Schedule, steps: int, steps_per_epoch: int = 1
    ) -> None:
        if not hasattr(optimizer, "lr"):
            raise ArgumentError(
                f"expected an optimizer with a learning rate `lr`, got {type(optimizer).__name__}",
                where="Scheduler",
            )
        if not hasattr(schedule, "factor") or isinstance(schedule, type):
            raise ArgumentError(
                f"expected a schedule, got {schedule!r}; write CosineSchedule()", where="Scheduler"
            )
        self.optimizer, self.schedule = optimizer, schedule
        self.steps, self.steps_per_epoch = steps, steps_per_epoch
        self.lr, self.step = optimizer.lr, 0

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield each of `batches`, after setting the learning rate of its step."""
        for batch in batches:
            self.advance()
            yield batch

    def advance(self) -> None:
        """Set the learning rate of the step that comes next."""
        factor = self.schedule.factor(self.step, self.steps, self.steps_per_epoch)
        self.optimizer.lr = self.lr * factor
        self.step += 1

    def observe(self, metric: float) -> None:
        """Pass the metric of an evaluation to the schedule, if it takes one."""
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(metric)

    def state_dict(self) -> dict[str, Any]:
        inner: dict[str, Any] = getattr(self.schedule, "state_dict", dict)()
        return {"lr": self.lr, "step": self.step, "schedule": inner}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        missing = [name for name in ("lr", "step", "schedule") if name not in state]
        if missing:
            raise ArgumentError(
                "expected the state that Scheduler.state_dict() gives, got one without "
                f"{', '.join(missing)}",
                where="Scheduler",
            )
        if hasattr(self.schedule, "load_state_dict"):
            self.schedule.load_state_dict(state["schedule"])
        self.lr, self.step = state["lr"], state["step"]
