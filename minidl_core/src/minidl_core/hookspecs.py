"""Every place where a plugin can join in. Mark an implementation with ``minidl_core.hookimpl``.

Plugins are loaded, from the entry-point group ``minidl``, when a hook is first called, which is
never inside a forward or backward pass. One that raises is reported and left out of that call,
unless the hook says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import click

hookspec = pluggy.HookspecMarker("minidl")


@hookspec
def minidl_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Subcommands to add to ``minidl``."""


@hookspec
def minidl_components() -> Mapping[str, Mapping[str, type]]:  # type: ignore[empty-body]
    """Components known only at run time: kind → name → class.

    Asked for when no entry point has the name; what is known earlier belongs in an entry point.
    """


@hookspec
def minidl_conduct() -> Any:
    """How this process takes part in the runs of a command, if not as one process alone would.

    An object as the distribution that runs experiments describes it, or None. One plugin may have
    one; a second, or a plugin that raises, ends the command before anything is read.
    """


@hookspec
def minidl_run_started(run: Any) -> None:
    """A run begins; `run` describes it (model, loss, optimizer, configuration)."""


@hookspec
def minidl_epoch_ended(run: Any, epoch: int, metrics: Mapping[str, float]) -> None:
    """An epoch of `run` ended, with what was measured."""


@hookspec
def minidl_run_finished(run: Any, error: BaseException | None) -> None:
    """A run is over; `error` says what ended it early, if anything did."""
