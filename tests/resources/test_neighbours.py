"""In an account where somebody else lives, nothing of theirs changes."""

from __future__ import annotations

from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.errors import FootlakeError
from footlake.resources.base import tag_list
from tests.resources.neighbours import CODE, ROLE, move_in, notification
from tests.support.aws_account import Account, describe, differences

pytestmark = pytest.mark.thorough  # make proof


@pytest.fixture(scope="module")
def before(lake: AwsContext) -> Account:
    """The account with the neighbours alone."""
    move_in(lake)
    return describe(lake.client)


def test_bootstrap_only_adds(lake: AwsContext, before: Account) -> None:
    bootstrap(lake)
    after = describe(lake.client)
    theirs = {kind: {name: after[kind].get(name) for name in things} for kind, things in before.items()}
    changed = differences(before, theirs)
    # Two things belong to the whole account, and are added to.
    assets = f"bucket {lake.config.assets_bucket}.objects"
    assert all(line.startswith((assets, "lake formation settings.DataLakeAdmins")) for line in changed), changed
    assert set(before["bucket"][lake.config.assets_bucket]["objects"]) < set(
        after["bucket"][lake.config.assets_bucket]["objects"]
    )
    assert {step.outcome for step in bootstrap(lake).resources} == {"unchanged"}


def test_what_somebody_adds_to_the_lake_stays_while_it_stands(lake: AwsContext, before: Account) -> None:
    bootstrap(lake)
    s3, events = lake.client("s3"), lake.client("events")
    config: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket=lake.config.bucket)
    del config["ResponseMetadata"]
    function = f"arn:aws:lambda:{lake.config.region}:{lake.config.account}:function:etlGetFixturesOld"
    theirs = notification(function, "theirs/")
    config["LambdaFunctionConfigurations"] += theirs["LambdaFunctionConfigurations"]
    config["EventBridgeConfiguration"] = {}
    s3.put_bucket_notification_configuration(Bucket=lake.config.bucket, NotificationConfiguration=config)
    events.put_targets(Rule="etlGetFixtures", Targets=[{"Id": "theirs", "Arn": function}])
    with_theirs = describe(lake.client)
    assert {step.outcome for step in bootstrap(lake).resources} == {"unchanged"}
    ours = [one for one in config["LambdaFunctionConfigurations"] if one["Id"] != "footlake-other"]
    s3.put_bucket_notification_configuration(
        Bucket=lake.config.bucket, NotificationConfiguration=theirs | {"TopicConfigurations": []}
    )
    assert {step.outcome for step in bootstrap(lake).resources} == {"unchanged", "created"}
    assert not differences(with_theirs, describe(lake.client)), ours


def test_teardown_leaves_the_neighbours_as_they_were(lake: AwsContext, before: Account) -> None:
    bootstrap(lake)
    assert teardown(lake).left == []
    assert not differences(before, describe(lake.client))


def test_an_object_of_theirs_is_not_overwritten(lake: AwsContext, before: Account) -> None:
    """Glue Studio saves its scripts in the shared bucket under the names of their jobs."""
    lake.client("s3").put_object(Bucket=lake.config.assets_bucket, Key="scripts/dropids.py", Body=b"theirs")
    with_theirs = describe(lake.client)
    with pytest.raises(FootlakeError, match=r"object s3://.*dropids.py .*not footlake's"):
        bootstrap(lake)
    assert teardown(lake).left == []
    assert not differences(with_theirs, describe(lake.client))
    lake.client("s3").delete_object(Bucket=lake.config.assets_bucket, Key="scripts/dropids.py")


def test_a_layer_of_theirs_is_not_replaced(lake: AwsContext, before: Account) -> None:
    lake.client("lambda").publish_layer_version(LayerName="footlake-requests", Content={"ZipFile": CODE})
    with_theirs = describe(lake.client)
    with pytest.raises(FootlakeError, match=r"lambda layer footlake-requests .*not footlake's"):
        bootstrap(lake)
    assert teardown(lake).left == []
    assert not differences(with_theirs, describe(lake.client))
    for version in lake.client("lambda").list_layer_versions(LayerName="footlake-requests")["LayerVersions"]:
        lake.client("lambda").delete_layer_version(LayerName="footlake-requests", VersionNumber=version["Version"])


def test_a_function_of_theirs_keeps_its_permissions(lake: AwsContext, before: Account) -> None:
    client = lake.client("lambda")
    client.create_function(
        FunctionName="etlGetFixtures",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{lake.config.account}:role/{ROLE}",
        Handler="code.handler",
        Code={"ZipFile": CODE},
    )
    client.add_permission(
        FunctionName="etlGetFixtures",
        StatementId="footlake-rule-etlGetFixtures",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    with_theirs = describe(lake.client)
    with pytest.raises(FootlakeError, match=r"lambda function etlGetFixtures .*not footlake's"):
        bootstrap(lake)
    assert teardown(lake).left == []
    assert not differences(with_theirs, describe(lake.client))
    client.delete_function(FunctionName="etlGetFixtures")


def test_a_bucket_of_theirs_keeps_its_objects_and_notifications(lake: AwsContext, before: Account) -> None:
    s3 = lake.client("s3")
    s3.create_bucket(Bucket=lake.config.bucket)
    s3.put_object(Bucket=lake.config.bucket, Key="processed-data/teamcodes.csv", Body=b"theirs")
    function = f"arn:aws:lambda:{lake.config.region}:{lake.config.account}:function:etlGetFixturesOld"
    theirs = notification(function, "theirs/")
    theirs["LambdaFunctionConfigurations"][0]["Id"] = "footlake-etlGetXGoals"
    s3.put_bucket_notification_configuration(Bucket=lake.config.bucket, NotificationConfiguration=theirs)
    with_theirs = describe(lake.client)
    with pytest.raises(FootlakeError, match=r"bucket .*not footlake's"):
        bootstrap(lake)
    assert teardown(lake).left == []
    assert not differences(with_theirs, describe(lake.client))
    s3.delete_object(Bucket=lake.config.bucket, Key="processed-data/teamcodes.csv")
    s3.delete_bucket(Bucket=lake.config.bucket)


def test_another_lakes_tag_is_not_this_lakes(lake: AwsContext, before: Account) -> None:
    other = [{"Key": "footlake", "Value": "another"}]
    assert other != tag_list(lake)
    lake.client("ssm").put_parameter(Name=lake.config.api_key_parameter, Value="k", Type="SecureString", Tags=other)
    with_theirs = describe(lake.client)
    with pytest.raises(FootlakeError, match=r"it is that of the lake another\."):
        bootstrap(lake)
    assert teardown(lake).left == []
    assert not differences(with_theirs, describe(lake.client))
    lake.client("ssm").delete_parameter(Name=lake.config.api_key_parameter)
