"""Teardown keeps what others wrote into buckets and log groups that footlake created."""

from __future__ import annotations

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown


def test_contents_of_others_are_kept_and_reported(aws: AwsContext) -> None:
    bootstrap(aws)
    s3, logs, bucket = aws.client("s3"), aws.client("logs"), aws.config.assets_bucket
    s3.put_object(Bucket=bucket, Key="scripts/theirs.py", Body=b"")
    s3.put_object(Bucket=bucket, Key="temporary/partitionlisting/dropids/jr_1/input.json", Body=b"")
    logs.create_log_stream(logGroupName="/aws-glue/jobs/output", logStreamName="jr_theirs")
    logs.create_log_stream(logGroupName="/aws-glue/crawlers", logStreamName="theirs")
    result = teardown(aws)
    kept = {f"bucket {bucket}", "log group /aws-glue/jobs/output", "log group /aws-glue/crawlers"}
    assert kept <= {step.resource for step in result.resources if step.outcome == "kept"}
    assert result.left == []
    assert "scripts/theirs.py" in {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    groups = {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]}
    assert groups == {"/aws-glue/jobs/output", "/aws-glue/crawlers"}


def test_a_bucket_with_nothing_of_others_is_deleted(aws: AwsContext) -> None:
    s3, bucket = aws.client("s3"), aws.config.assets_bucket
    versions = s3.list_object_versions(Bucket=bucket, Prefix="scripts/theirs.py")["Versions"]
    s3.delete_object(Bucket=bucket, Key="scripts/theirs.py", VersionId=versions[0]["VersionId"])
    logs = aws.client("logs")
    logs.delete_log_stream(logGroupName="/aws-glue/jobs/output", logStreamName="jr_theirs")
    logs.delete_log_stream(logGroupName="/aws-glue/crawlers", logStreamName="theirs")
    assert teardown(aws).left == []
    assert s3.list_buckets()["Buckets"] == []
    assert logs.describe_log_groups()["logGroups"] == []
