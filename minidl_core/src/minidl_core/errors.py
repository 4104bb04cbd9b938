"""Every error and warning of minidl.

::

    MinidlError
    ├── ArgumentError        (ValueError)       a constructor or function got a value it cannot use
    ├── ShapeError           (ValueError)       a tensor has the wrong shape, or no rows
    ├── DtypeError           (TypeError)        input and parameters differ in dtype
    ├── DeviceError          (ValueError)       input and parameters live on different devices
    ├── ParameterError       (TypeError)        a parameter is not a plain floating-point tensor
    ├── StateError           (RuntimeError)     backward without forward, or in evaluation mode
    ├── NonFiniteError       (ArithmeticError)  the loss became NaN or infinite
    └── RegistryError
        ├── ComponentNotFoundError   (LookupError)  no installed distribution provides the name
        ├── AmbiguousComponentError  (LookupError)  more than one distribution provides the name
        ├── ComponentUnavailableError               its distribution is disabled or incompatible
        ├── BrokenComponentError                    importing or reading the component failed
        └── ContractError            (TypeError)    a class lacks a method that its kind must have

    PendingForwardWarning    (UserWarning)      many training-mode forwards, and no backward
    PluginWarning            (UserWarning)      a hook plugin was left out, and why
"""

from __future__ import annotations

__all__ = [
    "AmbiguousComponentError", "ArgumentError", "BrokenComponentError", "ComponentNotFoundError",
    "ComponentUnavailableError", "ContractError", "DeviceError", "DtypeError", "MinidlError",
    "NonFiniteError", "ParameterError", "PendingForwardWarning", "PluginWarning", "RegistryError",
    "ShapeError", "StateError",
]  # fmt: skip


class MinidlError(Exception):
    """Base of every error that minidl raises on purpose.

    A layer gives itself as `where`. `path` says where in the network that is, outermost container
    first: ``["Sequential[1]", "Linear(25 → 2)"]``.
    """

    def __init__(self, message: str, *, where: object = None) -> None:
        super().__init__(message)
        self.path: list[str] = []
        if where is not None:
            self.path.append(where if isinstance(where, str) else title(where))

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{' › '.join(self.path)}: {message}" if self.path else message


class ArgumentError(MinidlError, ValueError): ...


class ShapeError(MinidlError, ValueError): ...


class DtypeError(MinidlError, TypeError): ...


class DeviceError(MinidlError, ValueError): ...


class ParameterError(MinidlError, TypeError): ...


class StateError(MinidlError, RuntimeError): ...


class NonFiniteError(MinidlError, ArithmeticError): ...


class RegistryError(MinidlError):
    """A component cannot be given: the `problem` in words, and its `cure`."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}{'' if problem.endswith('?') else ';'} {cure}")
        self.problem, self.cure = problem, cure

    def __reduce__(self) -> tuple[type[RegistryError], tuple[str, str]]:
        return type(self), (self.problem, self.cure)


class ComponentNotFoundError(RegistryError, LookupError): ...


class AmbiguousComponentError(RegistryError, LookupError): ...


class ComponentUnavailableError(RegistryError): ...


class BrokenComponentError(RegistryError): ...


class ContractError(RegistryError, TypeError): ...


class PendingForwardWarning(UserWarning): ...


class PluginWarning(UserWarning): ...


def title(thing: object) -> str:
    """Return the first line of the ``repr`` of `thing`: a module without what is inside it."""
    return repr(thing).partition("\n")[0]
