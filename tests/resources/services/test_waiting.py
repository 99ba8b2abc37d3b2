"""Retries until new resources are visible everywhere in AWS."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.config import Config
from footlake.errors import TimedOut
from tests.conftest import Cli
from tests.resources.services.conftest import Answer, new_session


def test_a_timeout_contains_the_message_from_aws(aws: AwsContext) -> None:
    def refused() -> None:
        message = "The role cannot be assumed, says its trust."
        raise ClientError({"Error": {"Code": "InvalidParameterValueException", "Message": message}}, "CreateFunction")

    hasty = AwsContext(aws.config, aws.session, patient=False)
    with pytest.raises(TimedOut, match=r"^This command does not wait for the role\..*says its trust") as vain:
        hasty.retry_until_consistent("the role", refused, "cannot be assumed")
    assert isinstance(vain.value.__cause__, ClientError)


def refusal(code: str, message: str) -> tuple[Answer, dict[str, Any]]:
    return Answer(400), {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


def nothing(member: str) -> tuple[Answer, dict[str, Any]]:
    return Answer(200), {member: [], "ResponseMetadata": {"HTTPStatusCode": 200}}


def unsettled() -> dict[str, list[tuple[Answer, dict[str, Any]]]]:
    """Return AWS's first answers to each of these operations while new resources are not visible."""
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
        # The first request is for an existing resource, the second for the new one.
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


def test_bootstrap_and_teardown_wait_for_new_resources_and_check_them_with_few_calls(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("local", "start")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cli.json("local", "status")["endpoint"])
    session = new_session()
    aws, answers = AwsContext(Config(api_key="a key", client_address="127.0.0.1/32"), session), unsettled()

    calls: Counter[str] = Counter()

    def answer(model: Any, **_: Any) -> tuple[Answer, dict[str, Any]] | None:
        calls[model.name] += 1
        remaining = answers.get(model.name)
        return remaining.pop(0) if remaining else None

    session.events.register_first("before-call", answer)
    assert {step.outcome for step in bootstrap(aws).resources} >= {"created"}
    calls.clear()
    assert {step.outcome for step in bootstrap(aws).resources} == {"unchanged"}
    assert calls.total() <= 75, calls  # for some 95 resources
    teardown(aws)
    assert [operation for operation, left in answers.items() if left] == []
