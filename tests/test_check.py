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
    for league in (COMPLETE, DEDUCTED, INCOMPLETE, WRONG):
        cli.json("ingest-fixtures", *selection(league))
        cli.json("ingest-stats", *selection(league))
        rejected = [fixture_id(INCOMPLETE, REJECTED)] if league == INCOMPLETE else ()
        add_team_rows_and_xg(cli, league, rejected)
    cli.json("ingest-fixtures", *selection(UNREQUESTED), "--max-requests", "2")
    cli.json("load-mysql")
    return cli


def selection(league: int) -> tuple[str, ...]:
    return ("--league", str(league), "--season", str(YEAR))


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


def test_a_fixture_is_shown_with_all_its_steps(lake: Cli) -> None:
    done = lake("--local", "check", "--fixture", str(fixture_id(INCOMPLETE, WITHOUT_STATISTICS)))
    assert done.returncode == 0, done.stderr
    assert "missing, requested once" in done.stdout
