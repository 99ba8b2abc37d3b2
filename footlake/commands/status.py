"""status: each resource as it is, when the schedules fire next, how the last runs ended."""

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
from footlake.cli_context import CliContext
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import Step
from footlake.deploy.plan import plan_change, plan_resources
from footlake.deploy.public_ip import public_address, with_client_address
from footlake.deploy.schedule import next_run
from footlake.deploy.tag_inventory import discover
from footlake.errors import FootlakeError
from footlake.resources.base import Resource, get_or_none
from footlake.resources.glue import GlueCrawler, GlueJob
from footlake.resources.network import SecurityGroup
from footlake.resources.sagemaker import SageMakerModels

STATES = {"create": "absent", "update": "drifted", "unchanged": "present"}
_REFUSALS = (ClientError, BotoCoreError, FootlakeError)


@dataclass(frozen=True)
class Schedule:
    """A schedule and when it fires next (UTC), if it still does."""

    resource: str
    expression: str
    next: datetime | None


@dataclass(frozen=True)
class Run:
    """How something ended last; of a crawl, AWS tells only when it began."""

    resource: str
    ended: datetime | None
    outcome: str
    began: datetime | None = None


@dataclass(frozen=True)
class LakeStatus:
    """The lake as it is."""

    resources: list[Step]
    schedules: list[Schedule]
    runs: list[Run]


def status(aws: AwsContext, now: datetime, address: Callable[[], str] = public_address) -> LakeStatus:
    """Look at everything; the lake's session holds back changes. `address` tells this machine's."""
    with suppress(FootlakeError):  # the group is not said to have drifted, then
        with_client_address(aws, address)
    resources = catalogue(aws.config)
    discover(aws)

    def state(aws: AwsContext, resource: Resource) -> str:
        try:
            if isinstance(resource, SageMakerModels):  # which training makes, not bootstrap
                return "present" if resource.exists(aws) else "none yet"
            if isinstance(resource, SecurityGroup) and not resource.client_address:
                return "present" if resource.exists(aws) else "absent"
        except _REFUSALS as error:
            return f"problem: {error}"
        outcome = plan_change(aws, resource)
        return STATES.get(outcome, outcome)

    steps = plan_resources(aws, resources, state)
    schedules = [
        Schedule(one.label, expression, next_run(expression, now))
        for one in resources
        if (expression := getattr(one, "schedule", ""))
    ]
    runs = [
        run
        for label, last in [
            *((one.label, partial(_last_run, aws, one)) for one in resources),
            ("training", partial(_last_training, aws)),
            ("transform", partial(_last_transform, aws)),
        ]
        if (run := _told(label, last))
    ]
    return LakeStatus(steps, schedules, runs)


def _told(label: str, last: Callable[[], Run | None]) -> Run | None:
    """The last run; what AWS refuses to tell is told in its place."""
    try:
        return last()
    except _REFUSALS as error:
        return Run(label, None, f"problem: {error}")


def _last_run(aws: AwsContext, resource: Resource) -> Run | None:
    glue = aws.client("glue")
    if isinstance(resource, GlueJob):
        answer = get_or_none(glue.get_job_runs, "EntityNotFoundException", JobName=resource.name, MaxResults=1)
        if answer and answer["JobRuns"]:
            run = answer["JobRuns"][0]
            return Run(resource.label, run.get("CompletedOn"), run["JobRunState"], run.get("StartedOn"))
    if isinstance(resource, GlueCrawler):
        answer = get_or_none(glue.get_crawler, "EntityNotFoundException", Name=resource.name)
        last: dict[str, Any] = (answer or {"Crawler": {}})["Crawler"].get("LastCrawl", {})
        if last:
            return Run(resource.label, None, last.get("Status", ""), last.get("StartTime"))
    return None


def _last_training(aws: AwsContext) -> Run | None:
    for job in aws.client("sagemaker").list_auto_ml_jobs(**_newest(aws))["AutoMLJobSummaries"]:
        label = f"training {job['AutoMLJobName']}"
        return Run(label, job.get("EndTime"), job["AutoMLJobStatus"], job.get("CreationTime"))
    return None


def _last_transform(aws: AwsContext) -> Run | None:
    for job in aws.client("sagemaker").list_transform_jobs(**_newest(aws))["TransformJobSummaries"]:
        label = f"transform {job['TransformJobName']}"
        return Run(label, job.get("TransformEndTime"), job["TransformJobStatus"], job.get("CreationTime"))
    return None


def _newest(aws: AwsContext) -> dict[str, Any]:
    """What asks SageMaker for the last one alone."""
    return {
        "NameContains": f"{aws.config.model}-",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 1,
    }


def line(run: Run) -> str:
    """A last run for people: when it ended, or else when it began."""
    when = f"{moment:%Y-%m-%d %H:%M}" if (moment := run.ended or run.began) else ""
    began = " (time of its beginning)" if run.began and not run.ended else ""
    return f"{when:<17} {run.outcome:<10} {run.resource}{began}"


@click.command("status")
@click.pass_obj
def command(cli: CliContext) -> None:
    """Each resource (present, drifted, absent), when the schedules fire next, how the last runs ended.

    Changes nothing.
    """
    done = status(cli.connect(read_only=True), datetime.now(UTC))
    lines = [f"{step.outcome:<10} {step.resource}" for step in done.resources]
    lines += [""] + [
        f"{f'{one.next:%Y-%m-%d %H:%M} UTC' if one.next else 'over':<21} {one.resource}" for one in done.schedules
    ]
    if done.runs:
        lines += ["", *map(line, done.runs)]
    cli.print_result(done, lines)
