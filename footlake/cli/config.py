"""Options and help text of config."""

from __future__ import annotations

import click


@click.command("config")
@click.pass_context
def command(context: click.Context) -> None:
    """Show every setting, its value and its origin: an option, an environment variable, the file, or the default."""
    from footlake.commands import config

    config.run(context)
