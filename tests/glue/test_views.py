"""The SQL views show the official figures of each invented competition, and the computed ones without standings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from footlake.database import apply_schema
from tests.glue.conftest import AUTHORITIES, REPOSITORY, TABLES, GlueAws, LakeBucket, Mysql
from tests.glue.season_csvs import move_to_league, season_of, store_fixtures, store_tables
from tests.support import competitions
from tests.support.competitions import InventedCompetition

FIRST_LEAGUE = 500
BUILDERS: Mapping[str, Callable[[], InventedCompetition]] = {
    "league": competitions.league,
    "deductions": competitions.with_deductions,
    "head to head": competitions.head_to_head,
    "groups": partial(competitions.group_tournament, third_placed=False),
    "groups and third-placed teams": competitions.group_tournament,
    "conferences": competitions.conferences,
    "conferences and overall": partial(competitions.conferences, overall=True),
    "split": competitions.split,
    "split, halved": partial(competitions.split, halved=True),
    "split, own matches": partial(competitions.split, counts_all=False),
    "split, own matches, halved": partial(competitions.split, halved=True, counts_all=False),
    "split without regular table": partial(competitions.split, regular_table=False),
    "split without labels": partial(competitions.split, labels=False),
    "apertura and clausura": competitions.apertura_clausura,
    "annual table": partial(competitions.apertura_clausura, annual=True),
    "annual table and averages": partial(competitions.apertura_clausura, annual=True, averages=True),
    "zones": partial(competitions.apertura_clausura, zones=True),
    "relegation play-offs": competitions.with_play_offs,
    **{f"award, {form}": partial(competitions.with_award, form) for form in ("null", "zero", "three", "silent")},
    "award, cancelled": partial(competitions.with_award, "cancelled"),
    "doubled match": competitions.with_doubled_match,
}


class LoadedCompetitions:
    """The competitions in MySQL; without standings they have leagues of their own."""

    def __init__(self, mysql: Mysql) -> None:
        self.mysql = mysql
        self.official: dict[str, InventedCompetition] = {}
        self.unofficial: dict[str, InventedCompetition] = {}

    def select(self, columns: str, source: str, made: InventedCompetition, rest: str = "") -> list[tuple[Any, ...]]:
        """Select from a view or table, for the competition's season."""
        league, season = season_of(made)
        return self.mysql.ask(f"SELECT {columns} FROM {source} WHERE idleague = {league} AND season = {season} {rest}")


@pytest.fixture(scope="module")
def loaded(aws: GlueAws, mysql_server: Mysql) -> LoadedCompetitions:
    lake = LakeBucket(aws, "lake-of-invented-competitions")
    loaded = LoadedCompetitions(mysql_server)
    for number, (name, build) in enumerate(BUILDERS.items()):
        made, without = (move_to_league(build(), league) for league in (FIRST_LEAGUE + number, 700 + number))
        without.tables = []
        loaded.official[name], loaded.unofficial[name] = made, without
        for each in (made, without):
            store_fixtures(lake, each)
            store_tables(lake, each)
    with mysql_server.connect() as connection:
        apply_schema(connection, REPOSITORY / "sql")
    for table in TABLES:
        mysql_server.ask(f"TRUNCATE TABLE {table}")
    lake.aws.summary("mysqldbingestion", lake.name, connection="mysqldbconnection", ca=f"s3://{AUTHORITIES}/rds-ca.pem")
    mysql_server.ask("UPDATE fixtures SET xgoalshometeam = 1.5, xgoalsawayteam = 0.75 WHERE goalshometeam IS NOT NULL")
    return loaded


FIGURES = "idteam, position, points, played, won, drawn, lost, goals_for, goals_against"


def official_figures(row: Mapping[str, Any]) -> tuple[Any, ...]:
    figures = row["all"]
    results = (figures["played"], figures["win"], figures["draw"], figures["lose"])
    return (row["team"]["id"], row["rank"], row["points"], *results, *figures["goals"].values())


@pytest.mark.parametrize("name", BUILDERS)
def test_every_official_table_is_in_the_view_with_its_figures(loaded: LoadedCompetitions, name: str) -> None:
    made = loaded.official[name]
    for number, rows in enumerate(made.tables, 1):
        order = f"AND table_number = {number} ORDER BY position"
        assert loaded.select(FIGURES, "expected_tables", made, order) == [official_figures(row) for row in rows]
        names = {(row["team"]["name"], row["group"], 1, made.name, made.country) for row in rows}
        assert {
            *loaded.select("team, table_name, official, competition, country", "expected_tables", made, order)
        } == names


def test_a_deduction_is_beside_the_official_points(loaded: LoadedCompetitions) -> None:
    made = loaded.official["deductions"]
    points = {row["team"]["name"]: row["points"] for row in made.tables[0]}
    assert loaded.select("team, points, points_adjusted", "expected_table", made, "AND points_adjusted <> 0") == [
        ("Bravo", points["Bravo"], -8),
        ("Carmo", points["Carmo"], -4),
    ]
