"""One component: where it comes from, its guarded import, and the contract of its kind."""

from __future__ import annotations

import importlib
import io
import sys
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from minidl_core.errors import BrokenComponentError, ContractError, RegistryError
from minidl_core.wording import describe_error, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minidl_core.distributions import Distribution

__all__ = ["Component", "import_guarded"]


class Component(NamedTuple):
    """One name that one distribution provides for one kind.

    Attributes:
        kind, name, value: as the entry point says; `value` is ``package.module:Class``.
        distribution: who provides it.
        contract: returns the component of the kind ``kinds`` that names the protocol of this one;
            None for kinds and hook specifications themselves, which have no contract.
    """

    kind: str
    name: str
    value: str
    distribution: Distribution
    contract: Callable[[], Component] | None = None

    @property
    def qualified_name(self) -> str:
        return f"{self.distribution.name}/{self.name}"

    def load(self) -> Any:
        """Import the component, and only its own module, unless it is imported already.

        Raises:
            BrokenComponentError: importing it failed in whatever way, or it is no class.
            ContractError: it lacks a method of its kind.
        """
        found = import_guarded(self.value, self.name, self.distribution)
        if self.contract is not None:
            methods = self.methods()
            what = f"{self.name} ({self.distribution}, {self.value})"
            with _guarded(f"{what} cannot be looked at:", self.value, self.distribution):
                fault = _fault(self.kind, methods, found, what)
            if fault:
                raise fault
        return found

    def methods(self) -> list[str]:
        """Return the methods that the contract of its kind demands, sorted.

        Raises:
            BrokenComponentError: the protocol of the kind cannot be imported, or is none.
        """
        if self.contract is None:
            return []
        kind = self.contract()
        protocol = kind.load()
        methods = getattr(protocol, "__abstractmethods__", None)
        if not isinstance(protocol, type) or not methods:
            raise BrokenComponentError(
                f"the kind {self.kind} of {kind.distribution} must name a Protocol with abstract "
                f"methods, got {kind.value}",
                "its author must point the entry point at a class with abstract methods",
            )
        return sorted(methods)


def import_guarded(value: str, name: str, distribution: Distribution) -> Any:
    """Import what the entry point `value` names; whatever its code raises becomes our error.

    What it prints goes to stderr, under its name: stdout belongs to the answer of a command.

    Raises:
        BrokenComponentError: with distribution, version, entry point and cause.
    """
    module_name, _, attributes = value.partition("[")[0].replace(" ", "").partition(":")
    problem = f'"{name}" of {distribution} cannot be imported: its entry point {value} gave'
    with _guarded(problem, module_name, distribution):
        found: Any = importlib.import_module(module_name)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
    return found


@contextmanager
def _guarded(problem: str, module_name: str, distribution: Distribution) -> Iterator[None]:
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    except BaseException as error:  # also SystemExit, and the panics of compiled modules
        if type(error) is KeyboardInterrupt:
            raise
        cure = _cure(error, module_name, distribution)
        raise BrokenComponentError(f"{problem} {describe_error(error)}", cure) from error
    finally:
        if printed.getvalue():
            with suppress(AttributeError, OSError, ValueError):  # it is absent, full or closed
                sys.stderr.write(f"{distribution}: {printable(printed.getvalue().rstrip())}\n")


def _fault(kind: str, methods: list[str], found: Any, what: str) -> RegistryError | None:
    """Why `found` lacks `methods`, or is no class although more than ``__call__`` is wanted."""
    called = methods == ["__call__"]
    if not (callable(found) if called else issubclass(type(found), type)):
        wanted = "something that can be called" if called else "a class"
        problem = f"{what} must be {wanted}, got {type(found).__name__}"
        return BrokenComponentError(problem, "point the entry point at it")
    missing = [name for name in methods if not callable(getattr(found, name, None))]
    missing += sorted(getattr(found, "__abstractmethods__", ()))
    problem = f"{what} is not one of the {kind}: it lacks {', '.join(dict.fromkeys(missing))}"
    return ContractError(problem, f"{kind} must have {', '.join(methods)}") if missing else None


def _cure(error: BaseException, module_name: str, distribution: Distribution) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        if not module_name.startswith(error.name):
            return f"install the missing {error.name}"
        return f"reinstall {distribution.name}, or uninstall it if its files are gone"
    name = distribution.name
    return f"upgrade or uninstall {name}, or disable it: MINIDL_DISABLE={name}"
