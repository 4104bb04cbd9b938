"""A module beside its twin in torch: the same weights, the same inputs, autograd as the oracle."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

__all__ = ["assert_same", "doubles", "numbers"]


def doubles(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in [-2, 2) of float64."""
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.rand(shape, dtype=torch.float64, generator=generator) * 4 - 2


def numbers(high: int, *shape: int, seed: int = 0) -> Tensor:
    """Whole numbers below `high`."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def assert_same(
    mine: Any,
    twin: torch.nn.Module,
    *args: Any,
    rtol: float = 1e-10,
    atol: float = 1e-12,
    **kw: Any,
) -> None:
    """Check output, gradients of inputs and parameters, in training and in evaluation mode."""
    mine.load_state_dict(twin.state_dict())
    for training in (True, False):
        twin.train(training)
        mine.train(training)
        mine.keep()
        output, weights, input_grads = _oracle(twin, args, kw)
        for parameter in mine.param():
            parameter.grad.zero_()
        got = mine.forward(*args, **kw)
        _close(got, output, "output", rtol, atol)
        grads = mine.backward(*weights)
        given = grads if isinstance(grads, tuple) else (grads,)
        _close(_present(given), input_grads, "gradient of an input", rtol, atol)
        named = dict(mine.named_param())
        theirs = dict(twin.named_parameters())
        assert set(named) == set(theirs)
        for name, parameter in theirs.items():
            right = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            _close(named[name].grad, right, f"gradient of {name}", rtol, atol)
        mine.eval()  # forgets what an unfinished test leaves


def _oracle(twin: torch.nn.Module, args: Any, kw: Any) -> tuple[Any, Any, list[Tensor]]:
    twin.zero_grad()
    leaves: list[Tensor] = []

    def leaf(x: Any) -> Any:
        if isinstance(x, Tensor) and x.is_floating_point():
            leaves.append(x.detach().clone().requires_grad_())
            return leaves[-1]
        return x

    with torch.enable_grad():
        output = twin(*tree_map(leaf, args), **kw)
        flat, _ = tree_flatten(output)
        weights = tree_map(
            lambda y: None if y is None else doubles(*y.shape, seed=7).to(y.dtype), output
        )
        terms = [
            (y * w).sum()
            for y, w in zip(flat, tree_flatten(weights)[0], strict=True)
            if y is not None
        ]
        sum(terms).backward()  # type: ignore[union-attr]
    detached = tree_map(lambda y: y.detach() if isinstance(y, Tensor) else y, output)
    grads = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]
    return detached, weights if isinstance(weights, tuple) else (weights,), grads


def _present(grads: Any) -> list[Tensor]:
    return [grad for grad in tree_flatten(grads)[0] if grad is not None]


def _close(mine: Any, right: Any, what: str, rtol: float, atol: float) -> None:
    a, b = tree_flatten(mine)[0], tree_flatten(right)[0]
    assert len(a) == len(b), f"{what}: {len(a)} tensors, expected {len(b)}"
    for x, y in zip(a, b, strict=True):
        if y is None:
            assert x is None, what
        else:
            torch.testing.assert_close(x, y, rtol=rtol, atol=atol, msg=lambda m: f"{what}: {m}")
