"""A trial that finds state which training changes and a checkpoint would miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import Parameter, walk
from minidl_plugins_experiments.training.module_state import named_generators, named_tensors
from minidl_plugins_experiments.training.randomness import seeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core import Loss, Module

    Batch = tuple[torch.Tensor, torch.Tensor]

__all__ = ["find_hidden_state"]

KNOWN = ("_stack", "training", "keeping", "frozen", "max_pending")  # attributes of `BaseModule`


def find_hidden_state(
    build: Callable[[], tuple[Module, Loss]], first: Batch, second: Batch
) -> tuple[str, str] | None:
    """Find an attribute that carries something from one step to the next outside of buffers.

    Two equal models see the batch `second`. One of them has seen `first` before, and got its
    parameters, buffers and generators back. An attribute that now differs between them is hidden
    state: a resumed run would lose it. An attribute that each step overwrites does not differ.

    Args:
        build: makes a model and a loss, with the same numbers at every call. They are changed.

    Returns:
        None, or a pair: ``"model"`` or ``"loss"``, and a sentence about the first such attribute.
    """
    used, fresh = _built(build), _built(build)
    modules = dict(zip(("model", "loss"), zip(used, fresh, strict=True), strict=True))
    _pass(used, first)
    for where, (one, other) in modules.items():
        changed = _put_back(one, other)
        if changed:
            return where, (
                f"the buffer {changed} gets another shape in training, so it cannot be resumed; "
                "register it with the shape that it keeps"
            )
    _pass(used, second)
    _pass(fresh, second)
    for where, (one, other) in modules.items():
        for (path, a), (_, b) in zip(walk(one), walk(other), strict=True):
            for name in vars(a) if hasattr(a, "__dict__") else ():
                if name not in KNOWN and _plain(vars(a)[name]) != _plain(vars(b).get(name)):
                    return where, _sentence(a, path, name)
    return None


def _built(build: Callable[[], tuple[Module, Loss]]) -> tuple[Module, Loss]:
    with seeded(0):
        return build()


def _pass(parts: tuple[Module, Loss], batch: Batch) -> None:
    """Run forward and backward as a training step does, without the optimizer's step."""
    (model, loss), (x, y) = parts, batch
    model.train()
    loss.train()
    with seeded(0):
        loss.forward(model.forward(x), y)
        model.backward(loss.backward())


def _put_back(used: Module, fresh: Module) -> str | None:
    """Copy parameters, buffers and generators of `fresh` into `used`.

    Returns:
        The name of a buffer that does not fit any more, or None.
    """
    tensors, originals = named_tensors(used), named_tensors(fresh)
    for name in {**originals, **tensors}:
        if name not in tensors or name not in originals:
            return name
        if tensors[name].shape != originals[name].shape:
            return name
        tensors[name].copy_(originals[name])
    for name, generator in named_generators(used).items():
        generator.set_state(named_generators(fresh)[name].get_state())
    return None


def _plain(value: Any, depth: int = 0) -> Any:
    """Return something that is equal for equal `value`; modules have their own turn."""
    if isinstance(value, torch.Tensor):
        flat = value.detach().cpu().contiguous().view(-1)
        return value.dtype, tuple(value.shape), flat.view(torch.uint8).numpy().tobytes()
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None))):
        return repr(value)
    if isinstance(value, (Parameter, torch.Generator, type)) or depth > 8:
        return None
    if isinstance(value, dict):
        return [(_plain(k, depth + 1), _plain(v, depth + 1)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(repr(item) for item in value)
    if hasattr(value, "tobytes"):  # an array of NumPy
        return value.tobytes()
    if hasattr(value, "forward"):
        return None
    return _plain(getattr(value, "__dict__", None), depth + 1)


def _sentence(module: Module, path: str, name: str) -> str:
    place = f"{type(module).__name__} ({path})" if path else type(module).__name__
    value = vars(module)[name]
    example = name if isinstance(value, torch.Tensor) else f"torch.tensor({name})"
    return (
        f"{place} changes its attribute {name} in training, and it is neither a parameter nor a "
        f"buffer, so a resumed run would lose it; register it as a buffer: "
        f'self.register_buffer("{name}", {example})'
    )
