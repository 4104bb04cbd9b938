"""Sentences about dead and saturated units, which name the layers and units that the run has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["describe_dead", "unit_warnings"]

MANY = 0.5  # from this share of a layer's units on, a warning is due
SHOWN = 8


def unit_warnings(result: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each activation with many dead or saturated units.

    One dead unit of an output is enough: no other unit can do its work.
    """
    entries: Sequence[Mapping[str, Any]] = result.get("units") or []
    return [*_dead(entries, result), *_saturated(entries)]


def describe_dead(entry: Mapping[str, Any]) -> str:
    """Return ``units 3 (since epoch 2) and 7 (since epoch 5) of 25``."""
    dead, since = entry["dead"], entry["since"]
    if len(set(since)) == 1 and len(dead) > 1:
        listed = ", ".join(map(str, dead[:SHOWN])) + (", …" if len(dead) > SHOWN else "")
        return f"units {listed} ({len(dead)} of {entry['units']}), since epoch {since[0]}"
    pairs = [f"{unit} (since epoch {epoch})" for unit, epoch in zip(dead, since, strict=True)]
    more = ", …" if len(pairs) > SHOWN else ""
    word = "unit" if len(dead) == 1 else "units"
    return f"{word} {', '.join(pairs[:SHOWN])}{more}: {len(dead)} of {entry['units']}"


def _dead(entries: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> Iterator[str]:
    for entry in entries:
        dead, name = entry["dead"], _name(entry)
        if not dead:
            continue
        cure = (
            "try other first weights (restarts = 16), a lower learning rate, or there an "
            f"activation whose slope is never zero, in place of {entry['kind']}"
        )
        if entry["gives_output"]:
            yield (
                f"the output {_outputs(dead, result)} is dead ({name}, {describe_dead(entry)}): it "
                "has the same value in every training row, and gets no gradient; leave the last "
                f"{entry['kind']} out, or {cure}"
            )
        elif len(dead) == entry["units"]:
            yield (
                f"every unit of {name} is dead, {describe_dead(entry)}: no gradient passes, and "
                f"no layer before it learns; {cure}"
            )
        elif len(dead) >= MANY * entry["units"]:
            yield f"many units of {name} are dead, {describe_dead(entry)}; {cure}"


def _saturated(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        count = len(entry["saturated"])
        if count >= MANY * entry["units"]:
            yield (
                f"{_name(entry)} saturates: in {count} of its {entry['units']} units the mean "
                "slope is below 0.05, so little gradient passes; try smaller first weights, a "
                "lower learning rate, or normalised inputs"
            )


def _name(entry: Mapping[str, Any]) -> str:
    return f"{entry['layer']} {entry['kind']}".strip()


def _outputs(dead: Sequence[int], result: Mapping[str, Any]) -> str:
    """Return ``for inside``, the class of a dead output, or its number."""
    classes = result["data"].get("notes", {}).get("classes")
    if not classes or max(dead) >= len(classes):
        return " and ".join(map(str, dead[:SHOWN]))
    return f"for {' and '.join(str(classes[unit]) for unit in dead[:SHOWN])}"
