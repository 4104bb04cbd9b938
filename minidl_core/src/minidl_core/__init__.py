"""minidl: a small deep-learning framework with explicit gradients, in which every part is a plugin.

This is its core: what a module, a loss and an optimizer are, how they chain and train, and how
they are found. It imports no tensor library and no plugin. Each name here is imported when it is
first asked for, so that ``minidl --help`` costs little more than starting Python.
"""

from __future__ import annotations

from minidl_core.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidl_core.base_module import BaseModule
    from minidl_core.base_optimizer import BaseOptimizer
    from minidl_core.components import component
    from minidl_core.discovery import Registry, registry
    from minidl_core.errors import (
        AmbiguousComponentError,
        ArgumentError,
        BrokenComponentError,
        ComponentNotFoundError,
        ComponentUnavailableError,
        ContractError,
        DeviceError,
        DtypeError,
        MinidlError,
        NonFiniteError,
        ParameterError,
        PendingForwardWarning,
        PluginWarning,
        RegistryError,
        ShapeError,
        StateError,
    )
    from minidl_core.example import Example
    from minidl_core.flat_parameters import FlatParameters
    from minidl_core.hooks import hookimpl
    from minidl_core.parameter import Parameter
    from minidl_core.protocols import Loss, Module, Optimizer
    from minidl_core.sequential import Sequential
    from minidl_core.training import Step, train

__all__ = [
    "AmbiguousComponentError",
    "ArgumentError",
    "BaseModule",
    "BaseOptimizer",
    "BrokenComponentError",
    "ComponentNotFoundError",
    "ComponentUnavailableError",
    "ContractError",
    "DeviceError",
    "DtypeError",
    "Example",
    "FlatParameters",
    "Loss",
    "MinidlError",
    "Module",
    "NonFiniteError",
    "Optimizer",
    "Parameter",
    "ParameterError",
    "PendingForwardWarning",
    "PluginWarning",
    "Registry",
    "RegistryError",
    "Sequential",
    "ShapeError",
    "StateError",
    "Step",
    "__version__",
    "component",
    "hookimpl",
    "registry",
    "train",
]

# Where each name lives, but for the errors, which are all in one file.
_HOMES = {
    "BaseModule": "base_module",
    "BaseOptimizer": "base_optimizer",
    "Example": "example",
    "FlatParameters": "flat_parameters",
    "Loss": "protocols",
    "Module": "protocols",
    "Optimizer": "protocols",
    "Parameter": "parameter",
    "Registry": "discovery",
    "Sequential": "sequential",
    "Step": "training",
    "component": "components",
    "hookimpl": "hooks",
    "registry": "discovery",
    "train": "training",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"{__name__}.{_HOMES.get(name, 'errors')}")
    value = globals()[name] = getattr(home, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
