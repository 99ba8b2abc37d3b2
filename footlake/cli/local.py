"""Options and help texts of local and its subcommands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from footlake.cli.root import pass_cli

if TYPE_CHECKING:
    from footlake.cli_context import CliContext

F = TypeVar("F", bound=Callable[..., Any])


class FolderParameter(click.Path):
    """A folder. The empty string, as of an unset shell variable, is an error and not the current folder."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Path:
        if not str(value):
            self.fail("The name of the folder is empty. Use '.' for the current folder.", parameter, context)
        return Path(value)


_dir_option = click.option(
    "--dir", "local_dir", type=FolderParameter(), help="Folder of the local AWS. Default: the setting local_dir."
)


@click.group("local")
@_dir_option
@click.pass_context
def command(context: click.Context, local_dir: Path | None) -> None:
    """Start, stop and configure the local AWS, an AWS emulator on this machine."""
    context.default_map = {name: {"local_dir": local_dir} for name in command.commands}


def _in_directory(cli: CliContext, local_dir: Path | None) -> CliContext:
    return cli.with_overrides(local_dir=str(local_dir)) if local_dir else cli


def _behaviour_options(command: F) -> F:
    """Add the options that configure the local football API."""
    options = (
        click.option("--plan", type=click.Choice(["pro", "free"]), help="Plan of API-Football to imitate."),
        click.option(
            "--per-minute",
            type=click.IntRange(1),
            metavar="N",
            help="Limit of requests per minute. Default: that of the plan.",
        ),
        click.option(
            "--per-day",
            type=click.IntRange(1),
            metavar="N",
            help="Limit of requests per day. Default: that of the plan.",
        ),
        click.option("--latency", type=click.FloatRange(0, 60), metavar="SECONDS", help="Delay of each response."),
        click.option(
            "--fail",
            "failures",
            multiple=True,
            metavar="KIND=RATE",
            help="Rate of a kind of failure, such as 5xx=0.1; repeatable. `local football --help` lists the kinds.",
        ),
        click.option("--seed", type=int, metavar="N", help="Seed of the random choice of requests that fail."),
        click.option(
            "--standings",
            type=click.File(encoding="utf-8-sig"),
            help="JSON file with deductions, groups, splits and rankings of computed standings, by season.",
        ),
        click.option("--well", is_flag=True, help="Reset to the pro plan without failures and without --standings."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@command.command("start")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Default: the last port, or a free one.")
@_dir_option
@click.option(
    "--recordings",
    type=FolderParameter(),
    help="Folder of recorded API-Football responses to replay. Applies until --simulate.",
)
@click.option("--simulate", is_flag=True, help="Use the simulated league instead of recordings.")
@_behaviour_options
@pass_cli
def start(cli: CliContext, local_dir: Path | None, **options: Any) -> None:
    """Start the local AWS, if it is not running, and show its status."""
    from footlake.commands import local

    local.start(_in_directory(cli, local_dir), **options)


@command.command("stop")
@_dir_option
@pass_cli
def stop(cli: CliContext, local_dir: Path | None) -> None:
    """Stop the local AWS and keep its data. If the data cannot be saved, it keeps running."""
    from footlake.commands import local

    local.stop(_in_directory(cli, local_dir))


@command.command("status")
@_dir_option
@pass_cli
def status(cli: CliContext, local_dir: Path | None) -> None:
    """Show addresses and settings of the local AWS. Exit with 1 if it is not running."""
    from footlake.commands import local

    local.status(_in_directory(cli, local_dir))


@command.command("clock", short_help="Show or set the clock of the local football API.")
@click.argument("date", required=False)
@_dir_option
@pass_cli
def clock(cli: CliContext, local_dir: Path | None, **options: Any) -> None:
    """Show the clock of the local football API, or set it to DATE (UTC) or `now`.

    DATE is a day such as 2020-09-15, which means 00:00, or a time such as 2020-09-15T18:00. Later matches are not
    played yet. With `now`, the clock follows the current time.
    """
    from footlake.commands import local

    local.clock(_in_directory(cli, local_dir), **options)


@command.command("football", short_help="Show or set the behaviour of the local football API.")
@_behaviour_options
@_dir_option
@pass_cli
def football(cli: CliContext, local_dir: Path | None, **options: Any) -> None:
    """Show or set the behaviour of the local football API: plan, quotas, latency and failures.

    \b
    Failures of requests:
      429, 499, 5xx, 204  this HTTP status
      timeout             no response
      cut                 the connection ends within the body
      html, truncated     a web page, or half of the JSON
      fields              a field is missing
      error               HTTP 200 with an error in the body
    \b
    Failures of a match's statistics:
      empty               no statistics
      one-sided           the statistics of one team only
      incoherent          numbers that contradict each other

    The same seed makes the same requests fail. The daily quota counts requests until the local AWS stops.

    Standings are those of the recordings, or computed from the fixtures. A file such as
    {"39-2023": {"deductions": {"45": 8}}} changes the rules; see docs/local-aws.md.
    """
    from footlake.commands import local

    local.football(_in_directory(cli, local_dir), **options)
