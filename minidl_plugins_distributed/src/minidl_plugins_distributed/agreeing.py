"""What has to be the same on every rank, as facts that can be compared."""

from __future__ import annotations

import hashlib
import json
import platform
from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_experiments.runs.provenance import distributions_of, fingerprint
from minidl_plugins_experiments.training.plain_state import to_plain

if TYPE_CHECKING:
    from minidl_core import Registry
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.training.preparing import Prepared

__all__ = ["digest_of", "facts_of"]


def facts_of(experiment: Experiment, registry: Registry) -> dict[str, Any]:
    """What is known before anything is built: the configuration, and every version."""
    versions = {"python": platform.python_version(), **distributions_of(registry)}
    return {**experiment.tree(), "versions": versions}


def digest_of(prepared: Prepared, epochs: int) -> dict[str, Any]:
    """What is known once it is built, and of a run that goes on also where it was."""
    facts: dict[str, Any] = {"epochs done": epochs, "data": fingerprint(prepared.data)}
    if epochs:
        facts["checkpoint"] = _state_of(prepared)
    return facts


def _state_of(prepared: Prepared) -> str:
    tensors: dict[str, torch.Tensor] = {}
    plain = []
    for number, lane in enumerate(prepared.lanes):
        for name, parameter in lane.parameters:
            tensors[f"{number}.{name}"] = parameter.value
        plain.append(to_plain(lane.optimizer.state_dict(), f"{number}.optimizer", tensors))
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name in sorted(tensors):
        flat = tensors[name].detach().cpu().contiguous().view(-1)
        digest.update(f"{name} {flat.dtype}".encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
