"""A recorded pass as a generator function: no loop, no look-up, no needless call or allocation.

Six things are done to the list of calls, none of which changes a bit of any result.

- A call that nothing uses is left out: the gradient of the data, first of all.
- What is computed element by element from a tensor that nobody uses again takes its place.
- A small intermediate result gets a buffer, which is used again when nobody needs the result any
  more, and in the next pass. Prediction and loss, which the user sees, are new in every pass.
- A view of what stays in its place, a parameter or a buffer, is made once.
- So are ones and zeros that nothing writes to.
- A number that a tensor is multiplied by becomes a tensor, which costs half of the conversion.

Every other tensor is let go after its last use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core.recording import Form, Name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from minidl_core.recording import Call, Recording

__all__ = ["Replay"]

VIEWS = frozenset({"mT", "t", "transpose", "unsqueeze"})
# By the names they are called by: functions that take ``out=``, and methods that work in place.
WITH_OUT: dict[str, Callable[..., Tensor]] = {
    "__add__": torch.add,
    "__matmul__": torch.matmul,
    "__mul__": torch.mul,
    "__sub__": torch.sub,
    "add": torch.add,
    "addmm": torch.addmm,
    "baddbmm": torch.baddbmm,
    "bmm": torch.bmm,
    "matmul": torch.matmul,
    "mean": torch.mean,
    "mm": torch.mm,
    "mul": torch.mul,
    "sign": torch.sign,
    "square": torch.square,
    "sub": torch.sub,
    "sum": torch.sum,
}
IN_PLACE = {
    "__add__": "add_",
    "__mul__": "mul_",
    "__sub__": "sub_",
    "add": "add_",
    "mul": "mul_",
    "relu": "relu_",
    "sigmoid": "sigmoid_",
    "sign": "sign_",
    "square": "square_",
    "sub": "sub_",
    "tanh": "tanh_",
}
# A product of tensors with as many dimensions comes down to one of these.
PRODUCTS: dict[int, Callable[..., Tensor]] = {2: torch.mm, 3: torch.bmm}
# What depends on nothing but the form of its first argument; what adds to its first argument.
FACTORIES = frozenset({"new_ones", "new_zeros", "ones_like", "zeros_like"})
ADDING = frozenset({"addmm_", "addmv_", "baddbmm_"})
PURE = frozenset(("clone", "contiguous", *VIEWS, *FACTORIES, *WITH_OUT, *IN_PLACE))

SMALL = 1 << 18  # elements; next to the arithmetic on more, an allocation costs nothing


class Replay:
    """The pass over another batch of the same form.

    Attributes:
        run: a generator function of inputs and target; yields prediction and loss, once.
    """

    def __init__(self, recording: Recording) -> None:
        calls, before = _needed(recording)
        last: dict[Any, int] = {
            name: at for at, call in enumerate(calls) for name in (*call.uses, call.target)
        }
        outputs = [name for name in recording.outputs if name is not None]
        for name in outputs:
            last[name] = max(last.get(name, 0), before)
        self._forms = recording.forms
        self._memory = dict(recording.memories)
        self._fixed: dict[Name, Tensor] = dict(recording.held)  # what is where it was, next time
        self._fixed |= {
            call.target: call.function(*self._stood_in(call.args), **call.kwargs)
            for call in _constant(calls, outputs)
            if call.target
        }
        self._viewed: set[Name] = set()
        self._scope: dict[str, Any] = {str(name): fixed for name, fixed in self._fixed.items()}
        over = {at: self._written_over(at, call, last, outputs) for at, call in enumerate(calls)}
        self._kept = {
            memory for name, memory in self._memory.items() if name[0] in "cx" or name in outputs
        }
        self._dies: dict[int, int] = {}
        for name, memory in self._memory.items():
            self._dies[memory] = max(self._dies.get(memory, -1), last.get(name, -1))
        self._buffers: dict[int, Tensor] = {}  # by the memory of the recorded result
        self._spare: list[Tensor] = []
        lines = [*self._lines(calls[:before], over, last, 0), f"yield {', '.join(outputs)}"]
        lines += self._lines(calls[before:], over, last, before)
        batch = ", ".join(name for name in self._forms if name[0] == "x")
        source = "\n    ".join([f"def run({batch}):", *lines])
        exec(compile(source, "<a replayed gradient pass>", "exec"), self._scope)
        self.run: Callable[..., Any] = self._scope["run"]
        self._pointers_of = [recording.held[name].data_ptr for name in sorted(self._viewed)]
        self._pointers = [pointer_of() for pointer_of in self._pointers_of]
        del self._forms, self._memory

    def in_place(self) -> bool:
        """Whether the parameters are still where they were."""
        return [pointer_of() for pointer_of in self._pointers_of] == self._pointers

    def _written_over(
        self, at: int, call: Call, last: dict[Any, int], outputs: list[Name]
    ) -> Name | None:
        """The argument whose place the result takes, if any: both are one memory from here on."""
        if call.name not in IN_PLACE or call.target is None:
            return None
        merged, form = self._memory[call.target], self._forms[call.target]
        shown = {self._memory[name] for name in outputs}
        commutes = call.name.strip("_") in ("add", "mul") and not call.kwargs
        for operand in call.args[: 2 if commutes else 1]:
            if not isinstance(operand, Name):
                continue
            memory = self._memory[operand]
            sharing = [name for name, other in self._memory.items() if other == memory]
            if (
                memory not in (merged, *shown)
                and self._forms[operand] == form
                and all(name[0] == "v" and last.get(name, -1) <= at for name in sharing)
                and not any(name in self._fixed for name in sharing)
            ):
                for name, other in self._memory.items():
                    if other == merged:
                        self._memory[name] = memory
                return operand
        return None

    def _lines(
        self, calls: list[Call], over: dict[int, Name | None], last: dict[Any, int], start: int
    ) -> Iterator[str]:
        for at, call in enumerate(calls, start):
            source = self._line(call, over[at])
            if source:
                yield source
            dead = {self._memory[name] for name in (*call.uses, call.target) if name is not None}
            for memory in sorted(dead & self._buffers.keys()):
                if self._dies[memory] == at:
                    self._spare.append(self._buffers.pop(memory))
            names = {name for name in (*call.uses, call.target) if name and name[0] == "v"}
            done = sorted(n for n in names if last[n] == at and n not in self._fixed)
            if done:
                yield f"del {', '.join(done)}"

    def _line(self, call: Call, over: Name | None) -> str:
        target = call.target
        if target is None:
            return self._call(call.function, call)
        if target in self._fixed:  # a constant
            return ""
        if over is not None:
            _, *others = self._arguments(call, first=over)
            source = f"{over}.{IN_PLACE[call.name]}({', '.join(others)})"
            if over not in self._fixed:
                return f"{target} = {source}"
            self._fixed[target] = self._scope[target] = self._fixed[over]
            return source
        if call.name in VIEWS and all(name in self._fixed for name in call.uses):
            args = [self._fixed[a] if isinstance(a, Name) else a for a in call.args]
            self._fixed[target] = self._scope[target] = call.function(*args, **call.kwargs)
            self._viewed |= {name for name in call.uses if name[0] == "c"}
            return ""
        function = self._with_out(call)
        buffer = self._buffer(function, call) if function else None
        if buffer is None:
            return f"{target} = {self._call(call.function, call)}"
        self._fixed[target] = self._scope[target] = buffer
        return self._call(function, call, f", out={target}")

    def _with_out(self, call: Call) -> Callable[..., Tensor] | None:
        """The function that takes ``out=``; of a product, the one that it comes down to."""
        if call.name in ("matmul", "__matmul__"):
            dims = [len(self._forms[name].shape) for name in call.uses]
            if dims[0] == dims[-1] and dims[0] in PRODUCTS:
                return PRODUCTS[dims[0]]
        return WITH_OUT.get(call.name)

    def _buffer(self, function: Callable[..., Tensor], call: Call) -> Tensor | None:
        """A place for the result, if it is small, its own, and the function can write there."""
        assert call.target is not None
        form, memory = self._forms[call.target], self._memory[call.target]
        if not 0 < form.shape.numel() <= SMALL or memory in self._kept:
            return None
        buffer = next((spare for spare in self._spare if Form.of(spare) == form), None)
        if buffer is None:
            buffer = form.empty()
        args = self._stood_in(call.args)
        kwargs = dict(zip(call.kwargs, self._stood_in(call.kwargs.values()), strict=True))
        try:
            function(*args, **kwargs, out=buffer)
        except (TypeError, RuntimeError):  # not with these arguments
            return None
        self._spare = [spare for spare in self._spare if spare is not buffer]
        self._buffers[memory] = buffer
        return buffer

    def _stood_in(self, args: Iterable[Any]) -> list[Any]:
        """`args` with a new tensor of its form for each name."""
        return [self._forms[arg].empty() if isinstance(arg, Name) else arg for arg in args]

    def _call(self, function: Any, call: Call, more: str = "") -> str:
        return f"{self._constant(function)}({', '.join(self._arguments(call))}{more})"

    def _arguments(self, call: Call, first: Name | None = None) -> list[str]:
        """As they are written; `first`, which may be the second of two, in front."""
        arguments = [self._text(arg) for arg in self._multiplied(call)]
        if first is not None and arguments[0] != first:
            arguments.reverse()
        return arguments + [f"{key}={self._text(arg)}" for key, arg in call.kwargs.items()]

    def _multiplied(self, call: Call) -> tuple[Any, ...]:
        """The arguments of `call`; in a product, a float as a tensor of the product's own dtype.

        In these two dtypes the kernel would round the float just so.
        """
        if call.name not in ("mul", "__mul__") or call.target is None:
            return call.args
        form = self._forms[call.target]
        if form.dtype not in (torch.float32, torch.float64):
            return call.args
        return tuple(
            torch.tensor(arg, dtype=form.dtype, device=form.device) if type(arg) is float else arg
            for arg in call.args
        )

    def _text(self, arg: Any) -> str:
        if isinstance(arg, Name):
            return arg
        if type(arg) in (list, tuple):
            items = "".join(f"{self._text(item)}, " for item in arg)
            return f"[{items}]" if type(arg) is list else f"({items})"
        if arg is None or type(arg) in (bool, int):
            return repr(arg)
        return self._constant(arg)

    def _constant(self, value: Any) -> str:
        name = f"k{len(self._scope)}"
        self._scope[name] = value
        return name


def _needed(recording: Recording) -> tuple[list[Call], int]:
    """The calls without the pure ones that nothing uses, and how many come before the pause."""
    used: set[Any] = set(recording.outputs)
    needed = []
    for at, call in reversed(list(enumerate(recording.calls))):
        if call.target is None or call.name not in PURE or call.target in used:
            needed.append((at, call))
            used.update(call.uses)
    needed.reverse()
    return [call for _, call in needed], sum(at < recording.before for at, _ in needed)


def _constant(calls: list[Call], outputs: list[Name]) -> list[Call]:
    """The factories' calls whose results nothing, as far as is known, writes to or gives away."""
    changed: set[Any] = set(outputs)
    for call in calls:
        if call.name in ADDING:
            changed.add(call.args[0])
        elif call.name not in PURE - VIEWS or "out" in call.kwargs:
            changed.update(call.uses)
    return [call for call in calls if call.name in FACTORIES and call.target not in changed]
