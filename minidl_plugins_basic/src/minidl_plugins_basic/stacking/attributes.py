"""The tensors and numbers of K things, put into one of them and taken out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils import _pytree as pytree

from minidl_core import StateError
from minidl_plugins_basic.stacking.leaves import (
    Each,
    Same,
    chosen,
    is_same,
    of_each,
    of_model,
    taken,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minidl_core import Parameter
    from minidl_plugins_basic.stacking.stacked_parameter import StackedParameter
    from minidl_plugins_basic.stacking.structure import Structure

    Key = tuple[int, str]  # which object, and the name of its attribute
    Changes = tuple[dict[tuple[int, int], Tensor], dict[Key, Any]]

__all__ = ["Attributes"]


class Attributes:
    """What the one thing holds while it is run, and what all K hold.

    Attributes:
        objects: the one thing, and the objects inside it.
        parameters: each parameter of the one thing, with the stacked one that it stands for.
        fields: its attributes that hold tensors, numbers or generators, with these stacked.
    """

    def __init__(self, structure: Structure) -> None:
        self.size = structure.size
        self.objects: list[Any] = structure.objects
        self.parameters: list[tuple[Parameter, StackedParameter]] = structure.parameters
        self.fields: dict[Key, Any] = structure.fields
        self._bound_pairs: list[tuple[Tensor, Tensor]] = []
        self._bound: dict[Key, tuple[list[Any], pytree.TreeSpec]] = {}
        self._windows: dict[Any, tuple[Tensor, Tensor]] = {}

    def inside_a_stack(self) -> dict[str, Any]:
        """Return what is stacked when this stack is inside of another."""
        return {"stacked": [stacked for _, stacked in self.parameters], "fields": self.fields}

    # -- putting in ----------------------------------------------------------------------------

    def tensors(self) -> list[Tensor]:
        """Return all that have the models in front, in the order in which `bind` takes slices."""
        pairs = [tensor for _, stacked in self.parameters for tensor in stacked]
        of_fields = [self._tensor(leaf) for value in self.fields.values() for leaf in _flat(value)]
        return [*pairs, *(tensor for tensor in of_fields if tensor is not None)]

    def bind(self, slices: Sequence[Tensor]) -> None:
        """Put batched slices of ``tensors()`` into the one thing."""
        rest = iter(slices)
        self._bind(
            lambda _, __: next(rest),
            lambda _, leaf: next(rest) if self._tensor(leaf) is not None else of_model(leaf, 0),
        )

    def bind_model(self, k: int, *, clone: bool = False) -> None:
        """Put what model `k` has into the one thing: windows of the stack, or copies."""

        def of_k(_: Any, leaf: Any) -> Any:
            part = of_model(leaf, k)
            return part.clone() if clone and isinstance(part, Tensor) else part

        self._bind(of_k, of_k)

    def settle(self) -> None:
        """Put windows of model 0 into the one thing, so that nothing batched stays there."""
        self._bind(self._window, self._window)
        for item in self.objects[1:]:  # a stack inside of a stack
            settle = getattr(item, "settle_stack", None)
            if settle is not None:
                settle()

    def stacked_of(self, window: Tensor) -> Tensor | None:
        """Return what all models have of `window`, a tensor of the settled one thing."""
        for tensor, part in self._windows.values():
            if part is window:
                return tensor
        return None

    def _bind(
        self, of_tensor: Callable[[Any, Tensor], Tensor], of_leaf: Callable[[Any, Any], Any]
    ) -> None:
        self._bound_pairs = []
        for at, (own, stacked) in enumerate(self.parameters):
            pair = of_tensor((at, 0), stacked.value), of_tensor((at, 1), stacked.grad)
            # Past the checks of a parameter, which look at one tensor before the other is there.
            object.__setattr__(own, "value", pair[0])
            object.__setattr__(own, "grad", pair[1])
            self._bound_pairs.append(pair)
        self._bound = {}
        for (index, name), value in self.fields.items():
            leaves, spec = pytree.tree_flatten(value)
            here = [of_leaf((index, name, i), leaf) for i, leaf in enumerate(leaves)]
            vars(self.objects[index])[name] = pytree.tree_unflatten(here, spec)
            self._bound[index, name] = here, spec

    def _tensor(self, leaf: Any) -> Tensor | None:
        if isinstance(leaf, Each):
            return leaf.tensor(self.parameters[0][1].value.device if self.parameters else None)
        return leaf if isinstance(leaf, Tensor) else None

    def _window(self, at: Any, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return of_model(leaf, 0)
        known = self._windows.get(at)
        if known is None or known[0] is not leaf:
            known = self._windows[at] = leaf, leaf[0]
        return known[1]

    # -- taking out ----------------------------------------------------------------------------

    def changes(self) -> Changes:
        """Return what a run has put in the place of parameters' tensors, and of fields."""
        pairs = {
            (at, which): now
            for at, (own, _) in enumerate(self.parameters)
            for which, now in enumerate(own)
            if now is not self._bound_pairs[at][which]
        }
        fields = {}
        for key, (bound, spec) in self._bound.items():
            value = vars(self.objects[key[0]]).get(key[1])
            leaves, spec_now = pytree.tree_flatten(value)
            if spec_now != spec:
                fields[key] = value
            elif not all(map(is_same, leaves, bound)):
                old = _flat(self.fields[key])
                marked = [
                    Same(old[i]) if is_same(leaf, bound[i]) else leaf
                    for i, leaf in enumerate(leaves)
                ]
                fields[key] = pytree.tree_unflatten(marked, spec)
        return pairs, fields

    def take(self, changes: Changes) -> None:
        """Take over what a batched run has replaced; its tensors have the models in front."""
        pairs, fields = changes
        for (at, which), tensor in pairs.items():
            tuple(self.parameters[at][1])[which].copy_(tensor)
        for key, value in fields.items():
            leaves, spec = pytree.tree_flatten(value)
            new = [
                taken(leaf, old, self.size)
                for leaf, old in zip(leaves, self._old(key, spec), strict=True)
            ]
            self.fields[key] = pytree.tree_unflatten(new, spec)

    def take_each(self, changes: Sequence[Changes]) -> None:
        """Take over what a run of each model has replaced."""
        for k, (pairs, _) in enumerate(changes):
            for (at, which), tensor in pairs.items():
                tuple(self.parameters[at][1])[which][k].copy_(tensor)
        for key in dict.fromkeys(key for _, fields in changes for key in fields):
            values = [fields.get(key, self.fields.get(key)) for _, fields in changes]
            untouched = [key not in fields for _, fields in changes]
            spec = pytree.tree_structure(values[0])
            if any(pytree.tree_structure(value) != spec for value in values):
                raise StateError(
                    f"the models of a stack now differ in what {key[1]} of "
                    f"{type(self.objects[key[0]]).__name__} holds; train them one by one"
                )
            rows = [
                [Same(leaf) for leaf in _flat(value)] if same else _flat(value)
                for value, same in zip(values, untouched, strict=True)
            ]
            columns = zip(*rows, strict=True)
            new = map(of_each, columns, self._old(key, spec))
            self.fields[key] = pytree.tree_unflatten(list(new), spec)

    def copy(self) -> Any:
        """Return a copy of what all models have, gradients included."""
        pairs = [(p.value.clone(), p.grad.clone()) for _, p in self.parameters]
        return pairs, {key: pytree.tree_map(_copied, value) for key, value in self.fields.items()}

    def restore(self, before: Any, finite: Tensor | None = None) -> None:
        """Go back to `before`, a copy; with `finite`, only models that are not finite do.

        The gradients of these are left as they are.
        """
        pairs, fields = before
        for (_, stacked), (value, grad) in zip(self.parameters, pairs, strict=True):
            if finite is None:
                stacked.value.copy_(value)
                stacked.grad.copy_(grad)
            else:
                chosen(finite, stacked.value, value)
        if finite is None:
            self.fields.clear()
            self.fields.update(fields)
            return
        for key, old in fields.items():
            leaves, spec = pytree.tree_flatten(self.fields[key])
            if spec == pytree.tree_structure(old):
                new = [chosen(finite, a, b) for a, b in zip(leaves, _flat(old), strict=True)]
                self.fields[key] = pytree.tree_unflatten(new, spec)

    def _old(self, key: Key, spec: pytree.TreeSpec) -> list[Any]:
        leaves, known = pytree.tree_flatten(self.fields.get(key))
        return leaves if known == spec else [None] * spec.num_leaves


def _flat(value: Any) -> list[Any]:
    return pytree.tree_leaves(value)


def _copied(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.clone()
    return Each(leaf.values) if isinstance(leaf, Each) else leaf
