"""The whole disk experiment with 32 restarts, beside PyTorch training one."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.processes import PeerProcess
from benchmarks.rounds import EPOCH_TOLERANCE, DisagreementError
from benchmarks.summary import Spread, digits
from benchmarks.tables import ratios, table, threads_title

if TYPE_CHECKING:
    from benchmarks.settings import Settings

RESTARTS = 32
EPOCHS = 50
MODULE = "benchmarks.experiment_worker"
TRAINING = "PyTorch eager, training of one restart"
ROWS = (
    f"minidl, `examples/disk.py` with {RESTARTS} restarts",
    "minidl, the same with one restart",
    TRAINING,
    "PyTorch eager, the experiment with one restart",
)


def experiment(settings: Settings) -> str:
    """Data, training, evaluation of both sets after each epoch, and the choice of the best restart.

    PyTorch's training of one restart, to which all is compared, has none but the training.
    """
    epochs = 5 if settings.quick else EPOCHS
    parts = [f"{epochs} epochs. Seconds, and how many times the time of {TRAINING} that is."]
    for threads in settings.threads:
        times = measure(threads, epochs, settings.rounds)
        rows = [
            [
                row,
                f"{Spread.of(times[row]).median:.3f} s",
                "" if row == TRAINING else ratios(times[row], times[TRAINING]).show(),
            ]
            for row in ROWS
        ]
        body = table(["", "time", "ratio"], rows)
        parts.append(f"**{threads_title(threads)}**\n\n{body}")
    return "\n\n".join(parts)


def measure(threads: int, epochs: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each row in each round, after one round that is not counted."""
    with (
        closing(PeerProcess("minidl", threads, MODULE)) as minidl,
        closing(PeerProcess("torch", threads, MODULE)) as torch,
    ):
        compare(minidl, torch)
        times: dict[str, list[float]] = {row: [] for row in ROWS}
        for number in range(rounds + 1):
            taken = (
                minidl.ask("measure", restarts=RESTARTS, epochs=epochs),
                minidl.ask("measure", restarts=1, epochs=epochs),
                torch.ask("training", epochs=epochs),
                torch.ask("measure", restarts=1, epochs=epochs),
            )
            if number:
                for row, seconds in zip(ROWS, taken, strict=True):
                    times[row].append(seconds)
        return times


def compare(minidl: PeerProcess, torch: PeerProcess) -> None:
    """Refuse times of trainings that are not the same after an epoch.

    Raises:
        DisagreementError: they are not.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "weights.npy"))
        minidl.ask("check", path=path)
        ours = np.load(path)
        torch.ask("check", path=path)
        theirs = np.load(path)
    apart = float(np.abs(ours - theirs).max())
    if not apart <= EPOCH_TOLERANCE:
        raise DisagreementError(
            f"after one epoch of the experiment a weight of PyTorch's is {digits(apart)} away "
            "from minidl's"
        )
