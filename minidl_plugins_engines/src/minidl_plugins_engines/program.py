"""A traced step as a list of calls of torch's operations on named tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

__all__ = ["Call", "Program", "Value", "values_in", "with_values"]


@dataclass(eq=False, slots=True)
class Value:
    """A tensor of the step.

    Attributes:
        name: unique in its program: ``h…`` held by an object, ``x…`` of the batch, ``k…`` constant,
            ``v…`` computed.
        storage: a number, the same for all views of one memory.
    """

    name: str
    storage: int
    shape: torch.Size
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    device: torch.device

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.shape.numel()

    @property
    def span(self) -> int:
        """How many elements of memory it reaches over."""
        if not self.size:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))

    def alike(self, other: Value) -> bool:
        """Whether shape, strides, dtype and device are the same."""
        mine = (self.shape, self.stride, self.dtype, self.device)
        return mine == (other.shape, other.stride, other.dtype, other.device)

    def empty(self, device: Any = None) -> Tensor:
        """Return a new tensor of this shape, these strides and this dtype."""
        return torch.empty_strided(
            self.shape, self.stride, dtype=self.dtype, device=device or self.device
        )


@dataclass(eq=False, slots=True)
class Call:
    """``results = target(*args, **kwargs)``, with a `Value` for each tensor.

    Attributes:
        results: one for each tensor that the operation returns. A value that was there before is
            one that the operation wrote in place.
        several: whether the operation returns a tuple or a list.
        writes: the values that it changes in place.
        into: where the result is to be written; set by rewriting, not by tracing.
        expected: for a look at a single truth value, which decided something while the step was
            traced: what it was.
    """

    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: list[Value | None]
    several: bool
    writes: list[Value]
    into: Value | None = None
    expected: bool | None = None

    @property
    def name(self) -> str:
        """The operation without its overload: ``add_``."""
        return str(self.target.overloadpacket.__name__)

    @property
    def uses(self) -> list[Value]:
        """The values among the arguments."""
        return list(values_in((self.args, *self.kwargs.values())))

    @property
    def result(self) -> Value | None:
        """The one tensor returned, or None if there are several or none."""
        return self.results[0] if len(self.results) == 1 and not self.several else None

    @property
    def random(self) -> bool:
        """Whether it draws from a generator; attention without dropout does not."""
        if torch.Tag.nondeterministic_seeded not in self.target.tags:
            return False
        names = [argument.name for argument in self.target._schema.arguments]
        if "dropout_p" not in names:
            return True
        place = names.index("dropout_p")
        given = self.args[place] if place < len(self.args) else self.kwargs.get("dropout_p", 0.0)
        return bool(given != 0.0)

    @property
    def pure(self) -> bool:
        """Whether it can be left out when nothing uses its results."""
        if self.writes or self.random or self.expected is not None:
            return False
        return bool(self.target._schema.returns)


@dataclass(slots=True)
class Program:
    """One training step.

    Attributes:
        calls: in order.
        checked: how many calls come before the check that the loss is finite.
        held: the tensors that outlive the step, by their values.
        batch: the values of inputs and target.
        constants: tensors made from numbers during the trace, by their values.
        prediction: its values; several if the model returned a tuple.
        several: whether the model returned a tuple.
        loss: its value.
        storages: how many were added by rewriting.
        numbers: the constants that were added, by number and dtype.
    """

    calls: list[Call] = field(default_factory=list)
    checked: int = 0
    held: dict[Value, Tensor] = field(default_factory=dict)
    batch: list[Value] = field(default_factory=list)
    constants: dict[Value, Tensor] = field(default_factory=dict)
    prediction: list[Value] = field(default_factory=list)
    several: bool = False
    loss: Value | None = None
    storages: int = 0
    numbers: dict[Any, Value] = field(default_factory=dict)

    @property
    def outputs(self) -> list[Value]:
        """The values that the user sees."""
        return [*self.prediction, *([self.loss] if self.loss else [])]

    def writes_held(self, call: Call) -> bool:
        """Whether `call` writes to memory that outlives the step."""
        storages = {value.storage for value in (*self.held, *self.batch)}
        return any(value.storage in storages for value in call.writes)

    def written(self) -> list[Tensor]:
        """Return the held tensors whose memory the step writes."""
        storages = {value.storage for call in self.calls for value in call.writes}
        return [tensor for value, tensor in self.held.items() if value.storage in storages]


def values_in(argument: Any) -> Iterator[Value]:
    """Yield the values inside of nested lists and tuples."""
    if isinstance(argument, Value):
        yield argument
    elif type(argument) in (list, tuple):
        for item in argument:
            yield from values_in(item)


def with_values(argument: Any, change: Callable[[Value], Any]) -> Any:
    """Return `argument` with each value in it replaced by ``change(value)``."""
    if isinstance(argument, Value):
        return change(argument)
    if type(argument) in (list, tuple):
        return type(argument)(with_values(item, change) for item in argument)
    return argument
