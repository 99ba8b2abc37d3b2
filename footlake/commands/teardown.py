"""teardown: remove every resource of the catalogue, then check what is left."""

from __future__ import annotations

import sys
from collections.abc import Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.cli_output import Output
from footlake.config import TAG
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import OnStep, Step, execute, ignore_step
from footlake.deploy.tag_inventory import NOT_BY_INDEX, other_lakes, tagged_arns
from footlake.errors import FootlakeCommand, FootlakeError, Hint, TeardownIncomplete
from footlake.resources.base import Resource
from footlake.resources.s3 import Bucket, S3Object

AWS_FAILURES = (ClientError, BotoCoreError, FootlakeError)


@dataclass(frozen=True)
class TeardownResult:
    """The outcome for each resource, and what is left or could not be examined.

    If nothing was removed, `others` are the account's other lakes, with name and region.
    """

    resources: list[Step]
    left: list[str]
    others: list[dict[str, str]]


def teardown(
    aws: AwsContext, keep_data: bool = False, on_step: OnStep = ignore_step, pool: Executor | None = None
) -> TeardownResult:
    """Remove every resource of the catalogue in reverse order, despite failures, then examine what is left."""

    def destroy(resource: Resource) -> str:
        try:
            return resource.destroy(aws)
        except AWS_FAILURES as error:
            return f"failed: {error}"

    everything = catalogue(aws.config, everything=True)
    resources = [resource for resource in everything if not (keep_data and _is_data(resource, aws))]
    steps = execute(resources, destroy, on_step, backwards=True, pool=pool)
    kept = {step.resource for step in steps if step.outcome == "kept"}
    examined = execute([one for one in resources if one.label not in kept], partial(_presence, aws), pool=pool)
    left = [
        step.resource if step.outcome == "there" else f"{step.resource} ({step.outcome})"
        for step in examined
        if step.outcome != "gone"
    ]
    left += _tagged_resources(aws, everything, kept)
    removed = any(step.outcome == "deleted" for step in steps)
    lakes = [] if removed else [{"lake": name, "region": region} for name, region in other_lakes(aws)]
    return TeardownResult(steps, left, lakes)


def _presence(aws: AwsContext, resource: Resource) -> str:
    """Return `there`, `gone` or `cannot see: …`."""
    try:
        return "there" if resource.exists(aws) else "gone"
    except AWS_FAILURES as error:
        return f"cannot see: {error}"


def list_existing(aws: AwsContext) -> list[str]:
    """Return the labels of the resources that exist or cannot be examined, in the order of the catalogue."""
    resources = catalogue(aws.config, everything=True)
    existing = {step.resource for step in execute(resources, partial(_presence, aws)) if step.outcome != "gone"}
    return [resource.label for resource in resources if resource.label in existing]


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
        f"There is no lake {aws.config.lake} in account {aws.config.account}, {current}; there "
        f"{'are the lakes' if plural else 'is the lake'} {', '.join(names)}.",
        f"If {'one of those' if plural else 'that one'} is meant: {hint}",
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


def confirm(aws: AwsContext, output: Output) -> None:
    """List what would be removed and ask for the lake's name. Raise FootlakeError without that answer."""
    if _lake_absent(aws) and (lakes := other_lakes(aws)):
        raise no_such_lake(aws, lakes)
    existing = list_existing(aws)
    if not existing:
        output.notify("There is nothing of the lake.")
    for label in existing:
        output.notify(f"  {label}")
    output.notify(f"This removes the lake {aws.config.lake} from account {aws.config.account}, {aws.config.region}.")
    if not sys.stdin.isatty():
        raise FootlakeError("Not confirmed, so nothing was removed.", "Where nobody can answer, use --yes.")
    if click.prompt("Type the lake's name to go on", err=True) != aws.config.lake:
        raise FootlakeError("That is not the lake's name, so nothing was removed.")


@click.command("teardown")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-data", is_flag=True, help="Keep the data lake's bucket.")
@click.pass_obj
def command(cli: CliContext, yes: bool, keep_data: bool) -> None:
    """Remove everything that footlake made, then look whether anything is left."""
    aws = cli.connect()
    if not yes:
        confirm(aws, cli.output)
    result = teardown(aws, keep_data, lambda step: cli.output.print_line(str(step)))
    kept = f" but the bucket {aws.config.bucket}" if keep_data else ""
    cli.output.print_result(result, [] if result.left or result.others else [f"Nothing is left{kept}."])
    if result.left:
        again = Hint("Run ", FootlakeCommand("teardown"), " again.")
        raise TeardownIncomplete(f"Still there: {'; '.join(result.left)}.", again)
    if result.others:
        raise no_such_lake(aws, [(lake["lake"], lake["region"]) for lake in result.others])
