"""The command line: global options, loading of commands, and messages for errors and interruptions."""

from __future__ import annotations

import importlib
import io
import os
import shlex
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from footlake import __version__
from footlake.cli_context import PROFILE_VARIABLES, REGION_VARIABLES, CliContext
from footlake.cli_output import discard_stdout
from footlake.commands import COMMANDS, LOCAL_COMMANDS, READ_ONLY_COMMANDS
from footlake.errors import FootlakeError, Interrupted, StepFailed

CLEAN_UP_SECONDS = 1.5
OUTPUT_FORMATS = ("text", "json", "csv")


class BashCompletion(BashComplete):
    """Completion for bash, which inserts a value unquoted: quote spaces, twice, as Click's script removes one level."""

    def format_completion(self, item: CompletionItem) -> str:
        quoted = item.value.replace(" ", r"\\ ")
        return f"{item.type},{quoted}"


add_completion_class(BashCompletion)


class CliError(click.ClickException):
    """A FootlakeError as Click prints it: its message, the last lines of a log, and what to do next."""

    def __init__(self, error: FootlakeError, hint: str) -> None:
        super().__init__(error.message)
        self.hint = hint
        self.log = error.log if isinstance(error, StepFailed) else ()
        self.exit_code = error.exit_code  # type: ignore[misc]

    def show(self, file: Any = None) -> None:
        error = click.style("Error:", fg="red")
        click.echo(f"{error} {self.message}", err=True, color=self.show_color)
        for line in self.log:
            click.echo(f"  | {line}", err=True)
        if self.hint:
            click.echo(f"  {self.hint}", err=True)


class InterruptHandler:
    """Handle Ctrl-C: raise KeyboardInterrupt, and end the process soon even if the main thread is blocked.

    A main thread that is blocked in a call may not run the signal handler. A second thread waits for the signal
    through a socket and ends the process after CLEAN_UP_SECONDS. A command that cleans up has all the time that it
    needs, until the next Ctrl-C.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self.context: click.Context | None = None
        self.interrupted = False
        # Sockets, because Windows has non-blocking pipes only from Python 3.12 on.
        receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        signal.set_wakeup_fd(self._sender.fileno())
        threading.Thread(target=self._exit_after_signal, args=[receiver], daemon=True).start()
        signal.signal(signal.SIGINT, self)

    def __call__(self, *_: Any) -> None:
        self.interrupted = True
        raise KeyboardInterrupt

    def restore(self) -> None:
        """Return to Python's own handling of Ctrl-C."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)
        self._sender.close()

    def _exit_after_signal(self, receiver: socket.socket) -> None:
        with receiver:
            signals = len(receiver.recv(1))
            receiver.settimeout(CLEAN_UP_SECONDS)
            while signals:
                try:
                    signals += len(receiver.recv(1))
                except TimeoutError:
                    if signals > 1 or not self._is_cleaning_up():
                        self.exit_now(Interrupted())

    def _is_cleaning_up(self) -> bool:
        cli: CliContext | None = self.context.obj if self.context else None
        return cli is not None and cli.output.is_cleaning_up

    def exit_now(self, interrupt: BaseException) -> None:
        """Print what was done and how to continue, and end the process without waiting for its other threads."""
        cli: CliContext | None = self.context.obj if self.context else None
        what = interrupt.what if isinstance(interrupt, Interrupted) else ""
        waiting = f" while waiting for {what}" if what else ""
        text = f"Interrupted after {time.monotonic() - self._started:.0f} s{waiting}."
        if cli:
            text += cli.format_hint(cli.output.describe_interruption())
            cli.output.progress.close()
        sys.stdout.flush()
        print(text, file=sys.stderr, flush=True)
        os._exit(Interrupted.exit_code)


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    interrupt_handler: InterruptHandler | None = None

    def main(self, *args: Any, **more: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="replace")  # print "?" for characters that the terminal's encoding lacks
        # In a background job of a shell, SIGINT is ignored; a test may have its own handler.
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return super().main(*args, **more)
        self.interrupt_handler = InterruptHandler(time.monotonic())
        try:
            return super().main(*args, **more)
        finally:
            self.interrupt_handler.restore()

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
        if self.interrupt_handler:
            self.interrupt_handler.context = ctx
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a failure of this flush can still be reported; one at exit cannot
            return result
        except (KeyboardInterrupt, click.Abort) as interrupt:  # Click turns Ctrl-C at a prompt into Abort
            if self.interrupt_handler and self.interrupt_handler.interrupted:
                self.interrupt_handler.exit_now(interrupt)
            raise
        except click.NoSuchOption as error:
            self._explain_misplaced_option(ctx, error)
            raise
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):  # Click handles a broken pipe
            raise
        except Exception as error:
            from footlake.aws_errors import to_footlake_error

            footlake_error = to_footlake_error(error, local=bool(ctx.obj and ctx.obj.local))
            if footlake_error is None:
                raise
            if ctx.params.get("debug"):
                import traceback

                traceback.print_exc()
            if isinstance(error, OSError):
                discard_stdout()
            hint = footlake_error.hint
            raise CliError(footlake_error, ctx.obj.format_hint(hint) if ctx.obj else hint) from error

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
        if value is None or ctx.obj is None:
            return
        _check_output_format(value, ctx.find_root().invoked_subcommand)
        cli = ctx.obj.with_output_format(value)
        current: click.Context | None = ctx
        while current:  # the root's context is the one that reports an interruption
            current.obj, current = cli, current.parent


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
@click.option("--profile", envvar=PROFILE_VARIABLES, help="AWS profile.")
@click.option("--region", envvar=REGION_VARIABLES, help="AWS region.")
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
    options["local"] |= ctx.invoked_subcommand in LOCAL_COMMANDS
    ctx.obj = CliContext.from_options(
        **options, read_only=ctx.invoked_subcommand in READ_ONLY_COMMANDS, lake_options=_lake_options(ctx)
    )


def _lake_options(ctx: click.Context) -> str:
    """Return the options that choose the lake, except --local, in the form in which the user gave them."""
    given = [
        f" {parameter.opts[0]} {shlex.quote(str(ctx.params[parameter.name]))}"
        for parameter in ctx.command.params
        if parameter.name in ("profile", "region", "config_file")
        and ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    return "".join(given)
