"""The state of a run, taken between two epochs and restored into freshly built parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_experiments.training.checkpoint_file import (
    Checkpoint,
    CheckpointError,
    content_digest,
)
from minidl_plugins_experiments.training.module_state import named_generators, named_tensors
from minidl_plugins_experiments.training.plain_state import from_plain, to_plain
from minidl_plugins_experiments.training.schedules import load_states, states_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minidl_core import Module
    from minidl_plugins_experiments.training.restarts import TrainingState

__all__ = ["restore", "state_digest", "take"]


def take(
    run: str,
    epoch: int,
    progress: dict[str, Any],
    states: Sequence[TrainingState],
    generators: Mapping[str, torch.Generator],
) -> Checkpoint:
    """Take the state of a run between two epochs."""
    checkpoint = Checkpoint(run, epoch, progress)
    tensors = checkpoint.tensors
    checkpoint.state = {
        "states": [_state_to_plain(state, f"state{i}", tensors) for i, state in enumerate(states)],
        "generators": {
            name: to_plain(generator.get_state(), f"generator.{name}", tensors)
            for name, generator in generators.items()
        },
        "global": to_plain(torch.random.get_rng_state(), "generator.global", tensors),
    }
    return checkpoint


def restore(
    checkpoint: Checkpoint,
    states: Sequence[TrainingState],
    generators: Mapping[str, torch.Generator],
) -> None:
    """Put freshly built training states and generators into the state that `take` took.

    Raises:
        CheckpointError: their structure differs from the one that was saved.
    """
    saved_states, tensors = checkpoint.state["states"], checkpoint.tensors
    if len(saved_states) != len(states):
        raise CheckpointError(
            f"expected the state of {len(states)} models, got {len(saved_states)}; the restarts "
            "are stacked now and were not then, or the other way round; resume with the versions "
            "that began the run"
        )
    for state, saved in zip(states, saved_states, strict=True):
        state.diverged = saved["diverged"]
        _fill_module(state.model, saved["model"], tensors)
        _fill_module(state.loss, saved["loss"], tensors)
        state.optimizer.load_state_dict(from_plain(saved["optimizer"], tensors))
        load_states(state.schedules, from_plain(saved["schedules"], tensors))
    for name, generator in generators.items():
        generator.set_state(from_plain(checkpoint.state["generators"][name], tensors))
    torch.random.set_rng_state(from_plain(checkpoint.state["global"], tensors))


def state_digest(states: Sequence[TrainingState]) -> str:
    """Return a SHA-256 of all that `states` have learned: equal states, equal digest."""
    tensors: dict[str, torch.Tensor] = {}
    plain = [_state_to_plain(state, f"state{i}", tensors) for i, state in enumerate(states)]
    return content_digest({"states": plain}, tensors)


def _state_to_plain(
    state: TrainingState, name: str, tensors: dict[str, torch.Tensor]
) -> dict[str, Any]:
    return {
        "diverged": state.diverged,
        "model": _module_to_plain(state.model, f"{name}.model", tensors),
        "loss": _module_to_plain(state.loss, f"{name}.loss", tensors),
        "optimizer": to_plain(state.optimizer.state_dict(), f"{name}.optimizer", tensors),
        "schedules": to_plain(states_of(state.schedules), f"{name}.schedules", tensors),
    }


def _module_to_plain(module: Module, name: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    generators = {key: each.get_state() for key, each in named_generators(module).items()}
    return {
        "tensors": {
            key: to_plain(tensor, f"{name}.{key}", tensors)
            for key, tensor in named_tensors(module).items()
        },
        "generators": {
            key: to_plain(state, f"{name}.generator.{key}", tensors)
            for key, state in generators.items()
        },
    }


def _fill_module(module: Module, saved: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    live, generators = named_tensors(module), named_generators(module)
    _check_names("parameters and buffers", list(live), list(saved["tensors"]))
    _check_names("generators", list(generators), list(saved["generators"]))
    for name, tensor in live.items():
        value = from_plain(saved["tensors"][name], tensors)
        if tensor.shape != value.shape or tensor.dtype != value.dtype:
            raise CheckpointError(
                f"expected {name} as {tuple(tensor.shape)} of {tensor.dtype}, got "
                f"{tuple(value.shape)} of {value.dtype}; the model is not the one that was saved; "
                "resume with the versions that began the run"
            )
        tensor.copy_(value)
    for name, generator in generators.items():
        generator.set_state(from_plain(saved["generators"][name], tensors))


def _check_names(what: str, expected: list[str], got: list[str]) -> None:
    if expected != got:
        raise CheckpointError(
            f"expected the {what} {', '.join(expected) or 'none'}, got {', '.join(got) or 'none'}; "
            "the model is not the one that was saved; resume with the versions that began the run"
        )
