"""A resource without the lake's tag belongs to another owner, whatever its name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from footlake.aws import AwsContext
from footlake.deploy.packaging import zip_files
from footlake.resources.base import Resource
from footlake.resources.cloudwatch import Alarm, SnsTopic
from footlake.resources.events import EventRule
from footlake.resources.glue import GlueCrawler, GlueDatabase, GlueJob, GlueTable, GlueTrigger
from footlake.resources.iam import IamRole
from footlake.resources.lambdas import LambdaFunction, LambdaLayer, LambdaPermission
from footlake.resources.logs import LogGroup
from footlake.resources.network import EndpointSecurityGroup, S3Endpoint, SecurityGroup
from footlake.resources.rds import DBParameterGroup, DBSubnetGroup
from footlake.resources.s3 import Bucket, BucketNotification, S3Object
from footlake.resources.ssm import SecretParameter
from footlake.resources.walkthrough_extras import IamUser, S3InterfaceEndpoint
from tests.resources.changes import DENY_ALL, NEVER, TAGGED, retag

CODE = zip_files([("code.py", b"def handler(event, context): pass")])
LAYER = LambdaLayer("whose", CODE)  # layers cannot be tagged

BUCKET = Bucket("whose-data-lake")
SECRET, USER, LOGS = (
    SecretParameter("/whose/key", "secret"),
    IamUser("whose", "AmazonS3FullAccess"),
    LogGroup("/whose/logs"),
)
GROUP, SUBNETS, PARAMETERS = SecurityGroup("whose", "127.0.0.1/32"), DBSubnetGroup("whose"), DBParameterGroup("whose")
HTTPS = EndpointSecurityGroup("whose-endpoint")
LAMBDA_ROLE, GLUE_ROLE = (IamRole(f"whose-{name}", f"{name}.amazonaws.com", DENY_ALL) for name in ("lambda", "glue"))
FUNCTION = LambdaFunction("whose", "code.handler", LAMBDA_ROLE, CODE, LAYER, LOGS, 3, {})
PERMISSION = LambdaPermission(FUNCTION, "s3.amazonaws.com", BUCKET.arn)
DATABASE = GlueDatabase("whose", f"s3://{BUCKET.name}/")
JOB = GlueJob("whose", GLUE_ROLE, S3Object(BUCKET, "script.py", b""), (), BUCKET)
TABLE = GlueTable("whose", DATABASE, DATABASE.location, {"id": "bigint"})
TOPIC = SnsTopic("whose", "anna@example.org")
# Resources that are created in seconds. Those without tags belong to a function or bucket with tags.
RESOURCES: list[Resource] = [
    *(BUCKET, SECRET, USER, LOGS, GROUP, SUBNETS, PARAMETERS, S3Endpoint(), HTTPS, S3InterfaceEndpoint(HTTPS)),
    *(
        LAMBDA_ROLE,
        FUNCTION,
        PERMISSION,
        BucketNotification(BUCKET, FUNCTION, "raw/", ".json", ("s3:ObjectCreated:Put",)),
    ),
    EventRule("whose", FUNCTION, schedule=NEVER),
    *(GLUE_ROLE, DATABASE, TABLE, GlueCrawler("whose", GLUE_ROLE, DATABASE, NEVER, (TABLE,))),
    *(JOB, GlueTrigger("whose", NEVER, (JOB,))),
    *(TOPIC, Alarm("whose", "It failed", "AWS/Lambda", "Errors", {"FunctionName": "whose"}, TOPIC)),
]


def tag(aws: AwsContext, ours: bool) -> None:
    for resource in RESOURCES:
        if isinstance(resource, TAGGED) and resource.exists(aws):
            retag(aws, resource, ours)


@pytest.fixture
def theirs(aws: AwsContext) -> Iterator[list[Resource]]:
    LAYER.ensure(aws)
    assert {resource.ensure(aws) for resource in RESOURCES} == {"created"}
    tag(aws, ours=False)
    yield RESOURCES
    tag(aws, ours=True)
    for resource in (*reversed(RESOURCES), LAYER):
        resource.destroy(aws)


def test_teardown_keeps_resources_of_another_owner(aws: AwsContext, theirs: list[Resource]) -> None:
    assert [resource.label for resource in reversed(theirs) if resource.destroy(aws) != "kept"] == []
    assert [resource.label for resource in theirs if not resource.exists(aws)] == []
