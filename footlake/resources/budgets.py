"""A monthly budget of the account, which writes an e-mail before the money is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.resources.base import Destroyed, Ensured, differs, get_or_none, global_tag_list, is_owned, require_owned

NOT_FOUND = "NotFoundException"
# When to write: percent of the amount, spent already or forecast for the month's end.
ALERTS = (("ACTUAL", 80.0), ("FORECASTED", 100.0))


@dataclass(frozen=True)
class Budget:
    """What the account may cost in a month (USD), and who is told when it is about to cost more."""

    name: str
    amount: int
    email: str

    @property
    def label(self) -> str:
        return f"budget {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        budgets, budget = aws.client("budgets"), self._read(aws)
        account = aws.config.account
        wanted = self._wanted()
        alerts: list[dict[str, Any]] = [
            {"Notification": alert, "Subscribers": self._subscribers()} for alert in _alerts()
        ]
        if budget is None:
            budgets.create_budget(
                AccountId=account,
                Budget=wanted,
                NotificationsWithSubscribers=alerts,
                ResourceTags=global_tag_list(aws),
            )
            return "created"
        require_owned(aws, self.label, self._tags(aws))
        outcome: Ensured = "unchanged"
        # Amounts come back as "30.0".
        limit = budget.get("BudgetLimit", {})
        actual = budget | {"BudgetLimit": limit | {"Amount": f"{float(limit.get('Amount', 0)):g}"}}
        if differs(actual, wanted):
            budgets.update_budget(AccountId=account, NewBudget=wanted)
            outcome = "updated"
        named = {"AccountId": account, "BudgetName": self.name}
        there = self._notifications(aws)
        for alert in alerts:
            key = _key(alert["Notification"])
            if key in there and there[key][1] == self._subscribers():
                continue
            if key in there:
                budgets.delete_notification(**named, Notification=there[key][0])
            budgets.create_notification(**named, **alert)
            outcome = "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, self._tags(aws)):
            return "kept"
        aws.client("budgets").delete_budget(AccountId=aws.config.account, BudgetName=self.name)
        return "deleted"

    def _wanted(self) -> dict[str, Any]:
        return {
            "BudgetName": self.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": str(self.amount), "Unit": "USD"},
            # A free plan's credits would hide what is being spent until they are gone.
            "CostTypes": {"IncludeCredit": False, "IncludeRefund": False},
        }

    def _subscribers(self) -> list[dict[str, str]]:
        return [{"SubscriptionType": "EMAIL", "Address": self.email}]

    def _notifications(self, aws: AwsContext) -> dict[tuple[Any, ...], tuple[dict[str, Any], list[dict[str, str]]]]:
        """The alerts that there are, with their subscribers."""
        budgets, named = aws.client("budgets"), {"AccountId": aws.config.account, "BudgetName": self.name}
        pages = budgets.get_paginator("describe_notifications_for_budget").paginate(**named)
        notifications = [one for page in pages for one in page.get("Notifications", [])]
        return {
            _key(one): (
                _essence(one),
                budgets.describe_subscribers_for_notification(**named, Notification=_essence(one))["Subscribers"],
            )
            for one in notifications
        }

    def _arn(self, aws: AwsContext) -> str:
        return f"arn:aws:budgets::{aws.config.account}:budget/{self.name}"

    def _tags(self, aws: AwsContext) -> Any:
        return aws.client("budgets").list_tags_for_resource(ResourceARN=self._arn(aws))["ResourceTags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        budgets = aws.client("budgets")
        answer = get_or_none(budgets.describe_budget, NOT_FOUND, AccountId=aws.config.account, BudgetName=self.name)
        return answer["Budget"] if answer else None


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


def _essence(notification: dict[str, Any]) -> dict[str, Any]:
    """A notification without its state, which changes as the month goes by."""
    return {key: value for key, value in notification.items() if key != "NotificationState"}


def _key(notification: dict[str, Any]) -> tuple[Any, ...]:
    """What tells notifications apart; a percentage is what a threshold means by default."""
    return (
        notification["NotificationType"],
        notification["ComparisonOperator"],
        float(notification["Threshold"]),
        notification.get("ThresholdType", "PERCENTAGE"),
    )
