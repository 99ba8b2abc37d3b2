"""Options and help text of transform-xgoals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


def model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of models; return an empty list if the lake cannot be read."""
    from footlake.cli_context import CliContext
    from footlake.model import registry

    cli = CliContext.from_options(**context.find_root().params)
    try:
        records = registry.list_records(cli.connect(read_only=True)) if cli.is_running() else []
    except Exception:  # the shell cannot show an error during completion
        return []
    return [CompletionItem(record.model) for record in records if record.model.startswith(incomplete)]


@click.command("transform-xgoals")
@click.option(
    "--model",
    metavar="NAME",
    shell_complete=model_names,
    help="Use this model from now on. The command models lists the trained models.",
)
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Compute the expected goals of team rows that are new, changed, or scored by another model.

    Runs a SageMaker batch transform. A model that was trained on this machine scores on this machine.
    """
    from footlake.commands import transform_xgoals

    transform_xgoals.run(cli, **options)
