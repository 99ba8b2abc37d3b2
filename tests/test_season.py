"""Tests of the whole pipeline with two recorded seasons: training, three weekly runs, then a whole season."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pymysql
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from footlake.aws import AwsContext
from footlake.aws_jobs import invoke_function
from footlake.config import Config
from footlake.errors import StepFailed
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season, Window
from footlake.model.training import train_model
from tests.conftest import Cli

pytestmark = pytest.mark.thorough  # make proof

WEEKS = ("2020-09-15", "2020-09-22", "2020-09-29")
SUMS = (
    "SELECT COUNT(*), CAST(SUM(goalshometeam + goalsawayteam) AS SIGNED),"
    " CAST(SUM(shotsongoalhometeam + shotsongoalawayteam) AS SIGNED),"
    " CAST(SUM(totalshotshometeam + totalshotsawayteam) AS SIGNED),"
    " CAST(SUM(shotsinsideboxhometeam + shotsinsideboxawayteam) AS SIGNED) FROM fixtures WHERE season = %s"
)


@dataclass
class SeasonLake:
    """The lake under test, read by other means than the command line."""

    cli: Cli
    trained: list[subprocess.CompletedProcess[str]] = field(default_factory=list)
    weeks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.aws = self.cli.lake()
        self.where = self.cli.json("local", "status")["mysql"]

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with pymysql.connect(**self.where, ssl={"check_hostname": False}) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        answer = self.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())

    def keys(self) -> set[str]:
        pages = self.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.aws.config.bucket)
        return {one["Key"] for page in pages for one in page.get("Contents", [])}

    def table(self, prefix: str) -> list[dict[str, str]]:
        """Return every row of a data set, read with the standard library."""
        rows = []
        for key in sorted(key for key in self.keys() if key.startswith(prefix)):
            body = self.aws.client("s3").get_object(Bucket=self.aws.config.bucket, Key=key)["Body"].read().decode()
            rows += list(csv.DictReader(io.StringIO(body)))
        return rows

    def predictions(self) -> list[tuple[int, int, float]]:
        """Return fixture, team and xG of every prediction."""
        s3, bucket, found = self.aws.client("s3"), self.aws.config.bucket, []
        for key in sorted(key for key in self.keys() if key.startswith(s3_keys.PREDICTIONS)):
            lines = csv.reader(io.StringIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()))
            found += [(int(fixture), int(team), float(xg)) for fixture, team, xg in lines]
        return found


@pytest.fixture(scope="module")
def lake(cli: Cli, recordings: Path) -> Iterator[SeasonLake]:
    """A lake trained on 2019/20 by two simultaneous calls, and the first three weeks of 2020/21."""
    cli("local", "start", "--recordings", str(recordings))
    cli.json("bootstrap")
    lake = SeasonLake(cli)
    for command in ("ingest-fixtures", "ingest-stats"):
        cli.json(command, "--season", "2019")
    cli.json("run-glue")
    with ThreadPoolExecutor(2) as two:
        lake.trained = list(two.map(lambda _: cli("--local", "--output", "json", "train-autopilot"), range(2)))
    for day in WEEKS:
        cli.json("local", "clock", day)
        lake.weeks.append(cli.json("run-week", "--date", day))
    yield lake


def test_a_second_training_joins_the_one_that_is_under_way(lake: SeasonLake) -> None:
    assert [done.returncode for done in lake.trained] == [0, 0], lake.trained
    told = [json.loads(done.stdout) for done in lake.trained]
    assert sorted(one["joined"] for one in told) == [False, True]
    assert len({one["model"] for one in told}) == 1
    jobs = lake.aws.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert [job["AutoMLJobName"] for job in jobs] == [told[0]["model"]]


def test_the_price_of_a_training_is_printed_before_it_starts(lake: SeasonLake) -> None:
    (first,) = (done.stderr for done in lake.trained if not json.loads(done.stdout)["joined"])
    assert "10 candidates for up to 3600 seconds with Autopilot. Price on AWS: about 0.94 USD, at most 9.43" in first
    assert first.index("at most 9.43") < first.index("Scoring every team row")


def test_a_single_season_is_trained_on_and_nothing_is_held_out(lake: SeasonLake) -> None:
    told = json.loads(lake.trained[0].stdout)
    assert (told["rows"], told["seasons"], told["held_out"]) == (760, ["39-2019"], [])
    assert told["features"] == list(schemas.FEATURES)
    assert told["evaluation"] is None


def test_weekly_runs_load_each_finished_fixture_once(lake: SeasonLake) -> None:
    loaded = lake.sql("SELECT idfixture, date FROM fixtures WHERE season = 2020")
    assert len(loaded) == 28
    assert all(str(day) < WEEKS[-1] for _, day in loaded)


def test_a_weekly_run_reports_changes_made_by_event_driven_functions(lake: SeasonLake) -> None:
    played = [sum(one["played"] for one in week["fixtures"]["seasons"]) for week in lake.weeks]
    assert min(played) > 0
    for week, matches in zip(lake.weeks, played, strict=True):
        assert week["brought"]["fixtures"] > 0
        assert week["brought"]["statistics"] == matches
        assert week["brought"]["xgoals"] >= 2 * matches
    data = [week["data"] for week in lake.weeks]
    assert (
        [one["with_xg"] for one in data] == [one["with_statistics"] for one in data] == [one["played"] for one in data]
    )
    assert [one["played"] for one in data] == sorted({one["played"] for one in data})
    assert all("finished fixtures with xG" in one["text"] for one in data)


def test_the_processed_fixtures_hold_each_fixture_once(lake: SeasonLake) -> None:
    ids = Counter(row["idFixture"] for row in lake.table(s3_keys.FIXTURES))
    assert set(ids.values()) == {1}
    assert lake.table(s3_keys.FIXTURES)[0].keys() == set(schemas.FIXTURE_COLUMNS)


def test_a_week_run_again_changes_no_row_and_no_key(lake: SeasonLake) -> None:
    everything = "SELECT * FROM fixtures ORDER BY idfixture"
    rows, keys = lake.sql(everything), lake.keys()
    week = lake.cli.json("run-week", "--date", WEEKS[-1])
    assert lake.sql(everything) == rows
    assert lake.keys() == keys
    assert week["xgoals"]["rows"] == 0
    assert (week["brought"]["fixtures"], week["brought"]["xgoals"]) == (0, 0)
    assert sum(one["changed"] for one in week["fixtures"]["seasons"]) == 0


def test_a_scheduled_invocation_completes_pending_work(lake: SeasonLake) -> None:
    """A function that was killed leaves its work in the pending list, which the schedule reads."""
    s3, bucket, season = lake.aws.client("s3"), lake.aws.config.bucket, Season(39, 2019)
    lost = s3_keys.raw_statistics(season, 157015)
    s3.delete_object(Bucket=bucket, Key=lost)
    # The standings were last requested at another date, so they are requested again.
    for function, requests in (("etlGetStatistics", 1), ("etlGetFixtures", 2)):
        entry = f"{s3_keys.PENDING}{function}/{season}.json"
        s3.put_object(Bucket=bucket, Key=entry, Body=b"{}")
        assert lake.invoke(function, {"left": True})["requests"] == requests
        keys = lake.keys()
        assert entry not in keys
        assert lost in keys


def test_a_scheduled_event_fetches_its_week_and_leaves_no_pending_work(lake: SeasonLake) -> None:
    (week,) = lake.invoke("etlGetFixtures", {"time": f"{WEEKS[-1]}T08:00:00Z"})["seasons"]
    window = Window.of_week(date.fromisoformat(WEEKS[-1]))
    assert (week["key"], week["stopped"]) == (s3_keys.raw_fixtures(Season(39, 2020), window), "")
    keys = lake.keys()
    assert not [key for key in keys if key.startswith(f"{s3_keys.PENDING}etlGetFixtures")]


def test_max_requests_starts_no_other_function_and_reports_how_to_continue(lake: SeasonLake) -> None:
    assert lake.cli.json("ingest-fixtures", "--season", "2019", "--max-requests", "1")["requests"] == 1
    key = s3_keys.raw_fixtures(Season(39, 2019))
    found = lake.aws.client("s3").head_object(Bucket=lake.aws.config.bucket, Key=key)
    assert s3_keys.NO_FOLLOW_UP in found["Metadata"]
    spent = lake.cli("--local", "ingest-stats", "--season", "2019", "--refresh", "--max-requests", "2")
    assert spent.returncode == 3
    assert "the statistics of 340 fixtures are still missing" in spent.stderr
    assert "Run it again with --refresh 20" in spent.stderr


def test_the_state_survives_a_restart(lake: SeasonLake) -> None:
    rows, keys = lake.sql("SELECT * FROM fixtures ORDER BY idfixture"), lake.keys()
    lake.cli("local", "stop")
    assert lake.cli("local", "status").returncode == 1
    lake.cli("local", "start")
    again = SeasonLake(lake.cli)
    assert again.sql("SELECT * FROM fixtures ORDER BY idfixture") == rows
    assert again.keys() == keys
    assert again.aws.client("sagemaker").list_models(NameContains="xGoals-")["Models"]
    assert {step["outcome"] for step in lake.cli.json("bootstrap")["resources"]} == {"unchanged"}
    again.aws.client("ssm").put_parameter(Name="/new", Value="after the restart", Type="SecureString")


@pytest.fixture(scope="module")
def whole(lake: SeasonLake) -> SeasonLake:
    """The same lake with all of 2020/21 loaded after its weeks."""
    lake.cli.json("local", "clock", "now")
    for command in ("ingest-fixtures", "ingest-stats"):
        lake.cli.json(command, "--season", "2020")
    for command in ("run-glue", "transform-xgoals", "load-mysql"):
        lake.cli.json(command)
    return SeasonLake(lake.cli)


@pytest.mark.parametrize(
    ("season", "sums"), [(2019, (380, 1034, 3245, 9326, 6053)), (2020, (380, 1024, 3276, 9188, 5858))]
)
def test_the_sums_of_the_recorded_seasons(whole: SeasonLake, season: int, sums: tuple[int, ...]) -> None:
    assert whole.sql(SUMS, season) == [sums]


def test_every_fixture_has_fractional_expected_goals_for_both_teams(whole: SeasonLake) -> None:
    ((missing, fractional),) = whole.sql(
        "SELECT SUM(xgoalshometeam IS NULL OR xgoalsawayteam IS NULL),"
        " SUM(xgoalshometeam <> ROUND(xgoalshometeam) OR xgoalsawayteam <> ROUND(xgoalsawayteam)) FROM fixtures"
    )
    assert missing == 0
    assert fractional > 700


def test_teams_without_a_code_are_loaded_too(whole: SeasonLake) -> None:
    teams = whole.sql("SELECT idteam, code, name FROM teams")
    assert len(teams) == 23
    assert {name for _, code, name in teams if code is None} == {"Norwich", "Bournemouth", "Watford"}


def test_expected_goals_belong_to_the_team_of_their_row(whole: SeasonLake) -> None:
    """The expected goals of a team correlate with its own shots, so home and away are not swapped."""
    ((own, other),) = whole.sql(
        "SELECT AVG((xgoalshometeam - xgoalsawayteam) * (shotsongoalhometeam - shotsongoalawayteam)),"
        " AVG((xgoalshometeam - xgoalsawayteam) * (shotsongoalawayteam - shotsongoalhometeam)) FROM fixtures"
    )
    assert own > 1 > other


def test_the_actual_points_of_the_report_are_the_final_table(whole: SeasonLake) -> None:
    table = whole.cli.json("report", "--season", "2020")["table"]
    first = table[0]
    assert [first["team"], first["points"], first["goals_for"], first["goals_against"]] == [
        "Manchester City",
        86,
        83,
        32,
    ]
    assert [row["team"] for row in table[-3:]] == ["Fulham", "West Brom", "Sheffield Utd"]
    assert all(row["played"] == 38 for row in table)


@pytest.mark.parametrize("output", ["text", "json", "csv"])
@pytest.mark.parametrize("options", [(), ("--season", "2019"), ("--weeks",), ("--team", "che")])
def test_the_report_is_the_same_from_the_lake_and_from_mysql(
    whole: SeasonLake, options: tuple[str, ...], output: str
) -> None:
    printed = [
        whole.cli("--local", "report", *options, "--source", source, "--output", output) for source in ("lake", "mysql")
    ]
    lake, mysql = (result.stdout for result in printed)
    assert (lake, [result.returncode for result in printed]) == (mysql, [0, 0])
    assert "Chelsea" in lake


def test_the_catalog_has_a_table_for_every_data_set(whole: SeasonLake) -> None:
    assert {"fixtures", "statistics", "teams_fixtures_statistics", "xgoals_predictions"} <= set(
        whole.cli.json("run-glue")["tables"]
    )


def refuse_operation(session: boto3.Session, operation: str, code: str, message: str) -> None:
    """Make AWS refuse this operation to the clients of the session."""

    def answer(model: Any, **_: Any) -> Any:
        if model.name != operation:
            return None
        refusal = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return AWSResponse("", 400, HTTPHeaders(), None), refusal

    session.events.register("before-call", answer)


def test_a_refused_autopilot_job_hints_at_training_on_this_machine(whole: SeasonLake) -> None:
    message = "The account-level service limit 'ml.m5.4xlarge for training job usage' is 0 Instances"
    endpoint = whole.cli.json("local", "status")["endpoint"]
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    refuse_operation(session, "CreateAutoMLJobV2", "ResourceLimitExceeded", message)
    known, keys = whole.cli.json("models"), whole.keys()
    with pytest.raises(StepFailed) as refused:
        train_model(AwsContext(Config(), session, endpoint_url=endpoint))
    assert "is 0 Instances" in refused.value.message
    assert "--on-this-machine" in refused.value.hint
    assert whole.cli.json("models") == known
    assert whole.keys() == keys


def test_training_on_this_machine_uses_the_same_keys(whole: SeasonLake) -> None:
    """The training uses every statistic and is evaluated on a season that it did not see."""
    keys, old = whole.keys(), whole.cli.json("models")["in_use"]
    transforms = whole.aws.client("sagemaker").list_transform_jobs()["TransformJobSummaries"]
    trained = whole.cli.json("train-autopilot", "--on-this-machine", "--features", "extended")
    new, name = whole.keys() - keys, trained["model"]
    assert {key.removeprefix(f"models/{name}/") for key in new} == {
        *("record.json", "training-set.csv", "model.tar.gz", "evaluation.svg"),
        *(f"notebooks/SageMakerAutopilot{kind}Notebook.ipynb" for kind in ("DataExploration", "CandidateDefinition")),
    }
    assert (trained["rows"], trained["seasons"], trained["held_out"]) == (760, ["39-2019"], ["39-2020"])
    assert trained["features"] == [*schemas.FEATURES, *schemas.EXTENDED_FEATURES]
    assert trained["evaluation"]["scores"][0]["mse"] <= 1.015
    rows = whole.predictions()
    assert len(rows) == 1520
    assert min(xg for *_, xg in rows) >= 0
    assert whole.cli.json("transform-xgoals") == {
        **{"football": trained["football"], "model": name, "jobs": [], "files": 0, "rows": 0, "rejected": 0}
    }
    # AWS invokes the function for new team rows. It must leave the scoring to this machine.
    assert invoke_function(whole.aws, "etlGetXGoals", {})["skipped"].startswith(f"the model {name} scores on")
    assert whole.aws.client("sagemaker").list_transform_jobs()["TransformJobSummaries"] == transforms

    assert "Model xGoals-1 does not exist" in whole.cli("--local", "transform-xgoals", "--model", "xGoals-1").stderr
    again = whole.cli.json("transform-xgoals", "--model", old)
    assert (again["model"], again["rows"]) == (old, 1520)
    assert whole.predictions() != rows
    assert min(xg for *_, xg in whole.predictions()) == 0  # this model has said less of a row or two
    assert whole.cli.json("models")["in_use"] == old


def test_what_the_api_revises_replaces_the_old_values_everywhere(
    whole: SeasonLake, recordings: Path, tmp_path: Path
) -> None:
    """A corrected score, corrected statistics, an awarded and a removed match reach MySQL; nothing is doubled."""
    shutil.copytree(recordings, tmp_path / "revised", copy_function=shutil.copyfile)
    revise_json(tmp_path / "revised" / "fixtures-2020.json", revise_fixtures)
    revise_json(tmp_path / "revised" / "statistics-2020.json", revise_statistics)
    figures = (
        "SELECT goalshometeam, goalsawayteam, shotsongoalhometeam, totalshotshometeam, xgoalshometeam, xgoalsawayteam"
        " FROM fixtures WHERE idfixture = %s"
    )
    before = {fixture: whole.sql(figures, fixture)[0] for fixture in (592143, 592144, 592145)}
    whole.cli("local", "start", "--recordings", str(tmp_path / "revised"))
    (season,) = whole.cli.json("ingest-fixtures", "--season", "2020")["seasons"]
    whole.cli.json("ingest-stats", "--refresh", "--season", "2020")
    for command in ("run-glue", "transform-xgoals", "load-mysql"):
        whole.cli.json(command)
    whole.cli("local", "start", "--recordings", str(recordings))
    after = {fixture: whole.sql(figures, fixture)[0] for fixture in before}
    assert after[592143] == (7, 3, *before[592143][2:])
    assert after[592144][2:4] == (before[592144][2] + 9, before[592144][3] + 9)
    assert after[592144][4] > before[592144][4]
    assert after[592145] == (3, 0, None, None, None, None)
    assert season["withdrawn"] == [592146]
    assert whole.sql("SELECT COUNT(*), SUM(idfixture = 592146) FROM fixtures") == [(759, 0)]
    assert whole.sql("SELECT finding FROM table_findings WHERE idfixture = 592146") == [("withdrawn",)]
    assert 592146 not in {fixture for fixture, *_ in whole.predictions()}
    for prefix in (s3_keys.FIXTURES, s3_keys.STATISTICS, s3_keys.EXTENDED, s3_keys.TEAM_ROWS):
        assert "592146" not in {row[next(iter(row))] for row in whole.table(prefix)}
    # Nine more shots on goal, but not more shots inside or outside the box, is inconsistent.
    keys = whole.keys()
    assert s3_keys.raw_statistics(Season(39, 2020), 592144, "doubtful") in keys


def revise_json(path: Path, change: Callable[[Any], None]) -> None:
    body = json.loads(path.read_text())
    change(body)
    path.write_text(json.dumps(body))


def revise_fixtures(body: Any) -> None:
    body["response"] = [one for one in body["response"] if one["fixture"]["id"] != 592146]
    body["results"] = len(body["response"])
    fixtures = {one["fixture"]["id"]: one for one in body["response"]}
    fixtures[592143]["goals"] = {"home": 7, "away": 3}
    fixtures[592145]["goals"] = {"home": 3, "away": 0}
    fixtures[592145]["fixture"]["status"] |= {"short": "AWD", "long": "Technical Loss"}


def revise_statistics(body: Any) -> None:
    for one in body["592144"]["response"][0]["statistics"]:
        if one["type"] in ("Shots on Goal", "Total Shots"):
            one["value"] += 9


def test_a_failed_glue_script_is_reported(whole: SeasonLake) -> None:
    s3, bucket = whole.aws.client("s3"), whole.aws.config.assets_bucket
    s3.put_object(Bucket=bucket, Key="scripts/dropids.py", Body=b"raise ValueError('no such column: goals')\n")
    failed = whole.cli("--local", "train-autopilot")
    assert failed.returncode == 1
    assert "The Glue job dropids ended with status FAILED" in failed.stderr
    assert "no such column: goals" in failed.stderr
    assert "  | ValueError: no such column: goals" in failed.stderr
    errors = [line for line in whole.cli.json("logs", "dropids", "--errors")["lines"] if line["source"] == "dropids"]
    assert any("no such column: goals" in line["message"] for line in errors)
    rows = {row["what"]: row for row in whole.cli.json("metrics")["runs"]}
    assert rows["dropids"]["failed"] == 1
    assert rows["training"]["runs"] >= 1
    assert all(row["runs"] and row["cost"] for name, row in rows.items() if name != "mysqldb")


def test_a_failed_training_is_reported_with_the_end_of_its_log(whole: SeasonLake) -> None:
    whole.cli.json("bootstrap")
    s3, where = whole.aws.client("s3"), {"Bucket": whole.aws.config.assets_bucket, "Key": "scripts/dropids.py"}
    script = s3.get_object(**where)["Body"].read().decode()
    same = script.replace(
        'ordered.drop("idfixture", "idteam", "part")', 'ordered.select(F.lit(1).alias("goals"), "shotsongoal")'
    )
    s3.put_object(**where, Body=same.encode())
    models = [one["model"] for one in whole.cli.json("models")["models"]]
    failed = whole.cli("--local", "train-autopilot")
    assert failed.returncode == 1
    assert (
        "ended with status Failed: ClientError: The target attribute goals has fewer than two different values."
        in failed.stderr
    )
    assert "  | The target attribute goals has fewer than two different values." in failed.stderr
    assert "To see the whole log: footlake --local logs processing" in failed.stderr
    assert [one["model"] for one in whole.cli.json("models")["models"]] == models
    bucket = where["Bucket"]
    healed = whole.cli.json("bootstrap")
    assert [step["resource"] for step in healed["resources"] if step["outcome"] == "updated"] == [
        f"object s3://{bucket}/scripts/dropids.py"
    ]


def test_a_failed_transform_is_reported(whole: SeasonLake) -> None:
    s3, bucket = whole.aws.client("s3"), whole.aws.config.bucket
    key = s3_keys.team_rows("39-2020-999990", "home")
    header = ",".join(schemas.TEAM_ROW_COLUMNS)
    s3.put_object(Bucket=bucket, Key=key, Body=f"{header}\n1,2,3,many,5,6,7\n".encode())
    failed = whole.cli("--local", "run-week", "--date", WEEKS[-1], "--from", "transform-xgoals")
    s3.delete_object(Bucket=bucket, Key=key)
    assert failed.returncode == 1
    assert "ended with status Failed" in failed.stderr
    again = failed.stderr.rsplit("footlake --local ", 1)[1].split()
    ((fixtures,),) = whole.sql("SELECT COUNT(*) FROM fixtures")
    week = whole.cli.json(*again)
    assert [name for name in ("fixtures", "statistics", "glue") if week[name]] == []
    assert (week["xgoals"]["rows"], week["mysql"]["fixtures"]) == (0, fixtures)
    assert week["seconds"].keys() == {"transform-xgoals", "load-mysql"}
    assert 0 < week["cost"]["low"] <= week["cost"]["high"]
