"""Tests of the demo with the simulated league, the report, and a teardown that removes everything."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.demo import next_commands
from tests.conftest import Cli
from tests.leaks import find_leaks


def inventory(aws: AwsContext) -> dict[str, list[str]]:
    """Return the names of the resources in the account, by kind."""

    def names(service: str, call: str, member: str, name: str, **arguments: Any) -> list[str]:
        pages = aws.client(service).get_paginator(call).paginate(**arguments)
        return sorted(one[name] if name else str(one) for page in pages for one in page[member])

    return {
        "buckets": sorted(one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]),
        "roles": names("iam", "list_roles", "Roles", "RoleName"),
        "parameters": names("ssm", "describe_parameters", "Parameters", "Name"),
        "functions": names("lambda", "list_functions", "Functions", "FunctionName"),
        "layers": names("lambda", "list_layers", "Layers", "LayerName"),
        "rules": names("events", "list_rules", "Rules", "Name"),
        "log groups": names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "databases": names("glue", "get_databases", "DatabaseList", "Name"),
        "crawlers": sorted(one["Name"] for one in aws.client("glue").get_crawlers()["Crawlers"]),
        "jobs": names("glue", "get_jobs", "Jobs", "Name"),
        "triggers": sorted(one["Name"] for one in aws.client("glue").get_triggers()["Triggers"]),
        "connections": sorted(one["Name"] for one in aws.client("glue").get_connections()["ConnectionList"]),
        "models": names("sagemaker", "list_models", "Models", "ModelName"),
        "db instances": names("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
        "db subnet groups": names("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
        "security groups": names("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
        "users": names("iam", "list_users", "Users", "UserName"),
        "alarms": names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "dashboards": names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "topics": names("sns", "list_topics", "Topics", "TopicArn"),
        "log policies": names("logs", "describe_resource_policies", "resourcePolicies", "policyName"),
        "budgets": names("budgets", "describe_budgets", "Budgets", "BudgetName", AccountId=aws.config.account),
        "data lake settings": [str(aws.client("lakeformation").get_data_lake_settings()["DataLakeSettings"])],
        "locations": sorted(str(one) for one in aws.client("lakeformation").list_resources()["ResourceInfoList"]),
        "permissions": sorted(
            str(one) for one in aws.client("lakeformation").list_permissions()["PrincipalResourcePermissions"]
        ),
        "studio domains": names("sagemaker", "list_domains", "Domains", "DomainName"),
        # AWS still lists a deleted endpoint for some time.
        "vpc endpoints": sorted(
            one["VpcEndpointId"]
            for one in aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
            if one["State"] != "deleted"
        ),
    }


@pytest.fixture(scope="module")
def before(cli: Cli) -> Iterator[dict[str, list[str]]]:
    cli("local", "start")
    yield inventory(cli.lake())


def test_the_demo_prints_a_table_and_states_that_it_is_simulated(cli: Cli, before: dict[str, list[str]]) -> None:
    demo = cli("demo")
    assert demo.returncode == 0, demo.stderr
    assert "Premier League (simulated) 2020/21" in demo.stdout
    assert "760 fixtures" in demo.stdout
    assert "xG known for all 380 matches" in demo.stdout
    shown = cli.json("report")
    table = shown["table"]
    assert (shown["season"], shown["seasons"]) == (2020, [2019, 2020])
    assert len(table) == 20
    assert sum(row["won"] for row in table) == sum(row["lost"] for row in table)


def test_the_commands_that_the_demo_suggests_work(cli: Cli, before: dict[str, list[str]]) -> None:
    for leagues in ((39,), (39, 140)):
        (report, json, *_) = [line.split("  ")[1] for line in list(next_commands("footlake", leagues, 2020))[2:]]
        for command in (report, json):
            done = cli(*command.split()[1:], FOOTLAKE_LEAGUE=",".join(map(str, leagues)))
            assert done.returncode == 0, done.stderr


def test_the_report_as_text_page_and_csv(cli: Cli, before: dict[str, list[str]]) -> None:
    table = cli.json("report")["table"]
    text = cli("--local", "report")
    assert "Luckiest and unluckiest matches" in text.stdout
    assert "Luckiest and unluckiest matches" in cli("--local", "report", PYTHONIOENCODING="ascii").stdout
    assert text.stderr == "Premier League (simulated) 2020/21. MySQL also has season 2019: add --season 2019\n"
    assert cli("--local", "report", "--season", "2019").stderr == ""
    assert cli.json("report", FOOTLAKE_SEASON="2019,2020,2026")["season"] == 2020
    with_key = cli("--local", "report", FOOTLAKE_API_KEY="k")
    assert "Premier League (simulated) 2020/21 (not real results)" in with_key.stdout
    assert cli("--local", "report", "--html", "report.html").stdout == "wrote report.html\n"
    page = (cli.home / "report.html").read_text()
    assert "Simulated league, not real results" in page
    assert all(row["team"] in page for row in table)
    rows = list(csv.DictReader(cli("--local", "report", "--output", "csv").stdout.splitlines()))
    assert [(row["team"], float(row["xpoints"])) for row in rows] == [
        (row["team"], row["expected"]["xpoints"]) for row in table
    ]
    weeks = list(
        csv.DictReader(cli("--local", "--output", "csv", "report", "--team", rows[0]["team"]).stdout.splitlines())
    )
    assert {week["team"] for week in weeks} == {rows[0]["team"]}
    assert {row["source"] for row in (*rows, *weeks)} == {"simulated"}
    assert weeks[-1]["points_difference"] == rows[0]["points_difference"]


def test_errors_of_the_report(cli: Cli, before: dict[str, list[str]]) -> None:
    wrong = cli("--local", "report", "--team", "Nowhere Rovers")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "Team Nowhere Rovers does not play in" in wrong.stderr
    assert "MySQL has seasons 2019, 2020 of this league." in cli("--local", "report", "--season", "2018").stderr
    nowhere = cli("--local", "report", "--html", "report.html/report.html")
    assert nowhere.returncode == 1
    assert "Cannot write report.html/report.html" in nowhere.stderr
    assert cli("--local", "--output", "csv", "status").returncode == 2


def test_the_database_password_is_stored_nowhere_else(cli: Cli, before: dict[str, list[str]]) -> None:
    aws = cli.lake()
    ssm, rds = aws.client("ssm"), aws.client("rds")
    password = ssm.get_parameter(Name="/footlake/mysql-password", WithDecryption=True)["Parameter"]["Value"]
    assert len(password) >= 20
    assert find_leaks(aws, cli.dir, password, visible="etlGetFixtures") == []
    assert password not in str(rds.describe_db_instances())


def test_a_failed_job_shows_the_traceback_of_its_script_and_not_the_log_of_spark(
    cli: Cli, before: dict[str, list[str]]
) -> None:
    """This is tested here because Spark has started."""
    aws = cli.lake()
    job = aws.client("glue").get_job(JobName="hometeamstatistics")["Job"]
    bucket, key = job["Command"]["ScriptLocation"].removeprefix("s3://").split("/", 1)
    script = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def run_script(text: str) -> str:
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
        failed = cli("--local", "run-glue")
        assert failed.returncode == 1
        return failed.stderr

    try:
        run_script("raise KeyError('of an earlier run')")
        shown = run_script("def total():\n    raise ValueError('no rows today')\n\nprint('started')\ntotal()\n")
        assert "  | Traceback (most recent call last):" in shown
        assert "  |     raise ValueError('no rows today')" in shown
        assert "  | ValueError: no rows today" in shown
        assert "earlier run" not in shown and "Spark" not in shown
        lines = [line["message"] for line in cli.json("logs", "hometeamstatistics")["lines"]]
        assert "started" in lines
        assert "ValueError: no rows today" in lines
        assert not [line for line in lines if " INFO " in line]
        shown = run_script("import sys\nprint('last words')\nsys.exit(3)\n")
        assert "  | last words" in shown, shown
    finally:
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=script)


def test_a_second_bootstrap_changes_nothing(cli: Cli, before: dict[str, list[str]]) -> None:
    steps = cli.json("bootstrap")["resources"]
    assert len(steps) > 50
    assert {step["outcome"] for step in steps} == {"unchanged"}


def test_teardown_leaves_the_account_as_it_was(cli: Cli, before: dict[str, list[str]]) -> None:
    aws = cli.lake()
    assert inventory(aws) != before
    aws.client("s3").create_bucket(Bucket="somebody-elses")
    refused = cli("--local", "teardown")
    assert refused.returncode == 1
    assert inventory(aws)["functions"]
    done = cli("--local", "teardown", "--yes")
    assert done.returncode == 0, done.stderr
    assert "Nothing is left." in done.stdout
    after = inventory(aws)
    assert after["buckets"] == [*before["buckets"], "somebody-elses"]
    assert {kind: after[kind] for kind in after if kind != "buckets"} == {
        kind: before[kind] for kind in before if kind != "buckets"
    }
    assert cli("--local", "teardown", "--yes").returncode == 0


def test_teardown_reports_tagged_resources_with_unknown_names(cli: Cli, before: dict[str, list[str]]) -> None:
    ssm, ec2, tag = cli.lake().client("ssm"), cli.lake().client("ec2"), {"Key": "footlake", "Value": "footlake"}
    ssm.put_parameter(Name="/footlake/of-an-older-version", Value="x", Type="String", Tags=[tag])
    group = ec2.create_security_group(
        GroupName="older", Description="x", TagSpecifications=[{"ResourceType": "security-group", "Tags": [tag]}]
    )["GroupId"]
    done = cli("--local", "teardown", "--yes")
    assert done.returncode == 4
    assert "parameter/footlake/of-an-older-version" in done.stderr
    assert f"tagged security group {group} (older)" in done.stderr
    ssm.delete_parameter(Name="/footlake/of-an-older-version")
    ec2.delete_security_group(GroupId=group)
    assert cli("--local", "teardown", "--yes").returncode == 0


def test_teardown_removes_a_lake_as_documented_without_its_settings(cli: Cli, before: dict[str, list[str]]) -> None:
    aws = cli.lake()
    empty = inventory(aws)
    asked = {"FOOTLAKE_AS_DOCUMENTED": "true", "FOOTLAKE_ALERT_EMAIL": "anna@example.org"}
    assert cli("--local", "bootstrap", **asked).returncode == 0
    assert {step["outcome"] for step in cli.json("bootstrap", **asked)["resources"]} == {"unchanged"}
    made = inventory(aws)
    for kind in ("users", "alarms", "dashboards", "topics", "budgets", "locations", "permissions", "studio domains"):
        assert made[kind], kind
    done = cli("--local", "teardown", "--yes")
    assert done.returncode == 0, done.stderr
    assert inventory(aws) == empty
