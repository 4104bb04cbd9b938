"""Dtypes, devices and layouts that an optimizer meets, and where its randomness comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_plugins_devkit.checks.randomness import watched
from minidl_plugins_devkit.checks.structure import recording
from minidl_plugins_devkit.checks.tensors import any_layout
from minidl_plugins_devkit.diagnosis.agreement import must_agree
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.trials import Trial

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = [
    "dtype_kept",
    "layout",
    "no_autograd",
    "no_hidden_randomness",
    "same_seed_same_bits",
]


def dtype_kept(case: Case) -> str:
    """Values keep their dtype and device, and stay finite: float32, float64 and bfloat16."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device in devices:
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            trial = Trial(case, dtype=dtype, device=device).advance(0, 3)
            for name, value in trial.values().items():
                if value.dtype != dtype or value.device.type != device:
                    raise ConformanceError(
                        f"{name} of {dtype} becomes {value.dtype} on {value.device}"
                    )
                if not value.isfinite().all():
                    raise ConformanceError(f"{name} of {dtype} becomes NaN or infinite")
    return f"on {' and '.join(devices)}"


def layout(case: Case) -> str:
    """Strided and transposed parameters are stepped as contiguous ones are."""

    def strided(x: Tensor) -> Tensor:
        return torch.stack([x, x], -1)[..., 0]

    def transposed(x: Tensor) -> Tensor:
        return x.mT.contiguous().mT if x.ndim > 1 else x.clone()

    expected = Trial(case).advance(0, 3).values()
    for name, change in (("strided", strided), ("transposed", transposed)):
        with any_layout(f"a {name} parameter"):
            got = Trial(case, change=change).advance(0, 3).values()
        must_agree(
            got, expected, f"is stepped otherwise if it is {name}", cause=".view: use reshape"
        )
    return ""


def same_seed_same_bits(case: Case) -> str:
    """Two instances on the same parameters and gradients go the same way, to the last bit."""
    must_agree(
        Trial(case).advance(0, 4).values(),
        Trial(case).advance(0, 4).values(),
        "differs between two runs from the same start",
        exact=True,
        cause="randomness that does not come from the generator argument",
    )
    return ""


def no_hidden_randomness(case: Case) -> str:
    """Building and stepping draw nothing from the global generators of torch, random and numpy."""
    with watched("building"):
        trial = Trial(case)
    with watched("step"):
        trial.advance(0, 3)
    return ""


def no_autograd(case: Case) -> str:
    """No operation is recorded, and no value asks for a gradient."""
    with recording() as recorded:
        values = Trial(case).advance(0, 2).values()
    if recorded or any(value.requires_grad for value in values.values()):
        raise ConformanceError("torch's autograd records operations inside step()")
    return ""
