"""Options and help text of teardown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import all_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("teardown")
@click.option("--yes", is_flag=True, help="Delete without confirmation.")
@click.option("--keep-data", is_flag=True, help="Keep the bucket of the data lake.")
@all_option
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Delete every resource of the lake, then check that nothing is left.

    Resources without the tag of the lake are kept.
    """
    from footlake.commands import teardown

    teardown.run(cli, **options)
