"""What K things of one structure hold: found by walking through all of them in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Generator, Tensor
from torch.utils import _pytree as pytree

from minidl_core import ArgumentError, Module, Parameter, walk
from minidl_plugins_basic.stacking.constants import alike, replaced_method
from minidl_plugins_basic.stacking.leaves import Each, Field, Inner, is_number
from minidl_plugins_basic.stacking.objects import attributes_of, is_open
from minidl_plugins_basic.stacking.stacked_parameter import stacked_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["Structure"]


class Structure:
    """The attributes of K things, walked through in step.

    Args:
        one: a copy of the first thing, in which K things will be run as one.
        things: the K things.
        parameter: gives the stacked parameter for a name and K parameters.
        is_known: whether a tensor of the first thing may be stacked; others are refused.
        any_number: whether whole numbers may differ too, as an optimizer's may.

    Attributes:
        size: K.
        objects: `one` and every object inside it whose attributes were looked at.
        parameters: each parameter of `one`, with the stacked parameter that it stands for.
        fields: by object and name, each attribute of `one` that holds tensors, numbers or
            generators: a `Field` of tensors (K, …) and `Each`.

    Raises:
        ArgumentError: they are not of one structure.
    """

    def __init__(
        self,
        one: Any,
        things: Sequence[Any],
        parameter: Callable[[str, Sequence[Parameter]], Parameter],
        is_known: Callable[[Tensor], bool],
        *,
        any_number: bool,
    ) -> None:
        self._parameter, self._is_known, self._any_number = parameter, is_known, any_number
        self.size = len(things)
        self._met: dict[int, tuple[str, Any]] = {}
        self._met_there: list[dict[int, int]] = [{} for _ in things]
        self._met_here: list[dict[int, int]] = [{} for _ in things]
        self.objects: list[Any] = []
        self.parameters: list[tuple[Parameter, Any]] = []
        self.fields: dict[tuple[int, str], Field] = {}
        self._object("", one, things)

    @classmethod
    def of_one(cls, one: Module, size: int) -> Structure:
        """Return that of a module without parameters that is called for `size` models as it is."""
        structure = cls.__new__(cls)
        structure.size = size
        structure.objects = list({id(module): module for _, module in walk(one)}.values())
        structure.parameters, structure.fields = [], {}
        return structure

    def _object(self, path: str, ours: Any, theirs: Sequence[Any]) -> None:
        for k, other in enumerate(theirs):
            if type(other) is not type(ours):
                raise _different(path or "the whole", k, type(other), type(ours))
            replaced = replaced_method(other)
            if replaced:
                raise ArgumentError(
                    f"not stacked: {type(ours).__name__}.{replaced} was replaced on the object, "
                    "and its models cannot be told apart in the function that took its place; "
                    "write a subclass"
                )
        index = len(self.objects)
        self.objects.append(ours)
        of_ours, *of_theirs = _with_defaults(type(ours), map(attributes_of, [ours, *theirs]))
        for k, attributes in enumerate(of_theirs):
            if attributes.keys() != of_ours.keys():
                raise _different(f"the attributes of {path or 'the whole'}", k,
                                 list(attributes), list(of_ours))  # fmt: skip
        for name, value in of_ours.items():
            where = f"{path}.{name}" if path else name
            leaves = self._leaves(where, value, [each[name] for each in of_theirs], ours)
            if any(isinstance(leaf, (Tensor, Each)) for leaf in leaves):
                self.fields[index, name] = Field(leaves, pytree.tree_structure(value))

    def _leaves(self, path: str, ours: Any, theirs: Sequence[Any], owner: Any) -> list[Any]:
        leaves, spec = pytree.tree_flatten(ours)
        flat = [pytree.tree_flatten(other) for other in theirs]
        for k, (_, other) in enumerate(flat):
            if not _same_containers(other, spec):
                raise _different(path, k, theirs[k], ours)
        columns = zip(*(there for there, _ in flat), strict=True)
        names = _names(path, ours, len(leaves))
        return [
            self._leaf(name, leaf, column, owner)
            for name, leaf, column in zip(names, leaves, columns, strict=True)
        ]

    def _leaf(self, path: str, ours: Any, theirs: Sequence[Any], owner: Any) -> Any:
        for k, other in enumerate(theirs):
            if type(other) is not type(ours) and not (is_number(other) and is_number(ours)):
                raise _different(path, k, other, ours)
        if isinstance(ours, (Parameter, Tensor)) or is_open(ours):
            shared = self._shared(path, ours, theirs, owner)
            return Inner(shared) if isinstance(shared, Each) else shared
        if isinstance(ours, Generator):
            return Each(theirs)
        if is_number(ours) and (
            self._any_number or any(isinstance(number, float) for number in theirs)
        ):
            return Each(theirs)
        for k, other in enumerate(theirs):
            if not alike(path, other, ours):
                raise _different(path, k, other, ours)
        return ours

    def _shared(self, path: str, ours: Any, theirs: Sequence[Any], owner: Any) -> Any:
        """What may stand in several places: looked at once, and in the same places of all."""
        new = id(ours) not in self._met
        for k, other in enumerate(theirs):
            there = self._met_there[k].setdefault(id(other), id(ours))
            here = self._met_here[k].setdefault(id(ours), id(other))
            if there != id(ours) or here != id(other):
                earlier = self._met[id(ours) if not new else there][0]
                raise ArgumentError(
                    f"expected models of one structure, but {path} is shared with {earlier} in "
                    "one of the models and not in another",
                    where="stack",
                )
        if not new:
            return self._met[id(ours)][1]
        result = ours
        self._met[id(ours)] = path, ours
        if isinstance(ours, Parameter):
            self.parameters.append((ours, self._parameter(path, theirs)))
        elif isinstance(ours, Tensor):
            if not self._is_known(theirs[0]):
                raise ArgumentError(
                    f"not stacked: {type(owner).__name__} computes with a tensor that is no "
                    f"parameter or buffer (`{path.rpartition('.')[2]}`), so all models would share "
                    "one; register it as a buffer"
                )
            result = stacked_tensors(path, theirs)
            self._met[id(ours)] = path, result
        else:
            self._object(path, ours, theirs)
        return result


def _with_defaults(kind: type, found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Complete the attributes of some objects of one class by those that they have of the class."""
    every = list(found)
    names = dict.fromkeys(name for each in every for name in each)
    constants = {name: getattr(kind, name, None) for name in names}
    defaults = {
        name: value
        for name, value in constants.items()
        if isinstance(value, (bool, int, float, str))
    }
    return [defaults | each for each in every]


def _same_containers(a: pytree.TreeSpec, b: pytree.TreeSpec) -> bool:
    """Whether both are nested alike; keys that are parameters differ from model to model."""
    if a.type is not b.type or a.num_children != b.num_children:
        return False
    if a.type is dict:
        pairs = zip(a.context, b.context, strict=True)
        if any(x != y and not isinstance(x, Parameter) for x, y in pairs):
            return False
    return all(map(_same_containers, a.children(), b.children()))


def _names(path: str, value: Any, count: int) -> Iterator[str]:
    if isinstance(value, (list, tuple, dict)) and len(value) == count:
        keys = value if isinstance(value, dict) else range(count)
        yield from (f"{path}.{key}" for key in keys)
    else:
        yield from [path] * count


def _different(path: str, k: int, there: Any, ours: Any) -> ArgumentError:
    return ArgumentError(
        f"expected models of one structure, but {path} is {there!r} in model {k} and {ours!r} in "
        "model 0",
        where="stack",
    )
