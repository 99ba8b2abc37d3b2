"""Execution of a command: its CliContext, messages for errors, and Ctrl-C. Not imported for --help."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from footlake.cli_context import CliContext
from footlake.cli_output import discard_stdout
from footlake.commands import LOCAL_COMMANDS, READ_ONLY_COMMANDS
from footlake.errors import FootlakeError, Interrupted, StepFailed

CLEAN_UP_SECONDS = 1.5


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


def execute(
    root: click.Context, output_format: str | None, function: Callable[..., Any], options: Mapping[str, Any]
) -> Any:
    """Call the function of a command with the CliContext of the call and the command's options.

    `output_format` is that of an option after the command, if there is one.
    """
    cli: CliContext = root.obj or _create_context(root)
    root.obj = cli.with_output_format(output_format) if output_format else cli
    # In a background job of a shell, SIGINT is ignored; a test may have its own handler.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return function(root.obj, **options)
    handler = InterruptHandler(time.monotonic())
    handler.context = root
    try:
        return function(root.obj, **options)
    except (KeyboardInterrupt, click.Abort) as interrupt:  # Click turns Ctrl-C at a prompt into Abort
        if handler.interrupted:
            handler.exit_now(interrupt)
        raise
    finally:
        handler.restore()


def _create_context(root: click.Context) -> CliContext:
    """Return the CliContext for the global options."""
    command = root.invoked_subcommand
    options = {**root.params, "local": root.params["local"] or command in LOCAL_COMMANDS}
    return CliContext.from_options(**options, read_only=command in READ_ONLY_COMMANDS, lake_options=_lake_options(root))


def _lake_options(root: click.Context) -> str:
    """Return the options that choose the lake, except --local, in the form in which the user gave them."""
    given = [
        f" {parameter.opts[0]} {shlex.quote(str(root.params[parameter.name]))}"
        for parameter in root.command.params
        if parameter.name in ("profile", "region", "config_file")
        and root.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    return "".join(given)


def to_cli_error(root: click.Context, error: Exception) -> CliError | None:
    """Return the message and the hint for an exception, or None if it is a defect of footlake."""
    from footlake.aws_errors import to_footlake_error

    cli: CliContext | None = root.obj
    footlake_error = to_footlake_error(error, local=bool(cli and cli.local))
    if footlake_error is None:
        return None
    if root.params.get("debug"):
        traceback.print_exc()
    if isinstance(error, OSError):
        discard_stdout()
    hint = footlake_error.hint
    return CliError(footlake_error, cli.format_hint(hint) if cli else hint)
