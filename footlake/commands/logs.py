"""logs: what the lake's functions, jobs and crawlers wrote, in one stream."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from footlake.cli_context import CliContext
from footlake.commands.options import Since

if TYPE_CHECKING:
    from footlake.aws import AwsContext
    from footlake.logs import LogEvent

# Kept here so that completion and a misspelt name need no catalogue; a test holds them against it.
NAMES = (
    *("etlGetFixtures", "etlGetStatistics", "etlGetXGoals"),
    *("hometeamstatistics", "awayteamstatistics", "dropids", "mysqldbingestion", "teamsmysqldbingestion"),
    *("S3datalake", "mysqldb", "processing", "training", "transform"),
)
COLOURS = ("cyan", "magenta", "blue", "yellow", "green")
WIDTH = max(map(len, NAMES))
# CloudWatch shows lines some seconds after their time.
LATE = timedelta(seconds=30)


class Name(click.ParamType[str]):
    """A function, a job or a crawler."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        known = {name.lower(): name for name in NAMES}
        if value.lower() not in known:
            close = difflib.get_close_matches(value.lower(), known, 1)
            hint = f"Did you mean {known[close[0]]}?" if close else f"Those that log are: {', '.join(NAMES)}."
            self.fail(f"{value!r} is no function, job or crawler of the lake. {hint}", param, ctx)
        return known[value.lower()]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in NAMES if name.lower().startswith(incomplete.lower())]


def follow(aws: AwsContext, since: datetime, wanted: str | None, tell: Callable[[Iterable[LogEvent]], None]) -> None:
    """Tell of lines as they come, until interrupted."""
    from footlake.logs import read_events

    told: set[tuple[str, int]] = set()

    def look() -> None:
        nonlocal since, told
        lines = read_events(aws, since, wanted)
        seen: dict[str, int] = {}
        fresh = []
        for line in lines:
            seen[line.id] = seen.get(line.id, 0) + 1
            if (line.id, seen[line.id]) not in told:
                fresh.append(line)
        told = {(id, number) for id, times in seen.items() for number in range(1, times + 1)}
        tell(fresh)
        since = max([since, *(line.time - LATE for line in lines[-1:])])

    aws.wait_until("more lines (Ctrl-C ends it)", look, every=2, limit=float("inf"))


@click.command("logs")
@click.argument("name", required=False, type=Name(), metavar="[FUNCTION|JOB]")
@click.option(
    "--since", type=Since(past=True), default="2h", show_default=True, help="15m, 2h, 3d ago, or a time (UTC)."
)
@click.option("--follow", "following", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--errors", is_flag=True, help="Only lines that tell of a failure, with their stacks.")
@click.pass_obj
def command(cli: CliContext, name: str | None, since: datetime, following: bool, errors: bool) -> None:
    """What the functions, Glue jobs, crawlers and SageMaker's jobs wrote, in one stream, in the order of time (UTC).

    \b
    FUNCTION or JOB is one of: etlGetFixtures, etlGetStatistics, etlGetXGoals,
    hometeamstatistics, awayteamstatistics, dropids, mysqldbingestion,
    teamsmysqldbingestion, S3datalake, mysqldb, processing, training, transform.
    """
    if following and cli.output == "json":
        raise click.UsageError("--follow has no end, so it has no JSON document: leave one of them out.")
    from footlake.logs import is_error, only_errors, read_events

    stacks: dict[str, bool] = {}

    def chosen(lines: Iterable[LogEvent]) -> Iterable[LogEvent]:
        return only_errors(lines, stacks) if errors else lines

    def tell(lines: Iterable[LogEvent]) -> None:
        for line in lines:
            colour = COLOURS[NAMES.index(line.source) % len(COLOURS)]
            text = cli.style(line.message, "red") if is_error(line.message) else line.message
            cli.print_line(f"{line.time:%Y-%m-%d %H:%M:%S}  {cli.style(f'{line.source:<{WIDTH}}', colour)}  {text}")

    aws = cli.connect()
    if following:
        follow(aws, since, name, lambda lines: tell(chosen(lines)))
        return
    lines = read_events(aws, since, name)
    shown = list(chosen(lines))
    if not shown:
        what = "No line tells of a failure" if lines else "Nothing was written"
        cli.notify(f"{what} since {since:%Y-%m-%d %H:%M} UTC. More: --since 3d")
    tell(shown)
    cli.print_result({"since": since, "lines": [{**asdict(line), "time": line.time.isoformat()} for line in shown]})
