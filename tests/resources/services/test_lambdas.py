"""Permissions to invoke the lake's functions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.resources.iam import IamRole
from footlake.resources.lambdas import LambdaFunction, LambdaLayer, LambdaPermission
from footlake.resources.logs import LogGroup
from tests.conftest import service_role
from tests.resources.services.conftest import MakeAws

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
