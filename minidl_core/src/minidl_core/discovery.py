"""The registry: every component by kind and name, from whichever distribution provides it."""

from __future__ import annotations

import importlib
import os
import warnings
from typing import TYPE_CHECKING, Any, Literal, overload

from minidl_core.components import KINDS, Component, Kind, check_kind
from minidl_core.distributions import HOOKS_GROUP, canonical, find_distributions, search_path
from minidl_core.errors import (
    AmbiguousComponentError,
    ComponentNotFoundError,
    ComponentUnavailableError,
    PluginWarning,
)
from minidl_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from minidl_core.distributions import Distribution
    from minidl_core.hooks import Hooks
    from minidl_core.protocols import Loss, Module, Optimizer

__all__ = ["Registry", "registry"]


class Registry:
    """What is installed on a path. Looking at it imports nothing; `get` imports one component.

    A name that two distributions claim is never resolved silently: it must be qualified,
    ``"acme-layers/Linear"``, or one of them preferred. Metadata is read once, at first use;
    call `refresh` after installing or uninstalling something while the process lives.

    Args:
        path: folders to look in, as in ``sys.path``, which is the default.
        disabled: names of distributions that are listed but never imported.
        preferred: qualified names that win when their bare name is claimed twice.
        environment: where the variables ``MINIDL_DISABLE`` and ``MINIDL_PREFER`` add to the two,
            separated by commas; none are read when left out.
        report: what to do with a sentence about a plugin that was left out; warns by default.
    """

    def __init__(
        self,
        path: Iterable[str] | None = None,
        *,
        disabled: Iterable[str] = (),
        preferred: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._path = None if path is None else list(path)
        self._disabled = set(map(canonical, disabled))
        self._preferred = list(preferred)
        self._environment = environment or {}
        self.report = report or _warn
        self.refresh()

    # -- looking, without imports --------------------------------------------------------------

    def refresh(self) -> None:
        """Forget what was read; installed and removed distributions are seen at the next use."""
        importlib.invalidate_caches()
        self._distributions: list[Distribution] | None = None
        self._components: list[Component] | None = None
        self._hooks: Hooks | None = None

    def distributions(self) -> list[Distribution]:
        """Every distribution with something for minidl, sorted by name."""
        if self._distributions is None:
            self._distributions = find_distributions(
                search_path() if self._path is None else self._path
            )
        return self._distributions

    def unavailable(self, distribution: Distribution) -> str | None:
        """Why `distribution` is not to be imported (disabled or incompatible), or None."""
        if distribution.name in self.disabled:
            return "disabled"
        reason = distribution.incompatibility(__version__)
        return None if reason is None else f"incompatible: {reason}"

    def components(self, kind: str | None = None) -> list[Component]:
        """Every component of `kind` (or of every kind), sorted, those not available included."""
        if self._components is None:
            self._components = [
                Component(kind, point.name, point.value, distribution)
                for kind in KINDS
                for distribution in self.distributions()
                for point in sorted(distribution.entry_points, key=lambda point: point.name)
                if point.group == f"{HOOKS_GROUP}.{kind}"
            ]
        if kind is None:
            return self._components
        check_kind(kind)
        return [component for component in self._components if component.kind == kind]

    def find(self, kind: str, name: str) -> Component:
        """The component that `name` means, without importing it.

        Raises:
            ComponentNotFoundError, AmbiguousComponentError, ComponentUnavailableError
        """
        provider, slash, rest = name.partition("/")
        wanted = (name, f"{canonical(provider)}{slash}{rest}")

        def named_so(components: Iterable[Component]) -> list[Component]:
            return [c for c in components if c.name == name or c.qualified_name in wanted]

        named = named_so(self.components(kind)) or named_so(self.run_time_components(kind))
        usable = [c for c in named if self.unavailable(c.distribution) is None]
        preferred = [c for c in usable if c.qualified_name in self.preferred]
        if len(usable) == 1 or len(preferred) == 1:
            return (usable if len(usable) == 1 else preferred)[0]
        if usable:
            raise _ambiguous(kind, name, usable)
        if named:
            reasons = [f"{c.distribution}: {self.unavailable(c.distribution)}" for c in named]
            raise ComponentUnavailableError(
                f'"{name}" is installed, but not available ({"; ".join(reasons)})',
                "enable its distribution or install a version that fits",
            )
        raise self._not_found(kind, name)

    # -- getting -------------------------------------------------------------------------------

    @overload
    def get(self, kind: Literal["modules"], name: str) -> type[Module]: ...
    @overload
    def get(self, kind: Literal["losses"], name: str) -> type[Loss]: ...
    @overload
    def get(self, kind: Literal["optimizers"], name: str) -> type[Optimizer]: ...
    @overload
    def get(self, kind: Literal["datasets"], name: str) -> Callable[..., Any]: ...
    def get(self, kind: str, name: str) -> Any:
        """The class of that kind and name: ``registry.get("modules", "Linear")``.

        Raises:
            ArgumentError: `kind` is unknown.
            ComponentNotFoundError: no distribution provides it; says what is like it.
            AmbiguousComponentError: several do; says how to qualify it.
            ComponentUnavailableError: its distribution is disabled or incompatible.
            BrokenComponentError: importing it failed; says why.
            ContractError: it lacks a method of its kind.
        """
        return self.find(kind, name).load()

    @overload
    def create(self, kind: Literal["modules"], name: str, *args: Any, **kwargs: Any) -> Module: ...
    @overload
    def create(self, kind: Literal["losses"], name: str, *args: Any, **kwargs: Any) -> Loss: ...
    @overload
    def create(
        self, kind: Literal["optimizers"], name: str, *args: Any, **kwargs: Any
    ) -> Optimizer: ...
    @overload
    def create(self, kind: Literal["datasets"], name: str, *args: Any, **kwargs: Any) -> Any: ...
    def create(self, kind: Kind, name: str, *args: Any, **kwargs: Any) -> Any:
        """An instance: ``registry.create("modules", "Linear", 2, 25)``. Raises what `get` does."""
        return self.get(kind, name)(*args, **kwargs)

    # -- deciding ------------------------------------------------------------------------------

    @property
    def disabled(self) -> set[str]:
        """The names of the distributions that are not to be imported."""
        return self._disabled | set(map(canonical, self._variable("MINIDL_DISABLE")))

    def disable(self, *names: str) -> None:
        """Never import from these distributions; before their code runs, not after."""
        self._disabled |= set(map(canonical, names))
        self._hooks = None

    @property
    def preferred(self) -> list[str]:
        """The qualified names that win over their like, the distribution's name canonical."""
        both = [*self._preferred, *self._variable("MINIDL_PREFER")]
        parts = (name.partition("/") for name in both)
        return [f"{canonical(distribution)}/{name}" for distribution, _, name in parts]

    def prefer(self, *qualified_names: str) -> None:
        """Let ``"acme-layers/Linear"`` be what the bare ``"Linear"`` means."""
        self._preferred += qualified_names

    # -- hooks ---------------------------------------------------------------------------------

    @property
    def hooks(self) -> Hooks:
        """The hook plugins of the available distributions, imported at first use."""
        if self._hooks is None:
            from minidl_core.hooks import Hooks

            usable = [d for d in self.distributions() if d.hooks and not self.unavailable(d)]
            self._hooks = Hooks(usable, self.report)
        return self._hooks

    def run_time_components(self, kind: str) -> list[Component]:
        """What plugins know of only at run time; `find` asks for it when no metadata has a name."""
        if not any(distribution.hooks for distribution in self.distributions()):
            return []
        found = []
        for distribution, answer in self.hooks.ask("minidl_components"):
            try:
                found += [
                    Component(kind, name, f"{cls.__module__}:{cls.__qualname__}", distribution, cls)
                    for name, cls in answer.get(kind, {}).items()
                ]
            except Exception:
                self.hooks.leave_out(
                    f"minidl_components of {distribution} must answer kind → name → class, "
                    f"got {answer!r}"
                )
        return found

    def _variable(self, name: str) -> list[str]:
        return [part.strip() for part in self._environment.get(name, "").split(",") if part.strip()]

    def _not_found(self, kind: str, name: str) -> ComponentNotFoundError:
        from difflib import get_close_matches

        problem = f'No {_singular(kind)} "{name}"'
        usable = [c for c in self.components(kind) if self.unavailable(c.distribution) is None]
        if not usable:
            return ComponentNotFoundError(
                f"{problem}: no installed distribution provides {kind}",
                f"install one that has entry points in the group {HOOKS_GROUP}.{kind} "
                "(`minidl plugins` shows what is there)",
            )
        names = {c.name.lower(): c.name for c in usable}
        close = [names[match] for match in get_close_matches(name.lower(), names)]
        elsewhere = [c.kind for c in self.components() if c.name == name]
        if close:
            problem += f". Did you mean {' or '.join(map(_quoted, close))}?"
        elif elsewhere:
            problem += f", but there is one of the {elsewhere[0]}"
        by_provider: dict[str, list[str]] = {}
        for c in usable:
            by_provider.setdefault(str(c.distribution), []).append(c.name)
        installed = "; ".join(f"{', '.join(has)} ({who})" for who, has in by_provider.items())
        return ComponentNotFoundError(problem, f"Installed: {installed}")


def _ambiguous(kind: str, name: str, claims: list[Component]) -> AmbiguousComponentError:
    who = ", ".join(f"{c.distribution} ({c.value})" for c in claims)
    qualified = sorted({_quoted(c.qualified_name) for c in claims})
    if len(qualified) == 1:
        return AmbiguousComponentError(
            f'"{name}" of the {kind} is claimed twice by one distribution, {who}',
            "its author must remove one of the entry points",
        )
    return AmbiguousComponentError(
        f'"{name}" of the {kind} is claimed by {who}',
        f"write {' or '.join(qualified)}, or prefer one of them with registry.prefer or in "
        "MINIDL_PREFER",
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _singular(kind: str) -> str:
    return "loss" if kind == "losses" else kind.removesuffix("s")


def _warn(sentence: str) -> None:
    warnings.warn(sentence, PluginWarning, stacklevel=3)


registry = Registry(environment=os.environ)
