"""Reading matches and teams out of a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from pymysql.connections import Connection

from footlake.database import apply_schema, connect
from footlake.errors import NotReady
from footlake.local.mysql import HOST, Server
from footlake.report.matches import Match, Team, read_matches, read_teams

FIXTURES = (
    "INSERT INTO fixtures (idfixture, idhometeam, idawayteam, `date`, `time`, goalshometeam, goalsawayteam,"
    " xgoalshometeam, xgoalsawayteam, idleague, season) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mysql"))
    server.start()
    server.set_master("admin", "a-password")
    yield server
    server.stop()


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
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
                (2, 40, 42, "2020-09-28", "19:00:00", 3, 1, "2.125", "0.875", 39, 2020),
                (1, 36, 42, "2020-09-12", "11:30:00", 0, 3, None, None, 39, 2020),
                (3, 40, 42, "2019-09-12", "11:30:00", 0, 3, None, None, 39, 2019),
                (4, 40, 42, "2020-09-12", "11:30:00", 0, 3, None, None, 140, 2020),
                (5, 40, 42, "2020-10-12", "11:30:00", None, None, None, None, 39, 2020),
            ],
        )
    assert read_matches(connection, 39, 2020) == [
        Match(1, datetime(2020, 9, 12, 11, 30), 36, 42, 0, 3),
        Match(2, datetime(2020, 9, 28, 19, 0), 40, 42, 3, 1, 2.125, 0.875),
    ]


def test_teams_may_lack_a_code(connection: Connection) -> None:
    apply_schema(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO teams (idteam, code, name) VALUES (40, 'LIV', 'Liverpool'), (35, NULL, 'Bournemouth')"
        )
    assert read_teams(connection) == [Team(35, None, "Bournemouth"), Team(40, "LIV", "Liverpool")]


def test_a_database_without_tables_says_what_comes_first(connection: Connection) -> None:
    with pytest.raises(NotReady) as missing:
        read_matches(connection, 39, 2020)
    assert "load-mysql" in missing.value.hint
