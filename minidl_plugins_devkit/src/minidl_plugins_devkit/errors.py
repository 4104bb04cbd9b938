"""The failure of a check."""

from __future__ import annotations

__all__ = ["ConformanceError"]


class ConformanceError(AssertionError):
    """A component does not keep a promise of its kind.

    ::

        the gradient of weight disagrees with central differences in 6 of 6 elements
        largest at [1, 2]: analytic -0.5, numeric 0.5
        usual cause: the sign is wrong

    Attributes:
        finding: what is wrong, in one line without figures that rounding could change.
        detail: the figures; may be empty.
        cause: what usually is the reason, or the next step; may be empty.
    """

    def __init__(self, finding: str, detail: str = "", cause: str = "") -> None:
        self.finding = finding
        self.detail = detail
        self.cause = cause
        lines = [finding, detail, f"usual cause: {cause}" if cause else ""]
        super().__init__("\n".join(line for line in lines if line))
