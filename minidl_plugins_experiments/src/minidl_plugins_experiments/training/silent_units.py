"""Units whose weights got no gradient in the last step of an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_plugins_experiments.training.restarts import TrainingState

__all__ = ["silent_units"]

MOST_UNITS = 1024  # of a larger layer, such as an embedding, no units are listed


def silent_units(states: Sequence[TrainingState]) -> dict[str, list[list[int]]]:
    """Return the silent units of each layer that has some: a list of units for each restart.

    Unit i of a layer is row i of its weight, (units, inputs). It is silent if the whole row of the
    gradient is exactly zero.
    """
    found: dict[str, list[list[int]]] = {}
    before, restarts = 0, sum(state.restarts for state in states)
    for state in states:
        for name, parameter in state.parameters:
            shape = parameter.value.shape[len(state.models) :]
            trained = getattr(parameter, "trainable", True) and not state.diverged
            if not trained or len(shape) != 2 or shape[0] > MOST_UNITS:
                continue
            silent = (parameter.grad == 0).reshape(state.restarts, *shape).all(-1)
            if silent.any():
                layer = name.rpartition(".")[0]
                units = found.setdefault(layer, [[] for _ in range(restarts)])
                for restart, row in enumerate(silent):
                    units[before + restart] = row.nonzero().flatten().tolist()
        before += state.restarts
    return found
