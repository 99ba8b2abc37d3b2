"""Teardown continues after failed deletions, checks what is left, and reports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.deploy.catalogue import mysql_instance
from footlake.resources.base import tag_list
from footlake.resources.network import subnets
from tests.conftest import Cli
from tests.support.aws_account import Account, describe, differences
from tests.support.call_faults import refusal

pytestmark = pytest.mark.thorough  # make proof

WRITERS = {
    "lambda function etlGetFixtures": "/aws/lambda/etlGetFixtures",
    "lambda function etlGetStatistics": "/aws/lambda/etlGetStatistics",
    "lambda function etlGetXGoals": "/aws/lambda/etlGetXGoals",
    "glue job": "/aws-glue/jobs/",
    "glue crawler": "/aws-glue/crawlers",
    "role SageMaker": "/aws/sagemaker/P",
}


@pytest.fixture(scope="module")
def empty(aws: AwsContext) -> Account:
    return describe(aws.client)


@contextmanager
def denied(aws: AwsContext, service: str, *operations: str) -> Iterator[None]:
    """Deny these operations to the clients of `aws`."""

    def deny(model: Any, **_: Any) -> Any:
        return refusal("denied", model) if model.name in operations else None

    events = aws.client(service).meta.events
    events.register("before-call", deny)
    yield
    events.unregister("before-call", deny)


def test_a_denied_deletion_is_skipped_and_reported(aws: AwsContext, empty: Account) -> None:
    bootstrap(aws)
    with denied(aws, "events", "DeleteRule"):
        result = teardown(aws)
    assert {label for label in result.left if "event rule" not in label} == set()
    assert "event rule etlGetFixtures" in result.left
    assert {line.split(":")[0].split(" ")[0] for line in differences(empty, describe(aws.client))} == {"rule"}
    assert teardown(aws).left == []
    assert not differences(empty, describe(aws.client))


@pytest.mark.parametrize(
    ("service", "operation", "unseen"),
    [
        ("s3", "HeadBucket", "bucket "),
        ("glue", "GetJob", "glue job dropids"),
        ("rds", "DescribeDBInstances", "db instance rds-mysql"),
        ("lambda", "GetPolicy", "lambda permission etlGetFixtures"),
        ("logs", "DescribeLogGroups", "log group /aws/lambda/etlGetFixtures"),
        ("iam", "GetRole", "role GlueRole"),
    ],
)
def test_an_unreadable_resource_is_reported_as_left(
    aws: AwsContext, empty: Account, service: str, operation: str, unseen: str
) -> None:
    with denied(aws, service, operation):
        left = teardown(aws).left
    assert any(label.startswith(unseen) and "cannot see" in label for label in left), left
    assert teardown(aws).left == []


def test_teardown_names_remaining_resources_and_exits_with_4(cli: Cli, aws: AwsContext, empty: Account) -> None:
    """RDS does not delete the lake's parameter group while an instance of another owner uses it."""
    bootstrap(aws)
    rds = aws.client("rds")
    ids = [subnet["SubnetId"] for subnet in subnets(aws)]
    rds.create_db_subnet_group(DBSubnetGroupName="theirs", DBSubnetGroupDescription="theirs", SubnetIds=ids)
    rds.create_db_instance(
        DBInstanceIdentifier="theirs",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="theirs",
        MasterUserPassword="theirs-theirs",
        DBSubnetGroupName="theirs",
        DBParameterGroupName="rds-mysql",
    )
    completed = cli("--local", "teardown", "--yes")
    assert completed.returncode == 4
    assert "db parameter group rds-mysql" in completed.stderr
    assert "Nothing is left" not in completed.stdout
    rds.delete_db_instance(DBInstanceIdentifier="theirs", SkipFinalSnapshot=True)
    rds.delete_db_subnet_group(DBSubnetGroupName="theirs")
    assert cli("--local", "teardown", "--yes").returncode == 0
    assert not differences(empty, describe(aws.client))


@contextmanager
def still_tagged(aws: AwsContext, *arns: str) -> Iterator[None]:
    """Add these ARNs to the resources of the lake in AWS's index of tags."""

    def add(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ResourceTagMappingList"] += [{"ResourceARN": arn, "Tags": tag_list(aws)} for arn in arns]

    events = aws.client("resourcegroupstaggingapi").meta.events
    events.register("after-call", add)
    yield
    events.unregister("after-call", add)


def test_deleted_resources_in_the_index_of_tags_are_not_left(aws: AwsContext, empty: Account) -> None:
    def arn(service: str, name: str) -> str:
        return f"arn:aws:{service}:{aws.config.region}:{aws.config.account}:{name}"

    gone = (
        arn("ssm", "parameter/footlake/data-lake-administrators"),
        arn("sagemaker", "model/xgoals-2026-11-25"),
        arn("rds", "snapshot:rds:rds-mysql-2026-11-25-03-04"),
        arn("rds", "auto-backup:ab-0123456789"),
        arn("sagemaker", "domain/d-0123456789"),
        arn("sagemaker", "user-profile/d-0123456789/mydefaultusername"),
    )
    existing = (arn("rds", "snapshot:before-the-summer"), arn("sagemaker", "model/others-1"))
    with still_tagged(aws, *gone, *existing):
        assert teardown(aws).left == [f"tagged {arn}" for arn in existing]


def test_a_kept_resource_in_the_index_of_tags_is_left(aws: AwsContext, empty: Account) -> None:
    ssm, name = aws.client("ssm"), aws.config.api_key_parameter
    ssm.put_parameter(Name=name, Value="k", Type="SecureString", Tags=[{"Key": "footlake", "Value": "another"}])
    arn = f"arn:aws:ssm:{aws.config.region}:{aws.config.account}:parameter{name}"
    with still_tagged(aws, arn):
        assert teardown(aws).left == [f"tagged {arn}"]
    ssm.delete_parameter(Name=name)
    assert not differences(empty, describe(aws.client))


def test_a_function_deleted_by_hand_does_not_block_teardown(aws: AwsContext, empty: Account) -> None:
    bootstrap(aws)
    aws.client("lambda").delete_function(FunctionName="etlGetStatistics")
    assert teardown(aws).left == []
    assert not differences(empty, describe(aws.client))


def test_network_interfaces_of_glue_are_deleted_with_their_security_group(aws: AwsContext, empty: Account) -> None:
    bootstrap(aws)
    ec2, subnet = aws.client("ec2"), subnets(aws)[0]["SubnetId"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["rds-mysql"]}])["SecurityGroups"]
    tags = [{"Key": "aws-glue-service-resource", "Value": "GlueRole"}]
    ec2.create_network_interface(
        SubnetId=subnet,
        Groups=[groups[0]["GroupId"]],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}],
    )
    assert teardown(aws).left == []
    assert not differences(empty, describe(aws.client))


def test_log_groups_are_deleted_after_everything_that_writes_to_them(aws: AwsContext, empty: Account) -> None:
    """A group that is deleted earlier is created again by AWS, without the tag."""
    bootstrap(aws)
    order = [step.resource for step in teardown(aws).resources if step.outcome == "deleted"]
    last = {kind: max(i for i, label in enumerate(order) if label.startswith(kind)) for kind in WRITERS}
    for kind, groups in WRITERS.items():
        assert last[kind] < min(i for i, label in enumerate(order) if label.startswith(f"log group {groups}"))


def test_a_database_in_deletion_is_awaited_and_created_again(aws: AwsContext, empty: Account) -> None:
    bootstrap(aws)
    aws.client("rds").delete_db_instance(DBInstanceIdentifier="rds-mysql", SkipFinalSnapshot=True)
    outcomes = {step.resource: step.outcome for step in bootstrap(aws).resources}
    assert outcomes["db instance rds-mysql"] == "created"
    mysql_instance(aws.config).address(aws)
    assert teardown(aws).left == []
    assert not differences(empty, describe(aws.client))
