"""Why a step is not traced, and what is said when a trace was wrong."""

from __future__ import annotations

__all__ = ["CompilerWarning", "MismatchWarning"]


class NotTraceableError(Exception):
    """Says why a step cannot be traced. It never leaves the engines: the step is done eagerly."""


class NotFiniteError(Exception):
    """The loss of the step to be traced is not finite. It never leaves the engines."""


class MismatchWarning(UserWarning):
    """A traced step and the same step done eagerly gave different results.

    A component declares `traceable` and is not. The eager result was taken, and the model trains
    eagerly from then on.
    """


class CompilerWarning(UserWarning):
    """A traced step could not be compiled, and is replayed; the message says why."""
