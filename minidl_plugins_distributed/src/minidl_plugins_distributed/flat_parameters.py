"""All parameters as one vector, for a step of a few operations instead of a few for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from minidl_core import Parameter, StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["FlatParameters"]

ALIGNMENT = 16  # elements: each parameter begins where a tensor of its own could, for the products


class FlatParameters:
    """Parameters laid end to end, one vector for each dtype and device among them.

    The parameters stay what they are, the same tensors with the same elements. After first use they
    are views into the vectors; views taken earlier no longer share memory. The gaps between them
    are zero in value and gradient, and an elementwise rule keeps them so.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._groups: list[list[int]] = []
        kinds: dict[object, list[int]] = {}
        for i, parameter in enumerate(parameters):
            kinds.setdefault((parameter.value.dtype, parameter.value.device), []).append(i)
        self._groups = list(kinds.values())
        self._kinds = list(kinds)
        self._parameters = list(parameters)
        self._vectors: list[Parameter] = []
        self._pointers = [-1]

    def vectors(self) -> list[Parameter]:
        """Value and gradient of each group, as vectors.

        Raises:
            StateError: a parameter has another dtype or device than when this began.
        """
        if self._pointers_now() != self._pointers:
            self._gather()
        return self._vectors

    def zeros(self) -> list[Tensor]:
        """A vector of zeros for each group, for what an optimizer keeps of each element."""
        return [vector.value.new_zeros(vector.value.shape) for vector in self.vectors()]

    def split(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        """What lies in `vectors` for each parameter, in its shape: views, in their order."""
        parts: dict[int, Tensor] = {}
        for group, vector in zip(self._groups, vectors, strict=True):
            offset = 0
            for i in group:
                shape = self._parameters[i].value.shape
                parts[i] = vector[offset : offset + math.prod(shape)].view(shape)
                offset += _room(shape)
        return [parts[i] for i in range(len(self._parameters))]

    def _gather(self) -> None:
        kinds = [
            {(self._parameters[i].value.dtype, self._parameters[i].value.device) for i in group}
            for group in self._groups
        ]
        if kinds != [{kind} for kind in self._kinds]:
            raise StateError(
                "the parameters changed dtype or device after their optimizer was made; "
                "move the model first, and make the optimizer then"
            )
        self._vectors = []
        for group in self._groups:
            parameters = [self._parameters[i] for i in group]
            value = _gathered([parameter.value for parameter in parameters])
            self._vectors.append(
                Parameter(value, _gathered([parameter.grad for parameter in parameters]))
            )
        self._pointers = self._pointers_now()

    def _pointers_now(self) -> list[int]:
        return [tensor.data_ptr() for pair in self._parameters for tensor in pair]


def _gathered(tensors: Sequence[Tensor]) -> Tensor:
    """One vector with the elements of `tensors`, which become windows into it.

    Each lets its own memory go in turn, so that no more than one kind is there twice.
    """
    whole = tensors[0].new_zeros(sum(_room(tensor.shape) for tensor in tensors))
    offset = 0
    for tensor in tensors:
        window = whole[offset : offset + math.prod(tensor.shape)].view(tensor.shape)
        window.copy_(tensor)
        tensor.set_(window)  # type: ignore[call-overload]
        offset += _room(tensor.shape)
    return whole


def _room(shape: Sequence[int]) -> int:
    return -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT
