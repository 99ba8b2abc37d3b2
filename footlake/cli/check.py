"""Options and help text of check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import Day, league_option, seasons_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("check")
@league_option
@seasons_option
@click.option("--fixture", "fixture_id", type=click.IntRange(1), metavar="ID", help="Show one fixture in detail.")
@click.option("--team", metavar="NAME", help="List a team's fixtures: its name or part of it, without accents.")
@click.option(
    "--week",
    "day",
    type=Day(),
    metavar="DATE",
    help="List the fixtures of the weekly run on this day: 7 days before it and 7 days from it.",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Check the data: what is missing and why, and whether the tables agree with the official ones.

    Without options, checks how fresh and complete each configured season is, duplicates, unknown values, and every
    table. With --fixture, --team or --week, shows how far each fixture has come, why it is not further, and what
    happens next.

    The command changes nothing and makes no request to API-Football. It exits with code 1 if something is missing that
    nothing explains. To check the system instead of the data, use doctor.
    """
    from footlake.commands import check

    check.run(cli, **options)
