"""metrics: how often functions, jobs, transforms and trainings ran and failed, how long they took, what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import click
from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.commands.options import Since
from footlake.deploy import costs
from footlake.deploy.catalogue import catalogue
from footlake.resources.base import get_or_none, is_denied
from footlake.resources.glue import GlueJob
from footlake.resources.lambdas import LambdaFunction

HOUR = 3600
NO_JOB = "there is no such job (any more), and Glue forgets a job's runs with the job"


@dataclass(frozen=True)
class Metric:
    """One function, job or kind of job: its runs, how many failed, seconds, and USD (None: of unknown price)."""

    what: str
    runs: int
    failed: int
    average: float | None
    longest: float | None
    cost: float | None


@dataclass(frozen=True)
class Unknown:
    """What cannot be told, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Metrics:
    """What ran since then, and its price on AWS in USD; crawlers, what stands there and `unknown` are not in it."""

    since: datetime
    runs: list[Metric]
    cost: float
    as_of: str
    unknown: list[Unknown]


def metrics(aws: AwsContext, since: datetime, now: datetime) -> Metrics:
    """Ask CloudWatch about the functions, Glue and SageMaker about their jobs."""
    resources = catalogue(aws.config)
    functions = [one for one in resources if isinstance(one, LambdaFunction)]
    rows: list[Metric] = []
    unknown: list[Unknown] = []

    def ask(names: Sequence[str], question: Callable[[], Iterable[Metric]]) -> None:
        try:
            rows.extend(question())
        except ClientError as error:
            if not is_denied(error):
                raise
            unknown.extend(Unknown(name, f"AWS does not allow {error.operation_name}") for name in names)

    ask([one.name for one in functions], partial(_functions, aws, functions, since, now))
    jobs = [one.name for one in resources if isinstance(one, GlueJob)]
    for job in jobs:
        ask([job], partial(_job, aws, job, since))
    told = {row.what for row in rows} | {one.what for one in unknown}
    unknown += [Unknown(job, NO_JOB) for job in jobs if job not in told]
    ask(["transform"], lambda: [_transforms(aws, since)])
    ask(["training"], lambda: [_trainings(aws, since)])
    return Metrics(since, rows, sum(row.cost or 0 for row in rows), costs.AS_OF, unknown)


def _functions(
    aws: AwsContext, functions: Sequence[LambdaFunction], since: datetime, now: datetime
) -> Iterator[Metric]:
    wanted = [
        (one, name, statistic)
        for one in functions
        for name, statistic in (
            ("Invocations", "Sum"),
            ("Errors", "Sum"),
            ("Duration", "Sum"),
            ("Duration", "SampleCount"),
            ("Duration", "Maximum"),
        )
    ]
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": name,
                    "Dimensions": [{"Name": "FunctionName", "Value": one.name}],
                },
                "Period": HOUR,
                "Stat": statistic,
            },
        }
        for number, (one, name, statistic) in enumerate(wanted)
    ]
    pages = aws.client("cloudwatch").get_paginator("get_metric_data")
    values: dict[str, list[float]] = {}
    # The present minute is not over.
    for page in pages.paginate(MetricDataQueries=queries, StartTime=since, EndTime=now + timedelta(minutes=1)):
        for result in page["MetricDataResults"]:
            values.setdefault(result["Id"], []).extend(result["Values"])
    of = {
        (one.name, name, statistic): values.get(f"q{number}", [])
        for number, (one, name, statistic) in enumerate(wanted)
    }
    for one in functions:
        total, count = sum(of[one.name, "Duration", "Sum"]) / 1000, sum(of[one.name, "Duration", "SampleCount"])
        longest = of[one.name, "Duration", "Maximum"]
        runs = int(sum(of[one.name, "Invocations", "Sum"]))
        yield Metric(
            one.name,
            runs,
            int(sum(of[one.name, "Errors", "Sum"])),
            total / count if count else None,
            max(longest) / 1000 if longest else None,
            costs.invocations_price(runs, total, one.memory),
        )


def _job(aws: AwsContext, name: str, since: datetime) -> Iterator[Metric]:
    """One, if there is such a job."""
    glue = aws.client("glue")
    if get_or_none(glue.get_job, "EntityNotFoundException", JobName=name) is None:
        return
    pages = glue.get_paginator("get_job_runs").paginate(JobName=name)
    runs = _recent(pages, "JobRuns", "StartedOn", since)
    seconds = [float(run.get("ExecutionTime", 0)) for run in runs]
    failed = sum(run["JobRunState"] in ("FAILED", "TIMEOUT", "ERROR") for run in runs)
    workers = [int(run.get("NumberOfWorkers", 2)) for run in runs]
    yield _summary(name, seconds, failed, sum(map(costs.job_run_price, seconds, workers)))


def _transforms(aws: AwsContext, since: datetime) -> Metric:
    pages = aws.client("sagemaker").get_paginator("list_transform_jobs")
    jobs = list(_named(aws, pages, "TransformJobSummaries", since))
    seconds = [_seconds(job, "TransformEndTime") for job in jobs]
    failed = sum(job["TransformJobStatus"] == "Failed" for job in jobs)
    return _summary("transform", seconds, failed, costs.transforms_price(sum(seconds), aws.config.transform_instance))


def _trainings(aws: AwsContext, since: datetime) -> Metric:
    pages = aws.client("sagemaker").get_paginator("list_auto_ml_jobs")
    jobs = list(_named(aws, pages, "AutoMLJobSummaries", since))
    seconds = [_seconds(job, "EndTime") for job in jobs]
    failed = sum(job["AutoMLJobStatus"] == "Failed" for job in jobs)
    cost = sum(costs.autopilot_price(aws.config.max_candidates, int(one))[0] for one in seconds)
    return _summary("training", seconds, failed, cost)


def _named(aws: AwsContext, pages: Any, key: str, since: datetime) -> Iterator[dict[str, Any]]:
    """The lake's own of SageMaker's jobs, by their names."""
    asked = pages.paginate(NameContains=f"{aws.config.model}-", CreationTimeAfter=since)
    return (job for page in asked for job in page[key])


def _recent(pages: Any, key: str, started: str, since: datetime) -> list[dict[str, Any]]:
    """The runs since then; the newest come first."""
    recent: list[dict[str, Any]] = []
    for page in pages:
        runs = [run for run in page[key] if run[started] >= since]
        recent += runs
        if len(runs) < len(page[key]):
            break
    return recent


def _seconds(job: dict[str, Any], ended: str) -> float:
    end = job.get(ended) or datetime.now(UTC)
    return max(0.0, float((end - job["CreationTime"]).total_seconds()))


def _summary(what: str, seconds: Sequence[float], failed: int, cost: float | None) -> Metric:
    average = sum(seconds) / len(seconds) if seconds else None
    return Metric(what, len(seconds), failed, average, max(seconds, default=None), cost)


def table(done: Metrics, mark: Callable[[str, str], str] = lambda text, colour: text) -> Iterator[str]:
    """The metrics for people; `mark` colours what failed."""
    yield f"{'':<22}{'runs':>6}{'failed':>8}{'average':>10}{'longest':>10}{'USD':>9}"
    for row in done.runs:
        times = "".join(f"{'' if one is None else f'{one:.1f} s':>10}" for one in (row.average, row.longest))
        failed = f"{row.failed or '':>8}"
        cost = "?" if row.cost is None else f"{row.cost:.4f}"
        yield f"{row.what:<22}{row.runs:>6}{mark(failed, 'red') if row.failed else failed}{times}{cost:>9}"
    yield f"since {done.since:%Y-%m-%d %H:%M} UTC about {done.cost:.2f} USD on AWS, crawlers aside ({done.as_of})"
    for reason, those in groupby(done.unknown, lambda one: one.reason):
        yield f"not in it: {', '.join(one.what for one in those)}: {reason}"


@click.command("metrics")
@click.option(
    "--since", type=Since(past=True), default="7d", show_default=True, help="2h, 3d, 1w ago, or a time (UTC)."
)
@click.pass_obj
def command(cli: CliContext, since: datetime) -> None:
    """How often functions, Glue jobs, batch transforms and trainings ran and failed, how long they took, their cost.

    Costs are estimates from a dated price table, without the free tier.
    """
    done = metrics(cli.connect(), since, datetime.now(UTC))
    cli.print_result(done, table(done, cli.style))
