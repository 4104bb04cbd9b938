"""Loading a state into tensors: all of it fits, or nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core.errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["load_state"]


def load_state(live: Mapping[str, Tensor], state: Mapping[str, Any], where: object) -> None:
    """Copy each tensor of `state` into that of its name in `live`, the tensors of module `where`.

    Raises:
        ArgumentError: a name is missing or unknown, or an item is no tensor.
        ShapeError: a tensor has another shape than the one of its name.
    """
    for problem, names in (
        ("has no {}", [name for name in live if name not in state]),
        ("has {}, which the module has not", [name for name in state if name not in live]),
        ("has no tensor in {}", [name for name in state if not hasattr(state[name], "shape")]),
    ):
        if names:
            raise ArgumentError(
                "expected the state of a module built with the same arguments, but this state "
                f"{problem.format(', '.join(names))}; build the module as it was built then",
                where=where,
            )
    for name, tensor in live.items():
        if state[name].shape != tensor.shape:
            raise ShapeError(
                f"expected {name} of shape {tuple(tensor.shape)}, got {tuple(state[name].shape)}; "
                "build the module as it was built when the state was saved",
                where=where,
            )
    for name, tensor in live.items():
        tensor.copy_(state[name])
