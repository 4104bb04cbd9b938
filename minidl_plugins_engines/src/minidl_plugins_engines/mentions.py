"""What rewrites ask of a program, and the constants that they add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_plugins_engines.program import Value

if TYPE_CHECKING:
    from minidl_plugins_engines.program import Call, Program

__all__ = ["EXACT", "adds_once", "constant", "mentions"]

EXACT = (torch.float32, torch.float64)  # in these, kernels round a number as a tensor is rounded


def mentions(calls: list[tuple[int, Call]]) -> dict[int, list[int]]:
    """Return the positions in `calls` that touch each storage, in order."""
    found: dict[int, list[int]] = {}
    for position, (_, call) in enumerate(calls):
        storages = {each.storage for each in (*call.uses, *call.results) if each is not None}
        for storage in storages:
            found.setdefault(storage, []).append(position)
    return found


def constant(program: Program, number: float, like: Value) -> Value:
    """Return `number` as a constant of the dtype of `like`; the same one for the same number."""
    tensor = torch.tensor(number, dtype=like.dtype)
    key = (repr(number), like.dtype)
    if key not in program.numbers:
        program.storages += 1
        at = program.storages
        value = Value(f"n{at}", -at, tensor.shape, tensor.stride(), 0, tensor.dtype, tensor.device)
        program.constants[value] = tensor
        program.numbers[key] = value
    return program.numbers[key]


def adds_once(adding: Call) -> bool:
    """Whether it adds without factors, and nothing but additions to its first argument."""
    return not adding.kwargs or all(value == 1 for value in adding.kwargs.values())
