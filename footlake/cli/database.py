"""Options and help text of database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.group("database")
def command() -> None:
    """Start and stop the MySQL database, and show its state.

    With the setting database = weekly, the database is stopped except for the weekly run. Commands that need it start
    it and stop it again.
    """


@command.command("start")
@pass_cli
def start(cli: CliContext) -> None:
    """Start the database and wait until it accepts connections.

    With the setting database = weekly, the schedule stops it at 0, 6, 12 or 18 o'clock UTC.
    """
    from footlake.commands import database

    database.start(cli)


@command.command("stop")
@pass_cli
def stop(cli: CliContext) -> None:
    """Stop the database. Its data is kept.

    AWS charges for the storage of a stopped database only, and starts it after seven days.
    """
    from footlake.commands import database

    database.stop(cli)


@command.command("status")
@pass_cli
def status(cli: CliContext) -> None:
    """Show whether the database runs, and when it is started and stopped."""
    from footlake.commands import database

    database.status(cli)
