"""The state of an optimizer: complete, a copy, and loaded without being changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from minidl_plugins_devkit.diagnosis.agreement import must_agree, same_bits
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.trials import Trial

if TYPE_CHECKING:
    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["given_state_kept", "restores_hyperparameters", "resumes_exactly", "state_is_a_copy"]

STOPS = (1, 3)  # steps before the stop
END = 7


def resumes_exactly(case: Case) -> str:
    """A new instance that takes over the state goes on as the first would, to the last bit."""
    _resume(case, dict(case.example.kwargs), "after it took over the state of another")
    return ""


def restores_hyperparameters(case: Case) -> str:
    """It does so even if it was built with other numbers: the state holds those too."""
    other = {name: _halved(value) for name, value in case.example.kwargs.items()}
    _resume(case, other, "after a state was loaded into one built with other numbers")
    return ""


def _resume(case: Case, kwargs: dict[str, Any], when: str) -> None:
    expected = Trial(case).advance(0, END).values()
    for stop in STOPS:
        first = Trial(case).advance(0, stop)
        second = Trial(case, kwargs=kwargs)
        second.set_values(first.values())
        second.optimizer.load_state_dict(first.optimizer.state_dict())
        must_agree(
            second.advance(stop, END).values(),
            expected,
            f"goes another way {when}",
            exact=True,
            cause="a velocity, an average, a step count or a hyperparameter is missing from "
            "state_dict(), or not taken over by load_state_dict()",
        )


def state_is_a_copy(case: Case) -> str:
    """What ``state_dict()`` gave is not changed by later steps, and changing it changes nothing."""
    trial = Trial(case).advance(0, 3)
    state = trial.optimizer.state_dict()
    before = copy.deepcopy(state)
    trial.advance(3, 5)
    if not same_bits(state, before):
        raise ConformanceError(
            "a state is changed by the steps after it",
            cause="state_dict() hands out the tensors or lists themselves: give clones",
        )
    _spoil(state)
    must_agree(
        trial.advance(5, END).values(),
        Trial(case).advance(0, END).values(),
        "goes another way when a state that was given is changed",
        exact=True,
        cause="state_dict() hands out the tensors themselves: give clones",
    )
    return ""


def given_state_kept(case: Case) -> str:
    """What was loaded is not changed, neither by ``load_state_dict()`` nor by later steps."""
    state = Trial(case).advance(0, 3).optimizer.state_dict()
    before = copy.deepcopy(state)
    second = Trial(case)
    second.optimizer.load_state_dict(state)
    second.advance(3, END)
    if not same_bits(state, before):
        raise ConformanceError(
            "the state that was loaded is changed by later steps",
            cause="load_state_dict() keeps the tensors or lists it was given: take clones",
        )
    return ""


def _halved(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_halved(item) for item in value)
    return value / 2 if isinstance(value, float) else value


def _spoil(state: Mapping[str, Any] | list[Any] | tuple[Any, ...]) -> None:
    """Change every tensor and array inside, in place."""
    for item in state.values() if isinstance(state, Mapping) else state:
        if isinstance(item, Tensor):
            item.fill_(torch.nan if item.is_floating_point() else 0)
        elif isinstance(item, np.ndarray):
            item.fill(np.nan if np.issubdtype(item.dtype, np.floating) else 0)
        elif isinstance(item, (Mapping, list, tuple)):
            _spoil(item)
