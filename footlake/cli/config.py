"""Options and help text of config."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("config")
@pass_cli
def command(cli: CliContext) -> None:
    """Show every setting, its value and its origin: an option, an environment variable, the file, or the default."""
    from footlake.commands import config

    config.run(cli, click.get_current_context().find_root())
