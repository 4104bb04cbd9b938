"""One example of one component at one seed: how to build it, and random inputs for it."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_plugins_devkit.declarations import name_of
from minidl_plugins_devkit.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core import Example

__all__ = ["Case", "accepted", "uniform"]


@dataclass(frozen=True)
class Case:
    """What a check gets.

    Attributes:
        component: the class under test.
        kind: such as ``"modules"``.
        example: how to build it.
        seed: where every draw of the check starts.
    """

    component: Any
    kind: str
    example: Example
    seed: int = 0

    def build(
        self,
        *,
        dtype: torch.dtype = torch.float64,
        device: str = "cpu",
        salt: int = 0,
        fresh: bool = False,
    ) -> Subject:
        """Return the component in training mode, its parameters and buffers in `dtype` on `device`.

        Unless `fresh`, the parameters are moved off their first values, because zero biases and
        unit gains hide mistakes: p <- p (1 + u / 10) + u' / 10 with u, u' uniform in (−1, 1).
        """
        generator = self.generator(salt, device)
        module = self.construct(dtype=dtype, device=device, generator=generator)
        given = generator if "generator" in accepted(self.factory) else None
        subject = Subject(module, self.kind == "losses", given)
        pairs = subject.named_pairs()
        tensors = [tensor for _, *pair in pairs for tensor in pair]
        for tensor in [*tensors, *subject.buffers().values()]:
            other_device = tensor.device.type != torch.device(device).type
            other_dtype = tensor.is_floating_point() and tensor.dtype != dtype
            if other_device or other_dtype:
                kind = dtype if tensor.is_floating_point() else tensor.dtype
                tensor.data = tensor.data.to(device, kind)
        if not fresh:
            noise = self.generator(salt + 1)
            for _, value, _ in subject.named_pairs():
                value.mul_(1 + 0.1 * uniform(value.shape, -1, 1, noise).to(value))
                value.add_(0.1 * uniform(value.shape, -1, 1, noise).to(value))
        module.train()
        subject.remember()
        return subject

    @property
    def factory(self) -> Callable[..., Any]:
        return self.example.make or self.component

    def construct(self, *args: Any, kwargs: dict[str, Any] | None = None, **context: Any) -> Any:
        """Call the factory with the example's arguments, and with the `context` it accepts."""
        known = accepted(self.factory)
        given = {name: value for name, value in context.items() if name in known}
        return self.factory(
            *args, **{**given, **(self.example.kwargs if kwargs is None else kwargs)}
        )

    def generator(self, salt: int = 0, device: str = "cpu") -> torch.Generator:
        return torch.Generator(device).manual_seed(1_000_003 * self.seed + 101 * salt + 17)

    @property
    def batch(self) -> int | None:
        """The example's own batch size, or None if it has no batch to vary."""
        axis = self.example.batch_axis
        return None if axis is None or not self.example.shapes else self.example.shapes[0][axis]

    def batches(self) -> list[int | None]:
        """Return its own batch size and two others; its own alone if it must stay as it is."""
        own = self.batch
        return [own] if own is None else [own, own + 1, own + 3]

    def inputs(
        self,
        batch: int | None = None,
        *,
        salt: int = 0,
        dtype: torch.dtype = torch.float64,
        device: str = "cpu",
    ) -> tuple[Tensor, ...]:
        """Random inputs (of a loss: the predictions and the target) with `batch` rows."""
        example = self.example
        generator = self.generator(1000 + salt)
        shapes = [self._with_batch(tuple(shape), batch) for shape in example.shapes]
        if example.draw is not None:
            drawn = tuple(example.draw(generator, *shapes))
        else:
            if self.kind == "losses":
                shapes = [*shapes, shapes[0]]
            drawn = tuple(uniform(s, example.low, example.high, generator) for s in shapes)
        return tuple(x.to(device, dtype if x.is_floating_point() else x.dtype) for x in drawn)

    def _with_batch(self, shape: tuple[int, ...], batch: int | None) -> tuple[int, ...]:
        axis = self.example.batch_axis
        if batch is None or axis is None or not -len(shape) <= axis < len(shape):
            return shape
        if shape[axis] != self.batch:
            return shape
        sizes = list(shape)
        sizes[axis] = batch
        return tuple(sizes)

    def __str__(self) -> str:
        parts = [f"{name}={value!r}" for name, value in self.example.kwargs.items()]
        shapes = ", ".join(str(tuple(shape)) for shape in self.example.shapes)
        described = ", ".join(parts)
        return f"{name_of(self.component)}({described})" + (f" on {shapes}" if shapes else "")


def accepted(factory: Callable[..., Any]) -> set[str]:
    """Which of generator, dtype and device `factory` takes by name."""
    function = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    parameters = inspect.signature(function).parameters
    named = {
        n for n, p in parameters.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    }
    return named & {"generator", "dtype", "device"}


def uniform(
    shape: torch.Size | tuple[int, ...], low: float, high: float, generator: torch.Generator
) -> Tensor:
    """Uniform in [low, high), in float64."""
    if not math.prod(shape):
        return torch.empty(shape, dtype=torch.float64)
    return torch.empty(shape, dtype=torch.float64).uniform_(low, high, generator=generator)
