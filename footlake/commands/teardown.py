"""teardown: the catalogue backwards, then another look."""

from __future__ import annotations

import sys
from collections.abc import Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass
from fnmatch import fnmatchcase

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.config import TAG
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import OnStep, Step, execute, ignore_step
from footlake.deploy.tag_inventory import NOT_BY_INDEX, other_lakes, tagged_arns
from footlake.errors import FootlakeError, TeardownIncomplete
from footlake.resources.base import Resource
from footlake.resources.s3 import Bucket, S3Object

_REFUSALS = (ClientError, BotoCoreError, FootlakeError)


@dataclass(frozen=True)
class TornDown:
    """What teardown did, and what is still there or could not be looked at; `others` where it removed nothing.

    These are the account's other lakes: name and region.
    """

    resources: list[Step]
    left: list[str]
    others: list[dict[str, str]]


def teardown(
    aws: AwsContext, keep_data: bool = False, tell: OnStep = ignore_step, pool: Executor | None = None
) -> TornDown:
    """Walk the catalogue backwards, past failures, then look whether anything is left."""

    def destroy(resource: Resource) -> str:
        try:
            return resource.destroy(aws)
        except _REFUSALS as error:
            return f"failed: {error}"

    def look(resource: Resource) -> str:
        try:
            return "there" if resource.exists(aws) else "gone"
        except _REFUSALS as error:
            return f"cannot see: {error}"

    resources = [one for one in catalogue(aws.config, everything=True) if not (keep_data and _is_data(one, aws))]
    steps = execute(resources, destroy, tell, backwards=True, pool=pool)
    kept = {step.resource for step in steps if step.outcome == "kept"}
    looks = execute([one for one in resources if one.label not in kept], look, pool=pool)
    left = [step.resource if step.outcome == "there" else f"{step.resource} ({step.outcome})" for step in looks]
    left = [one for one, step in zip(left, looks, strict=True) if step.outcome != "gone"]
    left += _tagged(aws, catalogue(aws.config, everything=True), kept)
    nothing = not any(step.outcome == "deleted" for step in steps)
    known = [{"lake": name, "region": region} for name, region in other_lakes(aws)] if nothing else []
    return TornDown(steps, left, known)


def standing(aws: AwsContext) -> list[str]:
    """The labels of what is there, in the order of the catalogue; what cannot be seen counts as there."""

    def look(resource: Resource) -> str:
        try:
            return "there" if resource.exists(aws) else "gone"
        except _REFUSALS:
            return "there"

    resources = catalogue(aws.config, everything=True)
    there = {step.resource for step in execute(resources, look) if step.outcome == "there"}
    return [one.label for one in resources if one.label in there]


def _tagged(aws: AwsContext, resources: Sequence[Resource], kept: Set[str]) -> list[str]:
    """What else carries the lake's tag: an older footlake may have known names that this one does not.

    AWS's index of tags is behind by some minutes, so what is known by name has been looked at by name instead, but for
    what was kept as somebody else's, which this tag contradicts.
    """
    known = {_name(one.label) for one in resources} - {_name(label) for label in kept}
    traces = [pattern for one in resources if one.label not in kept for pattern in getattr(one, "traces", ())]
    try:
        arns = tagged_arns(aws)
    except _REFUSALS as error:
        return [f"resources by tag (cannot see: {error})"]
    strangers = [
        arn
        for arn in arns
        if not NOT_BY_INDEX.search(arn)
        and not known & _names(arn)
        and not any(fnmatchcase(arn, pattern) for pattern in traces)
    ]
    filters = [{"Name": f"tag:{TAG}", "Values": [aws.config.lake]}]
    ec2 = aws.client("ec2")
    try:
        groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        endpoints = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    except _REFUSALS as error:
        return [*strangers, f"resources of EC2 by tag (cannot see: {error})"]
    gone = ("deleting", "deleted")
    return [
        *(f"tagged {arn}" for arn in strangers),
        *(f"tagged security group {one['GroupId']} ({one['GroupName']})" for one in groups),
        *(f"tagged vpc endpoint {one['VpcEndpointId']}" for one in endpoints if one["State"].lower() not in gone),
    ]


def no_such_lake(aws: AwsContext, known: Sequence[tuple[str, str]]) -> TeardownIncomplete:
    """What to tell whoever asks for a lake that is not there, while others are: a slip that would go on to cost."""
    here, plural = aws.config.region, len(known) > 1
    named = [f"{name}{'' if region == here else f' in {region}'}" for name, region in known]
    name, region = known[0]
    hint = f"FOOTLAKE_LAKE={name}" if name != aws.config.lake else ""
    hint += f"{' and ' if hint else ''}--region {region}" if region != here else ""
    return TeardownIncomplete(
        f"There is no lake {aws.config.lake} in account {aws.config.account}, {here}; there "
        f"{'are the lakes' if plural else 'is the lake'} {', '.join(named)}.",
        f"If {'one of those' if plural else 'that one'} is meant: {hint}",
    )


def _nothing_of(aws: AwsContext) -> bool:
    """Whether neither AWS's index of tags nor the bucket tells of this lake. What cannot be seen counts as there."""
    try:
        return not tagged_arns(aws) and not Bucket(aws.config.bucket).exists(aws)
    except _REFUSALS:
        return False


def _name(label: str) -> str:
    return label.split(" ")[-1]


def _names(arn: str) -> set[str]:
    """What may be a resource's name in its ARN: `…:layer:name:3`, `…/name`, `…:log-group:/aws/name:*`."""
    tail = arn.split(":", 5)[-1].removesuffix(":*")
    pieces = tail.split(":")
    return {tail, tail.partition(":")[2], tail.partition("/")[2], f"/{tail.partition('/')[2]}", *pieces}


def _is_data(resource: Resource, aws: AwsContext) -> bool:
    bucket = resource.bucket if isinstance(resource, S3Object) else resource
    return isinstance(bucket, Bucket) and bucket.name == aws.config.bucket


@click.command("teardown")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-data", is_flag=True, help="Keep the data lake's bucket.")
@click.pass_obj
def command(cli: CliContext, yes: bool, keep_data: bool) -> None:
    """Remove everything that footlake made, then look whether anything is left."""
    aws = cli.connect()
    if not yes:
        if _nothing_of(aws) and (known := other_lakes(aws)):
            raise no_such_lake(aws, known)
        there = standing(aws)
        if not there:
            cli.notify("There is nothing of the lake.")
        for label in there:
            cli.notify(f"  {label}")
        cli.notify(f"This removes the lake {aws.config.lake} from account {aws.config.account}, {aws.config.region}.")
        if not sys.stdin.isatty():
            raise FootlakeError("Not confirmed, so nothing was removed.", "Where nobody can answer, use --yes.")
        if click.prompt("Type the lake's name to go on", err=True) != aws.config.lake:
            raise FootlakeError("That is not the lake's name, so nothing was removed.")
    done = teardown(aws, keep_data, lambda step: cli.print_line(str(step)))
    kept = f" but the bucket {aws.config.bucket}" if keep_data else ""
    cli.print_result(done, [] if done.left or done.others else [f"Nothing is left{kept}."])
    if done.left:
        raise TeardownIncomplete(f"Still there: {'; '.join(done.left)}.", "Run footlake teardown again.")
    if done.others:
        raise no_such_lake(aws, [(one["lake"], one["region"]) for one in done.others])
