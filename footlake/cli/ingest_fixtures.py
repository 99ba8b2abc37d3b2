"""Options and help text of ingest-fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import day_option, league_option, max_requests_option, seasons_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("ingest-fixtures")
@day_option
@seasons_option
@league_option
@max_requests_option
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Fetch fixtures into the lake: the week of --date, or whole seasons.

    New fixtures in the lake start etlGetStatistics, which fetches their statistics. With --max-requests they do not,
    so that no other requests are made; run ingest-stats afterwards.
    """
    from footlake.commands import ingest_fixtures

    ingest_fixtures.run(cli, **options)
