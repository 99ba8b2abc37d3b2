"""Look up once, for all resources: the default VPC and the ARNs in AWS's index of tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext, Discovery
from footlake.aws_errors import get_or_none
from footlake.config import TAG
from footlake.resources.base import REGION_TAG
from footlake.resources.network import find_default_vpc

# EC2 answers at once itself, and the records of SageMaker's jobs cannot be deleted.
NOT_BY_INDEX = re.compile(r"^arn:\w+:ec2:|^arn:\w+:sagemaker:.*-job/")


def discover(aws: AwsContext) -> None:
    """Set `aws.discovered` to the default VPC and the ARNs with the tag of the lake.

    AWS's index of tags is minutes late. That is good enough to create or update a resource, but a deletion must read
    the tags of the resource itself.
    """
    try:
        arns = tagged_arns(aws)
    except ClientError:  # without the index, each resource reads its own tags
        arns = []
    aws.discovered = Discovery(find_default_vpc(aws), tagged=frozenset(arns))


def tagged_arns(aws: AwsContext) -> list[str]:
    """Return the ARNs with the tag of the lake in AWS's index, without those of its namesake in another region."""
    return [arn for arn, tags in _index(aws, aws.config.lake) if _region(aws, arn, tags) == aws.config.region]


def other_lakes(aws: AwsContext) -> list[tuple[str, str]]:
    """Return name and region of the other lakes of the account, as far as this region shows them.

    AWS's index of tags has a single region. IAM roles belong to the whole account and carry the region of their lake.
    """
    lakes = set()
    with suppress(ClientError, BotoCoreError):
        lakes = {(tags[TAG], _region(aws, arn, tags)) for arn, tags in _index(aws) if not NOT_BY_INDEX.search(arn)}
    for name in (aws.config.lambda_role, aws.config.glue_role, aws.config.sagemaker_role):
        with suppress(ClientError, BotoCoreError):
            answer = get_or_none(aws.client("iam").get_role, "NoSuchEntity", RoleName=name) or {"Role": {}}
            tags = {tag["Key"]: tag["Value"] for tag in answer["Role"].get("Tags", [])}
            lakes |= {(tags[TAG], _region(aws, "", tags))} if TAG in tags else set()
    return sorted(lakes - {(aws.config.lake, aws.config.region)})


def _region(aws: AwsContext, arn: str, tags: Mapping[str, str]) -> str:
    """Return the region of the lake that a resource belongs to: from its tag, or from the end of the name of a bucket.

    The ARN of a bucket has no region.
    """
    bucket = re.fullmatch(rf"arn:\w+:s3:::.+-{aws.config.account}-(.+)", arn)
    return tags.get(REGION_TAG) or (bucket[1] if bucket else aws.config.region)


def _index(aws: AwsContext, *names: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield ARN and tags of each resource with the tag of one of these lakes, or of any lake."""
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources")
    tag_filter: dict[str, Any] = {"Key": TAG, "Values": list(names)} if names else {"Key": TAG}
    for answer in pages.paginate(TagFilters=[tag_filter], ResourcesPerPage=100):
        for resource in answer["ResourceTagMappingList"]:
            yield resource["ResourceARN"], {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}
