"""Alarms, their topic, the log of failed jobs, and the dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
def event_log(aws: AwsContext) -> Iterator[EventLog]:
    EVENTS.group.ensure(aws)
    yield EVENTS
    EVENTS.destroy(aws)
    EVENTS.group.destroy(aws)


@pytest.mark.parametrize("resource", [TOPIC, ALARM, DASHBOARD, EVENTS], ids=lambda resource: type(resource).__name__)
def test_monitoring_resources_are_created_once_and_deleted_once(
    aws: AwsContext, event_log: EventLog, resource: Resource
) -> None:
    assert not resource.exists(aws)
    assert [resource.ensure(aws), resource.ensure(aws)] == ["created", "unchanged"]
    assert resource.exists(aws)
    assert [resource.destroy(aws), resource.destroy(aws)] == ["deleted", "absent"]


def subscribers(aws: AwsContext) -> list[str]:
    subscriptions = aws.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC.arn(aws))["Subscriptions"]
    return [subscription["Endpoint"] for subscription in subscriptions]


def test_the_topic_has_only_the_configured_subscriber(aws: AwsContext) -> None:
    TOPIC.ensure(aws)
    assert subscribers(aws) == ["anna@example.org"]
    moved = SnsTopic(TOPIC.name, "ben@example.org")
    assert moved.ensure(aws) == "updated"
    assert subscribers(aws) == ["ben@example.org"]
    assert moved.ensure(aws) == "unchanged"
    moved.destroy(aws)


def test_an_alarm_is_for_the_first_error_of_an_hour_and_not_for_missing_data(aws: AwsContext) -> None:
    ALARM.ensure(aws)
    alarm = aws.client("cloudwatch").describe_alarms(AlarmNames=[ALARM.name])["MetricAlarms"][0]
    assert (alarm["Period"], alarm["Threshold"], alarm["ComparisonOperator"]) == (3600, 0.0, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == []
    ALARM.destroy(aws)


def test_an_alarm_gets_and_loses_its_topic(aws: AwsContext) -> None:
    ALARM.ensure(aws)
    with_topic = Alarm(ALARM.name, "It failed", "AWS/Lambda", "Errors", {"FunctionName": "test"}, TOPIC)
    assert with_topic.ensure(aws) == "updated"
    assert with_topic.ensure(aws) == "unchanged"
    assert ALARM.ensure(aws) == "updated"
    ALARM.destroy(aws)


def test_a_silenced_alarm_is_repaired(aws: AwsContext) -> None:
    ALARM.ensure(aws)
    aws.client("cloudwatch").disable_alarm_actions(AlarmNames=[ALARM.name])
    assert ALARM.ensure(aws) == "updated"
    ALARM.destroy(aws)


def test_foreign_monitoring_resources_are_not_changed(aws: AwsContext, event_log: EventLog) -> None:
    cloudwatch, logs = aws.client("cloudwatch"), aws.client("logs")
    aws.client("sns").create_topic(Name=TOPIC.name)
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
        with pytest.raises(FootlakeError, match="does not belong to this lake"):
            resource.ensure(aws)
        assert resource.destroy(aws) == "kept"
        assert resource.exists(aws)
    aws.client("sns").delete_topic(TopicArn=TOPIC.arn(aws))
    cloudwatch.delete_dashboards(DashboardNames=[DASHBOARD.name])
    cloudwatch.delete_alarms(AlarmNames=[ALARM.name])
    logs.delete_resource_policy(policyName=EVENTS.policy)


def test_a_changed_dashboard_is_repaired(aws: AwsContext) -> None:
    DASHBOARD.ensure(aws)
    aws.client("cloudwatch").put_dashboard(DashboardName=DASHBOARD.name, DashboardBody='{"widgets": []}')
    assert DASHBOARD.ensure(aws) == "updated"
    assert DASHBOARD.ensure(aws) == "unchanged"
    DASHBOARD.destroy(aws)


def test_a_failed_transform_is_written_to_the_log(aws: AwsContext, local_aws: Local, event_log: EventLog) -> None:
    event_log.ensure(aws)
    pattern = {"source": ["aws.sagemaker"], "detail": {"TransformJobStatus": ["Failed"]}}
    rule = EventRule("footlake-test-failed", event_log, pattern=pattern)
    rule.ensure(aws)
    for status in ("Completed", "Failed"):
        detail = {"TransformJobName": "xGoals-1", "TransformJobStatus": status}
        eventbridge.emit(
            local_aws,
            eventbridge.make_event("aws.sagemaker", "SageMaker Transform Job State Change", "us-east-1", [], detail),
        )
    written = aws.wait_until("the event", lambda: messages(aws, event_log), every=0.1, limit=20)
    assert [json.loads(message)["detail"]["TransformJobStatus"] for message in written] == ["Failed"]
    rule.destroy(aws)


def messages(aws: AwsContext, log: EventLog) -> list[str] | None:
    events = aws.client("logs").filter_log_events(logGroupName=log.group.name)["events"]
    return [event["message"] for event in events] or None


CONFIG = Config(account="123456789012", region="us-east-1")


def alarm_of_crawls(aws: AwsContext) -> Alarm:
    """Return the alarm of the catalogue for crawls that take too long."""
    (alarm,) = [one for one in catalogue(aws.config) if isinstance(one, Alarm) and one.name.endswith("-crawl-long")]
    return alarm


def test_the_alarm_for_a_difference_is_created_once_and_repaired(aws: AwsContext) -> None:
    alarm, cloudwatch = alarm_of_crawls(aws), aws.client("cloudwatch")
    assert [alarm.ensure(aws), alarm.ensure(aws)] == ["created", "unchanged"]
    (state,) = cloudwatch.describe_alarms(AlarmNames=[alarm.name])["MetricAlarms"]
    (watched,) = [query for query in state["Metrics"] if query["ReturnData"]]
    assert watched["Expression"] == "counted - FILL(subtracted, 0)"
    rules = {
        query["Id"]: query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
        for query in state["Metrics"]
        if "MetricStat" in query
    }
    assert rules == {"counted": "footlake-crawl-started", "subtracted": "footlake-crawl-ended"}
    assert (state["Threshold"], state["ComparisonOperator"]) == (0.0, "GreaterThanThreshold")
    other = replace(alarm, subtracted={"RuleName": "other"})
    assert [other.ensure(aws), alarm.ensure(aws), alarm.destroy(aws)] == ["updated", "updated", "deleted"]


@pytest.mark.parametrize(
    ("detail_type", "detail", "rules"),
    [
        ("Glue Crawler State Change", {"crawlerName": "S3datalake", "state": "Started"}, {"started"}),
        ("Glue Crawler State Change", {"crawlerName": "mysqldb", "state": "Succeeded"}, {"ended"}),
        ("Glue Crawler State Change", {"crawlerName": "S3datalake", "state": "Failed"}, {"ended", "failed"}),
        ("Glue Crawler State Change", {"crawlerName": "theirs", "state": "Failed"}, set()),
        ("Glue Scheduled Crawler Invocation Failure", {"crawlerName": "mysqldb"}, {"failed"}),
        ("Glue Scheduled Crawler Invocation Failure", {"crawlerName": "theirs"}, set()),
    ],
)
def test_the_events_of_crawls_reach_the_rules_that_alarms_count(
    aws: AwsContext, local_aws: Local, detail_type: str, detail: dict[str, str], rules: set[str]
) -> None:
    catalogued = {
        one.name.removeprefix("footlake-crawl-"): replace(one, target=EVENTS)
        for one in catalogue(aws.config)
        if isinstance(one, EventRule) and one.name.startswith("footlake-crawl-")
    }
    EVENTS.group.ensure(aws)
    EVENTS.ensure(aws)
    before = {name: triggered(aws, rule) for name, rule in catalogued.items()}
    for rule in catalogued.values():
        rule.ensure(aws)
    eventbridge.emit(local_aws, eventbridge.make_event("aws.glue", detail_type, "us-east-1", [], detail))
    after = {name: triggered(aws, rule) for name, rule in catalogued.items()}
    for resource in (*catalogued.values(), EVENTS, EVENTS.group):
        resource.destroy(aws)
    assert {name for name, count in after.items() if count > before[name]} == rules


def triggered(aws: AwsContext, rule: EventRule) -> float:
    """Return how often a rule has matched an event, as CloudWatch counts it."""
    now = datetime.now(UTC)
    statistics = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Events",
        MetricName="TriggeredRules",
        Dimensions=[{"Name": "RuleName", "Value": rule.name}],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=2),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in statistics["Datapoints"]))


def test_every_function_and_kind_of_job_has_an_alarm() -> None:
    alarms = [resource.name for resource in catalogue(CONFIG) if isinstance(resource, Alarm)]
    assert alarms == [
        "footlake-etlGetFixtures-errors",
        "footlake-etlGetStatistics-errors",
        "footlake-etlGetXGoals-errors",
        "footlake-glue-failed",
        "footlake-crawl-failed",
        "footlake-transform-failed",
        "footlake-crawl-long",
        "footlake-failed-events",
    ]


def test_no_email_without_an_alert_address() -> None:
    labels = {resource.label for resource in catalogue(CONFIG)}
    with_address = {
        resource.label for resource in catalogue(Config(account="1", region="r", alert_email="anna@example.org"))
    }
    assert {label for label in labels if label.startswith(("budget", "sns"))} == set()
    assert {label for label in with_address if label.startswith(("budget", "sns"))} == {
        "budget footlake",
        "sns topic footlake-alerts",
    }
