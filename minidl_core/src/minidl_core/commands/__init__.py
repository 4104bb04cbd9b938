"""The click group behind ``minidl``: our commands and the plugins', each loaded when it is run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from minidl_core.command import COMMANDS, help_text
from minidl_core.discovery import registry
from minidl_core.errors import MinidlError
from minidl_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_core.discovery import Registry

__all__ = ["printable", "run"]


class _Group(click.Group):
    """Commands by name: ours can always be reached, and a broken plugin costs only its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({**COMMANDS, **_plugin_commands(ctx.obj)})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return _plugin_commands(ctx.obj).get(name)
        module = importlib.import_module(f"minidl_core.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            from difflib import get_close_matches

            known = self.list_commands(ctx)
            close = get_close_matches(name, known, n=1)
            hint = f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(known)}"
            ctx.fail(f'No command "{printable(name)}": {hint}')
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        commands = _plugin_commands(ctx.obj)
        return help_text(
            {name: command.get_short_help_str(80) for name, command in commands.items()}
        )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MinidlError as error:
            raise click.ClickException(printable(str(error))) from error


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--disable",
    multiple=True,
    is_eager=True,  # as --help is, which asks the plugins for their commands
    expose_value=False,
    callback=lambda ctx, _param, names: ctx.obj.disable(*names),
)
@click.version_option(__version__, message="minidl %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> None:
    """Run ``minidl`` with `arguments`; a plugin that is left out gets a line on stderr."""
    registry.report = lambda sentence: click.echo(f"minidl: {printable(sentence)}", err=True)
    group.main(args=arguments, prog_name="minidl", obj=registry)


def printable(text: str) -> str:
    """`text` without control characters: metadata is a stranger's, and a terminal obeys them."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def _plugin_commands(registry: Registry) -> dict[str, click.Command]:
    """The plugins' commands; those that claim one name can be told apart by a qualified one."""
    claims: dict[str, dict[str, click.Command]] = {}
    for distribution, answer in registry.hooks.ask("minidl_commands"):
        try:
            for command in answer:
                command.get_short_help_str()
                claims.setdefault(str(command.name), {})[distribution.name] = command
        except Exception:
            registry.hooks.leave_out(
                f"minidl_commands of {distribution} must answer a list of click commands, "
                f"got {answer!r}"
            )
    commands = {}
    for name, by_owner in claims.items():
        if len(by_owner) == 1 and name not in COMMANDS:
            commands[name] = next(iter(by_owner.values()))
        else:
            commands.update({f"{owner}/{name}": command for owner, command in by_owner.items()})
    return commands
