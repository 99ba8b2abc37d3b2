"""Options and help text of run-glue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("run-glue")
@pass_cli
def command(cli: CliContext) -> None:
    """Write one row per team and fixture with Spark, then update the Glue catalog.

    Reads and writes only the objects that changed since the last run.
    """
    from footlake.commands import run_glue

    run_glue.run(cli)
