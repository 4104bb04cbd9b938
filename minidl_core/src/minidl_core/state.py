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
    problems = [
        f"{problem} {', '.join(names)}"
        for problem, names in (
            ("it has no", [name for name in live if name not in state]),
            ("the module has no", [name for name in state if name not in live]),
            ("no tensors are", [name for name in state if not hasattr(state[name], "shape")]),
        )
        if names
    ]
    if problems:
        raise ArgumentError(
            f"expected the state that state_dict() gives for this module, but {'; '.join(problems)}"
            "; load it into a module built with the same arguments",
            where=where,
        )
    for name, tensor in live.items():
        if state[name].shape != tensor.shape:
            raise ShapeError(
                f"expected {name} of shape {tuple(tensor.shape)}, got {tuple(state[name].shape)}; "
                "load it into a module built with the same arguments",
                where=where,
            )
    for name, tensor in live.items():
        tensor.copy_(state[name])
