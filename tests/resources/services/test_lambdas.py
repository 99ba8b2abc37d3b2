"""Who may invoke the lake's functions."""

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
from tests.resources.services.conftest import Make

BUCKET = "arn:aws:s3:::permitted"
RULE = "arn:aws:events:us-east-1:123456789012:rule/permitted"


@pytest.fixture(scope="module")
def role(local_aws: Local) -> str:
    return service_role(local_aws, "permitted", "lambda.amazonaws.com")


@pytest.fixture
def function(lake: AwsContext, role: str) -> Iterator[LambdaFunction]:
    there = IamRole("permitted", "lambda.amazonaws.com", {})
    one = LambdaFunction(
        "permitted", "x.y", there, b"", LambdaLayer("none", b""), LogGroup("/aws/lambda/permitted"), 3, {}
    )
    lake.client("lambda").create_function(
        FunctionName=one.name, Runtime="python3.13", Role=role, Handler="x.y", Code={"ZipFile": b""}
    )
    yield one
    lake.client("lambda").delete_function(FunctionName=one.name)


def conditions(lake: AwsContext) -> dict[str, dict[str, dict[str, str]]]:
    policy = json.loads(lake.client("lambda").get_policy(FunctionName="permitted")["Policy"])
    return {one["Principal"]["Service"]: one["Condition"] for one in policy["Statement"]}


def test_only_s3_must_name_the_account(lake: AwsContext, function: LambdaFunction) -> None:
    """EventBridge does not name it, and would not get in."""
    assert LambdaPermission(function, "s3.amazonaws.com", BUCKET).ensure(lake) == "created"
    assert LambdaPermission(function, "events.amazonaws.com", RULE).ensure(lake) == "created"
    assert conditions(lake) == {
        "s3.amazonaws.com": {
            "ArnLike": {"AWS:SourceArn": BUCKET},
            "StringEquals": {"AWS:SourceAccount": lake.config.account},
        },
        "events.amazonaws.com": {"ArnLike": {"AWS:SourceArn": RULE}},
    }


def test_an_account_that_an_older_footlake_asked_eventbridge_for_goes(
    lake: AwsContext, function: LambdaFunction
) -> None:
    lake.client("lambda").add_permission(
        FunctionName=function.name,
        StatementId="footlake-rule-permitted",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=RULE,
        SourceAccount=lake.config.account,
    )
    permission = LambdaPermission(function, "events.amazonaws.com", RULE)
    assert permission.ensure(lake) == "updated"
    assert conditions(lake) == {"events.amazonaws.com": {"ArnLike": {"AWS:SourceArn": RULE}}}
    assert permission.ensure(lake) == "unchanged"


def test_tags_that_may_not_be_seen_are_not_taken_for_none(make_lake: Make, function: LambdaFunction) -> None:
    iam = make_lake().client("iam")
    iam.create_user(UserName="without-tags")
    statement = {"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="without-tags", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="without-tags")["AccessKey"]
    theirs = make_lake(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    for act in (function.ensure, function.destroy):
        with pytest.raises(FootlakeError, match="does not show the tags of the lambda function permitted"):
            act(theirs)
