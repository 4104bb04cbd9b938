"""``minidl describe``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from minidl_core.commands import printable
from minidl_core.commands.tables import echo_json, json_option
from minidl_core.components import KINDS, Component
from minidl_core.errors import ComponentNotFoundError, MinidlError

if TYPE_CHECKING:
    from minidl_core.discovery import Registry

__all__ = ["command", "find_everywhere"]


@click.command("describe")
@click.argument("name")
@json_option
@click.pass_obj
def command(registry: Registry, name: str, as_json: bool) -> None:
    """Show the signature, docstring and provenance of NAME (or DISTRIBUTION/NAME)."""
    found = [_described(component) for component in find_everywhere(registry, name)]
    if as_json:
        echo_json(found)
        return
    for index, described in enumerate(found):
        if index:
            click.echo()
        click.echo(printable(f"{described['name']}{described['signature']}"))
        click.echo()
        click.echo(printable(described["doc"]))
        click.echo()
        for key in ("kind", "distribution", "version", "entry_point", "file"):
            click.echo(printable(f"{key.replace('_', ' ') + ':':14}{described[key]}"))


def find_everywhere(registry: Registry, name: str) -> list[Component]:
    """The components of that name, one of each kind that has it.

    Raises:
        ComponentNotFoundError: no kind has; says what is like it.
        MinidlError: what else `Registry.find` raises.
    """
    found, misses = [], []
    # To ask a kind that metadata has no answer for would load the hooks.
    known = {c.kind for c in registry.components() if name in (c.name, c.qualified_name)}
    for kind in [kind for kind in KINDS if kind in known] or KINDS:
        try:
            found.append(registry.find(kind, name))
        except ComponentNotFoundError as error:
            misses.append(error)
    if found:
        return found
    hints = [error for error in misses if "Did you mean" in str(error)]
    raise (
        hints[0]
        if hints
        else ComponentNotFoundError(
            f'No component "{name}"', "`minidl list` shows what is installed"
        )
    )


def _described(component: Component) -> dict[str, Any]:
    cls = component.load()
    try:
        signature = str(_unquoted(inspect.signature(cls)))
        doc = inspect.getdoc(cls) or "It has no docstring."
        file = inspect.getsourcefile(cls) or ""
    except (TypeError, ValueError, OSError) as error:
        raise MinidlError(f"{component.name} cannot be inspected: {error}") from error
    return {
        "name": component.name,
        "signature": signature,
        "doc": doc,
        "kind": component.kind,
        "distribution": component.distribution.name,
        "version": component.distribution.version,
        "entry_point": component.value,
        "file": file,
    }


def _unquoted(signature: inspect.Signature) -> inspect.Signature:
    """Annotations that are text, as ``from __future__ import annotations`` leaves them, as text."""

    class Text(str):
        __slots__ = ()
        __repr__ = str.__str__

    def text(annotation: Any) -> Any:
        return Text(annotation) if isinstance(annotation, str) else annotation

    return signature.replace(
        parameters=[
            parameter.replace(annotation=text(parameter.annotation))
            for parameter in signature.parameters.values()
        ],
        return_annotation=inspect.Signature.empty,
    )
