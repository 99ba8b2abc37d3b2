"""Alarms, the topic that tells of them, the record of failed jobs, the dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.local.engines import eventbridge
from footlake.resources.base import Resource
from footlake.resources.cloudwatch import Alarm, Dashboard, EventLog, SnsTopic
from footlake.resources.events import EventRule
from footlake.resources.logs import LogGroup

TOPIC = SnsTopic("footlake-alerts", "anna@example.org")
ALARM = Alarm("footlake-test", "It failed", "AWS/Lambda", "Errors", {"FunctionName": "test"})
DASHBOARD = Dashboard("footlake-test", {"Errors": [["AWS/Lambda", "Errors", "FunctionName", "test"]]})
EVENTS = EventLog(LogGroup("/aws/events/footlake-test"), "footlake-test-events")


@pytest.fixture
def event_log(lake: AwsContext) -> Iterator[EventLog]:
    EVENTS.group.ensure(lake)
    yield EVENTS
    EVENTS.destroy(lake)
    EVENTS.group.destroy(lake)


@pytest.mark.parametrize("resource", [TOPIC, ALARM, DASHBOARD, EVENTS], ids=lambda one: type(one).__name__)
def test_each_is_made_once_and_goes_once(lake: AwsContext, event_log: EventLog, resource: Resource) -> None:
    assert not resource.exists(lake)
    assert [resource.ensure(lake), resource.ensure(lake)] == ["created", "unchanged"]
    assert resource.exists(lake)
    assert [resource.destroy(lake), resource.destroy(lake)] == ["deleted", "absent"]


def subscribers(lake: AwsContext) -> list[str]:
    subscriptions = lake.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC.arn(lake))["Subscriptions"]
    return [one["Endpoint"] for one in subscriptions]


def test_the_topic_writes_to_the_address_of_the_settings_alone(lake: AwsContext) -> None:
    TOPIC.ensure(lake)
    assert subscribers(lake) == ["anna@example.org"]
    moved = SnsTopic(TOPIC.name, "ben@example.org")
    assert moved.ensure(lake) == "updated"
    assert subscribers(lake) == ["ben@example.org"]
    assert moved.ensure(lake) == "unchanged"
    moved.destroy(lake)


def test_an_alarm_rings_for_the_first_error_of_an_hour_and_not_for_quiet(lake: AwsContext) -> None:
    ALARM.ensure(lake)
    alarm = lake.client("cloudwatch").describe_alarms(AlarmNames=[ALARM.name])["MetricAlarms"][0]
    assert (alarm["Period"], alarm["Threshold"], alarm["ComparisonOperator"]) == (3600, 0.0, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == []
    ALARM.destroy(lake)


def test_an_alarm_tells_the_topic_once_there_is_one(lake: AwsContext) -> None:
    ALARM.ensure(lake)
    telling = Alarm(ALARM.name, "It failed", "AWS/Lambda", "Errors", {"FunctionName": "test"}, TOPIC)
    assert telling.ensure(lake) == "updated"
    assert telling.ensure(lake) == "unchanged"
    assert ALARM.ensure(lake) == "updated"
    ALARM.destroy(lake)


def test_a_silenced_alarm_is_repaired(lake: AwsContext) -> None:
    ALARM.ensure(lake)
    lake.client("cloudwatch").disable_alarm_actions(AlarmNames=[ALARM.name])
    assert ALARM.ensure(lake) == "updated"
    ALARM.destroy(lake)


def test_what_others_have_under_these_names_is_left_alone(lake: AwsContext, event_log: EventLog) -> None:
    cloudwatch, logs = lake.client("cloudwatch"), lake.client("logs")
    lake.client("sns").create_topic(Name=TOPIC.name)
    cloudwatch.put_dashboard(DashboardName=DASHBOARD.name, DashboardBody='{"widgets": []}')
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM.name,
        Namespace="Theirs",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    theirs = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    logs.put_resource_policy(policyName=EVENTS.policy, policyDocument=policy)
    for resource in (TOPIC, ALARM, DASHBOARD, EVENTS):
        with pytest.raises(FootlakeError, match="not footlake's"):
            resource.ensure(lake)
        assert resource.destroy(lake) == "kept"
        assert resource.exists(lake)
    lake.client("sns").delete_topic(TopicArn=TOPIC.arn(lake))
    cloudwatch.delete_dashboards(DashboardNames=[DASHBOARD.name])
    cloudwatch.delete_alarms(AlarmNames=[ALARM.name])
    logs.delete_resource_policy(policyName=EVENTS.policy)


def test_a_changed_dashboard_is_repaired(lake: AwsContext) -> None:
    DASHBOARD.ensure(lake)
    lake.client("cloudwatch").put_dashboard(DashboardName=DASHBOARD.name, DashboardBody='{"widgets": []}')
    assert DASHBOARD.ensure(lake) == "updated"
    assert DASHBOARD.ensure(lake) == "unchanged"
    DASHBOARD.destroy(lake)


def test_a_failed_transform_is_written_to_the_log(lake: AwsContext, local_aws: Local, event_log: EventLog) -> None:
    event_log.ensure(lake)
    pattern = {"source": ["aws.sagemaker"], "detail": {"TransformJobStatus": ["Failed"]}}
    rule = EventRule("footlake-test-failed", event_log, pattern=pattern)
    rule.ensure(lake)
    for status in ("Completed", "Failed"):
        detail = {"TransformJobName": "xGoals-1", "TransformJobStatus": status}
        eventbridge.emit(
            local_aws,
            eventbridge.event("aws.sagemaker", "SageMaker Transform Job State Change", "us-east-1", [], detail),
        )
    written = lake.wait_until("the event", lambda: messages(lake, event_log), every=0.1, limit=20)
    assert [json.loads(one)["detail"]["TransformJobStatus"] for one in written] == ["Failed"]
    rule.destroy(lake)


def messages(lake: AwsContext, log: EventLog) -> list[str] | None:
    found = lake.client("logs").filter_log_events(logGroupName=log.group.name)["events"]
    return [one["message"] for one in found] or None


CONFIG = Config(account="123456789012", region="us-east-1")


def test_every_function_and_kind_of_job_has_an_alarm() -> None:
    alarms = [one.name for one in catalogue(CONFIG) if isinstance(one, Alarm)]
    assert alarms == [
        "footlake-etlGetFixtures-errors",
        "footlake-etlGetStatistics-errors",
        "footlake-etlGetXGoals-errors",
        "footlake-glue-failed",
        "footlake-transform-failed",
    ]


def test_nobody_is_written_to_unless_asked_for() -> None:
    labels = {one.label for one in catalogue(CONFIG)}
    asked = {one.label for one in catalogue(Config(account="1", region="r", alert_email="anna@example.org"))}
    assert {label for label in labels if label.startswith(("budget", "sns"))} == set()
    assert {label for label in asked if label.startswith(("budget", "sns"))} == {
        "budget footlake",
        "sns topic footlake-alerts",
    }
