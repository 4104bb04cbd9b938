"""Numbers of an optimizer or a schedule: attributes that are checked whenever they are set."""

from __future__ import annotations

import math
from typing import Any

from minidl_core import ArgumentError

__all__ = ["Hyperparameter", "Momentum", "Number", "Numbers", "hyperparameters_of", "is_zero"]


class Hyperparameter:
    """An attribute that may be changed at any time, and is checked then too.

    The value lies in the ``__dict__`` of its object under the same name. Whoever puts something
    else there, such as a stack one value for each model, does so past the check.
    """

    called: str | None = None  # the argument's name, where it is not the attribute's

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: object, owner: type | None = None) -> Any:
        return self if optimizer is None else vars(optimizer)[self.name]

    def __set__(self, optimizer: object, value: Any) -> None:
        vars(optimizer)[self.name] = self.checked(optimizer, value)

    def checked(self, optimizer: object, value: Any) -> Any:
        """Return `value` if it may be set.

        Raises:
            ArgumentError: it may not.
        """
        raise NotImplementedError


class Number(Hyperparameter):
    """A finite number within bounds; a tensor of one element counts as its number.

    Args:
        least, above: it is at least `least`, and more than `above`.
        most, below: it is at most `most`, and less than `below`.
        whole: whether it must be a whole number.
        optional: whether None is allowed.
        infinite: whether infinity is allowed.
        called: the name of the argument, where it is not that of the attribute.
    """

    def __init__(
        self,
        *,
        least: float = -math.inf,
        above: float = -math.inf,
        most: float = math.inf,
        below: float = math.inf,
        whole: bool = False,
        optional: bool = False,
        infinite: bool = False,
        called: str | None = None,
    ) -> None:
        self.least, self.above, self.most, self.below = least, above, most, below
        self.whole, self.optional, self.infinite = whole, optional, infinite
        self.called = called

    def checked(self, optimizer: object, value: Any) -> Any:
        return self.check(self.called or self.name, value, type(optimizer).__name__)

    def check(self, name: str, value: Any, where: str) -> Any:
        """Return `value`, the number called `name`, if it is within the bounds."""
        if value is None and self.optional:
            return None
        if getattr(value, "ndim", None) is not None and value.numel() == 1:
            value = value.item()
        if self.whole and isinstance(value, float) and value.is_integer():
            value = int(value)
        kinds = (int,) if self.whole else (int, float)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not (is_number and self._fits(value)):
            raise ArgumentError(f"{name} must be {self}, got {value!r}", where=where)
        return value

    def _fits(self, value: float) -> bool:
        if not math.isfinite(value) and not (self.infinite and value == math.inf):
            return False
        above, below = value > self.above, value < self.below or self.below == math.inf
        return self.least <= value <= self.most and above and below

    def __str__(self) -> str:
        bounds = [
            f"{words} {bound:g}"
            for words, bound in (
                ("at least", self.least),
                ("above", self.above),
                ("at most", self.most),
                ("below", self.below),
            )
            if math.isfinite(bound)
        ]
        kind = "a number" if self.infinite else "a finite number"
        kind = "a whole number" if self.whole else kind
        none = " or None" if self.optional else ""
        return kind + (" that is " if bounds else "") + " and ".join(bounds) + none


class Momentum(Number):
    """The momentum of a rule that keeps a `velocity` if it is made with one, and only then."""

    def __init__(self) -> None:
        super().__init__(least=0)

    def checked(self, optimizer: object, value: Any) -> Any:
        momentum = super().checked(optimizer, value)
        if momentum and not vars(optimizer).get("velocity", [momentum]):
            raise ArgumentError(
                f"{self.name} must stay 0, got {momentum!r}: the optimizer was made without "
                f"one and keeps no velocity; make it with {self.name}={momentum!r}",
                where=type(optimizer).__name__,
            )
        return momentum


class Numbers(Hyperparameter):
    """Several numbers in a tuple.

    Args:
        numbers: the bounds of each.
    """

    def __init__(self, *numbers: Number) -> None:
        self.numbers = numbers

    def checked(self, optimizer: object, value: Any) -> tuple[Any, ...]:
        where = type(optimizer).__name__
        if not isinstance(value, (tuple, list)) or len(value) != len(self.numbers):
            raise ArgumentError(
                f"{self.name} must be {len(self.numbers)} numbers, got {value!r}; write "
                f"{self.name}=({', '.join(['…'] * len(self.numbers))})",
                where=where,
            )
        return tuple(
            number.check(f"{self.name}[{place}]", each, where)
            for place, (number, each) in enumerate(zip(self.numbers, value, strict=True))
        )


def hyperparameters_of(cls: type) -> dict[str, Hyperparameter]:
    """Return the hyperparameters that `cls` and its bases declare, by name."""
    found: dict[str, Hyperparameter] = {}
    for base in reversed(cls.__mro__):
        found |= {name: it for name, it in vars(base).items() if isinstance(it, Hyperparameter)}
    return found


def is_zero(number: Any) -> bool:
    """Whether `number` is 0 for certain: a tensor, one value for each model of a stack, is not."""
    return isinstance(number, (int, float)) and number == 0
