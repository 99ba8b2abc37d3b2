"""What a command prints: result lines or one JSON document on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from typing import Any

import click

from footlake.errors import FootlakeCommand, Hint

SIMULATED = "simulated league, not real results"
CLEAR_LINE = "\r\x1b[K"  # removes a progress message that was written without a newline
_RESUME = "Run the same command again: it goes on where it stopped."


class Output:
    """Standard output and standard error of one command; counts the result lines for a report on an interruption.

    The output format is "text", "json" or "csv". `read_only` says that the command changes nothing in the lake.
    """

    def __init__(self, output_format: str = "text", read_only: bool = False) -> None:
        self.format = output_format
        self._read_only = read_only
        self._lines_printed = 0
        self._last_line = ""
        self._resume_hint = Hint(_RESUME)

    def with_format(self, output_format: str) -> Output:
        """Return a new output with another format, before anything was printed."""
        return Output(output_format, self._read_only)

    def declare_read_only(self) -> None:
        """State that the command, with the options given, changes nothing in the lake."""
        self._read_only = True

    def resume_with(self, command: FootlakeCommand) -> None:
        """State which command continues the work if it is interrupted from now on."""
        self._resume_hint = Hint("Go on from there: ", command)

    def describe_interruption(self) -> Hint:
        """Return the lines that report what was done before an interruption, and how to continue."""
        parts: list[str] = []
        if self._lines_printed:
            parts.append(f"\n  Done so far, {self._lines_printed} lines; the last: {self._last_line.strip()}")
        if self._read_only:
            return Hint(*parts, "\n  Nothing was changed.")
        return Hint(*parts, "\n  What was begun on AWS goes on there. ", self._resume_hint)

    def style(self, text: str, colour: str) -> str:
        """Return the text in a colour if standard output is a terminal and NO_COLOR is not set."""
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return click.style(text, fg=colour) if coloured else text

    def notify(self, text: str) -> None:
        """Print a progress message on standard error."""
        print(f"{CLEAR_LINE if sys.stderr.isatty() else ''}{text}", file=sys.stderr, flush=True)

    def print_line(self, text: str) -> None:
        """Print one line of the result in text mode; in the other modes only count it."""
        self._lines_printed, self._last_line = self._lines_printed + 1, text
        if self.format != "text":
            return
        if sys.stderr.isatty():
            print(CLEAR_LINE, end="", file=sys.stderr, flush=True)
        try:
            print(text, flush=True)
        except BrokenPipeError:
            if self._read_only:
                raise
            # The reader has ended, as `head -1` does. The work continues without output.
            discard_stdout()

    def print_result(self, result: Any, lines: Iterable[str] = (), football: str = "") -> None:
        """Print the result: `lines` in text mode, the whole of it as one JSON document in JSON mode.

        `football` is the source of the football data in the result. Text mode shows it only if it is simulated.
        """
        if self.format == "json":
            document: dict[str, Any] = asdict(result) if is_dataclass(result) else result  # type: ignore[arg-type]
            if football:
                document = {"football": football, **document}
            print(json.dumps(document, default=_to_json, indent=2))
            return
        for line in lines:
            self.print_line(line)
        if football == SIMULATED:
            self.print_line(f"({SIMULATED})")


def discard_stdout() -> None:
    """Redirect standard output to the null device, so that Python does not fail again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _to_json(value: Any) -> str:
    """Return times and dates in ISO 8601, other values that JSON lacks as their string."""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
