"""Tests of doctor, status, logs, metrics and run-week with one lake in which little has run yet."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from footlake.aws import AwsContext
from footlake.aws_jobs import run_crawler
from footlake.commands.ingest_fixtures import FetchedFixtures, IngestedFixtures
from footlake.commands.ingest_stats import IngestedStatistics
from footlake.commands.logs import SOURCES
from footlake.commands.metrics import format_metrics
from footlake.commands.options import Since
from footlake.commands.run_week import DataState, LakeChanges, WeeklyRun, summarise_week
from footlake.commands.status import LastRun, format_run, status
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.plan import block_changes
from footlake.deploy.usage import metrics
from footlake.errors import FootlakeCommand, Hint
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import RAW_FIXTURES, Season, raw_fixtures
from footlake.logs import LogEvent, only_errors
from footlake.model import registry
from footlake.resources.glue import GlueCrawler, GlueJob
from footlake.resources.lambdas import LambdaFunction
from tests.conftest import Cli
from tests.support import competitions
from tests.support.call_faults import refusal


@pytest.fixture(scope="module")
def lake_cli(cli: Cli) -> Iterator[Cli]:
    """The command line with a bootstrapped lake in an account on the free plan of AWS."""
    cli("local", "start", FOOTLAKE_LOCAL_ACCOUNT_PLAN="FREE=12.50")
    cli.json("bootstrap")
    yield cli


def run_doctor(cli: Cli, **environment: str) -> tuple[int, dict[str, Any]]:
    """Run doctor and return its exit code and its findings by their subject."""
    done = cli("--local", "--output", "json", "doctor", **environment)
    return done.returncode, {one["what"]: one for one in json.loads(done.stdout)["findings"]}


def test_doctor_reports_a_missing_model(lake_cli: Cli) -> None:
    code, found = run_doctor(lake_cli)
    assert code == 1
    assert {what for what, one in found.items() if one["level"] != "ok"} == {"account plan", "model", "schedules"}
    assert "free, 12.50 USD of credits left" in found["account plan"]["detail"]
    assert found["model"]["level"] == "problem"
    assert "train-autopilot" in found["model"]["hint"]
    assert "requests left today" in found["API-Football"]["detail"]
    assert found["MySQL"]["detail"].startswith("127.0.0.1:")


def test_doctor_reports_a_free_key_and_a_used_up_quota(lake_cli: Cli) -> None:
    lake_cli("local", "football", "--plan", "free", "--per-day", "1")
    code, found = run_doctor(lake_cli)
    assert found["season"]["level"] == "warning"
    url = lake_cli.json("local", "status")["football_api"]
    requests.get(f"{url}/fixtures", {"league": 39, "season": 2023}, headers={"x-apisports-key": "any"}, timeout=10)
    code, found = run_doctor(lake_cli)
    assert (code, found["API-Football"]["level"]) == (1, "problem")
    assert "0 of 1 request left today" in found["API-Football"]["detail"]
    lake_cli("local", "football", "--well")


def test_doctor_reports_a_stopped_database(lake_cli: Cli) -> None:
    rds = lake_cli.lake().client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="rds-mysql")
    done = lake_cli("--local", "doctor")
    rds.start_db_instance(DBInstanceIdentifier="rds-mysql")
    assert done.returncode == 1
    assert (
        "problem    MySQL: Database instance rds-mysql is stopped. Start it: footlake --local database start"
        in done.stdout
    )
    assert "A run would fail: 2 problems, the first with model." in done.stderr


def test_doctor_without_credentials_checks_the_rest(cli: Cli) -> None:
    done = cli("--output", "json", "--region", "eu-west-3", "doctor", AWS_EC2_METADATA_DISABLED="true")
    assert done.returncode == 1
    problems = {one["what"] for one in json.loads(done.stdout)["findings"] if one["level"] == "problem"}
    assert problems == {"AWS", "API-Football"}


def test_logs_and_metrics_of_the_functions(lake_cli: Cli) -> None:
    for command in ("ingest-fixtures", "ingest-stats"):
        assert lake_cli("--local", command, "--date", "2020-09-15").returncode == 0
    lines = lake_cli.json("logs", "etlgetfixtures", "--since", "15m")["lines"]
    assert {line["source"] for line in lines} == {"etlGetFixtures"}
    assert any(line["message"].startswith("REPORT RequestId") for line in lines)
    every = lake_cli.json("logs")["lines"]
    assert [line["time"] for line in every] == sorted(line["time"] for line in every)
    assert {"etlGetFixtures", "etlGetStatistics"} <= {line["source"] for line in every}
    well = lake_cli("--local", "logs", "--errors")
    assert (well.stdout, well.stderr.partition(" since")[0]) == ("", "No errors")
    done = lake_cli.json("metrics")
    rows = {row["what"]: row for row in done["runs"]}
    assert rows["etlGetFixtures"]["runs"] >= 1
    assert rows["etlGetFixtures"]["failed"] == 0
    assert 0 < rows["etlGetFixtures"]["average"] <= rows["etlGetFixtures"]["longest"]
    idle = {"runs": 0, "failed": 0, "average": None, "longest": None, "cost": 0}
    assert {name: rows["dropids"][name] for name in idle} == idle
    assert done["cost"] == pytest.approx(sum(row["cost"] for row in done["runs"]))


def connect_with_denials(cli: Cli, *operations: str) -> AwsContext:
    """Return a read-only context to which AWS denies these operations."""
    endpoint = cli.json("local", "status")["endpoint"]
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")

    def deny(model: Any, **_: Any) -> Any:
        return refusal("denied", model) if model.name in operations else None

    session.events.register("before-call", deny)
    block_changes(session)
    return AwsContext(Config(client_address="127.0.0.1/32"), session, patient=False, endpoint_url=endpoint)


def test_status_reports_denied_resources_and_shows_the_rest(lake_cli: Cli) -> None:
    operations = ("ListModels", "ListAutoMLJobs", "ListTransformJobs", "GetJobRuns", "GetCrawler", "BatchGetCrawlers")
    shown = status(connect_with_denials(lake_cli, *operations), datetime.now(UTC), lambda: "127.0.0.1/32")
    states = {step.resource: step.outcome for step in shown.resources}
    problems = {
        one for one, outcome in states.items() if outcome.startswith("problem: An error occurred (AccessDenied")
    }
    assert problems == {"models xGoals-*", *(one for one in states if one.startswith("glue crawler"))}
    assert "present" in states.values() and "absent" not in states.values()
    runs = {run.resource: run.outcome for run in shown.runs}
    assert {"training", "transform", "glue job dropids"} <= runs.keys()
    assert all(outcome.startswith("problem: ") for outcome in runs.values())


def test_a_last_run_is_shown_with_its_end_or_else_its_beginning() -> None:
    began = datetime(2020, 9, 15, 9, 30, tzinfo=UTC)
    crawl = LastRun("glue crawler S3datalake", None, "SUCCEEDED", began)
    assert format_run(crawl) == "2020-09-15 09:30  SUCCEEDED  glue crawler S3datalake (start time)"
    assert (
        format_run(replace(crawl, ended=began.replace(hour=10)))
        == "2020-09-15 10:30  SUCCEEDED  glue crawler S3datalake"
    )


def test_metrics_do_not_count_the_runs_of_an_earlier_lake(lake_cli: Cli) -> None:
    done = lake_cli.json("metrics", "--since", "52w")
    assert done["since"] == done["bootstrapped"]
    assert "Since bootstrap on " in lake_cli("--local", "metrics", "--since", "52w").stdout
    assert lake_cli.json("metrics", "--since", "1s")["since"] > done["bootstrapped"]


def test_metrics_report_denied_calls(lake_cli: Cli) -> None:
    aws = connect_with_denials(lake_cli, "ListTransformJobs", "ListAutoMLJobs", "GetMetricData")
    done = metrics(aws, datetime.now(UTC), datetime.now(UTC))
    glue = (one.name for one in catalogue(aws.config) if isinstance(one, GlueJob | GlueCrawler))
    assert {row.what for row in done.runs} == set(glue)
    assert list(format_metrics(done))[-3:] == [
        "Not included: etlGetFixtures, etlGetStatistics, etlGetXGoals: AWS does not allow GetMetricData.",
        "Not included: transform: AWS does not allow ListTransformJobs.",
        "Not included: training: AWS does not allow ListAutoMLJobs.",
    ]


def test_metrics_report_a_deleted_job_as_unknown(lake_cli: Cli) -> None:
    lake_cli.lake().client("glue").delete_job(JobName="dropids")
    done = lake_cli.json("metrics")
    assert "dropids" not in {row["what"] for row in done["runs"]}
    assert [one["what"] for one in done["unknown"]] == ["dropids"]
    assert "Not included: dropids: the job does not exist" in lake_cli("--local", "metrics").stdout
    lake_cli.json("bootstrap")


def test_the_same_command_continues_after_max_requests(lake_cli: Cli) -> None:
    aws = lake_cli.lake()
    for _ in range(2):
        done = lake_cli("--local", *("ingest-fixtures", "--season", "2016", "--season", "2017", "--max-requests", "1"))
        assert done.returncode == 3
        assert "1 of 2 seasons is still to be fetched" in done.stderr
    raw = aws.client("s3").list_objects_v2(Bucket=aws.config.bucket, Prefix=RAW_FIXTURES)["Contents"]
    assert {raw_fixtures(Season(39, year)) for year in (2016, 2017)} <= {one["Key"] for one in raw}


def test_simulated_data_is_marked_after_a_key_is_set(lake_cli: Cli) -> None:
    lake_cli.json("ingest-fixtures", "--date", "2020-09-15")
    known = lake_cli.json("models", FOOTLAKE_API_KEY="k")
    assert known["football"] == "simulated league, not real results"
    assert lake_cli.json("local", "status", FOOTLAKE_API_KEY="k")["football"].startswith("API-Football at")


def test_a_failed_function_shows_its_log_and_is_counted_in_metrics(lake_cli: Cli) -> None:
    aws = lake_cli.lake().client("lambda")
    settings = aws.get_function_configuration(FunctionName="etlGetFixtures")["Environment"]["Variables"]
    broken = {name: value for name, value in settings.items() if name != "FOOTLAKE_BUCKET"}
    aws.update_function_configuration(FunctionName="etlGetFixtures", Environment={"Variables": broken})
    failed = lake_cli("--local", "ingest-fixtures", "--date", "2020-09-15")
    aws.update_function_configuration(FunctionName="etlGetFixtures", Environment={"Variables": settings})
    assert failed.returncode == 1
    assert "  | KeyError: 'FOOTLAKE_BUCKET'" in failed.stderr
    assert "To see the whole log: footlake --local logs etlGetFixtures" in failed.stderr
    lines = [line["message"] for line in lake_cli.json("logs", "--errors")["lines"]]
    assert any("FOOTLAKE_BUCKET" in line for line in lines)
    assert not any(line.startswith("REPORT") for line in lines)
    rows = {row["what"]: row for row in lake_cli.json("metrics")["runs"]}
    assert rows["etlGetFixtures"]["failed"] == 1


def test_parts_with_one_row_and_predictions_without_a_header_make_no_odd_tables(lake_cli: Cli) -> None:
    aws = lake_cli.lake()
    store = registry.lake_store(aws)
    rows = f"{','.join(schemas.TEAM_ROW_COLUMNS)}\n700001,36,0,2,4,5,46\n"
    store.overwrite(s3_keys.team_rows("39-2021-700000", "home"), rows)
    store.overwrite(s3_keys.predictions("39-2021-700000", "home"), "700001,36,0.71449\n")
    run_crawler(aws, "S3datalake")
    listed = aws.client("glue").get_tables(DatabaseName=aws.config.glue_database)["TableList"]
    tables = {table["Name"]: [column["Name"] for column in table["StorageDescriptor"]["Columns"]] for table in listed}
    assert set(tables) == {
        *("fixtures", "statistics", "statistics_extended"),
        *("teams_fixtures_statistics", "sagemaker_autopilot", "xgoals_predictions"),
    }
    assert tables["teams_fixtures_statistics"] == list(schemas.TEAM_ROW_COLUMNS)
    assert tables["xgoals_predictions"] == list(schemas.PREDICTION_COLUMNS)


def test_logs_are_followed_until_interrupted(lake_cli: Cli) -> None:
    lake_cli("--local", "ingest-fixtures", "--date", "2020-09-15")
    written = sum(one["message"].startswith("REPORT") for one in lake_cli.json("logs", "etlGetFixtures")["lines"])
    following = subprocess.Popen(
        [sys.executable, "-m", "footlake", "--local", "logs", "etlGetFixtures", "--follow"],
        env=lake_cli.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert following.stdout
    hanging = threading.Timer(60, following.kill)
    hanging.start()
    reports = (line for line in following.stdout if "REPORT" in line)
    assert [next(reports) for _ in range(written)]
    lake_cli("--local", "ingest-fixtures", "--date", "2020-09-22")
    assert next(reports, "") != ""
    following.send_signal(signal.SIGINT)
    _, said = following.communicate()
    hanging.cancel()
    assert following.returncode == 130, said
    assert "Nothing was changed." in said


def test_the_log_sources_match_the_catalogue() -> None:
    everything = catalogue(Config(account="123456789012", region="eu-west-3"))
    logging = {one.name for one in everything if isinstance(one, LambdaFunction | GlueJob | GlueCrawler)}
    assert set(SOURCES) - logging == {"processing", "training", "transform"}
    assert logging <= set(SOURCES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("logs", "etlGetFixture"), "Did you mean etlGetFixtures?"),
        (("logs", "--since", "tomorrow"), "neither a duration such as"),
        (("logs", "--since", "2126-11-24"), "is in the future"),
        (("metrics", "--since", "2126-11-24"), "is in the future"),
        (("report", "--html", "-"), "'-' (standard output) is not supported"),
        (("train-autopilot", "--figure", "-"), "'-' (standard output) is not supported"),
        (("--output", "json", "logs", "--follow"), "--follow cannot be used with --output json"),
    ],
)
def test_wrong_usage(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def log_events(*texts: str) -> list[LogEvent]:
    """Return log events of one stream with these messages."""
    time = datetime(2026, 11, 24, 8, tzinfo=UTC)
    return [LogEvent(time, "dropids", text, "g", "s", str(number)) for number, text in enumerate(texts)]


@pytest.mark.parametrize("end", ["ValueError: no", "requests.exceptions.ConnectTimeout: no route"])
def test_a_stack_trace_is_shown_with_its_error(end: str) -> None:
    stack = ["Traceback (most recent call last):", "  File x", "    raise ValueError()", end]
    shown = only_errors(log_events("begun", *stack, "ended", "  so"))
    assert [one.message for one in shown] == stack


def test_a_java_stack_trace_ends_with_its_indented_lines() -> None:
    stack = ["java.lang.IllegalStateException: no", "\tat x"]
    assert [one.message for one in only_errors(log_events(*stack, "ended"))] == stack


def test_a_stack_trace_may_be_read_in_two_parts() -> None:
    stacks: dict[str, bool] = {}
    first, second = (
        log_events("Traceback (most recent call last):"),
        log_events("  File x", "ConnectTimeout: no", "ended"),
    )
    assert list(only_errors(first, stacks)) == first
    assert list(only_errors(second, stacks)) == second[:2]


@pytest.mark.parametrize("time", ["2026-11-24T09:30+01:00", "2026-11-24T08:30"])
def test_a_time_is_converted_to_utc(time: str) -> None:
    assert Since().convert(time, None, None).isoformat() == "2026-11-24T08:30:00+00:00"


def test_the_shell_completes_model_names(lake_cli: Cli, tmp_path: Path) -> None:
    record = registry.ModelRecord(
        "xGoals-1", "here", "2026-11-24T08:00:00", ("totalshots",), 760, ("39-2019",), (), best="LR"
    )
    registry.save_record(lake_cli.lake(), record)

    def completed(typed: str, **environment: str) -> str:
        asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_FOOTLAKE_COMPLETE": "bash_complete"}
        done = lake_cli(**asked, **environment)
        return (done.stdout + done.stderr).strip()

    assert completed("footlake --local transform-xgoals --model xG") == "plain,xGoals-1"
    registry.delete_record(lake_cli.lake(), "xGoals-1")
    assert completed("footlake --local transform-xgoals --model xG") == ""
    assert completed("footlake transform-xgoals --model xG", AWS_EC2_METADATA_DISABLED="true") == ""
    assert completed("footlake --local transform-xgoals --model xG", FOOTLAKE_LOCAL_DIR=str(tmp_path / "none")) == ""
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("asking", [(), ("--yes",)])
@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (
            (),
            {"FOOTLAKE_LAKE": "footlaek"},
            ("Lake footlaek does not exist in", "has the lake footlake.", "FOOTLAKE_LAKE="),
        ),
        (
            ("--region", "eu-west-3"),
            {},
            ("region eu-west-3. The account has the lake footlake in us-east-1.", "--region us-east-1"),
        ),
    ],
)
def test_a_teardown_of_an_unknown_lake_names_the_existing_one(
    lake_cli: Cli,
    options: tuple[str, ...],
    environment: dict[str, str],
    words: tuple[str, ...],
    asking: tuple[str, ...],
) -> None:
    done = lake_cli("--local", *options, "--output", "json", "teardown", *asking, **environment)
    assert done.returncode == 4
    assert [word for word in words if word not in done.stderr] == []
    if asking:
        found = json.loads(done.stdout)
        assert (found["left"], found["others"]) == ([], [{"lake": "footlake", "region": "us-east-1"}])
        assert "deleted" not in {step["outcome"] for step in found["resources"]}
    states = {step["resource"]: step["outcome"] for step in lake_cli.json("status")["resources"]}
    assert {name: one for name, one in states.items() if one not in ("present", "none yet")} == {}


@pytest.mark.thorough
def test_a_second_weekly_run_is_refused_unless_the_first_is_dead(lake_cli: Cli) -> None:
    aws, over = lake_cli.lake(), threading.Event()
    s3, lease = aws.client("s3"), {"Bucket": aws.config.bucket, "Key": "leases/run-week"}

    def another() -> None:
        while not over.is_set():
            s3.put_object(**lease, Body=b"2026-11-24T08:00:00")
            over.wait(1)

    living = threading.Thread(target=another)
    living.start()
    refused = lake_cli("--local", "run-week")
    over.set()
    living.join()
    assert refused.returncode == 1
    assert "Another run-week is in progress. It started at 2026-11-24T08:00:00." in refused.stderr
    done = lake_cli("--local", "run-week", "--from", "load-mysql")
    assert "Another run-week" not in done.stderr
    assert "load-mysql" in done.stdout + done.stderr
    assert s3.list_objects_v2(Bucket=aws.config.bucket, Prefix="leases/")["KeyCount"] == 0


def test_a_failed_weekly_run_names_the_command_to_continue(lake_cli: Cli) -> None:
    week = ("run-week", "--date", "2020-09-15", "--league", "140", "--from", "transform-xgoals")
    failed = lake_cli("--local", *week)
    assert failed.returncode == 1
    assert "Step 4 of 5, transform-xgoals: compute expected goals" in failed.stderr
    assert f"To continue with this step: footlake --local {' '.join(week)}" in failed.stderr
    again = lake_cli("--local", "run-week", "--date", "2020-09-15", "--from", "transform-xgoals")
    assert "Another run-week" not in again.stderr


def test_a_deduction_and_a_split_of_the_local_football_api_are_explained(lake_cli: Cli) -> None:
    competition = competitions.split()
    folder, rules = lake_cli.home / "recordings", lake_cli.home / "rules.json"
    folder.mkdir()
    (folder / "fixtures.json").write_text(json.dumps(competition.fixtures_body))
    groups = {"Championship Round": 4, "Relegation Round": 4}
    split = {"after": 14, "groups": groups, "points": "halved", "regular_table": True}
    rules.write_text(json.dumps({"179-2023": {"deductions": {"902": 8}, "split": split}}))
    started = lake_cli("local", "start", "--recordings", str(folder), "--standings", str(rules))
    assert "standings by the rules of 179-2023" in started.stdout, started.stderr
    lake_cli("local", "clock", "2024-07-01")
    fetched = lake_cli.json("ingest-fixtures", "--league", "179", "--season", "2023", "--max-requests", "2")
    lake_cli("local", "clock", "now")
    lake_cli("local", "start", "--simulate", "--well")
    (season,) = fetched["seasons"]
    assert (season["tables"], season["official"], season["unreconciled"], fetched["requests"]) == (3, True, [], 2)
    store = lake_cli.lake().client("s3")
    bucket = next(one["Name"] for one in store.list_buckets()["Buckets"] if one["Name"].startswith("footlake-"))

    def rows(key: str) -> list[dict[str, str]]:
        text = store.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        return list(csv.DictReader(text.splitlines()))

    tables = rows(s3_keys.league_tables(Season(179, 2023)))
    assert [(table["kind"], table["reconciled"], table["carryOver"], table["superseded"]) for table in tables] == [
        *(("league", "equal", "", "1"), ("split", "equal", "halved", "0"), ("split", "equal", "halved", "0"))
    ]
    deducted = [row for row in rows(s3_keys.standings(Season(179, 2023))) if row["pointsAdjusted"] != "0"]
    assert {(row["team"], row["pointsAdjusted"]) for row in deducted} == {("Bravo", "-8")}
    assert len(deducted) == 2


def test_the_summary_contains_only_the_steps_that_ran() -> None:
    statistics = IngestedStatistics([], 3)
    week = WeeklyRun(
        date(2020, 9, 15), None, statistics, None, None, None, {"ingest-stats": 2.0}, None, LakeChanges(0, 9, 0)
    )
    assert list(summarise_week(week)) == [
        "fetched   statistics, with 3 requests to API-Football by this command",
        "changed   the statistics of 9 matches",
        "took      2 s",
        unknown := "cost      unknown: AWS does not let footlake read everything that ran",
    ]
    assert list(summarise_week(replace(week, statistics=None))) == ["took      2 s", unknown]
    data = DataState(2, 2, 1, 1, Hint("1 of 2 finished fixtures with xG, see ", FootlakeCommand("check")))
    last = list(summarise_week(replace(week, data=data)))[-1]
    assert last == "data      1 of 2 finished fixtures with xG, see footlake check"
    assert Hint(last).with_options(" --local").endswith("see footlake --local check")


def test_the_summary_names_tables_that_changed_without_a_fixture() -> None:
    season = FetchedFixtures(39, 2020, "key", 20, 10, 0, [], [], tables=1, tables_changed=2)
    fixtures = IngestedFixtures([season], 2)
    week = WeeklyRun(date(2020, 9, 15), fixtures, None, None, None, None, {}, None, LakeChanges(0, 0, 0))
    assert list(summarise_week(week))[1] == "changed   the tables of 1 season"


def test_the_summary_warns_of_a_week_outside_of_the_season() -> None:
    def week(*found: tuple[int, int]) -> list[str]:
        seasons = [FetchedFixtures(39, season, "key", fixtures, 0, 0, [], []) for season, fixtures in found]
        done = WeeklyRun(
            date(2026, 9, 15), IngestedFixtures(seasons, 2), None, None, None, None, {}, None, LakeChanges(0, 0, 0)
        )
        return list(summarise_week(done))

    assert week((2020, 0))[-2:] == [
        "missing   league 39 season 2020: no fixtures from 2026-09-08 to 2026-09-21",
        "          If matches are played in this week, set FOOTLAKE_SEASON to their season, or change --date.",
    ]
    assert "missing" not in str(week((2025, 0), (2026, 10)))


@pytest.mark.thorough
def test_doctor_reports_an_expired_account_plan(lake_cli: Cli) -> None:
    lake_cli("local", "stop")
    code, found = run_doctor(lake_cli, FOOTLAKE_LOCAL_ACCOUNT_PLAN="FREE")
    lake_cli("local", "stop")
    assert (code, found["account plan"]["level"]) == (1, "problem")
