"""What RNN, LSTM and GRU have in common: layers, directions, dropout, and states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, BaseModule, Example, check_grad_output
from minidl_plugins_nn.arguments import check_probability, check_sizes
from minidl_plugins_nn.recurrence import Rule, Unrolled, Weights
from minidl_plugins_nn.recurrent_states import check_sequence, state_of

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_nn.drawing import Source

__all__ = ["RecurrentLayers"]


class RecurrentLayers(BaseModule):
    """Layers of a recurrent rule, each in one or two directions; `LSTM` documents them."""

    traceable = True
    states = 1

    def __init__(
        self,
        rule: Rule,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        source: Source,
    ) -> None:
        where = type(self).__name__
        sizes = {"input_size": input_size, "hidden_size": hidden_size}
        check_sizes(where, **sizes, num_layers=num_layers)
        self.rule = rule
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.batch_first, self.bias = num_layers, batch_first, bias
        self.dropout = check_probability(where, "dropout", dropout)
        if dropout and num_layers == 1:
            raise ArgumentError(
                "dropout acts between layers, so it needs at least 2, got num_layers=1; leave it "
                "out, or put a Dropout behind",
                where=where,
            )
        if not 0 <= proj_size < hidden_size:
            raise ArgumentError(
                f"proj_size must be at least 0 and below hidden_size, got {proj_size!r}",
                where=where,
            )
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self.generator = source.generator
        self._endings = tuple(
            f"l{layer}{direction}"
            for layer in range(num_layers)
            for direction in (("", "_reverse") if bidirectional else ("",))
        )
        self._draw(source)

    def _draw(self, source: Source) -> None:
        bound, rows = 1 / math.sqrt(self.hidden_size), self.rule.gates * self.hidden_size
        out = self.proj_size or self.hidden_size
        for number, ending in enumerate(self._endings):
            first = number < self._directions
            into = self.input_size if first else self._directions * out
            names: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, into),
                "weight_hh": (rows, out),
            }
            if self.bias:
                names |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if self.proj_size:
                names |= {"weight_hr": (out, self.hidden_size)}
            for name, shape in names.items():
                setattr(self, f"{name}_{ending}", source.uniform(bound, *shape))

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        order = "(batch, time, features)" if self.batch_first else "(time, batch, features)"
        weight = self._weights(0).ih.value
        expected = f"{order} or (time, features)"
        batched = check_sequence(self, x, self.input_size, (2, 3), expected, weight)
        y = self._time_first(x, batched)
        state = state_of(self, hx, self._state_shapes(y.shape[1] if batched else None), x)
        if not batched:
            state = tuple(s[:, None] for s in state)
        parts: list[Unrolled] = []
        drops: list[Tensor | None] = []
        for layer in range(self.num_layers):
            drops.append(self._draw_dropout(y) if layer else None)
            if drops[-1] is not None:
                y = y * drops[-1]
            for direction in range(self._directions):
                number = layer * self._directions + direction
                initial = tuple(s[number] for s in state)
                parts.append(Unrolled(self.rule, self._weights(number), y, initial, direction == 1))
            y = torch.cat([part.output for part in parts[-self._directions :]], -1)
        last = tuple(torch.stack(each) for each in zip(*(p.last for p in parts), strict=True))
        self.push((x, hx, y.shape, batched, parts, drops))
        y = self._time_first(y, batched, back=True)
        last = last if batched else tuple(s[:, 0] for s in last)
        return y, last if self.states > 1 else last[0]

    # Layers in reverse, and in each the directions: both read the same input, so their gradients
    # with respect to it add up
    def backward(self, grad_output: Tensor, grad_state: Any = None) -> Any:
        x, hx, shape, batched, parts, drops = self.pop()
        shown = torch.Size([*x.shape[:-1], shape[-1]])
        check_grad_output(self, grad_output, shown)
        dy = self._time_first(grad_output, batched)
        shapes = self._state_shapes(shape[1] if batched else None)
        dlast = state_of(self, grad_state, shapes, dy)
        if not batched:
            dlast = tuple(s[:, None] for s in dlast)
        dfirst: list[Any] = [None] * len(parts)
        for layer in range(self.num_layers - 1, -1, -1):
            dx: Any = None
            for direction, grad in enumerate(dy.chunk(self._directions, -1)):
                number = layer * self._directions + direction
                d, dfirst[number] = parts[number].backward(grad, tuple(s[number] for s in dlast))
                dx = d if dx is None else dx + d
            drop = drops[layer]
            dy = dx if drop is None else dx * drop
        dy = self._time_first(dy, batched, back=True)
        if hx is None:
            return dy
        dstate = tuple(torch.stack(each) for each in zip(*dfirst, strict=True))
        dstate = dstate if batched else tuple(s[:, 0] for s in dstate)
        return dy, dstate if self.states > 1 else dstate[0]

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _weights(self, number: int) -> Weights:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        ending = self._endings[number]
        return Weights(*(getattr(self, f"{name}_{ending}", None) for name in names))  # type: ignore[arg-type]

    def _state_shapes(self, batch: int | None) -> list[tuple[int, ...]]:
        lead = (len(self._endings),) if batch is None else (len(self._endings), batch)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)
        return [(*lead, size) for size in sizes[: self.states]]

    def _time_first(self, x: Tensor, batched: bool, back: bool = False) -> Tensor:
        """(N, L, F) or (L, N, F) or (L, F) -> (L, N, F), or the way back."""
        if not batched:
            return x[:, 0] if back else x[:, None]
        return x.transpose(0, 1) if self.batch_first else x

    def _draw_dropout(self, y: Tensor) -> Tensor | None:
        if not self.training or not self.dropout:
            return None
        draw = torch.rand(y.shape, generator=self.generator, dtype=y.dtype, device=y.device)
        return (draw >= self.dropout).to(y.dtype) / (1 - self.dropout)

    def summary(self) -> str:
        sizes = f"in: {self.input_size}, state: {self.hidden_size}, layers: {self.num_layers}"
        return f"{type(self).__name__}, {sizes}, directions: {self._directions}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size} → {self.hidden_size})"

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"input_size": 3, "hidden_size": 2}
        more = {"num_layers": 2, "bidirectional": True, "batch_first": True, "bias": False}
        return [
            Example(sizes, shapes=[(4, 2, 3)], batch_axis=1),
            Example({**sizes, **more}, shapes=[(2, 4, 3)]),
            Example(sizes, shapes=[(4, 3, 3), (1, 3, 2)], batch_axis=1),
        ]
