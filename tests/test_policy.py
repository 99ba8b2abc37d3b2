"""What `footlake policy` prints is enough for whoever runs footlake, and no more than the command that it is for."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli
from tests.leaks import leaks

KEY = "a-key-for-the-football"

CONNECTION = {"Name": "mysqldbconnection", "ConnectionType": "JDBC", "ConnectionProperties": {}}
# Each role's work in the wrong place, and what only the operator does.
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
    """A local AWS as AWS itself is used: by its endpoint alone, with a key for the football API."""
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
    """The settings of a user who has the policy that `footlake policy` prints, and nothing else."""
    iam = cli.lake().client("iam")
    root = {"AWS_ACCESS_KEY_ID": "root", "AWS_SECRET_ACCESS_KEY": "root"}
    printed = cli("policy", *options, **settings, **root)
    assert printed.returncode == 0, printed.stderr
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="footlake", PolicyDocument=printed.stdout)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return settings | {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@pytest.fixture(scope="module")
def setup(cli: Cli, settings: dict[str, str]) -> dict[str, str]:
    """A user who may do everything that footlake does."""
    return operator(cli, settings, "setup")


@pytest.fixture(scope="module")
def weekly(cli: Cli, settings: dict[str, str]) -> dict[str, str]:
    """A user who may do the weekly work."""
    return operator(cli, settings, "weekly", "--weekly")


def succeed(cli: Cli, environment: dict[str, str], *commands: str) -> None:
    for command in commands:
        done = cli(*command.split(), **environment)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_split_writes_the_policy_in_parts(cli: Cli, tmp_path: Path) -> None:
    written = cli.json("policy", "--split", str(tmp_path / "new" / "folder"))["files"]
    whole = json.loads(cli("--local", "policy").stdout)["Statement"]
    assert [one for file in written for one in json.loads(Path(file).read_text())["Statement"]] == whole


def test_the_whole_policy_sets_up_and_tears_down(cli: Cli, setup: dict[str, str]) -> None:
    succeed(cli, setup, "bootstrap --plan", "bootstrap", "bootstrap", "status")
    succeed(cli, setup, "ingest-fixtures --season 2019")
    assert leaks(cli.lake(), cli.dir, KEY) == []


def test_each_role_is_refused_what_is_not_its_work(cli: Cli, settings: dict[str, str]) -> None:
    import boto3
    from botocore.exceptions import ClientError

    lake = cli.lake()
    names = {"bucket": lake.config.bucket, "assets": lake.config.assets_bucket, "account": lake.config.account}
    for role, calls in FORBIDDEN.items():
        arn = f"arn:aws:iam::{lake.config.account}:role/{role}"
        key = lake.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], "us-east-1")
        for service, call, given in calls:
            asked = {key: value.format(**names) if isinstance(value, str) else value for key, value in given.items()}
            client = session.client(service, endpoint_url=settings["AWS_ENDPOINT_URL"])
            with pytest.raises(ClientError) as refused:
                getattr(client, call)(**asked)
            assert "is not authorized to perform" in str(refused.value), f"{role} may {call}"


def test_a_missing_permission_is_named(cli: Cli, weekly: dict[str, str]) -> None:
    refused = cli("bootstrap", **weekly)
    assert refused.returncode == 1
    assert "is not authorized to perform" in refused.stderr
    assert "The user or role that runs footlake needs it" in refused.stderr


@pytest.fixture(scope="module")
def whoever(cli: Cli, settings: dict[str, str], setup: dict[str, str]) -> dict[str, str]:
    """Another one of a lake that stands, who is given and denied more."""
    succeed(cli, setup, "bootstrap")
    return operator(cli, settings, "whoever", "--weekly")


@pytest.mark.parametrize(
    ("allowed", "denied", "code", "words"),
    [
        ([], [], 1, "warning: * may do the weekly work, but lacks *. bootstrap and teardown need them: *"),
        ([], ["glue:StartJobRun"], 1, "problem: * lacks glue:StartJobRun*. footlake policy prints all that it needs."),
        pytest.param(["*"], [], 1, "ok: * may do all that footlake needs.", marks=pytest.mark.thorough),
        pytest.param(
            *([], ["iam:SimulatePrincipalPolicy"], 1),
            "warning: cannot be looked at: AccessDenied. Allow iam:SimulatePrincipalPolicy and iam:GetRole.",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_doctor_tells_what_its_user_may_not_do(
    cli: Cli, whoever: dict[str, str], allowed: list[str], denied: list[str], code: int, words: str
) -> None:
    statements = [{"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy", *allowed], "Resource": "*"}]
    statements += [{"Effect": "Deny", "Action": denied, "Resource": "*"}] if denied else []
    more = json.dumps({"Version": "2012-10-17", "Statement": statements})
    cli.lake().client("iam").put_user_policy(UserName="whoever", PolicyName="more", PolicyDocument=more)
    done = cli("--output", "json", "doctor", **whoever)
    (found,) = [one for one in json.loads(done.stdout)["findings"] if one["what"] == "permissions"]
    said = f"{found['level']}: {found['detail']}. {found['hint']}".rstrip()
    assert fnmatch(said, words), said
    assert done.returncode == code, done.stderr


@pytest.mark.thorough
def test_the_weekly_policy_does_the_weekly_work_and_the_whole_one_leaves_nothing(
    cli: Cli, setup: dict[str, str], weekly: dict[str, str]
) -> None:
    succeed(cli, setup, "bootstrap")
    succeed(cli, weekly, "ingest-fixtures --season 2019", "ingest-stats --season 2019", "run-glue", "train-autopilot")
    succeed(cli, weekly, "transform-xgoals", "load-mysql", "run-week --date 2020-03-10", "report")
    succeed(cli, setup, "teardown --yes")


@pytest.mark.thorough
def test_the_whole_policy_is_enough_for_the_documents_letter(cli: Cli, settings: dict[str, str]) -> None:
    documented = operator(cli, settings | {"FOOTLAKE_AS_DOCUMENTED": "true"}, "documented")
    succeed(cli, documented, "bootstrap", "status", "teardown --yes")
