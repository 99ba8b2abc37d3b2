"""status: print the state of each resource, the next scheduled times, and the results of the last runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.aws_jobs import format_count
from footlake.cli_context import CliContext
from footlake.config import TAG
from footlake.deploy.catalogue import catalogue
from footlake.deploy.cost_explorer import BilledCost, billed_this_month
from footlake.deploy.database_sleep import DatabaseStatus, database_status, describe_database
from footlake.deploy.executor import OnStep, Step, ignore_step
from footlake.deploy.plan import plan_change, plan_resources
from footlake.deploy.public_ip import public_address, with_client_address
from footlake.deploy.schedule import next_run
from footlake.deploy.summary import format_step, summarise_services
from footlake.deploy.tag_inventory import discover
from footlake.deploy.usage import MonthCost, month_to_date
from footlake.errors import FootlakeCommand, FootlakeError, Hint
from footlake.resources.base import Resource
from footlake.resources.glue import GlueCrawler, GlueJob
from footlake.resources.network import SecurityGroup
from footlake.resources.sagemaker import SageMakerModels

# State by the change that bootstrap would make.
STATES = {"create": "absent", "update": "drifted", "unchanged": "present"}
AWS_FAILURES = (ClientError, BotoCoreError, FootlakeError)


@dataclass(frozen=True)
class ScheduledResource:
    """A resource with a schedule, and the time at which that fires next (UTC), None if it never does."""

    resource: str
    expression: str
    next: datetime | None


@dataclass(frozen=True)
class LastRun:
    """The result of the last run. AWS reports only the beginning of a crawl, not its end."""

    resource: str
    ended: datetime | None
    outcome: str
    began: datetime | None = None


@dataclass(frozen=True)
class LakeStatus:
    """The state of the lake; the outcome of each step is a resource's state.

    `database` is None for a lake without one, and if its state cannot be read. `cost` is that of the month so far. It
    is None without a lake, or if it cannot be read.
    """

    resources: list[Step]
    schedules: list[ScheduledResource]
    runs: list[LastRun]
    database: DatabaseStatus | None = None
    cost: MonthCost | BilledCost | None = None


def status(
    aws: AwsContext,
    now: datetime,
    address: Callable[[], str] = public_address,
    on_step: OnStep = ignore_step,
    ask_cost_explorer: bool = False,
) -> LakeStatus:
    """Read the state of everything. The session of `aws` must block changes; `address` returns this machine's.

    `ask_cost_explorer` reads the cost from AWS's bill, for which AWS bills the request, instead of the lake's records.
    """
    cost: MonthCost | BilledCost | None = None
    if ask_cost_explorer:
        cost = billed_this_month(aws, now)
    else:
        with suppress(*AWS_FAILURES):
            cost = month_to_date(aws, now)
    with suppress(FootlakeError):  # without an address, the security group counts as present if it exists
        with_client_address(aws, address)
    resources = catalogue(aws.config)
    discover(aws)
    steps = plan_resources(aws, resources, _state, on_step)
    schedules = [
        ScheduledResource(resource.label, expression, next_run(expression, now))
        for resource in resources
        if (expression := getattr(resource, "schedule", ""))
    ]
    readers: list[tuple[str, Callable[[], LastRun | None]]] = [
        *((resource.label, partial(_last_run, aws, resource)) for resource in resources),
        ("training", partial(_last_training, aws)),
        ("transform", partial(_last_transform, aws)),
    ]
    runs = [run for label, read in readers if (run := _read_run(label, read))]
    return LakeStatus(steps, schedules, runs, _database(aws, now), cost)


def _database(aws: AwsContext, now: datetime) -> DatabaseStatus | None:
    """Return the state of the database, if the lake has one."""
    if aws.config.database == "none":
        return None
    try:
        state = database_status(aws, now)
    except AWS_FAILURES:  # the state of the resource has the reason
        return None
    return None if state.status == "absent" else state


def _state(aws: AwsContext, resource: Resource) -> str:
    """Return the state of a resource: one of STATES, `none yet`, or `problem: …`."""
    try:
        if isinstance(resource, SageMakerModels):  # training creates these, not bootstrap
            return "present" if resource.exists(aws) else "none yet"
        if isinstance(resource, SecurityGroup) and not resource.client_address:
            return "present" if resource.exists(aws) else "absent"
    except AWS_FAILURES as error:
        return f"problem: {error}"
    change = plan_change(aws, resource)
    return STATES.get(change, change)


def _read_run(label: str, read: Callable[[], LastRun | None]) -> LastRun | None:
    """Return the last run; one that AWS does not let us read has the error as its outcome."""
    try:
        return read()
    except AWS_FAILURES as error:
        return LastRun(label, None, f"problem: {error}")


def _last_run(aws: AwsContext, resource: Resource) -> LastRun | None:
    glue = aws.client("glue")
    if isinstance(resource, GlueJob):
        answer = get_or_none(glue.get_job_runs, "EntityNotFoundException", JobName=resource.name, MaxResults=1)
        if answer and answer["JobRuns"]:
            run = answer["JobRuns"][0]
            return LastRun(resource.label, run.get("CompletedOn"), run["JobRunState"], run.get("StartedOn"))
    if isinstance(resource, GlueCrawler):
        answer = get_or_none(glue.get_crawler, "EntityNotFoundException", Name=resource.name)
        last: dict[str, Any] = (answer or {"Crawler": {}})["Crawler"].get("LastCrawl", {})
        if last:
            return LastRun(resource.label, None, last.get("Status", ""), last.get("StartTime"))
    return None


def _last_training(aws: AwsContext) -> LastRun | None:
    for job in aws.client("sagemaker").list_auto_ml_jobs(**_newest(aws))["AutoMLJobSummaries"]:
        label = f"training {job['AutoMLJobName']}"
        return LastRun(label, job.get("EndTime"), job["AutoMLJobStatus"], job.get("CreationTime"))
    return None


def _last_transform(aws: AwsContext) -> LastRun | None:
    for job in aws.client("sagemaker").list_transform_jobs(**_newest(aws))["TransformJobSummaries"]:
        label = f"transform {job['TransformJobName']}"
        return LastRun(label, job.get("TransformEndTime"), job["TransformJobStatus"], job.get("CreationTime"))
    return None


def _newest(aws: AwsContext) -> dict[str, Any]:
    """Return the arguments with which SageMaker lists only the newest job of the lake."""
    return {
        "NameContains": f"{aws.config.model}-",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 1,
    }


def format_run(run: LastRun) -> str:
    """Return the line of a last run: when it ended, or if that is not known, when it began."""
    when = f"{moment:%Y-%m-%d %H:%M}" if (moment := run.ended or run.began) else ""
    began = " (start time)" if run.began and not run.ended else ""
    return f"{when:<17} {run.outcome:<10} {run.resource}{began}"


def format_schedule(schedule: ScheduledResource, season: int) -> str:
    """Return the line of a schedule. `season` is the last one of the lake, after which a schedule ends."""
    ended = f"ended with season {season}/{(season + 1) % 100:02d}"
    when = f"{schedule.next:%Y-%m-%d %H:%M} UTC" if schedule.next else ended
    return f"{when:<26} {schedule.resource}"


def _lake_exists(steps: Sequence[Step]) -> bool:
    """Return whether any resource is not absent."""
    return any(step.outcome not in ("absent", "none yet") for step in steps)


def _resource_lines(steps: Sequence[Step], resources: Sequence[Resource], list_all: bool) -> Iterator[str]:
    """Yield every resource, or a line per service and the resources that are not present."""
    if list_all:
        yield from map(format_step, steps)
        return
    yield from summarise_services(resources, steps)
    if not _lake_exists(steps):
        return
    if listed := [step for step in steps if step.outcome != "present"]:
        yield ""
        yield from map(format_step, listed)


def _hint(cli: CliContext, steps: Sequence[Step]) -> str:
    """Return what to do about resources that are absent or drifted, if any are."""
    if not _lake_exists(steps):
        return cli.format_hint(Hint("The lake does not exist. Create it with: ", FootlakeCommand("bootstrap")))
    if any(step.outcome in ("absent", "drifted") for step in steps):
        return cli.format_hint(Hint("Repair the lake with: ", FootlakeCommand("bootstrap")))
    return ""


def format_month_cost(cost: MonthCost | BilledCost, lake: str) -> Iterator[str]:
    """Yield the lines on the cost of the month so far."""
    if isinstance(cost, MonthCost):
        parts = f"{cost.standing:.2f} resources, {cost.runs:.2f} runs"
        yield f"About {cost.cost:.2f} USD on AWS since {cost.since:%Y-%m-%d %H:%M} UTC, by the lake's records: {parts}"
        yield f"Prices: {cost.as_of}"
        if missing := ", ".join(metric.what for metric in cost.unknown):
            yield f"Not included, because it cannot be read: {missing}"
        return
    state = ", not final" if cost.estimated else ""
    yield f"{cost.cost:.2f} USD since {cost.since}, by Cost Explorer, which is up to a day behind{state}"
    yield from (f"{item.cost:9.2f}  {item.service}" for item in cost.services)
    yield f"AWS bills {format_count(cost.requests, 'request')} to Cost Explorer at {cost.request_price:.2f} USD each"
    if not cost.services:
        yield f"Cost Explorer has no cost with the tag {TAG}={lake}. In the Billing console, activate {TAG} as a cost"
        yield "allocation tag; costs have the tag from then on."


def run(cli: CliContext, list_all: bool, ask_cost_explorer: bool) -> None:
    """Print the state of the lake."""
    aws = cli.connect(read_only=True)
    resources = catalogue(aws.config)
    with cli.output.progress.counting(len(resources), "resources checked") as advance:
        lake = status(aws, datetime.now(UTC), on_step=lambda step: advance(), ask_cost_explorer=ask_cost_explorer)
    lines = ["Resources", *_resource_lines(lake.resources, resources, list_all)]
    lines += ["", hint] if (hint := _hint(cli, lake.resources)) else []
    if _lake_exists(lake.resources):
        lines += ["", "Next runs", *(format_schedule(schedule, aws.config.season) for schedule in lake.schedules)]
    if lake.database and (lake.database.setting == "weekly" or not lake.database.awake):
        lines += ["", "Database", *map(cli.format_hint, describe_database(lake.database))]
    if lake.runs:
        lines += ["", "Last runs (UTC)", *map(format_run, lake.runs)]
    if lake.cost:
        lines += ["", "Cost this month", *format_month_cost(lake.cost, aws.config.lake)]
    cli.output.print_result(lake, lines)
