"""What a finished run leaves: weights, checkpoint, warnings, figures, and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save as safetensors_bytes

from minidl_core import walk
from minidl_plugins_experiments.files import sync_folder, write_atomically, write_json
from minidl_plugins_experiments.runs import results
from minidl_plugins_experiments.runs.diagnosis import warnings_of
from minidl_plugins_experiments.runs.folder import RESULT, WEIGHTS
from minidl_plugins_experiments.runs.honesty import errors_in_units, honest_warnings
from minidl_plugins_experiments.runs.unit_warnings import unit_warnings
from minidl_plugins_experiments.runs.units import units_of, with_epochs
from minidl_plugins_experiments.training.baselines import baselines
from minidl_plugins_experiments.training.module_state import named_tensors, restart_tensors
from minidl_plugins_experiments.training.restarts import find_restart
from minidl_plugins_experiments.training.saving import save
from minidl_plugins_experiments.training.strategy import Strategy

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Module
    from minidl_plugins_experiments.training.run import Run

__all__ = ["finish"]


def finish(run: Run, result: dict[str, Any], *, figures: bool) -> dict[str, Any]:
    """Write the files of the finished `run`; the result, which says so, comes last."""
    result = results.finished(result, run, None)
    selected = result["restarts"]["selected"] or 0
    kept = run.best.tensors if run.best else {}
    weights = kept or restart_tensors(run.states, selected)
    write_atomically(run.folder / WEIGHTS, safetensors_bytes(weights, {"format": "pt"}))
    save(run)
    best, _ = find_restart(run.states, selected)
    for name, tensor in named_tensors(best).items():
        tensor.copy_(weights[name])  # the checkpoint has the last epoch, this is the kept one
    best.eval()
    if run.experiment.baseline and type(run.strategy) is Strategy:
        result["baseline"] = baselines(run.prepared)
    result["final_in_units"] = errors_in_units(result)
    result["model"]["layers"] = _layers(best)
    result["units"], told = _units(run, best, selected)
    result["warnings"] = [
        *warnings_of(result), *told, *unit_warnings(result), *honest_warnings(result),
    ]  # fmt: skip
    if figures:
        result["figures"] = _draw(run, result, best)
    write_json(run.folder / RESULT, result)
    sync_folder(run.folder)
    return result


def _layers(model: Module) -> dict[str, str]:
    """Return what each module says of itself that has no other inside, by its path."""
    every = dict(walk(model))
    inside = {path.rpartition(".")[0] for path in every if path}
    return {path: repr(module) for path, module in every.items() if path and path not in inside}


def _units(run: Run, best: Module, selected: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the dead and saturated units, and a warning if they cannot be looked at."""
    x = run.data.train.x
    table = x.ndim == 2 and x.is_floating_point()
    at_once = run.states[0].evaluate_batch if table else run.experiment.evaluate_batch
    try:
        entries = units_of(best, x, at_once or run.experiment.batch_size)
    except Exception as error:
        return [], [f"the units could not be looked at ({type(error).__name__}: {error})"]
    return with_epochs(entries, run.epochs[: run.kept_epoch()], selected), []


def _draw(run: Run, result: dict[str, Any], best: Module) -> list[str]:
    """Draw the figures; return their paths in the folder. An error becomes a warning."""
    from minidl_plugins_experiments.figures import draw_figures

    device, dtype = run.data.train.x.device, run.data.train.x.dtype

    def predict(x: Tensor) -> Tensor:
        best.eval()
        parts = torch.split(x, run.states[0].evaluate_batch or max(len(x), 1))
        return torch.cat([best.forward(rows.to(device, dtype)).cpu() for rows in parts])

    try:
        paths = draw_figures(result, run.folder, run.data, predict)
    except Exception as error:
        result["warnings"].append(
            f"the figures could not be drawn ({type(error).__name__}: {error})"
        )
        return []
    return [path.relative_to(run.folder).as_posix() for path in paths]
