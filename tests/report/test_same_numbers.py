"""Text, page and SQL say the same: a season in a real database, told three ways."""

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
from rich.console import Console

from footlake import database
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.report.matches import read_matches, read_teams
from footlake.report.page import page
from footlake.report.season import SeasonReport, build_report
from footlake.report.terminal import document, render, table_csv, weeks_csv

from .conftest import TEAMS, season

COLUMNS = (
    "idfixture, `date`, `time`, idhometeam, idawayteam, goalshometeam, goalsawayteam, xgoalshometeam, xgoalsawayteam,"
    " idleague, season, `round`"
)
# The extremes that the columns can hold, and a match that is not finished.
ODD = [
    (900, "2020-08-17", "12:00", 1, 2, 0, 0, 0, 0, 39, 2020),
    (901, "2020-08-18", "23:59", 3, 4, 9, 0, 99.999, 0.001, 39, 2020),
    (902, "2021-01-05", "00:00", 5, 1, 3, 0, 1.5, None, 39, 2020),
    (903, "2021-01-06", "00:00", 5, 1, None, None, None, None, 39, 2020),
    (904, "2021-01-06", "00:00", 77, 1, 1, 1, 1, 1, 140, 2020),
]
# What API-Football has beside a league: before its first week and after its last, with a team of another division.
BESIDE = [
    (905, "2020-08-01", "14:00", 3, 2, 4, 0, 2.5, 0.5, 39, 2020, "Preliminary Round"),
    (906, "2021-06-01", "18:00", 4, 77, 0, 5, 0.125, 3.875, 39, 2020, "Relegation Round"),
    (907, "2021-06-05", "18:00", 77, 4, 2, 2, None, None, 39, 2020, """Promotion Play-offs - "B", 'Semi-finals' \\"""),
    (908, "2021-06-09", "18:00", 1, 77, 1, 0, 1, 1, 39, 2020, "REGULAR SEASON " + "x" * 85),
]


@dataclass
class Told:
    """The season as the database's views and as the report tell it."""

    report: SeasonReport
    table: list[dict[str, Any]]
    weeks: list[dict[str, Any]]
    outcomes: dict[int, tuple[float, ...]]
    outside: int


@pytest.fixture(
    scope="module",
    params=[(None, [], 0), ("Regular Season - {}", BESIDE, 4), ("1st Phase - {}", BESIDE, 0)],
    ids=["unknown rounds", "a regular season and more", "no regular season"],
)
def told(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Told]:
    name, beside, outside = request.param
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    try:
        server.set_master("admin", "a pass word")
        server.create_database("mysqldb")
        authorities = server.certificate.read_text()
        connection = database.connect(HOST, server.port, "admin", "a pass word", "mysqldb", authorities)
        database.apply_schema(connection)
        database.apply_schema(connection)
        with connection, connection.cursor() as cursor:
            rows = [
                (
                    one.id,
                    one.kickoff and one.kickoff.date(),
                    one.kickoff and one.kickoff.time(),
                    *(one.home, one.away, one.home_goals, one.away_goals, one.home_xg, one.away_xg),
                    *(39, 2020, name and name.format(1 + one.id % 10)),
                )
                for one in season()
            ]
            rows += [(*one, None) for one in ODD] + beside
            marks = ", ".join(["%s"] * 12)
            cursor.executemany(f"INSERT INTO fixtures ({COLUMNS}) VALUES ({marks})", rows)
            named = [(team.id, team.code, team.name) for team in TEAMS[:4]]  # one has no name
            cursor.executemany("INSERT INTO teams VALUES (%s, %s, %s)", named)
            connection.commit()

            def asked(query: str) -> list[dict[str, Any]]:
                cursor.execute(query)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

            where = "WHERE idleague = 39 AND season = 2020"
            matches = read_matches(connection, 39, 2020)
            yield Told(
                build_report(39, 2020, matches, read_teams(connection)),
                asked(f"SELECT * FROM expected_table {where} ORDER BY position"),
                asked(f"SELECT * FROM team_weeks {where}"),
                {one["idfixture"]: tuple(one.values())[1:4] for one in asked("SELECT * FROM outcomes")},
                outside,
            )
    finally:
        server.stop()


def same(sql: Any, other: str | int | float | None) -> bool:
    """Whether a value of the database is that of a CSV or of JSON, which round to thousandths."""
    if other in (None, "") or sql is None:
        return other in (None, "") and sql is None
    if isinstance(sql, str | date):
        return str(sql) == str(other)
    return abs(float(sql) - float(other)) <= 0.00051


def test_every_column_of_the_table_is_the_same_in_sql_and_csv(told: Told) -> None:
    rows = list(csv.DictReader(io.StringIO(table_csv([told.report]))))
    assert list(rows[0]) == list(told.table[0])
    assert len(rows) == len(told.table) > 4
    different = [
        (sql["team"], name, sql[name], row[name])
        for sql, row in zip(told.table, rows, strict=True)
        for name in sql
        if not same(sql[name], row[name])
    ]
    assert different == []


def test_every_column_of_the_weeks_is_the_same_in_sql_and_csv_and_json(told: Told) -> None:
    def key(row: dict[str, Any]) -> tuple[int, int]:
        return int(row["idteam"]), int(row["week"])

    rows = sorted(csv.DictReader(io.StringIO(weeks_csv([told.report]))), key=key)
    in_json = sorted(document(told.report)["weeks"], key=key)
    in_sql = sorted(told.weeks, key=key)
    assert list(rows[0]) == list(in_sql[0])
    assert len(in_sql) == len(rows) == len(in_json) > 20
    for sql, row, plain in zip(in_sql, rows, in_json, strict=True):
        assert all(same(sql[name], row[name]) for name in sql)
        assert all(same(sql[name], plain[name]) for name in plain)


def test_matches_outside_the_regular_season_are_counted_nowhere_and_told_where_there_is_one(told: Told) -> None:
    assert told.report.outside == document(told.report)["outside_regular_season"] == told.outside
    all_count = any(row["team"] == "team 77" for row in told.table)
    assert all_count == (told.report.latest == date(2021, 6, 9))
    first = min(week["week_start"] for week in told.weeks)
    assert all_count == (first == date(2020, 7, 28))
    beside = {one.idfixture for one in (*told.report.luckiest, *told.report.unluckiest)} & {905, 906, 907, 908}
    assert all_count or not beside
    text = io.StringIO()
    Console(file=text, width=80).print(render(told.report.rows, note=told.report.left_out))
    sentence = "4 matches outside the regular season are not counted."
    assert (sentence in text.getvalue()) == (sentence in page([told.report])) == bool(told.outside)


def test_the_probabilities_of_a_match_add_up_in_sql_too(told: Told) -> None:
    assert len(told.outcomes) > 15
    assert all(sum(outcome) == pytest.approx(1, abs=1e-12) for outcome in told.outcomes.values())
    assert told.outcomes[900] == pytest.approx((0, 1, 0))
    assert told.outcomes[901] == pytest.approx((1, 0, 0))
    assert 902 not in told.outcomes


def shown(value: Any) -> str:
    return "–" if value is None else f"{value:z.1f}" if isinstance(value, float) else str(value)


def test_the_text_shows_what_sql_says(told: Told) -> None:
    text = io.StringIO()
    Console(file=text, width=200).print(render(told.report.rows))
    lines = [re.split(r"\s{2,}", line.strip()) for line in text.getvalue().splitlines()]
    heading, rows = lines[0], [line for line in lines if line[0].isdigit()]
    columns = {
        **{"#": "position", "Team": "team", "P": "played", "W": "won", "D": "drawn", "L": "lost", "GF": "goals_for"},
        **{"GA": "goals_against", "Pts": "points", "xGF": "xg_for", "xGA": "xg_against", "xPts": "xpoints"},
        **{"GF±": "goals_for_difference", "GA±": "goals_against_difference", "Pts±": "points_difference"},
    }
    assert set(columns) == set(heading) - {"GD"}
    for sql, row in zip(told.table, rows, strict=True):
        printed = dict(zip(heading, row, strict=True))
        for name, column in columns.items():
            assert printed[name].lstrip("+") == shown(sql[column]), (sql["team"], name)


def test_the_page_shows_what_sql_says(told: Told, chromium: Browser) -> None:
    tab = chromium.new_page()
    tab.set_content(page([told.report]))
    for sql, row in zip(told.table, tab.locator("table.league tbody tr").all(), strict=True):
        assert row.locator("th").text_content() == sql["team"]
        cells = {one.get_attribute("data-name"): one.text_content() or "" for one in row.locator("td").all()}
        assert {"played", "points", "xg_for", "xpoints", "expected_position"} <= set(cells)
        for name, text in cells.items():
            assert text.lstrip("+").replace("−", "-") == shown(sql[str(name)]), (sql["team"], name)
    last = {week["idteam"]: week for week in sorted(told.weeks, key=lambda week: week["week"])}
    for id, week in last.items():
        cells = tab.locator(f'.panel[data-team="{id}"] tbody tr').last.locator("td").all_text_contents()
        assert [text.replace("−", "-").lstrip("+") for text in cells[1:]] == [
            shown(week[name])
            for name in (
                *("played", "points", "xpoints", "points_difference"),
                *("goals_for_difference", "goals_against_difference"),
            )
        ]
