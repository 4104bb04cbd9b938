"""Snapshots of a run at a bounded number of epochs, in its folder."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_inspect.snapshots.boundary import SIZE, grid_of, has_one_class_a_row
from minidl_plugins_inspect.snapshots.layers import measured, structure
from minidl_plugins_inspect.snapshots.rows import misclassified, points_of
from minidl_plugins_inspect.watching.stacked import is_stack, models_of
from minidl_plugins_inspect.watching.watch import watch

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SNAPSHOTS", "Recorder", "chosen_epochs"]

SNAPSHOTS = "snapshots.json"
SCHEMA = 1
MOST_FRAMES = 13  # with the one before the first epoch
SECONDS = 1.0  # between two writes of the file
MOST_ROWS = 256  # of the training set that layers are measured on


class Recorder:
    """Takes the snapshots of one run. It computes on copies, so the run keeps its bits.

    Args:
        run: as observers get it. A file that this run left before it was resumed is continued.
    """

    def __init__(self, run: Any) -> None:
        self.file: Path = run.folder / SNAPSHOTS
        self._epochs = chosen_epochs(run.experiment.epochs)
        self._grid = grid_of(run.data, run.prepared.error.border)
        self._saved = time.monotonic()
        self.content: dict[str, Any] = {
            "schema": SCHEMA,
            "run": run.id,
            "size": SIZE,
            "corners": self._grid.corners if self._grid else None,
            "points": points_of(run.data) if self._grid else None,
            "layers": [],
            "frames": self._earlier_frames(run),
            "misclassified": None,
        }

    def take(self, run: Any, epoch: int) -> None:
        """Store a frame for `epoch`, if it is one of those that are stored; 0 is before training.

        Raises:
            OSError: the file could not be written.
        """
        if epoch not in self._epochs:
            return
        best = (run.selected() if run.epochs else 0) or 0
        with torch.random.fork_rng(_devices(run)):
            model, loss = _restart(run, best)
            x, y = run.data.train
            rows = min(MOST_ROWS, run.experiment.batch_size)
            seen = watch(model, x[:rows], y[:rows], loss)
            frame: dict[str, Any] = {"epoch": epoch, "restart": best, "layers": measured(seen)}
            if self._grid is not None:
                frame["boundary"] = self._grid.decisions(map(_copied, run.states))
        self.content["layers"] = structure(seen)
        kept = [each for each in self.content["frames"] if each["epoch"] < epoch]
        self.content["frames"] = [*kept, frame]
        if time.monotonic() - self._saved >= SECONDS:
            self.save()

    def finish(self, run: Any) -> None:
        """Store the rows that the selected restart gets wrong.

        Raises:
            OSError: the file could not be written.
        """
        if has_one_class_a_row(run.data) and run.epochs:
            with torch.random.fork_rng(_devices(run)):
                best = run.selected() or 0
                model, _ = _restart(run, best)
                model.eval()
                found = misclassified(run.data, model, run.prepared.error)
            self.content["misclassified"] = {"restart": best, **found}
        self.save()

    def _earlier_frames(self, run: Any) -> list[dict[str, Any]]:
        try:
            earlier = json.loads(self.file.read_text(encoding="utf-8"))
            if (earlier["schema"], earlier["run"]) != (SCHEMA, run.id):
                return []
            frames = [each for each in earlier["frames"] if each["epoch"] <= len(run.epochs)]
        except (OSError, ValueError, KeyError, TypeError):
            return []  # there is none, or it was cut short; frames are taken from here on
        while len(frames) >= MOST_FRAMES:  # the run was made longer than it once was
            frames = frames[::2]
        return frames

    def save(self) -> None:
        """Write the file: at the end, and while the run trains at most once in a second.

        Raises:
            OSError: it could not be written.
        """
        beside = self.file.with_name(f"{self.file.name}.partial")
        text = json.dumps(self.content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.file)
        self._saved = time.monotonic()


def chosen_epochs(epochs: int) -> set[int]:
    """Return the epochs at which frames are stored: 0, the last, and more at the beginning."""
    steps = MOST_FRAMES - 2
    return {0, *(1 + round((epochs - 1) * (i / steps) ** 2) for i in range(steps + 1))}


def _restart(run: Any, index: int) -> tuple[Any, Any]:
    """Return a copy of the model of a restart, and its loss."""
    for state in run.states:
        if index < state.restarts:
            model, loss = state.model, state.loss
            if not is_stack(model):
                return copy.deepcopy(model), loss
            return models_of(model)[index], _loss_of(loss, index)
        index -= state.restarts
    raise IndexError(index)


def _loss_of(loss: Any, index: int) -> Any:
    return models_of(loss)[index] if is_stack(loss) else loss


def _copied(state: Any) -> Any:
    model = copy.deepcopy(state.model)
    model.eval()
    return replace(state, model=model)


def _devices(run: Any) -> list[int]:
    device = run.data.train.x.device
    return [device.index or 0] if device.type == "cuda" else []
