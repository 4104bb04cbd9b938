"""The hook plugins: a guarded loader and a guarded call, over pluggy."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pluggy

from minidl_core import hookspecs
from minidl_core.components import import_guarded, in_words
from minidl_core.errors import AmbiguousComponentError, BrokenComponentError, MinidlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from minidl_core.distributions import Distribution, EntryPoint

__all__ = ["Hooks", "hookimpl"]

hookimpl = pluggy.HookimplMarker("minidl")


class Hooks(pluggy.PluginManager):
    """Every plugin of `distributions` that could be loaded, and every hook in it that fits.

    What does not is told to `report`, once, and left out: a plugin that cannot be imported, a
    hook that does not exist or takes arguments that the hook does not give.

    Attributes:
        problems: the sentences given to `report` so far.
    """

    def __init__(
        self, distributions: Iterable[Distribution], report: Callable[[str], None]
    ) -> None:
        super().__init__("minidl")
        self.add_hookspecs(hookspecs)
        self.problems: list[str] = []
        self._report = report
        self._owners: dict[str, Distribution] = {}
        for distribution in distributions:
            for point in distribution.hooks:
                self._admit(point, distribution)

    def ask(self, hook: str, **arguments: Any) -> list[tuple[Distribution, Any]]:
        """Call `hook` of each plugin by itself; the answers of those that did not raise.

        A plugin that answers None, or does not implement the hook, is not in the list.
        """
        answers = []
        for name, owner in self._owners.items():
            try:
                given = self._asked(name, hook, arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.leave_out(f"the hook {hook} of {name} raised {in_words(error)}")
            else:
                answers += [(owner, answer) for answer in given]
        return answers

    def ask_one(self, hook: str, **arguments: Any) -> Any:
        """The answer of the one plugin that has one, or None; nothing is left out.

        For a hook without whose answer it would be wrong to go on.

        Raises:
            MinidlError: a plugin raised it.
            BrokenComponentError: a plugin raised something else.
            AmbiguousComponentError: several plugins have an answer.
        """
        answers: dict[str, Any] = {}
        for name in self._owners:
            try:
                given = self._asked(name, hook, arguments)
            except (KeyboardInterrupt, MinidlError):
                raise
            except BaseException as error:
                raise BrokenComponentError(
                    f"the hook {hook} of {name} raised {in_words(error)}",
                    "mend or uninstall that distribution, or disable it in MINIDL_DISABLE",
                ) from error
            answers.update((name, answer) for answer in given)
        if len(answers) > 1:
            raise AmbiguousComponentError(
                f"the hook {hook} is answered by {', '.join(answers)}, and only one can be heard",
                "uninstall the others, or disable them in MINIDL_DISABLE",
            )
        return next(iter(answers.values()), None)

    def _asked(self, name: str, hook: str, arguments: dict[str, Any]) -> list[Any]:
        """What the plugin `name` answers, if anything."""
        others = self.get_plugins() - {self.get_plugin(name)}
        answers: list[Any] = self.subset_hook_caller(hook, others)(**arguments)
        return answers

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Whether `name` of `plugin` is an implementation; pluggy asks it of each name.

        Answered without ``getattr``, so that a lazy module attribute stays unloaded, and with a
        problem instead of an implementation where the hook does not exist or does not fit.
        """
        static = inspect.getattr_static(plugin, name, None)
        function = getattr(static, "__func__", static)
        if not inspect.isfunction(function) or not hasattr(function, "minidl_impl"):
            return None
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None:
            return None
        wanted = options.get("specname") or name
        spec = getattr(hookspecs, wanted, None)
        specs = [spec for spec in vars(hookspecs) if spec.startswith("minidl_")]
        where = f"{name} of {self.get_name(plugin) or self._admitting}"
        if wanted not in specs:
            self.leave_out(f"{where}: there is no hook {wanted}.{_hint(wanted, specs)}")
            return None
        allowed = list(inspect.signature(spec).parameters) if spec else []
        got = list(inspect.signature(getattr(plugin, name)).parameters)
        for argument in got:
            if argument not in allowed:
                self.leave_out(
                    f"{where}: the hook has no argument {argument}.{_hint(argument, allowed)}"
                )
                return None
        return options

    def _admit(self, point: EntryPoint, distribution: Distribution) -> None:
        name = f"{distribution.name}/{point.name}"
        self._admitting = name
        try:
            plugin = import_guarded(point.value, point.name, distribution)
            hash(plugin)
            self.register(plugin, name)
        except MinidlError as error:
            self.leave_out(str(error))
        except Exception as error:
            if self.has_plugin(name):
                self.unregister(name=name)
            self.leave_out(f"{name} cannot be registered: {in_words(error)}")
        else:
            self._owners[name] = distribution

    def leave_out(self, sentence: str) -> None:
        """Tell, once, what was left out and why."""
        if sentence not in self.problems:
            self.problems.append(sentence)
            self._report(f"plugin left out: {sentence}")


def _hint(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else f" There are: {', '.join(known) or 'none'}"
