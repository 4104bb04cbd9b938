"""Where each tensor of a program lives while it is replayed.

- A view of what stays in its place, a parameter or a buffer, is made once.
- What depends on constants alone is computed once.
- An elementwise result overwrites its input if the input is not used again.
- Another small result gets a buffer, which is used again for other results and in the next step.
- Every other tensor is freed after its last use. Prediction and loss are new in every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.calls import in_place, plain, with_out
from minidl_plugins_engines.lines import Line
from minidl_plugins_engines.program import Call, Program, Value, values_in, with_values

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Plan"]

aten = torch.ops.aten
SMALL = 1 << 18  # elements; next to the arithmetic on more, an allocation costs nothing
COMMUTATIVE = frozenset({"mul", "add"})
VIEWS_UNMARKED = frozenset({"_unsafe_view"})  # their schemas do not say that they are views
# Results that are written before they are read.
UNINITIALIZED = frozenset(
    {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
)


class Plan:
    """The lines to be run, and the tensors that are there before.

    Attributes:
        lines: in order.
        checked: how many lines come before the check of the loss.
        tensors: those that stay in their places, by their values.
    """

    def __init__(self, program: Program) -> None:
        self.lines: list[Line] = []
        self.checked = 0
        self.tensors: dict[Value, Tensor] = {**program.held, **program.constants}
        self._constant = set(program.constants)
        self._escaping = {value.storage for value in program.outputs}
        self._fixed = {value.storage for value in (*program.held, *program.batch)}
        self._written = {value.storage for call in program.calls for value in call.writes}
        self._last: dict[int, int] = {}
        self._members: dict[int, list[Value]] = {}  # values assigned to names, by storage
        self._buffers: dict[int, Tensor] = {}  # by storage
        self._spare: dict[Any, list[Tensor]] = {}
        for at, call in enumerate(program.calls):
            for value in (*call.uses, *call.results):
                if value is not None:
                    self._last[value.storage] = at
        ending: dict[int, list[int]] = {}
        for storage, at in self._last.items():
            ending.setdefault(at, []).append(storage)
        for at, call in enumerate(program.calls):
            if at == program.checked:
                self.checked = len(self.lines)
            before = len(self.lines)
            self._place(at, call)
            for storage in ending.get(at, ()):
                self._free(storage, len(self.lines) > before)
        if program.checked == len(program.calls):
            self.checked = len(self.lines)

    def _place(self, at: int, call: Call) -> None:
        result = call.result
        if call.expected is not None:
            self.lines.append(Line(call.target, call.args, {}))
            self.lines[-1].expected = call.expected
        elif self._is_fixed(call):
            self._do_now(call)
        elif call.into is not None:
            self._write_into(call, call.into)
        elif call.writes or not call.pure or result is None or not self._may_be_kept(result):
            self._assign(call)
        elif call.name in UNINITIALIZED:
            self._take(result)
        elif not self._overwrite(at, call, result):
            function = with_out(call)
            if function is None:
                self._assign(call)
            else:
                out = self._take(result)
                self.lines.append(Line(function, call.args, {**call.kwargs, "out": out}))

    def _is_fixed(self, call: Call) -> bool:
        """Whether the results are the same tensors in every step."""
        escapes = any(each is None or each.storage in self._escaping for each in call.results)
        if call.writes or call.random or escapes or call.into:
            return False
        uses = call.uses
        if _is_view(call):
            return all(each in self.tensors for each in uses)
        small = all(each is not None and each.size <= SMALL for each in call.results)
        return (
            small
            and call.pure
            and call.name not in UNINITIALIZED
            and all(each in self._constant for each in uses)
            and not any(each and each.storage in self._written for each in call.results)
        )

    def _do_now(self, call: Call) -> None:
        args = (with_values(each, self.tensors.__getitem__) for each in call.args)
        kwargs = {
            key: with_values(each, self.tensors.__getitem__) for key, each in call.kwargs.items()
        }
        with torch.no_grad():
            made = call.target(*args, **kwargs)
        constant = all(each in self._constant for each in call.uses)
        for value, tensor in zip(call.results, made if call.several else [made], strict=True):
            if value is not None:
                self.tensors[value] = tensor
                if constant:
                    self._constant.add(value)

    def _may_be_kept(self, result: Value) -> bool:
        return (
            result.size <= SMALL
            and result.storage not in self._escaping
            and result.storage not in self._fixed
            and result.storage not in self._members
            and result.offset == 0
        )

    def _overwrite(self, at: int, call: Call, result: Value) -> bool:
        """Let the result take the place of an argument, if nothing else needs it."""
        method = in_place(call)
        if method is None or not call.args:
            return False
        orders = [call.args]
        if call.name in COMMUTATIVE and len(call.args) == 2 and not call.kwargs:
            orders.append(call.args[::-1])
        for args in orders:
            first = args[0]
            if not (isinstance(first, Value) and first.alike(result) and first.offset == 0):
                continue
            others = [*values_in(args[1:]), *values_in(list(call.kwargs.values()))]
            shared = any(each.storage == first.storage and each is not first for each in others)
            free = first.storage in self._buffers or first.storage in self._members
            if shared or not free or self._last[first.storage] != at:
                continue
            if first.storage in self._escaping or first.storage in self._fixed:
                continue
            self.lines.append(Line(method, args, call.kwargs))
            if first.storage in self._buffers:
                buffer = self._buffers.pop(first.storage)
                self._buffers[result.storage] = buffer
                self.tensors[result] = self.tensors[first]
            else:
                self.lines[-1].results = [result]
                self._members[result.storage] = [*self._members.pop(first.storage), result]
            return True
        return False

    def _write_into(self, call: Call, into: Value) -> None:
        function = with_out(call)
        if function is not None:
            self.lines.append(Line(function, call.args, {**call.kwargs, "out": into}))
            return
        made = Value(f"t{into.name}", -1, *_form(into))
        self.lines.append(Line(plain(call), call.args, call.kwargs, [made]))
        self.lines.append(Line(torch.Tensor.copy_, (into, made), {}))
        self.lines[-1].freed.append(made)

    def _assign(self, call: Call) -> None:
        results: list[Value | None] | None = None
        new = [each for each in call.results if each is not None and each not in call.writes]
        if new and not all(each in self.tensors for each in new):
            results = call.results
            for each in new:
                self._members.setdefault(each.storage, []).append(each)
        self.lines.append(Line(plain(call), call.args, call.kwargs, results, call.several))

    def _take(self, result: Value) -> Value:
        """Give `result` a buffer."""
        span = result.span
        key = (span, result.dtype, result.device)
        spare = self._spare.setdefault(key, [])
        buffer = spare.pop() if spare else torch.empty(span, dtype=key[1], device=key[2])
        self._buffers[result.storage] = buffer
        self.tensors[result] = buffer.as_strided(result.shape, result.stride)
        return result

    def _free(self, storage: int, emitted: bool) -> None:
        if storage in self._escaping:
            return
        buffer = self._buffers.pop(storage, None)
        if buffer is not None:
            self._spare[buffer.numel(), buffer.dtype, buffer.device].append(buffer)
        members = self._members.pop(storage, [])
        if self.lines and emitted and any(each.size > 1 << 12 for each in members):
            self.lines[-1].freed += members


def _form(value: Value) -> tuple[Any, ...]:
    return value.shape, value.stride, 0, value.dtype, value.device


def _is_view(call: Call) -> bool:
    if call.name in VIEWS_UNMARKED:
        return True
    returns = call.target._schema.returns
    return bool(returns) and all(
        each.alias_info is not None and not each.alias_info.is_write for each in returns
    )
