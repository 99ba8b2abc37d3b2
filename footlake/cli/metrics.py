"""Options and help text of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import Since

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("metrics")
@click.option(
    "--since",
    type=Since(past=True),
    default="7d",
    show_default=True,
    help="Start: a duration such as 2h, 3d or 1w, or a time (UTC).",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Show the number, failures, duration and cost of runs of functions, Glue jobs, crawlers, transforms and trainings.

    Runs before the latest bootstrap are not counted. Costs are computed from what AWS reports as used and
    from a dated price table, without the free tier.
    """
    from footlake.commands import metrics

    metrics.run(cli, **options)
