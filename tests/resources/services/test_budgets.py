"""The monthly budget and who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.budgets import Budget

BUDGET = Budget("footlake", 30, "anna@example.org")


@pytest.fixture
def budget(lake: AwsContext) -> Iterator[Budget]:
    assert BUDGET.ensure(lake) == "created"
    yield BUDGET
    BUDGET.destroy(lake)


def read(lake: AwsContext) -> dict[str, Any]:
    return dict(lake.client("budgets").describe_budget(AccountId=lake.config.account, BudgetName="footlake")["Budget"])


def alerts(lake: AwsContext) -> set[tuple[str, float, str]]:
    """Kind, percent and address of each."""
    budgets, named = lake.client("budgets"), {"AccountId": lake.config.account, "BudgetName": "footlake"}
    return {
        (one["NotificationType"], one["Threshold"], subscriber["Address"])
        for one in budgets.describe_notifications_for_budget(**named)["Notifications"]
        for subscriber in budgets.describe_subscribers_for_notification(**named, Notification=one)["Subscribers"]
    }


def test_it_warns_before_and_when_the_amount_is_reached(lake: AwsContext, budget: Budget) -> None:
    assert read(lake)["BudgetLimit"] == {"Amount": "30", "Unit": "USD"}
    assert read(lake)["TimeUnit"] == "MONTHLY"
    assert alerts(lake) == {("ACTUAL", 80.0, "anna@example.org"), ("FORECASTED", 100.0, "anna@example.org")}
    assert budget.ensure(lake) == "unchanged"


def test_what_credits_pay_counts_as_spent(lake: AwsContext, budget: Budget) -> None:
    assert read(lake)["CostTypes"]["IncludeCredit"] is False


def test_another_amount_is_written(lake: AwsContext, budget: Budget) -> None:
    dearer = Budget("footlake", 45, "anna@example.org")
    assert dearer.ensure(lake) == "updated"
    assert dearer.ensure(lake) == "unchanged"
    assert read(lake)["BudgetLimit"]["Amount"] == "45"


def test_another_address_takes_the_place_of_the_first(lake: AwsContext, budget: Budget) -> None:
    moved = Budget("footlake", 30, "ben@example.org")
    assert moved.ensure(lake) == "updated"
    assert moved.ensure(lake) == "unchanged"
    assert {address for _, _, address in alerts(lake)} == {"ben@example.org"}


def test_a_lost_alert_comes_back(lake: AwsContext, budget: Budget) -> None:
    budgets, named = lake.client("budgets"), {"AccountId": lake.config.account, "BudgetName": "footlake"}
    one = budgets.describe_notifications_for_budget(**named)["Notifications"][0]
    budgets.delete_notification(**named, Notification=one)
    assert budget.ensure(lake) == "updated"
    assert len(alerts(lake)) == 2


def test_a_budget_of_somebody_else_is_left_alone(lake: AwsContext) -> None:
    budgets, account = lake.client("budgets"), lake.config.account
    theirs = {"BudgetName": "footlake", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    budgets.create_budget(AccountId=account, Budget=theirs | {"BudgetLimit": {"Amount": "5", "Unit": "USD"}})
    with pytest.raises(FootlakeError, match="already a budget footlake"):
        BUDGET.ensure(lake)
    assert BUDGET.destroy(lake) == "kept"
    assert read(lake)["BudgetLimit"]["Amount"] == "5"
    budgets.delete_budget(AccountId=account, BudgetName="footlake")


def test_it_goes(lake: AwsContext) -> None:
    BUDGET.ensure(lake)
    assert BUDGET.destroy(lake) == "deleted"
    assert BUDGET.destroy(lake) == "absent"
    assert not BUDGET.exists(lake)
