"""The SQL views show the official figures of each invented competition, and the computed ones without standings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from tests.glue.conftest import AUTHORITIES, GlueAws, LakeBucket, Mysql, empty_tables
from tests.glue.season_csvs import move_to_league, season_of, store_fixtures, store_tables
from tests.support import competitions
from tests.support.competitions import InventedCompetition

FIRST_LEAGUE = 500
COPIED = "copied"  # the database with the rows of the tables and views
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


def with_unplayed_team() -> InventedCompetition:
    """A seventh team is in the standings only: its fixtures are not known yet."""
    made = competitions.league()
    made.tables = [made.rank(competitions.teams(7))]
    return made


def before_the_first_match() -> InventedCompetition:
    made = competitions.league()
    for item in made.fixtures:
        item["fixture"]["status"] |= {"short": "NS", "elapsed": None}
        item["goals"] = {"home": None, "away": None}
    made.tables = [made.rank(competitions.teams(6))]
    return made


def both_teams_lose() -> InventedCompetition:
    """A cancelled match counts 0-3 for each of its teams."""
    made = competitions.with_award("cancelled")
    made.tables = [made.rank(competitions.teams(6))]
    sides = made.fixtures[9]["teams"].values()
    for row in made.tables[0]:
        if row["team"]["id"] in [team["id"] for team in sides]:
            competitions.count_result(row["all"], 0, 3)
    return made


def with_other_ids() -> InventedCompetition:
    """The standings have other ids than the fixtures, and one club has two ids in the fixtures."""
    made = competitions.league()
    for item in made.fixtures[15:]:
        for team in item["teams"].values():
            team["id"] = 990 if team["id"] == 906 else team["id"]
    for row in made.tables[0]:
        row["team"]["id"] += 0 if row["team"]["id"] == 906 else 1000
    return made


class LoadedCompetitions:
    """The competitions in MySQL; without standings they have other league ids."""

    def __init__(self, mysql: Mysql) -> None:
        self.mysql = mysql
        self.official: dict[str, InventedCompetition] = {}
        self.unofficial: dict[str, InventedCompetition] = {}

    def select(self, columns: str, source: str, made: InventedCompetition, rest: str = "") -> list[tuple[Any, ...]]:
        """Select from a view or table, for the competition's season."""
        league, season = season_of(made)
        where = f"idleague = {league} AND season = {season}"
        return self.mysql.ask(f"SELECT {columns} FROM {source} WHERE {where} {rest}", COPIED)


@pytest.fixture(scope="module")
def loaded(aws: GlueAws, mysql_server: Mysql) -> LoadedCompetitions:
    lake = LakeBucket(aws, "lake-of-invented-competitions")
    loaded = LoadedCompetitions(mysql_server)
    others = {
        "unplayed team": with_unplayed_team,
        "not started": before_the_first_match,
        "both lose": both_teams_lose,
        "other ids": with_other_ids,
    }
    for number, (name, build) in enumerate({**BUILDERS, **others}.items()):
        made, without = (move_to_league(build(), league) for league in (FIRST_LEAGUE + number, 700 + number))
        without.tables = []
        loaded.official[name], loaded.unofficial[name] = made, without
        for each in (made, without):
            store_fixtures(lake, each)
            store_tables(lake, each)
    empty_tables(mysql_server)
    lake.aws.summary("mysqldbingestion", lake.name, connection="mysqldbconnection", ca=f"s3://{AUTHORITIES}/rds-ca.pem")
    mysql_server.ask("UPDATE fixtures SET xgoalshometeam = 1.5, xgoalsawayteam = 0.75 WHERE goalshometeam IS NOT NULL")
    # Each view computes its rows of all seasons once, and not once for each test.
    mysql_server.ask(f"CREATE OR REPLACE DATABASE {COPIED}")
    for (name,) in mysql_server.ask("SHOW TABLES"):
        mysql_server.ask(f"CREATE TABLE {COPIED}.{name} AS SELECT * FROM {name}")
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


CURRENT = {
    "groups and third-placed teams": ["Group A", "Group B", "Group C", "Group D"],
    "conferences": ["Eastern Conference", "Western Conference"],
    "conferences and overall": ["Eastern Conference", "Western Conference"],
    "split": ["Championship Round", "Relegation Round"],
    "split, own matches, halved": ["Championship Round", "Relegation Round"],
    "annual table and averages": ["Primera 2025, Clausura"],
}


@pytest.mark.parametrize("name", CURRENT)
def test_derived_and_superseded_tables_are_not_current(loaded: LoadedCompetitions, name: str) -> None:
    made = loaded.official[name]
    for view in ("expected_table", "team_matches JOIN league_tables USING (idleague, season)"):
        where = "" if view == "expected_table" else "AND tablenumber = table_number "
        table_name = "table_name" if view == "expected_table" else "name"
        rows = loaded.select(f"DISTINCT table_number, {table_name}", view, made, f"{where}ORDER BY table_number")
        assert [table for _, table in rows] == CURRENT[name]


# The averages and the ranking of third-placed teams count no matches.
@pytest.mark.parametrize("name", BUILDERS)
def test_the_matches_of_a_table_add_up_to_its_figures(loaded: LoadedCompetitions, name: str) -> None:
    made = loaded.official[name]
    sums = (
        "table_number, idteam, COUNT(*), SUM(points = 3), SUM(points = 1), SUM(points = 0), SUM(goals_for),"
        " SUM(goals_against), SUM(points)"
    )
    counted = {row[:2]: row[2:] for row in loaded.select(sums, "table_matches", made, "GROUP BY table_number, idteam")}
    columns = "tablenumber, idteam, played, won, drawn, lost, goalsfor, goalsagainst, pointsearned"
    with_matches = {number for number, _ in counted}
    for row in loaded.select(columns, "standings", made):
        assert row[0] not in with_matches or counted[row[:2]] == row[2:]
    assert with_matches >= {*loaded.select("DISTINCT table_number", "expected_table", made)[0]}


@pytest.mark.parametrize("name", BUILDERS)
def test_expected_points_are_those_of_the_matches_of_the_table(loaded: LoadedCompetitions, name: str) -> None:
    """Every match has the same xG, so the numbers of home and away matches give the expected points."""
    made = loaded.official[name]
    fixture = made.fixtures[0]["fixture"]["id"]
    ((home, away),) = loaded.mysql.ask(
        f"SELECT xpointshometeam, xpointsawayteam FROM outcomes WHERE idfixture = {fixture}", COPIED
    )
    sums = "table_number, idteam, SUM(athome AND xg_for IS NOT NULL), SUM(NOT athome AND xg_for IS NOT NULL)"
    matches = {row[:2]: row[2:] for row in loaded.select(sums, "team_matches", made, "GROUP BY table_number, idteam")}
    rows = loaded.select("table_number, idteam, expected_matches, xpoints, points_carried", "expected_table", made)
    for number, team, expected_matches, xpoints, carried in rows:
        at_home, away_from_home = matches[number, team]
        assert expected_matches == at_home + away_from_home
        assert xpoints == pytest.approx(int(at_home) * home + int(away_from_home) * away + carried)


def test_points_of_an_earlier_phase_are_in_the_expected_points_if_its_matches_are_not(
    loaded: LoadedCompetitions,
) -> None:
    carried = {
        name: {points for (points,) in loaded.select("points_carried", "expected_table", loaded.official[name])}
        for name in ("split", "split, halved", "split, own matches")
    }
    assert carried["split"] == carried["split, halved"] == {0}
    made = loaded.official["split, own matches"]
    regular = {row["team"]["id"]: row["points"] for row in made.tables[0]}
    assert {*loaded.select("idteam, points_carried", "expected_table", made)} == {*regular.items()}


@pytest.mark.parametrize("name", BUILDERS)
def test_weeks_end_with_the_figures_of_the_matches_that_have_a_date(loaded: LoadedCompetitions, name: str) -> None:
    made = loaded.official[name]
    weeks = loaded.select("table_number, idteam, MAX(played), MAX(points)", "team_weeks", made, "GROUP BY 1, 2")
    sums = "table_number, idteam, COUNT(*), SUM(points)"
    dated = loaded.select(sums, "team_matches", made, "AND `date` IS NOT NULL GROUP BY 1, 2")
    assert weeks and {*weeks} == {*dated}


@pytest.mark.parametrize("name", BUILDERS)
def test_tables_without_standings_are_labelled_unofficial(loaded: LoadedCompetitions, name: str) -> None:
    made = loaded.unofficial[name]
    assert {*loaded.select("official, competition", "expected_table", made)} == {(0, made.name)}
    columns = "table_number, position, points, goal_difference, goals_for"
    rows = loaded.select(columns, "expected_table", made, "ORDER BY table_number, position")
    assert rows == sorted(rows, key=lambda row: (row[0], -row[2], -row[3], -row[4], row[1]))


def test_a_match_that_the_table_decided_counts_without_a_result_in_the_fixtures(loaded: LoadedCompetitions) -> None:
    for form in ("null", "zero", "three", "silent", "cancelled"):
        made = loaded.official[f"award, {form}"]
        match = f"AND idfixture = {made.fixtures[9]['fixture']['id']}"
        rows = loaded.select("athome, goals_for, goals_against, points", "team_matches", made, f"{match} ORDER BY 1")
        assert rows == [(0, 3, 0, 3), (1, 0, 3, 0)]
        assert loaded.select("goalshometeam, goalsawayteam", "league_fixtures", made, match) == [(0, 3)]


def test_a_team_without_fixtures_has_its_name_from_the_standings(loaded: LoadedCompetitions) -> None:
    columns = "team, code, played, points, expected_matches, xpoints, expected_position, source"
    made = loaded.official["unplayed team"]
    assert loaded.select(columns, "expected_table", made, "AND idteam = 907") == [
        ("Golfo", None, 0, 0, 0, None, None, None)
    ]
    assert len(loaded.select("1", "expected_table", made, "AND expected_matches = 10")) == 6


def test_a_table_before_the_first_match_has_its_teams(loaded: LoadedCompetitions) -> None:
    for made in (loaded.official["not started"], loaded.unofficial["not started"]):
        columns = "position, team, played, points, expected_matches, xpoints"
        names = ["Alpha", "Bravo", "Carmo", "Delta", "Echo", "Fonte"]
        rows = [(rank, name, 0, 0, 0, None) for rank, name in enumerate(names, 1)]
        assert loaded.select(columns, "expected_table", made, "ORDER BY position") == rows
        for view in ("team_matches", "team_weeks", "league_fixtures"):
            assert loaded.select("*", view, made) == []


def test_a_match_that_both_teams_lost(loaded: LoadedCompetitions) -> None:
    made = loaded.official["both lose"]
    match = f"AND idfixture = {made.fixtures[9]['fixture']['id']}"
    rows = loaded.select("athome, goals_for, goals_against, points", "team_matches", made, f"{match} ORDER BY 1")
    assert rows == [(0, 0, 3, 0), (1, 0, 3, 0)]
    assert loaded.select("goalshometeam, goalsawayteam", "league_fixtures", made, match) == [(0, 0)]
    rows = loaded.select(FIGURES, "expected_table", made, "ORDER BY position")
    assert rows == [official_figures(row) for row in made.tables[0]]


def test_teams_with_other_ids_in_the_standings_have_those_of_the_fixtures(loaded: LoadedCompetitions) -> None:
    made = loaded.official["other ids"]
    figures = {(team % 1000, *rest) for team, *rest in map(official_figures, made.tables[0])}
    assert {(team % 1000, *rest) for team, *rest in loaded.select(FIGURES, "expected_table", made)} == figures
    ids = {*loaded.select("idteam, idteamstandings, team", "standings", made)}
    assert ids == {(team % 1000, team, name) for team, name in standings_teams(made)}
    team_ids = competitions.teams(6)
    assert loaded.select("idteam, COUNT(*)", "team_matches", made, "GROUP BY 1 ORDER BY 1") == [
        (team, 10) for team in team_ids
    ]
    homes = loaded.select("DISTINCT idhometeam", "league_fixtures", made, "ORDER BY 1")
    assert homes == loaded.select("DISTINCT idawayteam", "league_fixtures", made, "ORDER BY 1")
    assert homes == [(team,) for team in team_ids]


def standings_teams(made: InventedCompetition) -> list[tuple[int, str]]:
    return [(row["team"]["id"], row["team"]["name"]) for row in made.tables[0]]
