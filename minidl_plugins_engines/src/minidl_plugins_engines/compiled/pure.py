"""A program as a pure function of its tensors: what a compiler takes.

What the step writes to parameters, gradients and buffers is computed in copies, and taken over at
the end if the loss is finite, else the old values stay.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from minidl_plugins_engines.program import Value, values_in, with_values
from minidl_plugins_engines.refusals import NotTraceableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from minidl_plugins_engines.program import Call, Program

__all__ = ["Number", "Pure"]

aten = torch.ops.aten
# Products of so few multiplications are written as sums, which the compiler fuses with what
# surrounds them; a call of the library's product costs as much as some thousand multiplications.
TINY = 1 << 13
# Operations whose second argument may be a number that changes from step to step, as rates do.
TAKE_NUMBERS = frozenset({"add", "add_", "div", "div_", "mul", "mul_", "sub", "sub_"})


# Where torch 2.13's compiler gives other results than the operation itself; in means, for windows
# that stick out of the image (ceil_mode, the sixth argument).
WRONG = frozenset({"fractional_max_pool3d"})
WRONG_IF_STICKING_OUT = frozenset({"avg_pool2d_backward", "avg_pool3d_backward"})


class Number(NamedTuple):
    """A number of the program that is given as a tensor, so that another needs no compiling."""

    value: float
    dtype: torch.dtype

    def tensor(self) -> Tensor:
        return torch.tensor(self.value, dtype=self.dtype)


class Pure:
    """The function, and what it has to be called with.

    Attributes:
        inputs: the values of its first arguments: batch, held tensors and constants.
        drawn: the calls that draw random numbers, carried out before; their results come next.
        numbers: those that are given as tensors, in the order of the last arguments.
        written: positions in `inputs` of what the function writes.
        decides: whether it also returns that all decisions are as they were in the trace.

    Raises:
        NotTraceableError: the program cannot be written as such a function.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        for call in program.calls:
            if call.name in WRONG or (call.name in WRONG_IF_STICKING_OUT and call.args[5]):
                raise NotTraceableError(f"torch's compiler computes {call.name} wrongly")
        self.drawn = [call for call in program.calls if call.random]
        drawn = {id(call) for call in self.drawn}
        self.calls = [call for call in program.calls if id(call) not in drawn]
        given = {each for call in self.drawn for each in call.results if each is not None}
        used = {v for call in self.calls for v in call.uses} | set(program.outputs)
        held = [each for each in (*program.held, *program.constants) if each in used]
        self.inputs = [*program.batch, *held]
        storages = {value.storage for call in program.calls for value in call.writes}
        self.written = [i for i, each in enumerate(self.inputs) if each.storage in storages]
        self.decides = any(call.expected is not None for call in program.calls)
        self.calls = [
            call for call in self.calls if not (call.pure and set(call.results) <= given)
        ]  # an empty tensor that is then filled with random numbers
        self.numbers: list[Number] = []
        self._numbered: dict[int, int] = {}  # calls that take a number, and its position
        for call in self.calls:
            self._lift(call)
        self._check_draws(program)
        self._check_memory(storages)

    def example(self) -> list[Tensor]:
        """Return tensors such as the function takes; what is in them does not matter."""
        drawn = [value.empty() for value in self.results_drawn()]
        return [
            *(value.empty() for value in self.inputs), *drawn,
            *(each.tensor() for each in self.numbers),
        ]  # fmt: skip

    def number_of(self, call: Call) -> int | None:
        """Return the position among `numbers` of the one that `call` takes, or None."""
        return self._numbered.get(id(call))

    def results_drawn(self) -> Iterator[Value]:
        """Yield the values of the random numbers."""
        for call in self.drawn:
            yield from (each for each in call.results if each is not None)

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return predictions, loss, and, if the step decides something, whether it is as traced."""
        given = [*self.inputs, *self.results_drawn()]
        numbers = tensors[len(given) :]
        known: dict[Value | None, Any] = dict(zip(given, tensors, strict=False))
        for at in self.written:
            known[self.inputs[at]] = tensors[at].clone()
        as_traced = None
        for call in self.calls:
            if call.expected is None:
                self._do(call, known, numbers)
            else:
                truth = known[call.args[0]] == call.expected
                as_traced = truth if as_traced is None else as_traced & truth
        assert self.program.loss is not None
        go_on = known[self.program.loss].isfinite().any()
        if as_traced is not None:
            go_on = go_on & as_traced
        results = [known[each].clone() for each in self.program.outputs]
        for at in self.written:
            tensors[at].copy_(torch.where(go_on, known[self.inputs[at]], tensors[at]))
        return (*results, *([] if as_traced is None else [as_traced]))

    def _do(self, call: Call, known: dict[Value | None, Any], numbers: tuple[Tensor, ...]) -> None:
        args = [with_values(each, known.__getitem__) for each in call.args]
        kwargs = {key: with_values(each, known.__getitem__) for key, each in call.kwargs.items()}
        number = self.number_of(call)
        if number is not None:
            args[1] = numbers[number]
        made = _product(call, args) if not kwargs else None
        if made is None:
            made = call.target(*args, **kwargs)
        results = zip(call.results, made if call.several else [made], strict=True)
        known.update({value: tensor for value, tensor in results if value not in call.writes})

    def _lift(self, call: Call) -> None:
        result = call.result
        if (
            call.name in TAKE_NUMBERS
            and len(call.args) == 2
            and isinstance(call.args[0], Value)
            and type(call.args[1]) is float
            and result is not None
            and result.dtype.is_floating_point
        ):
            number = Number(call.args[1], result.dtype)
            if number not in self.numbers:
                self.numbers.append(number)
            self._numbered[id(call)] = self.numbers.index(number)

    def _check_draws(self, program: Program) -> None:
        """Raise unless every random number can be drawn before the rest."""
        early = {id(call) for call in program.calls[: program.checked]}
        for call in self.drawn:
            fresh = [each for each in values_in(list(call.args)) if each not in call.results]
            if fresh or call.several or id(call) not in early:
                raise NotTraceableError(f"{call.target} draws numbers that depend on the data")

    def _check_memory(self, storages: set[int]) -> None:
        """Raise if two tensors that outlive the step share memory that it writes."""
        intervals: dict[int, list[tuple[int, int]]] = {}
        for value in self.inputs:
            if value.storage in storages and value.size:
                intervals.setdefault(value.storage, []).append(
                    (value.offset, value.offset + value.span)
                )
        for places in intervals.values():
            places.sort()
            if any(end > start for (_, end), (start, _) in pairwise(places)):
                raise NotTraceableError("two tensors share memory that the step writes")


def _product(call: Call, args: list[Any]) -> Tensor | None:
    """Return a tiny matrix product as a sum of products, or None for anything else."""
    if call.name not in ("mm", "bmm"):
        return None
    a, b = args
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if not a.is_floating_point() or not 0 < rows * inner * columns <= TINY:
        return None
    product: Tensor = (a.unsqueeze(-1) * b.unsqueeze(-3)).sum(-2)
    return product
