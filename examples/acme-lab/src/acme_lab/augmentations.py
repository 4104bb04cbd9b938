"""The kind ``augmentations``: what changes a row of data before a model sees it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Augmentation"]


class Augmentation(Protocol):
    """Changes one row. Its class is the component; it is built without arguments."""

    @abstractmethod
    def augment(self, row: Sequence[float]) -> list[float]:
        """Return the changed row; `row` itself stays as it is."""
