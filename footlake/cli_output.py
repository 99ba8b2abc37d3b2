"""What a command prints: result lines or one JSON document on standard output, progress on standard error."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from footlake.errors import FootlakeCommand, Hint

if TYPE_CHECKING:
    from rich.live import Live
    from rich.spinner import Spinner

SIMULATED = "simulated league, not real results"
_RESUME = "Run the same command again to continue."
_CLEAR_LINE = "\r\x1b[K\x1b[?25h"  # removes the text of the current line and shows the cursor


class FinishedCount(NamedTuple):
    """How many of a number of things are finished, and when the first one began."""

    finished: int
    total: int
    what: str
    started: float

    def __str__(self) -> str:
        return f"{self.finished} of {self.total} {self.what}"


class Progress:
    """A spinner on standard error, or on another `stream`, with what is awaited and for how long. It needs a terminal.

    Several threads can wait at once; the display shows the wait that began first. It appears after DELAY seconds, so
    that short waits do not flicker.
    """

    DELAY = 0.5
    INTERVAL = 0.1

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._waits: dict[int, list[tuple[str, float]]] = {}  # by thread; the last one is the innermost
        self._counter: FinishedCount | None = None
        self._thread: threading.Thread | None = None
        self._live: Live | None = None
        self._spinner: Spinner | None = None

    @property
    def enabled(self) -> bool:
        """Whether standard error is a terminal that can show an animation."""
        return self._stream.isatty() and os.environ.get("TERM") != "dumb"

    @contextmanager
    def waiting_for(self, what: str) -> Iterator[None]:
        """Show that the calling thread waits for `what` until the context ends."""
        if not self.enabled:
            yield
            return
        thread = threading.get_ident()
        with self._lock:
            self._waits.setdefault(thread, []).append((what, time.monotonic()))
            self._start_thread()
        try:
            yield
        finally:
            with self._lock:
                self._waits[thread].pop()
                if not self._waits[thread]:
                    del self._waits[thread]
                if not self._waits and not self._counter:
                    self._hide()

    @contextmanager
    def counting(self, total: int, what: str) -> Iterator[Callable[[], None]]:
        """Show how many of `total` are finished, such as `12 of 75 resources checked`, until the context ends.

        Yields a function to call for each one that is finished.
        """
        if not self.enabled:
            yield lambda: None
            return
        with self._lock:
            self._counter = FinishedCount(0, total, what, time.monotonic())
            self._start_thread()

        def advance() -> None:
            with self._lock:
                if self._counter:
                    self._counter = self._counter._replace(finished=self._counter.finished + 1)

        try:
            yield advance
        finally:
            with self._lock:
                self._counter = None
                if not self._waits:
                    self._hide()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the display while something else is printed."""
        with self._lock:
            self._hide()
            yield

    def close(self) -> None:
        """Remove the display for good. After Ctrl-C another thread may hold the lock, so this does not wait for it."""
        if not self.enabled:
            return
        acquired = self._lock.acquire(timeout=0.3)  # kept until the process ends, so that nothing is drawn afterwards
        if acquired and self._live is None:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
        elif acquired:
            self._hide()
        else:
            print(_CLEAR_LINE, end="", file=self._stream, flush=True)

    def _start_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._draw_repeatedly, daemon=True, name="progress")
            self._thread.start()

    def _draw_repeatedly(self) -> None:
        while True:
            time.sleep(self.INTERVAL)
            with self._lock:
                if not self._waits and not self._counter:
                    self._thread = None
                    return
                self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        first = min((waits[-1] for waits in self._waits.values()), key=lambda wait: wait[1], default=("", now))
        is_long = now - first[1] > self.DELAY
        parts = [str(self._counter)] if self._counter else []
        parts += [f"waiting for {first[0]}"] if is_long else []
        if parts:
            seconds = now - (self._counter.started if self._counter else first[1])
            self._show(f"{', '.join(parts)} ({seconds:.0f} s)")

    def _show(self, text: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        line = Text(text[0].upper() + text[1:], no_wrap=True, overflow="ellipsis")
        if self._live is None or self._spinner is None:
            console = Console(file=self._stream)
            self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line", line)
            self._live = Live(
                self._spinner,
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._spinner.update(text=line)
        self._live.refresh()

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = self._spinner = None


class Output:
    """Standard output and standard error of one command; counts the results for a report on an interruption.

    The output format is "text", "json" or "csv". `read_only` says that the command changes nothing in the lake.
    """

    def __init__(self, output_format: str = "text", read_only: bool = False) -> None:
        self.format = output_format
        self.progress = Progress()
        self._read_only = read_only
        self._results = 0
        self._last_result = ""
        self._resume_hint = Hint(_RESUME)
        self._left_behind: Hint | None = None
        self.is_cleaning_up = False

    def with_format(self, output_format: str) -> Output:
        """Return a new output with another format, before anything was printed."""
        return Output(output_format, self._read_only)

    def declare_read_only(self, read_only: bool = True) -> None:
        """State whether the command changes nothing in the lake, or has not changed anything so far."""
        self._read_only = read_only

    def resume_with(self, command: FootlakeCommand) -> None:
        """State which command continues the work if it is interrupted from now on."""
        self._resume_hint = Hint("Continue with: ", command)

    def leave_behind(self, what: Hint | None) -> None:
        """State what remains on AWS if the command is interrupted from now on; None for nothing special."""
        self._left_behind = what

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        """State that the command undoes something until the context ends, for which an interruption waits."""
        self.is_cleaning_up = True
        try:
            yield
        finally:
            self.is_cleaning_up = False

    def describe_interruption(self) -> Hint:
        """Return the sentences that say what was done before an interruption, and how to continue."""
        parts: list[str] = []
        if self._results:
            last = " ".join(self._last_result.split())
            parts.append(f"\n  Results so far: {self._results}, the last: {last}")
        if self._left_behind:
            parts += ["\n  ", self._left_behind]
        if self._read_only:
            return Hint(*parts, "" if self._left_behind else "\n  Nothing was changed.")
        return Hint(*parts, "\n  Work that has started on AWS continues. ", self._resume_hint)

    def style(self, text: str, colour: str) -> str:
        """Return the text in a colour if standard output is a terminal and NO_COLOR is not set."""
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return click.style(text, fg=colour) if coloured else text

    def notify(self, text: str) -> None:
        """Print a message on standard error."""
        with self.progress.hidden():
            print(text, file=sys.stderr, flush=True)

    def count_result(self, text: str) -> None:
        """Count a result that is not printed yet, for the report on an interruption."""
        self._results, self._last_result = self._results + 1, text

    def print_line(self, text: str) -> None:
        """Print one line of the result in text mode; in the other modes only count it."""
        self.count_result(text)
        if self.format != "text":
            return
        with self.progress.hidden():
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
            import json  # not needed by --help

            document: dict[str, Any] = asdict(result) if is_dataclass(result) else result  # type: ignore[arg-type]
            if football:
                document = {"football": football, **document}
            with self.progress.hidden():
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
