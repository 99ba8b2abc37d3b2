"""cfn-lint and parliament on what footlake creates, taken from the recorded calls."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cloudformation import create_template
from tests.conformance.conftest import REFEREES, REGION, Call, Reference
from tests.conformance.emulator_faults import ACCOUNT

LINT_SECONDS = 120.0
# A template for one account and subnet may name the zone of that subnet.
IGNORED_RULES = ("W3010",)
# RDS takes a major version, and then its default minor version. CloudFormation's schema lists minor versions only.
MAJOR_VERSION = "Properties/EngineVersion: '8.4' is not one of"
# Finding of parliament → reason. A policy may name an action in several statements, one for each type of resource,
# but parliament wants the first type in each of them.
EXPLAINED = {
    ("RESOURCE_MISMATCH", "rds:CreateDBInstance"): "one statement is for the option group",
    ("RESOURCE_MISMATCH", "ec2:ModifyVpcEndpoint"): "one statement is for the route tables, which lack the tag",
    ("UNKNOWN_CONDITION_FOR_ACTION", "iam:UpdateAssumeRolePolicy"): "the condition is newer than parliament",
    ("UNKNOWN_ACTION", "freetier:GetAccountPlanState"): "the action is newer than parliament",
}


def cfn_lint(template: dict[str, Any], folder: Path) -> list[str]:
    """Return the findings, each with rule, place and message."""
    file = folder / "template.json"
    file.write_text(json.dumps(template, indent=1))
    command: list[Any] = [REFEREES / "cfn-lint", "--template", file, "--regions", REGION, "--format", "json"]
    done = subprocess.run(
        [*command, "--ignore-checks", *IGNORED_RULES],
        capture_output=True,
        text=True,
        check=False,
        timeout=LINT_SECONDS,
    )
    return [
        f"{finding['Rule']['Id']} {'/'.join(map(str, finding['Location']['Path'] or ()))}: {finding['Message']}"
        for finding in json.loads(done.stdout)
    ]


@pytest.fixture(scope="module")
def template(reference: Reference) -> dict[str, Any]:
    """The template of all resources, with those of the original walk-through."""
    return create_template(reference.calls)


def test_cfn_lint_has_no_finding(template: dict[str, Any], tmp_path: Path) -> None:
    assert len(template["Resources"]) > 60
    assert [finding for finding in cfn_lint(template, tmp_path) if MAJOR_VERSION not in finding] == []


def test_cfn_lint_finds_a_value_that_aws_refuses(template: dict[str, Any], tmp_path: Path) -> None:
    broken = copy.deepcopy(template)
    functions = [one for one in broken["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    functions[0]["Properties"]["Timeout"] = 901
    assert any("901 is greater than the maximum of 900" in finding for finding in cfn_lint(broken, tmp_path))


def written_policies(calls: list[Call]) -> dict[str, Any]:
    """Return every policy document in the parameters of calls that change something, by call and parameter."""
    return {
        f"{call['operation']} {parameter} {value}": json.loads(value)
        for call in calls
        if not call["operation"].startswith(("Get", "Simulate"))
        for parameter, value in _texts(call["parameters"])
        if '"Statement"' in value
    }


def _texts(parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            yield from _texts(value)


def parliament(policies: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the findings: policy, issue and detail. Trust policies have no resource, but parliament wants one."""
    for policy in policies.values():
        for statement in policy["Statement"]:
            if statement["Action"] == "sts:AssumeRole":
                statement["Resource"] = f"arn:aws:iam::{ACCOUNT}:role/trusting"
    done = subprocess.run(
        [REFEREES / "python", "-W", "ignore", Path(__file__).with_name("lint_policies.py")],
        input=json.dumps(policies),
        capture_output=True,
        text=True,
        check=False,
        timeout=LINT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return [(policy, issue, detail) for policy, issue, detail in json.loads(done.stdout)]


def test_parliament_has_no_unexplained_finding(reference: Reference) -> None:
    policies = written_policies(reference.calls)
    assert len(policies) >= 7
    for options in ((), ("--weekly",)):
        policies[f"footlake policy {options}"] = json.loads(reference.cli("policy", *options).stdout)
    unexplained = [
        finding
        for finding in parliament(policies)
        if not any(finding[1] == issue and action in finding[2] for issue, action in EXPLAINED)
    ]
    assert unexplained == []


def test_parliament_finds_an_unknown_action(reference: Reference) -> None:
    name, policy = next(iter(written_policies(reference.calls).items()))
    statement = {"Effect": "Allow", "Action": "s3:GetObjectss", "Resource": "*"}
    findings = parliament({name: {**policy, "Statement": [statement]}})
    assert [issue for _, issue, _ in findings] == ["UNKNOWN_ACTION"]
