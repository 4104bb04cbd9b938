"""Schedules: the factor by which the learning rate is multiplied after each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from minidl_core import ArgumentError, suggest
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.config.signatures import accepted_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_experiments.config.component_spec import ComponentSpec

    Schedule = Callable[["Moment"], float]

__all__ = ["SCHEDULES", "Moment", "schedule_of"]


class Moment(NamedTuple):
    """A moment of a run: after `done` of all its `steps`, with `per_epoch` steps in an epoch."""

    done: int
    steps: int
    per_epoch: int


def constant() -> Schedule:
    """The factor stays 1."""
    return lambda _: 1.0


def linear(final: float = 0.0) -> Schedule:
    """The factor falls from 1 to `final` in a straight line: 1 − (1 − final) t/T at step t of T."""
    _check_share("final", final)
    return lambda at: 1 - (1 - final) * (at.done / at.steps)


def cosine(final: float = 0.0) -> Schedule:
    """The factor falls from 1 to `final` as half a cosine: final + (1 − final) (1 + cos π t/T) / 2.

    Reference: I. Loshchilov and F. Hutter, SGDR, ICLR 2017, without its restarts.
    """
    _check_share("final", final)
    return lambda at: final + (1 - final) * (1 + math.cos(math.pi * at.done / at.steps)) / 2


def step(every: int, factor: float = 0.1) -> Schedule:
    """Multiply the learning rate by `factor` after each `every` epochs."""
    if every < 1:
        raise ArgumentError(f"expected a whole number of at least 1, got {every}", where="every")
    _check_share("factor", factor)
    return lambda at: factor ** (at.done // (at.per_epoch * every))


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "step": step,
}


def schedule_of(spec: ComponentSpec) -> Schedule:
    """Return the schedule that the file names.

    Raises:
        ConfigError: there is no schedule of that name, or its arguments are wrong.
    """
    if spec.name not in SCHEDULES:
        raise ConfigError(
            f'there is no schedule "{spec.name}".{suggest(spec.name, SCHEDULES)} '
            f"There are: {', '.join(SCHEDULES)}",
            key=spec.key,
        )
    make = SCHEDULES[spec.name]
    arguments, _ = accepted_by(make, spec.name).by_name(spec)
    try:
        return make(**arguments)
    except ArgumentError as error:
        raise ConfigError(str(error.args[0]), key=f"{spec.key}.{error.path[0]}") from error


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ArgumentError(
            f"expected a share from 0 to 1, got {share}; write {name} = 0.1", where=name
        )
