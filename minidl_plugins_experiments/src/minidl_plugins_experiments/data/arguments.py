"""What the arguments of a dataset have to be, and what is said when they are not."""

from __future__ import annotations

from minidl_core import ArgumentError

__all__ = ["check_flag", "check_share", "check_whole_number"]


def check_whole_number(name: str, value: object, *, least: int) -> None:
    """`value` is a whole number of at least `least`; True and False are none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ArgumentError(
            f"expected a whole number of at least {least}, got {value!r}; write {name} = {least} "
            "or more",
            where=name,
        )


def check_share(name: str, value: object, *, may_be_zero: bool = False) -> None:
    """`value` is a share of the rows: 0 < value < 1, or 0 where that makes sense."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and (0 < value < 1 or (may_be_zero and value == 0)):  # type: ignore[operator]
        return
    zero = ", or 0 for none" if may_be_zero else ""
    raise ArgumentError(
        f"expected a share of the rows between 0 and 1{zero}, got {value!r}; a fifth of them is "
        f"{name} = 0.2",
        where=name,
    )


def check_flag(name: str, value: object) -> None:
    """`value` is True or False."""
    if not isinstance(value, bool):
        raise ArgumentError(
            f"expected true or false, got {value!r}; write {name} = true, without quotes",
            where=name,
        )
