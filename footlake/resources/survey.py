"""What many resources would ask for one by one, asked for once."""

from __future__ import annotations

from botocore.exceptions import ClientError

from footlake.config import TAG
from footlake.lake import Known, Lake
from footlake.resources.network import find_default_vpc


def survey(lake: Lake) -> None:
    """Look up the default VPC and, in AWS's index of tags, what is the lake's; `lake.known` from now on.

    The index is behind by minutes: who makes or mends a resource may rely on it, who deletes one asks that one itself.
    """
    try:
        ours = tagged(lake)
    except ClientError:  # the tags of each resource will do
        ours = []
    lake.known = Known(find_default_vpc(lake), tagged=frozenset(ours))


def tagged(lake: Lake) -> list[str]:
    """The ARNs of what carries the lake's tag, as AWS's index has them."""
    pages = lake.client("resourcegroupstaggingapi").get_paginator("get_resources")
    ours = [{"Key": TAG, "Values": [lake.config.lake]}]
    answers = pages.paginate(TagFilters=ours, ResourcesPerPage=100)
    return [one["ResourceARN"] for answer in answers for one in answer["ResourceTagMappingList"]]
