"""AWS IAM: the policy simulator, with the decisions of the local AWS, and access keys of one partition only."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.iam import models
from moto.iam.responses import IamResponse

from footlake.local.patches.methods import replace_methods
from footlake.local.validation.iam import Principal, find_principal
from footlake.local.validation.required_permissions import RequiredPermission


def install() -> None:
    """Add the operation to moto, and let it search the account of an access key in the partition `aws` only.

    It would create a backend for each partition, and each with a copy of all managed policies of AWS.
    """
    replace_methods(IamResponse, simulate_principal_policy)
    models.PARTITION_NAMES = ["aws"]


def simulate_principal_policy(self: Any) -> Any:
    """Return the decision for each action, and for each action on each resource."""
    principal = find_principal(self.current_account, self._get_param("PolicySourceArn"))
    entries = self._get_param("ContextEntries") or []
    context = {entry["ContextKeyName"].lower(): entry["ContextKeyValues"][0] for entry in entries}
    resources = self._get_param("ResourceArns") or ["*"]
    results = [_simulate(principal, action, resources, context) for action in self._get_param("ActionNames")]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _simulate(principal: Principal, action: str, resources: list[str], context: dict[str, str]) -> dict[str, Any]:
    decisions = {
        resource: "allowed" if principal.is_allowed(RequiredPermission(action, resource, context)) else "implicitDeny"
        for resource in resources
    }
    return {
        "EvalActionName": action,
        "EvalResourceName": resources[0],
        "EvalDecision": decisions[resources[0]],
        "MatchedStatements": [],
        "MissingContextValues": [],
        "ResourceSpecificResults": [
            {"EvalResourceName": resource, "EvalResourceDecision": decision} for resource, decision in decisions.items()
        ],
    }
