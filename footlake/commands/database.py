"""database: start and stop the database, and show its state."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from footlake.cli_context import CliContext
from footlake.deploy.database_sleep import database_status, describe_database, require_database


@click.group("database")
def command() -> None:
    """Start and stop the MySQL database, and show its state.

    With the setting database = weekly, the database is stopped except for the weekly run. Commands that need it start
    it and stop it again.
    """


@command.command("start")
@click.pass_obj
def start(cli: CliContext) -> None:
    """Start the database and wait until it accepts connections.

    With the setting database = weekly, the schedule stops it at 0, 6, 12 or 18 o'clock UTC.
    """
    aws = cli.connect()
    server = require_database(aws.config)
    server.start(aws)
    server.address(aws)
    print_status(cli, read_only=False)


@command.command("stop")
@click.pass_obj
def stop(cli: CliContext) -> None:
    """Stop the database. Its data is kept.

    AWS charges for the storage of a stopped database only, and starts it after seven days.
    """
    aws = cli.connect()
    require_database(aws.config).stop(aws)
    print_status(cli, read_only=False)


@command.command("status")
@click.pass_obj
def status(cli: CliContext) -> None:
    """Show whether the database runs, and when it is started and stopped."""
    print_status(cli, read_only=True)


def print_status(cli: CliContext, read_only: bool) -> None:
    """Print the state of the database."""
    aws = cli.connect(read_only=read_only)
    state = database_status(aws, datetime.now(UTC))
    cli.output.print_result(state, map(cli.format_hint, describe_database(state)))
