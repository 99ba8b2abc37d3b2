"""Roles belong to the account, so a lake of another region has none of the same name."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.errors import FootlakeError
from footlake.local.context import CREDENTIALS
from footlake.resources.iam import IamRole

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
ROLE = IamRole("of-one-region", "lambda.amazonaws.com", POLICY)


def test_a_role_of_the_lake_in_another_region_is_neither_changed_nor_removed(lake: AwsContext) -> None:
    assert ROLE.ensure(lake) == "created"
    session: Any = boto3.Session(region_name="eu-west-3", **CREDENTIALS)
    elsewhere = AwsContext(Config(), session)
    with pytest.raises(FootlakeError, match="it is that of the lake footlake in us-east-1"):
        ROLE.ensure(elsewhere)
    assert ROLE.destroy(elsewhere) == "kept"
    assert ROLE.destroy(lake) == "deleted"


def test_a_role_that_an_older_footlake_made_has_no_region_and_is_the_lakes(lake: AwsContext) -> None:
    ROLE.ensure(lake)
    lake.client("iam").untag_role(RoleName=ROLE.name, TagKeys=["footlake-region"])
    assert ROLE.ensure(lake) == "unchanged"
    assert ROLE.destroy(lake) == "deleted"


def test_a_role_of_another_lake_is_not_to_be_taken_over(lake: AwsContext) -> None:
    ROLE.ensure(lake)
    lake.client("iam").tag_role(RoleName=ROLE.name, Tags=[{"Key": "footlake", "Value": "another"}])
    with pytest.raises(FootlakeError, match="it is that of the lake another") as refused:
        ROLE.ensure(lake)
    assert "tag" not in refused.value.hint
    lake.client("iam").tag_role(RoleName=ROLE.name, Tags=[{"Key": "footlake", "Value": lake.config.lake}])
    assert ROLE.destroy(lake) == "deleted"
