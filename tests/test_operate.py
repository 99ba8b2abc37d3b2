"""What tells how the lake is: doctor, with one lake on which little has run yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.conftest import Cli


@pytest.fixture(scope="module")
def lake(cli: Cli) -> Iterator[Cli]:
    """A bootstrapped lake, in an account on AWS's free plan."""
    cli("local", "start", FOOTLAKE_LOCAL_ACCOUNT_PLAN="FREE=12.50")
    cli.json("bootstrap")
    yield cli


def examined(cli: Cli, **environment: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the findings by what they are about."""
    done = cli("--local", "--output", "json", "doctor", **environment)
    return done.returncode, {one["what"]: one for one in json.loads(done.stdout)["findings"]}


def test_doctor_of_a_lake_that_lacks_only_its_model(lake: Cli) -> None:
    code, found = examined(lake)
    assert code == 0
    assert {what for what, one in found.items() if one["level"] != "ok"} == {"account plan", "model", "schedules"}
    assert "free, 12.50 USD of credits left" in found["account plan"]["detail"]
    assert "train-autopilot" in found["model"]["hint"]
    assert "requests left" in found["API-Football"]["detail"]
    assert found["MySQL"]["detail"].startswith("127.0.0.1:")


def test_doctor_tells_of_a_free_key_and_of_a_spent_day(lake: Cli) -> None:
    lake("local", "football", "--plan", "free", "--per-day", "1")
    code, found = examined(lake)
    assert (code, found["season"]["level"]) == (0, "warning")
    url = lake.json("local", "status")["football_api"]
    requests.get(f"{url}/fixtures", {"league": 39, "season": 2023}, headers={"x-apisports-key": "any"}, timeout=10)
    code, found = examined(lake)
    assert (code, found["API-Football"]["level"]) == (1, "problem")
    assert "0 of today's 1 requests left" in found["API-Football"]["detail"]
    lake("local", "football", "--well")


def test_doctor_tells_of_a_database_that_is_stopped(lake: Cli) -> None:
    rds = lake.lake().client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="rds-mysql")
    done = lake("--local", "doctor")
    rds.start_db_instance(DBInstanceIdentifier="rds-mysql")
    assert done.returncode == 1
    assert "problem    MySQL: The database instance rds-mysql is stopped. Start it in RDS" in done.stdout
    assert "A run would fail: a problem with MySQL." in done.stderr


def test_doctor_without_credentials_still_looks_at_the_rest(cli: Cli) -> None:
    done = cli("--output", "json", "--region", "eu-west-3", "doctor", AWS_EC2_METADATA_DISABLED="true")
    assert done.returncode == 1
    problems = {one["what"] for one in json.loads(done.stdout)["findings"] if one["level"] == "problem"}
    assert problems == {"AWS", "API-Football"}


@pytest.mark.thorough
def test_doctor_tells_that_the_accounts_plan_is_over(lake: Cli) -> None:
    lake("local", "stop")
    code, found = examined(lake, FOOTLAKE_LOCAL_ACCOUNT_PLAN="FREE")
    lake("local", "stop")
    assert (code, found["account plan"]["level"]) == (1, "problem")
