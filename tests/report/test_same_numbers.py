"""Compare terminal, CSV, JSON and HTML output with the SQL views, for seasons in a MariaDB database."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser
from pymysql.cursors import Cursor
from rich.console import Console

from footlake import database
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.report.mysql_reader import read_season
from footlake.report.page import render_page
from footlake.report.season import SeasonReport, build_report
from footlake.report.terminal import report_as_dict, standings_table, table_csv, weeks_csv

from .conftest import TEAMS, make_season

COLUMNS = (
    "idfixture, `date`, `time`, idhometeam, idawayteam, goalshometeam, goalsawayteam, xgoalshometeam, xgoalsawayteam,"
    " idleague, season, `round`"
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


@dataclass
class StoredSeason:
    """A season as a report, and the rows of the SQL views."""

    report: SeasonReport
    table: list[dict[str, Any]]
    weeks: list[dict[str, Any]]
    outcomes: dict[int, tuple[float, ...]]
    outside: int


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    try:
        server.set_master("admin", "a pass word")
        yield server
    finally:
        server.stop()


@pytest.fixture(
    scope="module",
    params=[
        (None, [], 0),
        ("Regular Season - {}", OTHER_ROUNDS, 4),
        ("1st Phase - {}", OTHER_ROUNDS, 0),
    ],
    ids=["unknown rounds", "a regular season and more", "no regular season"],
)
def stored(server: DatabaseServer, request: pytest.FixtureRequest) -> Iterator[StoredSeason]:
    round_format, extra_rows, outside = request.param
    server.create_database("mysqldb")
    authorities = server.certificate.read_text()
    with (
        database.connect(HOST, server.port, "admin", "a pass word", "mysqldb", authorities) as connection,
        connection.cursor() as cursor,
    ):
        database.apply_schema(connection)
        database.apply_schema(connection)
        insert_season(cursor, round_format, extra_rows)
        connection.commit()

        def select(query: str) -> list[dict[str, Any]]:
            cursor.execute(query)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        season = "WHERE idleague = 39 AND season = 2020"
        yield StoredSeason(
            build_report(read_season(connection, 39, 2020)),
            select(f"SELECT * FROM expected_table {season} ORDER BY position"),
            select(f"SELECT * FROM team_weeks {season}"),
            {row["idfixture"]: tuple(row.values())[1:4] for row in select("SELECT * FROM outcomes")},
            outside,
        )
        cursor.execute("DROP DATABASE mysqldb")


def insert_season(cursor: Cursor, round_format: str | None, extra_rows: list[tuple[Any, ...]]) -> None:
    """Insert the season of conftest.py, the extreme rows, and all teams but one."""
    rows = [
        (
            match.id,
            match.kickoff and match.kickoff.date(),
            match.kickoff and match.kickoff.time(),
            *(match.home, match.away, match.home_goals, match.away_goals, match.home_xg, match.away_xg),
            *(39, 2020, round_format and round_format.format(1 + match.id % 10)),
        )
        for match in make_season()
    ]
    rows += [(*row, None) for row in EXTREME_ROWS] + extra_rows
    placeholders = ", ".join(["%s"] * 12)
    cursor.executemany(f"INSERT INTO fixtures ({COLUMNS}) VALUES ({placeholders})", rows)
    teams = [(team.id, team.code, team.name) for team in TEAMS[:-1]]
    cursor.executemany("INSERT INTO teams VALUES (%s, %s, %s)", teams)


def equals_rounded(sql: Any, other: str | int | float | None) -> bool:
    """Return whether a database value equals one in CSV or JSON, which are rounded to thousandths."""
    if other in (None, "") or sql is None:
        return other in (None, "") and sql is None
    if isinstance(sql, str | date):
        return str(sql) == str(other)
    return abs(float(sql) - float(other)) <= 0.00051


def test_every_column_of_the_table_is_the_same_in_sql_and_csv(stored: StoredSeason) -> None:
    rows = list(csv.DictReader(io.StringIO(table_csv([stored.report]))))
    assert list(rows[0]) == list(stored.table[0])[: len(rows[0])]
    assert len(rows) == len(stored.table) > 4
    different = [
        (sql["team"], name, sql[name], row[name])
        for sql, row in zip(stored.table, rows, strict=True)
        for name in row
        if not equals_rounded(sql[name], row[name])
    ]
    assert different == []
    assert {row["source"] for row in rows} == {"API-Football", "simulated"}


def test_every_column_of_the_weeks_is_the_same_in_sql_and_csv_and_json(stored: StoredSeason) -> None:
    def key(row: dict[str, Any]) -> tuple[int, int]:
        return int(row["idteam"]), int(row["week"])

    rows = sorted(csv.DictReader(io.StringIO(weeks_csv([stored.report]))), key=key)
    in_json = sorted(report_as_dict(stored.report)["weeks"], key=key)
    in_sql = sorted(stored.weeks, key=key)
    assert list(rows[0]) == list(in_sql[0])[: len(rows[0])]
    assert len(in_sql) == len(rows) == len(in_json) > 20
    for sql, row, plain in zip(in_sql, rows, in_json, strict=True):
        assert all(equals_rounded(sql[name], row[name]) for name in row)
        assert all(equals_rounded(sql[name], plain[name]) for name in plain)


def test_matches_outside_the_regular_season_are_not_counted_but_mentioned(
    stored: StoredSeason,
) -> None:
    assert (
        stored.report.outside_regular_season
        == report_as_dict(stored.report)["outside_regular_season"]
        == stored.outside
    )
    all_count = any(row["team"] == "team 77" for row in stored.table)
    assert all_count == (stored.report.last_match_date == date(2021, 6, 9))
    first = min(week["week_start"] for week in stored.weeks)
    assert all_count == (first == date(2020, 7, 31))
    listed = {match.idfixture for match in (*stored.report.luckiest, *stored.report.unluckiest)} & {905, 906, 907, 908}
    assert all_count or not listed
    text = io.StringIO()
    Console(file=text, width=80).print(standings_table(stored.report.tables[0], note="\n".join(stored.report.notes)))
    sentence = "4 matches outside the regular season are not counted."
    assert (sentence in text.getvalue()) == (sentence in render_page([stored.report])) == bool(stored.outside)


def test_the_probabilities_of_a_match_add_up_in_sql_too(stored: StoredSeason) -> None:
    assert len(stored.outcomes) > 15
    assert all(sum(outcome) == pytest.approx(1, abs=1e-12) for outcome in stored.outcomes.values())
    assert stored.outcomes[900] == pytest.approx((0, 1, 0))
    assert stored.outcomes[901] == pytest.approx((1, 0, 0))
    assert 902 not in stored.outcomes


def formatted(value: Any) -> str:
    return "–" if value is None else f"{value:z.1f}" if isinstance(value, float) else str(value)


def test_the_terminal_table_shows_the_sql_values(stored: StoredSeason) -> None:
    text = io.StringIO()
    Console(file=text, width=200).print(standings_table(stored.report.tables[0]))
    lines = [re.split(r"\s{2,}", line.strip()) for line in text.getvalue().splitlines()]
    heading, rows = lines[0], [line for line in lines if line[0].isdigit()]
    columns = {
        **{"#": "position", "Team": "team", "P": "played", "W": "won", "D": "drawn", "L": "lost", "GF": "goals_for"},
        **{"GA": "goals_against", "Pts": "points", "xGF": "xg_for", "xGA": "xg_against", "xPts": "xpoints"},
        **{"GF±": "goals_for_difference", "GA±": "goals_against_difference", "Pts±": "points_difference"},
    }
    assert set(columns) == set(heading) - {"GD"}
    for sql, row in zip(stored.table, rows, strict=True):
        printed = dict(zip(heading, row, strict=True))
        for name, column in columns.items():
            assert printed[name].lstrip("+") == formatted(sql[column]), (sql["team"], name)


def test_the_page_shows_the_sql_values(stored: StoredSeason, chromium: Browser) -> None:
    tab = chromium.new_page()
    tab.set_content(render_page([stored.report]))
    for sql, row in zip(stored.table, tab.locator("table.league tbody tr").all(), strict=True):
        assert row.locator("th").text_content() == sql["team"]
        cells = {one.get_attribute("data-name"): one.text_content() or "" for one in row.locator("td").all()}
        assert {"played", "points", "xg_for", "xpoints", "expected_position"} <= set(cells)
        for name, text in cells.items():
            assert text.lstrip("+").replace("−", "-") == formatted(sql[str(name)]), (sql["team"], name)
    last = {week["idteam"]: week for week in sorted(stored.weeks, key=lambda week: week["week"])}
    for team_id, week in last.items():
        texts = tab.locator(f'.panel[data-team="{team_id}"] tbody tr').last.locator("td").all_text_contents()
        assert [text.replace("−", "-").lstrip("+") for text in texts[1:]] == [
            formatted(week[name])
            for name in (
                *("played", "points", "xpoints", "points_difference"),
                *("goals_for_difference", "goals_against_difference"),
            )
        ]
