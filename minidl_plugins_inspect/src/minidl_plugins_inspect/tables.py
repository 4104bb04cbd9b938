"""Tables as text and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from minidl_core import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TENSOR_HEAD", "html_table", "number", "shape_of", "tensor_row", "text_table"]

TENSOR_HEAD = ["", "shape", "norm", "least", "mean", "greatest", "first values"]
MOST_VALUES = 6  # of a tensor that its row shows
STYLE = "text-align:left;font-variant-numeric:tabular-nums"


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the table in columns, each as wide as its widest cell."""
    lines = [[printable(cell) for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return the table as HTML that needs no style sheet; all cells are escaped."""
    title = f'<caption style="{STYLE}">{escape(caption)}</caption>' if caption else ""
    columns = "".join(f'<th style="{STYLE}">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{STYLE}">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{title}<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"


def number(value: float) -> str:
    """Return `value` with three significant digits."""
    return f"{value:.3g}"


def tensor_row(name: str, tensor: Any) -> list[str]:
    """Return the row of a table with the head `TENSOR_HEAD`, for a tensor or several."""
    if not hasattr(tensor, "numel"):
        return [name, shape_of(tensor), *[""] * (len(TENSOR_HEAD) - 2)]
    values = tensor.reshape(-1)[:MOST_VALUES].tolist()
    preview = [number(value) for value in values] + ["…"] * (tensor.numel() > MOST_VALUES)
    wide = tensor.double()
    spread = [wide.min(), wide.mean(), wide.max()] if tensor.numel() else [float("nan")] * 3
    numbers = [number(float(each)) for each in (wide.norm(), *spread)]
    return [name, shape_of(tensor), *numbers, ", ".join(preview)]


def shape_of(value: object) -> str:
    """Return the shape of a tensor, the shapes of several, or what else `value` is."""
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return ", ".join(filter(None, map(shape_of, value)))
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"({', '.join(map(str, shape))})"
