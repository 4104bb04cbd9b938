"""Where a run was, in one file: weights, optimizer, random numbers and figures so far.

The file is in the format of safetensors, which holds tensors and text and can run nothing. Its
metadata has one entry, ``minidl``: JSON with a digest of all that is in the file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from minidl_core import MinidlError
from minidl_plugins_experiments.files import write_atomically
from minidl_plugins_experiments.training.plain_state import from_plain, kept_by, to_plain
from minidl_plugins_experiments.training.restarts import named_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from minidl_plugins_experiments.training.restarts import Lane

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "read_checkpoint",
    "restore",
    "take",
    "write_checkpoint",
]

FORMAT = "minidl checkpoint"
SCHEMA = 1


class CheckpointError(MinidlError):
    """A checkpoint is damaged, or of another run."""


@dataclass
class Checkpoint:
    """All that is needed to go on as if never stopped.

    Attributes:
        run: the id of the run that it belongs to.
        epoch: how many epochs are done.
        progress: figures and times so far, ready for JSON.
        state: of lanes and generators, ready for JSON, with its `tensors` by name.
    """

    run: str
    epoch: int
    progress: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)


# -- from a run and back ---------------------------------------------------------------------------


def take(
    run: str,
    epoch: int,
    progress: dict[str, Any],
    lanes: Sequence[Lane],
    generators: Mapping[str, torch.Generator],
) -> Checkpoint:
    """The state of a run between two epochs."""
    checkpoint = Checkpoint(run, epoch, progress)
    tensors = checkpoint.tensors
    checkpoint.state = {
        "lanes": [_lane_state(lane, f"lane{i}", tensors) for i, lane in enumerate(lanes)],
        "generators": {
            name: to_plain(generator.get_state(), f"generator.{name}", tensors)
            for name, generator in generators.items()
        },
        "global": to_plain(torch.random.get_rng_state(), "generator.global", tensors),
    }
    return checkpoint


def restore(
    checkpoint: Checkpoint, lanes: Sequence[Lane], generators: Mapping[str, torch.Generator]
) -> None:
    """Put lanes and generators, freshly built, into the state that `take` took.

    Raises:
        CheckpointError: they are not of the same structure.
    """
    state, tensors = checkpoint.state, checkpoint.tensors
    if len(state["lanes"]) != len(lanes):
        raise CheckpointError(
            f"expected the state of {len(lanes)} models, got {len(state['lanes'])}; "
            "the starts are stacked now and were not then, or the other way round"
        )
    for lane, saved in zip(lanes, state["lanes"], strict=True):
        lane.diverged = saved["diverged"]
        _fill("parameters", dict(named_parameters(lane.model)), saved["parameters"], tensors)
        _fill("tensors and generators", dict(kept_by(lane.model)), saved["kept"], tensors)
        lane.optimizer.load_state_dict(from_plain(saved["optimizer"], tensors))
    for name, generator in generators.items():
        generator.set_state(from_plain(state["generators"][name], tensors))
    torch.random.set_rng_state(from_plain(state["global"], tensors))


def _lane_state(lane: Lane, name: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    return {
        "diverged": lane.diverged,
        "parameters": {
            key: to_plain(parameter.value, f"{name}.parameter.{key}", tensors)
            for key, parameter in named_parameters(lane.model)
        },
        "kept": {
            key: to_plain(
                value.get_state() if isinstance(value, torch.Generator) else value,
                f"{name}.kept.{key}",
                tensors,
            )
            for key, value in kept_by(lane.model)
        },
        "optimizer": to_plain(lane.optimizer.state_dict(), f"{name}.optimizer", tensors),
    }


def _fill(
    what: str, places: dict[str, Any], saved: dict[str, Any], tensors: dict[str, torch.Tensor]
) -> None:
    if places.keys() != saved.keys():
        raise CheckpointError(
            f"expected the {what} {', '.join(places) or 'none'}, got {', '.join(saved) or 'none'}; "
            "the model is not the one that was saved"
        )
    for name, place in places.items():
        value = from_plain(saved[name], tensors)
        if isinstance(place, torch.Generator):
            place.set_state(value)
            continue
        tensor = getattr(place, "value", place)
        if tensor.shape != value.shape or tensor.dtype != value.dtype:
            raise CheckpointError(
                f"expected {name} as {tuple(tensor.shape)} of {tensor.dtype}, got "
                f"{tuple(value.shape)} of {value.dtype}; the model is not the one that was saved"
            )
        tensor.copy_(value)


# -- to a file and back ----------------------------------------------------------------------------


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it in one piece: until it is whole on disk, `path` is what it was.

    Raises:
        OSError: it could not be written.
    """
    header = {
        "format": FORMAT,
        "schema": SCHEMA,
        "run": checkpoint.run,
        "epoch": checkpoint.epoch,
        "progress": checkpoint.progress,
        "state": checkpoint.state,
    }
    header["digest"] = _digest(header, checkpoint.tensors)
    write_atomically(
        path, save(checkpoint.tensors, {"minidl": json.dumps(header, allow_nan=False)})
    )


def read_checkpoint(path: Path, run: str) -> Checkpoint:
    """The checkpoint at `path`, which must be whole and of that `run`.

    Raises:
        CheckpointError: it is damaged, or of another run; says how.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("minidl")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(text) if text else {}
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is no checkpoint of minidl; delete it, and the run starts from its beginning"
        )
    if header.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path} is a checkpoint of schema {header.get('schema')}, and this version reads "
            f"{SCHEMA}; use the version of minidl-plugins-experiments that wrote it"
        )
    if header.pop("digest", None) != _digest(header, tensors):
        raise _damaged(path, "its content does not agree with its digest")
    if header["run"] != run:
        raise CheckpointError(
            f"{path} belongs to another run ({header['run']}, and this one is {run}); "
            "put the right one there, or delete it, and the run starts from its beginning"
        )
    return Checkpoint(run, header["epoch"], header["progress"], header["state"], tensors)


def _digest(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged: {reason}; restore it from a backup, or delete it, and the run starts "
        "from its beginning"
    )
