"""Resources of other owners in the same account stay unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.errors import FootlakeError
from footlake.resources.base import tag_list
from tests.resources.neighbours import CODE, ROLE, create_neighbours, notification
from tests.support.aws_account import Account, describe, differences

pytestmark = pytest.mark.thorough  # make proof


@pytest.fixture(scope="module")
def before(aws: AwsContext) -> Account:
    """The account with the resources of other owners only."""
    create_neighbours(aws)
    models = aws.client("sagemaker").list_models  # lists a new model after a moment
    aws.wait_until(
        "the model to be listed", lambda: models(NameContains="xGoals-mine")["Models"] or None, every=0.2, limit=10
    )
    return describe(aws.client)


def test_bootstrap_only_adds(aws: AwsContext, before: Account) -> None:
    bootstrap(aws)
    after = describe(aws.client)
    theirs = {kind: {name: after[kind].get(name) for name in things} for kind, things in before.items()}
    changed = differences(before, theirs)
    # The shared bucket and the list of administrators belong to the whole account, and are extended.
    assets = f"bucket {aws.config.assets_bucket}.objects"
    assert all(line.startswith((assets, "lake formation settings.DataLakeAdmins")) for line in changed), changed
    assert set(before["bucket"][aws.config.assets_bucket]["objects"]) < set(
        after["bucket"][aws.config.assets_bucket]["objects"]
    )
    assert {step.outcome for step in bootstrap(aws).resources} == {"unchanged"}


def test_additions_of_others_to_the_lake_stay_until_teardown(aws: AwsContext, before: Account) -> None:
    bootstrap(aws)
    s3, events = aws.client("s3"), aws.client("events")
    config: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket=aws.config.bucket)
    del config["ResponseMetadata"]
    function = f"arn:aws:lambda:{aws.config.region}:{aws.config.account}:function:etlGetFixturesOld"
    theirs = notification(function, "theirs/")
    config["LambdaFunctionConfigurations"] += theirs["LambdaFunctionConfigurations"]
    config["EventBridgeConfiguration"] = {}
    s3.put_bucket_notification_configuration(Bucket=aws.config.bucket, NotificationConfiguration=config)
    events.put_targets(Rule="etlGetFixtures", Targets=[{"Id": "theirs", "Arn": function}])
    with_theirs = describe(aws.client)
    assert {step.outcome for step in bootstrap(aws).resources} == {"unchanged"}
    ours = [
        configuration
        for configuration in config["LambdaFunctionConfigurations"]
        if configuration["Id"] != "footlake-other"
    ]
    s3.put_bucket_notification_configuration(
        Bucket=aws.config.bucket, NotificationConfiguration=theirs | {"TopicConfigurations": []}
    )
    assert {step.outcome for step in bootstrap(aws).resources} == {"unchanged", "created"}
    assert not differences(with_theirs, describe(aws.client)), ours


def test_teardown_leaves_the_other_resources_unchanged(aws: AwsContext, before: Account) -> None:
    bootstrap(aws)
    assert teardown(aws).left == []
    assert not differences(before, describe(aws.client))


def test_a_foreign_object_is_not_overwritten(aws: AwsContext, before: Account) -> None:
    """Glue Studio saves the script of a job in the shared bucket, under the name of the job."""
    aws.client("s3").put_object(Bucket=aws.config.assets_bucket, Key="scripts/dropids.py", Body=b"theirs")
    with_theirs = describe(aws.client)
    with pytest.raises(FootlakeError, match=r"object s3://.*dropids.py .*does not belong to this lake"):
        bootstrap(aws)
    assert teardown(aws).left == []
    assert not differences(with_theirs, describe(aws.client))
    aws.client("s3").delete_object(Bucket=aws.config.assets_bucket, Key="scripts/dropids.py")


def test_a_foreign_layer_is_not_replaced(aws: AwsContext, before: Account) -> None:
    aws.client("lambda").publish_layer_version(LayerName="footlake-requests", Content={"ZipFile": CODE})
    with_theirs = describe(aws.client)
    with pytest.raises(FootlakeError, match=r"lambda layer footlake-requests .*does not belong to this lake"):
        bootstrap(aws)
    assert teardown(aws).left == []
    assert not differences(with_theirs, describe(aws.client))
    for version in aws.client("lambda").list_layer_versions(LayerName="footlake-requests")["LayerVersions"]:
        aws.client("lambda").delete_layer_version(LayerName="footlake-requests", VersionNumber=version["Version"])


def test_a_foreign_function_keeps_its_permissions(aws: AwsContext, before: Account) -> None:
    client = aws.client("lambda")
    client.create_function(
        FunctionName="etlGetFixtures",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{aws.config.account}:role/{ROLE}",
        Handler="code.handler",
        Code={"ZipFile": CODE},
    )
    client.add_permission(
        FunctionName="etlGetFixtures",
        StatementId="footlake-rule-etlGetFixtures",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    with_theirs = describe(aws.client)
    with pytest.raises(FootlakeError, match=r"lambda function etlGetFixtures .*does not belong to this lake"):
        bootstrap(aws)
    assert teardown(aws).left == []
    assert not differences(with_theirs, describe(aws.client))
    client.delete_function(FunctionName="etlGetFixtures")


def test_a_foreign_bucket_keeps_its_objects_and_notifications(aws: AwsContext, before: Account) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=aws.config.bucket)
    s3.put_object(Bucket=aws.config.bucket, Key="processed-data/teamcodes.csv", Body=b"theirs")
    function = f"arn:aws:lambda:{aws.config.region}:{aws.config.account}:function:etlGetFixturesOld"
    theirs = notification(function, "theirs/")
    theirs["LambdaFunctionConfigurations"][0]["Id"] = "footlake-etlGetXGoals"
    s3.put_bucket_notification_configuration(Bucket=aws.config.bucket, NotificationConfiguration=theirs)
    with_theirs = describe(aws.client)
    with pytest.raises(FootlakeError, match=r"bucket .*does not belong to this lake"):
        bootstrap(aws)
    assert teardown(aws).left == []
    assert not differences(with_theirs, describe(aws.client))
    s3.delete_object(Bucket=aws.config.bucket, Key="processed-data/teamcodes.csv")
    s3.delete_bucket(Bucket=aws.config.bucket)


def test_a_resource_of_another_lake_is_foreign(aws: AwsContext, before: Account) -> None:
    other = [{"Key": "footlake", "Value": "another"}]
    assert other != tag_list(aws)
    aws.client("ssm").put_parameter(Name=aws.config.api_key_parameter, Value="k", Type="SecureString", Tags=other)
    with_theirs = describe(aws.client)
    with pytest.raises(FootlakeError, match=r"belongs to the lake another\."):
        bootstrap(aws)
    assert teardown(aws).left == []
    assert not differences(with_theirs, describe(aws.client))
    aws.client("ssm").delete_parameter(Name=aws.config.api_key_parameter)
