"""The command check, on a local AWS with invented competitions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Side
from footlake.lake.schemas import TEAM_ROW_COLUMNS
from footlake.model.registry import lake_store
from tests.conftest import Cli
from tests.support import competitions
from tests.support.competitions import InventedCompetition
from tests.support.sagemaker import wait_for
from tests.test_policy import operator

COMPLETE, DEDUCTED, INCOMPLETE, WRONG, UNREQUESTED = range(39, 44)
YEAR = 2023
MODEL = {"model": "xGoals-1", "runs": "sagemaker", "features": TEAM_ROW_COLUMNS[3:]}
WITHOUT_STATISTICS, REJECTED = 3, 7  # positions of fixtures of the league INCOMPLETE


def statistics(item: dict[str, Any]) -> list[dict[str, Any]]:
    types = ("Shots on Goal", "Shots insidebox", "Total Shots")
    numbers = [{"type": kind, "value": 5} for kind in types] + [{"type": "Ball Possession", "value": "50%"}]
    return [{"team": item["teams"][side], "statistics": numbers} for side in ("home", "away")]


def invented_competitions() -> dict[int, InventedCompetition]:
    made = {number: competitions.league(league=number) for number in (COMPLETE, INCOMPLETE, WRONG, UNREQUESTED)}
    made[DEDUCTED] = competitions.league(league=DEDUCTED)
    made[DEDUCTED].tables[0][0]["points"] -= 8
    made[WRONG].tables[0][0]["all"]["goals"]["for"] += 3
    made[WRONG].add("Regular Season - 11", 901, 902, (None, None), week=11, status="XYZ")
    return made


def fixture_id(league: int, position: int) -> int:
    return league * 1000 + position + 1


def write_recordings(folder: Path, made: Iterable[InventedCompetition]) -> None:
    recorded: dict[int, Any] = {}
    for one in made:
        (folder / f"fixtures-{one.league}.json").write_text(json.dumps(one.fixtures_body))
        (folder / f"standings-{one.league}.json").write_text(json.dumps(one.standings_body))
        recorded |= {item["fixture"]["id"]: {"response": statistics(item)} for item in one.fixtures}
    del recorded[fixture_id(INCOMPLETE, WITHOUT_STATISTICS)]
    (folder / "statistics.json").write_text(json.dumps(recorded))


def add_team_rows_and_xg(cli: Cli, league: int, rejected: Iterable[int] = ()) -> None:
    """Write what the Glue jobs and a model would make of the statistics."""
    store, season = lake_store(cli.lake()), Season(league, YEAR)
    sides: tuple[Side, ...] = ("home", "away")
    for key in store.list_objects(f"{s3_keys.STATISTICS}{season}-"):
        part = key.removeprefix(s3_keys.STATISTICS).removesuffix(".csv")
        for side in sides:
            column = {"home": "idHomeTeam", "away": "idAwayTeam"}[side]
            ids = [(int(row["idFixture"]), row[column]) for row in store.get_rows(key)]
            rows = "".join(f"{fixture},{team},1,5,5,5,50\n" for fixture, team in ids)
            predictions = "".join(f"{fixture},{team},1.25\n" for fixture, team in ids if fixture not in rejected)
            store.overwrite(s3_keys.team_rows(part, side), f"{','.join(TEAM_ROW_COLUMNS)}\n{rows}")
            store.overwrite(s3_keys.predictions(part, side), predictions)
            refused = "".join(f"{fixture},{team}\n" for fixture, team in ids if fixture in rejected)
            if refused:
                store.overwrite(f"{s3_keys.REJECTED}{part}-{side}.csv", refused)


@pytest.fixture(scope="module")
def lake(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A lake with five leagues. Those of DEDUCTED and UNREQUESTED have neither statistics nor xG."""
    folder = tmp_path_factory.mktemp("recordings")
    write_recordings(folder, invented_competitions().values())
    cli("local", "start", "--recordings", str(folder))
    cli.json("bootstrap")
    lake_store(cli.lake()).overwrite(s3_keys.MODEL_IN_USE, json.dumps(MODEL))
    requested = (COMPLETE, DEDUCTED, INCOMPLETE, WRONG)
    for command in ("ingest-fixtures", "ingest-stats"):
        cli.json(command, *selection(*requested))
    for league in requested:
        rejected = [fixture_id(INCOMPLETE, REJECTED)] if league == INCOMPLETE else ()
        add_team_rows_and_xg(cli, league, rejected)
    cli.json("ingest-fixtures", *selection(UNREQUESTED), "--max-requests", "2")
    cli.json("load-mysql")
    return cli


def selection(*leagues: int) -> tuple[str, ...]:
    return (*(word for league in leagues for word in ("--league", str(league))), "--season", str(YEAR))


def check(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = cli("--local", "--output", "json", "check", *arguments)
    assert done.returncode == code, done.stderr + done.stdout
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_complete_season_has_no_findings(lake: Cli) -> None:
    document = lake.json("check", *selection(COMPLETE))
    (season,) = document["seasons"]
    assert (season["competition"], season["label"], season["findings"]) == ("Invented League", "2023/24", [])
    counts = season["counts"]
    assert {counts[name] for name in ("fixtures", "finished", "played", "with_statistics", "with_xg", "mysql")} == {30}
    assert [(table["reconciled"], table["level"]) for table in season["tables"]] == [("equal", "ok")]
    assert all(season["times"].values())
    assert (document["problems"], document["database"]) == (0, {"read": True, "problem": ""})


def test_a_deduction_is_explained(lake: Cli) -> None:
    (season,) = check(lake, *selection(DEDUCTED))["seasons"]
    (table,) = season["tables"]
    assert (table["level"], [one["points"] for one in table["deductions"]]) == ("explained", [-8])
    assert table["text"].endswith(": 8 points deducted")


def test_missing_statistics_and_a_rejected_prediction_are_explained(lake: Cli) -> None:
    (season,) = check(lake, *selection(INCOMPLETE))["seasons"]
    findings = {one["what"]: one for one in season["findings"]}
    assert {what: (one["level"], one["fixtures"]) for what, one in findings.items()} == {
        "statistics": ("explained", [fixture_id(INCOMPLETE, WITHOUT_STATISTICS)]),
        "xG": ("explained", [fixture_id(INCOMPLETE, REJECTED)]),
    }
    assert "API-Football had no complete statistics" in findings["statistics"]["text"]
    assert "predicted no valid number" in findings["xG"]["text"]
    assert (season["counts"]["with_xg"], season["counts"]["played"]) == (28, 30)


def test_unknown_statuses_and_tables_that_do_not_agree_are_problems(lake: Cli) -> None:
    document = check(lake, *selection(WRONG), code=1)
    (season,) = document["seasons"]
    assert [(one["what"], one["text"]) for one in season["findings"]] == [
        ("unknown status", "1 fixture with status XYZ.")
    ]
    (table,) = season["tables"]
    (difference,) = table["differences"]
    assert (table["level"], difference["figure"]) == ("problem", "goals_for")
    assert difference["official"] == difference["computed"] + 3
    assert difference["team"] in table["text"]
    assert document["problems"] == 2


def test_statistics_that_nobody_requests_are_a_problem_with_the_command(lake: Cli) -> None:
    done = lake("--local", "check", *selection(UNREQUESTED))
    assert done.returncode == 1
    command = f"Run footlake --local ingest-stats --league {UNREQUESTED} --season {YEAR}."
    assert "Its statistics were never requested." in done.stdout and command in done.stdout
    assert "The data is not complete: 1 problem that nothing explains." in done.stderr


def test_a_season_as_text(lake: Cli) -> None:
    done = lake("--local", "check", *selection(INCOMPLETE))
    assert done.returncode == 0, done.stderr
    title, fetched, data, *others = done.stdout.splitlines()
    assert title == f"Invented League 2023/24, Nowhere (league {INCOMPLETE}, season 2023)"
    assert fetched.startswith("ok         fetched: fixtures 20") and fetched.endswith("no weekly run is scheduled.")
    assert data == "explained  data: 28 of 30 played fixtures with xG, 30 of 30 finished ones in MySQL."
    assert [line[:24].rstrip() for line in others] == [
        "explained  statistics: 1",
        "explained  xG: 1 fixture",
        "ok         table Invente",
    ]
    assert "1 fixture: Alpha – Echo (2023-08-19). API-Football had no complete statistics" in others[0]


def test_a_fixture_is_shown_with_all_its_steps(lake: Cli) -> None:
    done = lake("--local", "check", "--fixture", str(fixture_id(INCOMPLETE, WITHOUT_STATISTICS)))
    assert done.returncode == 0, done.stderr
    first, *steps, issue = done.stdout.splitlines()
    assert first == "2023-08-19 18:00  Alpha – Echo 0:1  [finished]  41004"
    assert [step.split("  ")[1] for step in steps] == ["status", "statistics", "team rows", "xG", "MySQL"]
    assert "missing, requested once, last on 20" in steps[1]
    command = f"footlake --local ingest-stats --league {INCOMPLETE} --season {YEAR}."
    assert issue.startswith("  explained: API-Football had no") and issue.endswith(f"run {command}")


def test_the_fixtures_of_a_team_and_of_a_week(lake: Cli) -> None:
    of_team = check(lake, *selection(INCOMPLETE), "--team", "éCHO")["fixtures"]
    assert len(of_team) == 10 and all("Echo" in (one["home"], one["away"]) for one in of_team)
    assert [one["stage"] for one in of_team].count("MySQL") == 8
    of_week = check(lake, *selection(INCOMPLETE), "--week", "2023-08-15")["fixtures"]
    assert {one["kickoff"][:10] for one in of_week} == {"2023-08-12", "2023-08-19"}
    both = check(lake, *selection(INCOMPLETE), "--week", "2023-08-15", "--team", "echo")["fixtures"]
    assert [one["idfixture"] for one in both] == [
        one["idfixture"] for one in of_week if "Echo" in (one["home"], one["away"])
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--fixture", "99"), 1, "The lake has no fixture 99."),
        ((*selection(COMPLETE), "--team", "Zebra"), 1, "No team Zebra plays in the checked seasons (39-2023)."),
        (("--league", "99"), 1, "The data is not complete: 1 problem that nothing explains."),
        (("--fixture", "39001", "--team", "Alpha"), 2, "Use either --fixture, or --team and --week."),
    ],
)
def test_what_the_lake_does_not_have(lake: Cli, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = lake("--local", "check", *arguments)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


def test_a_withdrawn_fixture_is_explained_and_not_in_mysql_for_long(lake: Cli) -> None:
    store, season = lake_store(lake.lake()), Season(COMPLETE, YEAR)
    gone = fixture_id(COMPLETE, 0)
    keys = (
        s3_keys.raw_fixtures(season),
        s3_keys.fixtures(s3_keys.part_of(season, gone)),
        s3_keys.table_findings(season),
    )
    before = {key: store.get(key) or "" for key in keys}
    raw = json.loads(before[keys[0]])
    raw["response"] = raw["response"][1:]
    store.overwrite(keys[0], json.dumps(raw), **{s3_keys.NO_FOLLOW_UP: "yes"})
    store.overwrite(keys[1], "".join(line for line in before[keys[1]].splitlines(True) if str(gone) not in line))
    store.overwrite(keys[2], f"{before[keys[2]]},withdrawn,{gone},,,,,,It is gone.\n")
    (checked,) = check(lake, *selection(COMPLETE))["seasons"]
    refused = lake("--local", "check", *selection(COMPLETE), "--fixture", str(gone))
    for key, text in before.items():
        store.overwrite(key, text, **{s3_keys.NO_FOLLOW_UP: "yes"})
    assert [(one["what"], one["fixtures"]) for one in checked["findings"]] == [("MySQL", [gone]), ("withdrawn", [gone])]
    assert "Error: It is gone." in refused.stderr


def test_a_lake_of_an_earlier_version_is_checked_without_tables(lake: Cli) -> None:
    store, season = lake_store(lake.lake()), Season(COMPLETE, YEAR)
    keys = [
        *(s3_keys.raw_fixtures(season), s3_keys.league_tables(season), s3_keys.standings(season)),
        *(s3_keys.table_fixtures(season), s3_keys.table_findings(season)),
    ]
    before = {key: store.get(key) or "" for key in keys}
    store.delete(keys)
    (checked,) = check(lake, *selection(COMPLETE))["seasons"]
    (fixture,) = check(lake, "--fixture", str(fixture_id(COMPLETE, 0)))["fixtures"]
    for key, text in before.items():
        store.overwrite(key, text, **{s3_keys.NO_FOLLOW_UP: "yes"})
    assert [(one["what"], one["level"]) for one in checked["findings"]] == [("tables", "explained")]
    assert (checked["counts"]["with_xg"], checked["tables"], checked["label"]) == (30, [], "2023/24")
    assert fixture["home"] in competitions.TEAM_NAMES
    assert (fixture["stage"], fixture["issues"]) == ("MySQL", [])


def test_a_lake_that_does_not_exist(lake: Cli) -> None:
    done = lake("--local", "check", FOOTLAKE_LAKE="another")
    assert done.returncode == 1
    assert "Data lake another-" in done.stderr and "does not exist" in done.stderr


def test_a_database_that_does_not_run_is_no_error(lake: Cli) -> None:
    rds = lake.lake().client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="rds-mysql")
    wait_for(lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "stopped")
    document = check(lake, *selection(COMPLETE))
    text = lake("--local", "check", *selection(COMPLETE)).stdout
    rds.start_db_instance(DBInstanceIdentifier="rds-mysql")
    assert document["database"] == {"read": False, "problem": "Database instance rds-mysql is stopped."}
    assert document["seasons"][0]["counts"]["mysql"] is None
    assert "explained  MySQL: not checked. Database instance rds-mysql is stopped." in text


def test_a_lake_without_a_database_is_checked_without_it(lake: Cli) -> None:
    done = lake("--local", "--output", "json", "check", *selection(COMPLETE), FOOTLAKE_DATABASE="none")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert not document["database"]["read"] and "database" in document["database"]["problem"]
    assert document["seasons"][0]["counts"]["mysql"] is None


def test_the_weekly_policy_suffices(lake: Cli) -> None:
    status = lake.json("local", "status")
    settings = {
        "AWS_ENDPOINT_URL": status["endpoint"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "FOOTLAKE_API_URL": status["football_api"],
        "FOOTLAKE_API_KEY": "any",
    }
    weekly = operator(lake, settings, "checker", "--weekly")
    done = lake("--output", "json", "check", *selection(INCOMPLETE), **weekly)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["database"]["read"]


def test_the_check_changes_nothing_and_requests_nothing(lake: Cli) -> None:
    def state() -> tuple[Any, int]:
        objects = lake_store(lake.lake()).list_objects("")
        return objects, lake.json("logs")["lines"][-1]["time"]

    before = state()
    check(lake, *selection(COMPLETE))
    check(lake, "--fixture", str(fixture_id(COMPLETE, 1)))
    assert state() == before
