"""minidl: a small deep-learning framework with explicit gradients, in which every part is a plugin.

This is its core: what a module, a loss and an optimizer are, how they chain and train, and how
they are found. It imports no tensor library and no plugin.
"""

from __future__ import annotations

from minidl_core.base_module import BaseModule
from minidl_core.base_optimizer import BaseOptimizer
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
from minidl_core.parameter import Parameter
from minidl_core.protocols import Loss, Module, Optimizer
from minidl_core.sequential import Sequential
from minidl_core.training import Step, train
from minidl_core.version import __version__

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
    "Loss",
    "MinidlError",
    "Module",
    "NonFiniteError",
    "Optimizer",
    "Parameter",
    "ParameterError",
    "PendingForwardWarning",
    "PluginWarning",
    "RegistryError",
    "Sequential",
    "ShapeError",
    "StateError",
    "Step",
    "__version__",
    "train",
]
