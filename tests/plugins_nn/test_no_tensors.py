"""Every layer and loss says what to do with an array, a list or None in place of a tensor."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from minidl_core import DtypeError, registry

NO_TENSORS = {"ndarray": np.ones((2, 3), np.float32), "list": [[1.0, 2.0]], "NoneType": None}
OURS = ("minidl-plugins-basic", "minidl-plugins-nn")
# Containers leave the check to what is inside; the last two hand on what they get.
OTHERS = {"Each", "Parallel", "Residual", "Identity", "Select"}
COMPONENTS = {
    f"{each.name}": (kind, each)
    for kind in ("modules", "losses")
    for each in registry.components(kind)
    if each.distribution.name in OURS and each.name not in OTHERS
}


def built(component):
    """An instance, from the component's first example, and the shapes of its inputs."""
    cls = component.load()
    examples = cls.examples() if hasattr(cls, "examples") else []
    if not examples:
        return cls(), [(2, 3)]
    example = examples[0]
    make = example.make or cls
    given = dict(example.kwargs)
    context = {"generator": torch.Generator().manual_seed(0), "dtype": torch.float32}
    wanted = inspect.signature(make).parameters
    given |= {key: value for key, value in context.items() if key in wanted}
    return make(**given), [tuple(shape) for shape in example.shapes]


def inputs_of(module):
    """How many inputs ``forward`` must have."""
    parameters = inspect.signature(module.forward).parameters.values()
    return max(1, sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters))


@pytest.mark.parametrize("given", NO_TENSORS)
@pytest.mark.parametrize("name", COMPONENTS)
def test_inputs_that_are_no_tensors_are_refused(name, given):
    module, _ = built(COMPONENTS[name][1])
    with pytest.raises(DtypeError, match=rf"tensor, got {given}; pass torch\.as_tensor\(x\)"):
        module.forward(*[NO_TENSORS[given]] * inputs_of(module))


@pytest.mark.parametrize("given", NO_TENSORS)
@pytest.mark.parametrize("name", [name for name in COMPONENTS if COMPONENTS[name][0] == "losses"])
def test_targets_that_are_no_tensors_are_refused(name, given):
    module, shapes = built(COMPONENTS[name][1])
    prediction = torch.full(shapes[0], 0.5)
    inputs = [prediction] * (inputs_of(module) - 1)
    with pytest.raises(DtypeError, match=rf"tensor, got {given}; pass torch\.as_tensor\(x\)"):
        module.forward(*inputs, NO_TENSORS[given])
