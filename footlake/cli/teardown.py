"""Options and help text of teardown."""

from __future__ import annotations

from typing import Any

import click

from footlake.cli_context import CliContext
from footlake.commands.options import all_option


@click.command("teardown")
@click.option("--yes", is_flag=True, help="Delete without confirmation.")
@click.option("--keep-data", is_flag=True, help="Keep the bucket of the data lake.")
@all_option
@click.pass_obj
def command(cli: CliContext, /, **options: Any) -> None:
    """Delete every resource of the lake, then check that nothing is left.

    Resources without the tag of the lake are kept.
    """
    from footlake.commands import teardown

    teardown.run(cli, **options)
