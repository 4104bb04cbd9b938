"""The views of model 0 that the one thing holds between runs."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from minidl_plugins_basic.stacking.leaves import of_model

__all__ = ["Windows"]


class Windows:
    """Views, each made once for the tensor that is in its place."""

    def __init__(self) -> None:
        self._windows: dict[Any, tuple[Tensor, Tensor]] = {}

    def of(self, at: Any, leaf: Any) -> Any:
        """Return model 0's part of `leaf`, which all models have in the place `at`."""
        if not isinstance(leaf, Tensor):
            return of_model(leaf, 0)
        known = self._windows.get(at)
        if known is None or known[0] is not leaf:
            known = self._windows[at] = leaf, leaf[0]
        return known[1]

    def stacked_of(self, window: Tensor) -> Tensor | None:
        """Return what all models have, of which `window` is model 0's part."""
        for tensor, part in self._windows.values():
            if part is window:
                return tensor
        return None
