"""`watch` on every installed module: it shows what the module computes, and changes nothing."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.utils import _pytree as pytree

from minidl_core import registry
from minidl_plugins_basic import MSELoss
from minidl_plugins_devkit import Case
from minidl_plugins_inspect import summary, watch

OURS = ("minidl-plugins-basic", "minidl-plugins-nn")
CASES = {
    f"{component.name}-{number}": (component, example)
    for component in registry.components("modules")
    if component.distribution.name in OURS and hasattr(component.load(), "examples")
    for number, example in enumerate(component.load().examples()[:2])
}


def state_of(module):
    """Every tensor, mode and generator that is reached through a module's attributes."""
    found = {}

    def look(path, thing, depth=0):
        if isinstance(thing, torch.Tensor):
            found[path] = thing.clone()
        elif isinstance(thing, torch.Generator):
            found[path] = thing.get_state()
        elif isinstance(thing, (bool, int, float, str)):
            found[path] = thing
        elif isinstance(thing, (list, tuple, dict)):
            items = thing.items() if isinstance(thing, dict) else enumerate(thing)
            for key, item in items:
                look(f"{path}.{key}", item, depth + 1)
        elif hasattr(thing, "value") and hasattr(thing, "grad"):
            found[f"{path}.value"], found[f"{path}.grad"] = thing.value.clone(), thing.grad.clone()
        elif hasattr(thing, "forward") and depth < 12:
            for name, item in vars(thing).items():
                look(f"{path}.{name}", item, depth + 1)

    look("", module)
    found["random"] = torch.get_rng_state()
    return found


def same(a, b):
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("name", CASES)
def test_watching_changes_nothing_and_shows_the_output(name):
    component, example = CASES[name]
    case = Case(component.load(), "modules", example)
    module, inputs = case.build(dtype=torch.float32).module, case.inputs(dtype=torch.float32)
    module.forward(*inputs)  # waits for its backward, and must go on waiting
    before = state_of(module)
    torch_state = torch.get_rng_state()
    expected = copy.deepcopy(module).forward(*inputs)
    torch.set_rng_state(torch_state)

    seen = watch(module, inputs)
    assert all(
        torch.equal(ours, theirs)
        for ours, theirs in zip(
            pytree.tree_leaves(seen[""].output), pytree.tree_leaves(expected), strict=True
        )
        if isinstance(theirs, torch.Tensor)
    )
    if isinstance(expected, torch.Tensor) and expected.is_floating_point():
        seen = watch(module, inputs, torch.zeros_like(expected), MSELoss())
        assert seen[""].grad_output.shape == expected.shape
        gradients = {name for layer in seen for name in layer.gradients}
        assert bool(gradients) == bool(module.param())
    assert str(seen).count("\n") >= len(seen)
    summary(module, list(inputs))

    after = state_of(module)
    assert before.keys() == after.keys()
    assert [key for key in before if not same(before[key], after[key])] == []
