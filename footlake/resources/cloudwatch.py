"""What watches the lake: alarms, a dashboard, the record of failed jobs, the e-mail that tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.resources.base import (
    Destroyed,
    Ensured,
    differs,
    get_or_none,
    global_tag_list,
    is_owned,
    require_owned,
    same_policy,
    tag_list,
)
from footlake.resources.logs import LogGroup

# A week's run takes minutes: whatever goes wrong in one hour is one alarm.
PERIOD_SECONDS = 3600


@dataclass(frozen=True)
class SnsTopic:
    """Where alarms are told, with one subscriber by e-mail, who has to confirm it."""

    name: str
    email: str

    @property
    def label(self) -> str:
        return f"sns topic {self.name}"

    def arn(self, aws: AwsContext) -> str:
        """The topic's ARN."""
        return f"arn:aws:sns:{aws.config.region}:{aws.config.account}:{self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        sns = aws.client("sns")
        outcome: Ensured = "unchanged"
        if self._read(aws) is None:
            sns.create_topic(Name=self.name, Tags=tag_list(aws))
            outcome = "created"
        else:
            require_owned(aws, self.label, lambda: self._tags(aws), self.arn(aws))
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.arn(aws))
        subscriptions = [one for page in pages for one in page["Subscriptions"] if one["Protocol"] == "email"]
        for one in subscriptions:
            # What nobody confirmed has no ARN yet, and goes by itself.
            if one["Endpoint"] != self.email and one["SubscriptionArn"].startswith("arn:"):
                sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
                outcome = "updated"
        if self.email not in [one["Endpoint"] for one in subscriptions]:
            sns.subscribe(TopicArn=self.arn(aws), Protocol="email", Endpoint=self.email)
            outcome = "created" if outcome == "created" else "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, self._tags(aws)):
            return "kept"
        aws.client("sns").delete_topic(TopicArn=self.arn(aws))
        return "deleted"

    def _tags(self, aws: AwsContext) -> Any:
        return aws.client("sns").list_tags_for_resource(ResourceArn=self.arn(aws))["Tags"]

    def _read(self, aws: AwsContext) -> Any:
        return get_or_none(aws.client("sns").get_topic_attributes, "NotFound", TopicArn=self.arn(aws))


@dataclass(frozen=True)
class Alarm:
    """An alarm when a count is above zero within an hour. Each costs 0.10 USD a month (November 2026)."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    topic: SnsTopic | None = None

    @property
    def label(self) -> str:
        return f"alarm {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        cloudwatch, alarm = aws.client("cloudwatch"), self._read(aws)
        wanted = self._wanted(aws)
        if alarm is None:
            cloudwatch.put_metric_alarm(**wanted, Tags=tag_list(aws))
            return "created"
        require_owned(aws, self.label, lambda: self._tags(aws, alarm), alarm["AlarmArn"])
        if not differs(alarm, wanted):
            return "unchanged"
        cloudwatch.put_metric_alarm(**wanted)
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        alarm = self._read(aws)
        if alarm is None:
            return "absent"
        if not is_owned(aws, self._tags(aws, alarm)):
            return "kept"
        aws.client("cloudwatch").delete_alarms(AlarmNames=[self.name])
        return "deleted"

    def _wanted(self, aws: AwsContext) -> dict[str, Any]:
        return {
            "AlarmName": self.name,
            "AlarmDescription": self.description,
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions.items()],
            "Statistic": "Sum",
            "Period": PERIOD_SECONDS,
            "EvaluationPeriods": 1,
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
            # Most hours nothing runs, and that is well.
            "TreatMissingData": "notBreaching",
            "ActionsEnabled": True,
            "AlarmActions": [self.topic.arn(aws)] if self.topic else [],
        }

    def _tags(self, aws: AwsContext, alarm: dict[str, Any]) -> Any:
        return aws.client("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=[self.name], AlarmTypes=["MetricAlarm"])
        return alarms["MetricAlarms"][0] if alarms["MetricAlarms"] else None


@dataclass(frozen=True)
class EventLog:
    """A log group that EventBridge may write events to."""

    group: LogGroup
    policy: str

    @property
    def label(self) -> str:
        return f"log resource policy {self.policy}"

    def arn(self, aws: AwsContext) -> str:
        """The log group's ARN as EventBridge wants it."""
        return f"arn:aws:logs:{aws.config.region}:{aws.config.account}:log-group:{self.group.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        document, wanted = self._read(aws), self._wanted(aws)
        if document is not None:
            # Policies have no tags: one that speaks of this lake's log group alone is this lake's.
            require_owned(aws, self.label, aws.config.tags if self._ours(aws, document) else {})
            if same_policy(document, wanted):
                return "unchanged"
        aws.client("logs").put_resource_policy(policyName=self.policy, policyDocument=json.dumps(wanted))
        return "created" if document is None else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        document = self._read(aws)
        if document is None:
            return "absent"
        if not self._ours(aws, document):
            return "kept"
        aws.client("logs").delete_resource_policy(policyName=self.policy)
        return "deleted"

    def _wanted(self, aws: AwsContext) -> dict[str, Any]:
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": f"{self.arn(aws)}:*",
                }
            ],
        }

    def _ours(self, aws: AwsContext, document: dict[str, Any]) -> bool:
        return {json.dumps(one.get("Resource")) for one in document["Statement"]} == {json.dumps(f"{self.arn(aws)}:*")}

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        pages = aws.client("logs").get_paginator("describe_resource_policies").paginate()
        policies = {one["policyName"]: one["policyDocument"] for page in pages for one in page["resourcePolicies"]}
        return json.loads(policies[self.policy]) if self.policy in policies else None


@dataclass(frozen=True)
class Dashboard:
    """Graphs of the lake's metrics, one beside the other. Three dashboards of an account are free."""

    name: str
    graphs: Mapping[str, list[list[Any]]] = field(repr=False)

    @property
    def label(self) -> str:
        return f"dashboard {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        cloudwatch, body = aws.client("cloudwatch"), self._read(aws)
        wanted = self._wanted(aws)
        if body is None:
            cloudwatch.put_dashboard(
                DashboardName=self.name, DashboardBody=json.dumps(wanted), Tags=global_tag_list(aws)
            )
            return "created"
        require_owned(aws, self.label, self._tags(aws))
        if body == wanted:
            return "unchanged"
        cloudwatch.put_dashboard(DashboardName=self.name, DashboardBody=json.dumps(wanted))
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, self._tags(aws)):
            return "kept"
        aws.client("cloudwatch").delete_dashboards(DashboardNames=[self.name])
        return "deleted"

    def _wanted(self, aws: AwsContext) -> dict[str, Any]:
        width, height = 8, 6  # three in a row of 24
        return {
            "widgets": [
                {
                    "type": "metric",
                    "x": place % 3 * width,
                    "y": place // 3 * height,
                    "width": width,
                    "height": height,
                    "properties": {
                        "title": title,
                        "region": aws.config.region,
                        "period": PERIOD_SECONDS,
                        "metrics": metrics,
                    },
                }
                for place, (title, metrics) in enumerate(self.graphs.items())
            ]
        }

    def _arn(self, aws: AwsContext) -> str:
        # Dashboards belong to the account, not to a region.
        return f"arn:aws:cloudwatch::{aws.config.account}:dashboard/{self.name}"

    def _tags(self, aws: AwsContext) -> Any:
        return aws.client("cloudwatch").list_tags_for_resource(ResourceARN=self._arn(aws))["Tags"]

    def _read(self, aws: AwsContext) -> Any:
        answer = get_or_none(
            aws.client("cloudwatch").get_dashboard,
            "ResourceNotFound",
            "DashboardNotFoundError",
            DashboardName=self.name,
        )
        return json.loads(answer["DashboardBody"]) if answer else None
