"""Schedules: what the learning rate is multiplied by before each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from minidl_core import ArgumentError, MinidlError
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.config.signatures import accepted_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from minidl_core import Optimizer
    from minidl_plugins_experiments.config.building import Builder
    from minidl_plugins_experiments.config.component_spec import ComponentSpec

__all__ = [
    "LearningRate",
    "Linear",
    "Schedule",
    "build_schedule",
    "is_constant",
    "load_states",
    "observe",
    "rates_at",
    "states_of",
]

KIND = "schedules"
PROVIDER = "minidl-plugins-nn"


class Schedule(Protocol):
    """A component of the kind ``schedules``.

    Also used where present: ``observe(metric)``, ``state_dict()`` and ``load_state_dict(state)``.
    """

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        """Return the factor for the step after `step` of all `steps`."""
        ...


class Linear:
    """1 − (1 − final) t/T at step t of T; the bundled experiments use it without a plugin."""

    def __init__(self, final: float = 0.0) -> None:
        if final < 0:
            raise ArgumentError(f"expected a number of at least 0, got {final}", where="final")
        self.final = final

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return float(1.0 - (1.0 - self.final) * (step / steps))


def is_constant(spec: ComponentSpec) -> bool:
    """Return whether `spec` leaves the learning rate as it is."""
    return spec.name == "constant" and not (spec.arguments or spec.positional or spec.optional)


def build_schedule(spec: ComponentSpec, builder: Builder) -> Schedule:
    """Return a new schedule, as the file names it.

    Raises:
        ConfigError: there is no schedule of that name, or its arguments are wrong.
    """
    if builder.offers(KIND):
        built: Schedule = builder.schedule(spec)
        return built
    if spec.name != "linear":
        raise ConfigError(
            f'no installed distribution has the schedule "{spec.name}"; install one that has: '
            f"pip install {PROVIDER}. Without it, there are: constant, linear",
            key=spec.key,
        )
    arguments, _ = accepted_by(Linear, "linear").by_name(spec)
    try:
        return Linear(**arguments)
    except ArgumentError as error:
        raise ConfigError(str(error.args[0]), key=f"{spec.key}.{error.path[0]}") from error


class LearningRate:
    """Sets the learning rate of an optimizer before each step.

    Args:
        optimizer: it has the full learning rate now.
        schedules: one for each restart that it trains; none if the rate is constant.
        steps: how many steps the run has.
        steps_per_epoch: how many of them are an epoch.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedules: Sequence[Schedule],
        steps: int,
        steps_per_epoch: int,
    ) -> None:
        self.optimizer, self.schedules = optimizer, schedules
        self.steps, self.steps_per_epoch = steps, steps_per_epoch
        self.full: Any = getattr(optimizer, "lr", None)

    def at(self, step: int) -> Any:
        """Return the rate of the step after `step` others: one number, or one for each restart."""
        if not self.schedules:
            return self.full
        factors = [
            schedule.factor(step, self.steps, self.steps_per_epoch) for schedule in self.schedules
        ]
        full = self.full if isinstance(self.full, list) else [self.full] * len(factors)
        rates = [rate * factor for rate, factor in zip(full, factors, strict=True)]
        return rates[0] if all(rate == rates[0] for rate in rates) else rates

    def over(self, batches: Iterable[Any], done: int) -> Iterator[Any]:
        """Yield each of `batches`, after setting the rate of its step; `done` steps precede."""
        optimizer: Any = self.optimizer
        for step, batch in enumerate(batches, start=done):
            if self.schedules:
                optimizer.lr = self.at(step)
            yield batch


def rates_at(rates: Sequence[LearningRate], step: int) -> Any:
    """Return the rate after `step` steps: one number, or one for each restart."""
    found = [rate.at(step) for rate in rates]
    if all(rate == found[0] for rate in found):
        return found[0]
    return [one for rate in found for one in (rate if isinstance(rate, list) else [rate])]


def observe(rates: Sequence[LearningRate], metrics: Sequence[float]) -> None:
    """Tell each schedule the metric of its restart, if it wants to know."""
    schedules = [schedule for rate in rates for schedule in rate.schedules]
    for schedule, metric in zip(schedules, metrics, strict=False):
        watcher: Any = schedule
        if hasattr(watcher, "observe"):
            watcher.observe(metric)


def load_states(schedules: Sequence[Any], states: Sequence[Any]) -> None:
    """Load the states that `states_of` gave.

    Raises:
        MinidlError: they do not fit.
    """
    if len(states) != len(schedules):
        raise MinidlError(
            f"expected the states of {len(schedules)} schedules, got {len(states)}; resume with "
            "the versions that began the run"
        )
    for schedule, state in zip(schedules, states, strict=True):
        if state is not None:
            schedule.load_state_dict(state)


def states_of(schedules: Sequence[Any]) -> list[Any]:
    """Return the state of each schedule; None of one that learns nothing."""
    return [getattr(schedule, "state_dict", lambda: None)() for schedule in schedules]
