"""A made-up league with play-offs through the whole lake: its rows are stored, but no table counts them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pymysql
import pytest

from footlake.football.values import MAX_TEXT_LENGTH
from tests.conftest import Cli

pytestmark = pytest.mark.thorough  # make proof

LEAGUE, YEAR = 78, 2020
SEASON = ("--league", str(LEAGUE), "--season", str(YEAR))
TEAMS = {1: "Altenbrück", 2: "Neuwalde", 3: "Steinau", 4: "Second-Division Rovers"}
LONG = "Promotion Play-offs " + "and so on " * 50
BESIDE = ["Relegation Round", """The "big", 'last' one \\""", LONG]
ODD = [None, 12, ["Final"]]


def fixture(number: int, home: int, away: int, round_name: Any) -> dict[str, Any]:
    """A match that the home side won by two goals to one, each a week after the one before."""
    kickoff = datetime(YEAR, 9, 1, 18, tzinfo=UTC) + timedelta(weeks=number)
    return {
        "fixture": {
            "id": 781_000 + number,
            "date": kickoff.isoformat(),
            "timestamp": int(kickoff.timestamp()),
            "status": {"long": "Match Finished", "short": "FT", "elapsed": 90},
        },
        "league": {"id": LEAGUE, "name": "Made up", "country": "Nowhere", "season": YEAR, "round": round_name},
        "teams": {side: {"id": team, "name": TEAMS[team]} for side, team in (("home", home), ("away", away))},
        "goals": {"home": 2, "away": 1},
        "score": {},
    }


@pytest.fixture(scope="module")
def loaded(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Everyone against everyone, then three matches against a team of another league, and three of odd rounds."""
    matches: list[tuple[int, int, Any]] = [
        (home, away, f"Regular Season - {at}") for at, (home, away) in enumerate(permutations((1, 2, 3), 2), 1)
    ]
    matches += [(4, 3, name) for name in BESIDE] + [(1, 2, name) for name in ODD]
    items = [fixture(number, *match) for number, match in enumerate(matches)]
    folder = tmp_path_factory.mktemp("recordings")
    answer = {"get": "fixtures", "parameters": {}, "errors": [], "results": len(items), "response": items}
    (folder / "fixtures.json").write_text(json.dumps(answer))
    cli("local", "start", "--recordings", str(folder))
    cli.json("bootstrap")
    (season,) = cli.json("ingest-fixtures", *SEASON)["seasons"]
    assert (season["fixtures"], season["broken"]) == (12, [])
    cli.json("load-mysql")
    return cli


def sql(cli: Cli, query: str) -> list[tuple[Any, ...]]:
    where = cli.json("local", "status")["mysql"]
    with pymysql.connect(**where, ssl={"check_hostname": False}) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_mysql_has_every_match_with_the_name_of_its_round(loaded: Cli) -> None:
    rounds = sql(loaded, "SELECT `round` FROM fixtures ORDER BY idfixture")
    regular = [f"Regular Season - {number}" for number in range(1, 7)]
    kept = LONG[:MAX_TEXT_LENGTH].rstrip()
    assert [name for (name,) in rounds] == [*regular, *BESIDE[:2], kept, None, None, None]


def test_the_table_has_only_teams_of_the_league_in_every_output_format(loaded: Cli, tmp_path: Path) -> None:
    report = loaded.json("report", *SEASON)
    told = [(row["team"], row["played"], row["points"]) for row in report["table"]]
    # Two of four were home wins; matches of an unknown round count.
    assert told == [(TEAMS[1], 7, 15), (TEAMS[3], 4, 6), (TEAMS[2], 7, 6)]
    assert report["outside_regular_season"] == 3
    text = loaded("--local", "--output", "csv", "report", *SEASON).stdout
    rows = csv.DictReader(io.StringIO(text))
    assert [(row["team"], int(row["played"]), int(row["points"])) for row in rows] == told
    assert sql(loaded, "SELECT team, played, points FROM expected_table ORDER BY position") == told
    weeks = sql(loaded, "SELECT team, MAX(played), MAX(points) FROM team_weeks GROUP BY team")
    assert sorted(weeks) == sorted(told)
    page = tmp_path / "report.html"
    loaded("--local", "report", *SEASON, "--html", str(page))
    for shown in (page.read_text(), loaded("--local", "report", *SEASON).stdout):
        assert TEAMS[1] in shown and TEAMS[4] not in shown
        assert "3 matches outside the regular season are not counted." in shown
