"""The network of ``examples/gpt.py`` in torch, with the same names, and its training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["losses_in_torch", "torch_gpt"]


class Positions(nn.Module):
    def __init__(self, context: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(context, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight[: x.shape[1]]


class Causal(nn.MultiheadAttention):
    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype)
        options = {"need_weights": False, "attn_mask": mask, "is_causal": True}
        return super().forward(x, x, x, **options)[0]


class Residual(nn.Module):
    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def torch_gpt(model: Any, vocabulary: int, settings: Any, dtype: torch.dtype) -> nn.Module:
    """Return torch's network with the weights of `model`."""
    d = settings.width
    embedding, head = nn.Embedding(vocabulary, d), nn.Linear(d, vocabulary, bias=False)
    head.weight = embedding.weight
    blocks = [
        nn.Sequential(
            Residual(nn.LayerNorm(d), Causal(d, settings.heads, batch_first=True)),
            Residual(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)),
        )
        for _ in range(settings.layers)
    ]
    positions = Positions(settings.context, d)
    twin = nn.Sequential(embedding, positions, *blocks, nn.LayerNorm(d), head).to(dtype)
    twin.load_state_dict(model.state_dict())
    return twin


def losses_in_torch(twin: nn.Module, text: Any, settings: Any) -> Iterator[float]:
    """Train by autograd and torch.optim, as the example is trained."""
    parameters = list(twin.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=(0.9, 0.99))
    generator = torch.Generator().manual_seed(settings.seed)
    for step, (x, y) in enumerate(text.batches(settings, generator)):
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * factor(step, settings)
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = functional.cross_entropy(twin(x).flatten(0, 1), y.flatten())
            loss.backward()
        nn.utils.clip_grad_norm_(parameters, settings.max_norm)
        optimizer.step()
        yield loss.item()


def factor(step: int, settings: Any) -> float:
    """Linear from 0.01 to 1 in the warm-up, then half a wave down to 0.1."""
    if step < settings.warm_up:
        return 0.01 + 0.99 * step / settings.warm_up
    part = (step - settings.warm_up) / (settings.steps - settings.warm_up)
    return 0.1 + 0.9 * (1 + math.cos(math.pi * part)) / 2
