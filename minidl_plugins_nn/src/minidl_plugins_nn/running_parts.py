"""How containers run the modules inside them."""

from __future__ import annotations

from typing import Any

from minidl_core import ArgumentError, Module, locate

__all__ = ["check_modules", "run", "run_back"]


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
    except Exception as error:
        locate(error, container, name, module)
        raise


def run_back(container: object, name: str, module: Any, *grads: Any) -> Any:
    """Run `module` backward; an error says that it is `name` of `container`."""
    try:
        return module.backward(*grads)
    except Exception as error:
        locate(error, container, name, module)
        raise
