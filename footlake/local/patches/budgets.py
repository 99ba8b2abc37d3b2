"""AWS Budgets: tags, updates and the subscribers of a notification."""

from __future__ import annotations

from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult, EmptyResult

from footlake.local.patches.methods import replace_methods

original_create_budget = BudgetsResponse.create_budget


def install() -> None:
    """Add the operations to moto."""
    replace_methods(
        BudgetsResponse, create_budget, update_budget, list_tags_for_resource, describe_subscribers_for_notification
    )


def create_budget(self: Any) -> Any:
    """Create a budget, and keep its tags."""
    result = original_create_budget(self)
    _find_budget(self, self._get_param("Budget")["BudgetName"]).tags = self._get_param("ResourceTags") or []
    return result


def update_budget(self: Any) -> Any:
    """Replace the definition of a budget, except for a time period that the request leaves out."""
    definition = self._get_param("NewBudget")
    budget = _find_budget(self, definition["BudgetName"])
    budget.budget = Budget({"TimePeriod": budget.budget["TimePeriod"]} | definition, []).budget
    return EmptyResult()


def list_tags_for_resource(self: Any) -> Any:
    """Return the tags of a budget."""
    name = self._get_param("ResourceARN").rsplit("budget/", 1)[-1]
    return ActionResult({"ResourceTags": _find_budget(self, name).tags})


def describe_subscribers_for_notification(self: Any) -> Any:
    """Return the subscribers of a notification."""
    details = self._get_param("Notification")
    for notification in _find_budget(self, self._get_param("BudgetName")).notifications:
        if notification.details == details:
            return ActionResult({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")


def _find_budget(response: Any, name: str) -> Any:
    budgets = response.backend.budgets[response.current_account]
    if name not in budgets:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budgets[name]
