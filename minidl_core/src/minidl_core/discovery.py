"""The registry: every component by kind and name, from whichever distribution provides it."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, overload

from minidl_core.components import Component
from minidl_core.distributions import CORE, GROUP, canonical, find_distributions
from minidl_core.errors import ComponentUnavailableError, PluginWarning
from minidl_core.refusals import ambiguous, not_found
from minidl_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from minidl_core.distributions import Distribution
    from minidl_core.hooks import Hooks
    from minidl_core.protocols import Engine, Loss, Module, Optimizer

__all__ = ["Registry", "registry"]

# What declares the other kinds, and what declares hooks: components too, but without a contract.
BUILT_IN = ("kinds", "hookspecs")


class Registry:
    """What is installed on a path. Looking at it imports nothing; `get` imports one component.

    A name that two distributions claim is never resolved silently: it must be qualified,
    ``"acme-layers/Linear"``, or one of them preferred. Metadata is read once, at first use;
    call `refresh` after installing or uninstalling something while the process lives.

    Args:
        path: folders to look in; ``sys.path`` by default. The kinds of the core are always known.
        disabled: names of distributions that are listed but never imported.
        preferred: qualified names that take precedence when a bare name is ambiguous.
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
        self._components: dict[str, list[Component]] | None = None  # by kind
        self._hooks: Hooks | None = None

    def distributions(self) -> list[Distribution]:
        """Return every distribution with something for minidl, sorted by name."""
        if self._distributions is None:
            self._distributions = find_distributions(sys.path if self._path is None else self._path)
        return self._distributions

    def unavailable(self, distribution: Distribution) -> str | None:
        """Why `distribution` is not to be imported (disabled or incompatible), or None."""
        if distribution.name in self.disabled:
            return "disabled"
        reason = distribution.incompatibility(__version__)
        return None if reason is None else f"incompatible: {reason}"

    def kinds(self) -> list[str]:
        """Return the kinds of components that available distributions declare, sorted."""
        return sorted({kind.name for kind in self._available(self.components("kinds"))})

    def components(self, kind: str | None = None) -> list[Component]:
        """Return every component of `kind`, or of all, available or not, by provider and name."""
        if self._components is None:
            found = self.distributions()
            here = any(distribution.name == CORE for distribution in found)
            core = [] if here else [d for d in find_distributions(sys.path) if d.name == CORE]
            self._components = {"kinds": _read("kinds", [*found, *core])}
            self._components["hookspecs"] = _read("hookspecs", found)
            for name in self.kinds():
                self._components[name] = _read(name, found, partial(self._contract_of, name))
        if kind is None:
            return [c for name, of in self._components.items() if name not in BUILT_IN for c in of]
        if kind not in BUILT_IN:
            self._contract_of(kind)
        return list(self._components.get(kind, ()))

    def find(self, kind: str, name: str) -> Component:
        """Return the component that `name` means, without importing it; raises as `get` does."""
        return self._chosen(kind, name, self.components(kind))

    # -- getting -------------------------------------------------------------------------------

    @overload
    def get(self, kind: Literal["modules"], name: str) -> type[Module]: ...
    @overload
    def get(self, kind: Literal["losses"], name: str) -> type[Loss]: ...
    @overload
    def get(self, kind: Literal["optimizers"], name: str) -> type[Optimizer]: ...
    @overload
    def get(self, kind: Literal["engines"], name: str) -> Engine: ...
    @overload
    def get(self, kind: str, name: str) -> Any: ...
    def get(self, kind: str, name: str) -> Any:
        """Return the component of that kind and name: ``registry.get("modules", "Linear")``.

        Raises:
            ComponentNotFoundError: no distribution provides the name, or declares the kind; says
                what is like it.
            AmbiguousComponentError: several do; says how to qualify it.
            ComponentUnavailableError: its distribution is disabled or incompatible.
            BrokenComponentError: importing it failed; says why.
            ContractError: it lacks a method of its kind.
        """
        return self.find(kind, name).load()

    def create(self, kind: str, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return an instance: ``registry.create("modules", "Linear", 2, 25)``."""
        return self.get(kind, name)(*args, **kwargs)

    # -- deciding ------------------------------------------------------------------------------

    @property
    def disabled(self) -> set[str]:
        """The names of the distributions that are not to be imported; never the core."""
        return (self._disabled | set(map(canonical, self._variable("MINIDL_DISABLE")))) - {CORE}

    def disable(self, *names: str) -> None:
        """Never import from these distributions; to be called before their code runs."""
        self._disabled |= set(map(canonical, names))
        self._hooks = self._components = None

    @property
    def preferred(self) -> list[str]:
        """The qualified names that take precedence when a bare name is ambiguous."""
        both = [*self._preferred, *self._variable("MINIDL_PREFER")]
        parts = (name.partition("/") for name in both)
        return [f"{canonical(distribution)}/{name}" for distribution, _, name in parts]

    def prefer(self, *qualified_names: str) -> None:
        """Let ``"acme-layers/Linear"`` be what the bare ``"Linear"`` means."""
        self._preferred += qualified_names
        self._components = None

    @property
    def hooks(self) -> Hooks:
        """The hook plugins of the available distributions, imported at first use."""
        if self._hooks is None:
            from minidl_core.hooks import Hooks

            specs = self._available(self.components("hookspecs"))
            usable = [d for d in self.distributions() if d.hooks and not self.unavailable(d)]
            self._hooks = Hooks(specs, usable, self.report)
        return self._hooks

    # -- reading and choosing ------------------------------------------------------------------

    def _variable(self, name: str) -> list[str]:
        return [part.strip() for part in self._environment.get(name, "").split(",") if part.strip()]

    def _contract_of(self, kind: str) -> Component:
        return self._chosen("kinds", kind, self.components("kinds"))

    def _available(self, components: Iterable[Component]) -> list[Component]:
        return [each for each in components if self.unavailable(each.distribution) is None]

    def _chosen(self, kind: str, name: str, components: list[Component]) -> Component:
        provider, slash, rest = name.partition("/")
        wanted = (name, f"{canonical(provider)}{slash}{rest}")
        named = [c for c in components if c.name == name or c.qualified_name in wanted]
        usable = self._available(named)
        some = [c for c in usable if c.qualified_name in self.preferred] if usable[1:] else usable
        if len(some) == 1:
            return some[0]
        if usable:
            raise ambiguous(kind, name, usable)
        if named:
            reasons = [f"{c.distribution}: {self.unavailable(c.distribution)}" for c in named]
            raise ComponentUnavailableError(
                f'"{name}" is installed, but not available ({"; ".join(reasons)})',
                "enable its distribution or install a version that fits",
            )
        everything = list(chain.from_iterable((self._components or {}).values()))
        raise not_found(kind, name, self._available(components), everything)


def _read(
    kind: str, found: Iterable[Distribution], contract: Callable[[], Component] | None = None
) -> list[Component]:
    group = f"{GROUP}.{kind}"
    return [
        Component(kind, point.name, point.value, distribution, contract)
        for distribution in found
        for point in sorted(p for p in distribution.entry_points if p.group == group)
    ]


def _warn(sentence: str) -> None:
    warnings.warn(sentence, PluginWarning, stacklevel=3)


registry = Registry(environment=os.environ)
