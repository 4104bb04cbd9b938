"""``minidl describe``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from minidl_core import MinidlError
from minidl_core.console import echo_json, json_option, printable
from minidl_plugins_devkit.commands.finding import find_everywhere

if TYPE_CHECKING:
    from minidl_core import Component, Registry

__all__ = ["command"]


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


def _described(component: Component) -> dict[str, Any]:
    loaded = component.load()
    # Of a click command, what is of interest is the function behind it.
    shown = loaded.callback if isinstance(loaded, click.Command) and loaded.callback else loaded
    try:
        signature = str(_unquoted(inspect.signature(shown)))
        doc = inspect.getdoc(shown) or "It has no docstring."
        file = inspect.getsourcefile(inspect.unwrap(shown)) or ""
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
    """`signature` with annotations that are strings printed without quotes."""

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
