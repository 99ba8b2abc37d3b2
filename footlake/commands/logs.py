"""logs: print the log lines of the lake's functions, jobs and crawlers in the order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from footlake.cli_context import CliContext
from footlake.cli_output import Output

if TYPE_CHECKING:
    from footlake.aws import AwsContext
    from footlake.logs import LogEvent

# Listed here so that completion does not need to import the catalogue. A test compares them with it.
SOURCES = (
    *("etlGetFixtures", "etlGetStatistics", "etlGetXGoals"),
    *("hometeamstatistics", "awayteamstatistics", "dropids", "mysqldbingestion", "teamsmysqldbingestion"),
    *("S3datalake", "mysqldb", "processing", "training", "transform"),
)
COLOURS = ("cyan", "magenta", "blue", "yellow", "green")
WIDTH = max(map(len, SOURCES))
# CloudWatch Logs returns lines only some seconds after their time.
DELAY = timedelta(seconds=30)


def follow(
    aws: AwsContext, since: datetime, source: str | None, on_events: Callable[[Iterable[LogEvent]], None]
) -> None:
    """Pass new lines to `on_events` as they appear, until interrupted."""
    from footlake.logs import read_events

    # Equal ids occur: an event is identified by its id and the number of its occurrence.
    printed: set[tuple[str, int]] = set()

    def poll() -> None:
        nonlocal since, printed
        events = read_events(aws, since, source)
        count: Counter[str] = Counter()
        identified = []
        for event in events:
            count[event.id] += 1
            identified.append((event.id, count[event.id]))
        on_events([event for event, identity in zip(events, identified, strict=True) if identity not in printed])
        printed = set(identified)
        since = max([since, *(event.time - DELAY for event in events[-1:])])

    aws.wait_until("more log lines", poll, every=2, limit=float("inf"))


class LogPrinter:
    """Prints log events in colours; with `errors_only`, only errors with their stack traces."""

    def __init__(self, output: Output, errors_only: bool) -> None:
        self._output = output
        self._errors_only = errors_only
        self._open_stacks: dict[str, bool] = {}  # a stack trace may continue in the next batch of events

    def select(self, events: Iterable[LogEvent]) -> Iterable[LogEvent]:
        """Return the events to print."""
        from footlake.logs import only_errors

        return only_errors(events, self._open_stacks) if self._errors_only else events

    def print(self, events: Iterable[LogEvent]) -> None:
        """Print these events."""
        from footlake.logs import is_error

        style = self._output.style
        for event in events:
            source = style(f"{event.source:<{WIDTH}}", COLOURS[SOURCES.index(event.source) % len(COLOURS)])
            text = style(event.message, "red") if is_error(event.message) else event.message
            self._output.print_line(f"{event.time:%Y-%m-%d %H:%M:%S}  {source}  {text}")


def run(cli: CliContext, name: str | None, since: datetime, follow_logs: bool, errors: bool) -> None:
    """Print the log lines since this time, or follow them."""
    if follow_logs and cli.output.format == "json":
        raise click.UsageError("--follow cannot be used with --output json, because the document would never end.")
    from footlake.logs import read_events

    printer = LogPrinter(cli.output, errors)
    aws = cli.connect()
    if follow_logs:
        follow(aws, since, name, lambda events: printer.print(printer.select(events)))
        return
    events = read_events(aws, since, name)
    selected = list(printer.select(events))
    if not selected:
        what = "No errors" if events else "No log lines"
        cli.output.notify(f"{what} since {since:%Y-%m-%d %H:%M} UTC. For a longer time, use for example --since 3d.")
    printer.print(selected)
    lines = [{**asdict(event), "time": event.time.isoformat()} for event in selected]
    cli.output.print_result({"since": since, "lines": lines})
