"""The solution of an assignment: its examples, and a class that answers as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import Example
from minidl_plugins_devkit.commands.from_file import load_from_file
from minidl_plugins_devkit.declarations import examples_of
from minidl_plugins_devkit.subjects.cases import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from torch import Tensor

    from minidl_plugins_devkit.grading.assignment import Task

__all__ = ["examples_for"]


def examples_for(task: Task, kind: str) -> list[Example] | None:
    """Return what a class is checked with; None for its own examples.

    Those of a solution compare the class with it: ``matches_reference``.
    """
    given = None if task.examples is None else [Example(**each) for each in task.examples]
    if task.reference is None:
        return given
    solution = load_from_file(task.reference)
    examples = given or examples_of(solution, kind)
    if kind == "optimizers":
        return examples  # an update rule is compared with the reference of the example itself
    twin = _twin_of(solution, kind)
    return [
        example if example.reference is not None else example._replace(reference=twin)
        for example in examples
    ]


def _twin_of(solution: Any, kind: str) -> type:
    """Return a class with the manners of torch's modules, which computes what `solution` does."""

    class Twin:
        def __init__(self, **kwargs: Any) -> None:
            self._subject = Case(solution, kind, Example(kwargs)).build(fresh=True)

        def to(self, _: torch.dtype) -> Twin:
            return self

        def state_dict(self) -> dict[str, Tensor]:
            return self._subject.state()

        def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
            live = {name: value for name, value, _ in self._subject.named_pairs()}
            for name, tensor in (live | self._subject.buffers()).items():
                tensor.copy_(state[name])
            self._subject.remember()

        def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
            yield from self._subject.buffers().items()

        def train(self) -> None:
            self._subject.module.train()

        def eval(self) -> None:
            self._subject.evaluate()

        def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
            if self._subject.module.training:  # what is learned from a batch is learned in backward
                return self._subject.one_pass(inputs).outputs
            return self._subject.forward(*inputs)

    return Twin
