"""One elementwise rule over many parameters, as an optimizer's step is, done on all at once.

The calls that touch one parameter, its gradient and its state form a lane. Lanes that do the same
become one: their tensors are made parts of one tensor each (see `flat`), and every operation is
done once. That is left alone where a trial shows that it would change a bit.
"""

from __future__ import annotations

from typing import Any

import torch

from minidl_plugins_engines.flat import flat_over, layout
from minidl_plugins_engines.program import Call, Program, Value, with_values
from minidl_plugins_engines.trials import MOST, same_in_parts

__all__ = ["group"]


class _Lane:
    """The calls of one parameter.

    Attributes:
        calls: their positions.
        roles: its values, in the order of their first appearance.
    """

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.roles: dict[Value, int] = {}


def group(program: Program) -> None:
    """Merge lanes of `program`, in place."""
    touched: dict[int, int] = {}  # how many calls touch each storage
    for call in program.calls:
        for storage in {each.storage for each in _values(call)}:
            touched[storage] = touched.get(storage, 0) + 1
    replaced: dict[int, list[Call]] = {}
    for run in _runs(program):
        for lanes in _alike(program, run):
            if len(lanes) > 1 and _private(program, lanes, touched):
                merged = _merged(program, lanes)
                if merged:
                    positions = [at for lane in lanes for at in lane.calls]
                    replaced |= {at: [] for at in positions}
                    replaced[max(positions)] = merged
    calls: list[Call] = []
    for at, call in enumerate(program.calls):
        calls += replaced.get(at, [call])
    program.calls = calls


def _runs(program: Program) -> list[list[int]]:
    """Return the positions of elementwise calls that nothing else interrupts."""
    runs: list[list[int]] = [[]]
    for at in range(program.checked, len(program.calls)):
        call = program.calls[at]
        if _is_lane(call):
            runs[-1].append(at)
        elif not all(each.shape == () for each in _values(call)):
            runs.append([])
    return [run for run in runs if len(run) > 1 and not _interferes(program, run)]


def _is_lane(call: Call) -> bool:
    """Whether `call` is elementwise on tensors of one shape, apart from single numbers."""
    large = {each.shape for each in _values(call) if each.shape != ()}
    return (
        len(large) == 1
        and torch.Tag.pointwise in call.target.tags
        and len(call.results) == 1
        and not call.several
        and not call.random
        and all(_is_contiguous(each) for each in _values(call))
    )


def _is_contiguous(value: Value) -> bool:
    expected = 1
    strides: list[int] = []
    for size in reversed(value.shape):
        strides.insert(0, expected)
        expected *= size
    return list(value.stride) == strides or value.shape == ()


def _interferes(program: Program, run: list[int]) -> bool:
    """Whether a single number is written after a lane may have used it."""
    used: set[int] = set()
    for at in range(run[0], run[-1] + 1):
        call = program.calls[at]
        if any(each.storage in used for each in call.writes):
            return True
        if at in run or _is_lane(call):
            used |= {each.storage for each in call.uses if each.shape == ()}
    return False


def _alike(program: Program, run: list[int]) -> list[list[_Lane]]:
    """Return the lanes of a run, those that do the same together."""
    lanes: dict[int, _Lane] = {}  # by storage
    for at in run:
        call = program.calls[at]
        large = [each for each in _values(call) if each.shape != ()]
        found = list(
            {id(lanes[v.storage]): lanes[v.storage] for v in large if v.storage in lanes}.values()
        )
        lane = found[0] if found else _Lane()
        for other in found[1:]:
            lane.calls += other.calls
            lane.roles |= dict.fromkeys(other.roles, 0)
        lane.calls.append(at)
        lane.roles |= dict.fromkeys(large, 0)
        for value in lane.roles:
            lanes[value.storage] = lane
    together: dict[Any, list[_Lane]] = {}
    for lane in {id(lane): lane for lane in lanes.values()}.values():
        lane.calls.sort()
        if len({value.shape for value in lane.roles}) == 1 and len(
            {value.storage for value in lane.roles}
        ) == len(lane.roles):
            together.setdefault(_rule(program, lane), []).append(lane)
    return list(together.values())


def _rule(program: Program, lane: _Lane) -> Any:
    """Return what a lane does, with its tensors as numbers in the order of appearance."""
    roles: dict[Value, int] = {}

    def role(value: Value) -> Any:
        if value.shape == ():
            return "single", id(value)
        number = roles.setdefault(value, len(roles))
        return number, value in program.held, value.dtype, value.device

    steps = []
    for at in lane.calls:
        call = program.calls[at]
        arguments = with_values(call.args, role), with_values(tuple(call.kwargs.items()), role)
        result = role(call.results[0]) if call.results[0] else None
        into = role(call.into) if call.into else None
        steps.append((call.target, repr(arguments), result, into, len(call.writes)))
    lane.roles = roles
    return tuple(steps)


def _private(program: Program, lanes: list[_Lane], touched: dict[int, int]) -> bool:
    """Whether what the lanes compute on the way is used nowhere else."""
    outputs = {each.storage for each in program.outputs}
    for lane in lanes:
        counts: dict[int, int] = {}
        for at in lane.calls:
            for storage in {each.storage for each in _values(program.calls[at])}:
                counts[storage] = counts.get(storage, 0) + 1
        for value in lane.roles:
            own = counts[value.storage] == touched[value.storage]
            if value not in program.held and (not own or value.storage in outputs):
                return False
    return True


def _merged(program: Program, lanes: list[_Lane]) -> list[Call]:
    """Return the calls that do for all `lanes`, or none if that cannot be."""
    columns = list(zip(*(lane.roles for lane in lanes), strict=True))
    held = {
        column: [program.held[v] for v in column] for column in columns if column[0] in program.held
    }
    if not held or not all(flat_over(each, move=False) is not None for each in held.values()):
        return []
    sizes = [value.size for value in columns[0]]
    offsets, length = layout(next(iter(held.values())))
    if length > MOST or len({each[0].element_size() for each in held.values()}) > 1:
        return []
    if not all(
        same_in_parts(program.calls[at], sizes, offsets, length, program.constants)
        for at in lanes[0].calls
    ):
        return []
    whole: dict[Value, Value] = {}
    for column in columns:
        first = column[0]
        value = Value(
            f"{first.name}w", _new_storage(program), torch.Size([length]), (1,), 0,
            first.dtype, first.device,
        )  # fmt: skip
        whole[first] = value
        if column in held:
            flat = flat_over(held[column], move=True)
            assert flat is not None
            program.held[value] = flat
    return [_on_whole(program.calls[at], whole) for at in lanes[0].calls]


def _on_whole(call: Call, whole: dict[Value, Value]) -> Call:
    def change(value: Value) -> Value:
        return whole.get(value, value)

    return Call(
        call.target,
        with_values(call.args, change),
        {key: with_values(value, change) for key, value in call.kwargs.items()},
        [change(each) if each else None for each in call.results],
        False,
        [change(each) for each in call.writes],
        change(call.into) if call.into else None,
    )


def _new_storage(program: Program) -> int:
    program.storages += 1
    return -program.storages


def _values(call: Call) -> list[Value]:
    return [each for each in (*call.uses, *call.results) if each is not None]
