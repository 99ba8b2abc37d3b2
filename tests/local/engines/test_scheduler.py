"""Scheduled EventBridge rules of the local AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footlake.local.context import Local
from footlake.local.engines.scheduler import RuleScheduler

MONDAY = datetime(2026, 3, 2, 7, 59, tzinfo=UTC)


class TargetQueue:
    """An SQS queue that is the target of a rule."""

    def __init__(self, local: Local) -> None:
        self.sqs, self.events = local.client("sqs"), local.client("events")
        self.url = self.sqs.create_queue(QueueName="fired")["QueueUrl"]
        self.arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]

    def put_rule(self, schedule: str, **target: str) -> None:
        self.events.put_rule(Name="tested", ScheduleExpression=schedule)
        self.events.put_targets(Rule="tested", Targets=[{"Id": "1", "Arn": self.arn, **target}])

    def receive(self) -> Any:
        (message,) = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20)["Messages"]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def is_empty(self) -> bool:
        return "Messages" not in self.sqs.receive_message(QueueUrl=self.url)


@pytest.fixture
def queue(local_aws: Local) -> Iterator[TargetQueue]:
    queue = TargetQueue(local_aws)
    yield queue
    queue.events.remove_targets(Rule="tested", Ids=["1"])
    queue.events.delete_rule(Name="tested")
    queue.sqs.delete_queue(QueueUrl=queue.url)


@pytest.mark.parametrize(
    ("schedule", "wait"),
    [("rate(30 minutes)", timedelta(minutes=30)), ("cron(0 8 ? * TUE 2026-2027)", timedelta(days=1, minutes=1))],
)
def test_a_rule_fires_once_at_each_scheduled_time(
    local_aws: Local, queue: TargetQueue, schedule: str, wait: timedelta
) -> None:
    queue.put_rule(schedule)
    now = [MONDAY]
    schedules = RuleScheduler(local_aws, lambda: now[0])
    schedules.fire_due_rules()
    now[0] += wait - timedelta(seconds=1)
    schedules.fire_due_rules()
    assert queue.is_empty()
    now[0] += timedelta(seconds=1)
    schedules.fire_due_rules()
    assert queue.receive()["detail-type"] == "Scheduled Event"
    schedules.fire_due_rules()
    assert queue.is_empty()


def test_a_disabled_rule_does_not_fire(local_aws: Local, queue: TargetQueue) -> None:
    queue.put_rule("rate(1 minute)")
    queue.events.disable_rule(Name="tested")
    now = [MONDAY]
    schedules = RuleScheduler(local_aws, lambda: now[0])
    for _ in range(3):
        schedules.fire_due_rules()
        now[0] += timedelta(hours=1)
    assert queue.is_empty()


@pytest.mark.parametrize("admitted", [True, False])
def test_an_event_that_cannot_be_delivered_goes_to_a_queue_that_admits_it(
    local_aws: Local, queue: TargetQueue, admitted: bool
) -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:missing"
    queue.events.put_rule(Name="tested", ScheduleExpression="rate(1 minute)")
    queue.events.put_targets(
        Rule="tested", Targets=[{"Id": "1", "Arn": function, "DeadLetterConfig": {"Arn": queue.arn}}]
    )
    rule = "arn:aws:events:us-east-1:123456789012:rule/" + ("tested" if admitted else "other")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": [rule]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy})
    now = [MONDAY]
    schedules = RuleScheduler(local_aws, lambda: now[0])
    schedules.fire_due_rules()
    now[0] += timedelta(minutes=1)
    schedules.fire_due_rules()
    if admitted:
        assert queue.receive()["detail-type"] == "Scheduled Event"
    else:
        while not failures(local_aws, "InvocationsFailedToBeSentToDlq"):
            time.sleep(0.02)
        assert queue.is_empty()
    assert failures(local_aws, "FailedInvocations")


def failures(local: Local, metric: str) -> list[float]:
    """Return the values of a metric of the rule."""
    now = datetime.now(UTC)
    statistics = local.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Events",
        MetricName=metric,
        Dimensions=[{"Name": "RuleName", "Value": "tested"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in statistics["Datapoints"]]
