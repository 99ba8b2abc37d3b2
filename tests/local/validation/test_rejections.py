"""The local AWS rejects the requests that AWS rejects, with AWS's errors, and no others."""

from __future__ import annotations

import io
import json
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.serving import make_server

from footlake.local.context import ACCOUNT, CREDENTIALS, REGION, Local
from footlake.local.validation import middleware
from tests.conftest import Cli, service_role

OTHER_ACCOUNT = "999999999999"
BUCKET = "strict-lake"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:strict"


ClientFactory = Callable[[str], Any]


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def unvalidated_clients(endpoint: str) -> ClientFactory:
    """Return a factory of clients that do not validate parameters and do not retry."""
    import boto3
    from botocore.config import Config

    settings = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    create_session: Any = boto3.Session
    session = create_session(region_name=REGION, **CREDENTIALS)
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = session.client(service, endpoint_url=endpoint, config=settings)
        return clients[service]

    return client


def lambda_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", "def handler(event, context):\n    return event\n")
    return buffer.getvalue()


def function_request(name: str, **changes: Any) -> dict[str, Any]:
    request = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "main.handler",
        "Role": role_arn("strict-lambda"),
    }
    return request | {"Code": {"ZipFile": lambda_zip()}} | changes


@pytest.fixture(scope="module")
def account(local_aws: Local) -> Local:
    """An account with a bucket, a role for each service and a function without any permission to invoke it."""
    for service in ("lambda", "glue", "sagemaker", "scheduler"):
        service_role(local_aws, f"strict-{service}", f"{service}.amazonaws.com")
    local_aws.client("s3").create_bucket(Bucket=BUCKET)
    local_aws.client("lambda").create_function(**function_request("strict"))
    local_aws.client("logs").create_log_group(logGroupName="strict")
    return local_aws


@pytest.fixture(scope="module")
def client(account: Local) -> ClientFactory:
    return unvalidated_clients(account.endpoint)


def call(client: ClientFactory, service: str, operation: str, **arguments: Any) -> tuple[str, int, str]:
    """Return error code, HTTP status and message of a call: ("", 200, "") if it succeeds."""
    try:
        getattr(client(service), operation)(**arguments)
    except ClientError as error:
        details = error.response["Error"]
        return details["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], details.get("Message", "")
    return "", 200, ""


@dataclass
class InvalidRequest:
    """A request that AWS rejects, with the error code, part of the message, and the HTTP status."""

    service: str
    operation: str
    code: str
    arguments: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    status: int = 400

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}-{self.message[:40] or self.code}"


TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
JOB = {"Name": "strict", "Role": "strict-glue", "Command": {"Name": "glueetl"}}
CRAWLER = {"Name": "strict", "Role": "strict-glue", "DatabaseName": "strict", "Targets": {}}
DATABASE = {
    "DBInstanceIdentifier": "strict",
    "Engine": "mysql",
    "EngineVersion": "8.4",
    "DBInstanceClass": "db.t4g.micro",
    "AllocatedStorage": 20,
    "StorageType": "gp3",
    "MasterUsername": "admin",
    "MasterUserPassword": "a-good-password",
}
TRANSFORM = {
    "TransformJobName": "strict",
    "ModelName": "strict",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/in/"}}},
    "TransformOutput": {"S3OutputPath": "s3://lake/out/"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}
AUTOML = {
    "AutoMLJobName": "strict",
    "AutoMLJobInputDataConfig": [
        {"ChannelType": "training", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/t"}}}
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://lake/models"},
    "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "goals"}},
    "RoleArn": role_arn("strict-sagemaker"),
}
NOTIFICATION = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": FUNCTION_ARN, "Events": ["s3:ObjectCreated:*"]}]}
STOP_DATABASE: dict[str, Any] = {
    "Arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance",
    "RoleArn": role_arn("strict-scheduler"),
    "Input": '{"DbInstanceIdentifier": "rds-mysql"}',
}
SCHEDULE: dict[str, Any] = {
    "Name": "strict",
    "ScheduleExpression": "cron(0 12 * * ? *)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": STOP_DATABASE,
}
INVALID_SCHEDULER_SCHEDULES: list[tuple[dict[str, Any], str]] = [
    ({"ScheduleExpression": "cron(0 12 * * * *)"}, "Invalid Schedule Expression cron(0 12 * * * *)."),
    ({"ScheduleExpression": "at(2026-02-30T10:00:00)"}, "Invalid Schedule Expression at("),
    ({"ScheduleExpressionTimezone": "Europe/Nowhere"}, "Timezone Europe/Nowhere"),
    ({"FlexibleTimeWindow": {"Mode": "SOMETIMES"}}, "'flexibleTimeWindow.mode'"),
    ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes is required"),
    ({"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}}, "MaximumWindowInMinutes cannot"),
    *(
        ({"Target": STOP_DATABASE | changes}, message)
        for changes, message in (
            ({"Arn": "arn:aws:scheduler:::aws-sdk:rdbms:stopDBInstance"}, "rdbms is not a supported service"),
            ({"Arn": "arn:aws:scheduler:::aws-sdk:rds:describeDBInstances"}, "describeDBInstances API is not"),
            ({"Arn": "arn:aws:scheduler:::aws-sdk:rds:StopDBInstance"}, "StopDBInstance API is not supported"),
            (
                {"Arn": "arn:aws:scheduler:us-east-1:123456789012:aws-sdk:rds:stopDBInstance"},
                "scheduler is not a supported service for a target.",
            ),
            ({"Arn": "arn:aws:rds:us-east-1:123456789012:db:rds-mysql"}, "rds is not a supported service"),
            ({"Input": "now"}, "Invalid RequestJson provided."),
            (
                {"Input": '{"DBInstanceIdentifier": "rds-mysql"}'},
                "Request payload is missing the following field(s): DbInstanceIdentifier.",
            ),
            ({"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:q.fifo"}}, "deadLetterConfig"),
            ({"RetryPolicy": {"MaximumRetryAttempts": 186}}, "maximumRetryAttempts"),
        )
    ),
]
NOT_ASSUMABLE = "The role defined for the function cannot be assumed by Lambda."
OUT_OF_SHAPE = "did not validate against our published schema"

INVALID_REQUESTS = [
    # Constraints of the service models (pattern, length, range, enum, required) in every protocol
    InvalidRequest(
        "iam",
        "create_role",
        "ValidationError",
        {"RoleName": "two words", "AssumeRolePolicyDocument": TRUST},
        "1 validation error detected: Value 'two words' at 'roleName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\w+=,.@-]+",
    ),
    InvalidRequest(
        "iam",
        "create_role",
        "ValidationError",
        {"RoleName": "r" * 65, "AssumeRolePolicyDocument": TRUST},
        "Member must have length less than or equal to 64",
    ),
    InvalidRequest(
        "iam",
        "create_role",
        "ValidationError",
        {"RoleName": "strict"},
        "Value null at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null",
    ),
    InvalidRequest(
        "logs", "create_log_group", "InvalidParameterException", {"logGroupName": "what?"}, "'logGroupName'"
    ),
    InvalidRequest(
        "ssm",
        "put_parameter",
        "ValidationException",
        {"Name": "/strict", "Value": "x", "Type": "Secret"},
        "Value 'Secret' at 'type' failed to satisfy constraint: "
        "Member must satisfy enum value set: [String, StringList, SecureString]",
    ),
    InvalidRequest(
        "events", "put_rule", "ValidationException", {"Name": "r", "State": "ON", "EventPattern": "{}"}, "'state'"
    ),
    InvalidRequest(
        "events",
        "put_targets",
        "ValidationException",
        {"Rule": "r", "Targets": [{"Id": "1", "Arn": FUNCTION_ARN}, {"Id": "a b", "Arn": FUNCTION_ARN}]},
        "at 'targets.2.member.id'",
    ),
    InvalidRequest("glue", "create_job", "ValidationException", JOB | {"WorkerType": "G.9X"}, "'workerType'"),
    InvalidRequest(
        "glue", "create_job", "ValidationException", JOB | {"Tags": {"": "x"}}, "Map keys must satisfy constraint"
    ),
    InvalidRequest("glue", "create_job", "SerializationException", JOB | {"Timeout": "ten"}, "STRING_VALUE can not be"),
    InvalidRequest("sagemaker", "create_model", "ValidationException", {"ModelName": "x_goals"}, "'modelName'"),
    InvalidRequest(
        "sagemaker",
        "create_transform_job",
        "ValidationException",
        TRANSFORM | {"TransformResources": {"InstanceType": "ml.huge", "InstanceCount": 1}},
        "Value 'ml.huge' at 'transformResources.instanceType'",
    ),
    InvalidRequest(
        "sagemaker",
        "create_transform_job",
        "ValidationException",
        TRANSFORM | {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 0}},
        "Member must have value greater than or equal to 1",
    ),
    InvalidRequest(
        "lambda", "create_function", "ValidationException", function_request("x", MemorySize=64), "'memorySize'"
    ),
    InvalidRequest(
        "lambda",
        "create_function",
        "ValidationException",
        function_request("x", Timeout=901),
        "less than or equal to 900",
    ),
    InvalidRequest(
        "lambda",
        "create_function",
        "ValidationException",
        function_request("x", Environment={"Variables": {"X": "secret"}}),
        "Value at 'environment.variables' failed to satisfy constraint: Map keys",
    ),
    InvalidRequest(
        "budgets", "describe_budgets", "ValidationException", {"AccountId": "12"}, "2 validation errors detected"
    ),
    InvalidRequest(
        "secretsmanager", "create_secret", "ValidationException", {"Name": ""}, "greater than or equal to 1"
    ),
    InvalidRequest("cloudwatch", "put_metric_alarm", "MissingParameter", {}, "AlarmName"),
    InvalidRequest("rds", "create_db_instance", "MissingParameter", {"Engine": "mysql"}, "DBInstanceIdentifier"),
    InvalidRequest("ec2", "create_security_group", "MissingParameter", {"GroupName": "x"}, "Description"),
    InvalidRequest(
        "ec2",
        "create_vpc_endpoint",
        "InvalidParameterValue",
        {"VpcId": "vpc-1", "ServiceName": "s3", "VpcEndpointType": "Door"},
        "Value (Door) for parameter VpcEndpointType is invalid.",
    ),
    InvalidRequest(
        "s3",
        "put_bucket_versioning",
        "MalformedXML",
        {"Bucket": BUCKET, "VersioningConfiguration": {"Status": "On"}},
        OUT_OF_SHAPE,
    ),
    InvalidRequest(
        "s3", "put_bucket_tagging", "MalformedXML", {"Bucket": BUCKET, "Tagging": {"TagSet": [{"Key": "a"}]}}
    ),
    InvalidRequest(
        "s3", "create_bucket", "InvalidArgument", {"Bucket": "strict-acl", "ACL": "open-to-all"}, "open-to-all"
    ),
    # Schedules
    InvalidRequest("events", "put_rule", "ValidationException", {"Name": "r"}, "must be specified"),
    InvalidRequest(
        "events",
        "put_rule",
        "ValidationException",
        {"Name": "r", "ScheduleExpression": "cron(0 8 * * TUE *)"},
        "Parameter ScheduleExpression is not valid.",
    ),
    InvalidRequest(
        "glue", "create_crawler", "InvalidInputException", CRAWLER | {"Schedule": "cron(0 8 * * TUE *)"}, "not valid"
    ),
    InvalidRequest(
        "glue",
        "create_trigger",
        "InvalidInputException",
        {"Name": "t", "Type": "SCHEDULED", "Schedule": "rate(1 hour)", "Actions": [{"JobName": "j"}]},
        "not valid",
    ),
    *(
        InvalidRequest("scheduler", "create_schedule", "ValidationException", SCHEDULE | changes, message)
        for changes, message in INVALID_SCHEDULER_SCHEDULES
    ),
    InvalidRequest(
        "scheduler",
        "create_schedule",
        "ValidationException",
        SCHEDULE | {"Target": {key: value for key, value in STOP_DATABASE.items() if key != "Input"}},
        "You must provide an input to set this target for your schedule",
    ),
    InvalidRequest(
        "scheduler",
        "create_schedule",
        "ResourceNotFoundException",
        SCHEDULE | {"GroupName": "missing"},
        "Schedule group missing does not exist.",
        status=404,
    ),
    InvalidRequest("scheduler", "delete_schedule_group", "ValidationException", {"Name": "default"}, "default"),
    # Roles that do not exist, and roles that trust another service
    *(
        InvalidRequest(service, operation, code, arguments(other), message)
        for service, operation, code, arguments, message in (
            (
                "lambda",
                "create_function",
                "InvalidParameterValueException",
                lambda name: function_request("x", Role=role_arn(name)),
                NOT_ASSUMABLE,
            ),
            (
                "lambda",
                "update_function_configuration",
                "InvalidParameterValueException",
                lambda name: {"FunctionName": "strict", "Role": role_arn(name)},
                NOT_ASSUMABLE,
            ),
            (
                "glue",
                "create_job",
                "InvalidInputException",
                lambda name: JOB | {"Role": role_arn(name)},
                "should be given assume role permissions for Glue Service",
            ),
            (
                "glue",
                "create_crawler",
                "InvalidInputException",
                lambda name: CRAWLER | {"Role": name},
                "Service is unable to assume provided role",
            ),
            (
                "sagemaker",
                "create_model",
                "ValidationException",
                lambda name: {"ModelName": "m", "ExecutionRoleArn": role_arn(name)},
                "Could not assume role",
            ),
            (
                "sagemaker",
                "create_auto_ml_job_v2",
                "ValidationException",
                lambda name: AUTOML | {"RoleArn": role_arn(name)},
                "Could not assume role",
            ),
            (
                "scheduler",
                "create_schedule",
                "ValidationException",
                lambda name: SCHEDULE | {"Target": STOP_DATABASE | {"RoleArn": role_arn(name)}},
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
            ),
        )
        for other in ("nobody", "strict-glue" if service == "lambda" else "strict-lambda")
    ),
    # Versions, classes, sizes
    InvalidRequest(
        "lambda",
        "create_function",
        "InvalidParameterValueException",
        function_request("x", Runtime="python2.9"),
        "Value python2.9 at 'runtime' failed to satisfy constraint",
    ),
    InvalidRequest(
        "lambda",
        "create_function",
        "InvalidParameterValueException",
        function_request("x", Runtime="python3.6"),
        "The runtime parameter of python3.6 is no longer supported",
    ),
    InvalidRequest(
        "lambda",
        "create_function",
        "InvalidParameterValueException",
        function_request("x", Environment={"Variables": {"AWS_REGION": "eu-west-1"}}),
        "Reserved keys used in this request: AWS_REGION",
    ),
    InvalidRequest(
        "lambda",
        "create_function",
        "InvalidParameterValueException",
        function_request("x", Environment={"Variables": {"LONG": "x" * 4096}}),
        "exceeded the 4KB limit",
    ),
    InvalidRequest("glue", "create_job", "InvalidInputException", JOB | {"GlueVersion": "9.9"}, "GlueVersion [9.9]"),
    InvalidRequest(
        "logs",
        "put_retention_policy",
        "InvalidParameterException",
        {"logGroupName": "strict", "retentionInDays": 31},
        "Value '31' at 'retentionInDays'",
    ),
    *(
        InvalidRequest("rds", "create_db_instance", code, DATABASE | changes, message)
        for code, changes, message in (
            ("InvalidParameterValue", {"Engine": "mysequel"}, "Invalid DB engine"),
            ("InvalidParameterCombination", {"EngineVersion": "5.7.13"}, "Cannot find version 5.7.13 for mysql"),
            ("InvalidParameterValue", {"DBInstanceClass": "db.t2.micro"}, "Invalid DB Instance class: db.t2.micro"),
            (
                "InvalidParameterCombination",
                {"Engine": "sqlserver-se", "EngineVersion": "15.00", "DBInstanceClass": "db.t4g.micro"},
                "RDS does not support creating a DB instance with the following combination",
            ),
            ("InvalidParameterValue", {"AllocatedStorage": 5}, "storage type gp3: 5"),
            ("InvalidParameterValue", {"StorageType": "ssd"}, "Invalid storage type"),
            ("InvalidParameterValue", {"DBInstanceIdentifier": "rds--mysql"}, "not a valid identifier"),
            ("InvalidParameterValue", {"BackupRetentionPeriod": 36}, "Invalid backup retention period"),
        )
    ),
    # Buckets of another account, functions that S3 may not invoke
    InvalidRequest(
        "s3",
        "put_object",
        "AccessDenied",
        {"Bucket": BUCKET, "Key": "k", "Body": b"x" * 2_000_000, "ExpectedBucketOwner": OTHER_ACCOUNT},
        status=403,
    ),
    InvalidRequest("s3", "head_bucket", "403", {"Bucket": BUCKET, "ExpectedBucketOwner": OTHER_ACCOUNT}, status=403),
    InvalidRequest(
        "s3",
        "put_bucket_notification_configuration",
        "InvalidArgument",
        {"Bucket": BUCKET, "NotificationConfiguration": NOTIFICATION},
        "Unable to validate the following destination configurations",
    ),
]


@pytest.mark.parametrize("invalid", INVALID_REQUESTS, ids=str)
def test_invalid_requests_are_rejected_as_on_aws(client: ClientFactory, invalid: InvalidRequest) -> None:
    code, status, message = call(client, invalid.service, invalid.operation, **invalid.arguments)
    assert (code, status) == (invalid.code, invalid.status), message
    assert invalid.message in message


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sts", "get_caller_identity"),
        ("s3", "list_buckets"),
        ("ec2", "describe_vpcs"),
        ("lambda", "list_functions"),
        ("glue", "get_jobs"),
        ("rds", "describe_db_instances"),
    ],
)
def test_a_region_that_does_not_exist_is_rejected(account: Local, service: str, operation: str) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(account.client(service, "eu-west-9"), operation)()
    error = refusal.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("UnknownRegion", "AWS region eu-west-9 does not exist.")


def test_a_second_permission_with_the_same_statement_id_is_rejected(client: ClientFactory) -> None:
    permission = {"FunctionName": "strict", "StatementId": "twice", "Action": "lambda:InvokeFunction"}
    permission["Principal"] = "events.amazonaws.com"
    assert call(client, "lambda", "add_permission", **permission)[0] == ""
    code, status, message = call(client, "lambda", "add_permission", **permission)
    assert (code, status) == ("ResourceConflictException", 409)
    assert "The statement id (twice) provided already exists" in message


def test_malformed_bodies_and_unknown_members_are_rejected(account: Local) -> None:
    client = unvalidated_clients(account.endpoint)
    client("ec2").meta.events.register("before-call.ec2", lambda params, **_: params["body"].update(Colour="red"))
    assert call(client, "ec2", "describe_vpcs")[:2] == ("UnknownParameter", 400)

    def add_unknown_element(params: dict[str, Any], **_: Any) -> None:
        params["body"] = params["body"].replace(b"<Status>", b"<Colour>red</Colour><Status>")

    client("s3").meta.events.register("before-call.s3", add_unknown_element)
    versioning = {"Bucket": BUCKET, "VersioningConfiguration": {"Status": "Enabled"}}
    assert call(client, "s3", "put_bucket_versioning", **versioning)[0] == "MalformedXML"

    def truncate(params: dict[str, Any], **_: Any) -> None:
        params["body"] = b'{"Name": '

    client("glue").meta.events.register("before-call.glue", truncate)
    assert call(client, "glue", "get_job", JobName="x")[0] == "SerializationException"


SCHEDULES = [
    "cron(0 8 ? * TUE 2020-2021)",
    "cron(30 8,9 ? * TUE 2026-2027)",
    "cron(0/15 * * * ? *)",
    "cron(*/5 22-2 ? JAN,MAR-MAY fri-mon 1970)",
    "cron(15 10 ? * 6L 2199)",
    "cron(0 9 ? * TUE#3 *)",
    "cron(0 9 L * ? *)",
    "cron(0 9 LW * ? *)",
    "cron(0 9 15W * ? *)",
    "cron(0 9 1,15 * ? *)",
    "rate(1 minute)",
    "rate(12 hours)",
]
INVALID_SCHEDULES = [
    "cron(0 8 ? * ? *)",
    "cron(0 8 * * * *)",
    "cron(0 8 ? * TUE)",
    "cron(60 8 ? * TUE *)",
    "cron(0 24 ? * TUE *)",
    "cron(0 8 0 * ? *)",
    "cron(0 8 32 * ? *)",
    "cron(0 8 ? 13 TUE *)",
    "cron(0 8 ? * 8 *)",
    "cron(0 8 ? * DIE *)",
    "cron(0 8 ? * TUE 1969)",
    "cron(0 8 ? * TUE 2200)",
    "cron(0 8 ? * TUE 2021-2020)",
    "cron(0 8 ? * 3#6 *)",
    "cron(0 8 ? * 3#1,6#3 *)",
    "cron(? 8 1 * ? *)",
    "cron(1- 8 ? * TUE *)",
    "cron(0/0 8 ? * TUE *)",
    "cron()",
    "0 8 ? * TUE *",
    "rate(1 minutes)",
    "rate(5 minute)",
    "rate(0 minutes)",
    "rate(5 weeks)",
]


@pytest.mark.parametrize(
    ("expression", "valid"), [*((text, True) for text in SCHEDULES), *((text, False) for text in INVALID_SCHEDULES)]
)
def test_eventbridge_and_glue_accept_only_valid_schedules(client: ClientFactory, expression: str, valid: bool) -> None:
    put = call(client, "events", "put_rule", Name="strict", ScheduleExpression=expression)
    assert put[0] == ("" if valid else "ValidationException")
    trigger = {"Name": uuid.uuid4().hex, "Type": "SCHEDULED", "Schedule": expression, "Actions": [{"JobName": "j"}]}
    valid_for_glue = valid and expression.startswith("cron")  # Glue has no rate(…)
    assert call(client, "glue", "create_trigger", **trigger)[0] == ("" if valid_for_glue else "InvalidInputException")


def trust_statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    } | changes


def source_account(account: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceAccount": account}}


@pytest.mark.parametrize(
    ("statements", "assumable"),
    [
        ([trust_statement()], True),
        ([trust_statement(Principal={"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]})], True),
        ([trust_statement(Action=["sts:TagSession", "sts:Assume*"])], True),
        ([trust_statement(Condition=source_account(ACCOUNT))], True),
        ([trust_statement(Condition=source_account(OTHER_ACCOUNT))], False),
        ([trust_statement(Condition={"StringEquals": {"aws:SourceAccount": [OTHER_ACCOUNT, ACCOUNT]}})], True),
        ([trust_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*:*:*"}})], True),
        ([trust_statement(Principal={"AWS": role_arn("strict-sagemaker")})], False),
        ([trust_statement(Principal={"Service": "glue.amazonaws.com"})], False),
        ([trust_statement(Action="sts:TagSession")], False),
        ([trust_statement(), trust_statement(Effect="Deny")], False),
        ([trust_statement(), trust_statement(Effect="Deny", Condition=source_account(OTHER_ACCOUNT))], True),
    ],
)
def test_a_role_can_be_assumed_if_its_trust_policy_allows_it(
    account: Local, client: ClientFactory, statements: list[dict[str, Any]], assumable: bool
) -> None:
    name = f"trust-{uuid.uuid4().hex}"
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    created = call(client, "sagemaker", "create_model", ModelName=name, ExecutionRoleArn=role_arn(name))
    assert created[0] == ("" if assumable else "ValidationException")


@pytest.mark.parametrize(
    ("permission", "permitted"),
    [
        ({}, True),
        ({"SourceArn": f"arn:aws:s3:::{BUCKET}", "SourceAccount": ACCOUNT}, True),
        ({"SourceArn": "arn:aws:s3:::strict-*"}, True),
        ({"SourceArn": "arn:aws:s3:::another-lake"}, False),
        ({"SourceArn": f"arn:aws:s3:::{BUCKET}", "SourceAccount": OTHER_ACCOUNT}, False),
        ({"Principal": "events.amazonaws.com"}, False),
        ({"Action": "lambda:GetFunction"}, False),
    ],
)
def test_a_notification_needs_the_permission_of_its_function(
    account: Local, client: ClientFactory, permission: dict[str, str], permitted: bool
) -> None:
    name = f"permit-{uuid.uuid4().hex}"
    arn = account.client("lambda").create_function(**function_request(name))["FunctionArn"]
    request = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"} | permission
    account.client("lambda").add_permission(FunctionName=name, StatementId="s3", **request)
    put = call(client, "s3", "put_bucket_notification_configuration", **notification(arn))
    assert put[0] == ("" if permitted else "InvalidArgument")
    skipped = notification(arn) | {"SkipDestinationValidation": True}
    assert call(client, "s3", "put_bucket_notification_configuration", **skipped)[0] == ""


def notification(arn: str) -> dict[str, Any]:
    functions = [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    return {"Bucket": BUCKET, "NotificationConfiguration": {"LambdaFunctionConfigurations": functions}}


@pytest.fixture
def unsettled(account: Local) -> Iterator[ClientFactory]:
    """Clients of an endpoint of the same AWS at which new roles and permissions are invisible for an hour."""
    from moto.server import DomainDispatcherApplication, create_backend_app

    application = middleware.validate_requests(DomainDispatcherApplication(create_backend_app), settle_seconds=3600)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield unvalidated_clients(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    server.server_close()


def test_new_roles_and_permissions_are_invisible_at_first(client: ClientFactory, unsettled: ClientFactory) -> None:
    request = function_request("settling")
    assert call(unsettled, "lambda", "create_function", **request)[2] == NOT_ASSUMABLE
    assert call(unsettled, "glue", "create_job", **JOB)[0] == "InvalidInputException"
    assert call(client, "lambda", "create_function", **request)[0] == ""
    arn = client("lambda").get_function(FunctionName="settling")["Configuration"]["FunctionArn"]
    unsettled("lambda").add_permission(
        FunctionName="settling", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    rejected = call(unsettled, "s3", "put_bucket_notification_configuration", **notification(arn))
    assert "Unable to validate the following destination configurations" in rejected[2]
    assert call(client, "s3", "put_bucket_notification_configuration", **notification(arn))[0] == ""


@pytest.mark.thorough
def test_bootstrap_waits_until_new_roles_and_permissions_are_visible(cli: Cli) -> None:
    cli("local", "start", FOOTLAKE_LOCAL_SETTLE_SECONDS="2")
    outcomes = [step["outcome"] for step in cli.json("bootstrap")["resources"]]
    assert "created" in outcomes
