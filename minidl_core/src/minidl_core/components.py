"""One component: where it comes from, its guarded import, and the contract of its kind."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from minidl_core.errors import ArgumentError, BrokenComponentError, ContractError

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core.distributions import Distribution
    from minidl_core.protocols import Loss, Module, Optimizer

    M = TypeVar("M", bound=Module)
    L = TypeVar("L", bound=Loss)
    P = TypeVar("P", bound=Optimizer)
    D = TypeVar("D", bound=Callable[..., Any])

__all__ = ["KINDS", "Component", "Kind", "component", "import_guarded", "in_words"]

Kind = Literal["modules", "losses", "optimizers", "datasets"]

_MODULE = ("forward", "backward", "param", "info", "train", "eval")

# Each kind, and the methods that its classes must have; a dataset is anything that can be called.
KINDS: dict[str, tuple[str, ...]] = {
    "modules": _MODULE,
    "losses": _MODULE,
    "optimizers": ("zero_grad", "step", "state_dict", "load_state_dict"),
    "datasets": (),
}


class Component:
    """One name that one distribution provides for one kind.

    Attributes:
        kind, name, value: as the entry point says; `value` is ``package.module:Class``.
        distribution: who provides it.
    """

    __slots__ = ("_given", "distribution", "kind", "name", "value")

    def __init__(
        self, kind: str, name: str, value: str, distribution: Distribution, given: Any = None
    ) -> None:
        self.kind, self.name, self.value = kind, name, value
        self.distribution = distribution
        self._given = given  # what a plugin made at run time, where nothing is to be imported

    @property
    def qualified_name(self) -> str:
        return f"{self.distribution.name}/{self.name}"

    def load(self) -> Any:
        """The class, imported now if it was not before; only its own module is imported.

        Raises:
            BrokenComponentError: importing it failed in whatever way, or it is no class.
            ContractError: it lacks a method of its kind.
        """
        found = self._given
        if found is None:
            found = import_guarded(self.value, self.name, self.distribution)
        check_contract(self.kind, found, f"{self.name} ({self.distribution}, {self.value})")
        return found

    def __repr__(self) -> str:
        return f"<{self.kind} {self.qualified_name} = {self.value}>"


def import_guarded(value: str, name: str, distribution: Distribution) -> Any:
    """What the entry point `value` names. Nothing that its code does while imported gets out.

    Raises:
        BrokenComponentError: with distribution, version, entry point and cause.
    """
    module_name, _, attributes = value.partition("[")[0].replace(" ", "").partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, and the panics of compiled modules
        raise BrokenComponentError(
            f'"{name}" of {distribution} cannot be imported: its entry point {value} gave '
            f"{in_words(error)}",
            _cure(error, module_name, distribution),
        ) from error
    return found


def check_contract(kind: str, found: Any, what: str) -> None:
    """`found` has what its kind must have.

    Raises:
        BrokenComponentError: it is not a class (or, for a dataset, cannot be called).
        ContractError: a method is missing or abstract.
    """
    if not (callable(found) if kind == "datasets" else isinstance(found, type)):
        wanted = "something that can be called" if kind == "datasets" else "a class"
        raise BrokenComponentError(
            f"{what} must be {wanted}, got {type(found).__name__}", "point the entry point at it"
        )
    missing = [name for name in KINDS[kind] if not callable(getattr(found, name, None))]
    missing += sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise ContractError(
            f"{what} is not one of the {kind}: it lacks {', '.join(dict.fromkeys(missing))}",
            f"{kind} must have {', '.join(KINDS[kind])}",
        )


@overload
def component(kind: Literal["modules"]) -> Callable[[type[M]], type[M]]: ...
@overload
def component(kind: Literal["losses"]) -> Callable[[type[L]], type[L]]: ...
@overload
def component(kind: Literal["optimizers"]) -> Callable[[type[P]], type[P]]: ...
@overload
def component(kind: Literal["datasets"]) -> Callable[[D], D]: ...
def component(kind: str) -> Callable[[Any], Any]:
    """Say of a class, where it is written, what kind of component it is meant to be::

        @component("modules")
        class Swish(BaseModule): ...

    The class is returned as it is; a type checker and, at run time, this function refuse one
    that lacks a method. What makes it found is its entry point.

    Raises:
        ArgumentError: `kind` is unknown.
        BrokenComponentError, ContractError: the class is not of that kind.
    """
    check_kind(kind)

    def checked(cls: Any) -> Any:
        check_contract(kind, cls, getattr(cls, "__qualname__", repr(cls)))
        return cls

    return checked


def check_kind(kind: str) -> None:
    """Refuse what is not one of `KINDS`."""
    if kind not in KINDS:
        raise ArgumentError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


def in_words(error: BaseException) -> str:
    from traceback import format_exception_only

    return format_exception_only(type(error), error)[-1].strip()


def _cure(error: BaseException, module_name: str, distribution: Distribution) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        if not module_name.startswith(error.name):
            return f"install the missing {error.name}"
        return f"reinstall {distribution.name}, or uninstall it if its files are gone"
    name = distribution.name
    return f"upgrade or uninstall {name}, or disable it: MINIDL_DISABLE={name}"
