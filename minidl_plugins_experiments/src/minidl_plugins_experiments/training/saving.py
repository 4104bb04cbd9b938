"""Saving a run between two epochs, and continuing from where it was saved."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.telling import tell
from minidl_plugins_experiments.training import checkpoint as checkpoints
from minidl_plugins_experiments.training.checkpoint_file import (
    CHECKPOINT,
    CheckpointError,
    write_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from minidl_plugins_experiments.training.checkpoint_file import Checkpoint
    from minidl_plugins_experiments.training.run import Run

__all__ = ["Saver", "configuration_digest", "restore", "save", "try_to_save"]

# What may change when a run is resumed; the data are known by their fingerprint.
MAY_CHANGE = ("data", "epochs", "stop")
# What the state in a checkpoint depends on.
COVERED = ("model", "loss", "optimizer", "schedule", "batch_size", "seed", "restarts", "select_on",
           "dtype", "weights", "frozen")  # fmt: skip


def save(run: Run) -> None:
    """Write the checkpoint of `run`.

    Raises:
        OSError: it could not be written; the previous one is still there.
    """
    progress = {
        "configuration": configuration_digest(run.configuration, COVERED),
        "epochs": run.epochs,
        "training_seconds": run.training_seconds,
        "total_seconds": run.total_seconds,
        "best": run.best.plain() if run.best and run.best.epoch else None,
    }
    checkpoint = checkpoints.take(
        run.id, len(run.epochs), progress, run.states, run.prepared.generators
    )
    if run.best:
        checkpoint.tensors.update(run.best.named_tensors())
    write_checkpoint(run.folder / CHECKPOINT, checkpoint)
    run.saved_epochs = len(run.epochs)


class Saver:
    """Writes a checkpoint when enough seconds have passed since the last."""

    def __init__(self, run: Run, seconds: float) -> None:
        self.run, self.seconds, self.saved = run, seconds, time.monotonic()

    def epoch_ended(self) -> None:
        """Write a checkpoint if it is time for one; the last epoch has its own."""
        run, now = self.run, time.monotonic()
        if now - self.saved < self.seconds or len(run.epochs) >= run.experiment.epochs:
            return
        if run.strategy.is_main_process:
            try_to_save(run)
        self.saved = time.monotonic()


def try_to_save(run: Run) -> None:
    """Write the checkpoint; an error is told, and the previous checkpoint stays."""
    try:
        save(run)
    except OSError as error:
        tell(
            f"minidl: no checkpoint after epoch {len(run.epochs)} ({error}); the run continues, "
            "and the previous checkpoint is kept"
        )


def restore(run: Run, checkpoint: Checkpoint) -> None:
    """Continue from where `checkpoint` was taken.

    Raises:
        CheckpointError: it does not fit, or belongs to another configuration.
    """
    progress = checkpoint.progress
    digest = configuration_digest(run.configuration, COVERED)
    if progress.get("configuration", digest) != digest:
        raise CheckpointError(
            f"the configuration in {run.folder}/result.json is not the one that the checkpoint "
            "was trained with; put the old one back, or start a new run"
        )
    checkpoints.restore(checkpoint, run.states, run.prepared.generators)
    if run.best:
        run.best.load(progress.get("best"), checkpoint.tensors)
    run.epochs = progress["epochs"]
    run.saved_epochs = len(run.epochs)
    run.training_seconds = progress["training_seconds"]
    run.seconds_before = progress["total_seconds"]


def configuration_digest(tree: Mapping[str, Any], keys: Iterable[str] | None = None) -> str:
    """Return a SHA-256 of a configuration, or of those of `keys` that it has."""
    kept = {key: value for key, value in tree.items() if keys is None or key in keys}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
