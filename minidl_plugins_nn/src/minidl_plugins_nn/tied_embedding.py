"""A language model's table, looked up at the start and multiplied at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import BaseModule, Example, ShapeError, check_grad_output
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.embedding import Embedding
from minidl_plugins_nn.linear import Linear
from minidl_plugins_nn.running_parts import check_modules, run, run_back

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Module

__all__ = ["TiedEmbedding"]


class TiedEmbedding(BaseModule):
    """Y = F(E[X]) Eᵀ: one table E for what goes in and what comes out.

    Shapes: X (N, L) of whole numbers, E (V, D), F (N, L, D) -> (N, L, D), Y (N, L, V). E is drawn
    from a normal law with the standard deviation `std`.

    Args:
        num_embeddings: V, how many different numbers there are.
        embedding_dim: D.
        inner: F, one module, such as a `Sequential` of blocks.
        std: of the first values; small ones keep the first logits small.
        generator: where E comes from; torch's global generator when left out.

    Raises:
        ArgumentError: a size below 1; `inner` is no module; an index beyond the table.
        ShapeError: F does not give rows of D.

    Reference: O. Press and L. Wolf, Using the output embedding to improve language models, EACL
    2017.
    """

    traceable = True

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        inner: Module,
        std: float = 0.02,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        check_modules("TiedEmbedding", inner=inner)
        self.embedding = Embedding(
            num_embeddings, embedding_dim, device=device, dtype=dtype, generator=generator
        )
        self.embedding.weight.value.mul_(std)
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        table = self.embedding.weight.value
        h = run(self, "inner", self.inner, run(self, "embedding", self.embedding, x))
        if h.shape[-1] != table.shape[1]:
            raise ShapeError(
                f"expected inner to give rows of {table.shape[1]}, got {tuple(h.shape)}; let it "
                "keep the last dimension",
                where=self,
            )
        self.push(h)
        y: Tensor = h @ table.mT  # (N, L, D), (D, V) -> (N, L, V)
        return y

    # Y = H Eᵀ:  dE = dYᵀ H,  dH = dY E; then through F, and into the rows of E that were looked up
    def backward(self, grad_output: Tensor) -> None:
        h: Tensor = self.pop()
        weight = self.embedding.weight
        check_grad_output(self, grad_output, torch.Size([*h.shape[:-1], len(weight.value)]))
        rows = grad_output.reshape(-1, grad_output.shape[-1])  # (n, V)
        weight.grad += rows.mT @ h.reshape(-1, h.shape[-1])  # (V, n), (n, D) -> (V, D)
        dx = run_back(self, "inner", self.inner, grad_output @ weight.value)
        run_back(self, "embedding", self.embedding, dx)

    @classmethod
    def examples(cls) -> list[Example]:
        def make(generator: torch.Generator, dtype: torch.dtype) -> TiedEmbedding:
            inner = Linear(3, 3, True, Source(generator, None, dtype))
            return cls(5, 3, inner, 1.0, dtype=dtype, generator=generator)

        def draw(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor]:
            return (torch.randint(0, 5, shape, generator=generator),)

        return [Example(shapes=[shape], make=make, draw=draw) for shape in [(2, 4), (3, 1)]]
