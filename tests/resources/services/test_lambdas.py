"""Permissions to invoke the lake's functions."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from moto.awslambda.models import LambdaFunction as MotoFunction
from moto.awslambda.models import lambda_backends

from footlake.aws import AwsContext
from footlake.aws_jobs import invoke_function
from footlake.deploy.packaging import zip_files
from footlake.errors import FootlakeError, NotReady
from footlake.local.context import ACCOUNT, REGION, Local
from footlake.resources import role_policies
from footlake.resources.iam import IamRole
from footlake.resources.lambdas import LambdaFunction, LambdaLayer, LambdaPermission
from footlake.resources.logs import LogGroup
from tests.conftest import service_role
from tests.resources.services.conftest import Answer, MakeAws

BUCKET = "arn:aws:s3:::permitted"
RULE = "arn:aws:events:us-east-1:123456789012:rule/permitted"


@pytest.fixture(scope="module")
def role(local_aws: Local) -> str:
    return service_role(local_aws, "permitted", "lambda.amazonaws.com")


@pytest.fixture
def function(aws: AwsContext, role: str) -> Iterator[LambdaFunction]:
    iam_role = IamRole("permitted", "lambda.amazonaws.com", {})
    layer, log_group = LambdaLayer("none", b""), LogGroup("/aws/lambda/permitted")
    function = LambdaFunction("permitted", "x.y", iam_role, b"", layer, log_group, 3, {})
    aws.client("lambda").create_function(
        FunctionName=function.name, Runtime="python3.13", Role=role, Handler="x.y", Code={"ZipFile": b""}
    )
    yield function
    aws.client("lambda").delete_function(FunctionName=function.name)


def conditions(aws: AwsContext) -> dict[str, dict[str, dict[str, str]]]:
    policy = json.loads(aws.client("lambda").get_policy(FunctionName="permitted")["Policy"])
    return {statement["Principal"]["Service"]: statement["Condition"] for statement in policy["Statement"]}


def test_only_s3_permissions_have_an_account_condition(aws: AwsContext, function: LambdaFunction) -> None:
    """EventBridge's requests do not contain the account, so the condition would refuse them."""
    assert LambdaPermission(function, "s3.amazonaws.com", BUCKET).ensure(aws) == "created"
    assert LambdaPermission(function, "events.amazonaws.com", RULE).ensure(aws) == "created"
    assert conditions(aws) == {
        "s3.amazonaws.com": {
            "ArnLike": {"AWS:SourceArn": BUCKET},
            "StringEquals": {"AWS:SourceAccount": aws.config.account},
        },
        "events.amazonaws.com": {"ArnLike": {"AWS:SourceArn": RULE}},
    }


def test_account_condition_of_an_older_eventbridge_permission_is_removed(
    aws: AwsContext, function: LambdaFunction
) -> None:
    aws.client("lambda").add_permission(
        FunctionName=function.name,
        StatementId="footlake-rule-permitted",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=RULE,
        SourceAccount=aws.config.account,
    )
    permission = LambdaPermission(function, "events.amazonaws.com", RULE)
    assert permission.ensure(aws) == "updated"
    assert conditions(aws) == {"events.amazonaws.com": {"ArnLike": {"AWS:SourceArn": RULE}}}
    assert permission.ensure(aws) == "unchanged"


def test_unreadable_tags_are_an_error(make_aws: MakeAws, function: LambdaFunction) -> None:
    iam = make_aws().client("iam")
    iam.create_user(UserName="without-tags")
    statement = {"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="without-tags", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="without-tags")["AccessKey"]
    theirs = make_aws(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    for act in (function.ensure, function.destroy):
        with pytest.raises(FootlakeError, match="Cannot read the tags of the lambda function permitted"):
            act(theirs)


@pytest.fixture
def deployed(aws: AwsContext) -> Iterator[LambdaFunction]:
    """A function of this lake, with its layer and role."""
    policy = role_policies.policy(role_policies.allow("s3:ListBucket", "*"))
    role, layer = IamRole("states", "lambda.amazonaws.com", policy), LambdaLayer("states", zip_files([("x.py", b"")]))
    code = zip_files([("x.py", b"def y(event, context):\n    pass\n")])
    function = LambdaFunction("states", "x.y", role, code, layer, LogGroup("/aws/lambda/states"), 3, {"NAME": "value"})
    for resource in (role, layer, function):
        resource.ensure(aws)
    yield function
    for resource in (function, layer, role):
        resource.destroy(aws)


def moto_function(function: LambdaFunction) -> Any:
    return lambda_backends[ACCOUNT][REGION].get_function(function.name)


def test_a_function_that_failed_is_created_again(aws: AwsContext, deployed: LambdaFunction) -> None:
    assert deployed.ensure(aws) == "unchanged"
    failed = moto_function(deployed)
    failed.state, failed.state_reason, failed.state_reason_code = "Failed", "No access to the key", "KMSKeyAccessDenied"
    assert deployed.ensure(aws) == "updated"
    assert moto_function(deployed) is not failed
    assert deployed.ensure(aws) == "unchanged"


def test_an_update_that_failed_is_made_again(aws: AwsContext, deployed: LambdaFunction) -> None:
    failed = moto_function(deployed)
    failed.last_update_status, failed.last_update_status_reason = "Failed", "The layer is gone"
    assert deployed.ensure(aws) == "updated"
    assert deployed.ensure(aws) == "unchanged"


@pytest.mark.parametrize("reason", ["The role may not use the KMS key.", ""])
@pytest.mark.parametrize(
    ("status", "member"), [("State", "StateReason"), ("LastUpdateStatus", "LastUpdateStatusReason")]
)
def test_the_reason_of_a_failure_is_reported(
    aws: AwsContext,
    deployed: LambdaFunction,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    status: str,
    member: str,
) -> None:
    configuration = MotoFunction.get_configuration

    def fail(self: Any, on_create: bool = False) -> Any:
        failed = {status: "Failed", f"{member}Code": "KMSKeyAccessDenied"}
        return configuration(self, on_create) | failed | ({member: reason} if reason else {})

    monkeypatch.setattr(MotoFunction, "get_configuration", fail)
    shown = re.escape(reason.rstrip(".") or "KMSKeyAccessDenied")
    with pytest.raises(FootlakeError, match=f"could not set up the lambda function states: {shown}\\.$"):
        deployed.ensure(aws)


def test_a_command_waits_while_the_accounts_concurrency_is_used_up(
    aws: AwsContext, deployed: LambdaFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttled = {"Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}}
    answers: list[Any] = [(Answer(200), {"Payload": io.BytesIO(b"null")}), (Answer(429), throttled)]
    answers.append(answers[-1])

    def throttle(**_: Any) -> Any:
        return answers.pop() if answers else None

    aws.client("lambda").meta.events.register("before-call.lambda.Invoke", throttle)
    assert invoke_function(aws, deployed.name, {}) is None
    assert not answers
    with pytest.raises(NotReady, match="The Lambda function absent does not exist"):
        invoke_function(aws, "absent", {})
