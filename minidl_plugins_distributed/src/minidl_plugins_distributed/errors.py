"""The errors between processes.

::

    MinidlError
    ├── PeerError                   another process did not answer: it ended, or it hangs
    ├── NoMeetingError              the processes did not find one another
    ├── AbandonedError              another process failed, and says why itself
    └── NonFiniteError
        └── NonFiniteElsewhereError the loss became NaN or infinite in another process
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minidl_core import MinidlError, NonFiniteError, describe_error

if TYPE_CHECKING:
    from minidl_plugins_distributed.launch import Launch

__all__ = ["AbandonedError", "NoMeetingError", "NonFiniteElsewhereError", "PeerError"]


class PeerError(MinidlError):
    """Another process ended or hangs: it did not send `what` within `seconds`."""

    def __init__(self, what: str, seconds: float, reason: str) -> None:
        super().__init__(f"waited {seconds:.1f} s for {what} ({reason})")
        self.what, self.seconds, self.reason = what, seconds, reason


class NoMeetingError(MinidlError):
    """The processes of `launch` did not find one another within `seconds`."""

    def __init__(self, launch: Launch, seconds: float, reason: Exception) -> None:
        place = ":".join(os.environ.get(name, "?") for name in ("MASTER_ADDR", "MASTER_PORT"))
        whom = f"all {launch.size} processes" if launch.rank == 0 else "rank 0"
        why = describe_error(reason).partition("\n")[0].partition(". ")[0]
        super().__init__(
            f"waited {seconds:.1f} s at {place} for {whom}, in vain ({why}); start every rank with "
            "MASTER_ADDR and a free MASTER_PORT of rank 0's machine, as torchrun does"
        )


class AbandonedError(MinidlError):
    """Another process failed, and says why itself."""


class NonFiniteElsewhereError(NonFiniteError):
    """The loss became NaN or infinite in another process, which gives the details."""
