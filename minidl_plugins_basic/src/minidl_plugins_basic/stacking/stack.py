"""`stack` and `unstack`: many things of one structure as one, and back."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, overload

from minidl_core import ArgumentError, Module, Optimizer, Parameter, walk
from minidl_plugins_basic.stacking.objects import match_structures, parameters_inside
from minidl_plugins_basic.stacking.overlaps import check_no_overlap
from minidl_plugins_basic.stacking.stacked_module import StackedModule
from minidl_plugins_basic.stacking.stacked_optimizer import StackedOptimizer
from minidl_plugins_basic.stacking.stacked_parameter import Group, StackedParameter, stacked_of
from minidl_plugins_basic.stacking.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["stack", "unstack"]


@overload
def stack(things: Sequence[Module]) -> StackedModule: ...
@overload
def stack(things: Sequence[Optimizer]) -> StackedOptimizer: ...
def stack(things: Sequence[Any]) -> StackedModule | StackedOptimizer:
    """Make one of K modules, K losses or K optimizers of one structure.

    In a stack of modules the first dimension of every input, output, parameter and buffer is the
    model; a loss has K values. Training it equals training each alone, to rounding, and costs
    about as much as one while the models are small. Values, gradients and buffers are copied.

    Optimizers are made for each model, and stacked after the models::

        model = stack(models)
        optimizer = stack([SGD(m.param(), lr=lr) for m, lr in zip(models, rates)])

    Numbers in which they differ, such as the learning rate, are one for each model.

    Raises:
        ArgumentError: nothing to stack; things of different structure; a module that computes with
            a tensor that is neither parameter nor buffer; optimizers of models that are no stack.
        ShapeError, DtypeError, DeviceError: a parameter differs among the models.
    """
    if isinstance(things, (Module, Optimizer)) or not hasattr(things, "__iter__"):
        raise ArgumentError(
            f"expected a list of models, got one {type(things).__name__}; write stack([model])",
            where="stack",
        )
    things = list(things)
    if not things:
        raise ArgumentError("expected at least one model, got none", where="stack")
    if all(isinstance(thing, Module) for thing in things):
        return _stacked_modules(things)
    if all(isinstance(thing, (Optimizer, StackedOptimizer)) for thing in things):
        return _stacked_optimizers(things)
    kinds = ", ".join(dict.fromkeys(type(thing).__name__ for thing in things))
    raise ArgumentError(
        f"expected modules, losses or optimizers, all of one kind, got {kinds}", where="stack"
    )


def unstack(stacked: Module | StackedOptimizer) -> list[Any]:
    """Return the K things that `stack` put together, each with a copy of all its tensors.

    Optimizers are unstacked after their models, and go on with the parameters of these.

    Raises:
        ArgumentError: `stacked` is no stack, or an optimizer whose models were not unstacked.
    """
    if not isinstance(stacked, (StackedModule, StackedOptimizer)):
        raise ArgumentError(
            f"expected what stack() returned, got {type(stacked).__name__}", where="unstack"
        )
    return stacked.parts()


def _stacked_modules(models: list[Any]) -> StackedModule:
    group = Group()
    one = copy.deepcopy(models[0])
    for _, module in walk(one):
        getattr(module, "_stack", []).clear()
    buffers = _buffers(models[0])
    known = {id(buffer) for _, buffer in buffers}

    named: list[tuple[str, Parameter]] = []

    def stacked(name: str, parameters: Sequence[Parameter]) -> Parameter:
        named.append((name, parameters[0]))
        return StackedParameter(name, parameters, group)

    structure = Structure(
        one, models, stacked, lambda tensor: id(tensor) in known, any_number=False
    )
    check_no_overlap([*((name, p.value) for name, p in named), *buffers])
    if {id(p) for p in one.param()} - {id(own) for own, _ in structure.parameters}:
        raise ArgumentError(
            f"not stacked: {type(one).__name__} lists parameters that are not found in its "
            "attributes; make each an attribute of a module inside it",
        )
    return StackedModule(structure, group)


def _buffers(model: Any) -> list[tuple[str, Tensor]]:
    found: list[tuple[str, Tensor]] = []
    for path, module in walk(model):
        named: list[tuple[str, Tensor]] = getattr(module, "named_buffers", list)()
        found += [(f"{path}.{name}" if path else name, buffer) for name, buffer in named]
    return found


def _stacked_optimizers(optimizers: list[Any]) -> StackedOptimizer:
    optimizers = [_with_same_parameters(optimizer) for optimizer in optimizers]
    match_structures(optimizers)
    memo: dict[int, Any] = {}
    of_own: dict[int, StackedParameter] = {}
    for parameter in parameters_inside(optimizers[0]):
        stacked = _stacked_parameter(parameter, 0, len(optimizers))
        memo[id(parameter)] = stacked.window(0, type(parameter))
    one = copy.deepcopy(optimizers[0], memo)

    def stacked_for(_: str, parameters: Sequence[Parameter]) -> Parameter:
        stacked = [_stacked_parameter(p, k, len(optimizers)) for k, p in enumerate(parameters)]
        if any(each is not stacked[0] for each in stacked):
            raise _not_of_one_stack()
        of_own[id(stacked[0])] = stacked[0]
        return stacked[0]

    structure = Structure(one, optimizers, stacked_for, lambda _: True, any_number=True)
    groups = {id(stacked.group): stacked.group for stacked in of_own.values()}
    if len(groups) != 1:
        raise _not_of_one_stack()
    return StackedOptimizer(structure, *groups.values())


def _with_same_parameters(optimizer: Any) -> Any:
    return copy.deepcopy(optimizer, {id(p): p for p in parameters_inside(optimizer)})


def _stacked_parameter(parameter: Parameter, k: int, size: int) -> StackedParameter:
    stacked = stacked_of(parameter)
    if stacked is None or len(stacked.origins) != size or stacked.origins[k]() is not parameter:
        raise _not_of_one_stack()
    return stacked


def _not_of_one_stack() -> ArgumentError:
    return ArgumentError(
        "expected optimizers of the models of one stack, in their order; write model = "
        "stack(models) first, and stack([SGD(m.param(), …) for m in models]) then",
        where="stack",
    )
