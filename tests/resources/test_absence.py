"""Lake Formation and Glue do not say whether something is absent or hidden: neither is taken for the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.resources.glue import GlueDatabase
from footlake.resources.lakeformation import DataLakeAdministrator, DataLakeLocation
from footlake.resources.s3 import Bucket
from tests.conftest import Cli
from tests.resources.services.conftest import Answer

ABSENT_OR_HIDDEN = {
    "lakeformation": "Resource does not exist or requester is not authorized to access requested permissions.",
    "glue": "Insufficient Lake Formation permission(s) on footlake",
}
READS = {"lakeformation": ("DescribeResource", "ListPermissions"), "glue": ("GetDatabase", "GetTable")}


@contextmanager
def hidden(aws: AwsContext, times: float = float("inf")) -> Iterator[None]:
    """Answer the first reads of each service as Lake Formation answers a caller who may not know."""
    left = dict.fromkeys(READS, times)

    def hide(model: Any, **_: Any) -> Any:
        service = model.service_model.service_name
        if model.name not in READS[service] or left[service] <= 0:
            return None
        left[service] -= 1
        error = {"Code": "AccessDeniedException", "Message": ABSENT_OR_HIDDEN[service]}
        return Answer(400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}

    for service in READS:
        aws.client(service).meta.events.register("before-call", hide)
    try:
        yield
    finally:
        for service in READS:
            aws.client(service).meta.events.unregister("before-call", hide)


def resources(aws: AwsContext) -> tuple[DataLakeLocation, GlueDatabase]:
    bucket = Bucket(aws.config.bucket)
    return (
        DataLakeLocation(bucket, DataLakeAdministrator(aws.config.administrators_parameter)),
        GlueDatabase(aws.config.glue_database, f"s3://{bucket.name}/datasets/"),
    )


@pytest.mark.thorough
def test_nothing_of_an_empty_account_is_hidden(cli: Cli, aws: AwsContext) -> None:
    with hidden(aws):
        assert [resource.exists(aws) for resource in resources(aws)] == [False, False]
        assert teardown(aws).left == []


def test_reads_wait_for_a_new_administrator_and_the_end_is_certain(aws: AwsContext) -> None:
    with hidden(aws, times=3):
        bootstrap(aws)
    assert all(resource.exists(aws) for resource in resources(aws))
    with hidden(aws, times=3):
        assert teardown(aws).left == []
    assert not any(resource.exists(aws) for resource in resources(aws))


@pytest.mark.thorough
def test_what_is_hidden_while_the_bucket_exists_is_not_gone(aws: AwsContext, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap(aws)
    monkeypatch.setattr(aws, "_patient", False)
    with hidden(aws):
        for resource in resources(aws):
            with pytest.raises(Exception, match="AccessDenied"):
                resource.exists(aws)
        assert any("cannot see" in label for label in teardown(aws).left)
    monkeypatch.undo()
    teardown(aws)
