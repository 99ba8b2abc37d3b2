"""Options and help text of load-mysql."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("load-mysql")
@pass_cli
def command(cli: CliContext) -> None:
    """Load fixtures, expected goals, league tables and teams into MySQL.

    Loads only parts of the lake that changed since the last load. A changed fixture replaces its row.
    """
    from footlake.commands import load_mysql

    load_mysql.run(cli)
