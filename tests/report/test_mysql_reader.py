"""Read the records of a season from a MariaDB database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import pytest
from pymysql.connections import Connection

from footlake.database import apply_schema, connect
from footlake.errors import NotReady
from footlake.lake.s3_keys import Season
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.local.football.simulated_leagues import LEAGUES
from footlake.local.football.simulator import YEARS, Simulator, is_simulated
from footlake.report.matches import Match, Team
from footlake.report.mysql_reader import read_season
from footlake.report.season import build_report
from footlake.report.season_records import ReportRecords

FIXTURES = (
    "INSERT INTO fixtures (idfixture, idhometeam, idawayteam, `date`, `time`, goalshometeam, goalsawayteam,"
    " xgoalshometeam, xgoalsawayteam, idleague, season, `round`)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    server.set_master("admin", "a-password")
    yield server
    server.stop()


@pytest.fixture
def connection(server: DatabaseServer) -> Iterator[Connection]:
    server.create_database("lake")
    with connect(HOST, server.port, "admin", "a-password", "lake", server.certificate.read_text()) as connection:
        yield connection
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE lake")


def test_matches_of_one_season_come_in_order_with_unrounded_xg(connection: Connection) -> None:
    apply_schema(connection)
    with connection.cursor() as cursor:
        cursor.executemany(
            FIXTURES,
            [
                (2, 40, 42, "2020-09-28", "19:00:00", 3, 1, "2.125", "0.875", 39, 2020, "Regular Season - 3"),
                (1, 36, 42, "2020-09-12", "11:30:00", 0, 3, None, None, 39, 2020, None),
                (3, 40, 42, "2019-09-12", "11:30:00", 0, 3, None, None, 39, 2019, None),
                (4, 40, 42, "2020-09-12", "11:30:00", 0, 3, None, None, 140, 2020, None),
                (5, 40, 42, "2020-10-12", "11:30:00", None, None, None, None, 39, 2020, None),
            ],
        )
    assert read_season(connection, 39, 2020).matches == [
        Match(1, datetime(2020, 9, 12, 11, 30), 36, 42, 0, 3),
        Match(2, datetime(2020, 9, 28, 19, 0), 40, 42, 3, 1, 2.125, 0.875, "Regular Season - 3"),
    ]


def test_teams_may_lack_a_code(connection: Connection) -> None:
    apply_schema(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO teams (idteam, code, name) VALUES (40, 'LIV', 'Liverpool'), (35, NULL, 'Bournemouth')"
        )
    assert read_season(connection, 39, 2020).teams == [Team(35, None, "Bournemouth"), Team(40, "LIV", "Liverpool")]


def test_a_database_without_tables_is_not_ready(connection: Connection) -> None:
    with pytest.raises(NotReady) as missing:
        read_season(connection, 39, 2020)
    assert "load-mysql" in missing.value.hint


def test_tables_without_the_round_column_are_not_ready_until_the_schema_is_applied(
    connection: Connection,
) -> None:
    apply_schema(connection)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE fixtures DROP COLUMN `round`, DROP COLUMN source")
        cursor.execute(
            "INSERT INTO fixtures (idfixture, idhometeam, idawayteam, goalshometeam, goalsawayteam, idleague, season)"
            " VALUES (1, 36, 42, 0, 3, 39, 2020)"
        )
    with pytest.raises(NotReady, match="earlier version of footlake") as outdated:
        read_season(connection, 39, 2020)
    assert "load-mysql" in outdated.value.hint
    apply_schema(connection)
    apply_schema(connection)
    assert read_season(connection, 39, 2020).matches == [Match(1, None, 36, 42, 0, 3)]
    with connection.cursor() as cursor:
        cursor.execute("SHOW COLUMNS FROM fixtures")
        assert [row[:2] for row in cursor.fetchall()[-2:]] == [("round", "varchar(100)"), ("source", "varchar(12)")]


def test_a_database_without_tables_of_seasons_has_a_computed_table(connection: Connection) -> None:
    apply_schema(connection)
    row = (1, 40, 42, "2020-09-28", "19:00:00", 3, 1, "2.125", "0.875", 39, 2020, None)
    with connection.cursor() as cursor:
        cursor.execute(FIXTURES, row)
        cursor.execute("DROP TABLE league_tables, standings, table_fixtures, table_findings")
    records = read_season(connection, 39, 2020)
    assert (records.tables, records.standings, records.counted, records.findings) == ([], [], [], [])
    [table] = build_report(records).tables
    assert not table.record.official
    assert [(row.team.name, row.points) for row in table.rows] == [("team 40", 3), ("team 42", 0)]


def simulated_ids() -> list[tuple[int, int, int]]:
    """Return the first and the last fixture of some seasons of every simulated league: id, league, season."""
    end = datetime(YEARS[-1] + 2, 1, 1, tzinfo=UTC)
    ids = []
    for league, year in product(LEAGUES, (YEARS[0], 2020, YEARS[-1])):
        season = sorted(fixture["fixture"]["id"] for fixture in Simulator().fixtures(league, year, end))
        ids += [(season[0], league, year), (season[-1], league, year)]
    return ids


def test_the_source_of_a_fixture_follows_from_its_id(connection: Connection) -> None:
    apply_schema(connection)
    # Also an id that would be a simulated one of league 1, and ids that are simulated ones of another season or league.
    real = [(592141, 39, 2020), (1_026_001, 1, 2026), (39_020_001, 39, 2021), (140_020_001, 39, 2020)]
    simulated = simulated_ids()
    assert all(is_simulated(Season(league, year), fixture_id) for fixture_id, league, year in simulated)
    insert = (
        "REPLACE INTO fixtures (idfixture, idleague, season, idhometeam, idawayteam, goalshometeam, goalsawayteam)"
        " VALUES (%s, %s, %s, 1, 2, 0, 0)"
    )
    for rows, source in ((simulated, "simulated"), (real, "API-Football")):
        with connection.cursor() as cursor:
            cursor.executemany(insert, rows)
            cursor.execute("SELECT source, COUNT(*) FROM fixtures GROUP BY source")
            assert cursor.fetchall() == ((source, len(rows)),)
            cursor.execute("DELETE FROM fixtures")


@pytest.mark.parametrize(
    ("rounds", "counted"),
    [
        (["Regular Season - 1", "Relegation Round", "Final", None], [0, 3]),
        (["Regular Season - 1", "regular season - 2", "A Regular Season - 3", ""], [0]),
        (["Apertura - 1", "Apertura - Final", None], [0, 1, 2]),
        (["1st Phase - 3", "League Stage - 2", "Championship Round - 1"], [0, 1, 2]),
        ([None, None], [0, 1]),
        ([], []),
    ],
)
def test_only_the_regular_season_counts_where_there_is_one(rounds: list[str | None], counted: list[int]) -> None:
    matches = [Match(number, None, 1, 2, 0, 10**number, round=name) for number, name in enumerate(rounds)]
    report = build_report(ReportRecords(39, 2020, matches, []))
    assert sum(row.goals_against or 0 for row in report.rows[-1:]) == sum(10**number for number in counted)
    assert report.outside_regular_season == len(rounds) - len(counted)
