"""Containers that branch: branches side by side, and one module for each input.

Modules may share parts. A part that runs in two branches has two forwards pending, and `backward`
takes the latest first, so it goes through the branches in reverse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, BaseModule, Example, Sequential, ShapeError
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.linear import Linear
from minidl_plugins_nn.running_parts import check_modules, run, run_back

if TYPE_CHECKING:
    import torch

    from minidl_core import Module

__all__ = ["Each", "Parallel"]


class Branches(BaseModule):
    """What `Parallel` and `Each` have in common: modules by number."""

    traceable = True

    def __init__(self, *branches: Module) -> None:
        name = type(self).__name__
        if not branches:
            raise ArgumentError(f"expected modules: {name}(first, second)", where=name)
        check_modules(name, **{str(i): branch for i, branch in enumerate(branches)})
        self._branches = branches

    def named_children(self) -> list[tuple[str, Module]]:
        return [(str(i), branch) for i, branch in enumerate(self._branches)]

    def is_container(self) -> bool:
        return True

    def _check_count(self, what: str, given: tuple[Any, ...]) -> None:
        if len(given) != len(self._branches):
            raise ShapeError(
                f"expected {what} for each of {len(self._branches)} branches, got {len(given)}",
                where=self,
            )


class Parallel(Branches):
    """(Y₁, …, Yₙ) = (F₁(X), …, Fₙ(X)): all branches get the same inputs.

    `Add`, `Multiply` or `Concatenate` merge the outputs again. With one branch the output is no
    tuple. A branch with several outputs is not allowed.

    Args:
        branches: F₁, …, Fₙ.

    Raises:
        ArgumentError: there is no branch, or one is not a module.
        ShapeError: ``backward`` got another number of gradients.
    """

    traceable = True

    def forward(self, *inputs: Any) -> Any:
        outputs = tuple(
            one_output(self, name, run(self, name, branch, *inputs))
            for name, branch in self.named_children()
        )
        return outputs if len(outputs) > 1 else outputs[0]

    # The branches read the same X:  dX = Σᵢ Fᵢ'(X)ᵀ dYᵢ
    def backward(self, *grad_outputs: Any) -> Any:
        self._check_count("a gradient", grad_outputs)
        total: tuple[Any, ...] = ()
        for (name, branch), grad in reversed(
            list(zip(self.named_children(), grad_outputs, strict=True))
        ):
            given = in_a_tuple(run_back(self, name, branch, grad))
            total = tuple(map(added, total, given)) if total else given
        return total if len(total) > 1 else total[0]

    @classmethod
    def examples(cls) -> list[Example]:
        def shared(generator: torch.Generator, dtype: torch.dtype) -> Parallel:
            source = Source(generator, None, dtype)
            part = Linear(3, 3, True, source)
            return cls(part, Sequential(part, Linear(3, 2, True, source)), part)

        return [Example(shapes=[(4, 3)], make=shared)]


class Each(Branches):
    """(Y₁, …, Yₙ) = (F₁(X₁), …, Fₙ(Xₙ)): a module for each input.

    Args:
        branches: F₁, …, Fₙ.

    Raises:
        ArgumentError: there is no branch, or one is not a module.
        ShapeError: the number of inputs, or of gradients, is not n.
    """

    traceable = True

    def forward(self, *inputs: Any) -> Any:
        self._check_count("an input", inputs)
        outputs = tuple(
            one_output(self, name, run(self, name, branch, x))
            for (name, branch), x in zip(self.named_children(), inputs, strict=True)
        )
        return outputs if len(outputs) > 1 else outputs[0]

    # dXᵢ = Fᵢ'(Xᵢ)ᵀ dYᵢ
    def backward(self, *grad_outputs: Any) -> Any:
        self._check_count("a gradient", grad_outputs)
        pairs = zip(self.named_children(), grad_outputs, strict=True)
        grads = [run_back(self, *child, grad) for child, grad in reversed(list(pairs))]
        return tuple(grads[::-1]) if len(grads) > 1 else grads[0]

    @classmethod
    def examples(cls) -> list[Example]:
        def shared(generator: torch.Generator, dtype: torch.dtype) -> Each:
            part = Linear(3, 2, True, Source(generator, None, dtype))
            return cls(part, Sequential(), part)

        return [Example(shapes=[(4, 3), (4, 1), (2, 3)], make=shared)]


def one_output(container: object, name: str, output: Any) -> Any:
    if isinstance(output, tuple):
        raise ShapeError(
            f"expected one output from branch {name}, got {len(output)}; end it in a merge, or in "
            "Select(index)",
            where=container,
        )
    return output


def in_a_tuple(grads: Any) -> tuple[Any, ...]:
    return grads if type(grads) is tuple else (grads,)


def added(a: Any, b: Any) -> Any:
    """Add two gradients; None, the gradient of whole numbers, counts for nothing."""
    if a is None or b is None:
        return b if a is None else a
    return a + b
