"""What `watch` returns: the layers by path, as a table and as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from minidl_core import ArgumentError, suggest
from minidl_plugins_inspect.tables import html_table, number, shape_of, text_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_plugins_inspect.figures import NotebookFigure
    from minidl_plugins_inspect.watching.layer import Layer

__all__ = ["Watched"]

HEAD = [
    "path", "module", "input", "output", "mean", "std", "kept", "dead", "saturated", "‖grad out‖",
    "‖grad parameters‖",
]  # fmt: skip
MOST_KEPT = 3  # tensors of a layer that the table names


class Watched:
    """One pass through a model: what each module got, returned and kept, and its gradients.

    It prints as a table, and renders as one in a notebook. ``seen["0.2"]`` is the layer at that
    path, ``seen[""]`` the model itself; iterating gives the layers in the order of the tree.

    Attributes:
        layers: one for each place in the model.
        loss: the value of the loss; None without one.
        has_gradients: whether backward ran.
        models: how many models a stack has; None for a single model.
    """

    def __init__(
        self,
        layers: list[Layer],
        loss: Tensor | None,
        *,
        has_gradients: bool,
        models: int | None = None,
    ) -> None:
        self.layers, self.loss = layers, loss
        self.has_gradients, self.models = has_gradients, models
        self._by_path = {layer.path: layer for layer in layers}

    def __getitem__(self, path: str) -> Layer:
        if path not in self._by_path:
            known = [path for path in self._by_path if path]
            raise ArgumentError(
                f'there is no module at "{path}".{suggest(str(path), known)} '
                f"There are: {', '.join(known)}",
                where="watch",
            )
        return self._by_path[path]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    # -- tables --------------------------------------------------------------------------------

    def __str__(self) -> str:
        columns = self._columns()
        table = text_table([HEAD[c] for c in columns], self._rows(columns))
        return "\n".join([table, *self._notes()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        columns = self._columns()
        return html_table(
            [HEAD[c] for c in columns], self._rows(columns), " · ".join(self._notes())
        )

    def _columns(self) -> list[int]:
        """Return the columns that have anything to say."""
        rows = [_cells(layer) for layer in self.layers]
        return [c for c in range(len(HEAD)) if c < 2 or any(row[c] for row in rows)]

    def _rows(self, columns: list[int]) -> list[list[str]]:
        return [[_cells(layer)[c] for c in columns] for layer in self.layers]

    def _notes(self) -> list[str]:
        notes = [f"{layer.path or 'model'}: {layer.note}" for layer in self.layers if layer.note]
        if self.models is not None:
            notes.append(f"a stack: every tensor has the {self.models} models in front")
        if self.loss is not None:
            values = ", ".join(f"{value:.5g}" for value in self.loss.reshape(-1).tolist())
            notes.append(f"loss: {values}")
        return notes

    # -- figures -------------------------------------------------------------------------------

    def histograms(self) -> NotebookFigure:
        """Draw a histogram of the output of each layer, and of its gradient."""
        from minidl_plugins_inspect.figures import draw_histograms

        return draw_histograms(self.layers, gradients=self.has_gradients)

    def units(self) -> NotebookFigure:
        """Draw the share of dead and of saturated units of each activation."""
        from minidl_plugins_inspect.figures import draw_units

        return draw_units(self.layers)

    def gradients(self) -> NotebookFigure:
        """Draw ‖gradient‖ of the outputs and of the parameters against the depth."""
        from minidl_plugins_inspect.figures import draw_gradients

        if not self.has_gradients:
            raise ArgumentError(
                "expected gradients, but backward did not run; write watch(model, x, target, loss)",
                where="gradients()",
            )
        return draw_gradients(self.layers)


def _cells(layer: Layer) -> list[str]:
    output = layer.output if isinstance(layer.output, Tensor) else None
    numbers = None if output is None or not output.numel() else output.double()
    units = layer.units
    grads = layer.gradients if layer.grad_output is not None else {}
    calls = f" ×{len(layer.calls)}" if len(layer.calls) > 1 else ""
    return [
        layer.path,
        layer.title + calls,
        shape_of(layer.input),
        shape_of(layer.output),
        "" if numbers is None else number(float(numbers.mean())),
        "" if numbers is None else number(float(numbers.std(correction=0))),
        _kept(layer.kept),
        "" if units is None else f"{units.dead_share:.0%}",
        "" if units is None else f"{units.saturated_share:.0%}",
        _norm(layer.grad_output),
        "  ".join(f"{name.rpartition('.')[2]} {_norm(grad)}" for name, grad in grads.items()),
    ]


def _kept(value: Any) -> str:
    """Return the shapes of the kept tensors; sizes and switches are left out."""
    items = value if isinstance(value, (tuple, list)) else [value]
    shapes = [shape_of(item) for item in items if hasattr(item, "shape")]
    return ", ".join(shapes[:MOST_KEPT] + (["…"] if len(shapes) > MOST_KEPT else []))


def _norm(value: Any) -> str:
    return number(float(value.double().norm())) if isinstance(value, Tensor) else ""
