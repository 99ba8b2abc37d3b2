"""Options and help text of report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from footlake.cli.root import OUTPUT_FORMATS, pass_cli
from footlake.commands.options import NewFile, league_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


def complete_team(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names and codes of the teams in footlake's own list."""
    import csv
    from importlib.resources import files

    from footlake.football.names import fold

    with (files("footlake") / "data" / "teamcodes.csv").open(encoding="utf-8") as file:
        names = [name for _, *names in list(csv.reader(file))[1:] for name in names]
    return [CompletionItem(name) for name in names if fold(name).startswith(fold(incomplete))]


@click.command("report")
@click.option(
    "--season",
    type=click.IntRange(1800, 2200),
    metavar="YEAR",
    help="The season, by the year in which it begins. Default: the latest configured season that has results.",
)
@league_option
@click.option(
    "--weeks", is_flag=True, help="Show every team's matches and running totals by week instead of the table."
)
@click.option(
    "--team",
    metavar="NAME",
    shell_complete=complete_team,
    help="Show the weeks of one team only: its name, part of the name, or its code.",
)
@click.option(
    "--source",
    type=click.Choice(["lake", "mysql"]),
    help="Where to read from. Default: MySQL if it is awake, otherwise the lake's objects. mysql wakes it.",
)
@click.option("--html", type=NewFile(), help="Write an HTML page with charts to this file.")
@click.option(
    "--output",
    type=click.Choice(OUTPUT_FORMATS),
    help="Output format. csv is the table, or the weeks if --weeks or --team is given.",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Show the league table: actual and expected points and goals.

    The lake and MySQL have the same numbers after load-mysql.

    JSON output is one report with the table, the weeks, and the luckiest and unluckiest matches. For several leagues it
    is `{"reports": [...]}`. CSV output has the columns of the SQL views expected_table and team_weeks. The HTML page is
    one file that needs no network.
    """
    from footlake.commands import report

    report.run(cli, **options)
