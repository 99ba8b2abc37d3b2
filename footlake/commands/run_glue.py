"""run-glue: the Spark jobs that make one row per team and fixture, and the crawler that catalogues them."""

from __future__ import annotations

from dataclasses import dataclass

import click

from footlake.aws import AwsContext
from footlake.aws_jobs import run_crawler, run_glue_jobs
from footlake.cli_context import CliContext


@dataclass(frozen=True)
class RanGlue:
    """The runs, and the tables of the catalog."""

    runs: list[str]
    tables: list[str]


def run_glue(aws: AwsContext) -> RanGlue:
    """Bring the team rows and the catalog up to date with the fixtures and statistics."""
    runs = run_glue_jobs(aws, "hometeamstatistics", "awayteamstatistics")
    run_crawler(aws, "S3datalake")
    pages = aws.client("glue").get_paginator("get_tables").paginate(DatabaseName=aws.config.database)
    return RanGlue(runs, sorted(table["Name"] for page in pages for table in page["TableList"]))


@click.command("run-glue")
@click.pass_obj
def command(cli: CliContext) -> None:
    """Make one row per team and fixture, and crawl the lake.

    Only what changed since the last run is read and written.
    """
    done = run_glue(cli.connect())
    cli.print_result(
        done,
        [
            "glue jobs hometeamstatistics and awayteamstatistics succeeded",
            f"catalog tables: {', '.join(done.tables)}",
        ],
    )
