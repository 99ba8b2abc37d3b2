"""What bootstrap would do, without doing it; and the lake's status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from footlake.config import Config
from footlake.deploy.plan import plan_change
from footlake.deploy.schedule import next_run
from tests.conftest import Cli


def outcomes(cli: Cli, *command: str) -> dict[str, str]:
    return {step["resource"]: step["outcome"] for step in cli.json(*command)["resources"]}


@pytest.fixture(scope="module")
def foreseen(cli: Cli) -> Iterator[dict[str, str]]:
    """The plan of an empty account, made before anything else."""
    cli("local", "start")
    yield outcomes(cli, "bootstrap", "--plan")


def test_the_plan_of_an_empty_account_creates_everything_and_makes_nothing(cli: Cli, foreseen: dict[str, str]) -> None:
    assert set(foreseen.values()) <= {"create", "unchanged"}
    assert [label for label, outcome in foreseen.items() if outcome == "unchanged"] == ["models xGoals-*"]
    assert set(outcomes(cli, "status").values()) <= {"absent", "none yet"}
    lake = cli.lake()
    assert lake.client("s3").list_buckets()["Buckets"] == []
    assert lake.client("iam").list_roles()["Roles"] == []


def test_the_plan_is_what_bootstrap_then_does(cli: Cli, foreseen: dict[str, str]) -> None:
    done = outcomes(cli, "bootstrap")
    assert {label for label, outcome in done.items() if outcome == "created"} == {
        label for label, outcome in foreseen.items() if outcome == "create"
    }
    assert set(outcomes(cli, "bootstrap", "--plan").values()) == {"unchanged"}


def test_drift_is_foreseen_shown_and_repaired(cli: Cli, foreseen: dict[str, str]) -> None:
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


def test_a_name_that_somebody_else_has_is_a_problem_of_the_plan(cli: Cli, foreseen: dict[str, str]) -> None:
    lake = cli.lake()
    lake.client("iam").untag_role(RoleName="GlueRole", TagKeys=["footlake"])
    plan = cli("--local", "bootstrap", "--plan")
    assert plan.returncode == 1
    assert "already a role GlueRole" in plan.stdout
    lake.client("iam").tag_role(RoleName="GlueRole", Tags=[{"Key": "footlake", "Value": "footlake"}])


def test_the_plan_tells_what_it_costs(cli: Cli, foreseen: dict[str, str]) -> None:
    cost = cli.json("bootstrap", "--plan")["cost"]
    assert cost["monthly"] == pytest.approx(sum(item["monthly"] for item in cost["standing"]))
    assert 10 < cost["monthly"] < 30
    assert 0 < cost["week_low"] < cost["week_high"]


def test_the_plan_looks_at_quotas_and_features(cli: Cli, foreseen: dict[str, str]) -> None:
    quota = "ml.m5.large for transform job usage"
    found = cli.json("bootstrap", "--plan")["findings"]
    assert {one["level"] for one in found} == {"ok"}
    cli("local", "stop")
    told = {"FOOTLAKE_LOCAL_QUOTAS": f"{quota}=0"}
    found = cli.json("bootstrap", "--plan", **told)["findings"]
    warned = [one for one in found if one["level"] != "ok"]
    assert [one["level"] for one in warned] == ["warning"]
    assert f"{quota}: 0, so transform-xgoals will be refused" in warned[0]["detail"]
    cli("local", "stop")
    cli("local", "start")


def test_the_plan_finds_missing_permissions(cli: Cli, foreseen: dict[str, str]) -> None:
    iam = cli.lake().client("iam")
    whole = json.loads(cli("--local", "policy").stdout)
    for statement in whole["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != "rds:CreateDBInstance"]
    whole["Statement"] = [one for one in whole["Statement"] if one["Action"]]
    iam.create_user(UserName="lacking")
    iam.put_user_policy(UserName="lacking", PolicyName="footlake", PolicyDocument=json.dumps(whole))
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
    assert "problems, the first with permissions" in plan.stderr


def test_the_flags_of_bootstrap_are_settings(cli: Cli, foreseen: dict[str, str]) -> None:
    plan = cli.json("bootstrap", "--plan", "--as-documented", "--alert-email", "anna@example.org")
    labels = {step["resource"] for step in plan["resources"]}
    assert labels - foreseen.keys() >= {"user boto3user", "vpc endpoint s3 interface", "budget footlake"}
    assert any("interface" in item["what"] for item in plan["cost"]["standing"])


NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("season", "time", "fires"),
    [
        (2026, "0 8", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),
        (2026, "0 9", datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
        (2026, "30 8,9", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        (2027, "0 8", datetime(2027, 1, 5, 8, 0, tzinfo=UTC)),
        (2025, "0 8", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),  # a season ends in its second year
        (2020, "0 8", None),
    ],
)
def test_the_next_run_of_a_schedule(season: int, time: str, fires: datetime | None) -> None:
    assert next_run(Config(seasons=(season,)).weekly(time), NOW) == fires


@dataclass(frozen=True)
class Unreachable:
    """A resource that is there, and whose service does not answer any more."""

    label: str = "glue job of nobody"

    def exists(self, lake: Any) -> bool:
        return True

    def ensure(self, lake: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://glue.us-east-1.amazonaws.com")

    def destroy(self, lake: Any) -> Any:
        return "absent"


def test_a_cut_network_is_not_called_drift(cli: Cli, foreseen: dict[str, str]) -> None:
    assert plan_change(cli.lake(), Unreachable()).startswith("problem: Could not connect to the endpoint URL")
