"""Autograd is off in every test; only the oracle turns it on, by name."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HAS_TORCH = find_spec("torch") is not None  # the core's tests run without it


@pytest.fixture(autouse=True)
def _autograd_is_off() -> Iterator[None]:
    """Run the test without autograd, and refuse one that leaves it on."""
    if not HAS_TORCH:
        yield
        return
    import torch

    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    yield
    left_on = torch.is_grad_enabled()
    torch.set_grad_enabled(before)
    assert not left_on, "this test left autograd on; use `with torch.enable_grad():`"
