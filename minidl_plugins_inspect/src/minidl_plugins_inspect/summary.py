"""`summary`: the layers of a model with output shapes and parameter counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from minidl_core import ArgumentError, Module, walk
from minidl_plugins_inspect.tables import html_table, shape_of, text_table
from minidl_plugins_inspect.watching.recording import own_parameters, title_of
from minidl_plugins_inspect.watching.stacked import is_stack
from minidl_plugins_inspect.watching.watch import evaluated

__all__ = ["Summary", "summary"]

HEAD = ["path", "module", "output", "parameters"]


@dataclass(frozen=True)
class Summary:
    """What `summary` returns; it prints as a table, and renders as one in a notebook.

    Attributes:
        rows: path, module, output shape and number of parameters of each module.
        parameters: how many numbers the model learns; one that is shared counts once.
        trainable: how many of them optimizers change.
        buffers: how many numbers are in buffers.
    """

    rows: list[tuple[str, str, str, int]]
    parameters: int
    trainable: int
    buffers: int

    def __str__(self) -> str:
        return f"{text_table(HEAD, self._cells())}\n{self._totals()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(HEAD, self._cells(), self._totals())

    def _cells(self) -> list[list[str]]:
        return [
            ["  " * path.count(".") + path, module, shape, f"{count:,}" if count else ""]
            for path, module, shape, count in self.rows
        ]

    def _totals(self) -> str:
        return (
            f"parameters: {self.parameters:,} (trainable: {self.trainable:,}), "
            f"buffers: {self.buffers:,}"
        )


def summary(model: Module, input_shape: Any = None, *, dtype: torch.dtype | None = None) -> Summary:
    """Return each module of `model` with its output shape and number of parameters::

        print(summary(model, (1, 2)))

    Zeros of that shape go through a copy of the model in evaluation mode. Nothing changes in it.

    Args:
        input_shape: the whole shape, with the batch in front; a list of shapes for a model with
            several inputs; or the input itself. Without it, only the parameters are counted.
        dtype: of the zeros; that of the first parameter if left out. Embeddings want torch.long.

    Raises:
        ArgumentError: `input_shape` is no shape.
        MinidlError: the model raised it, for a shape that does not fit.
    """
    if not isinstance(model, Module):
        raise ArgumentError(
            f"expected a module, got {type(model).__name__}; pass the model itself", where="summary"
        )
    layers = (
        [] if input_shape is None else list(evaluated(model, _inputs(model, input_shape, dtype)))
    )
    shapes = {layer.path: shape_of(layer.output) for layer in layers}
    rows = []
    for path, module in walk(model):
        count = sum(parameter.value.numel() for _, parameter in own_parameters(module))
        rows.append((path, title_of(module), shapes.get(path, ""), count))
    if is_stack(model):  # what is inside belongs to one of the models
        rows += [(each.path, each.title, shapes[each.path], 0) for each in layers if each.path]
    parameters = {id(parameter): parameter for parameter in model.param()}.values()
    buffers = dict(getattr(model, "named_buffers", list)())
    return Summary(
        rows=rows,
        parameters=sum(p.value.numel() for p in parameters),
        trainable=sum(p.value.numel() for p in parameters if p.trainable),
        buffers=sum(buffer.numel() for buffer in buffers.values()),
    )


def _inputs(model: Module, given: Any, dtype: torch.dtype | None) -> tuple[Tensor, ...]:
    if isinstance(given, Tensor):
        return (given,)
    if isinstance(given, (tuple, list)) and given and not isinstance(given[0], int):
        return tuple(each for one in given for each in _inputs(model, one, dtype))
    if (
        not isinstance(given, (tuple, list))
        or not given
        or not all(type(n) is int and n > 0 for n in given)
    ):
        raise ArgumentError(
            f"expected the shape of the input with the batch in front, such as (1, 2), got "
            f"{given!r}; for several inputs, give a list of shapes",
            where="summary",
        )
    first = next((parameter.value for parameter in model.param()), None)
    if dtype is None:
        dtype = torch.get_default_dtype() if first is None else first.dtype
    return (torch.zeros(tuple(given), dtype=dtype, device=None if first is None else first.device),)
