"""Options and help text of bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import all_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("bootstrap")
@click.option("--plan", "plan_only", is_flag=True, help="Show planned changes and their cost without making them.")
@all_option
@click.option("--alert-email", metavar="ADDRESS", help="Email address for alarms and budget alerts.")
@click.option(
    "--as-documented", is_flag=True, default=None, help="Follow the original walk-through wherever AWS still allows it."
)
@click.option("--yes", is_flag=True, help="Delete resources that the settings no longer need without confirmation.")
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Create every resource of the lake, or repair resources that differ from their settings.

    Run the command again after an interruption or a change of settings. Resources that are up to date stay unchanged.
    After a change of the setting database, resources that it no longer needs are deleted, after confirmation.
    """
    from footlake.commands import bootstrap

    bootstrap.run(cli, **options)
