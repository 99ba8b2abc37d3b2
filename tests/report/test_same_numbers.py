"""Compare terminal, CSV, JSON and HTML output with the SQL views, for seasons in a MariaDB database."""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page
from pymysql.connections import Connection
from pymysql.cursors import Cursor, DictCursor
from rich.console import Console

from footlake import database
from footlake.lake import schemas
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.report.matches import Match, Team
from footlake.report.mysql_reader import read_season
from footlake.report.page import render_page
from footlake.report.season import SeasonReport, build_report
from footlake.report.season_records import ReportRecords
from footlake.report.table import TableReport
from footlake.report.terminal import report_as_dict, standings_table, table_csv, weeks_csv
from tests.support import competitions
from tests.support.competitions import InventedCompetition
from tests.support.season_tables import store_season

from .conftest import TEAMS, make_season

COLUMNS = (
    *("idfixture", "date", "time", "idhometeam", "idawayteam", "goalshometeam", "goalsawayteam"),
    *("xgoalshometeam", "xgoalsawayteam", "idleague", "season", "round"),
)
# The extremes that the columns can hold, a match that is not finished, and a simulated one.
EXTREME_ROWS = [
    (900, "2020-08-17", "12:00", 1, 2, 0, 0, 0, 0, 39, 2020),
    (901, "2020-08-18", "23:59", 3, 4, 9, 0, 99.999, 0.001, 39, 2020),
    (902, "2021-01-05", "00:00", 5, 1, 3, 0, 1.5, None, 39, 2020),
    (903, "2021-01-06", "00:00", 5, 1, None, None, None, None, 39, 2020),
    (904, "2021-01-06", "00:00", 77, 1, 1, 1, 1, 1, 140, 2020),
    (39_020_001, "2021-01-07", "00:00", 2, 3, 1, 1, 1, 1, 39, 2020),
]
# Rounds that API-Football lists next to a league's own: before its first week and after its last, with a team of
# another division.
OTHER_ROUNDS = [
    (905, "2020-08-01", "14:00", 3, 2, 4, 0, 2.5, 0.5, 39, 2020, "Preliminary Round"),
    (906, "2021-06-01", "18:00", 4, 77, 0, 5, 0.125, 3.875, 39, 2020, "Relegation Round"),
    (907, "2021-06-05", "18:00", 77, 4, 2, 2, None, None, 39, 2020, """Promotion Play-offs - "B", 'Semi-finals' \\"""),
    (908, "2021-06-09", "18:00", 1, 77, 1, 0, 1, 1, 39, 2020, "REGULAR SEASON " + "x" * 85),
]
# Seasons that an earlier version of footlake loaded: the name of the rounds, and other matches.
OLDER: dict[str, tuple[str | None, list[tuple[Any, ...]]]] = {
    "unknown rounds": (None, []),
    "a regular season and more": ("Regular Season - {}", OTHER_ROUNDS),
    "no regular season": ("1st Phase - {}", OTHER_ROUNDS),
}


def with_missing_match() -> InventedCompetition:
    """A league without the fixture of a match that the table counts."""
    made = competitions.league()
    del made.fixtures[7]
    return made


def with_stale_table() -> InventedCompetition:
    """A table that counts the first half of the matches only."""
    made = competitions.league()
    made.tables = [made.rank(competitions.teams(6), made.fixtures[:15])]
    return made


def with_other_ids() -> InventedCompetition:
    """A club with two ids in the fixtures, another one with another id in the table, and one without fixtures."""
    made = competitions.league(8)
    for item in made.fixtures[:28]:
        for team in item["teams"].values():
            team["id"] = 7001 if team["id"] == 901 else team["id"]
    rows = {row["team"]["id"]: row for row in made.tables[0]}
    rows[902]["team"]["id"] = 7002
    made.tables[0].append({**copy.deepcopy(rows[903]), "rank": 9, "team": {"id": 5, "name": "Nowhere"}})
    return made


def with_defeat_of_both() -> InventedCompetition:
    """A played match that the league counts as lost by both teams."""
    made = competitions.league()
    item = made.fixtures[9]
    competitions.set_result(item, (1, 1))
    rest = [other for other in made.fixtures if other is not item]
    made.tables = [made.rank(competitions.teams(6), rest)]
    for row in made.tables[0]:
        if row["team"]["id"] in [team["id"] for team in item["teams"].values()]:
            competitions.count_result(row["all"], 0, 3)
            row["goalsDiff"] -= 3
    return made


def with_unknown_figures() -> InventedCompetition:
    """A table without goals, points and ranks."""
    made = competitions.league()
    for row in made.tables[0]:
        row["all"]["goals"] = {"for": None, "against": None}
        row["points"] = row["goalsDiff"] = row["rank"] = None
    return made


# Invented competitions, and the number of their matches that count in no table.
OFFICIAL: dict[str, tuple[Callable[[], InventedCompetition], int]] = {
    "deductions": (competitions.with_deductions, 0),
    "head to head": (competitions.head_to_head, 0),
    "groups and a ranking of the third": (competitions.group_tournament, 12),
    "conferences in a calendar year": (partial(competitions.conferences, overall=True), 2),
    "split": (competitions.split, 0),
    "split with half of the points": (partial(competitions.split, halved=True), 0),
    "split that counts later matches": (partial(competitions.split, counts_all=False), 0),
    "split that counts later matches and half": (partial(competitions.split, halved=True, counts_all=False), 0),
    "apertura and clausura": (partial(competitions.apertura_clausura, annual=True, averages=True), 4),
    "apertura and clausura in zones": (partial(competitions.apertura_clausura, annual=True, zones=True), 4),
    "relegation play-offs": (competitions.with_play_offs, 2),
    "match under two ids": (competitions.with_doubled_match, 0),
    "awarded without goals": (partial(competitions.with_award, "null"), 0),
    "awarded with 0-0": (partial(competitions.with_award, "zero"), 0),
    "awarded with 0-3": (partial(competitions.with_award, "three"), 0),
    "played and decided again": (partial(competitions.with_award, "silent"), 0),
    "cancelled and decided": (partial(competitions.with_award, "cancelled"), 0),
    "lost by both teams": (with_defeat_of_both, 0),
    "missing match": (with_missing_match, 0),
    "stale table": (with_stale_table, 15),
    "teams with other ids": (with_other_ids, 0),
    "unknown figures": (with_unknown_figures, 0),
}
COMPUTED: dict[str, tuple[Callable[[], InventedCompetition], int]] = {
    "without standings": (competitions.with_play_offs, 2),
    "groups without standings": (competitions.group_tournament, 12),
    "stages without standings": (competitions.apertura_clausura, 4),
    "an award without standings": (partial(competitions.with_award, "null"), 0),
}


class Loaded(NamedTuple):
    """A season in the database, and the records of which a test made it; None for a season of an earlier version."""

    league: int
    season: int
    records: ReportRecords | None = None


@dataclass
class StoredSeason:
    """A season as a report, and the rows of the SQL views."""

    report: SeasonReport
    table: list[dict[str, Any]]
    weeks: list[dict[str, Any]]
    outcomes: dict[int, tuple[float, ...]]
    loaded: Loaded

    def rows_of(self, table: TableReport) -> list[dict[str, Any]]:
        """Return the rows of a table in order."""
        return [row for row in self.table if row["table_number"] == table.number]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection to a database with the schema."""
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    try:
        server.set_master("admin", "a pass word")
        server.create_database("mysqldb")
        authorities = server.certificate.read_text()
        with database.connect(HOST, server.port, "admin", "a pass word", "mysqldb", authorities) as connection:
            database.apply_schema(connection)
            database.apply_schema(connection)
            yield connection
    finally:
        server.stop()


def read_back(connection: Connection, loaded: Loaded) -> StoredSeason:
    """Return the report and the rows of the views."""

    def select(query: str) -> list[dict[str, Any]]:
        with connection.cursor(DictCursor) as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    of_season = f"WHERE idleague = {loaded.league} AND season = {loaded.season}"
    order = "ORDER BY table_number, position IS NULL, position, CAST(team AS BINARY), idteam"
    return StoredSeason(
        build_report(read_season(connection, loaded.league, loaded.season)),
        select(f"SELECT * FROM expected_table {of_season} {order}"),
        select(f"SELECT * FROM team_weeks {of_season}"),
        {row["idfixture"]: tuple(row.values())[1:4] for row in select("SELECT * FROM outcomes")},
        loaded,
    )


@pytest.fixture(scope="module", params=[*OLDER, *OFFICIAL, *COMPUTED])
def stored(connection: Connection, request: pytest.FixtureRequest) -> StoredSeason:
    """A season that was stored and read back in a transaction, which leaves nothing in the database."""
    name = request.param
    with connection.cursor() as cursor:
        if name in OLDER:
            loaded = insert_older(cursor, *OLDER[name])
        else:
            build, _ = {**OFFICIAL, **COMPUTED}[name]
            loaded = insert_competition(cursor, build(), official=name in OFFICIAL)
    season = read_back(connection, loaded)
    connection.rollback()
    return season


def insert_older(cursor: Cursor, round_format: str | None, extra_rows: list[tuple[Any, ...]]) -> Loaded:
    """Insert the season of conftest.py, the extreme rows, and all teams but one."""
    rows = [
        fixture_row(match, 39, 2020, round_format and round_format.format(1 + match.id % 10)) for match in make_season()
    ]
    insert(cursor, "fixtures", COLUMNS, [*rows, *((*row, None) for row in EXTREME_ROWS), *extra_rows])
    insert_teams(cursor, TEAMS[:-1])
    return Loaded(39, 2020)


def insert_competition(cursor: Cursor, competition: InventedCompetition, official: bool) -> Loaded:
    """Insert a season as the Glue jobs load it: matches, teams, and the rows of the CSVs with its tables."""
    season = store_season(competition, official)
    key = (competition.league, competition.season)
    insert(cursor, "fixtures", COLUMNS, [fixture_row(match, *key, match.round) for match in season.records.matches])
    insert_teams(cursor, season.records.teams)
    for table, columns, rows in (
        ("league_tables", schemas.LEAGUE_TABLE_COLUMNS, season.rows.league_tables),
        ("standings", schemas.STANDINGS_COLUMNS, season.rows.standings),
        ("table_fixtures", schemas.TABLE_FIXTURE_COLUMNS, season.rows.table_fixtures),
        ("table_findings", schemas.TABLE_FINDING_COLUMNS, season.rows.table_findings),
    ):
        numbers = ["number"] if table == "table_findings" else []
        cells = [
            (*key, *([number] if numbers else []), *(row[column] or None for column in columns))
            for number, row in enumerate(rows, 1)
        ]
        insert(cursor, table, ("idleague", "season", *numbers, *columns), cells)
    return Loaded(*key, season.records)


def fixture_row(match: Match, league: int, season: int, round_name: str | None) -> tuple[Any, ...]:
    """Return a row of COLUMNS."""
    kickoff = match.kickoff
    when = (kickoff and kickoff.date(), kickoff and kickoff.time())
    result = (match.home, match.away, match.home_goals, match.away_goals, match.home_xg, match.away_xg)
    return (match.id, *when, *result, league, season, round_name)


def insert_teams(cursor: Cursor, teams: Iterable[Team]) -> None:
    insert(cursor, "teams", ("idteam", "code", "name"), [(team.id, team.code, team.name) for team in teams])


def insert(cursor: Cursor, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(f"`{column.lower()}`" for column in columns)
    cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})", rows)


def equals_rounded(sql: Any, other: str | int | float | None) -> bool:
    """Return whether a database value equals one in CSV or JSON, which are rounded to thousandths."""
    if other in (None, "") or sql in (None, ""):
        return other in (None, "") and sql in (None, "")
    if isinstance(sql, str | date):
        return str(sql) == str(other)
    return abs(float(sql) - float(other)) <= 0.00051


@pytest.mark.parametrize("stored", [*OFFICIAL, *COMPUTED], indirect=True)
def test_the_database_has_what_the_report_needs(stored: StoredSeason) -> None:
    assert stored.loaded.records
    assert stored.report == build_report(stored.loaded.records)


def test_every_column_of_the_tables_is_the_same_in_sql_and_csv_and_json(stored: StoredSeason) -> None:
    rows = list(csv.DictReader(io.StringIO(table_csv([stored.report]))))
    assert list(rows[0]) == list(stored.table[0])
    assert len(rows) == len(stored.table) > 2
    document = report_as_dict(stored.report)
    different = []
    for sql, row, plain in zip(stored.table, rows, document["table"], strict=True):
        different += [
            (sql["team"], name, sql[name], row[name]) for name in row if not equals_rounded(sql[name], row[name])
        ]
        expected = {
            f"expected_{name}" if name in ("position", "matches") else name: value
            for name, value in (plain.pop("expected") or {}).items()
        }
        in_json = {**document, **plain, **expected}
        different += [
            (sql["team"], name, sql[name], in_json[name])
            for name in sql
            if name in in_json and not equals_rounded(sql[name], in_json[name])
        ]
    assert different == []


def test_every_column_of_the_weeks_is_the_same_in_sql_and_csv_and_json(stored: StoredSeason) -> None:
    def key(row: dict[str, Any]) -> tuple[int, int, int]:
        return int(row["table_number"]), int(row["idteam"]), int(row["week"])

    rows = sorted(csv.DictReader(io.StringIO(weeks_csv([stored.report]))), key=key)
    in_json = sorted(report_as_dict(stored.report)["weeks"], key=key)
    in_sql = sorted(stored.weeks, key=key)
    assert list(rows[0]) == list(in_sql[0])
    assert len(in_sql) == len(rows) == len(in_json) > 5
    for sql, row, plain in zip(in_sql, rows, in_json, strict=True):
        assert all(equals_rounded(sql[name], row[name]) for name in row), (sql, row)
        assert all(equals_rounded(sql[name], plain[name]) for name in plain), (sql, plain)


@pytest.mark.parametrize(
    ("stored", "outside"),
    [
        *((name, 4 if name == "a regular season and more" else 0) for name in OLDER),
        *((name, outside) for name, (_, outside) in (OFFICIAL | COMPUTED).items()),
    ],
    indirect=["stored"],
)
def test_matches_outside_the_tables_are_not_counted_but_mentioned(stored: StoredSeason, outside: int) -> None:
    document = report_as_dict(stored.report)
    assert stored.report.outside_regular_season == document["outside_regular_season"] == outside
    # Those of a table that is behind are named below the table.
    is_stale = any(table.record.reconciled == "stale" for table in stored.report.tables)
    sentence = "Not counted: " if is_stale else f"{outside} match(es)? outside the (regular season|tables) (is|are) not"
    notes = [*document["notes"], *(note for table in document["tables"] for note in table["notes"])]
    assert bool(re.search(sentence, " ".join(notes))) == bool(outside)
    assert bool(re.search(sentence, render_page([stored.report]))) == bool(outside)


@pytest.mark.parametrize("stored", OLDER, indirect=True)
def test_an_older_lake_counts_regular_rounds_if_there_are_any(stored: StoredSeason) -> None:
    all_count = any(row["team"] == "team 77" for row in stored.table)
    assert all_count == (stored.report.last_match_date == date(2021, 6, 9))
    first = min(week["week_start"] for week in stored.weeks)
    assert all_count == (first == date(2020, 7, 31))
    listed = {match.idfixture for match in (*stored.report.luckiest, *stored.report.unluckiest)} & {905, 906, 907, 908}
    assert all_count or not listed
    assert {row["source"] for row in stored.table} == {"API-Football", "simulated"}
    assert stored.outcomes[900] == pytest.approx((0, 1, 0))
    assert stored.outcomes[901] == pytest.approx((1, 0, 0))
    assert 902 not in stored.outcomes


def test_the_probabilities_of_a_match_add_up_in_sql_too(stored: StoredSeason) -> None:
    assert len(stored.outcomes) > 4
    assert all(sum(outcome) == pytest.approx(1, abs=1e-12) for outcome in stored.outcomes.values())


@pytest.fixture(scope="module")
def tab(chromium: Browser) -> Iterator[Page]:
    with chromium.new_page() as tab:
        yield tab


def formatted(value: Any) -> str:
    return "–" if value is None else f"{value:z.1f}" if isinstance(value, float) else str(value)


def points(row: dict[str, Any]) -> str:
    """Return the text of points with a deduction."""
    adjusted = row["points_adjusted"]
    return f"{row['points']}, {-adjusted} deducted" if adjusted else formatted(row["points"])


def test_the_terminal_tables_show_the_sql_values(stored: StoredSeason) -> None:
    columns = {
        **{"#": "position", "Team": "team", "P": "played", "W": "won", "D": "drawn", "L": "lost", "GF": "goals_for"},
        **{"GA": "goals_against", "xGF": "xg_for", "xGA": "xg_against", "xPts": "xpoints"},
        **{"GF±": "goals_for_difference", "GA±": "goals_against_difference", "Pts±": "points_difference"},
    }
    for table in stored.report.tables:
        text = io.StringIO()
        Console(file=text, width=200).print(standings_table(table))
        lines = [re.split(r"\s{2,}", line.strip()) for line in text.getvalue().splitlines()]
        heading, rows = lines[0], [line for line in lines if re.fullmatch(r"\d+|–", line[0])]
        assert set(columns) == set(heading) - {"GD", "Pts"}
        for sql, row in zip(stored.rows_of(table), rows, strict=True):
            printed = dict(zip(heading, row, strict=True))
            assert printed["Pts"] == points(sql)
            for name, column in columns.items():
                assert printed[name].lstrip("+") == formatted(sql[column]), (sql["team"], name)


# Returns [team, its cells by their names] for each row of the tables on the page, and the last row of each panel.
SHOWN_ROWS = """() => [...document.querySelectorAll("table.league tbody tr")].map((row) => [
  [...row.querySelectorAll("th")].map((cell) => cell.textContent).join(),
  Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.name, cell.textContent])),
])"""
SHOWN_PANELS = """() => [...document.querySelectorAll(".panel")].map((panel) => [
  panel.dataset.team,
  [...[...panel.querySelectorAll("tbody tr")].at(-1).querySelectorAll("td")].map((cell) => cell.textContent),
])"""


def test_the_page_shows_the_sql_values(stored: StoredSeason, tab: Page) -> None:
    tab.set_content(render_page([stored.report]))
    for sql, (team, cells) in zip(stored.table, tab.evaluate(SHOWN_ROWS), strict=True):
        assert team == sql["team"]
        assert cells.pop("points") == points(sql)
        assert {"played", "xg_for", "xpoints", "expected_position"} <= set(cells)
        for name, text in cells.items():
            assert text.lstrip("+").replace("−", "-") == formatted(sql[name]), (team, name)
    several = len(stored.report.tables) > 1
    last = {
        f"{week['table_number']}-{week['idteam']}" if several else str(week["idteam"]): week
        for week in sorted(stored.weeks, key=lambda week: int(week["week"]))
    }
    panels = tab.evaluate(SHOWN_PANELS)
    assert sorted(key for key, _ in panels) == sorted(last)
    for key, texts in panels:
        assert [text.replace("−", "-").lstrip("+") for text in texts[1:]] == [
            formatted(last[key][name])
            for name in (
                *("played", "points", "xpoints", "points_difference"),
                *("goals_for_difference", "goals_against_difference"),
            )
        ]
