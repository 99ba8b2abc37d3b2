"""What commands say about money: the limit of bootstrap, prices before and after a run, the month, and what is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from footlake.aws_jobs import run_crawler, run_glue_jobs
from footlake.commands.run_week import describe_price
from footlake.config import Config
from footlake.deploy import costs
from tests.conftest import Cli

LIMIT = "FOOTLAKE_MAX_MONTHLY_COST"


@pytest.fixture(scope="module")
def account(cli: Cli) -> Iterator[Cli]:
    """The command line with a local AWS that has no lake."""
    cli("local", "start")
    yield cli


def test_bootstrap_refuses_a_price_above_the_limit_and_creates_nothing(account: Cli) -> None:
    refused = account("--local", "bootstrap", **{LIMIT: "15"})
    assert refused.returncode == 5
    assert "The lake would cost 18.57 USD a month on AWS, more than max_monthly_cost (15.00 USD)." in refused.stderr
    assert "set database = weekly or database = none" in refused.stderr
    aws = account.lake()
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("iam").list_roles()["Roles"] == []
    assert aws.client("rds").describe_db_instances()["DBInstances"] == []


def test_the_plan_reports_a_price_above_the_limit(account: Cli) -> None:
    plan = account("--local", "bootstrap", "--plan", **{LIMIT: "15"})
    assert plan.returncode == 1
    assert "problem    cost: The lake would cost 18.57 USD a month" in plan.stdout
    assert "Bootstrap would fail: 1 problem, the first with cost." in plan.stderr
    within = account("--local", "bootstrap", "--plan", **{LIMIT: "18.57"})
    assert within.returncode == 0, within.stderr
    assert "ok         cost: 18.57 USD a month, within max_monthly_cost (18.57 USD)" in within.stdout


@pytest.mark.parametrize("limit", ["-1", "nan", "inf", "cheap", "1,5"])
def test_a_limit_that_is_no_amount_is_refused(account: Cli, limit: str) -> None:
    refused = account("config", **{LIMIT: limit})
    assert refused.returncode == 1
    assert f"Invalid {LIMIT}: expected a number of USD such as 5 or 7.50, but got {limit!r}." in refused.stderr


def test_the_plan_shows_each_line_with_its_price(account: Cli) -> None:
    document = account.json("bootstrap", "--plan")["cost"]
    assert document["monthly"] == pytest.approx(sum(item["monthly"] for item in document["standing"]))
    for item in document["standing"]:
        assert item["monthly"] == pytest.approx(item["quantity"] * item["price"]["usd"])
        assert item["price"]["source"].startswith("https://aws.amazon.com/")
        assert item["price"]["looked_up"].startswith("2026-11-")
    for run in ("scheduled_week", "manual_week"):
        assert document[run]["low"] == pytest.approx(sum(line["low"] for line in document[run]["lines"]))
    text = account("--local", "bootstrap", "--plan").stdout
    assert "11.68  db instance rds-mysql: db.t4g.micro (730 hours at 0.016 USD)" in text
    assert "2 crawls of S3datalake, 2 DPUs, 10 minutes at least (0.6667 DPU-hours at 0.44 USD)" in text
    assert "3.57 with database = weekly, 0.94 with database = none" in text


def test_the_price_of_a_week_depends_on_the_first_step() -> None:
    config = Config(account="123456789012", region="us-east-1")
    assert describe_price(config, "ingest-fixtures").startswith("Price on AWS: about 0.22 to 0.34 USD (November 2026")
    assert describe_price(config, "load-mysql").startswith("Price on AWS: about 0.03 to 0.09 USD")


@pytest.fixture(scope="module")
def lake(account: Cli) -> Iterator[Cli]:
    """The command line with a lake in which a job and the crawler of its bucket have run once."""
    account.json("bootstrap")
    aws = account.lake()
    run_crawler(aws, "S3datalake")
    run_glue_jobs(aws, "hometeamstatistics")
    yield account


def test_metrics_include_the_crawlers_at_ten_minutes(lake: Cli) -> None:
    document = lake.json("metrics")
    rows = {row["what"]: row for row in document["runs"]}
    assert (rows["S3datalake"]["runs"], rows["S3datalake"]["kind"]) == (1, "crawls")
    assert rows["S3datalake"]["cost"] == pytest.approx(2 * 10 / 60 * 0.44)
    assert rows["S3datalake"]["longest"] < 600
    assert (rows["mysqldb"]["runs"], rows["mysqldb"]["cost"]) == (0, 0)
    assert rows["hometeamstatistics"]["cost"] == pytest.approx(2 * 0.44 / 60)
    assert document["cost"] == pytest.approx(sum(line["cost"] for row in rows.values() for line in row["lines"]))
    assert "S3datalake" in lake("--local", "metrics").stdout


def test_status_shows_the_month_by_the_lakes_records(lake: Cli) -> None:
    cost = lake.json("status")["cost"]
    assert cost["source"] == "records"
    assert cost["runs"] == pytest.approx(2 * 10 / 60 * 0.44 + 2 * 0.44 / 60, rel=0.2)
    assert 0 < cost["standing"] < 0.1  # the lake was just created
    assert cost["cost"] == pytest.approx(cost["standing"] + cost["runs"])
    text = lake("--local", "status").stdout
    assert "Cost this month\nAbout 0." in text
    assert "by the lake's records" in text


def test_status_asks_cost_explorer_only_on_request(lake: Cli) -> None:
    done = lake("--local", "status", "--cost")
    assert done.returncode == 0, done.stderr
    assert "AWS bills 1 request to Cost Explorer at 0.01 USD each" in done.stdout
    assert "Cost Explorer has no cost with the tag footlake=footlake" in done.stdout
    groups = [{"Keys": ["AWS Glue"], "Metrics": {"UnblendedCost": {"Amount": "1.2345", "Unit": "USD"}}}]
    billed = {"ResultsByTime": [{"Estimated": True, "Groups": groups}]}
    endpoint = lake.json("local", "status")["endpoint"]
    url = f"{endpoint}/moto-api/static/ce/cost-and-usage-results"
    assert requests.post(url, json={"results": [billed]}, timeout=10).status_code == 201
    cost = lake.json("status", "--cost")["cost"]
    assert cost["services"] == [{"service": "AWS Glue", "cost": 1.2345}]
    assert (cost["source"], cost["cost"], cost["estimated"], cost["requests"]) == ("cost-explorer", 1.2345, True, 1)


def test_teardown_says_what_the_kept_data_costs(lake: Cli) -> None:
    aws = lake.lake()
    aws.client("s3").put_object(Bucket=aws.config.bucket, Key="large", Body=b"x" * 2_000_000)
    aws.client("s3").put_object(Bucket=aws.config.bucket, Key="large", Body=b"y" * 3_000_000)
    done = lake("--local", "--output", "json", "teardown", "--yes", "--keep-data")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    (kept,) = document["rest"]
    # AWS also bills the version that was replaced.
    assert kept["quantity"] == pytest.approx(0.005, rel=0.1)
    assert document["monthly"] == kept["monthly"] == pytest.approx(kept["quantity"] * 0.023)
    text = lake("--local", "teardown", "--yes", "--keep-data").stdout
    assert "The rest costs less than 0.01 USD a month on AWS: bucket " in text
    gone = lake.json("teardown", "--yes")
    assert (gone["rest"], gone["monthly"]) == ([], 0)


def test_without_a_lake_there_is_no_cost_of_the_month(lake: Cli) -> None:
    assert lake.json("status")["cost"] is None
    assert costs.monthly_price(lake.lake().config) > 0
