"""Options and help text of status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import all_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("status")
@all_option
@click.option(
    "--cost",
    "ask_cost_explorer",
    is_flag=True,
    help="Read the month's cost from Cost Explorer, at 0.01 USD per request, not from the lake's own records.",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Show the state of resources, the next scheduled runs, the last runs and the month's cost so far.

    A resource is present, drifted (its settings differ) or absent. The command changes nothing.
    """
    from footlake.commands import status

    status.run(cli, **options)
