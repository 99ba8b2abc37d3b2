"""What has the name of a resource but not the lake's tag is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from footlake.aws import Lake
from footlake.deploy.packaging import archive
from footlake.resources.base import Resource
from footlake.resources.cloudwatch import Alarm, Topic
from footlake.resources.events import Rule
from footlake.resources.glue import Crawler, Database, Job, Trigger
from footlake.resources.iam import Role
from footlake.resources.lambdas import Function, Layer, Permission
from footlake.resources.logs import LogGroup
from footlake.resources.network import S3Endpoint, SecurityGroup
from footlake.resources.rds import ParameterGroup, SubnetGroup
from footlake.resources.s3 import Bucket, Notification, Object
from footlake.resources.ssm import Secret
from footlake.resources.walkthrough_extras import S3InterfaceEndpoint, User
from tests.resources.changes import NEVER, NOBODY, TAGGED, retag

CODE = archive([("code.py", b"def handler(event, context): pass")])
LAYER = Layer("whose", CODE)  # it has no tags

BUCKET = Bucket("whose-data-lake")
SECRET, USER, LOGS = Secret("/whose/key", "secret"), User("whose", "AmazonS3FullAccess"), LogGroup("/whose/logs")
GROUP, SUBNETS, PARAMETERS = SecurityGroup("whose", "127.0.0.1/32"), SubnetGroup("whose"), ParameterGroup("whose")
LAMBDA_ROLE, GLUE_ROLE = (Role(f"whose-{name}", f"{name}.amazonaws.com", NOBODY) for name in ("lambda", "glue"))
FUNCTION = Function("whose", "code.handler", LAMBDA_ROLE, CODE, LAYER, LOGS, 3, {})
PERMISSION = Permission(FUNCTION, "s3.amazonaws.com", BUCKET.arn)
DATABASE = Database("whose", f"s3://{BUCKET.name}/")
JOB = Job("whose", GLUE_ROLE, Object(BUCKET, "script.py", b""), (), BUCKET)
TOPIC = Topic("whose", "anna@example.org")
# Those that bootstrap makes in seconds. What has no tags itself belongs to a function or bucket that has.
RESOURCES: list[Resource] = [
    *(BUCKET, SECRET, USER, LOGS, GROUP, SUBNETS, PARAMETERS, S3Endpoint(), S3InterfaceEndpoint(GROUP)),
    *(LAMBDA_ROLE, FUNCTION, PERMISSION, Notification(BUCKET, FUNCTION, "raw/", ".json", ("s3:ObjectCreated:Put",))),
    Rule("whose", FUNCTION, schedule=NEVER),
    *(GLUE_ROLE, DATABASE, Crawler("whose", GLUE_ROLE, DATABASE, NEVER, (DATABASE.location,))),
    *(JOB, Trigger("whose", NEVER, (JOB,))),
    *(TOPIC, Alarm("whose", "It failed", "AWS/Lambda", "Errors", {"FunctionName": "whose"}, TOPIC)),
]


def tag(lake: Lake, ours: bool) -> None:
    for one in RESOURCES:
        if isinstance(one, TAGGED) and one.exists(lake):
            retag(lake, one, ours)


@pytest.fixture
def theirs(lake: Lake) -> Iterator[list[Resource]]:
    LAYER.ensure(lake)
    assert {one.ensure(lake) for one in RESOURCES} == {"created"}
    tag(lake, ours=False)
    yield RESOURCES
    tag(lake, ours=True)
    for one in (*reversed(RESOURCES), LAYER):
        one.destroy(lake)


def test_a_teardown_keeps_all_of_it(lake: Lake, theirs: list[Resource]) -> None:
    assert [one.label for one in reversed(theirs) if one.destroy(lake) != "kept"] == []
    assert [one.label for one in theirs if not one.exists(lake)] == []
