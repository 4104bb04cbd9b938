"""The weights of an earlier run as the first ones, and layers that are not trained."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load

from minidl_core import MinidlError, suggest, walk
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.runs.folder import RESULT, WEIGHTS, read_result
from minidl_plugins_experiments.training.module_state import named_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from minidl_core import Module
    from minidl_plugins_experiments.config.experiment import Experiment

__all__ = ["EarlierRun", "earlier_run", "freeze_layers"]


class EarlierRun:
    """A finished run whose weights another one begins with.

    Attributes:
        folder: the run folder.
        result: the content of its ``result.json``.
        leave_out: the paths of the layers that keep their own first weights.
        digest: a SHA-256 of the weights.
    """

    def __init__(self, folder: Path, leave_out: list[str]) -> None:
        self.folder, self.leave_out = folder, leave_out
        self.result = read_result(folder)
        try:
            content = (folder / WEIGHTS).read_bytes()
            self.tensors: dict[str, Tensor] = load(content)
        except (OSError, SafetensorError) as error:
            raise MinidlError(
                f"{folder / WEIGHTS} cannot be read ({error}); name a finished run"
            ) from error
        self.digest = hashlib.sha256(content).hexdigest()

    def origin(self) -> dict[str, Any]:
        """Return what ``result.json`` says of it."""
        return {"run": self.result["run"], "folder": str(self.folder), "digest": self.digest}

    def fill(self, model: Module) -> None:
        """Copy the weights and buffers into `model`, but for the layers that are left out.

        Raises:
            ConfigError: they are not those of the model.
        """
        tensors = named_tensors(model)
        _check_paths(model, self.leave_out, "weights.leave_out")
        for name, tensor in tensors.items():
            if _below(name, self.leave_out):
                continue
            saved = self.tensors.get(name)
            if saved is None or saved.shape != tensor.shape:
                found = "no tensor of that name" if saved is None else f"{tuple(saved.shape)}"
                layer = name.rpartition(".")[0] or name
                raise ConfigError(
                    f"{self.folder} does not fit the model: {name} is {tuple(tensor.shape)} here, "
                    f"and that run has {found}; build the same layers, or let this one begin anew: "
                    f'weights = {{ run = "{self.folder}", leave_out = ["{layer}"] }}',
                    key="weights",
                )
            tensor.copy_(saved)


def earlier_run(experiment: Experiment) -> EarlierRun | None:
    """Return the run whose weights `experiment` begins with, if there is one.

    Raises:
        ConfigError: it cannot be used.
    """
    given = experiment.weights
    if given is None:
        return None
    folder = Path(given["run"])
    try:
        return EarlierRun(folder, given.get("leave_out", []))
    except MinidlError as error:
        moved = f"; {RESULT} of a run that began before keeps this path" if given else ""
        raise ConfigError(f"{error}{moved}", key="weights") from error


def freeze_layers(model: Module, paths: list[str] | None) -> None:
    """Freeze the layers at `paths`: they keep their weights, also in the run's training.

    Raises:
        ConfigError: there is no such layer, or nothing is left to train.
    """
    if not paths:
        return
    _check_paths(model, paths, "frozen")
    places = dict(walk(model))
    for path in paths:
        layer: Any = places[path]
        if not hasattr(layer, "freeze"):
            raise ConfigError(
                f"{type(layer).__name__} ({path}) has no freeze(); derive it from BaseModule, or "
                "leave it out",
                key="frozen",
            )
        layer.freeze()
    if not any(parameter.trainable for parameter in model.param()):
        raise ConfigError(
            "every parameter would be frozen, and nothing left to train; leave a layer out",
            key="frozen",
        )


def _check_paths(model: Module, paths: list[str], key: str) -> None:
    places: Mapping[str, Module] = dict(walk(model))
    for path in paths:
        if path not in places or not path:
            known = [name for name, module in places.items() if name and module.param()]
            raise ConfigError(
                f'there is no layer "{path}".{suggest(path, known)} Layers with parameters: '
                f"{', '.join(known)}",
                key=key,
            )


def _below(name: str, paths: list[str]) -> bool:
    return any(name == path or name.startswith(f"{path}.") for path in paths)
