"""What would stop a lake in this account, found out by reading: permissions, quotas, features that are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources import operator_policy
from footlake.resources.base import Resource, error_code
from footlake.resources.iam import principal
from footlake.resources.network import subnets
from footlake.resources.role_policies import Policy

Level = Literal["ok", "warning", "problem"]
AUTOPILOT_INSTANCE = "ml.m5.4xlarge"
HERE = "footlake train-autopilot --on-this-machine trains and scores without it."


@dataclass(frozen=True)
class Finding:
    """Something that was looked at: how it is, and what to do about it."""

    what: str
    level: Level
    detail: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.level:<10} {self.what}: {self.detail}. {self.hint}".rstrip()


def preflight(aws: AwsContext, resources: Sequence[Resource]) -> list[Finding]:
    """Everything that can be known before anything is made."""
    return [permissions(aws, resources), network(aws), *quotas(aws), *features(aws)]


def permissions(aws: AwsContext, resources: Sequence[Resource], standing: bool = False) -> Finding:
    """Whether the caller may do what `footlake policy` lists, by IAM's own simulator.

    Of a `standing` lake, only what the weekly work lacks is a problem.
    """
    caller = aws.caller
    if caller.endswith(":root"):
        detail = "the account's root, which Lake Formation takes for no administrator"
        return Finding("permissions", "problem", detail, "Work as a user or a role of the account.")
    weekly = operator_policy.weekly(aws.config, resources)["Statement"]
    others = [one for one in operator_policy.setup(aws.config, resources)["Statement"] if one not in weekly]
    try:
        who = principal(aws)
        stopping, further = (list(_missing(aws, who, part)) for part in (weekly, others))
    except ClientError as error:
        detail = f"cannot be looked at: {error_code(error)}"
        return Finding("permissions", "warning", detail, "Allow iam:SimulatePrincipalPolicy and iam:GetRole.")
    if stopping or further:
        missing = list(dict.fromkeys(stopping + further))
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        if standing and not stopping:
            hint = "bootstrap and teardown need them: footlake policy prints all."
            return Finding("permissions", "warning", f"{caller} may do the weekly work, but lacks {shown}", hint)
        return Finding("permissions", "problem", f"{caller} lacks {shown}", "footlake policy prints all that it needs.")
    return Finding("permissions", "ok", f"{caller} may do all that footlake needs")


def _missing(aws: AwsContext, who: str, statements: Sequence[Policy]) -> Iterator[str]:
    """The actions of the statements that `who` may do on none of the resources for which they are needed."""
    pages = aws.client("iam").get_paginator("simulate_principal_policy")
    for statement in statements:
        actions, resources = statement["Action"], statement["Resource"]
        asked = {
            "PolicySourceArn": who,
            "ActionNames": actions,
            "ResourceArns": resources if isinstance(resources, list) else [resources],
            "ContextEntries": _context(statement),
        }
        results = [one for page in pages.paginate(**asked) for one in page["EvaluationResults"]]
        allowed = {one["EvalActionName"] for one in results if _is_allowed(one)}
        yield from (action for action in actions if action not in allowed)


def _is_allowed(result: dict[str, Any]) -> bool:
    each = [one["EvalResourceDecision"] for one in result.get("ResourceSpecificResults", ())]
    return "allowed" in (result["EvalDecision"], *each)


def _context(statement: Policy) -> list[dict[str, Any]]:
    """The conditions of a statement as a request that meets them."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": [value] if isinstance(value, str) else value[:1],
            "ContextKeyType": "string",
        }
        for keys in statement.get("Condition", {}).values()
        for key, value in keys.items()
    ]


def network(aws: AwsContext) -> Finding:
    """Whether there is a default VPC with subnets, in which the database will live."""
    what = "network"
    try:
        zones = {subnet["AvailabilityZone"] for subnet in subnets(aws)}
    except FootlakeError as error:
        return Finding(what, "problem", error.message.rstrip("."), error.hint)
    except ClientError as error:
        return Finding(what, "warning", f"cannot be looked at: {error_code(error)}")
    return Finding(what, "ok", f"the default VPC has subnets in {len(zones)} zones")


def quotas(aws: AwsContext) -> Iterator[Finding]:
    """SageMaker's quotas that are 0, as in many new accounts."""
    needed = {
        f"{aws.config.transform_instance} for transform job usage": "transform-xgoals",
        f"{AUTOPILOT_INSTANCE} for processing job usage": "train-autopilot",
        f"{AUTOPILOT_INSTANCE} for training job usage": "train-autopilot",
    }
    try:
        pages = aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        applied = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    except ClientError as error:
        yield Finding("quotas", "warning", f"cannot be looked at: {error_code(error)}")
        return
    spent = {name: command for name, command in needed.items() if applied.get(name, 1) < 1}
    for name, command in spent.items():
        yield Finding(
            "quotas", "warning", f"{name}: 0, so {command} will be refused", f"Ask for more at Service Quotas. {HERE}"
        )
    if not spent:
        yield Finding("quotas", "ok", "SageMaker may start what footlake asks for")


def account_plan(aws: AwsContext) -> Finding:
    """AWS's plan of the account: the free one has credits and an end."""
    what = "account plan"
    try:
        answer = aws.client("freetier").get_account_plan_state()
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":  # an account from before 15 July 2025
            return Finding(what, "ok", "pay as you go")
        return Finding(
            what, "warning", f"cannot be looked at: {error_code(error)}", "Allow freetier:GetAccountPlanState."
        )
    except BotoCoreError as error:
        return Finding(what, "warning", f"cannot be looked at: {error}")
    plan, status = answer["accountPlanType"], answer["accountPlanStatus"]
    if status == "EXPIRED":
        return Finding(
            what, "problem", f"the {plan.lower()} plan is over", "Upgrade the account in AWS's billing pages."
        )
    if plan == "PAID":
        return Finding(what, "ok", "paid: it costs what footlake bootstrap --plan says")
    credits = answer.get("accountPlanRemainingCredits", {}).get("amount")
    left = f"{credits:.2f} USD of credits left" if credits is not None else "credits unknown"
    end = answer.get("accountPlanExpirationDate")
    until = f", until {end:%Y-%m-%d}" if end else ""
    hint = "It ends with its credits, and not every service is open to it: footlake bootstrap --plan has the prices."
    return Finding(what, "warning", f"free, {left}{until}", hint)


def features(aws: AwsContext) -> Iterator[Finding]:
    """SageMaker's features that are closed to this account."""
    sagemaker = aws.client("sagemaker")
    calls: dict[str, Callable[[], Any]] = {
        "Autopilot": lambda: sagemaker.list_auto_ml_jobs(MaxResults=1),
        "batch transform": lambda: sagemaker.list_transform_jobs(MaxResults=1),
    }
    for name, call in calls.items():
        try:
            call()
        except ClientError as error:
            message = error.response["Error"].get("Message", error_code(error))
            yield Finding(name, "warning", f"refused to this account: {message}", HERE)
        except BotoCoreError as error:
            yield Finding(name, "warning", f"not to be had in {aws.config.region}: {error}", HERE)
        else:
            yield Finding(name, "ok", "open to this account")
