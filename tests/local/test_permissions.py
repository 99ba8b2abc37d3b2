"""Users and sessions of roles may do what their policies say, as on AWS; the root may do everything."""

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
    more = {"Condition": condition} if condition else {}
    return {"Effect": effect, "Action": actions, "Resource": resources, **more}


As = Callable[..., Any]


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
def user(lake: Local) -> Iterator[As]:
    """Clients of a user with these statements."""
    import boto3

    iam = lake.client("iam")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]

    def client(service: str, *statements: Any) -> Any:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName="someone", PolicyName="theirs", PolicyDocument=document)
        make: Any = boto3.client
        return make(
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


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    """What AWS says of a call that is not allowed."""
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    return str(refusal.value.response["Error"]["Message"])


def test_an_object_is_read_below_the_prefix_that_is_allowed_and_nowhere_else(user: As) -> None:
    s3 = user("s3", allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/*"))
    assert s3.get_object(Bucket=BUCKET, Key="raw/a.json")["Body"].read() == b"{}"
    assert s3.head_object(Bucket=BUCKET, Key="raw/a.json")["ContentLength"] == 2
    message = refused(s3.get_object, Bucket=BUCKET, Key="other/a.json")
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/someone is not authorized to perform: s3:GetObject on resource: "
        f"arn:aws:s3:::{BUCKET}/other/a.json because no identity-based policy allows the s3:GetObject action"
    )
    refused(s3.put_object, Bucket=BUCKET, Key="raw/b.json", Body=b"")
    refused(s3.list_objects_v2, Bucket=BUCKET)


def test_a_copy_needs_both_ends(user: As) -> None:
    asked = {"Bucket": BUCKET, "Key": "raw/b.json", "CopySource": {"Bucket": BUCKET, "Key": "raw/a.json"}}
    write = allow("s3:PutObject", f"arn:aws:s3:::{BUCKET}/raw/*")
    assert "s3:GetObject" in refused(user("s3", write).copy_object, **asked)
    user("s3", write, allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/*")).copy_object(**asked)


def test_each_object_of_a_deletion_is_asked_for(user: As, lake: Local) -> None:
    s3 = user("s3", allow("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/raw/*"))
    lake.client("s3").put_object(Bucket=BUCKET, Key="raw/c.json", Body=b"")
    objects = {"Objects": [{"Key": "raw/c.json"}]}
    refused(s3.delete_objects, Bucket=BUCKET, Delete={"Objects": [*objects["Objects"], {"Key": "other.json"}]})
    assert s3.delete_objects(Bucket=BUCKET, Delete=objects)["Deleted"]


def test_a_denial_beats_a_permission(user: As) -> None:
    s3 = user("s3", allow("s3:*", "*"), allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/raw/*", "Deny"))
    refused(s3.get_object, Bucket=BUCKET, Key="raw/a.json")
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]


def test_an_action_is_limited_to_the_resources_that_a_request_names(user: As) -> None:
    glue = user("glue", allow("glue:GetJob*", JOB))
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_job(JobName="theirs")
    assert "job/mine" in refused(glue.get_job_runs, JobName="mine")
    tables = user("glue", allow("glue:GetTables", [f"arn:aws:glue:{REGION}:{ACCOUNT}:database/theirs"]))
    assert ":catalog" in refused(tables.get_tables, DatabaseName="theirs")


def test_a_role_is_handed_on_only_where_that_is_allowed(user: As) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "def handler(event, context): pass")
    asked = {
        "FunctionName": "handed-on",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/PassedOn",
        "Handler": "code.handler",
        "Code": {"ZipFile": code.getvalue()},
    }
    create = allow("lambda:*", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handed-on")
    assert "iam:PassRole" in refused(user("lambda", create).create_function, **asked)
    to = allow("iam:PassRole", asked["Role"], StringEquals={"iam:PassedToService": "glue.amazonaws.com"})
    assert "iam:PassRole" in refused(user("lambda", create, to).create_function, **asked)
    to = allow("iam:PassRole", asked["Role"], StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})
    client = user("lambda", create, to)
    client.create_function(**asked)
    client.delete_function(FunctionName="handed-on")


def test_tags_at_creation_need_a_permission_of_their_own(user: As) -> None:
    name = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/theirs/*"
    asked = {"Name": "/theirs/key", "Value": "v", "Type": "String", "Tags": [{"Key": "a", "Value": "b"}]}
    assert "ssm:AddTagsToResource" in refused(user("ssm", allow("ssm:PutParameter", name)).put_parameter, **asked)
    ssm = user("ssm", allow(["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameter"], name))
    ssm.put_parameter(**asked)
    ssm.delete_parameter(Name="/theirs/key")


def test_a_bucket_is_made_with_tags_only_where_that_is_allowed(user: As) -> None:
    bucket = "arn:aws:s3:::permissions-tagged"
    asked = {"Bucket": "permissions-tagged", "CreateBucketConfiguration": {"Tags": [{"Key": "a", "Value": "b"}]}}
    assert "s3:TagResource" in refused(user("s3", allow("s3:CreateBucket", bucket)).create_bucket, **asked)
    s3 = user("s3", allow(["s3:CreateBucket", "s3:TagResource", "s3:DeleteBucket"], bucket))
    s3.create_bucket(**asked)
    s3.delete_bucket(Bucket="permissions-tagged")


def test_a_functions_tags_are_shown_to_who_may_list_them(user: As, lake: Local) -> None:
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


def test_what_carries_another_tag_is_not_touched(user: As, lake: Local) -> None:
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
    mine = {"StringEquals": {"aws:ResourceTag/owner": "mine"}}
    theirs = user("ec2", allow("ec2:DeleteSecurityGroup", resource, **mine))
    refused(theirs.delete_security_group, GroupId=ids[0])
    theirs.delete_security_group(GroupId=ids[1])
    ec2.delete_security_group(GroupId=ids[0])


def test_a_session_of_a_role_may_do_what_the_role_may(lake: Local) -> None:
    iam = lake.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}}],
    }
    trust["Statement"][0]["Action"] = "sts:AssumeRole"  # type: ignore[index]
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=json.dumps(trust))
    s3 = lake.client("s3", role="Reader")
    refused(s3.get_object, Bucket=BUCKET, Key="raw/a.json")
    iam.attach_role_policy(RoleName="Reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert s3.get_object(Bucket=BUCKET, Key="raw/a.json")["Body"].read() == b"{}"
    refused(s3.put_object, Bucket=BUCKET, Key="raw/a.json", Body=b"")
    assert lake.client("sts", role="Reader").get_caller_identity()["Arn"].endswith("assumed-role/Reader/footlake-local")
    iam.detach_role_policy(RoleName="Reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.delete_role(RoleName="Reader")
    refused(s3.get_object, Bucket=BUCKET, Key="raw/a.json")
