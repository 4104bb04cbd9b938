"""Rows by lot: a part to train on, one to test on, and one to choose by if it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Parts", "split_by_class", "split_rows"]


class Parts(NamedTuple):
    """The row numbers of each part, ascending; `validation` is empty where none is wanted."""

    train: Tensor
    validation: Tensor
    test: Tensor


def split_rows(
    n: int, test: float, validation: float, generator: torch.Generator, where: str
) -> Parts:
    """Deal n rows out by lot: round(test · n) to test on, round(validation · n) to choose by.

    Every part that is wanted has at least one row, and the training part at least two.

    Raises:
        ArgumentError: there are too few rows for that.
    """
    parts = _deal(torch.arange(n), test, validation, generator)
    if len(parts.train) < 2:
        raise ArgumentError(
            f"expected enough rows for two to train on, got {n} in all, of which "
            f"{n - len(parts.train)} are held back; add rows, or hold back less",
            where=where,
        )
    return _ascending(parts)


def split_by_class(
    labels: Tensor,
    names: Sequence[str],
    test: float,
    validation: float,
    generator: torch.Generator,
    where: str,
) -> Parts:
    """The same within each class, so that the parts have the classes in like shares.

    Args:
        labels: the class of each row, by its place in `names`.  (n,)

    Raises:
        ArgumentError: a class has too few rows to be in every part.
    """
    wanted = 3 if validation else 2
    counts = torch.bincount(labels, minlength=len(names)).tolist()
    small = [(name, count) for name, count in zip(names, counts, strict=True) if count < wanted]
    if small:
        (name, count), more = small[0], len(small) - 1
        others = f" (and {more} more of the {len(names)} classes have too few)" if more else ""
        raise ArgumentError(
            f"expected at least {wanted} rows of each class, one for each part, got {count} of "
            f'"{name}"{others}; add rows or remove the class; if the target is a quantity, write '
            'task = "regression"',
            where=where,
        )
    dealt = [
        _deal((labels == label).nonzero().flatten(), test, validation, generator)
        for label in range(len(names))
    ]
    if not all(len(parts.train) for parts in dealt):
        name = next(name for name, parts in zip(names, dealt, strict=True) if not len(parts.train))
        raise ArgumentError(
            f'expected a row of "{name}" to train on, but all are held back; hold back less',
            where=where,
        )
    return _ascending(Parts(*map(torch.cat, zip(*dealt, strict=True))))


def _deal(rows: Tensor, test: float, validation: float, generator: torch.Generator) -> Parts:
    order = torch.randperm(len(rows), generator=generator, device=generator.device)
    rows = rows[order.to(rows.device)]
    for_test = max(1, round(test * len(rows)))
    for_validation = max(1, round(validation * len(rows))) if validation else 0
    held_back = for_test + for_validation
    return Parts(rows[held_back:], rows[for_test:held_back], rows[:for_test])


def _ascending(parts: Parts) -> Parts:
    return Parts(*(rows.sort().values for rows in parts))
