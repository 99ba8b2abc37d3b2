"""teardown: delete every resource of the catalogue, then check what is left."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

import click

from footlake.aws import AwsContext
from footlake.aws_errors import may_be_absent
from footlake.aws_jobs import format_count
from footlake.cli_context import CliContext
from footlake.config import TAG
from footlake.deploy.catalogue import catalogue, mysql_instance
from footlake.deploy.costs import StandingCost, standing_costs, storage_cost
from footlake.deploy.executor import OnStep, Step, execute, ignore_step
from footlake.deploy.prices import format_quantity
from footlake.deploy.removal import AWS_FAILURES, list_existing, presence
from footlake.deploy.summary import format_counts, format_step, summarise_services
from footlake.deploy.tag_inventory import NOT_BY_INDEX, other_lakes, tagged_arns
from footlake.errors import FootlakeCommand, FootlakeError, Hint, TeardownIncomplete
from footlake.lake import s3_keys
from footlake.logs import log_sources
from footlake.model.registry import lake_store
from footlake.resources.base import Resource
from footlake.resources.logs import LogGroup
from footlake.resources.s3 import Bucket, S3Object


@dataclass(frozen=True)
class TeardownResult:
    """The outcome for each resource, and what is left or could not be examined.

    If nothing was deleted, `others` are the account's other lakes, with name and region. `rest` is what still costs
    money: the data that was kept and resources that are left, together `monthly` USD. It is None if the size of the
    data cannot be read.
    """

    resources: list[Step]
    left: list[str]
    others: list[dict[str, str]]
    rest: list[StandingCost]
    monthly: float | None


def teardown(
    aws: AwsContext, keep_data: bool = False, on_step: OnStep = ignore_step, pool: Executor | None = None
) -> TeardownResult:
    """Delete every resource of the catalogue in reverse order, despite failures, then examine what is left."""

    everything = catalogue(aws.config, everything=True)
    try:
        shared = _logs_of_others(aws, everything)
    except AWS_FAILURES:  # which log belongs to whom cannot be read
        shared = {one.label for one in everything if isinstance(one, LogGroup) and one.shared}

    def destroy(resource: Resource) -> str:
        try:
            if resource.label in shared:
                return "kept" if resource.exists(aws) else "absent"
            return resource.destroy(aws)
        except AWS_FAILURES as error:
            return f"failed: {error}"

    resources = [resource for resource in everything if not (keep_data and _is_data(resource, aws))]
    steps = execute(resources, destroy, on_step, backwards=True, pool=pool)
    kept = {step.resource for step in steps if step.outcome == "kept"}
    examined = execute([one for one in resources if one.label not in kept], partial(presence, aws), pool=pool)
    outcomes = {step.resource: step.outcome for step in steps}
    examined = [Step(step.resource, _certain(outcomes[step.resource], step.outcome)) for step in examined]
    left = [
        step.resource if step.outcome == "there" else f"{step.resource} ({step.outcome})"
        for step in examined
        if step.outcome != "gone"
    ]
    # Shared resources that hold what others wrote keep the tag: the next teardown looks again.
    left += _tagged_resources(
        aws, everything, kept - {one.label for one in everything if getattr(one, "shared", False)}
    )
    deleted = any(step.outcome == "deleted" for step in steps)
    lakes = [] if deleted else [{"lake": name, "region": region} for name, region in other_lakes(aws)]
    remaining = {step.resource for step in examined if step.outcome != "gone"}
    rest = standing_costs(aws.config, [resource for resource in resources if resource.label in remaining])
    data = _data_cost(aws) if keep_data else []
    monthly = None if data is None else sum(item.monthly for item in [*rest, *data])
    return TeardownResult(steps, left, lakes, [*rest, *(data or [])], monthly)


def _data_cost(aws: AwsContext) -> list[StandingCost] | None:
    """Return what the kept bucket costs, nothing if it does not exist, None if it cannot be listed."""
    pages = (
        aws.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=aws.config.bucket, ExpectedBucketOwner=aws.config.account)
    )
    try:
        # AWS also bills the versions that were replaced or deleted, until the bucket's lifecycle removes them.
        size = sum(version.get("Size", 0) for page in pages for version in page.get("Versions", ()))
    except aws.client("s3").exceptions.NoSuchBucket:
        return []
    except AWS_FAILURES:
        return None
    return [storage_cost(aws.config.bucket, size)]


def _logs_of_others(aws: AwsContext, resources: Sequence[Resource]) -> set[str]:
    """Return the labels of the shared log groups with a stream that no job or crawler of the lake wrote.

    This must be known before the jobs are deleted: Glue names a stream after the run of a job.
    """
    writer_of = {source.name: source.writer_of for source in log_sources(aws)}
    return {
        group.label
        for group in resources
        if isinstance(group, LogGroup) and group.shared and group.name in writer_of
        if any(writer_of[group.name](stream) is None for stream in group.streams(aws))
    }


def _certain(outcome: str, presence: str) -> str:
    """Return the presence of a resource, given the outcome of its deletion, where AWS hid it from one of the two.

    Teardown sees more while its caller is an administrator of the data lake than afterwards.
    """
    if outcome in ("deleted", "absent") and may_be_absent(presence):
        return "gone"
    if presence == "gone" and outcome.startswith("failed") and may_be_absent(outcome):
        return outcome.replace("failed", "cannot see", 1)
    return presence


def describe_data(aws: AwsContext) -> str:
    """Return how much data the lake holds, counted by the keys of its objects, or an empty text for an empty lake."""
    store = lake_store(aws)
    try:
        parts = [parsed for key in store.list_objects(s3_keys.FIXTURES) if (parsed := s3_keys.parse_fixtures(key))]
        matches = sum(map(bool, map(s3_keys.parse_raw_statistics, store.list_objects(s3_keys.RAW_STATISTICS))))
        models = sum(key.endswith("/record.json") for key in store.list_objects(s3_keys.MODELS))
    except aws.client("s3").exceptions.NoSuchBucket:
        return ""
    except AWS_FAILURES:
        return "all data in the lake (not counted, because it cannot be listed)"
    numbers = {
        "fixtures of {}": format_count(len({season for season, _ in parts}), "season"),
        "statistics of {}": format_count(matches, "match", "matches"),
        "{}": format_count(models, "model"),
    }
    return ", ".join(text.format(number) for text, number in numbers.items() if not number.startswith("0 "))


def _tagged_resources(aws: AwsContext, resources: Sequence[Resource], kept: Set[str]) -> list[str]:
    """Return what else has the lake's tag: older versions of footlake may have used names that this one does not know.

    AWS's index of tags is some minutes behind, so resources that were examined by name are left out. Resources that
    were kept because they seem to belong to another owner are included, as this tag contradicts that.
    """
    names = {_name(resource.label) for resource in resources} - {_name(label) for label in kept}
    traces = [
        pattern for resource in resources if resource.label not in kept for pattern in getattr(resource, "traces", ())
    ]
    try:
        arns = tagged_arns(aws)
    except AWS_FAILURES as error:
        return [f"resources by tag (cannot see: {error})"]
    unknown = [
        arn
        for arn in arns
        if not NOT_BY_INDEX.search(arn)
        and not names & _possible_names(arn)
        and not any(fnmatchcase(arn, pattern) for pattern in traces)
    ]
    try:
        network = _tagged_network(aws)
    except AWS_FAILURES as error:
        return [*unknown, f"resources of EC2 by tag (cannot see: {error})"]
    return [*(f"tagged {arn}" for arn in unknown), *network]


def _tagged_network(aws: AwsContext) -> list[str]:
    """Return the security groups and VPC endpoints with the lake's tag, read from EC2, which is never behind."""
    ec2, filters = aws.client("ec2"), [{"Name": f"tag:{TAG}", "Values": [aws.config.lake]}]
    groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    endpoints = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    gone = ("deleting", "deleted")
    return [
        *(f"tagged security group {group['GroupId']} ({group['GroupName']})" for group in groups),
        *(f"tagged vpc endpoint {one['VpcEndpointId']}" for one in endpoints if one["State"].lower() not in gone),
    ]


def no_such_lake(aws: AwsContext, lakes: Sequence[tuple[str, str]]) -> TeardownIncomplete:
    """Return the error for a lake that does not exist while others do: probably a wrong name or region."""
    current, plural = aws.config.region, len(lakes) > 1
    names = [f"{name}{'' if region == current else f' in {region}'}" for name, region in lakes]
    name, region = lakes[0]
    hint = f"FOOTLAKE_LAKE={name}" if name != aws.config.lake else ""
    hint += f"{' and ' if hint else ''}--region {region}" if region != current else ""
    return TeardownIncomplete(
        f"Lake {aws.config.lake} does not exist in account {aws.config.account}, region {current}. "
        f"The account has the {'lakes' if plural else 'lake'} {', '.join(names)}.",
        f"To use {'the first of them' if plural else 'it'}, set {hint}.",
    )


def _lake_absent(aws: AwsContext) -> bool:
    """Return whether nothing has the lake's tag and its bucket does not exist; False if that cannot be read."""
    try:
        return not tagged_arns(aws) and not Bucket(aws.config.bucket).exists(aws)
    except AWS_FAILURES:
        return False


def _name(label: str) -> str:
    return label.split(" ")[-1]


def _possible_names(arn: str) -> set[str]:
    """Return the parts of an ARN that may be a name: `…:layer:name:3`, `…/name`, `…:log-group:/aws/name:*`."""
    tail = arn.split(":", 5)[-1].removesuffix(":*")
    pieces = tail.split(":")
    return {tail, tail.partition(":")[2], tail.partition("/")[2], f"/{tail.partition('/')[2]}", *pieces}


def _is_data(resource: Resource, aws: AwsContext) -> bool:
    bucket = resource.bucket if isinstance(resource, S3Object) else resource
    return isinstance(bucket, Bucket) and bucket.name == aws.config.bucket


def confirm(aws: AwsContext, cli: CliContext, keep_data: bool, list_all: bool) -> None:
    """Show what would be deleted and ask for the lake's name. Raise FootlakeError without that answer."""
    if _lake_absent(aws) and (lakes := other_lakes(aws)):
        raise no_such_lake(aws, lakes)
    resources = [one for one in catalogue(aws.config, everything=True) if not (keep_data and _is_data(one, aws))]
    with cli.output.progress.counting(len(resources), "resources checked") as advance:
        existing = list_existing(aws, resources, lambda step: advance())
    if not existing:
        return
    steps = [Step(resource.label, "to delete") for resource in existing]
    labels = [f"  {resource.label}" for resource in existing]
    services = [f"  {line}" for line in summarise_services(resources, steps)]
    for line in labels if list_all else services:
        cli.output.notify(line)
    deleted = {step.resource for step in steps}
    lost = describe_data(aws) if Bucket(aws.config.bucket).label in deleted else ""
    if mysql_instance(aws.config).label in deleted:
        lost += f"{' and ' if lost else ''}the MySQL database"
    cli.output.notify(
        f"This deletes {format_count(len(existing), 'resource')} of lake {aws.config.lake} "
        f"in {cli.describe_account(aws)}."
    )
    if lost:
        cli.output.notify(f"Data that is deleted: {lost}.")
    if keep_data:
        cost = "".join(f", {item.monthly:.2f} USD a month" for item in _data_cost(aws) or ())
        cli.output.notify(f"Data that is kept: s3://{aws.config.bucket}{cost}")
    if not sys.stdin.isatty():
        raise FootlakeError("Not confirmed, so nothing was deleted.", "Use --yes to delete without confirmation.")
    if click.prompt(f"Type the name of the lake ({aws.config.lake}) to confirm", err=True) != aws.config.lake:
        raise FootlakeError("This is not the name of the lake, so nothing was deleted.")


def _result_lines(result: TeardownResult, resources: Sequence[Resource]) -> Iterator[str]:
    """Yield a line per service, and the resources that were kept or could not be deleted."""
    yield from summarise_services(resources, result.resources, {"absent": ""})
    if listed := [step for step in result.resources if step.outcome not in ("deleted", "absent")]:
        yield ""
        yield from map(format_step, listed)


def _rest_lines(result: TeardownResult) -> Iterator[str]:
    """Yield what the kept data and the resources that are left cost a month."""
    if result.monthly is None:
        yield "The monthly cost of the kept data is unknown, because its size cannot be read."
    elif result.rest:
        amount = f"about {result.monthly:.2f}" if result.monthly >= 0.005 else "less than 0.01"
        parts = "; ".join(f"{item.what} ({format_quantity(item.quantity, item.price)})" for item in result.rest)
        yield f"The rest costs {amount} USD a month on AWS: {parts}."


def _end_line(result: TeardownResult, aws: AwsContext, keep_data: bool) -> Iterator[str]:
    """Yield the last line, if teardown was complete, and what the rest costs."""
    yield from _rest_lines(result)
    if result.left or result.others:
        return
    if any(step.outcome == "deleted" for step in result.resources):
        kept = f" except the bucket {aws.config.bucket}" if keep_data else ""
        yield f"{format_counts(result.resources, {'absent': ''})}. Nothing is left{kept}."
    else:
        yield f"Nothing was deleted: lake {aws.config.lake} has no resources."


def run(cli: CliContext, yes: bool, keep_data: bool, list_all: bool) -> None:
    """Delete the resources, after confirmation, and print the result."""
    output, aws = cli.output, cli.connect()
    if not yes:
        output.declare_read_only()
        confirm(aws, cli, keep_data, list_all)
        output.declare_read_only(False)
    resources = catalogue(aws.config, everything=True)
    with output.progress.counting(len(resources), "resources processed") as advance:

        def on_step(step: Step) -> None:
            advance()
            if list_all:
                output.print_line(format_step(step))
            elif step.outcome != "absent":
                output.count_result(format_step(step))

        result = teardown(aws, keep_data, on_step)
    lines = [] if list_all else _result_lines(result, resources)
    output.print_result(result, [*lines, *_end_line(result, aws, keep_data)])
    if result.left:
        again = Hint("Run ", FootlakeCommand("teardown"), " again.")
        raise TeardownIncomplete(f"Teardown is incomplete. Left: {'; '.join(result.left)}.", again)
    if result.others:
        raise no_such_lake(aws, [(lake["lake"], lake["region"]) for lake in result.others])
