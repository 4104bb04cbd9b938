"""The ``minidl`` command: a click group of the components of the kind ``commands``."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

import click

from minidl_core.discovery import registry
from minidl_core.errors import ComponentNotFoundError, MinidlError
from minidl_core.version import __version__
from minidl_core.wording import describe_error, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


class _Commands(click.Group):
    """The installed commands. A broken one costs only itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found, unavailable = ctx.obj.components("commands"), ctx.obj.unavailable
        usable = [component for component in found if not unavailable(component.distribution)]
        claims = Counter(component.name for component in usable)
        return sorted(c.name if claims[c.name] == 1 else c.qualified_name for c in usable)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        try:
            command: click.Command = ctx.obj.get("commands", name)
        except ComponentNotFoundError:
            return None
        if not issubclass(type(command), click.Command):
            raise click.ClickException(f"{name} is no click command, got {type(command).__name__}")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if not args[0].startswith("-"):
            ctx.obj.find("commands", args[0])  # or its error, which says what is close
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._does(ctx, name)) for name in self.list_commands(ctx)])

    def _does(self, ctx: click.Context, name: str) -> str:
        try:
            with redirect_stdout(sys.stderr):
                command = self.get_command(ctx, name)
                return printable(command.get_short_help_str(80)) if command else ""
        except BaseException as error:
            if type(error) is KeyboardInterrupt:
                raise
            return "(cannot be loaded: see `minidl doctor`)"

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MinidlError as error:
            raise click.ClickException(printable(str(error))) from error
        except Exception as error:  # of a library that a command imports when it is called
            from traceback import extract_tb

            files = [f.filename for f in extract_tb(error.__traceback__) if f.name == "<module>"]
            if not files:
                raise
            text = f"{files[-1]} cannot be imported: {describe_error(error)}; see `minidl doctor`"
            raise click.ClickException(printable(text)) from error


@click.group(
    cls=_Commands,
    help=f"minidl {__version__}: explicit gradients, and every part a plugin.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--disable",
    metavar="DISTRIBUTION",
    multiple=True,
    is_eager=True,  # as --help is, which lists the commands of plugins
    expose_value=False,
    callback=lambda ctx, _param, names: ctx.obj.disable(*names),
    help="Do not import this distribution (may be repeated).",
)
@click.version_option(__version__, message="minidl %(version)s")
@click.pass_context
def _group(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``minidl`` with `arguments`, the process's own by default, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without the letter σ shows its number
            stream.reconfigure(errors="backslashreplace")
    registry.report = lambda sentence: click.echo(f"minidl: {printable(sentence)}", err=True)
    try:
        _group.main(args=arguments, prog_name="minidl", obj=registry)
    except OSError as error:  # a closed pipe is known to click, a full device is not
        if error.errno != errno.ENOSPC:
            raise
        with suppress(OSError):
            registry.report(f"the answer cannot be written: {error.strerror}")
        sys.stdout = sys.stderr = None  # what they hold cannot be written at the end
        sys.exit(1)
