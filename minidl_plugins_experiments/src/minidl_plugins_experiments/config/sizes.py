"""The words ``features`` and ``outputs``, which stand for what the data come to."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_plugins_experiments.config.component_spec import ComponentSpec
    from minidl_plugins_experiments.config.signatures import Accepted

__all__ = ["sizes_of", "with_sizes"]


def sizes_of(data: Any) -> dict[str, int]:
    """Return the number of inputs and of outputs that a model for `data` has."""
    x, y = data.train
    indices = y.ndim == 1 and "classes" in data.notes
    outputs = len(data.notes["classes"]) if indices else y.shape[-1]
    return {"features": x.shape[-1], "outputs": outputs}


def with_sizes(spec: ComponentSpec, accepted: Accepted, sizes: Mapping[str, int]) -> ComponentSpec:
    """Return `spec` with numbers for the words, in arguments that are not text."""
    names = accepted.in_order()
    return replace(
        spec,
        arguments={
            name: _number(value, accepted.annotation(name), sizes)
            for name, value in spec.arguments.items()
        },
        positional=[
            _number(value, accepted.annotation(names[place]) if place < len(names) else "", sizes)
            for place, value in enumerate(spec.positional)
        ],
    )


def _number(value: Any, annotation: str, sizes: Mapping[str, int]) -> Any:
    if isinstance(value, list):
        return [_number(item, annotation, sizes) for item in value]
    takes_numbers = not annotation or re.search(r"\bint\b", annotation)
    return sizes.get(value, value) if isinstance(value, str) and takes_numbers else value
