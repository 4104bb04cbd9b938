"""A trained model, with all that it takes to apply it to new rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from minidl_core import MinidlError, registry
from minidl_plugins_experiments.config.building import Builder
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.data.findings import Findings
from minidl_plugins_experiments.data.noted_transform import noted_transform
from minidl_plugins_experiments.data.rows import rows_of
from minidl_plugins_experiments.runs.folder import (
    RESULT,
    SEEDS,
    WEIGHTS,
    is_series,
    read_result,
)
from minidl_plugins_experiments.runs.prediction import Predictions, predictions_of
from minidl_plugins_experiments.training.module_state import named_tensors

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from minidl_core import Module, Registry
    from minidl_plugins_experiments.data.transform import Transform

__all__ = ["LoadedRun", "load_run", "load_weights"]

ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class LoadedRun:
    """A finished run: `load_run` reads it from its folder.

    Attributes:
        folder: the run folder.
        model: the trained model, in evaluation mode.
        transform: the way from rows to the model's inputs, and from its outputs to predictions.
        configuration: the content of the experiment's file, with all defaults.
        result: the content of ``result.json``.
        device, dtype: of the model.
    """

    folder: Path
    model: Module
    transform: Transform
    configuration: dict[str, Any]
    result: dict[str, Any]
    device: torch.device
    dtype: torch.dtype

    def predict(self, rows: Any) -> Predictions:
        """Return the predictions for `rows`, in the labels and units of the training table.

        Args:
            rows: the path of a CSV file, a data frame, a list of dicts, a dict of columns, or an
                array (n, columns) in the order of ``transform.columns``.

        Raises:
            ArgumentError: a column is missing, or a cell cannot be used.
        """
        return self.predict_rows(rows)[0]

    def predict_rows(self, rows: Any) -> tuple[Predictions, pd.DataFrame]:
        """Return the predictions for `rows`, and `rows` as a data frame with all its columns.

        Raises:
            ArgumentError: as `predict`.
        """
        findings = Findings()
        frame, line_of = rows_of(rows, self.transform, findings)
        inputs = self.transform.apply(frame, findings)
        findings.refuse(str(rows) if line_of else "the rows", line_of)
        outputs = self.outputs(inputs)
        return predictions_of(outputs, self.transform.target, self.result, findings.notes), frame

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return what the model makes of `inputs`, on the CPU.  (n, inputs) -> (n, outputs)"""
        self.model.eval()
        parts = [
            self.model.forward(self._given(part)).detach().cpu()
            for part in torch.split(inputs, ROWS_AT_ONCE)
        ]
        return torch.cat(parts)

    def _given(self, inputs: Tensor) -> Tensor:
        """Return `inputs` as the model takes them; whole numbers stay what they are."""
        dtype = self.dtype if inputs.is_floating_point() else torch.long
        return inputs.to(self.device, dtype)


def load_run(
    folder: str | Path, *, device: str | None = None, registry: Registry = registry
) -> LoadedRun:
    """Read the run in `folder`: its model, trained, and the way from new rows to predictions.

    The training data are not needed. A folder of an earlier version is read, too.

    Args:
        device: where the model computes. Left out, it is where it was trained if this machine has
            such a device, and the CPU otherwise.

    Raises:
        MinidlError: the folder has no finished run, is damaged, or needs a component that is not
            installed.
    """
    if not isinstance(folder, (str, Path)):
        raise MinidlError(f"load_run: expected a run folder, got {type(folder).__name__}")
    folder = Path(folder)
    if is_series(folder):
        raise MinidlError(
            f"{folder} has a run for each of several seeds; name one of them, such as "
            f"{_first_run(folder)}"
        )
    result = read_result(folder)
    try:
        experiment = experiment_of(
            result["configuration"], name=result["name"], file=str(folder / RESULT)
        )
        transform = noted_transform(result["data"])
    except (KeyError, TypeError) as error:
        raise MinidlError(f"{folder / RESULT} is damaged: it has no {error}") from error
    if not (folder / WEIGHTS).is_file():
        raise MinidlError(
            f"{folder} has no trained weights yet (its status is {result.get('status')}); finish "
            f"the run: minidl run --resume {folder}"
        )
    place = _device(device or experiment.device, given=device is not None)
    dtype = getattr(torch, experiment.dtype)
    sizes = {name: result["data"][name] for name in ("features", "outputs")}
    builder = Builder(registry, dtype, place, Path(experiment.folder), sizes)
    model = builder.model(experiment.model, torch.Generator(place).manual_seed(0)).module
    load_weights(model, folder / WEIGHTS)
    model.eval()
    return LoadedRun(folder, model, transform, experiment.tree(), result, place, dtype)


def load_weights(model: Module, file: Path) -> None:
    """Copy the parameters and buffers in `file` into `model`.

    Raises:
        MinidlError: the file is damaged, or its tensors are not those of the model.
    """
    try:
        saved = load_file(file)
    except (OSError, SafetensorError) as error:
        raise MinidlError(f"{file} cannot be read ({error}); it is damaged") from error
    saved = {name: value for name, value in saved.items() if not name.startswith("loss.")}
    tensors = named_tensors(model)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    found = {name: tuple(tensor.shape) for name, tensor in saved.items()}
    for name in sorted({*shapes, *found}):
        if shapes.get(name) != found.get(name):
            raise MinidlError(
                f"{file} does not fit the model: {name} is {found.get(name, 'not there')}, and the "
                f"model has {shapes.get(name, 'none of that name')}; a layer's code has changed "
                "since the run: use the version that result.json names under distributions"
            )
    for name, tensor in tensors.items():
        tensor.copy_(saved[name])


def _device(name: str, *, given: bool) -> torch.device:
    from minidl_plugins_experiments.config.checking import device_of
    from minidl_plugins_experiments.config.problems import ConfigError

    try:
        return device_of(name)
    except ConfigError:
        if given:
            raise
        return torch.device("cpu")


def _first_run(folder: Path) -> Path:
    seeds = read_result(folder, SEEDS).get("seeds") or [0]
    return folder / f"seed-{seeds[0]}"
