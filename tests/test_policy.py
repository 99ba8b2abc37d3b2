"""The policies that `footlake policy` prints suffice for their commands, and roles may do their own work only."""

from __future__ import annotations

import json
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.plan import block_changes, plan_resources
from footlake.deploy.tag_inventory import discover
from footlake.resources import operator_policy, role_policies
from tests.conftest import Cli
from tests.leaks import find_leaks

KEY = "a-key-for-the-football"

CONNECTION = {"Name": "mysqldbconnection", "ConnectionType": "JDBC", "ConnectionProperties": {}}
# Calls that a role must not make: its own work on other resources, and the operator's work.
FORBIDDEN: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "LambdaFullAccessToS3": [
        ("s3", "delete_bucket", {"Bucket": "{bucket}"}),
        ("s3", "put_object", {"Bucket": "{assets}", "Key": "scripts/dropids.py", "Body": b""}),
        ("s3", "put_bucket_notification_configuration", {"Bucket": "{bucket}", "NotificationConfiguration": {}}),
        ("ssm", "get_parameter", {"Name": "/footlake/mysql-password"}),
        ("lambda", "update_function_configuration", {"FunctionName": "etlGetFixtures", "Timeout": 900}),
        ("sagemaker", "delete_model", {"ModelName": "xGoals-1"}),
        ("glue", "start_job_run", {"JobName": "dropids"}),
        ("rds", "delete_db_instance", {"DBInstanceIdentifier": "rds-mysql"}),
        ("iam", "create_user", {"UserName": "intruder"}),
    ],
    "GlueRole": [
        ("s3", "put_object", {"Bucket": "{bucket}", "Key": "raw-data/api-football/statistics/x.json", "Body": b""}),
        ("s3", "put_object", {"Bucket": "{assets}", "Key": "scripts/dropids.py", "Body": b""}),
        ("s3", "list_objects_v2", {"Bucket": "somebody-elses"}),
        ("ssm", "get_parameter", {"Name": "/footlake/api-football-key"}),
        ("glue", "update_connection", {"Name": "mysqldbconnection", "ConnectionInput": CONNECTION}),
        ("glue", "delete_database", {"Name": "awsdataengineerprojectdatabase"}),
        ("glue", "start_job_run", {"JobName": "dropids"}),
        ("ec2", "delete_security_group", {"GroupName": "rds-mysql"}),
        ("lakeformation", "put_data_lake_settings", {"DataLakeSettings": {}}),
    ],
    "SageMakerExecutionRole": [
        ("s3", "get_object", {"Bucket": "{bucket}", "Key": "raw-data/api-football/fixtures/39-2020.json"}),
        ("s3", "put_object", {"Bucket": "{bucket}", "Key": "processed-data/teamcodes.csv", "Body": b""}),
        ("ssm", "get_parameter", {"Name": "/footlake/mysql-password"}),
        ("sagemaker", "create_endpoint", {"EndpointName": "costly", "EndpointConfigName": "costly"}),
        (
            "sagemaker",
            "create_notebook_instance",
            {
                "NotebookInstanceName": "costly",
                "InstanceType": "ml.t3.medium",
                "RoleArn": "arn:aws:iam::{account}:role/SageMakerExecutionRole",
            },
        ),
        ("lambda", "invoke", {"FunctionName": "etlGetFixtures"}),
        ("rds", "describe_db_instances", {}),
    ],
}


@pytest.fixture(scope="module")
def settings(cli: Cli) -> dict[str, str]:
    """Start a local AWS and return the settings that reach it by its endpoint, as AWS itself is reached."""
    cli("local", "start")
    status = json.loads(cli("--output", "json", "local", "status").stdout)
    return {
        "AWS_ENDPOINT_URL": status["endpoint"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "FOOTLAKE_API_URL": status["football_api"],
        "FOOTLAKE_API_KEY": KEY,
        "FOOTLAKE_ALERT_EMAIL": "anna@example.org",
        "FOOTLAKE_SEASON": "2019",
    }


def operator(cli: Cli, settings: dict[str, str], name: str, *options: str) -> dict[str, str]:
    """Create a user with the policy that `footlake policy` prints, and return its settings."""
    iam = cli.lake().client("iam")
    root = {"AWS_ACCESS_KEY_ID": "root", "AWS_SECRET_ACCESS_KEY": "root"}
    printed = cli("policy", *options, **settings, **root)
    assert printed.returncode == 0, printed.stderr
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="footlake", PolicyDocument=printed.stdout)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return settings | {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def create_boundary(cli: Cli, settings: dict[str, str]) -> None:
    """Create the permissions boundary as an administrator does, unless it exists."""
    iam = cli.lake().client("iam")
    root = {"AWS_ACCESS_KEY_ID": "root", "AWS_SECRET_ACCESS_KEY": "root"}
    printed = cli("policy", "--boundary", **settings, **root)
    assert printed.returncode == 0, printed.stderr
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        tags = [{"Key": "footlake", "Value": "footlake"}]
        iam.create_policy(PolicyName="footlake-boundary", PolicyDocument=printed.stdout, Tags=tags)


@pytest.fixture(scope="module")
def setup(cli: Cli, settings: dict[str, str]) -> dict[str, str]:
    """Create a user for every command, and the boundary that this user may not create."""
    user = operator(cli, settings, "setup")
    refused = cli("bootstrap", **user)
    assert refused.returncode == 1
    assert "The permissions boundary footlake-boundary does not exist, and you are not allowed to write it." in (
        refused.stderr
    )
    create_boundary(cli, settings)
    return user


@pytest.fixture(scope="module")
def weekly(cli: Cli, settings: dict[str, str]) -> dict[str, str]:
    """Create a user for the weekly work."""
    return operator(cli, settings, "weekly", "--weekly")


def succeed(cli: Cli, environment: dict[str, str], *commands: str) -> None:
    for command in commands:
        result = cli(*command.split(), **environment)
        assert result.returncode == 0, f"{command}: {result.stderr}"


def test_split_writes_the_policy_in_several_files(cli: Cli, tmp_path: Path) -> None:
    written = cli.json("policy", "--split", str(tmp_path / "new" / "folder"))["files"]
    whole = json.loads(cli("--local", "policy").stdout)["Statement"]
    assert [statement for file in written for statement in json.loads(Path(file).read_text())["Statement"]] == whole


def test_the_full_policy_suffices_for_bootstrap_and_ingestion(cli: Cli, setup: dict[str, str]) -> None:
    succeed(cli, setup, "bootstrap --plan", "bootstrap", "bootstrap", "status")
    succeed(cli, setup, "ingest-fixtures --date 2020-03-10")
    assert find_leaks(cli.lake(), cli.dir, KEY) == []


def test_the_full_policy_permits_the_lists_that_resources_share(cli: Cli, setup: dict[str, str]) -> None:
    """bootstrap and status do without a list that AWS denies, so that only more calls would show it."""
    succeed(cli, setup, "bootstrap")
    session: Any = boto3.Session(setup["AWS_ACCESS_KEY_ID"], setup["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    answers: dict[str, int] = {}

    def note_status(model: Any, http_response: Any, **_: Any) -> None:
        answers[model.name] = max(answers.get(model.name, 0), http_response.status_code)

    session.events.register("after-call", note_status)
    block_changes(session)
    config = Config(api_key=KEY, client_address="203.0.113.7/32")
    aws = AwsContext(config, session, patient=False, endpoint_url=setup["AWS_ENDPOINT_URL"])
    discover(aws)
    plan_resources(aws, catalogue(aws.config))
    lists = [
        *("BatchGetCrawlers", "BatchGetJobs", "BatchGetTriggers", "DescribeLogGroups", "GetParameters", "GetTables"),
        *("ListObjectsV2", "ListRuleNamesByTarget", "ListRules"),
    ]
    assert {name: answers[name] for name in lists} == dict.fromkeys(lists, 200)


@pytest.mark.thorough
def test_the_policies_suffice_to_change_the_setting_database(
    cli: Cli, setup: dict[str, str], weekly: dict[str, str]
) -> None:
    """The boundary that an administrator created before is enough for each value."""
    sleeps = {"FOOTLAKE_DATABASE": "weekly"}
    succeed(cli, setup | sleeps, "bootstrap --plan", "bootstrap")
    succeed(cli, weekly | sleeps, "database stop", "database start", "database status")
    succeed(cli, setup | {"FOOTLAKE_DATABASE": "none"}, "bootstrap --plan", "bootstrap --yes", "status")
    succeed(cli, setup, "bootstrap")


def test_each_role_is_denied_other_work(cli: Cli, settings: dict[str, str]) -> None:
    lake = cli.lake()
    names = {"bucket": lake.config.bucket, "assets": lake.config.assets_bucket, "account": lake.config.account}
    for role, calls in FORBIDDEN.items():
        arn = f"arn:aws:iam::{lake.config.account}:role/{role}"
        key = lake.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        session: Any = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], "us-east-1")
        for service, operation, templates in calls:
            arguments = {
                key: value.format(**names) if isinstance(value, str) else value for key, value in templates.items()
            }
            client = session.client(service, endpoint_url=settings["AWS_ENDPOINT_URL"])
            with pytest.raises(ClientError) as denied:
                getattr(client, operation)(**arguments)
            assert "is not authorized to perform" in str(denied.value), f"{role} may {operation}"


def test_a_missing_permission_is_named(cli: Cli, weekly: dict[str, str]) -> None:
    refused = cli("bootstrap", **weekly)
    assert refused.returncode == 1
    assert "is not authorized to perform" in refused.stderr
    assert "Allow this action for the user or role that runs footlake." in refused.stderr


@pytest.fixture(scope="module")
def limited(cli: Cli, settings: dict[str, str], setup: dict[str, str]) -> dict[str, str]:
    """Bootstrap the lake and create a weekly user to which tests add permissions and denials."""
    succeed(cli, setup, "bootstrap")
    return operator(cli, settings, "limited", "--weekly")


@pytest.mark.parametrize(
    ("allowed", "denied", "code", "words"),
    [
        (
            [],
            [],
            1,
            "warning: * has the permissions for the weekly run, but lacks *. bootstrap and teardown need them. *",
        ),
        (
            [],
            ["glue:StartJobRun"],
            1,
            "problem: * lacks glue:StartJobRun*. footlake policy prints the required policy.",
        ),
        pytest.param(["*"], [], 1, "ok: * has all permissions that footlake needs.", marks=pytest.mark.thorough),
        pytest.param(
            *([], ["iam:SimulatePrincipalPolicy"], 1),
            "warning: could not be checked: AccessDenied. Allow iam:SimulatePrincipalPolicy and iam:GetRole.",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_doctor_reports_missing_permissions(
    cli: Cli, limited: dict[str, str], allowed: list[str], denied: list[str], code: int, words: str
) -> None:
    statements = [{"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy", *allowed], "Resource": "*"}]
    statements += [{"Effect": "Deny", "Action": denied, "Resource": "*"}] if denied else []
    more = json.dumps({"Version": "2012-10-17", "Statement": statements})
    cli.lake().client("iam").put_user_policy(UserName="limited", PolicyName="more", PolicyDocument=more)
    result = cli("--output", "json", "doctor", **limited)
    (finding,) = [item for item in json.loads(result.stdout)["findings"] if item["what"] == "permissions"]
    text = f"{finding['level']}: {finding['detail']}. {finding['hint']}".rstrip()
    assert fnmatch(text, words), text
    assert result.returncode == code, result.stderr


ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
# What could make the owner of the set-up policy an administrator.
ESCALATIONS: list[tuple[str, dict[str, Any]]] = [
    ("create_role", {"RoleName": "{role}", "AssumeRolePolicyDocument": "{trust}"}),
    (
        "create_role",
        {"RoleName": "{role}", "AssumeRolePolicyDocument": "{trust}", "PermissionsBoundary": ADMINISTRATOR},
    ),
    ("create_role", {"RoleName": "another", "AssumeRolePolicyDocument": "{trust}", "PermissionsBoundary": "{limit}"}),
    ("put_role_permissions_boundary", {"RoleName": "{role}", "PermissionsBoundary": ADMINISTRATOR}),
    ("delete_role_permissions_boundary", {"RoleName": "{role}"}),
    ("put_role_policy", {"RoleName": "GlueRole", "PolicyName": "all", "PolicyDocument": EVERYTHING}),
    ("update_assume_role_policy", {"RoleName": "GlueRole", "PolicyDocument": "{trust}"}),
    ("attach_role_policy", {"RoleName": "{role}", "PolicyArn": ADMINISTRATOR}),
    ("create_policy", {"PolicyName": "another", "PolicyDocument": EVERYTHING}),
    ("create_policy", {"PolicyName": "footlake-boundary", "PolicyDocument": EVERYTHING}),
    ("create_policy_version", {"PolicyArn": "{limit}", "PolicyDocument": EVERYTHING, "SetAsDefault": True}),
    ("set_default_policy_version", {"PolicyArn": "{limit}", "VersionId": "v1"}),
    ("put_user_policy", {"UserName": "setup", "PolicyName": "all", "PolicyDocument": EVERYTHING}),
    ("attach_user_policy", {"UserName": "setup", "PolicyArn": ADMINISTRATOR}),
    ("create_access_key", {"UserName": "root-like"}),
]


def test_the_set_up_policy_does_not_make_its_owner_an_administrator(
    cli: Cli, settings: dict[str, str], setup: dict[str, str]
) -> None:
    succeed(cli, setup, "bootstrap")
    lake, endpoint = cli.lake(), settings["AWS_ENDPOINT_URL"]
    trust = json.dumps(role_policies.trust("lambda.amazonaws.com", lake.config.account))
    # As of a lake of an earlier version, or of another owner.
    lake.client("iam").delete_role_permissions_boundary(RoleName="GlueRole")
    limit = f"arn:aws:iam::{lake.config.account}:policy/footlake-boundary"
    values = {"{role}": "LambdaFullAccessToS3", "{trust}": trust, "{limit}": limit}
    owner: Any = boto3.client(
        "iam",
        "us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id=setup["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=setup["AWS_SECRET_ACCESS_KEY"],
    )
    for operation, arguments in ESCALATIONS:
        with pytest.raises(ClientError, match="is not authorized to perform"):
            getattr(owner, operation)(**{key: values.get(value, value) for key, value in arguments.items()})
    owner.put_role_permissions_boundary(RoleName="GlueRole", PermissionsBoundary=limit)
    with pytest.raises(ClientError, match="Cannot delete a policy attached to entities"):
        owner.delete_policy(PolicyArn=limit)
    # A role's own policy can be widened, but not what the role may do.
    owner.put_role_policy(RoleName="LambdaFullAccessToS3", PolicyName="all", PolicyDocument=EVERYTHING)
    arn = f"arn:aws:iam::{lake.config.account}:role/LambdaFullAccessToS3"
    key = lake.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session: Any = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], "us-east-1")
    with pytest.raises(ClientError, match="is not authorized to perform"):
        session.client("iam", endpoint_url=endpoint).create_user(UserName="intruder")
    owner.delete_role_policy(RoleName="LambdaFullAccessToS3", PolicyName="all")


def test_bootstrap_limits_roles_of_an_earlier_lake(cli: Cli, setup: dict[str, str]) -> None:
    succeed(cli, setup, "bootstrap")
    iam = cli.lake().client("iam")
    iam.delete_role_permissions_boundary(RoleName="GlueRole")
    result = cli("--output", "json", "bootstrap", **setup)
    changed = [item["resource"] for item in json.loads(result.stdout)["resources"] if item["outcome"] == "updated"]
    assert changed == ["role GlueRole"]
    for role in FORBIDDEN:
        attached = iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        assert attached.endswith(":policy/footlake-boundary")


def test_the_boundary_fits_into_a_managed_policy_with_the_longest_names() -> None:
    config = Config(lake="f" * 30, account="123456789012", region="ap-southeast-5")
    assert len(json.dumps(role_policies.boundary(config), separators=(",", ":"))) <= operator_policy.MANAGED_CHARACTERS


@pytest.mark.thorough
def test_the_weekly_policy_suffices_for_the_weekly_work_and_the_full_one_for_teardown(
    cli: Cli, setup: dict[str, str], weekly: dict[str, str]
) -> None:
    succeed(cli, setup, "bootstrap")
    succeed(cli, weekly, "ingest-fixtures --season 2019", "ingest-stats --season 2019", "run-glue", "train-autopilot")
    succeed(cli, weekly, "transform-xgoals", "load-mysql", "run-week --date 2020-03-10", "report", "check")
    succeed(cli, setup, "teardown --yes")


@pytest.mark.thorough
def test_the_full_policy_suffices_for_as_documented(cli: Cli, settings: dict[str, str]) -> None:
    documented = operator(cli, settings | {"FOOTLAKE_AS_DOCUMENTED": "true"}, "documented")
    create_boundary(cli, settings)
    succeed(cli, documented, "bootstrap", "status", "teardown --yes")
