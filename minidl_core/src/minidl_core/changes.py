"""How often anything about modules and parameters has changed, for what is remembered of them."""

from __future__ import annotations

__all__ = ["changes"]


class _Changes:
    """Two counters that only grow.

    Attributes:
        structure: raised whenever an attribute of a module, or a parameter's tensor, is replaced.
        modes: raised whenever a module goes from training to evaluation or back.
    """

    structure = 0
    modes = 0


changes = _Changes()
