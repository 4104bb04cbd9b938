"""The hook plugins: a guarded loader and a guarded call, over pluggy.

Whoever calls a hook brings its specification: a module named in the entry-point group
``minidl.hookspecs``, whose functions are marked with `hookspec` and begin with ``minidl_``. Plugins
are named in the group ``minidl``, mark their implementations with `hookimpl`, and are loaded when a
hook is first called, which is never inside a forward or backward pass.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pluggy

from minidl_core.components import import_guarded
from minidl_core.errors import MinidlError
from minidl_core.wording import describe_error, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from minidl_core.components import Component
    from minidl_core.distributions import Distribution, EntryPoint

__all__ = ["Hooks", "hookimpl", "hookspec"]

hookimpl = pluggy.HookimplMarker("minidl")
hookspec = pluggy.HookspecMarker("minidl")


class Hooks(pluggy.PluginManager):
    """Every plugin that could be loaded, and every hook in it that fits its specification.

    Anything invalid is skipped and reported once: a plugin that cannot be imported, a hook that
    nobody specifies, an argument that the specification does not have.

    Args:
        specs: the components of the kind ``hookspecs``.
        distributions: those whose hook plugins are loaded.
        report: called with a sentence for each thing that was skipped.

    Attributes:
        problems: the sentences given to `report` so far.
    """

    def __init__(
        self,
        specs: Iterable[Component],
        distributions: Iterable[Distribution],
        report: Callable[[str], None],
    ) -> None:
        super().__init__("minidl")
        self.problems: list[str] = []
        self._report = report
        self._arguments: dict[str, list[str]] = {}  # of each hook that is specified
        self._owners: dict[str, Distribution] = {}
        for spec in specs:
            self._guarded(spec.qualified_name, self._specify, spec)
        for distribution in distributions:
            for point in distribution.hooks:
                name = self._admitting = f"{distribution.name}/{point.name}"
                if self._guarded(name, self._admit, name, point, distribution):
                    self._owners[name] = distribution
                elif self.has_plugin(name):
                    self._guarded(name, self.unregister, None, name)

    def call_each(self, hook: str, **arguments: Any) -> list[tuple[Distribution, Any]]:
        """Call `hook` of each plugin by itself; return the answers of those that did not raise.

        A plugin that answers None, or does not implement the hook, is not in the list. Where an
        error must not be skipped, call pluggy's own ``hooks.hook.minidl_…()``.
        """
        answers = []
        for name, owner in self._owners.items():
            try:
                others = self.get_plugins() - {self.get_plugin(name)}
                given = self.subset_hook_caller(hook, others)(**arguments)
                answers += [(owner, answer) for answer in given]
            except BaseException as error:
                if type(error) is KeyboardInterrupt:
                    raise
                self.skip(f"the hook {hook} of {name} raised {describe_error(error)}")
        return answers

    def skip(self, sentence: str) -> None:
        """Report, once, what was skipped and why."""
        if sentence not in self.problems:
            self.problems.append(sentence)
            self._report(f"plugin left out: {sentence}")

    def _guarded(self, name: str, action: Callable[..., None], *arguments: Any) -> bool:
        try:
            action(*arguments)
        except BaseException as error:
            if type(error) is KeyboardInterrupt:
                raise
            ours, text = isinstance(error, MinidlError), describe_error(error)
            self.skip(str(error) if ours else f"{name} cannot be registered: {text}")
            return False
        return True

    def _specify(self, spec: Component) -> None:
        module = spec.load()
        names = [name for name in dir(module) if name.startswith("minidl_")]
        if twice := [name for name in names if name in self._arguments]:
            raise ValueError(f"another distribution specifies the hook {twice[0]} as well")
        for name in names:
            self._arguments[name] = list(inspect.signature(getattr(module, name)).parameters)
        self.add_hookspecs(module)

    def _admit(self, name: str, point: EntryPoint, distribution: Distribution) -> None:
        plugin = import_guarded(point.value, point.name, distribution)
        hash(plugin)
        self.register(plugin, name)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Whether `name` of `plugin` is an implementation; pluggy asks it of each name.

        Answered without ``getattr``, so that a lazy module attribute stays unloaded. A hook with
        an argument that it does not have is skipped, and so is one that nobody specifies; with
        ``optionalhook=True`` the latter is as it should be.
        """
        static = inspect.getattr_static(plugin, name, None)
        function = getattr(static, "__func__", static)
        if not inspect.isfunction(function) or not hasattr(function, "minidl_impl"):
            return None
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None:
            return None
        hook = options.get("specname") or name
        if hook not in self._arguments and options.get("optionalhook"):
            return None
        problem = f"there is no hook {hook}.{_hint(hook, self._arguments)}"
        if hook in self._arguments:
            allowed = self._arguments[hook]
            given = inspect.signature(getattr(plugin, name)).parameters
            wrong = [argument for argument in given if argument not in allowed]
            if not wrong:
                return options
            problem = f"the hook has no argument {wrong[0]}.{_hint(wrong[0], allowed)}"
        self.skip(f"{name} of {self.get_name(plugin) or self._admitting}: {problem}")
        return None


def _hint(name: str, known: Iterable[str]) -> str:
    return suggest(name, known) or f" There are: {', '.join(known) or 'none'}"
