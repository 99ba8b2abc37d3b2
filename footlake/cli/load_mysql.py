"""Options and help text of load-mysql."""

from __future__ import annotations

import click

from footlake.cli_context import CliContext


@click.command("load-mysql")
@click.pass_obj
def command(cli: CliContext) -> None:
    """Load fixtures, expected goals, league tables and teams into MySQL.

    Loads only parts of the lake that changed since the last load. A changed fixture replaces its row.
    """
    from footlake.commands import load_mysql

    load_mysql.run(cli)
