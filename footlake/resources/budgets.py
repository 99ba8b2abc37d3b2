"""A monthly budget of the account, which sends an e-mail before the money is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.resources.base import OwnedResource, differs, get_member, global_tag_list

NOT_FOUND = "NotFoundException"
# Percent of the amount at which AWS sends an e-mail: spent so far, or forecast for the end of the month.
ALERTS = (("ACTUAL", 80.0), ("FORECASTED", 100.0))


@dataclass(frozen=True)
class Budget(OwnedResource):
    """The account's budget for a month (USD), and the e-mail address for its alerts."""

    kind = "budget"

    name: str
    amount: int
    email: str

    def _create(self, aws: AwsContext) -> None:
        aws.client("budgets").create_budget(
            AccountId=aws.config.account,
            Budget=self._desired(),
            NotificationsWithSubscribers=[
                {"Notification": alert, "Subscribers": self._subscribers()} for alert in _alerts()
            ],
            ResourceTags=global_tag_list(aws),
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        # Amounts come back as "30.0".
        limit = state.get("BudgetLimit", {})
        actual = state | {"BudgetLimit": limit | {"Amount": f"{float(limit.get('Amount', 0)):g}"}}
        drifted = differs(actual, self._desired())
        if drifted:
            aws.client("budgets").update_budget(AccountId=aws.config.account, NewBudget=self._desired())
        return self._update_alerts(aws) or drifted

    def _update_alerts(self, aws: AwsContext) -> bool:
        """Create missing alerts, replace those with other subscribers, and return whether there were any."""
        budgets, existing = aws.client("budgets"), self._existing_alerts(aws)
        changed = False
        for alert in _alerts():
            notification, subscribers = existing.get(_alert_key(alert), (None, None))
            if subscribers == self._subscribers():
                continue
            if notification:
                budgets.delete_notification(**self._named(aws), Notification=notification)
            budgets.create_notification(**self._named(aws), Notification=alert, Subscribers=self._subscribers())
            changed = True
        return changed

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("budgets").delete_budget(**self._named(aws))

    def _desired(self) -> dict[str, Any]:
        return {
            "BudgetName": self.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": str(self.amount), "Unit": "USD"},
            # The credits of a free plan would hide the spending until they are used up.
            "CostTypes": {"IncludeCredit": False, "IncludeRefund": False},
        }

    def _subscribers(self) -> list[dict[str, str]]:
        return [{"SubscriptionType": "EMAIL", "Address": self.email}]

    def _existing_alerts(self, aws: AwsContext) -> dict[tuple[Any, ...], tuple[dict[str, Any], list[dict[str, str]]]]:
        """Return the budget's notifications and their subscribers by `_alert_key`."""
        budgets = aws.client("budgets")
        pages = budgets.get_paginator("describe_notifications_for_budget").paginate(**self._named(aws))
        alerts = {}
        for notification in (found for page in pages for found in page.get("Notifications", [])):
            # The state changes during the month and is not part of a notification's identity.
            alert = {key: value for key, value in notification.items() if key != "NotificationState"}
            response = budgets.describe_subscribers_for_notification(**self._named(aws), Notification=alert)
            alerts[_alert_key(alert)] = alert, response["Subscribers"]
        return alerts

    def _named(self, aws: AwsContext) -> dict[str, str]:
        return {"AccountId": aws.config.account, "BudgetName": self.name}

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        arn = f"arn:aws:budgets::{aws.config.account}:budget/{self.name}"
        return aws.client("budgets").list_tags_for_resource(ResourceARN=arn)["ResourceTags"]

    def _read(self, aws: AwsContext) -> Any | None:
        return get_member(aws.client("budgets").describe_budget, "Budget", NOT_FOUND, **self._named(aws))


def _alerts() -> list[dict[str, Any]]:
    return [
        {
            "NotificationType": kind,
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": percent,
            "ThresholdType": "PERCENTAGE",
        }
        for kind, percent in ALERTS
    ]


def _alert_key(notification: dict[str, Any]) -> tuple[Any, ...]:
    """Return what identifies a notification. PERCENTAGE is AWS's default for the type of a threshold."""
    return (
        notification["NotificationType"],
        notification["ComparisonOperator"],
        float(notification["Threshold"]),
        notification.get("ThresholdType", "PERCENTAGE"),
    )
