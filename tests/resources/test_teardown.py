"""A teardown that meets resistance goes on, looks again, and says what it saw."""

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
def empty(lake: AwsContext) -> Account:
    return describe(lake.client)


@contextmanager
def denied(lake: AwsContext, service: str, *operations: str) -> Iterator[None]:
    """AWS denies these operations to the lake's own clients."""

    def deny(model: Any, **_: Any) -> Any:
        return refusal("denied", model) if model.name in operations else None

    events = lake.client(service).meta.events
    events.register("before-call", deny)
    yield
    events.unregister("before-call", deny)


def test_a_denied_deletion_is_passed_over_and_reported(lake: AwsContext, empty: Account) -> None:
    bootstrap(lake)
    with denied(lake, "events", "DeleteRule"):
        done = teardown(lake)
    assert {one for one in done.left if "event rule" not in one} == set()
    assert "event rule etlGetFixtures" in done.left
    assert {line.split(":")[0].split(" ")[0] for line in differences(empty, describe(lake.client))} == {"rule"}
    assert teardown(lake).left == []
    assert not differences(empty, describe(lake.client))


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
def test_what_may_not_be_looked_at_is_never_called_clean(
    lake: AwsContext, empty: Account, service: str, operation: str, unseen: str
) -> None:
    with denied(lake, service, operation):
        left = teardown(lake).left
    assert any(one.startswith(unseen) and "cannot see" in one for one in left), left
    assert teardown(lake).left == []


def test_something_left_is_named_and_ends_with_exit_code_4(cli: Cli, lake: AwsContext, empty: Account) -> None:
    """Somebody's instance uses the lake's parameter group, which RDS therefore does not delete."""
    bootstrap(lake)
    rds = lake.client("rds")
    ids = [subnet["SubnetId"] for subnet in subnets(lake)]
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
    done = cli("--local", "teardown", "--yes")
    assert done.returncode == 4
    assert "db parameter group rds-mysql" in done.stderr
    assert "Nothing is left" not in done.stdout
    rds.delete_db_instance(DBInstanceIdentifier="theirs", SkipFinalSnapshot=True)
    rds.delete_db_subnet_group(DBSubnetGroupName="theirs")
    assert cli("--local", "teardown", "--yes").returncode == 0
    assert not differences(empty, describe(lake.client))


@contextmanager
def still_tagged(lake: AwsContext, *arns: str) -> Iterator[None]:
    """AWS's index of tags lists these, too, as the lake's."""

    def add(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ResourceTagMappingList"] += [{"ResourceARN": arn, "Tags": tag_list(lake)} for arn in arns]

    events = lake.client("resourcegroupstaggingapi").meta.events
    events.register("after-call", add)
    yield
    events.unregister("after-call", add)


def test_what_only_the_index_of_tags_still_lists_is_not_left(lake: AwsContext, empty: Account) -> None:
    def arn(service: str, name: str) -> str:
        return f"arn:aws:{service}:{lake.config.region}:{lake.config.account}:{name}"

    gone = (
        arn("ssm", "parameter/footlake/data-lake-administrators"),
        arn("sagemaker", "model/xgoals-2026-11-25"),
        arn("rds", "snapshot:rds:rds-mysql-2026-11-25-03-04"),
        arn("rds", "auto-backup:ab-0123456789"),
        arn("sagemaker", "domain/d-0123456789"),
        arn("sagemaker", "user-profile/d-0123456789/mydefaultusername"),
    )
    there = (arn("rds", "snapshot:before-the-summer"), arn("sagemaker", "model/others-1"))
    with still_tagged(lake, *gone, *there):
        assert teardown(lake).left == [f"tagged {one}" for one in there]


def test_what_was_kept_as_somebody_elses_though_it_is_tagged_is_left(lake: AwsContext, empty: Account) -> None:
    ssm, name = lake.client("ssm"), lake.config.api_key_parameter
    ssm.put_parameter(Name=name, Value="k", Type="SecureString", Tags=[{"Key": "footlake", "Value": "another"}])
    arn = f"arn:aws:ssm:{lake.config.region}:{lake.config.account}:parameter{name}"
    with still_tagged(lake, arn):
        assert teardown(lake).left == [f"tagged {arn}"]
    ssm.delete_parameter(Name=name)
    assert not differences(empty, describe(lake.client))


def test_a_function_deleted_by_hand_does_not_stand_in_the_way(lake: AwsContext, empty: Account) -> None:
    bootstrap(lake)
    lake.client("lambda").delete_function(FunctionName="etlGetStatistics")
    assert teardown(lake).left == []
    assert not differences(empty, describe(lake.client))


def test_network_interfaces_that_glue_left_go_with_their_security_group(lake: AwsContext, empty: Account) -> None:
    bootstrap(lake)
    ec2, subnet = lake.client("ec2"), subnets(lake)[0]["SubnetId"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["rds-mysql"]}])["SecurityGroups"]
    tags = [{"Key": "aws-glue-service-resource", "Value": "GlueRole"}]
    ec2.create_network_interface(
        SubnetId=subnet,
        Groups=[groups[0]["GroupId"]],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}],
    )
    assert teardown(lake).left == []
    assert not differences(empty, describe(lake.client))


def test_log_groups_go_when_nothing_can_write_to_them_any_more(lake: AwsContext, empty: Account) -> None:
    """Deleted sooner, they come back without a tag, and nobody knows them."""
    bootstrap(lake)
    order = [step.resource for step in teardown(lake).resources if step.outcome == "deleted"]
    last = {kind: max(i for i, one in enumerate(order) if one.startswith(kind)) for kind in WRITERS}
    for kind, groups in WRITERS.items():
        assert last[kind] < min(i for i, one in enumerate(order) if one.startswith(f"log group {groups}"))


def test_a_database_that_is_still_being_deleted_is_waited_for_and_made_again(lake: AwsContext, empty: Account) -> None:
    bootstrap(lake)
    lake.client("rds").delete_db_instance(DBInstanceIdentifier="rds-mysql", SkipFinalSnapshot=True)
    outcomes = {step.resource: step.outcome for step in bootstrap(lake).resources}
    assert outcomes["db instance rds-mysql"] == "created"
    mysql_instance(lake.config).address(lake)
    assert teardown(lake).left == []
    assert not differences(empty, describe(lake.client))
