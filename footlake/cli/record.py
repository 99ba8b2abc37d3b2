"""Options and help text of record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import league_option, max_requests_option

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


@click.command("record")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--season",
    "seasons",
    type=click.IntRange(1800, 2200),
    metavar="YEAR",
    multiple=True,
    help="Year in which the season begins; repeatable. Default: the setting season.",
)
@league_option
@max_requests_option
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Record seasons from API-Football into FOLDER, for `footlake local start --recordings FOLDER`.

    Saves only responses; your API key is not in them. Needs no AWS account.

    If the quota is used up, run the command again later to continue. Later in the season, run it again to record new
    matches. Statistics that are recorded already are not requested again.
    """
    from footlake.commands import record

    record.run(cli, **options)
