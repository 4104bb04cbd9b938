"""Every peer that is installed trains to minidl's weights; one that does not is refused."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from benchmarks.peers import PEERS, load
from benchmarks.peers.base import NotAvailableError
from benchmarks.problem import Network, Task, mlp, start_weights
from benchmarks.rounds import EPOCH_TOLERANCE, TOLERANCE, DisagreementError, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

# torch.compile takes a compiler and half a minute; the benchmark itself compares it as all others.
QUICK = [name for name in PEERS if name not in ("minidl", "torch-compile")]
TASKS = {
    "the report's network": Task(batches=5),
    "other sizes": Task(mlp(3, 7, 4), batch=6, batches=5),
    "stacked": Task(models=3, batches=5),
    "stacked, no biases": Task(Network((2, 5, 2), (False, False)), models=2, batches=5),
    "an epoch": Task(batch=100, epochs=1),
}


@pytest.fixture(autouse=True)
def _grad_mode_as_it_was() -> Iterator[None]:
    """A peer sets the mode it needs, for it has a process of its own elsewhere."""
    before = torch.is_grad_enabled()
    yield
    torch.set_grad_enabled(before)


def flat_weights(name: str, task: Task) -> np.ndarray:
    """The peer's weights after it has worked once in vain and once from the start."""
    peer = load(name)(task)
    for _ in range(2):
        peer.restart(start_weights(task))
        if task.epochs:
            peer.train()
        else:
            peer.run(1)
    return np.concatenate([weight.reshape(-1) for weight in peer.weights()])


def test_torch_and_numpy_are_among_the_peers() -> None:
    assert {"torch", "torch-fused", "numpy"} <= set(QUICK)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("name", QUICK)
@pytest.mark.filterwarnings("default")  # those of other libraries are not ours
def test_the_peer_agrees_with_minidl(name: str, task: Task) -> None:
    if not PEERS[name].installed:
        pytest.skip(f"{PEERS[name].package} is not installed")
    if name == "c" and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    with torch.no_grad():
        ours = flat_weights("minidl", task)
    try:
        theirs = flat_weights(name, task)
    except NotAvailableError as reason:
        pytest.skip(str(reason))
    start = np.concatenate([weight.reshape(-1) for weight in start_weights(task)])
    compare(name, start, ours, theirs, EPOCH_TOLERANCE if task.epochs else TOLERANCE)


def test_another_result_is_refused() -> None:
    start, ours = np.zeros(3, np.float32), np.array([0.1, 0.2, 0.3], np.float32)
    compare("numpy", start, ours, ours * np.float32(1.0005))
    with pytest.raises(DisagreementError, match="NumPy by hand: after the same steps"):
        compare("numpy", start, ours, ours * np.float32(1.01))


def test_no_number_at_all_is_refused() -> None:
    start, ours = np.zeros(3, np.float32), np.array([0.1, 0.2, 0.3], np.float32)
    with pytest.raises(DisagreementError):
        compare("numpy", start, ours, ours * np.float32("nan"))


def test_weights_that_never_moved_are_refused() -> None:
    start = np.zeros(3, np.float32)
    with pytest.raises(DisagreementError):
        compare("numpy", start, start, start)
