"""Options and help text of ingest-stats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import Since, day_option, league_option, max_requests_option, seasons_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext

EVERYTHING = datetime.max.replace(tzinfo=UTC)  # every statistic was fetched before this time


@click.command("ingest-stats")
@day_option
@seasons_option
@league_option
@max_requests_option
@click.option(
    "--refresh",
    type=Since(),
    is_flag=False,
    flag_value=EVERYTHING,
    metavar="[TIME]",
    help="Fetch all statistics again. With TIME, only those last fetched before it, to continue such a run.",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Fetch the statistics of played fixtures: those of the week of --date, or of whole seasons.

    New fixtures in the lake start the same work automatically. This command waits for it and completes it.

    It requests the fixtures whose statistics are not in the lake. It requests again those that ended less than 8 days
    before their fixtures were last fetched, and, after 12 hours and at most five times, those with empty or
    inconsistent statistics.
    """
    from footlake.commands import ingest_stats

    ingest_stats.run(cli, **options)
