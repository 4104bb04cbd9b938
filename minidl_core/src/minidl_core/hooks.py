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

from minidl_core.components import describe_error, import_guarded
from minidl_core.errors import AmbiguousComponentError, BrokenComponentError, MinidlError
from minidl_core.suggestions import suggest

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
        self._specs: dict[str, list[str]] = {}  # the arguments of each hook
        self._owners: dict[str, Distribution] = {}
        for spec in specs:
            self._specify(spec)
        for distribution in distributions:
            for point in distribution.hooks:
                self._admit(point, distribution)

    def call_each(self, hook: str, **arguments: Any) -> list[tuple[Distribution, Any]]:
        """Call `hook` of each plugin by itself; return the answers of those that did not raise.

        A plugin that answers None, or does not implement the hook, is not in the list.
        """
        answers = []
        for name, owner in self._owners.items():
            try:
                given = self._answers_of(name, hook, arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.skip(f"the hook {hook} of {name} raised {describe_error(error)}")
            else:
                answers += [(owner, answer) for answer in given]
        return answers

    def call_one(self, hook: str, **arguments: Any) -> Any:
        """Call a hook that at most one plugin may answer; errors propagate. None without answer.

        Raises:
            MinidlError: a plugin raised it.
            BrokenComponentError: a plugin raised something else.
            AmbiguousComponentError: several plugins have an answer.
        """
        answers: dict[str, Any] = {}
        for name in self._owners:
            try:
                given = self._answers_of(name, hook, arguments)
            except (KeyboardInterrupt, MinidlError):
                raise
            except BaseException as error:
                raise BrokenComponentError(
                    f"the hook {hook} of {name} raised {describe_error(error)}",
                    "repair or uninstall that distribution, or disable it in MINIDL_DISABLE",
                ) from error
            answers.update((name, answer) for answer in given)
        if len(answers) > 1:
            raise AmbiguousComponentError(
                f"the hook {hook} is answered by {', '.join(answers)}, and only one may answer",
                "uninstall the others, or disable them in MINIDL_DISABLE",
            )
        return next(iter(answers.values()), None)

    def skip(self, sentence: str) -> None:
        """Report, once, what was skipped and why."""
        if sentence not in self.problems:
            self.problems.append(sentence)
            self._report(f"plugin left out: {sentence}")

    def _answers_of(self, name: str, hook: str, arguments: dict[str, Any]) -> list[Any]:
        others = self.get_plugins() - {self.get_plugin(name)}
        answers: list[Any] = self.subset_hook_caller(hook, others)(**arguments)
        return answers

    def _specify(self, spec: Component) -> None:
        try:
            module = spec.load()
            found = [name for name in dir(module) if name.startswith("minidl_")]
            claimed = [name for name in found if name in self._specs]
            if claimed:
                self.skip(f"{spec.qualified_name} specifies {claimed[0]}, which is there already")
                return
            self.add_hookspecs(module)
            for name in found:
                self._specs[name] = list(inspect.signature(getattr(module, name)).parameters)
        except MinidlError as error:
            self.skip(str(error))
        except Exception as error:
            self.skip(f"{spec.qualified_name} specifies no hooks: {describe_error(error)}")

    def _admit(self, point: EntryPoint, distribution: Distribution) -> None:
        name = self._admitting = f"{distribution.name}/{point.name}"
        try:
            plugin = import_guarded(point.value, point.name, distribution)
            hash(plugin)
            self.register(plugin, name)
        except MinidlError as error:
            self.skip(str(error))
        except Exception as error:
            if self.has_plugin(name):
                self.unregister(name=name)
            self.skip(f"{name} cannot be registered: {describe_error(error)}")
        else:
            self._owners[name] = distribution

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Whether `name` of `plugin` is an implementation; pluggy asks it of each name.

        Answered without ``getattr``, so that a lazy module attribute stays unloaded. A hook that
        nobody specifies, or with an argument it does not have, is skipped.
        """
        static = inspect.getattr_static(plugin, name, None)
        function = getattr(static, "__func__", static)
        if not inspect.isfunction(function) or not hasattr(function, "minidl_impl"):
            return None
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None:
            return None
        wanted = options.get("specname") or name
        where = f"{name} of {self.get_name(plugin) or self._admitting}"
        if wanted not in self._specs:
            self.skip(f"{where}: there is no hook {wanted}.{_hint(wanted, self._specs)}")
            return None
        allowed = self._specs[wanted]
        for argument in inspect.signature(getattr(plugin, name)).parameters:
            if argument not in allowed:
                hint = _hint(argument, allowed)
                self.skip(f"{where}: the hook has no argument {argument}.{hint}")
                return None
        return options


def _hint(name: str, known: Iterable[str]) -> str:
    return suggest(name, known) or f" There are: {', '.join(known) or 'none'}"
