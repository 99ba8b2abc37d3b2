"""Options and help text of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("models")
@pass_cli
def command(cli: CliContext) -> None:
    """List the trained models, newest first, and mark the one in use.

    The JSON output also has the features, versions and evaluations of the models.
    """
    from footlake.commands import models

    models.run(cli)
