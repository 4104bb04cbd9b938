"""Decisions that a step takes by a truth value, such as whether all losses are finite.

A trace holds for batches in which they are the same. They are all looked at before anything is
changed; where one is another, the step is done eagerly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_plugins_engines.refusals import NotTraceableError

if TYPE_CHECKING:
    from minidl_plugins_engines.program import Program, Value

__all__ = ["look_early"]


def look_early(program: Program) -> None:
    """Move every look at a truth value, and what it needs, before the check of the loss.

    Raises:
        NotTraceableError: one depends on what is computed or written afterwards.
    """
    makers: dict[Value, int] = {}
    for at, call in enumerate(program.calls):
        for value in call.results:
            if value is not None and value not in call.writes:
                makers[value] = at
    early: set[int] = set()
    known: set[Any] = set()
    for at in range(program.checked, len(program.calls)):
        look = program.calls[at]
        if look.expected is None:
            continue
        needed = _needed(program, at, makers)
        maker = program.calls[makers[look.args[0]]] if look.args[0] in makers else look
        question = (maker.target, maker.args)
        if question not in known:
            early |= {at, *needed}
        known.add(question)
    if any(call.expected is not None for call in program.calls):
        calls = list(enumerate(program.calls))
        before = [call for at, call in calls if at < program.checked or at in early]
        after = [
            call
            for at, call in calls
            if at >= program.checked and at not in early and call.expected is None
        ]
        program.calls, program.checked = [*before, *after], len(before)


def _needed(program: Program, at: int, makers: dict[Value, int]) -> set[int]:
    """Return the positions after the check whose results the look at `at` needs."""
    needed: set[int] = set()
    storages: set[int] = set()
    todo = list(program.calls[at].uses)
    while todo:
        value = todo.pop()
        storages.add(value.storage)
        made = makers.get(value, -1)
        if made >= program.checked and made not in needed:
            call = program.calls[made]
            if not call.pure:
                raise NotTraceableError(f"a decision depends on {call.target}")
            needed.add(made)
            todo += call.uses
    for call in program.calls[program.checked : at]:
        if any(value.storage in storages for value in call.writes):
            raise NotTraceableError("a decision depends on what the step itself has changed")
    return needed
