"""The tensors and numbers of K things, put into one of them and taken out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Generator, Tensor
from torch.utils import _pytree as pytree

from minidl_core import StateError
from minidl_plugins_basic.stacking.leaves import (
    Each,
    Field,
    Same,
    is_number,
    is_same,
    of_each,
    of_model,
    taken,
)
from minidl_plugins_basic.stacking.windows import Windows

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
        self.fields: dict[Key, Field] = structure.fields
        self._bound_pairs: list[tuple[Tensor, Tensor]] = []
        self._bound: dict[Key, list[Any]] = {}
        self.windows = Windows()

    def inside_a_stack(self) -> dict[str, Any]:
        """Return what is stacked when this stack is inside of another."""
        return {"stacked": [stacked for _, stacked in self.parameters], "fields": self.fields}

    # -- putting in ----------------------------------------------------------------------------

    def tensors(self, *, grads: bool = True) -> list[Tensor]:
        """Return all that have the models in front, in the order in which `bind` takes slices."""
        found = [
            t for _, p in self.parameters for t in ((p.value, p.grad) if grads else (p.value,))
        ]
        for field in self.fields.values():
            for leaf in field.leaves:
                tensor = self._tensor(leaf)
                if tensor is not None:
                    found.append(tensor)
        return found

    def check_settled(self) -> None:
        """Refuse to overwrite what somebody set on the one thing between runs.

        Raises:
            StateError: a parameter's tensor or a field of it was replaced.
        """
        pairs, fields = self.changes()
        names = [name for _, name in fields] + ["the tensor of a parameter"] * bool(pairs)
        if names:
            raise StateError(
                f"{names[0]} was set on the one model inside a stack, which has no values of its "
                "own; set it on the stack, or before stacking",
                where=type(self.objects[0]).__name__,
            )

    def generators(self) -> list[Generator]:
        """Return those that a batched run draws from: model 0's."""
        firsts = [leaf.values[0] for leaf in self._of_each()]
        return [first for first in firsts if isinstance(first, Generator)]

    def numbers(self) -> list[Any]:
        """Return the numbers that are not tensors in a run, because all models have the same."""
        return [
            "each" if self._tensor(leaf) is not None else (type(of_model(leaf, 0)), leaf.values)
            for leaf in self._of_each()
        ]

    def own_numbers(self) -> list[Each]:
        """Return the numbers, one for each model, whether they differ or not."""
        return [leaf for leaf in self._of_each() if is_number(leaf.values[0])]

    def _of_each(self) -> list[Each]:
        leaves = [leaf for field in self.fields.values() for leaf in field.leaves]
        return [leaf for leaf in leaves if isinstance(leaf, Each)]

    def bind(self, slices: Sequence[Tensor], *, grads: bool = True) -> None:
        """Put batched slices of ``tensors()`` into the one thing."""
        rest = iter(slices)
        self._bind(
            lambda at, leaf: next(rest) if grads or at[1] == 0 else self.windows.of(at, leaf),
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
        self._bind(self.windows.of, self.windows.of)
        for item in self.objects:  # a stack inside of a stack
            settle = getattr(item, "settle_stack", None)
            if settle is not None:
                settle()

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
        for key, field in self.fields.items():
            here = [of_leaf((key, i), leaf) for i, leaf in enumerate(field.leaves)]
            vars(self.objects[key[0]])[key[1]] = field.nested(here)
            self._bound[key] = here

    def _tensor(self, leaf: Any) -> Tensor | None:
        if isinstance(leaf, Each):
            return leaf.tensor(self.parameters[0][1].value.device if self.parameters else None)
        return leaf if isinstance(leaf, Tensor) else None

    # -- taking out ----------------------------------------------------------------------------

    def changes(self) -> Changes:
        """Return what a run has put in the place of parameters' tensors, and of fields."""
        pairs = {
            (at, which): now
            for at, ((own, _), bound) in enumerate(
                zip(self.parameters, self._bound_pairs, strict=True)
            )
            for which, now in enumerate((own.value, own.grad))
            if now is not bound[which]
        }
        fields = {}
        for key, bound in self._bound.items():
            value = vars(self.objects[key[0]]).get(key[1])
            field = self.fields[key]
            leaves = field.flat(value)
            if leaves is None:
                fields[key] = value
            elif not all(map(is_same, leaves, bound)):
                marked = [
                    Same(old) if is_same(new, then) else new
                    for new, then, old in zip(leaves, bound, field.leaves, strict=True)
                ]
                fields[key] = field.nested(marked)
        return pairs, fields

    def take(self, changes: Changes) -> None:
        """Take over what a batched run has replaced; its tensors have the models in front."""
        pairs, fields = changes
        for (at, which), tensor in pairs.items():
            tuple(self.parameters[at][1])[which].copy_(tensor)
        for key, value in fields.items():
            leaves, spec = pytree.tree_flatten(value)
            pairs_of = zip(leaves, self._old(key, spec), strict=True)
            self.put(key, [taken(new, old, self.size) for new, old in pairs_of], spec)
        for field in self.fields.values():
            for leaf in field.leaves:
                if isinstance(leaf, Each):
                    leaf.refresh()

    def take_each(self, changes: Sequence[Changes]) -> None:
        """Take over what a run of each model has replaced."""
        for k, (pairs, _) in enumerate(changes):
            for (at, which), tensor in pairs.items():
                tuple(self.parameters[at][1])[which][k].copy_(tensor)
        distinct = {id(fields): fields for _, fields in changes}  # models set at once share theirs
        for key in dict.fromkeys(key for fields in distinct.values() for key in fields):
            flat_of = {
                which: pytree.tree_flatten(fields[key]) if key in fields else self._unchanged(key)
                for which, fields in distinct.items()
            }
            flat = [flat_of[id(fields)] for _, fields in changes]
            spec = flat[0][1]
            if any(other != spec for _, other in flat):
                raise StateError(
                    f"the models of a stack now differ in what {key[1]} of "
                    f"{type(self.objects[key[0]]).__name__} holds; train them one by one"
                )
            columns = zip(*(leaves for leaves, _ in flat), strict=True)
            self.put(key, list(map(of_each, columns, self._old(key, spec))), spec)

    def put(self, key: Key, leaves: list[Any], spec: pytree.TreeSpec) -> None:
        """Let `leaves`, nested as `spec` says, be what all models have in a field."""
        field = self.fields.get(key)
        if field and field.spec == spec:
            field.leaves = leaves  # the field stays, for a stack around this one holds it
        else:
            self.fields[key] = Field(leaves, spec)

    def _old(self, key: Key, spec: pytree.TreeSpec) -> list[Any]:
        field = self.fields.get(key)
        return field.leaves if field and field.spec == spec else [None] * spec.num_leaves

    def _unchanged(self, key: Key) -> tuple[list[Any], Any]:
        field = self.fields.get(key)
        return (list(map(Same, field.leaves)), field.spec) if field else ([], None)
