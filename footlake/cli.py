"""The command line: global options, the table of commands, and the one place where an exception becomes a message."""

from __future__ import annotations

import importlib
import io
import os
import shlex
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from footlake import __version__
from footlake.aws_errors import to_footlake_error
from footlake.commands import COMMANDS, READ_ONLY_COMMANDS
from footlake.config import PROFILE_VARIABLES, REGION_VARIABLES
from footlake.errors import FootlakeError, Interrupted, StepFailed


class BashCompletion(BashComplete):
    """bash inserts a completion as it is: the space in a name is quoted, twice, as click's script reads it once."""

    def format_completion(self, item: CompletionItem) -> str:
        quoted = item.value.replace(" ", r"\\ ")
        return f"{item.type},{quoted}"


add_completion_class(BashCompletion)


class CliError(click.ClickException):
    """A FootlakeError on its way out."""

    def __init__(self, error: FootlakeError, hint: str) -> None:
        super().__init__(error.message)
        self.hint = hint
        self.log = error.log if isinstance(error, StepFailed) else ()
        self.exit_code = error.exit_code  # type: ignore[misc]

    def show(self, file: Any = None) -> None:
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        error = click.style("Error:", fg="red")
        click.echo(f"{error} {self.message}", err=True, color=self.show_color)
        for line in self.log:
            click.echo(f"  | {line}", err=True)
        if self.hint:
            click.echo(f"  {self.hint}", err=True)


CLEAN_UP_SECONDS = 1.5


class InterruptHandler:
    """Ctrl-C: it raises KeyboardInterrupt, and ends the process if that does not end it soon, whatever it waits for."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.context: click.Context | None = None
        self.happened = False
        # A thread that waits already hears of the signal even where the main one cannot be woken.
        hears, self._told = os.pipe()
        os.set_blocking(self._told, False)
        signal.set_wakeup_fd(self._told)
        threading.Thread(target=self._watch, args=[hears], daemon=True).start()
        signal.signal(signal.SIGINT, self)

    def __call__(self, *_: Any) -> None:
        self.happened = True
        raise KeyboardInterrupt

    def restore(self) -> None:
        """From here on Ctrl-C is Python's own."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)
        os.close(self._told)

    def _watch(self, hears: int) -> None:
        if os.read(hears, 1):
            time.sleep(CLEAN_UP_SECONDS)
            self.exit_now(Interrupted())
        os.close(hears)

    def exit_now(self, interrupt: BaseException) -> None:
        """Say what was done and how to go on, and end, past threads that still wait for an answer."""
        app = self.context.obj if self.context else None
        what = getattr(interrupt, "what", "")
        waiting = f", waiting for {what}" if what else ""
        lines = [f"Interrupted after {time.monotonic() - self.began:.0f} s{waiting}."]
        if app and app.lines:
            lines.append(f"  Done so far, {app.lines} lines; the last: {app.last.strip()}")
        if app and app.only_looks:
            lines.append("  Nothing was changed.")
        elif app:
            lines.append(f"  What was begun on AWS goes on there. {app.here(app.go_on)}")
        sys.stdout.flush()
        print("\r\x1b[K" * sys.stderr.isatty() + "\n".join(lines), file=sys.stderr, flush=True)
        os._exit(Interrupted.exit_code)


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not before."""

    def main(self, *args: Any, **more: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding shows at least the rest
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored in the background, or a test's
            return super().main(*args, **more)
        self.interruption = InterruptHandler(time.monotonic())
        try:
            return super().main(*args, **more)
        finally:
            self.interruption.restore()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = importlib.import_module(f"footlake.commands.{module}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, without importing them for their help; of a word that begins with a dash, the options."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=help) for name, (_, help) in COMMANDS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        interruption: InterruptHandler | None = getattr(self, "interruption", None)
        if interruption:
            interruption.context = ctx
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here, where it can still be told that it fails
            return result
        except (KeyboardInterrupt, click.Abort) as interrupt:  # a prompt makes an Abort of Ctrl-C
            if interruption and interruption.happened:
                interruption.exit_now(interrupt)
            raise
        except click.NoSuchOption as error:
            if any(error.option_name in parameter.opts for parameter in self.params):
                option, command = error.option_name, ctx.invoked_subcommand
                said = f"{option} goes before the command: footlake {option} … {command}"
                raise click.UsageError(said, error.ctx) from None
            raise
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):  # click ends quietly after the last
            raise
        except Exception as error:
            understood = to_footlake_error(error, local=bool(ctx.obj and ctx.obj.local))
            if understood is None:
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
            if isinstance(error, OSError):
                discard_stdout()
            raise CliError(understood, ctx.obj.here(understood.hint) if ctx.obj else understood.hint) from error


def discard_stdout() -> None:
    """Standard output goes nowhere from now on: what it could not take would fail once more when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FOOTLAKE"})
@click.option("--local", is_flag=True, help="Use the AWS on this machine; it is started if need be.")
@click.option("--profile", envvar=PROFILE_VARIABLES, help="The AWS profile.")
@click.option("--region", envvar=REGION_VARIABLES, help="The AWS region.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings: footlake.toml, if there.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    help="json: one document on stdout; csv: of report alone.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """A football data lake on AWS: what happened, beside what was to be expected."""
    from footlake.cli_context import CliContext  # here, as --help does without

    if options["output"] == "csv" and ctx.invoked_subcommand != "report":
        raise click.UsageError("Only report has --output csv.")
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.obj = CliContext(
        **options, read_only=ctx.invoked_subcommand in READ_ONLY_COMMANDS, lake_options=_lake_options(ctx)
    )


def _lake_options(ctx: click.Context) -> str:
    """The options of this call that say which lake is meant, but --local, as they were given."""
    given = [
        f" {parameter.opts[0]} {shlex.quote(str(ctx.params[parameter.name]))}"
        for parameter in ctx.command.params
        if parameter.name in ("profile", "region", "config_file")
        and ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    return "".join(given)
