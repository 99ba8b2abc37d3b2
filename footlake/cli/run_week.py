"""Options and help text of run-week."""

from __future__ import annotations

from typing import Any

import click

from footlake.cli_context import CliContext
from footlake.commands import STEPS
from footlake.commands.options import day_option, league_option, max_requests_option


@click.command("run-week")
@day_option
@league_option
@max_requests_option
@click.option("--from", "first", type=click.Choice(STEPS), default=STEPS[0], help="Start with this step.")
@click.pass_obj
def command(cli: CliContext, /, **options: Any) -> None:
    """Run the five weekly steps in order, from fetching fixtures to loading MySQL.

    A lake without a database has the first four. A database that sleeps is started for the last one.

    To run the same week again is safe: it changes only what API-Football has changed since.
    """
    from footlake.commands import run_week

    run_week.run(cli, **options)
