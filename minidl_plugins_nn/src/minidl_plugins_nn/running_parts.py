"""How containers run the modules inside them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch

from minidl_core import ArgumentError, Module, locate, walk

__all__ = ["check_modules", "copies", "run", "run_back"]


def check_modules(where: str, **modules: Any) -> None:
    for name, module in modules.items():
        if isinstance(module, type) or not isinstance(module, Module):
            raise ArgumentError(
                f"{name} must be a module, got {module!r}; put several into a Sequential",
                where=where,
            )


def run(container: object, name: str, module: Any, *inputs: Any) -> Any:
    """Run `module` forward; an error says that it is `name` of `container`."""
    try:
        return module.forward(*inputs)
    except BaseException as error:
        locate(error, container, name, module)
        raise


def run_back(container: object, name: str, module: Any, *grads: Any) -> Any:
    """Run `module` backward; an error says that it is `name` of `container`."""
    try:
        return module.backward(*grads)
    except BaseException as error:
        locate(error, container, name, module)
        raise


def copies(module: Module, count: int) -> list[Any]:
    """Return copies of `module`, each with parameters of its own, which draw from one generator."""
    generators = [
        value
        for _, each in walk(module)
        for value in vars(each).values()
        if isinstance(value, torch.Generator)
    ]
    return [deepcopy(module, {id(each): each for each in generators}) for _ in range(count)]
