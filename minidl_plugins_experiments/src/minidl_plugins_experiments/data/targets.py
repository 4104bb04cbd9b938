"""What the outputs of a network mean: classes, or quantities in the user's unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Classes", "Quantity", "Target"]


@dataclass(frozen=True)
class Classes:
    """A class for each output; the largest output wins.

    Attributes:
        name: what the target is called.
        classes: the name of each class, in the order of the outputs.
    """

    kind: ClassVar[str] = "classes"
    name: str
    classes: list[str]

    def decode(self, outputs: Tensor) -> list[str]:
        """Return the class of each row. A single output decides for the second above ½."""
        one = outputs.shape[1] == 1
        indices = (outputs[:, 0] > 0.5).long() if one else outputs.argmax(1)
        return [self.classes[index] for index in indices.tolist()]


@dataclass(frozen=True)
class Quantity:
    """Numbers: output z means the quantity z · std + mean.

    Attributes:
        names: what each output is called.
        mean, std: one number for each.
    """

    kind: ClassVar[str] = "quantity"
    names: list[str]
    mean: list[float]
    std: list[float]

    @property
    def name(self) -> str:
        return ", ".join(self.names)

    def decode(self, outputs: Tensor) -> Tensor:
        """Return the quantities of each row, in float64.  (n, outputs) -> (n, outputs)"""
        mean, std = (torch.tensor(each, dtype=torch.float64) for each in (self.mean, self.std))
        return outputs.double() * std + mean


Target = Classes | Quantity
