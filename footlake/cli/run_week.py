"""Options and help text of run-week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands import STEPS
from footlake.commands.options import day_option, league_option, max_requests_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("run-week")
@day_option
@league_option
@max_requests_option
@click.option("--from", "first", type=click.Choice(STEPS), default=STEPS[0], help="Start with this step.")
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Run the five weekly steps in order, from fetching fixtures to loading MySQL.

    A lake without a database has the first four. A database that sleeps is started for the last one.

    To run the same week again is safe: it changes only what API-Football has changed since.
    """
    from footlake.commands import run_week

    run_week.run(cli, **options)
