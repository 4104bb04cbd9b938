"""Which operations torch cannot batch, so that ``vmap`` loops over the models there."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["slow_operations", "without_warnings"]

T = TypeVar("T")

MESSAGE = "There is a performance drop because we have not yet implemented the batching rule for"


def slow_operations(call: Callable[[], T]) -> tuple[list[str], T]:
    """Call, and return the names of the operations that torch warned of, and the result."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = call()
    finally:
        names: dict[str, None] = {}
        for each in caught:
            found = re.match(rf"{MESSAGE} aten::(\w+)", str(each.message))
            if found:
                names[found[1]] = None
            else:  # not ours to keep
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return list(names), result


@contextmanager
def without_warnings(is_slow: bool) -> Iterator[None]:
    """Do not repeat torch's warnings of slow operations, if there are any."""
    if not is_slow:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MESSAGE)
        yield
