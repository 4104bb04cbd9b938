"""What `watch` saw of one module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minidl_plugins_inspect.tables import TENSOR_HEAD, html_table, tensor_row, text_table

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_inspect.watching.units import Units

__all__ = ["Call", "Layer", "one_of"]


TENSORS = ("input", "output", "kept", "grad_output", "grad_input")


@dataclass
class Call:
    """One forward of a module, and the backward that belongs to it.

    A tuple stands where the module has several inputs or outputs. What did not happen is None.

    Attributes:
        input, output: what ``forward`` got and returned.
        pushed: what ``forward`` pushed for ``backward``, one item for each ``push``.
        grad_output, grad_input: what ``backward`` got and returned.
    """

    input: Any = None
    output: Any = None
    pushed: list[Any] = field(default_factory=list)
    grad_output: Any = None
    grad_input: Any = None


@dataclass
class Layer:
    """What `watch` saw of one module.

    It prints as a table of its tensors. ``layer.output`` and its like are those of the last call;
    `calls` has them all.

    Attributes:
        path: where it is in the model, as in ``state_dict``: ``""`` is the model itself.
        kind: the name of its class.
        title: the module in one line.
        is_leaf: whether no other module is inside.
        parameters: value and gradient of each parameter of its own, by name.
        calls: one for each forward, in their order.
        units: its dead and saturated units; None for what is no elementwise activation.
        note: why something is missing; empty if nothing is.
    """

    path: str
    kind: str
    title: str
    is_leaf: bool
    parameters: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    units: Units | None = None
    note: str = ""

    @property
    def _last(self) -> Call:
        return self.calls[-1] if self.calls else Call()

    @property
    def input(self) -> Any:
        """The input of the last forward; a tuple if there are several."""
        return self._last.input

    @property
    def output(self) -> Any:
        """The output of the last forward; a tuple if there are several."""
        return self._last.output

    @property
    def kept(self) -> Any:
        """What the last forward kept for backward; a list if it pushed several times."""
        pushed = self._last.pushed
        return pushed[0] if len(pushed) == 1 else pushed or None

    @property
    def grad_output(self) -> Any:
        """The gradient of the loss with respect to the output."""
        return self._last.grad_output

    @property
    def grad_input(self) -> Any:
        """The gradient of the loss with respect to the input."""
        return self._last.grad_input

    @property
    def gradients(self) -> dict[str, Tensor]:
        """The gradient of each parameter of its own, by name."""
        return {name: grad for name, (_, grad) in self.parameters.items()}

    def __str__(self) -> str:
        return f"{self._caption()}\n{text_table(TENSOR_HEAD, self._rows())}"

    def _repr_html_(self) -> str:
        return html_table(TENSOR_HEAD, self._rows(), self._caption())

    def _caption(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.path or 'model'}: {self.title}{note}"

    def _rows(self) -> list[list[str]]:
        tensors = {name: getattr(self, name) for name in TENSORS}
        for name, (value, grad) in self.parameters.items():
            tensors |= {name: value, f"gradient of {name}": grad}
        return [tensor_row(name, each) for name, each in tensors.items() if each is not None]

    def __repr__(self) -> str:
        return f"Layer({self.path or 'model'}: {self.title}, {len(self.calls)} calls)"


def one_of(values: tuple[Any, ...]) -> Any:
    """Return the only value, or the tuple of several."""
    return values[0] if len(values) == 1 else values
