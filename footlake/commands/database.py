"""database: start and stop the database, and show its state."""

from __future__ import annotations

from datetime import UTC, datetime

from footlake.cli_context import CliContext
from footlake.deploy.database_sleep import database_status, describe_database, require_database


def start(cli: CliContext) -> None:
    """Start the database, wait until it accepts connections, and print its state."""
    aws = cli.connect()
    server = require_database(aws.config)
    server.start(aws)
    server.address(aws)
    print_status(cli, read_only=False)


def stop(cli: CliContext) -> None:
    """Stop the database and print its state."""
    aws = cli.connect()
    require_database(aws.config).stop(aws)
    print_status(cli, read_only=False)


def status(cli: CliContext) -> None:
    """Print the state of the database."""
    print_status(cli, read_only=True)


def print_status(cli: CliContext, read_only: bool) -> None:
    """Print the state of the database."""
    aws = cli.connect(read_only=read_only)
    state = database_status(aws, datetime.now(UTC))
    cli.output.print_result(state, map(cli.format_hint, describe_database(state)))
