"""The embedding: a table of vectors, looked up by whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    DeviceError,
    DtypeError,
    Example,
    Parameter,
    check_alike,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.arguments import check_sizes
from minidl_plugins_nn.drawing import Source

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Embedding",
    "check_indices",
    "counts",
    "look_up",
    "refuse_renorm_and_sparse",
    "row_of",
    "table",
]


class Embedding(BaseModule):
    """Y = W[X]: row xₙ of the table W for each whole number xₙ.

    Shapes: X of any shape, with whole numbers below V; W (V, D); Y (*X, D).

    W is drawn from N(0, 1), as in torch.nn.Embedding. The row `padding_idx` starts at zero and
    gets no gradient. An output projection shares the table by holding the same `Parameter`:
    ``head.weight = embedding.weight``; the gradients of both add up.

    Args:
        num_embeddings: V, the number of rows.
        embedding_dim: D, the size of a row.
        padding_idx: the row that is not trained; a negative one counts from the end.
        max_norm, norm_type, sparse: must be left at their defaults; see the errors.
        scale_grad_by_freq: divide a row's gradient by how often the batch names the row.
        generator: where W comes from; torch's global generator when left out.

    Attributes:
        weight: the `Parameter` W.

    Raises:
        ArgumentError: a size below 1, a `padding_idx` outside of the table, or an index outside
            of it; `max_norm` is given, since ``forward`` may not change parameters; `sparse` is
            true, since gradients are added to dense tensors.
        DtypeError, DeviceError: the input is not of whole numbers, or on another device than W.
        ShapeError: the gradient of the output has another shape than the output.

    ``backward`` returns None: whole numbers have no gradient.

    Reference: Y. Bengio et al., A neural probabilistic language model, JMLR 2003.
    """

    traceable = True

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        check_sizes("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        refuse_renorm_and_sparse("Embedding", max_norm, sparse)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = row_of("Embedding", padding_idx, num_embeddings)
        self.scale_grad_by_freq = scale_grad_by_freq
        source = Source(generator, device, dtype)
        self.weight = table(source, num_embeddings, embedding_dim, self.padding_idx)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **kwargs: Any
    ) -> Embedding:
        """Return an embedding whose table is `embeddings`, which training leaves as it is."""
        rows, columns = embeddings.shape
        made = cls(rows, columns, padding_idx, **kwargs)
        made.weight = Parameter(embeddings, trainable=not freeze)
        return made

    def forward(self, x: Tensor) -> Tensor:
        check_indices(self, x, self.weight.value)
        self.push(x)
        return look_up(self, self.weight.value, x)

    # Y = W[X]:  dWᵥ = Σₙ dYₙ over all n with xₙ = v
    def backward(self, grad_output: Tensor) -> None:
        x: Tensor = self.pop()
        check_grad_output(self, grad_output, torch.Size([*x.shape, self.embedding_dim]))
        check_alike(self, "gradient of the output", grad_output, "weight", self.weight.value)
        rows = x.reshape(-1)  # (N,)
        dy = grad_output.reshape(-1, self.embedding_dim)  # (N, D)
        if self.scale_grad_by_freq:
            dy = dy / counts(rows, self.num_embeddings, dy)[rows, None]
        if self.padding_idx is not None:
            dy = dy.masked_fill((rows == self.padding_idx)[:, None], 0)
        self.weight.grad.index_add_(0, rows, dy)  # (V, D) += (N, D), row by row

    def summary(self) -> str:
        return f"Embedding, rows: {self.num_embeddings}, size: {self.embedding_dim}"

    def __repr__(self) -> str:
        return f"Embedding({self.num_embeddings} → {self.embedding_dim})"

    @classmethod
    def examples(cls) -> list[Example]:
        def rows(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor]:
            return (torch.randint(0, 5, shape, generator=generator),)

        def but_2(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor]:
            return (torch.tensor([0, 1, 3, 4])[torch.randint(0, 4, shape, generator=generator)],)

        sizes = {"num_embeddings": 5, "embedding_dim": 3}
        return [
            Example(sizes, shapes=[(4, 3)], draw=rows),
            # padding_idx takes something from the derivative, but not where its row is not used
            Example({**sizes, "padding_idx": 2}, shapes=[(4, 3)], draw=but_2),
        ]


def table(source: Source, rows: int, columns: int, padding: int | None) -> Parameter:
    """Draw a table from N(0, 1), with zeros in the row for padding."""
    weight = source.normal(1.0, rows, columns)
    if padding is not None:
        weight.value[padding] = 0
    return weight


def row_of(where: str, padding_idx: int | None, rows: int) -> int | None:
    """Return `padding_idx` counted from the front."""
    if padding_idx is None:
        return None
    if not isinstance(padding_idx, int) or not -rows <= padding_idx < rows:
        raise ArgumentError(
            f"padding_idx must be a row of the table, {-rows} to {rows - 1}, got {padding_idx!r}",
            where=where,
        )
    return padding_idx % rows


def counts(rows: Tensor, size: int, like: Tensor) -> Tensor:
    """How often each of `size` rows is named in `rows`, in the dtype of `like`."""
    return like.new_zeros(size).index_add(0, rows, like.new_ones(rows.shape))


def refuse_renorm_and_sparse(where: str, max_norm: float | None, sparse: bool) -> None:
    if max_norm is not None:
        raise ArgumentError(
            "max_norm is not supported: forward may not change parameters; rescale the rows of "
            "weight.value after each step instead",
            where=where,
        )
    if sparse:
        raise ArgumentError(
            "sparse=True is not supported: gradients are added to dense tensors; leave it out",
            where=where,
        )


def check_indices(layer: object, x: Tensor, weight: Tensor, what: str = "row numbers") -> None:
    """Check that `x` holds whole numbers and is where `weight` is."""
    check_no_graph(layer, what, x)
    if x.dtype not in (torch.int64, torch.int32):
        raise DtypeError(
            f"expected {what} of torch.int64 or torch.int32, got {x.dtype}; convert them: x.long()",
            where=layer,
        )
    if x.device != weight.device:
        raise DeviceError(
            f"expected {what} on the device of the weight, {weight.device}, got {x.device}; "
            f'move them: x.to("{weight.device}")',
            where=layer,
        )


def look_up(layer: object, weight: Tensor, x: Tensor) -> Tensor:
    """Return the rows of `weight` that `x` names."""
    try:
        return torch.embedding(weight, x)
    except IndexError:
        raise ArgumentError(
            f"expected row numbers from 0 to {weight.shape[0] - 1}, got {int(x.min())} to "
            f"{int(x.max())}; give the table a row for each of them",
            where=layer,
        ) from None
