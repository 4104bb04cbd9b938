"""The arguments of a component's constructor, checked against its signature."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minidl_core import suggest
from minidl_plugins_experiments.config.problems import ConfigError, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_experiments.config.component_spec import ComponentSpec

__all__ = ["Accepted", "accepted_by"]

# The arguments that a run gives to every component that takes them.
GIVEN = ("params", "generator", "dtype", "device")
HOW = {
    "params": "the run gives it the model's parameters",
    "generator": "the run gives it one, made from the seed",
    "dtype": 'choose it for the whole run: dtype = "float64" at the top of the file',
    "device": 'choose it for the whole run: device = "cuda" at the top of the file',
}
TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "str": (str,),
    "None": (),
}
WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


@dataclass(frozen=True)
class Accepted:
    """The arguments of one component that a file may give.

    Attributes:
        what: the component's name, for messages.
        parameters: the parameters that a file may give, by name.
        given: the names of the parameters that the run gives.
        rest: the annotation of ``*modules``, or None without such a parameter.
        anything: whether it takes ``**keywords``, or its signature is unknown.
    """

    what: str
    parameters: dict[str, inspect.Parameter] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    rest: str | None = None
    anything: bool = False

    def by_name(self, spec: ComponentSpec) -> tuple[dict[str, Any], list[Any]]:
        """Return the arguments of `spec` by name, and those for ``*modules``.

        Raises:
            ConfigError: one is unknown, missing, given twice, or of the wrong type.
        """
        in_order = self.in_order()
        arguments = {**spec.arguments, **dict(zip(in_order, spec.positional, strict=False))}
        rest = spec.positional[len(in_order) :]
        if rest and self.rest is None:
            raise ConfigError(
                f"{self.what} takes {len(in_order)} arguments in order "
                f"({', '.join(in_order) or 'none'}), got {len(spec.positional)}; "
                "name the arguments: { Linear = { in_features = 2, ... } }",
                key=spec.key,
            )
        for name in arguments:
            self._check_known(name, spec.key)
        for name, value in spec.optional.items():
            if name in self.parameters:
                arguments.setdefault(name, value)
            elif hint := suggest(name, self.parameters):
                raise ConfigError(
                    f'{self.what} has no argument "{name}".{hint} It takes: {self._names()}',
                    key=f"{spec.key}.optional.{name}",
                )
        self._check_complete(arguments, spec.key)
        for name, value in arguments.items():
            if name in self.parameters:
                check_type(value, _text(self.parameters[name].annotation), f"{spec.key}.{name}")
        return arguments, rest

    def in_order(self) -> list[str]:
        """Return the names of the parameters that may be given by position."""
        return [name for name, p in self.parameters.items() if p.kind is not p.KEYWORD_ONLY]

    def annotation(self, name: str) -> str:
        parameter = self.parameters.get(name)
        return "" if parameter is None else _text(parameter.annotation)

    def _check_known(self, name: str, key: str) -> None:
        if name in GIVEN and (name in self.given or name not in self.parameters):
            raise ConfigError(f"a file cannot set {name}: {HOW[name]}", key=f"{key}.{name}")
        if name not in self.parameters and not self.anything:
            raise ConfigError(
                f'{self.what} has no argument "{name}".{suggest(name, self.parameters)} '
                f"It takes: {self._names()}",
                key=f"{key}.{name}",
            )

    def _check_complete(self, arguments: dict[str, Any], key: str) -> None:
        missing = [
            name
            for name, parameter in self.parameters.items()
            if parameter.default is parameter.empty and name not in arguments
        ]
        if missing:
            raise ConfigError(
                f"{self.what} needs {', '.join(missing)}; add {missing[0]} = ... "
                f"(`minidl describe {self.what}` says what it means)",
                key=key,
            )

    def _names(self) -> str:
        return ", ".join(self.parameters) or "none"


def accepted_by(cls: Callable[..., Any], what: str, *, leave_out: int = 0) -> Accepted:
    """Return what the signature of `cls` accepts; `what` is its name.

    Args:
        leave_out: how many arguments it is given by position, before those of the file.
    """
    made_by: Any = cls
    if isinstance(cls, type):  # the signature of __init__, whatever a base's __new__ accepts
        own = {name: getattr(cls, name) for name in ("__init__", "__new__")}
        if own["__init__"] is not object.__init__:
            made_by, leave_out = own["__init__"], leave_out + 1
        elif own["__new__"] is object.__new__:
            return Accepted(what)
    try:
        parameters = inspect.signature(made_by).parameters
    except (TypeError, ValueError):
        return Accepted(what, anything=True)
    fixed, given, rest, anything = {}, set(), None, False
    for name, parameter in list(parameters.items())[leave_out:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            anything = True
        elif parameter.kind is parameter.VAR_POSITIONAL:
            rest = _text(parameter.annotation)
        elif name in GIVEN:
            given.add(name)
        elif parameter.kind is not parameter.POSITIONAL_ONLY:
            fixed[name] = parameter
    return Accepted(what, fixed, frozenset(given), rest, anything)


def check_type(value: Any, annotation: str, key: str) -> None:
    """Check that `value` has the type that `annotation` names, if it names simple types.

    Raises:
        ConfigError: it has another type.
    """
    expected = []
    for alternative in _alternatives(annotation):
        if alternative.startswith("Literal["):
            choices = ast.literal_eval(f"({alternative[8:-1]},)")
            if value in choices:
                return
            expected.append(f"one of {', '.join(map(repr, choices))}")
        elif alternative not in TYPES or (
            isinstance(value, TYPES[alternative])
            and (alternative == "bool" or not isinstance(value, bool))
        ):
            return
        elif alternative in WORDS:
            expected.append(WORDS[alternative])
    if expected:
        raise ConfigError(
            f"expected {' or '.join(expected)}, got {kind_of(value)}; write it without quotes "
            "if it is a number, and in quotes if it is text",
            key=key,
        )


def _alternatives(annotation: str) -> list[str]:
    """Split ``float | None`` into its alternatives; return none of a more complex annotation."""
    simple = r"(?:Literal\[[^\[\]]*\]|\w+)"
    if not re.fullmatch(rf"{simple}(?: *\| *{simple})*", annotation):
        return []
    return re.findall(simple, annotation)


def _text(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, str):
        return annotation
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
