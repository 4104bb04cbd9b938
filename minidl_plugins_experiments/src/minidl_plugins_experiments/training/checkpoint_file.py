"""The checkpoint file: weights, buffers, optimizer, random numbers and metrics.

The file has the format of safetensors, which holds tensors and text and cannot run code. Its
metadata has one entry, ``minidl``: JSON with a digest of everything in the file.
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

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


__all__ = [
    "CHECKPOINT",
    "Checkpoint",
    "CheckpointError",
    "content_digest",
    "read_checkpoint",
    "write_checkpoint",
]

CHECKPOINT = "checkpoint.safetensors"  # the name of the file in a run folder
FORMAT = "minidl checkpoint"
SCHEMA = 3  # raised when an older reader would misunderstand the file


class CheckpointError(MinidlError):
    """A checkpoint is damaged, or does not belong to the run."""


@dataclass
class Checkpoint:
    """Everything that is needed to continue as if the run had never stopped.

    Attributes:
        run: the id of the run that it belongs to.
        epoch: how many epochs are done.
        progress: metrics and times so far, ready for JSON.
        state: training states and generators, ready for JSON; it names its `tensors`.
        tensors: the tensors, by name.
    """

    run: str
    epoch: int
    progress: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the file at `path` in one step: it is always either the old or the new checkpoint.

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
    header["digest"] = content_digest(header, checkpoint.tensors)
    write_atomically(
        path, save(checkpoint.tensors, {"minidl": json.dumps(header, allow_nan=False)})
    )


def read_checkpoint(path: Path, run: str) -> Checkpoint:
    """Read the checkpoint at `path`.

    Raises:
        CheckpointError: it is damaged, or belongs to another run than `run`.
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
            f"{path} is no checkpoint of minidl; delete it, and the run starts from the beginning"
        )
    if header.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path} is a checkpoint of schema {header.get('schema')}, and this version reads "
            f"schema {SCHEMA}; resume with the version of minidl-plugins-experiments that wrote "
            "it, or delete it, and the run starts from the beginning"
        )
    if header.pop("digest", None) != content_digest(header, tensors):
        raise _damaged(path, "its content does not match its digest")
    if header["run"] != run:
        raise CheckpointError(
            f"{path} belongs to another run ({header['run']}, and this one is {run}); "
            "put the right one there, or delete it, and the run starts from the beginning"
        )
    return Checkpoint(run, header["epoch"], header["progress"], header["state"], tensors)


def content_digest(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged: {reason}; restore it from a backup, or delete it, and the run starts "
        "from the beginning"
    )
