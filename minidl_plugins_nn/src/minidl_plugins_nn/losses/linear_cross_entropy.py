"""The cross-entropy of a linear layer's output, without the whole of that output in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, Example, Parameter, ShapeError, check_alike, check_no_graph
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.losses.class_loss import draw_indices
from minidl_plugins_nn.losses.cross_entropy import CrossEntropyLoss
from minidl_plugins_nn.losses.reduced import check_prediction

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LinearCrossEntropyLoss"]


class LinearCrossEntropyLoss(CrossEntropyLoss):
    """J = cross-entropy of (X Wᵀ + b) with T, see CrossEntropyLoss.

    The logits, (N, C), are often the largest tensor of a language model. Here they are made for a
    few rows at a time, as many as take the memory of X, and their gradient is at once multiplied
    into those of X, W and b. ``backward`` hands these out.

    Train W and b with the model: ``SGD([*model.param(), *loss.param()], lr)``.

    Shapes: X (N, in) or (in,); W (C · Π out, in), b (C · Π out,); T (N, *out) of class indices, or
    (N, C, *out) of probabilities. W and b are drawn from U(−1/√in, 1/√in).

    Args:
        in_features: the size of each row of X.
        num_classes: C.
        out_features: further dimensions of the output, each with a target of its own.
        bias: whether to add b.
        generator: where W and b come from; torch's global generator when left out.
        weight, reduction, label_smoothing: as in CrossEntropyLoss.
        ignore_index: the index that does not count; −100 when left out.
        options: an object with torch's ``batch_chunk_size``, the number of rows at a time.

    Attributes:
        linear: the `Parameter` W, and b or None, under the names ``weight`` and ``bias``.

    Raises:
        ArgumentError: a size below 1, `options` that ask for another dtype, or what
            CrossEntropyLoss refuses.
        ShapeError, DtypeError, DeviceError: the tensors do not fit.
    """

    traceable = True

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            weight,
            ignore_index=-100 if ignore_index is None else ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
        for size in (in_features, num_classes, *out_features):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise ArgumentError(
                    f"sizes must be whole numbers of at least 1, got {size!r}",
                    where="LinearCrossEntropyLoss",
                )
        if getattr(options, "acc_dtype", None) is not None:
            raise ArgumentError(
                "options.acc_dtype is not supported: gradients are added up in their own dtype",
                where="LinearCrossEntropyLoss",
            )
        self.out_features = (num_classes, *out_features)
        self.rows = getattr(options, "batch_chunk_size", None)
        rows, bound = math.prod(self.out_features), 1 / math.sqrt(in_features)

        def drawn(*shape: int) -> Parameter:
            empty = torch.empty(shape, dtype=dtype, device=device)
            return Parameter(empty.uniform_(-bound, bound, generator=generator))

        self.linear: dict[str, Any] = {"weight": drawn(rows, in_features)}
        self.linear["bias"] = drawn(rows) if bias else None

    # With G = dJ/d logits:  dX = G W,  dW = Gᵀ X,  db = Σ G, added up over the rows at a time
    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        self._check_input(x)
        check_no_graph(self, "target", target)
        w: Tensor = self.linear["weight"].value
        b: Tensor | None = self.linear["bias"].value if self.linear["bias"] else None
        batch = x.unsqueeze(0) if x.ndim == 1 else x
        targets = target.unsqueeze(0) if x.ndim == 1 else target
        loss = CrossEntropyLoss(
            wide(self.weight),
            ignore_index=self.ignore_index,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        total = self._total(batch, targets)
        value, dw = wide(x.new_zeros(())), torch.zeros_like(wide(w))
        db = dw.new_zeros(len(w))
        dx = []
        size = self.rows or max(1, batch.numel() // len(w))
        for start in range(0, len(batch), size):
            rows, t = batch[start : start + size], targets[start : start + size]
            logits = rows @ w.mT if b is None else rows @ w.mT + b
            value = value + loss.forward(wide(logits.reshape(-1, *self.out_features)), wide(t))
            if self.keeping:
                g = loss.backward().flatten(1).to(x.dtype)  # (rows, C · Π out)
                dx.append(g @ w)
                dw, db = dw + g.mT @ rows, db + wide(g).sum(0)
        if self.keeping:
            share = self.share_of(total)
            self.push((torch.cat(dx).reshape(x.shape) * share, dw * share, db * share))
        return (value / total).to(x.dtype)

    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor, Tensor] = self.pop()
        dx, dw, db = kept
        self.linear["weight"].grad += dw
        if self.linear["bias"]:
            self.linear["bias"].grad += db
        return dx

    def _total(self, batch: Tensor, target: Tensor) -> Tensor:
        """Return what the sum is divided by, after checking the target's shape."""
        logits = batch.new_zeros(()).expand(len(batch), *self.out_features)
        if not target.is_floating_point():
            return self.total(self.counted(logits, target, self.class_dim(logits))[1])
        if target.shape != logits.shape:
            raise ShapeError(
                f"expected probabilities of shape {tuple(logits.shape)}, got "
                f"{tuple(target.shape)}; class indices are whole numbers: target.long()",
                where=self,
            )
        return self.total(torch.ones_like(logits[:, 0]))

    def _check_input(self, x: Tensor) -> None:
        check_prediction(self, x, "input")
        weight = self.linear["weight"].value
        check_alike(self, "input", x, "weight", weight)
        if x.ndim not in (1, 2) or x.shape[-1] != weight.shape[-1]:
            raise ShapeError(
                f"expected an input of shape (batch, {weight.shape[-1]}), got {tuple(x.shape)}",
                where=self,
            )

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
            return torch.randn(shape, generator=generator), draw_indices(1)(generator, shape)[1]

        sizes = {"in_features": 4, "num_classes": 5}
        return [
            Example(sizes, shapes=[(6, 4)], draw=draw),
            Example({**sizes, "bias": True, "label_smoothing": 0.25}, shapes=[(6, 4)], draw=draw),
        ]
