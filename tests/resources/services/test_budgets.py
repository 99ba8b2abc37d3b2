"""The monthly budget and its alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.budgets import Budget

BUDGET = Budget("footlake", 30, "anna@example.org")


@pytest.fixture
def budget(aws: AwsContext) -> Iterator[Budget]:
    assert BUDGET.ensure(aws) == "created"
    yield BUDGET
    BUDGET.destroy(aws)


def read(aws: AwsContext) -> dict[str, Any]:
    return dict(aws.client("budgets").describe_budget(AccountId=aws.config.account, BudgetName="footlake")["Budget"])


def alerts(aws: AwsContext) -> set[tuple[str, float, str]]:
    """Return kind, percentage and address of each alert."""
    budgets, named = aws.client("budgets"), {"AccountId": aws.config.account, "BudgetName": "footlake"}
    return {
        (notification["NotificationType"], notification["Threshold"], subscriber["Address"])
        for notification in budgets.describe_notifications_for_budget(**named)["Notifications"]
        for subscriber in budgets.describe_subscribers_for_notification(**named, Notification=notification)[
            "Subscribers"
        ]
    }


def test_the_budget_alerts_before_the_amount_is_spent(aws: AwsContext, budget: Budget) -> None:
    assert read(aws)["BudgetLimit"] == {"Amount": "30", "Unit": "USD"}
    assert read(aws)["TimeUnit"] == "MONTHLY"
    assert alerts(aws) == {("ACTUAL", 80.0, "anna@example.org"), ("FORECASTED", 100.0, "anna@example.org")}
    assert budget.ensure(aws) == "unchanged"


def test_credits_do_not_reduce_the_spending(aws: AwsContext, budget: Budget) -> None:
    assert read(aws)["CostTypes"]["IncludeCredit"] is False


def test_a_changed_amount_is_updated(aws: AwsContext, budget: Budget) -> None:
    dearer = Budget("footlake", 45, "anna@example.org")
    assert dearer.ensure(aws) == "updated"
    assert dearer.ensure(aws) == "unchanged"
    assert read(aws)["BudgetLimit"]["Amount"] == "45"


def test_a_changed_address_replaces_the_old_one(aws: AwsContext, budget: Budget) -> None:
    moved = Budget("footlake", 30, "ben@example.org")
    assert moved.ensure(aws) == "updated"
    assert moved.ensure(aws) == "unchanged"
    assert {address for _, _, address in alerts(aws)} == {"ben@example.org"}


def test_a_deleted_alert_is_created_again(aws: AwsContext, budget: Budget) -> None:
    budgets, named = aws.client("budgets"), {"AccountId": aws.config.account, "BudgetName": "footlake"}
    notification = budgets.describe_notifications_for_budget(**named)["Notifications"][0]
    budgets.delete_notification(**named, Notification=notification)
    assert budget.ensure(aws) == "updated"
    assert len(alerts(aws)) == 2


def test_a_foreign_budget_is_not_changed(aws: AwsContext) -> None:
    budgets, account = aws.client("budgets"), aws.config.account
    theirs = {"BudgetName": "footlake", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    budgets.create_budget(AccountId=account, Budget=theirs | {"BudgetLimit": {"Amount": "5", "Unit": "USD"}})
    with pytest.raises(FootlakeError, match="The budget footlake already exists"):
        BUDGET.ensure(aws)
    assert BUDGET.destroy(aws) == "kept"
    assert read(aws)["BudgetLimit"]["Amount"] == "5"
    budgets.delete_budget(AccountId=account, BudgetName="footlake")


def test_the_budget_is_deleted_once(aws: AwsContext) -> None:
    BUDGET.ensure(aws)
    assert BUDGET.destroy(aws) == "deleted"
    assert BUDGET.destroy(aws) == "absent"
    assert not BUDGET.exists(aws)
