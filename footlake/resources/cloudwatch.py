"""Monitoring: alarms, a dashboard, a log of failed jobs, and the SNS topic that sends alarms by e-mail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.resources.base import (
    OwnedResource,
    differs,
    get_member,
    global_tag_list,
    regional_arn,
    same_policy,
    tag_list,
)
from footlake.resources.logs import LogGroup

# A weekly run takes minutes: all failures within one hour raise one alarm.
PERIOD_SECONDS = 3600


@dataclass(frozen=True)
class SnsTopic(OwnedResource):
    """The topic that receives alarms, with one subscriber by e-mail, who has to confirm the subscription."""

    kind = "sns topic"

    name: str
    email: str

    def arn(self, aws: AwsContext) -> str:
        """Return the topic's ARN."""
        return regional_arn(aws, "sns", self.name)

    def _create(self, aws: AwsContext) -> None:
        aws.client("sns").create_topic(Name=self.name, Tags=tag_list(aws))
        self._update(aws, None)

    def _update(self, aws: AwsContext, state: Any) -> bool:
        """Make `email` the only subscriber."""
        sns = aws.client("sns")
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.arn(aws))
        by_email = {
            subscription["Endpoint"]: subscription["SubscriptionArn"]
            for page in pages
            for subscription in page["Subscriptions"]
            if subscription["Protocol"] == "email"
        }
        # An unconfirmed subscription has no ARN yet, and expires by itself.
        other_arns = [arn for email, arn in by_email.items() if email != self.email and arn.startswith("arn:")]
        for arn in other_arns:
            sns.unsubscribe(SubscriptionArn=arn)
        if self.email not in by_email:
            sns.subscribe(TopicArn=self.arn(aws), Protocol="email", Endpoint=self.email)
        return bool(other_arns) or self.email not in by_email

    def _delete(self, aws: AwsContext, state: Any) -> None:
        aws.client("sns").delete_topic(TopicArn=self.arn(aws))

    def _indexed_arn(self, aws: AwsContext, state: Any) -> str:
        return self.arn(aws)

    def _tags(self, aws: AwsContext, state: Any) -> Any:
        return aws.client("sns").list_tags_for_resource(ResourceArn=self.arn(aws))["Tags"]

    def _read(self, aws: AwsContext) -> Any | None:
        return get_or_none(aws.client("sns").get_topic_attributes, "NotFound", TopicArn=self.arn(aws))


@dataclass(frozen=True)
class Alarm(OwnedResource):
    """An alarm when a count is above zero within an hour, or in each of several `hours`.

    With `subtracted`, the dimensions of another count of the same metric, it is for the difference of the two, such as
    what has begun and not ended. Hours begin on the hour.
    """

    kind = "alarm"
    arn_member = "AlarmArn"

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    topic: SnsTopic | None = None
    statistic: str = "Sum"
    hours: int = 1
    subtracted: Mapping[str, str] | None = None

    @property
    def metric_count(self) -> int:
        """The number of metrics, by which AWS bills an alarm."""
        return 2 if self.subtracted else 1

    def _create(self, aws: AwsContext) -> None:
        aws.client("cloudwatch").put_metric_alarm(**self._desired(aws), Tags=tag_list(aws))

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        desired = self._desired(aws)
        metrics = sorted(state.get("Metrics", ()), key=lambda query: str(query["Id"]))
        if not differs(state | {"Metrics": metrics}, desired):
            return False
        aws.client("cloudwatch").put_metric_alarm(**desired)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("cloudwatch").delete_alarms(AlarmNames=[self.name])

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        return {
            "AlarmName": self.name,
            "AlarmDescription": self.description,
            **(self._difference(self.subtracted) if self.subtracted else self._count()),
            "EvaluationPeriods": self.hours,
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
            # Nothing runs during most hours, which is normal.
            "TreatMissingData": "notBreaching",
            "ActionsEnabled": True,
            "AlarmActions": [self.topic.arn(aws)] if self.topic else [],
        }

    def _metric(self, dimensions: Mapping[str, str]) -> dict[str, Any]:
        pairs = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        return {"Namespace": self.namespace, "MetricName": self.metric, "Dimensions": pairs}

    def _count(self) -> dict[str, Any]:
        """Return the parameters of an alarm on one metric."""
        return {**self._metric(self.dimensions), "Statistic": self.statistic, "Period": PERIOD_SECONDS}

    def _difference(self, subtracted: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters of an alarm on the difference of two metrics, sorted by their ids."""

        def query(query_id: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
            statistic = {"Metric": self._metric(dimensions), "Period": PERIOD_SECONDS, "Stat": self.statistic}
            return {"Id": query_id, "MetricStat": statistic, "ReturnData": False}

        # Hours in which nothing was counted have no value at all, which is not alarming.
        expression = {"Id": "difference", "Expression": "counted - FILL(subtracted, 0)", "ReturnData": True}
        return {"Metrics": [query("counted", self.dimensions), expression, query("subtracted", subtracted)]}

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("cloudwatch").list_tags_for_resource(ResourceARN=state["AlarmArn"])["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=self._names(aws), AlarmTypes=["MetricAlarm"])
        return next((alarm for alarm in alarms["MetricAlarms"] if alarm["AlarmName"] == self.name), None)


@dataclass(frozen=True)
class EventLog(OwnedResource):
    """The permission for EventBridge to write events to a log group, as a CloudWatch Logs resource policy."""

    group: LogGroup
    policy: str

    @property
    def label(self) -> str:
        return f"log resource policy {self.policy}"

    def arn(self, aws: AwsContext) -> str:
        """Return the log group's ARN in the form that EventBridge takes as a target."""
        return self.group.arn(aws)

    def _create(self, aws: AwsContext) -> None:
        document = json.dumps(self._desired(aws))
        aws.client("logs").put_resource_policy(policyName=self.policy, policyDocument=document)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        if same_policy(state, self._desired(aws)):
            return False
        self._create(aws)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("logs").delete_resource_policy(policyName=self.policy)

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
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

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> dict[str, str]:
        """Return the lake's tags for a policy on this log group only. Resource policies cannot be tagged."""
        ours = all(statement.get("Resource") == f"{self.arn(aws)}:*" for statement in state["Statement"])
        return aws.config.tags if ours and state["Statement"] else {}

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        pages = aws.client("logs").get_paginator("describe_resource_policies").paginate()
        policies = (policy for page in pages for policy in page["resourcePolicies"])
        documents = (policy["policyDocument"] for policy in policies if policy["policyName"] == self.policy)
        return next((json.loads(document) for document in documents), None)


@dataclass(frozen=True)
class Dashboard(OwnedResource):
    """Graphs of the lake's metrics, three in a row. An account has three dashboards free of charge."""

    kind = "dashboard"

    name: str
    graphs: Mapping[str, list[list[Any]]] = field(repr=False)

    def _create(self, aws: AwsContext) -> None:
        self._put(aws, Tags=global_tag_list(aws))

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        if state == self._desired(aws):
            return False
        self._put(aws)
        return True

    def _put(self, aws: AwsContext, **tags: Any) -> None:
        body = json.dumps(self._desired(aws))
        aws.client("cloudwatch").put_dashboard(DashboardName=self.name, DashboardBody=body, **tags)

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("cloudwatch").delete_dashboards(DashboardNames=[self.name])

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        width, height = 8, 6  # a row is 24 wide
        return {
            "widgets": [
                {
                    "type": "metric",
                    "x": position % 3 * width,
                    "y": position // 3 * height,
                    "width": width,
                    "height": height,
                    "properties": {
                        "title": title,
                        "region": aws.config.region,
                        "period": PERIOD_SECONDS,
                        "metrics": metrics,
                    },
                }
                for position, (title, metrics) in enumerate(self.graphs.items())
            ]
        }

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        # Dashboards belong to the account, not to a region.
        arn = f"arn:aws:cloudwatch::{aws.config.account}:dashboard/{self.name}"
        return aws.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        get_dashboard = aws.client("cloudwatch").get_dashboard
        body = get_member(
            get_dashboard, "DashboardBody", "ResourceNotFound", "DashboardNotFoundError", DashboardName=self.name
        )
        return None if body is None else json.loads(body)
