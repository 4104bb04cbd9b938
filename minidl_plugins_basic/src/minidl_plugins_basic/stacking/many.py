"""K things of one structure, run as one: by `torch.vmap`, or one after another where that fails.

While a method runs, the one thing that is run holds slices: batched tensors inside ``vmap``, or
those of model k. Afterwards it holds model 0's, so that nothing batched escapes.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from minidl_core import MinidlError, ShapeError, StateError
from minidl_plugins_basic.stacking.attributes import Attributes
from minidl_plugins_basic.stacking.others import Others
from minidl_plugins_basic.stacking.slow_operations import slow_operations, without_warnings
from minidl_plugins_basic.stacking.snapshot import Snapshot
from minidl_plugins_basic.stacking.warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_basic.stacking.structure import Structure

__all__ = ["Many"]


class Many:
    """Runs the methods of one thing for K.

    Args:
        structure: of the one thing and the K.
        keeps_all: whether every attribute that is given a tensor is state, as in an optimizer; of
            a module only buffers are, and all else waits for ``backward``.

    Attributes:
        one: the thing that is run.
        size: K.
        attributes: its tensors and numbers, and those of all K.
        why_one_by_one: why its models are run one after another; None while they are batched.
    """

    def __init__(self, structure: Structure, *, keeps_all: bool) -> None:
        self.one, self.size = structure.objects[0], structure.size
        self.attributes = Attributes(structure)
        self._others = Others(structure.objects, self.attributes.fields, keeps_all=keeps_all)
        self.why_one_by_one: str | None = None
        self._batched_before: set[str] = set()
        self._is_slow = False
        self.attributes.settle()

    def run(
        self, name: str, inputs: tuple[Any, ...] = (), kept: Any = (), finite: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Call method `name` for all K; return its output and what its backward needs.

        Args:
            name: of a method of ``one``.
            inputs: its arguments; each tensor in them has the models in front.
            kept: what the forward of this backward kept.
            finite: (K,); models that are not do not change. None if all may.
        """
        self.attributes.check_settled()
        before = None if finite is None else Snapshot(self.attributes, grads=False)
        if self.why_one_by_one is None and not isinstance(kept, list):
            results = self._try_batched(name, inputs, kept)
        else:
            results = self._one_by_one(name, inputs, kept)
        if before is not None and finite is not None:
            before.restore_others(finite)
        return results

    def signature(self) -> tuple[Any, ...]:
        """Return what a run depends on besides tensors: values where they cannot change, else ids.

        Tensors of numbers that differ are brought up to date, in place.
        """
        return (self.why_one_by_one, *self.attributes.numbers(), *self._others.values())

    def part(self, k: int, memo: dict[int, Any]) -> Any:
        """Return a copy of the one thing as model `k`; `memo` is that of ``copy.deepcopy``."""
        self.attributes.bind_model(k, clone=True)
        try:
            return copy.deepcopy(self.one, memo)
        finally:
            self.attributes.settle()

    def call_each(self, call: Callable[[Any, int], Any]) -> list[Any]:
        """Return ``call(one, k)`` with the one thing as each model in turn; changes are kept."""
        results, changes = [], []
        try:
            with self._others:
                for k in range(self.size):
                    self._others.restore()
                    self.attributes.bind_model(k)
                    results.append(call(self.one, k))
                    changes.append(self._changes())
            self.attributes.take_each(changes)
        finally:
            self.attributes.settle()
        return results

    def changes_of(self, settings: list[tuple[int, str, Any]]) -> list[Any]:
        """Return what each of `settings`, (model, attribute, value), changes; keep none of it."""
        changes: list[Any] = []
        try:
            with self._others:
                for k, name, value in settings:
                    self._others.restore()
                    if k or changes:  # it is settled with what model 0 has
                        self.attributes.bind_model(k)
                    setattr(self.one, name, value)
                    changes.append(self._changes())
        finally:
            self.attributes.settle()
        return changes

    def take_each(self, changes: list[Any]) -> None:
        """Take over the changes of each model."""
        self.attributes.take_each(changes)
        self.attributes.settle()

    def _try_batched(self, name: str, inputs: Any, kept: Any) -> tuple[Any, Any]:
        known = name in self._batched_before
        before = None if known else Snapshot(self.attributes, grads=True)
        try:
            if known:
                with without_warnings(self._is_slow):
                    return self._batched(name, inputs, kept)
            slow, results = slow_operations(lambda: self._batched(name, inputs, kept))
        except MinidlError:
            if before is not None:
                before.restore()
            raise
        except Exception as error:
            if known and name != "forward":
                raise StateError(
                    f"{name} was batched in earlier steps and cannot be in this one, which is left "
                    f"unfinished: {_reason(error)}",
                    where=self.one,
                ) from error
            if before is not None:
                before.restore()
            apart = [_of_model(kept, k) for k in range(self.size)] if kept else ()
            results = self._one_by_one(name, inputs, apart)  # an error of the user's raises again
            self.why_one_by_one = _reason(error)
            self._warn(
                f"runs one model after another, with the same results: {self.why_one_by_one}", name
            )
            return results
        self._batched_before.add(name)
        if slow:
            self._is_slow = True
            self._warn(f"is slow: torch cannot batch {', '.join(slow)}, and loops there", name)
        return results

    def _batched(self, name: str, inputs: Any, kept: Any) -> tuple[Any, Any]:
        given, spec = pytree.tree_flatten((inputs, kept))
        grads = name != "forward"  # which has no use for them
        own = self.attributes.tensors(grads=grads)
        tensors = [leaf for leaf in given if isinstance(leaf, Tensor)]
        leaves: list[Any] = []  # of what leaves the vmap, and how it is nested
        nesting: Any = None

        def of_one(slices: list[Tensor]) -> list[Tensor]:
            nonlocal nesting
            batched = iter(slices)
            here = [next(batched) if isinstance(leaf, Tensor) else leaf for leaf in given]
            self.attributes.bind(slices[len(tensors) :], grads=grads)
            found, nesting = pytree.tree_flatten(
                self._call(name, *pytree.tree_unflatten(here, spec))
            )
            leaves[:] = found
            return [leaf for leaf in found if isinstance(leaf, Tensor)]

        try:
            with self._others:
                mapped = [*tensors, *own] or [torch.zeros(self.size)]
                results = iter(torch.vmap(of_one, randomness="different")(mapped))
            whole = [next(results) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
            output, kept, changes = pytree.tree_unflatten(whole, nesting)
            self.attributes.take(changes)
        finally:
            self.attributes.settle()
        return output, kept

    def _one_by_one(self, name: str, inputs: Any, kept: Any) -> tuple[Any, list[Any]]:
        outputs = self.call_each(
            lambda _, k: self._call(name, _of_model(inputs, k), kept[k] if kept else ())
        )
        return _stacked([output for output, _, _ in outputs], name), [
            kept for _, kept, _ in outputs
        ]

    def _call(self, name: str, inputs: Any, kept: Any) -> tuple[Any, Any, Any]:
        self._others.put_back(kept)
        output = getattr(self.one, name)(*inputs)
        kept = self._others.take_out(name)
        return output, kept, self._changes()

    def _changes(self) -> Any:
        pairs, fields = self.attributes.changes()
        return pairs, {**fields, **self._others.new_fields()}

    def _warn(self, what: str, name: str) -> None:
        warn(f"stack of {self.size} {type(self.one).__name__}: {name} {what}")


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(". ")[0].removeprefix("vmap: ")


def _of_model(tree: Any, k: int) -> Any:
    return pytree.tree_map(lambda leaf: leaf[k] if isinstance(leaf, Tensor) else leaf, tree)


def _stacked(outputs: list[Any], name: str) -> Any:
    rows = [pytree.tree_leaves(output) for output in outputs]
    leaves = []
    for column in zip(*rows, strict=True):
        if not isinstance(column[0], Tensor):
            leaves.append(column[0])
            continue
        shapes = {tuple(tensor.shape) for tensor in column}
        if len(shapes) != 1:
            raise ShapeError(
                f"expected outputs of one shape from all models of a stack, {name} gave "
                f"{', '.join(map(str, sorted(shapes)))}; train these models one by one"
            )
        leaves.append(torch.stack(column))
    return pytree.tree_unflatten(leaves, pytree.tree_structure(outputs[0]))
