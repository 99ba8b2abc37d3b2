"""Check what could stop footlake in this account, without changes: permissions, network, quotas and features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import error_code
from footlake.aws_jobs import format_count
from footlake.database import check_authorities
from footlake.deploy import costs
from footlake.deploy.costs import AUTOPILOT_INSTANCE
from footlake.errors import CostLimitExceeded, FootlakeCommand, FootlakeError, Hint
from footlake.resources import operator_policy
from footlake.resources.base import Resource
from footlake.resources.iam import principal
from footlake.resources.network import S3Endpoint, count_interfaces, subnets
from footlake.resources.role_policies import Policy

Level = Literal["ok", "warning", "problem"]
LOCAL_TRAINING_HINT = Hint(
    FootlakeCommand("train-autopilot --on-this-machine"), " trains and scores on this machine instead."
)


@dataclass(frozen=True)
class Finding:
    """The result of a check, and what to do about it."""

    what: str
    level: Level
    detail: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.level:<10} {self.what}: {self.detail}. {self.hint}".rstrip()


def preflight(aws: AwsContext, resources: Sequence[Resource]) -> list[Finding]:
    """Run every check that needs no resource of the lake."""
    return [
        check_permissions(aws, resources),
        *([] if aws.config.database == "none" else check_database_access(aws, resources)),
        *check_cost_limit(aws),
        *check_quotas(aws),
        *check_features(aws),
    ]


def check_database_access(aws: AwsContext, resources: Sequence[Resource]) -> list[Finding]:
    """Check the network of the database and the certificates with which clients verify it."""
    return [check_network(aws), *check_route_table(aws, resources), check_certificates(aws)]


def check_cost_limit(aws: AwsContext) -> Iterator[Finding]:
    """Check the monthly price of the lake if the user has set a limit for it."""
    limit = aws.config.max_monthly_cost
    if limit is None:
        return
    try:
        costs.check_limit(aws.config)
    except CostLimitExceeded as error:
        yield Finding("cost", "problem", error.message.removesuffix("."), error.hint)
    else:
        price = costs.monthly_price(aws.config)
        yield Finding("cost", "ok", f"{price:.2f} USD a month, within max_monthly_cost ({limit:.2f} USD)")


def check_permissions(aws: AwsContext, resources: Sequence[Resource], standing: bool = False) -> Finding:
    """Check with IAM's policy simulator that the caller may do everything that `footlake policy` lists.

    Once the lake is `standing`, a missing permission is a problem only if the weekly work needs it.
    """
    caller = aws.caller
    if caller.endswith(":root"):
        detail = "Lake Formation does not accept the root user of an account as an administrator"
        return Finding("permissions", "problem", detail, "Use the credentials of an IAM user or role.")
    weekly = operator_policy.weekly(aws.config, resources)["Statement"]
    setup = [item for item in operator_policy.setup(aws.config, resources)["Statement"] if item not in weekly]
    try:
        arn = principal(aws)
        missing_weekly, missing_setup = (list(_missing_actions(aws, arn, part)) for part in (weekly, setup))
    except ClientError as error:
        detail = f"could not be checked: {error_code(error)}"
        return Finding("permissions", "warning", detail, "Allow iam:SimulatePrincipalPolicy and iam:GetRole.")
    missing = list(dict.fromkeys(missing_weekly + missing_setup))
    if not missing:
        return Finding("permissions", "ok", f"{caller} has all permissions that footlake needs")
    shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    if standing and not missing_weekly:
        hint = Hint("bootstrap and teardown need them. ", FootlakeCommand("policy"), " prints the full policy.")
        return Finding(
            "permissions", "warning", f"{caller} has the permissions for the weekly run, but lacks {shown}", hint
        )
    return Finding(
        "permissions",
        "problem",
        f"{caller} lacks {shown}",
        Hint(FootlakeCommand("policy"), " prints the required policy."),
    )


def _missing_actions(aws: AwsContext, arn: str, statements: Sequence[Policy]) -> Iterator[str]:
    """Yield the actions of the statements that the user or role `arn` may do on none of their resources."""
    pages = aws.client("iam").get_paginator("simulate_principal_policy")
    for statement in statements:
        actions, resources = statement["Action"], statement["Resource"]
        simulation = pages.paginate(
            PolicySourceArn=arn,
            ActionNames=actions,
            ResourceArns=resources if isinstance(resources, list) else [resources],
            ContextEntries=_context_entries(statement),
        )
        results = [result for page in simulation for result in page["EvaluationResults"]]
        allowed = {result["EvalActionName"] for result in results if _is_allowed(result)}
        yield from (action for action in actions if action not in allowed)


def _is_allowed(result: dict[str, Any]) -> bool:
    """Whether IAM allows the action on all resources or on one of them."""
    decisions = [specific["EvalResourceDecision"] for specific in result.get("ResourceSpecificResults", ())]
    return "allowed" in (result["EvalDecision"], *decisions)


def _context_entries(statement: Policy) -> list[dict[str, Any]]:
    """Return the values of a request that meets the conditions of a statement, for the simulator."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": [value] if isinstance(value, str) else value[:1],
            "ContextKeyType": "string",
        }
        for keys in statement.get("Condition", {}).values()
        for key, value in keys.items()
    ]


def check_network(aws: AwsContext) -> Finding:
    """Check that the region has a default VPC with subnets, for the database."""
    what = "network"
    try:
        zones = {subnet["AvailabilityZone"] for subnet in subnets(aws)}
    except FootlakeError as error:
        return Finding(what, "problem", error.message.rstrip("."), error.hint)
    except ClientError as error:
        return Finding(what, "warning", f"could not be checked: {error_code(error)}")
    return Finding(what, "ok", f"the default VPC has subnets in {len(zones)} availability zones")


def check_route_table(aws: AwsContext, resources: Sequence[Resource]) -> Iterator[Finding]:
    """Announce the S3 gateway endpoint if other network interfaces use the route table that gets it."""
    endpoints = [resource for resource in resources if isinstance(resource, S3Endpoint)]
    try:
        for endpoint in endpoints:
            if table := endpoint.new_route_table(aws):
                interfaces = count_interfaces(aws)
                effect = "adding the S3 gateway endpoint drops open connections to S3 of all that use it"
                yield Finding(
                    "route table",
                    "warning" if interfaces else "ok",
                    f"{table} of the default VPC, with {format_count(interfaces, 'network interface')}: {effect}, "
                    "once, and S3 then sees private addresses",
                )
    except (ClientError, FootlakeError):
        return  # check_network reports it


def check_certificates(aws: AwsContext) -> Finding:
    """Check that the CA certificates of the region's databases are available."""
    what = "certificates"
    try:
        check_authorities(aws.config)
    except FootlakeError as error:
        return Finding(what, "problem", error.message.rstrip("."), error.hint)
    return Finding(what, "ok", f"CA certificates for databases in {aws.config.region} are available")


def check_quotas(aws: AwsContext) -> Iterator[Finding]:
    """Check that SageMaker's quotas allow the instances that footlake starts. Many new accounts have quotas of 0."""
    commands = {
        f"{aws.config.transform_instance} for transform job usage": "transform-xgoals",
        f"{AUTOPILOT_INSTANCE} for processing job usage": "train-autopilot",
        f"{AUTOPILOT_INSTANCE} for training job usage": "train-autopilot",
    }
    try:
        pages = aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        applied = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"] if "Value" in quota}
    except ClientError as error:
        yield Finding("quotas", "warning", f"could not be checked: {error_code(error)}")
        return
    exhausted = {name: command for name, command in commands.items() if applied.get(name, 1) < 1}
    for name, command in exhausted.items():
        yield Finding(
            "quotas",
            "warning",
            f"the quota for {name!r} is 0, so AWS will reject {command}",
            Hint("Request an increase in Service Quotas. ", LOCAL_TRAINING_HINT),
        )
    if not exhausted:
        yield Finding("quotas", "ok", "the SageMaker quotas allow the instances that footlake uses")


def check_account_plan(aws: AwsContext) -> Finding:
    """Check the account plan of AWS Free Tier. A free plan ends when its credits are used up or its time is over."""
    what = "account plan"
    try:
        answer = aws.client("freetier").get_account_plan_state()
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":  # the account is older than account plans (15 July 2025)
            return Finding(what, "ok", "pay as you go")
        return Finding(
            what, "warning", f"could not be checked: {error_code(error)}", "Allow freetier:GetAccountPlanState."
        )
    except BotoCoreError as error:
        return Finding(what, "warning", f"could not be checked: {error}")
    plan, status = answer["accountPlanType"], answer["accountPlanStatus"]
    if status == "EXPIRED":
        return Finding(
            what, "problem", f"the {plan.lower()} plan has ended", "Upgrade the account in the AWS Billing console."
        )
    if plan == "PAID":
        return Finding(what, "ok", Hint("paid; ", FootlakeCommand("bootstrap --plan"), " shows the costs"))
    credit = answer.get("accountPlanRemainingCredits", {}).get("amount")
    left = f"{credit:.2f} USD of credits left" if credit is not None else "credits unknown"
    end = answer.get("accountPlanExpirationDate")
    until = f", until {end:%Y-%m-%d}" if end else ""
    hint = Hint(
        "The plan ends when its credits are used up, and it does not include all services. ",
        FootlakeCommand("bootstrap --plan"),
        " shows the costs.",
    )
    return Finding(what, "warning", f"free, {left}{until}", hint)


def check_features(aws: AwsContext) -> Iterator[Finding]:
    """Check that this account may use the SageMaker features that AWS has closed to new customers."""
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
            yield Finding(name, "warning", f"not available to this account: {message}", LOCAL_TRAINING_HINT)
        except BotoCoreError as error:
            yield Finding(name, "warning", f"not available in {aws.config.region}: {error}", LOCAL_TRAINING_HINT)
        else:
            yield Finding(name, "ok", "available to this account")
