"""The root of the command line: global options, loading of commands, and errors."""

from __future__ import annotations

import functools
import importlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from footlake import __version__
from footlake.commands import COMMANDS

OUTPUT_FORMATS = ("text", "json", "csv")
OUTPUT_FORMAT = "footlake.output_format"  # of the option after the command, in Click's `Context.meta`


class BashCompletion(BashComplete):
    """Completion for bash, which inserts a value unquoted: quote spaces, twice, as Click's script removes one level."""

    def format_completion(self, item: CompletionItem) -> str:
        quoted = item.value.replace(" ", r"\\ ")
        return f"{item.type},{quoted}"


add_completion_class(BashCompletion)


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def main(self, *args: Any, **more: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="replace")  # print "?" for characters that the terminal's encoding lacks
        return super().main(*args, **more)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = importlib.import_module(f"footlake.cli.{module}").command
        _add_output_option(command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete options after a dash, else command names, without importing the commands for their help."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a failure of this flush can still be reported; one at exit cannot
            return result
        except click.NoSuchOption as error:
            self._explain_misplaced_option(ctx, error)
            raise
        except KeyboardInterrupt:  # while the command is loaded: footlake.cli.execution handles it after that
            from footlake.errors import Interrupted

            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(Interrupted.exit_code) from None
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):  # Click handles these
            raise
        except Exception as error:
            from footlake.cli.execution import to_cli_error

            cli_error = to_cli_error(ctx, error)
            if cli_error is None:
                raise
            raise cli_error from error

    def _explain_misplaced_option(self, ctx: click.Context, error: click.NoSuchOption) -> None:
        """Raise UsageError if the option that a command does not have is a global option."""
        if any(error.option_name in parameter.opts for parameter in self.params):
            option, command = error.option_name, ctx.invoked_subcommand
            message = f"{option} is a global option. Put it before the command: footlake {option} … {command}"
            raise click.UsageError(message, error.ctx) from None


class OutputOption(click.Option):
    """`--output` after the command, which overrides the one before it. Its value is not passed to the command."""

    def __init__(self) -> None:
        super().__init__(
            ["--output"],
            type=click.Choice(OUTPUT_FORMATS),
            expose_value=False,
            callback=self._set_format,
            help="Output format; csv is available for report only.",
        )

    @staticmethod
    def _set_format(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is None:
            return
        _check_output_format(value, ctx.find_root().invoked_subcommand)
        ctx.meta[OUTPUT_FORMAT] = value


def _add_output_option(command: click.Command) -> None:
    """Add `--output` to a command and its subcommands, unless they have such an option."""
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            _add_output_option(subcommand)
    elif not any(parameter.name == "output" for parameter in command.params):
        command.params.append(OutputOption())


def _check_output_format(output_format: str, command: str | None) -> None:
    if output_format == "csv" and command != "report":
        raise click.UsageError("--output csv is available for the command report only.")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FOOTLAKE"})
@click.option("--local", is_flag=True, help="Use the local AWS emulator. Start it if it is not running.")
@click.option("--profile", envvar=["AWS_PROFILE", "FOOTLAKE_PROFILE"], help="AWS profile.")
@click.option("--region", envvar=["FOOTLAKE_REGION", "AWS_REGION"], help="AWS region.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file.  [default: footlake.toml]",
)
@click.option(
    "--output",
    type=click.Choice(OUTPUT_FORMATS),
    default="text",
    show_default=True,
    help="Output format; csv is available for report only.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Run a football data lake on AWS and compare results with expected goals."""
    _check_output_format(options["output"], ctx.invoked_subcommand)
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def pass_cli(function: Callable[..., Any]) -> Any:
    """Call a command's function with the CliContext of the call, which --help and wrong options do without."""

    @functools.wraps(function)
    def run(**options: Any) -> Any:
        from footlake.cli.execution import execute

        context = click.get_current_context()
        return execute(context.find_root(), context.meta.get(OUTPUT_FORMAT), function, options)

    return run
