"""Random programs of tensor operations, replayed: no bit differs from the plain step.

``MINIDL_RANDOM_PROGRAMS=5000`` runs more of them than a test run has time for.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import pytest

from minidl_core import train
from minidl_plugins_engines import MismatchWarning, agrees_with_eager, explain

from .cases import rows
from .random_programs import OPERATIONS, random_setup

if TYPE_CHECKING:
    import torch

PROGRAMS = int(os.environ.get("MINIDL_RANDOM_PROGRAMS", "200"))
BLOCK = 20


def batches(seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Seven steps of one shape, one of another in between, and the first shape again."""
    sizes = [6, 6, 6, 6, 6, 4, 6, 6, 6]
    return [(rows(n, seed=seed + i), rows(n, seed=seed + 50 + i)) for i, n in enumerate(sizes)]


@pytest.mark.parametrize("first", range(0, PROGRAMS, BLOCK))
def test_random_programs_differ_in_no_bit(first: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", MismatchWarning)
        for seed in range(first, min(first + BLOCK, PROGRAMS)):
            assert agrees_with_eager(*random_setup(seed), batches(seed)) == [], f"seed {seed}"


def test_most_random_programs_are_traced_whole() -> None:
    reasons = []
    for seed in range(40):
        setup = random_setup(seed)
        list(train(*setup, batches(seed)[:5], engine="replay"))
        reasons.append(explain(*setup))
    whole = [reason for reason in reasons if reason.startswith("the whole step is traced")]
    assert len(whole) >= 30, reasons


def test_every_operation_is_drawn() -> None:
    drawn = set()
    for seed in range(200):
        for layer in random_setup(seed)[0]:
            for steps in getattr(layer, "program", ()):
                drawn |= {name for name, _ in steps}
    assert drawn == set(OPERATIONS)
