"""A schedule that waits until a metric stops getting better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError
from minidl_plugins_nn.hyperparameters import Number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PlateauSchedule"]

STATE = ("best", "bad", "resting", "now")


class PlateauSchedule:
    """Times `factor` whenever the metric has not been better for more than `patience` evaluations.

    Args:
        mode: ``"min"`` if a smaller metric is better, ``"max"`` if a larger one is.
        factor: at least 0 and below 1.
        patience: how many evaluations without a better metric are borne.
        threshold: by how much a metric must be better to count.
        threshold_mode: ``"rel"`` if that is a share of the best so far, ``"abs"`` if it is in the
            unit of the metric.
        cooldown: how many evaluations after a reduction do not count.
        final: the smallest factor, at least 0.

    Attributes:
        best: the best metric so far.

    Raises:
        ArgumentError: a number out of its range; an unknown mode; a metric that is no number.
    """

    gamma = Number(least=0, below=1, called="factor")
    patience = Number(least=0, whole=True)
    threshold = Number(least=0)
    cooldown = Number(least=0, whole=True)
    final = Number(least=0)

    def __init__(
        self,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        final: float = 0.0,
    ) -> None:
        for name, given, known in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if given not in known:
                raise ArgumentError(
                    f'{name} must be "{known[0]}" or "{known[1]}", got {given!r}',
                    where="PlateauSchedule",
                )
        self.mode, self.threshold_mode = mode, threshold_mode
        self.gamma, self.patience, self.threshold = factor, patience, threshold
        self.cooldown, self.final = cooldown, final
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.resting = 0
        self.now = 1.0

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        return self.now

    def observe(self, metric: float) -> None:
        """Take note of the metric of an evaluation. One that is NaN is not better than any."""
        try:
            value = float(metric)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"expected a metric that is a number, got {metric!r}", where="PlateauSchedule"
            ) from None
        if self._is_better(value):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.resting:
            self.resting -= 1
            self.bad = 0
        if self.bad > self.patience:
            self.now = min(self.now, max(self.now * self.gamma, self.final))
            self.resting, self.bad = self.cooldown, 0

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in STATE}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        missing = [name for name in STATE if name not in state]
        if missing:
            raise ArgumentError(
                "expected the state that PlateauSchedule.state_dict() gives, got one without "
                f"{', '.join(missing)}",
                where="PlateauSchedule",
            )
        self.best, self.now = float(state["best"]), float(state["now"])
        self.bad, self.resting = int(state["bad"]), int(state["resting"])

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        margin = self.threshold
        if self.threshold_mode == "rel":
            margin = sign * self.threshold * self.best if math.isfinite(self.best) else 0.0
        return bool(sign * value < sign * self.best - margin)
