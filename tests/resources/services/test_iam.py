"""Roles belong to the account, so that lakes in two regions cannot both have a role of one name."""

from __future__ import annotations

import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.errors import FootlakeError
from footlake.resources.iam import IamRole
from tests.resources.services.conftest import new_session

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
ROLE = IamRole("of-one-region", "lambda.amazonaws.com", POLICY)


def test_a_role_of_the_lake_in_another_region_is_neither_changed_nor_removed(aws: AwsContext) -> None:
    assert ROLE.ensure(aws) == "created"
    other_region = AwsContext(Config(), new_session("eu-west-3"))
    with pytest.raises(FootlakeError, match="belongs to the lake footlake in us-east-1"):
        ROLE.ensure(other_region)
    assert ROLE.destroy(other_region) == "kept"
    assert ROLE.destroy(aws) == "deleted"


def test_a_role_of_an_older_footlake_without_a_region_tag_is_owned(aws: AwsContext) -> None:
    ROLE.ensure(aws)
    aws.client("iam").untag_role(RoleName=ROLE.name, TagKeys=["footlake-region"])
    assert ROLE.ensure(aws) == "unchanged"
    assert ROLE.destroy(aws) == "deleted"


def test_a_role_of_another_lake_is_refused(aws: AwsContext) -> None:
    ROLE.ensure(aws)
    aws.client("iam").tag_role(RoleName=ROLE.name, Tags=[{"Key": "footlake", "Value": "another"}])
    with pytest.raises(FootlakeError, match="belongs to the lake another") as refused:
        ROLE.ensure(aws)
    assert "tag" not in refused.value.hint
    aws.client("iam").tag_role(RoleName=ROLE.name, Tags=[{"Key": "footlake", "Value": aws.config.lake}])
    assert ROLE.destroy(aws) == "deleted"
