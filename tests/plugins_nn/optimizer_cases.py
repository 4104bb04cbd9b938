"""Every optimizer with all its switches, and the parameters and gradients to step it on."""

from __future__ import annotations

from functools import partial

import torch

from minidl_core import Parameter
from minidl_plugins_nn import (
    ASGD,
    SGD,
    Accumulate,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Averaged,
    ClipNorm,
    ClipValue,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
    Split,
)

SHAPES = ((3, 2), (4,), (1, 3), ())
MATRICES = ((3, 2), (2, 5), (4, 4))

RULES = {
    "SGD": partial(SGD, lr=0.1),
    "SGD with momentum": partial(SGD, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
    "SGD of Nesterov": partial(SGD, lr=0.1, momentum=0.9, nesterov=True, maximize=True),
    "Adam": partial(Adam, lr=0.1, weight_decay=0.1, amsgrad=True),
    "AdamW": partial(AdamW, lr=0.1, maximize=True),
    "NAdam": partial(NAdam, lr=0.1, weight_decay=0.1),
    "RAdam": partial(RAdam, lr=0.1, betas=(0.9, 0.8), weight_decay=0.1),
    "Adamax": partial(Adamax, lr=0.1, weight_decay=0.1),
    "Adagrad": partial(Adagrad, lr=0.1, lr_decay=0.1, weight_decay=0.1),
    "Adadelta": partial(Adadelta, lr=0.5, weight_decay=0.1),
    "Adafactor": partial(Adafactor, lr=0.1, weight_decay=0.1),
    "RMSprop": partial(RMSprop, lr=0.1, momentum=0.5, centered=True, weight_decay=0.1),
    "Rprop": partial(Rprop, lr=0.1),
    "ASGD": partial(ASGD, lr=0.1, t0=3, weight_decay=0.1),
    "Lion": partial(Lion, lr=0.1, weight_decay=0.1),
    "Muon": partial(Muon, lr=0.1),
}

WRAPPERS = {
    "ClipNorm": partial(ClipNorm, optimizer=partial(Adam, lr=0.1), max_norm=0.5),
    "ClipValue": partial(ClipValue, optimizer=partial(SGD, lr=0.1, momentum=0.9), clip_value=0.3),
    "Accumulate": partial(Accumulate, optimizer=partial(AdamW, lr=0.1), batches=3),
    "Averaged": partial(Averaged, optimizer=partial(SGD, lr=0.1), decay=0.9, start=1),
    "mean": partial(Averaged, optimizer=partial(SGD, lr=0.1), decay=None),
    "Split": partial(Split, matrices=partial(Adam, lr=0.1), others=partial(SGD, lr=0.05)),
    "nested": partial(
        Averaged, optimizer=partial(ClipNorm, optimizer=partial(Adam, lr=0.1)), decay=0.9
    ),
}

ALL = {**RULES, **WRAPPERS}


def draw(shape, number, place=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1000 * number + place)
    return torch.randn(shape, generator=generator, dtype=dtype)


def parameters(name, number=0, dtype=torch.float64):
    shapes = MATRICES if name == "Muon" else SHAPES
    values = [draw(shape, number, place, dtype) for place, shape in enumerate(shapes)]
    return [Parameter(value) for value in values]


def advance(optimizer, params, steps, number=0):
    """Do `steps` steps, each by gradients of its own."""
    for step in steps:
        optimizer.zero_grad()
        for place, parameter in enumerate(params):
            gradient = draw(parameter.value.shape, 100 * number + step + 1, place)
            parameter.grad += gradient.to(parameter.value.dtype)
        optimizer.step()


def innermost(optimizer):
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer


def holders(optimizer):
    """Yield (container, key) of each tensor that `optimizer` and those inside it hold."""
    for name, value in vars(optimizer).items():
        if name in ("optimizer", "inside"):
            for inner in value if isinstance(value, list) else [value]:
                yield from holders(inner)
        elif isinstance(value, torch.Tensor):
            yield vars(optimizer), name
        elif isinstance(value, list) and value and isinstance(value[0], torch.Tensor):
            for place in range(len(value)):
                yield value, place


def held(holder):
    container, key = holder
    return container[key]


def leaves(state):
    flat = torch.utils._pytree.tree_leaves(state)
    return [leaf.tolist() if isinstance(leaf, torch.Tensor) else leaf for leaf in flat]
