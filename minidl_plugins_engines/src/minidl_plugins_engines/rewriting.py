"""Rewrites of a program that leave every bit of its results as it is.

- Calls whose results nothing uses are left out: the gradient of the data, first of all.
- What is added to a gradient that was just set to zero is written straight into it.
- A product plus a bias becomes one call, where a trial shows that the bits are the same.
- A number in an elementwise operation becomes a tensor, which costs half of the conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_plugins_engines.grouping import group
from minidl_plugins_engines.peepholes import means_as_sums, numbers_as_tensors, with_bias
from minidl_plugins_engines.program import Call, Program, Value, with_values
from minidl_plugins_engines.zeroed import into_zeroed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["rewrite"]


def rewrite(program: Program) -> None:
    """Apply all rewrites to `program`, in place."""
    _without_idle_views(program)
    calls = list(enumerate(program.calls))
    calls = _without_unused(calls, program.outputs)
    calls = into_zeroed(calls, program)
    calls = with_bias(calls, program)
    calls = means_as_sums(calls, program)
    for _, call in calls:
        numbers_as_tensors(call, program)
    program.checked = sum(at < program.checked for at, _ in calls)
    program.calls = [call for _, call in calls]
    group(program)


def _without_idle_views(program: Program) -> None:
    """A view of the same shape and strides is the tensor itself, unless the user sees it."""
    same: dict[Value, Value] = {}

    def change(value: Value) -> Value:
        return same.get(value, value)

    outputs = {value.storage for value in program.outputs}
    for call in program.calls:
        call.args = with_values(call.args, change)
        call.kwargs = {key: with_values(value, change) for key, value in call.kwargs.items()}
        call.writes = [change(value) for value in call.writes]
        call.results = [value and change(value) for value in call.results]
        view = call.result
        if view is None or call.writes or not call.args or not isinstance(call.args[0], Value):
            continue
        base = call.args[0]
        alike = view.storage == base.storage and view.offset == base.offset and view.alike(base)
        if alike and view.storage not in outputs and view is not base:
            same[view] = base


def _without_unused(
    calls: list[tuple[int, Call]], outputs: Iterable[Value]
) -> list[tuple[int, Call]]:
    used = set(outputs)
    kept = []
    for at, call in reversed(calls):
        if not call.pure or any(each in used for each in call.results):
            used.update(call.uses)
            kept.append((at, call))
    kept.reverse()
    return kept
