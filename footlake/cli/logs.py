"""Options and help text of logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from footlake.cli.root import pass_cli
from footlake.commands.options import Since

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


class SourceName(click.ParamType[str]):
    """The name of a function, a job or a crawler, in any case."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from footlake.commands.logs import SOURCES

        sources = {source.lower(): source for source in SOURCES}
        if value.lower() not in sources:
            import difflib

            close = difflib.get_close_matches(value.lower(), sources, 1)
            hint = f"Did you mean {sources[close[0]]}?" if close else f"Valid names: {', '.join(SOURCES)}."
            self.fail(f"{value!r} is not a function, job or crawler of the lake. {hint}", param, ctx)
        return sources[value.lower()]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from footlake.commands.logs import SOURCES

        return [CompletionItem(name) for name in SOURCES if name.lower().startswith(incomplete.lower())]


@click.command("logs")
@click.argument("name", required=False, type=SourceName(), metavar="[FUNCTION|JOB]")
@click.option(
    "--since",
    type=Since(past=True),
    default="2h",
    show_default=True,
    help="Start: a duration such as 15m, 2h or 3d, or a time (UTC).",
)
@click.option("--follow", "follow_logs", is_flag=True, help="Wait for new lines until Ctrl-C.")
@click.option("--errors", is_flag=True, help="Show only errors, with their stack traces.")
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Show the logs of functions, Glue jobs, crawlers and SageMaker jobs in one stream, in time order (UTC).

    \b
    FUNCTION or JOB is one of: etlGetFixtures, etlGetStatistics, etlGetXGoals,
    hometeamstatistics, awayteamstatistics, dropids, mysqldbingestion,
    teamsmysqldbingestion, S3datalake, mysqldb, processing, training, transform.
    """
    from footlake.commands import logs

    logs.run(cli, **options)
