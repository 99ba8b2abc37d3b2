"""status: print the state of each resource, the next scheduled times, and the results of the last runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.cli_context import CliContext
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import Step
from footlake.deploy.plan import plan_change, plan_resources
from footlake.deploy.public_ip import public_address, with_client_address
from footlake.deploy.schedule import next_run
from footlake.deploy.tag_inventory import discover
from footlake.errors import FootlakeError
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
    """The state of the lake; the outcome of each step is a resource's state."""

    resources: list[Step]
    schedules: list[ScheduledResource]
    runs: list[LastRun]


def status(aws: AwsContext, now: datetime, address: Callable[[], str] = public_address) -> LakeStatus:
    """Read the state of everything. The session of `aws` must block changes; `address` returns this machine's."""
    with suppress(FootlakeError):  # without an address, the security group counts as present if it exists
        with_client_address(aws, address)
    resources = catalogue(aws.config)
    discover(aws)
    steps = plan_resources(aws, resources, _state)
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
    return LakeStatus(steps, schedules, runs)


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
    began = " (time of its beginning)" if run.began and not run.ended else ""
    return f"{when:<17} {run.outcome:<10} {run.resource}{began}"


def format_schedule(schedule: ScheduledResource) -> str:
    """Return the line of a schedule."""
    when = f"{schedule.next:%Y-%m-%d %H:%M} UTC" if schedule.next else "over"
    return f"{when:<21} {schedule.resource}"


@click.command("status")
@click.pass_obj
def command(cli: CliContext) -> None:
    """Each resource (present, drifted, absent), when the schedules fire next, how the last runs ended.

    Changes nothing.
    """
    lake = status(cli.connect(read_only=True), datetime.now(UTC))
    lines = [f"{step.outcome:<10} {step.resource}" for step in lake.resources]
    lines += ["", *map(format_schedule, lake.schedules)]
    if lake.runs:
        lines += ["", *map(format_run, lake.runs)]
    cli.output.print_result(lake, lines)
