"""What parameters say of themselves: whether they are trained, and whether they decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import Parameter
from minidl_plugins_devkit.diagnosis.agreement import must_agree
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.trials import Trial

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["decay_left_out", "frozen_kept", "named_pairs"]

STEPS = 4


def frozen_kept(case: Case) -> str:
    """A parameter with ``trainable=False`` is not stepped, and its gradient is zeroed.

    The others go where they go without it.
    """
    frozen = Parameter(torch.full((2, 3), 0.7, dtype=torch.float64), trainable=False)
    alone = Trial(case).advance(0, STEPS).values()
    trial = Trial(case, extra=frozen)
    before = frozen.value.clone()
    for number in range(STEPS):
        frozen.grad.fill_(1.0)
        trial.advance(number, number + 1)
    why = "step() goes through all parameters it was given: go through self.params of BaseOptimizer"
    must_agree(
        {"a parameter with trainable=False": frozen.value},
        {"a parameter with trainable=False": before},
        "is changed by step()",
        exact=True,
        cause=why,
    )
    must_agree(
        trial.values(), alone, "is another when a frozen parameter is among the others", cause=why
    )
    trial.optimizer.zero_grad()
    if frozen.grad.any():
        raise ConformanceError(
            "zero_grad() leaves the gradient of a parameter with trainable=False",
            cause="backward adds to it all the same, and it would grow without end",
        )
    return ""


def decay_left_out(case: Case) -> str:
    """A parameter with ``decays=False`` is not pulled towards zero.

    Where the gradient is zero, how far it moves must not depend on how large it is.
    """
    moved: list[dict[str, Tensor]] = []
    for size in (1.0, 2.0):
        trial = Trial(case, decays=False)
        trial.set_values({name: size * value for name, value in trial.values().items()})
        before = trial.values()
        for _ in range(STEPS):
            trial.optimizer.zero_grad()
            trial.optimizer.step()
        moved.append({name: value - before[name] for name, value in trial.values().items()})
    for name, step in moved[0].items():
        if not torch.allclose(step, moved[1][name], rtol=1e-9, atol=1e-14):
            raise ConformanceError(
                f"{name} decays, although it has decays=False",
                f"with a gradient of zero, {STEPS} steps move it by up to "
                f"{float(step.abs().max()):.4g}",
                "weight decay is for parameters with decays=True: ask parameter.decays",
            )
    return ""


def named_pairs(case: Case) -> str:
    """It takes ``model.named_param()``, pairs of a name and a parameter, like ``model.param()``."""
    must_agree(
        Trial(case, named=True).advance(0, STEPS).values(),
        Trial(case).advance(0, STEPS).values(),
        "is another when parameters are given with their names",
        exact=True,
        cause="BaseOptimizer.__init__ takes both; go through self.params",
    )
    return ""
