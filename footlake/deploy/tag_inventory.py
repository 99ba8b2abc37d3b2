"""What many resources would ask for one by one, asked for once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext, Discovery
from footlake.config import TAG
from footlake.resources.base import REGION_TAG, get_or_none
from footlake.resources.network import find_default_vpc

# EC2 is asked itself, and of the jobs that SageMaker ran it keeps a record that nobody can delete.
NOT_BY_INDEX = re.compile(r"^arn:\w+:ec2:|^arn:\w+:sagemaker:.*-job/")


def discover(aws: AwsContext) -> None:
    """Look up the default VPC and, in AWS's index of tags, what is the lake's; `lake.known` from now on.

    The index is behind by minutes: who makes or mends a resource may rely on it, who deletes one asks that one itself.
    """
    try:
        ours = tagged(aws)
    except ClientError:  # the tags of each resource will do
        ours = []
    aws.discovered = Discovery(find_default_vpc(aws), tagged=frozenset(ours))


def tagged(aws: AwsContext) -> list[str]:
    """The ARNs of what carries the lake's tag, as AWS's index has them, but of such a lake in another region."""
    return [arn for arn, tags in _index(aws, aws.config.lake) if _region(aws, arn, tags) == aws.config.region]


def others(aws: AwsContext) -> list[tuple[str, str]]:
    """The account's other lakes, by name and region, as far as they can be seen from here.

    AWS's index of tags is of one region; the roles are the whole account's, and say which region they are of.
    """
    seen = set()
    with suppress(ClientError, BotoCoreError):
        seen = {(tags[TAG], _region(aws, arn, tags)) for arn, tags in _index(aws) if not NOT_BY_INDEX.search(arn)}
    for name in (aws.config.lambda_role, aws.config.glue_role, aws.config.sagemaker_role):
        with suppress(ClientError, BotoCoreError):
            answer = get_or_none(aws.client("iam").get_role, "NoSuchEntity", RoleName=name) or {"Role": {}}
            tags = {one["Key"]: one["Value"] for one in answer["Role"].get("Tags", [])}
            seen |= {(tags[TAG], _region(aws, "", tags))} if TAG in tags else set()
    return sorted(seen - {(aws.config.lake, aws.config.region)})


def _region(aws: AwsContext, arn: str, tags: Mapping[str, str]) -> str:
    """The region of the lake that this is of: a tag tells, or of a bucket, whose ARN has none, the name's end."""
    bucket = re.fullmatch(rf"arn:\w+:s3:::.+-{aws.config.account}-(.+)", arn)
    return tags.get(REGION_TAG) or (bucket[1] if bucket else aws.config.region)


def _index(aws: AwsContext, *names: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The ARNs and tags of what carries the tag of one of these lakes, or of any."""
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources")
    wanted: dict[str, Any] = {"Key": TAG, "Values": list(names)} if names else {"Key": TAG}
    for answer in pages.paginate(TagFilters=[wanted], ResourcesPerPage=100):
        for one in answer["ResourceTagMappingList"]:
            yield one["ResourceARN"], {tag["Key"]: tag["Value"] for tag in one["Tags"]}
