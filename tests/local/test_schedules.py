"""EventBridge's schedules on the local AWS: rules fire when their time comes, and not before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footlake.local.context import Local
from footlake.local.engines.scheduler import Schedules

MONDAY = datetime(2026, 3, 2, 7, 59, tzinfo=UTC)


class Fired(list[str]):
    """What an SQS queue, the target of the rules, has received."""

    def __init__(self, local: Local) -> None:
        self.sqs, self.events = local.client("sqs"), local.client("events")
        self.url = self.sqs.create_queue(QueueName="fired")["QueueUrl"]
        self.arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]

    def rule(self, schedule: str, **target: str) -> None:
        self.events.put_rule(Name="tested", ScheduleExpression=schedule)
        self.events.put_targets(Rule="tested", Targets=[{"Id": "1", "Arn": self.arn, **target}])

    def next(self) -> Any:
        (message,) = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20)["Messages"]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def nothing(self) -> bool:
        return "Messages" not in self.sqs.receive_message(QueueUrl=self.url)


@pytest.fixture
def fired(local_aws: Local) -> Iterator[Fired]:
    fired = Fired(local_aws)
    yield fired
    fired.events.remove_targets(Rule="tested", Ids=["1"])
    fired.events.delete_rule(Name="tested")
    fired.sqs.delete_queue(QueueUrl=fired.url)


@pytest.mark.parametrize(
    ("schedule", "wait"),
    [("rate(30 minutes)", timedelta(minutes=30)), ("cron(0 8 ? * TUE 2026-2027)", timedelta(days=1, minutes=1))],
)
def test_a_rule_fires_when_its_time_comes_and_again_the_next_time(
    local_aws: Local, fired: Fired, schedule: str, wait: timedelta
) -> None:
    fired.rule(schedule)
    now = [MONDAY]
    schedules = Schedules(local_aws, lambda: now[0])
    schedules.look()
    now[0] += wait - timedelta(seconds=1)
    schedules.look()
    assert fired.nothing()
    now[0] += timedelta(seconds=1)
    schedules.look()
    assert fired.next()["detail-type"] == "Scheduled Event"
    schedules.look()
    assert fired.nothing()


def test_a_disabled_rule_does_not_fire(local_aws: Local, fired: Fired) -> None:
    fired.rule("rate(1 minute)")
    fired.events.disable_rule(Name="tested")
    now = [MONDAY]
    schedules = Schedules(local_aws, lambda: now[0])
    for _ in range(3):
        schedules.look()
        now[0] += timedelta(hours=1)
    assert fired.nothing()
