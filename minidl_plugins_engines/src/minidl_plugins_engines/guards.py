"""The check, made before every traced step, that nothing the trace relies on has changed.

It is generated as one Python function of comparisons by identity, which costs about 20 ns each.
"""

from __future__ import annotations

from operator import attrgetter, is_, itemgetter
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import BaseModule, BaseOptimizer, Parameter
from minidl_plugins_engines.batches import condition
from minidl_plugins_engines.holding import describes_itself, entries_of, given_to
from minidl_plugins_engines.inventory import WHOLE, ZEROING
from minidl_plugins_engines.namespace import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.inventory import Inventory
    from minidl_plugins_engines.reads import Reads

__all__ = ["guard"]

# Compared by ``==`` together in one tuple: for these it means identity, and costs less.
PLAIN = (FunctionType, ModuleType, type, property)


def guard(
    inventory: Inventory, reads: Reads, roots: tuple[Any, ...], inputs: Any, target: Any
) -> Callable[..., bool]:
    """Return ``unchanged(model, loss, optimizer, inputs, target)``.

    It says whether everything is as it was when this was called, and the batch of the same form.
    It holds what it compares, so that no identity is used again, but not the `roots`.
    """
    names = Namespace()
    parts = condition(inputs, target, names)
    if inventory.scope == ZEROING:
        parts += [
            f"r2.__dict__['_given'] is {names.add(given_to(roots[2]))}",
            f"r2.__class__ is {names.add(type(roots[2]))}",
            f"{names.add(type(roots[2]))}.zero_grad is {names.add(BaseOptimizer.zero_grad)}",
            "'zero_grad' not in r2.__dict__",
        ]
    if inventory.scope != WHOLE:
        roots = roots[:2]
    parts += [f"r{i}.__class__ is {names.add(type(root))}" for i, root in enumerate(roots)]
    parts += [
        f"r{i}.__dict__ is {names.add(vars(root))}"
        for i, root in enumerate(roots)
        if not describes_itself(root)
    ]
    rooted = set(map(id, roots))
    parts += [
        f"{names.add(each)}.__class__ is {names.add(type(each))}"
        for each in inventory.components
        if id(each) not in rooted
    ]
    for component, tensors, said in inventory.described:
        root = next((f"r{i}" for i, each in enumerate(roots) if each is component), None)
        name = root or names.add(component)
        same = f"{name}.tensors(), {names.add(tensors)}"
        parts += [
            f"{name}.traceable is True",
            f"{name}.signature() == {names.add(said)}",
            f"{names.add(all)}({names.add(map)}({names.add(is_)}, {same}))",
        ]
    for holder in inventory.holders:
        parts += _of_holder(holder, names)
    for tensor in inventory.tensors:
        parts.append(f"{names.add(tensor)}.data_ptr() == {tensor.data_ptr()}")
    parts += _of_reads(reads, names)
    text = " and ".join(parts)
    return names.define(  # type: ignore[no-any-return]
        "unchanged",
        f"""def unchanged(r0, r1, r2, inputs, target):
 try:
  return {text}
 except {names.add(Exception)}:
  return False
""",
    )


def _of_holder(holder: Any, names: Namespace) -> list[str]:
    name = names.add(holder)
    if not isinstance(holder, (list, dict)):
        return [_same(f"{name}.{key}", value, names) for key, value in entries_of(holder)]
    copy = type(holder)(holder) if type(holder) in (list, dict) else None
    values = list(holder.values() if isinstance(holder, dict) else holder)
    if copy is not None and all(isinstance(each, TOGETHER) for each in values):
        numbers = [pair for pair in entries_of(holder) if type(pair[1]) in (int, float)]
        return [
            f"{name} == {names.add(copy)}",
            *(_same_type(f"{name}[{_key(key, names)}]", value, names) for key, value in numbers),
        ]
    parts = [f"len({name}) == {len(holder)}"]
    return parts + [
        _same(f"{name}[{_key(key, names)}]", value, names) for key, value in entries_of(holder)
    ]


# Of these a whole list or dict is compared at once: ``==`` is identity, or means the same value.
TOGETHER = (Parameter, BaseModule, int, float, str, type(None), list, tuple)


def _same_type(expression: str, value: Any, names: Namespace) -> str:
    """Whether `expression`, which equals the number `value`, is the same to the last bit."""
    constant = names.add(value)
    if value == 0:
        return f"{expression} is {constant}"
    return f"({expression} is {constant} or {expression}.__class__ is {names.add(type(value))})"


def _same(expression: str, value: Any, names: Namespace) -> str:
    """Whether `expression` still is `value`; a number may be another object of the same value."""
    constant = names.add(value)
    if type(value) not in (int, float) or value == 0 or value != value:
        return f"{expression} is {constant}"
    kind = names.add(type(value))
    return (
        f"({expression} is {constant} or "
        f"{expression}.__class__ is {kind} and {expression} == {constant})"
    )


def _key(key: Any, names: Namespace) -> str:
    return repr(key) if type(key) in (str, int) else names.add(key)


def _of_reads(reads: Reads, names: Namespace) -> list[str]:
    parts = [
        f"{names.add(cell)}.cell_contents is {names.add(value)}" for cell, value in reads.cells
    ]
    together: dict[tuple[str, int], tuple[Any, list[str], list[Any]]] = {}
    for (cls, attribute), value in reads.classes.items():
        if isinstance(value, PLAIN) or not _is_data(value):
            group = together.setdefault(("class", id(cls)), (cls, [], []))
            group[1].append(attribute)
            group[2].append(value)
        else:
            parts.append(f"{names.add(cls)}.{attribute} is {names.add(value)}")
    for (_, key), (namespace, value) in reads.names.items():
        if isinstance(value, PLAIN) or not _is_data(value):
            group = together.setdefault(("names", id(namespace)), (namespace, [], []))
            group[1].append(key)
            group[2].append(value)
        else:
            parts.append(f"{names.add(namespace)}[{key!r}] is {names.add(value)}")
    for (kind, _), (source, keys, values) in together.items():
        getter = (attrgetter if kind == "class" else itemgetter)(*keys)
        expected = tuple(values) if len(values) > 1 else values[0]
        parts.append(f"{names.add(getter)}({names.add(source)}) == {names.add(expected)}")
    return parts


def _is_data(value: Any) -> bool:
    return not callable(value) or isinstance(value, torch.Tensor)
