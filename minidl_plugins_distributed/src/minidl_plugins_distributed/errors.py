"""The errors between processes.

::

    MinidlError
    ├── PeerError                   another process did not answer: it ended, or it hangs
    ├── AbandonedError              another process failed, and says why itself
    └── NonFiniteError
        └── NonFiniteElsewhereError the loss became NaN or infinite in another process
"""

from __future__ import annotations

from minidl_core import MinidlError, NonFiniteError

__all__ = ["AbandonedError", "NonFiniteElsewhereError", "PeerError"]


class PeerError(MinidlError):
    """Another process ended or hangs: it did not send `what` within `seconds`."""

    def __init__(self, what: str, seconds: float, reason: str) -> None:
        super().__init__(f"waited {seconds:.1f} s for {what} ({reason})")
        self.what, self.seconds, self.reason = what, seconds, reason


class AbandonedError(MinidlError):
    """Another process failed, and says why itself."""


class NonFiniteElsewhereError(NonFiniteError):
    """The loss became NaN or infinite in another process, which gives the details."""
