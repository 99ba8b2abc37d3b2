"""AWS leaves out empty and optional members of its answers; no reader depends on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.status import status
from footlake.commands.teardown import teardown
from footlake.deploy.catalogue import catalogue
from footlake.deploy.preflight import preflight
from footlake.deploy.usage import metrics
from footlake.logs import read_events

OPTIONAL = ("eventId", "ingestionTime", "searchedLogStreams")


def without_empty(value: Any) -> Any:
    """Return an answer without its empty and optional members."""
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: without_empty(item) for name, item in value.items() if name not in OPTIONAL}
    return {name: item for name, item in kept.items() if item not in ("", [], None)}


@pytest.fixture
def sparse(aws: AwsContext) -> Iterator[AwsContext]:
    """The account, whose answers leave out what they may."""
    fresh = AwsContext(aws.config, aws.session, endpoint_url=aws.client("sts").meta.endpoint_url)

    def drop(parsed: dict[str, Any], **_: Any) -> None:
        sparse_answer = without_empty(parsed)
        parsed.clear()
        parsed.update(sparse_answer)

    fresh.session.events.register_first("after-call", drop)
    yield fresh
    fresh.session.events.unregister("after-call", drop)


@pytest.mark.thorough
def test_a_lake_is_built_read_and_deleted_from_sparse_answers(sparse: AwsContext) -> None:
    bootstrap(sparse)
    assert [step for step in bootstrap(sparse).resources if step.outcome != "unchanged"] == []
    logs, group = sparse.client("logs"), "/aws/lambda/etlGetFixtures"
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    now = datetime.now(UTC)
    event = {"timestamp": int(now.timestamp() * 1000), "message": "ERROR it failed"}
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])
    assert [line.message for line in read_events(sparse, now - timedelta(minutes=5))] == ["ERROR it failed"]
    assert {step.outcome for step in status(sparse, now, lambda: "127.0.0.1").resources} == {"present", "none yet"}
    assert metrics(sparse, now - timedelta(days=1), now).unknown == []
    problems = [finding for finding in preflight(sparse, catalogue(sparse.config)) if finding.level == "problem"]
    assert problems == []
    assert teardown(sparse).left == []
