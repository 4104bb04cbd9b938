"""How a component tells the conformance kit to build it, and what to feed it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Example"]


class Example(NamedTuple):
    """One instance of a component and the tensors that fit it, for `minidl_core.testing`.

    A component lists them in a class method, which imports nothing of the kit::

        @classmethod
        def examples(cls) -> list[Example]:
            return [Example({"in_features": 3, "out_features": 2}, shapes=[(4, 3)])]

    What is built by ``Example(kwargs, ...)`` is ``make(**kwargs)``, or ``component(**kwargs)``
    when `make` is left out; an optimizer gets the kit's parameters in front. A keyword argument
    ``generator``, ``dtype`` or ``device`` is given by the kit to whatever accepts it.

    Attributes:
        kwargs: arguments of the constructor. For an optimizer, every number among them must
            have an effect.
        shapes: the shape of each input; of a loss, the shape of the prediction. May be left out
            for an input of (batch, features) of any size. An optimizer has none.
        low, high: inputs (and a loss's targets) are uniform between these.
        batch_axis: where the shapes have their batch; the kit tries other sizes there. None, if
            the sizes must stay as they are.
        draw: ``draw(generator, *shapes)`` gives all inputs (for a loss, prediction and target),
            where a uniform law would not do: one-hot targets, whole numbers.
        make: called in place of the component, for arguments that must be built anew each time:
            ``make=lambda generator: cls(Linear(3, 3, generator=generator))``.
        reference: for an optimizer, the update rule written a second time: the name of a class
            of torch (``"torch.optim.SGD"``) that takes the same `kwargs`, or a function
            ``reference(value, grads, **kwargs)`` in plain floats that gives the values of one
            number after each step.
    """

    kwargs: Mapping[str, Any] = MappingProxyType({})
    shapes: Sequence[Sequence[int]] = ()
    low: float = -2.0
    high: float = 2.0
    batch_axis: int | None = 0
    draw: Callable[..., tuple[Any, ...]] | None = None
    make: Callable[..., Any] | None = None
    reference: str | Callable[..., Sequence[float]] | None = None
