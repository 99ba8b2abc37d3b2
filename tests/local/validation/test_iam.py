"""The local AWS enforces the identity policies of users and role sessions; the root user may do everything."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from footlake.local.context import ACCOUNT, REGION, Local
from tests.conftest import service_role

BUCKET = "permissions-lake"
JOB = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/theirs"


def allow(actions: str | list[str], resources: str | list[str], effect: str = "Allow", **condition: Any) -> Any:
    """Return a statement; `condition` maps operators to their keys and values."""
    conditions = {"Condition": condition} if condition else {}
    return {"Effect": effect, "Action": actions, "Resource": resources, **conditions}


UserClient = Callable[..., Any]


@pytest.fixture(scope="module")
def lake(local_aws: Local) -> Iterator[Local]:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="raw/a.json", Body=b"{}")
    service_role(local_aws, "PassedOn", "lambda.amazonaws.com")
    yield local_aws
    for key in ("raw/a.json", "raw/b.json", "raw/c.json"):
        s3.delete_object(Bucket=BUCKET, Key=key)
    s3.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def user(lake: Local) -> Iterator[UserClient]:
    """Return a function `client(service, *statements)` for a user whose policy has these statements."""
    import boto3

    iam = lake.client("iam")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]

    def client(service: str, *statements: Any) -> Any:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName="someone", PolicyName="theirs", PolicyDocument=document)
        create_client: Any = boto3.client
        return create_client(
            service,
            region_name=REGION,
            endpoint_url=lake.endpoint,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    yield client
    iam.delete_user_policy(UserName="someone", PolicyName="theirs")
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="someone")


def assert_denied(call: Callable[..., Any], **arguments: Any) -> str:
    """Assert that AWS denies a call, and return the message."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    return str(error.value.response["Error"]["Message"])


def test_objects_can_be_read_only_below_the_allowed_prefix(user: UserClient) -> None:
    s3 = user("s3", allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/*"))
    assert s3.get_object(Bucket=BUCKET, Key="raw/a.json")["Body"].read() == b"{}"
    assert s3.head_object(Bucket=BUCKET, Key="raw/a.json")["ContentLength"] == 2
    message = assert_denied(s3.get_object, Bucket=BUCKET, Key="other/a.json")
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/someone is not authorized to perform: s3:GetObject on resource: "
        f"arn:aws:s3:::{BUCKET}/other/a.json because no identity-based policy allows the s3:GetObject action"
    )
    assert_denied(s3.put_object, Bucket=BUCKET, Key="raw/b.json", Body=b"")
    assert_denied(s3.list_objects_v2, Bucket=BUCKET)


def test_copying_needs_permissions_for_source_and_target(user: UserClient) -> None:
    request = {"Bucket": BUCKET, "Key": "raw/b.json", "CopySource": {"Bucket": BUCKET, "Key": "raw/a.json"}}
    write = allow("s3:PutObject", f"arn:aws:s3:::{BUCKET}/raw/*")
    assert "s3:GetObject" in assert_denied(user("s3", write).copy_object, **request)
    user("s3", write, allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/*")).copy_object(**request)


def test_deleting_objects_needs_the_permission_for_each_object(user: UserClient, lake: Local) -> None:
    s3 = user("s3", allow("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/raw/*"))
    lake.client("s3").put_object(Bucket=BUCKET, Key="raw/c.json", Body=b"")
    objects = {"Objects": [{"Key": "raw/c.json"}]}
    assert_denied(s3.delete_objects, Bucket=BUCKET, Delete={"Objects": [*objects["Objects"], {"Key": "other.json"}]})
    assert s3.delete_objects(Bucket=BUCKET, Delete=objects)["Deleted"]


def test_a_deny_statement_overrides_an_allow_statement(user: UserClient) -> None:
    s3 = user("s3", allow("s3:*", "*"), allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/*", "Deny"))
    assert_denied(s3.get_object, Bucket=BUCKET, Key="raw/a.json")
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]


def test_an_action_needs_permission_for_each_resource_in_the_request(user: UserClient) -> None:
    glue = user("glue", allow("glue:GetJob*", JOB))
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_job(JobName="theirs")
    assert "job/mine" in assert_denied(glue.get_job_runs, JobName="mine")
    tables = user("glue", allow("glue:GetTables", [f"arn:aws:glue:{REGION}:{ACCOUNT}:database/theirs"]))
    assert ":catalog" in assert_denied(tables.get_tables, DatabaseName="theirs")


def test_passing_a_role_needs_pass_role_for_the_service(user: UserClient) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "def handler(event, context): pass")
    request: dict[str, Any] = {
        "FunctionName": "handed-on",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/PassedOn",
        "Handler": "code.handler",
        "Code": {"ZipFile": code.getvalue()},
    }
    create = allow("lambda:*", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handed-on")
    assert "iam:PassRole" in assert_denied(user("lambda", create).create_function, **request)
    pass_role = allow("iam:PassRole", request["Role"], StringEquals={"iam:PassedToService": "glue.amazonaws.com"})
    assert "iam:PassRole" in assert_denied(user("lambda", create, pass_role).create_function, **request)
    pass_role = allow("iam:PassRole", request["Role"], StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})
    client = user("lambda", create, pass_role)
    client.create_function(**request)
    client.delete_function(FunctionName="handed-on")


def test_creating_a_resource_with_tags_needs_a_tagging_permission(user: UserClient) -> None:
    name = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/theirs/*"
    request = {"Name": "/theirs/key", "Value": "v", "Type": "String", "Tags": [{"Key": "a", "Value": "b"}]}
    assert "ssm:AddTagsToResource" in assert_denied(
        user("ssm", allow("ssm:PutParameter", name)).put_parameter, **request
    )
    ssm = user("ssm", allow(["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameter"], name))
    ssm.put_parameter(**request)
    ssm.delete_parameter(Name="/theirs/key")


def test_creating_a_bucket_with_tags_needs_a_tagging_permission(user: UserClient) -> None:
    bucket = "arn:aws:s3:::permissions-tagged"
    request = {"Bucket": "permissions-tagged", "CreateBucketConfiguration": {"Tags": [{"Key": "a", "Value": "b"}]}}
    assert "s3:TagResource" in assert_denied(user("s3", allow("s3:CreateBucket", bucket)).create_bucket, **request)
    s3 = user("s3", allow(["s3:CreateBucket", "s3:TagResource", "s3:DeleteBucket"], bucket))
    s3.create_bucket(**request)
    s3.delete_bucket(Bucket="permissions-tagged")


def test_get_function_returns_tags_only_with_permission_to_list_them(user: UserClient, lake: Local) -> None:
    code = io.BytesIO()
    zipfile.ZipFile(code, "w").close()
    lake.client("lambda").create_function(
        FunctionName="tagged",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/PassedOn",
        Handler="code.handler",
        Code={"ZipFile": code.getvalue()},
        Tags={"a": "b"},
    )
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tagged"
    answer = user("lambda", allow("lambda:GetFunction", arn)).get_function(FunctionName="tagged")
    assert "Tags" not in answer
    assert "lambda:ListTags" in answer["TagsError"]["Message"]
    answer = user("lambda", allow(["lambda:GetFunction", "lambda:ListTags"], arn)).get_function(FunctionName="tagged")
    assert answer["Tags"] == {"a": "b"}
    assert "TagsError" not in answer
    lake.client("lambda").delete_function(FunctionName="tagged")


def test_a_condition_on_resource_tags_denies_other_resources(user: UserClient, lake: Local) -> None:
    ec2 = lake.client("ec2")
    ids = [
        ec2.create_security_group(
            GroupName=f"permissions-{owner}",
            Description=owner,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "owner", "Value": owner}]}],
        )["GroupId"]
        for owner in ("theirs", "mine")
    ]
    resource = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/*"
    is_mine = {"aws:ResourceTag/owner": "mine"}
    client = user("ec2", allow("ec2:DeleteSecurityGroup", resource, StringEquals=is_mine))
    assert_denied(client.delete_security_group, GroupId=ids[0])
    client.delete_security_group(GroupId=ids[1])
    ec2.delete_security_group(GroupId=ids[0])


def test_a_role_session_has_the_permissions_of_the_role(lake: Local) -> None:
    iam = lake.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=policy)
    s3 = lake.client("s3", role="Reader")
    assert_denied(s3.get_object, Bucket=BUCKET, Key="raw/a.json")
    iam.attach_role_policy(RoleName="Reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert s3.get_object(Bucket=BUCKET, Key="raw/a.json")["Body"].read() == b"{}"
    assert_denied(s3.put_object, Bucket=BUCKET, Key="raw/a.json", Body=b"")
    assert lake.client("sts", role="Reader").get_caller_identity()["Arn"].endswith("assumed-role/Reader/footlake-local")
    iam.detach_role_policy(RoleName="Reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.delete_role(RoleName="Reader")
    assert_denied(s3.get_object, Bucket=BUCKET, Key="raw/a.json")
