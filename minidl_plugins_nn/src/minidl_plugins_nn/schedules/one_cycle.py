"""One cycle: up to the full learning rate, and down to far below where it began."""

from __future__ import annotations

import math
from itertools import pairwise

from minidl_core import ArgumentError
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.schedules.schedule import progress

__all__ = ["OneCycleSchedule"]


class OneCycleSchedule:
    """From 1/D up to 1 in the share `pct_start` of the run, and down to 1/(D F) in the rest.

    The learning rate of the optimizer is the highest one. Phases end where torch's OneCycleLR
    ends them: the first at step `pct_start` · T − 1, the last at step T − 1 of T.

    Args:
        pct_start: the share of the run that rises, above 0 and below 1; below a half with
            `three_phase`.
        anneal_strategy: ``"cos"`` or ``"linear"``, the shape of each phase.
        div_factor: D, above 0.
        final_div_factor: F, above 0.
        three_phase: whether to come back to 1/D as fast as it rose, and then to go further down.

    Raises:
        ArgumentError: a number out of its range; an unknown strategy.

    Reference: L. N. Smith and N. Topin, Super-convergence: very fast training of neural networks
    using large learning rates, 2017.
    """

    pct_start = Number(above=0, below=1)
    div_factor = Number(above=0)
    final_div_factor = Number(above=0)

    def __init__(
        self,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                f'anneal_strategy must be "cos" or "linear", got {anneal_strategy!r}',
                where="OneCycleSchedule",
            )
        self.pct_start, self.anneal_strategy = pct_start, anneal_strategy
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.three_phase = three_phase
        if three_phase and self.pct_start >= 0.5:
            raise ArgumentError(
                f"with three phases pct_start must be below 0.5, got {pct_start!r}: the first two "
                "phases are of one length",
                where="OneCycleSchedule",
            )

    def factor(self, step: int, steps: int, steps_per_epoch: int = 1) -> float:
        progress(self, step, steps)  # refuses numbers that make no run
        low = 1 / self.div_factor
        bottom = low / self.final_div_factor
        rise = self.pct_start * steps - 1
        phases = [(0.0, low), (rise, 1.0), (steps - 1.0, bottom)]
        if self.three_phase:
            phases[2:2] = [(2 * rise, low)]
        for (start, a), (end, b) in pairwise(phases):
            if step <= end:
                return self._between(a, b, (step - start) / (end - start) if end > start else 1.0)
        return float(bottom)

    def _between(self, a: float, b: float, share: float) -> float:
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        return a + (b - a) * share
