"""No runtime path records a graph of torch's autograd, though autograd is on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Iterator


class GraphFoundError(AssertionError):
    """An operation recorded a graph."""


class NoGraph(TorchFunctionMode):
    """Looks at what every operation of torch returns, and counts the operations."""

    operations = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        self.operations += 1
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.requires_grad:
                raise GraphFoundError(f"{func} returned a tensor that records a graph")
        return result


@contextmanager
def no_graph() -> Iterator[NoGraph]:
    """Autograd is on, so that a graph would be recorded; none may be."""

    def refuse(_: torch.Tensor) -> torch.Tensor:
        raise GraphFoundError("a tensor was saved for a backward of autograd")

    hooks = torch.autograd.graph.saved_tensors_hooks(refuse, lambda saved: saved)
    with torch.enable_grad(), hooks, NoGraph() as guard:
        yield guard


def test_the_guard_finds_a_graph():
    weight = torch.ones(2, 2, requires_grad=True)
    with pytest.raises(GraphFoundError), no_graph():
        weight.exp()
    with pytest.raises(GraphFoundError), no_graph():
        weight * 2


@pytest.mark.parametrize("restarts", [1, 3])
def test_the_disk_experiment_records_no_graph(disk, restarts):
    with no_graph() as guard:
        result = disk.run(seed=3, restarts=restarts, epochs=2)
    assert guard.operations > 1000
    for value, grad in result.model.param():
        for tensor in (value, grad):
            assert not tensor.requires_grad
            assert tensor.grad_fn is None
            assert tensor.grad is None


def test_the_disk_experiment_runs_where_autograd_cannot(disk, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise GraphFoundError("autograd was called")

    for owner, name in (
        (torch.autograd, "grad"),
        (torch.autograd, "backward"),
        (torch.Tensor, "backward"),
        (torch.Tensor, "requires_grad_"),
    ):
        monkeypatch.setattr(owner, name, refuse)
    disk.run(seed=3, epochs=1)
