"""`bootstrap --plan` predicts what bootstrap does, without changing anything; `status` reports drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from footlake.deploy.plan import plan_change
from tests.conftest import Cli


def outcomes(cli: Cli, *command: str) -> dict[str, str]:
    """Return the outcome of a command for each resource."""
    return {step["resource"]: step["outcome"] for step in cli.json(*command)["resources"]}


@pytest.fixture(scope="module")
def first_plan(cli: Cli) -> Iterator[dict[str, str]]:
    """Plan a bootstrap of an empty account."""
    cli("local", "start")
    yield outcomes(cli, "bootstrap", "--plan")


def test_the_plan_of_an_empty_account_is_to_create_everything(cli: Cli, first_plan: dict[str, str]) -> None:
    assert set(first_plan.values()) <= {"create", "unchanged"}
    assert [label for label, outcome in first_plan.items() if outcome == "unchanged"] == ["models xGoals-*"]
    assert set(outcomes(cli, "status").values()) <= {"absent", "none yet"}
    lake = cli.lake()
    assert lake.client("s3").list_buckets()["Buckets"] == []
    assert lake.client("iam").list_roles()["Roles"] == []


def test_bootstrap_makes_the_planned_changes(cli: Cli, first_plan: dict[str, str]) -> None:
    outcome_of = outcomes(cli, "bootstrap")
    assert {label for label, outcome in outcome_of.items() if outcome == "created"} == {
        label for label, outcome in first_plan.items() if outcome == "create"
    }
    assert set(outcomes(cli, "bootstrap", "--plan").values()) == {"unchanged"}


def test_drift_is_planned_reported_and_repaired(cli: Cli, first_plan: dict[str, str]) -> None:
    lake = cli.lake()
    lake.client("lambda").update_function_configuration(FunctionName="etlGetFixtures", Timeout=77)
    lake.client("glue").delete_trigger(Name="teamstatistics")
    drift = {"lambda function etlGetFixtures": "update", "glue trigger teamstatistics": "create"}
    plan = outcomes(cli, "bootstrap", "--plan")
    assert {label: outcome for label, outcome in plan.items() if outcome != "unchanged"} == drift
    state = outcomes(cli, "status")
    assert state["lambda function etlGetFixtures"] == "drifted"
    assert state["glue trigger teamstatistics"] == "absent"
    repaired = outcomes(cli, "bootstrap")
    assert {label: outcome for label, outcome in repaired.items() if outcome != "unchanged"} == {
        "lambda function etlGetFixtures": "updated",
        "glue trigger teamstatistics": "created",
    }


def test_a_resource_of_another_owner_is_a_problem(cli: Cli, first_plan: dict[str, str]) -> None:
    lake = cli.lake()
    lake.client("iam").untag_role(RoleName="GlueRole", TagKeys=["footlake"])
    plan = cli("--local", "bootstrap", "--plan")
    assert plan.returncode == 1
    assert "The role GlueRole already exists" in plan.stdout
    lake.client("iam").tag_role(RoleName="GlueRole", Tags=[{"Key": "footlake", "Value": "footlake"}])


def test_the_plan_includes_costs(cli: Cli, first_plan: dict[str, str]) -> None:
    cost = cli.json("bootstrap", "--plan")["cost"]
    assert cost["monthly"] == pytest.approx(sum(item["monthly"] for item in cost["standing"]))
    assert 10 < cost["monthly"] < 30
    assert 0 < cost["week_low"] < cost["week_high"]


def test_the_plan_reports_missing_permissions(cli: Cli, first_plan: dict[str, str]) -> None:
    iam = cli.lake().client("iam")
    policy = json.loads(cli("--local", "policy").stdout)
    for statement in policy["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != "rds:CreateDBInstance"]
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Action"]]
    iam.create_user(UserName="lacking")
    iam.put_user_policy(UserName="lacking", PolicyName="footlake", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="lacking")["AccessKey"]
    plan = cli(
        "bootstrap",
        "--plan",
        AWS_ENDPOINT_URL=cli.json("local", "status")["endpoint"],
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID=key["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"],
        FOOTLAKE_CLIENT_ADDRESS="127.0.0.1/32",
    )
    assert plan.returncode == 1
    assert "user/lacking lacks rds:CreateDBInstance. footlake policy prints" in plan.stdout
    assert "Bootstrap would fail: 1 problem, the first with permissions." in plan.stderr


def test_the_flags_of_bootstrap_are_settings(cli: Cli, first_plan: dict[str, str]) -> None:
    plan = cli.json("bootstrap", "--plan", "--as-documented", "--alert-email", "anna@example.org")
    labels = {step["resource"] for step in plan["resources"]}
    assert labels - first_plan.keys() >= {"user boto3user", "vpc endpoint s3 interface", "budget footlake"}
    assert any("interface" in item["what"] for item in plan["cost"]["standing"])


@dataclass(frozen=True)
class UnreachableResource:
    """A resource that exists, in a service that has become unreachable."""

    label: str = "glue job unreachable"

    def exists(self, lake: Any) -> bool:
        return True

    def ensure(self, lake: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://glue.us-east-1.amazonaws.com")

    def destroy(self, lake: Any) -> Any:
        return "absent"


def test_a_network_failure_is_a_problem_and_not_drift(cli: Cli, first_plan: dict[str, str]) -> None:
    assert plan_change(cli.lake(), UnreachableResource()).startswith("problem: Could not connect to the endpoint URL")


def test_the_plan_checks_quotas_and_features(cli: Cli, first_plan: dict[str, str]) -> None:
    quota = "ml.m5.large for transform job usage"
    findings = cli.json("bootstrap", "--plan")["findings"]
    assert {finding["level"] for finding in findings} == {"ok"}
    cli("local", "stop")  # the next command starts it with the quota
    variables = {"FOOTLAKE_LOCAL_QUOTAS": f"{quota}=0"}
    findings = cli.json("bootstrap", "--plan", **variables)["findings"]
    (warning,) = [finding for finding in findings if finding["level"] != "ok"]
    assert warning["level"] == "warning"
    assert f"the quota for {quota!r} is 0, so AWS will reject transform-xgoals" in warning["detail"]
