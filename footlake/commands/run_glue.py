"""run-glue: run the Spark jobs that make one row per team and fixture, then the crawler that catalogues the rows."""

from __future__ import annotations

from dataclasses import dataclass

from footlake.aws import AwsContext
from footlake.aws_jobs import run_crawler, run_glue_jobs
from footlake.cli_context import CliContext


@dataclass(frozen=True)
class GlueResult:
    """The ids of the job runs, and the names of the tables in the Glue catalog."""

    runs: list[str]
    tables: list[str]


def run_glue(aws: AwsContext) -> GlueResult:
    """Update the team rows and the catalog from the fixtures and statistics in the lake."""
    runs = run_glue_jobs(aws, "hometeamstatistics", "awayteamstatistics")
    run_crawler(aws, "S3datalake")
    pages = aws.client("glue").get_paginator("get_tables").paginate(DatabaseName=aws.config.glue_database)
    return GlueResult(runs, sorted(table["Name"] for page in pages for table in page["TableList"]))


def run(cli: CliContext) -> None:
    """Run the Glue jobs and the crawler and print the result."""
    result = run_glue(cli.connect())
    cli.output.print_result(
        result,
        [
            "Glue jobs hometeamstatistics and awayteamstatistics succeeded",
            f"tables in the Glue catalog: {', '.join(result.tables) or 'none'}",
        ],
    )
