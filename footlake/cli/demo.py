"""Options and help text of demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("demo")
@pass_cli
def command(cli: CliContext) -> None:
    """Run the whole pipeline on the local AWS and print the league table.

    Loads two seasons of the first league, trains a model and fills MySQL. Each step is the command of the same name,
    with the same calls as on AWS.
    """
    from footlake.commands import demo

    demo.run(cli)
