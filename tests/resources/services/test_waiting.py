"""Waiting for AWS to know what is new."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.config import Config
from footlake.errors import TimedOut
from footlake.local.context import CREDENTIALS
from tests.conftest import Cli
from tests.resources.services.conftest import Answer


def test_a_wait_that_was_in_vain_says_what_aws_said(lake: AwsContext) -> None:
    def refused() -> None:
        error = {"Code": "InvalidParameterValueException", "Message": "The role cannot be assumed, says its trust."}
        raise ClientError({"Error": error}, "CreateFunction")

    hasty = AwsContext(lake.config, lake.session, patient=False)
    with pytest.raises(TimedOut, match=r"for the role.*The role cannot be assumed, says its trust") as vain:
        hasty.retry_until_consistent("the role", refused, "cannot be assumed")
    assert isinstance(vain.value.__cause__, ClientError)


def refusal(code: str, message: str) -> tuple[Answer, dict[str, Any]]:
    return Answer(400), {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


def nothing(member: str) -> tuple[Answer, dict[str, Any]]:
    return Answer(200), {member: [], "ResponseMetadata": {"HTTPStatusCode": 200}}


def unsettled() -> dict[str, list[tuple[Answer, dict[str, Any]]]]:
    """What AWS answers to the first calls of each of these operations while it does not know yet what is new."""
    return {
        "CreateBucket": [refusal("OperationAborted", "A conflicting conditional operation is in progress.")],
        "PutBucketVersioning": [refusal("NoSuchBucket", "The specified bucket does not exist")],
        "CreateDBSubnetGroup": [
            refusal(
                "InvalidParameterValue",
                "Unable to create the resource. Verify that you have permission to create service linked role.",
            )
        ],
        "CreateDBInstance": [refusal("InvalidParameterValue", "Missing necessary credentials.")],
        "AuthorizeSecurityGroupIngress": [refusal("InvalidGroup.NotFound", "The security group does not exist")],
        # The first look is for what is there already, the second for what was made.
        "DescribeSecurityGroups": [nothing("SecurityGroups")] * 2,
        "ListLayerVersions": [nothing("LayerVersions")] * 2,
        "CreateFunction": [
            refusal("InvalidParameterValueException", "The KMS key is invalid for CreateGrant: no valid principal.")
        ],
        "AddPermission": [
            refusal(
                "ResourceConflictException",
                "The function could not be updated due to a concurrent update operation.",
            )
        ],
        "RemovePermission": [
            refusal(
                "ResourceConflictException",
                "The function could not be updated due to a concurrent update operation.",
            )
        ],
        "CreateDatabase": [
            refusal("AccessDeniedException", "Insufficient Lake Formation permission(s): Create Database")
        ],
        "CreateCrawler": [
            refusal("InvalidInputException", "Insufficient Lake Formation permission(s) on s3datalake"),
            refusal("InvalidInputException", "AWS-Crawler is not authorized to perform: glue:GetConnection"),
        ],
    }


def test_what_is_not_known_at_once_is_waited_for(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("local", "start")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cli.json("local", "status")["endpoint"])
    session: Any = boto3.Session(region_name="us-east-1", **CREDENTIALS)
    lake, answers = AwsContext(Config(api_key="a key", client_address="127.0.0.1/32"), session), unsettled()

    def answer(model: Any, **_: Any) -> tuple[Answer, dict[str, Any]] | None:
        there = answers.get(model.name)
        return there.pop(0) if there else None

    session.events.register_first("before-call", answer)
    assert {step.outcome for step in bootstrap(lake).resources} >= {"created"}
    teardown(lake)
    assert [operation for operation, left in answers.items() if left] == []
