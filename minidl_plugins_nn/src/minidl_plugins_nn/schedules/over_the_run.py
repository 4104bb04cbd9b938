"""Schedules that reach their end when the run does."""

from __future__ import annotations

import math

from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.schedules.schedule import progress

__all__ = ["ConstantSchedule", "CosineSchedule", "LinearSchedule", "PolynomialSchedule"]


class ConstantSchedule:
    """The same factor at every step.

    Args:
        value: the factor, at least 0.
    """

    value = Number(least=0)

    def __init__(self, value: float = 1.0) -> None:
        self.value = value

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return float(self.value)


class LinearSchedule:
    """start + (final − start) t/T at step t of T.

    Args:
        final: the factor at the end, at least 0.
        start: the factor at the beginning, at least 0.
    """

    final = Number(least=0)
    start = Number(least=0)

    def __init__(self, final: float = 0.0, start: float = 1.0) -> None:
        self.final, self.start = final, start

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return float(self.start + (self.final - self.start) * progress(self, step, steps))


class CosineSchedule:
    """final + (1 − final) (1 + cos π t/T) / 2 at step t of T: half a wave.

    Args:
        final: the factor at the end, at least 0.

    Reference: I. Loshchilov and F. Hutter, SGDR, ICLR 2017, without its restarts.
    """

    final = Number(least=0)

    def __init__(self, final: float = 0.0) -> None:
        self.final = final

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        wave = (1 + math.cos(math.pi * progress(self, step, steps))) / 2
        return float(self.final + (1 - self.final) * wave)


class PolynomialSchedule:
    """final + (1 − final) (1 − t/T)^power at step t of T.

    Args:
        power: above 0.
        final: the factor at the end, at least 0.
    """

    power = Number(above=0)
    final = Number(least=0)

    def __init__(self, power: float = 1.0, final: float = 0.0) -> None:
        self.power, self.final = power, final

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        left = (1 - progress(self, step, steps)) ** self.power
        return float(self.final + (1 - self.final) * left)
