"""load-mysql migrates the tables and views of a version that loaded no standings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor

from footlake.database import split_statements
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.lake import s3_keys, schemas
from footlake.lake.tables import write_table
from tests.conftest import Cli
from tests.glue.season_csvs import COLUMNS, build_rows, move_to_league, season_of
from tests.support import competitions
from tests.support.competitions import InventedCompetition

pytestmark = pytest.mark.thorough  # make proof

OLD_SCHEMA = Path(__file__).parent / "support" / "schema_without_standings.sql"
VIEWS = {
    "expected_table": "idleague, season, position",
    "team_matches": "idfixture, idteam",
    "league_fixtures": "idfixture",
    "outcomes": "idfixture",
}
NEW_TABLES = ("league_tables", "standings", "table_fixtures", "table_findings")
FIXTURE_COLUMNS = (
    "idfixture, idhometeam, idawayteam, `date`, `time`, goalshometeam, goalsawayteam, xgoalshometeam, xgoalsawayteam,"
    " idleague, season, `round`"
)
Rows = list[dict[str, Any]]


class OldLake:
    """A lake with two seasons, and what its MySQL tables and views had before the migration."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.s3, self.bucket = (lake := cli.lake()).client("s3"), lake.config.bucket
        self.split = move_to_league(competitions.split(), 179)
        self.play_offs = move_to_league(competitions.with_play_offs(), 78)
        with self.cursor() as cursor:
            for view in ("table_matches", "fixtures_without_tables", "expected_tables"):
                cursor.execute(f"DROP VIEW IF EXISTS {view}")
            for table in ("fixtures", "loaded_parts", "teams", *NEW_TABLES):
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in split_statements(OLD_SCHEMA.read_text()):
                cursor.execute(statement)
            cursor.execute("INSERT INTO teams VALUES (901, 'ALP', 'Alpha')")
        for made in (self.split, self.play_offs):
            self.load_as_before(made)
        self.fixtures = self.rows("fixtures", "idfixture")
        self.views = {view: self.rows(view, order) for view, order in VIEWS.items()}

    def cursor(self) -> Any:
        """Return a cursor of a new connection that commits by itself."""
        where = self.cli.json("local", "status")["mysql"]
        return closing(pymysql.connect(**where, ssl={"check_hostname": False}, autocommit=True).cursor())

    def rows(self, table: str, order: str) -> Rows:
        with self.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} ORDER BY {order}")
            names = [column[0] for column in cursor.description]
            # A sum of floating point numbers depends on their order.
            rows = [[round(cell, 9) if isinstance(cell, float) else cell for cell in row] for row in cursor.fetchall()]
            return [dict(zip(names, row, strict=True)) for row in rows]

    def load_as_before(self, made: InventedCompetition) -> None:
        """Store fixtures and xG in the lake and in MySQL, as the earlier version did."""
        parts = defaultdict(list)
        for fixture in parse_fixtures(made.fixtures)[0]:
            parts[s3_keys.part_of(season_of(made), fixture.id)].append(fixture)
        with self.cursor() as cursor:
            for part, fixtures in parts.items():
                self.put(s3_keys.fixtures(part), write_table(schemas.FIXTURE_COLUMNS, [f.row for f in fixtures]))
                for side in ("home", "away"):
                    team = {f.id: getattr(f, side).id for f in fixtures}
                    xg = "".join(f"{f.id},{team[f.id]},{f.id % 7 / 4 + 0.25}\n" for f in fixtures if f.id % 5)
                    self.put(s3_keys.predictions(part, side), xg)
                insert(cursor, fixtures)
                cursor.execute("INSERT INTO loaded_parts VALUES (%s, %s)", (part, datetime(2026, 1, 1)))

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())


def insert(cursor: Cursor, fixtures: list[Fixture]) -> None:
    for f in fixtures:
        xg = [f.id % 7 / 4 + 0.25 if f.id % 5 else None] * 2
        values = (f.id, f.home.id, f.away.id, f.kickoff.date(), f.kickoff.time(), f.goals_home, f.goals_away, *xg)
        cursor.execute(
            f"INSERT INTO fixtures ({FIXTURE_COLUMNS}) VALUES ({', '.join(['%s'] * 12)})", (*values, *f.season, f.round)
        )


@pytest.fixture(scope="module")
def migrated(cli: Cli) -> Iterator[OldLake]:
    cli.json("local", "start")
    cli.json("bootstrap")
    cli.json("load-mysql")
    lake = OldLake(cli)
    with pytest.raises(pymysql.ProgrammingError), lake.cursor() as cursor:
        cursor.execute("SELECT * FROM standings")
    cli.json("load-mysql")
    yield lake


def test_the_new_tables_exist_and_the_old_rows_stay(migrated: OldLake) -> None:
    assert [migrated.rows(table, "idleague") for table in NEW_TABLES] == [[], [], [], []]
    assert migrated.fixtures and migrated.rows("fixtures", "idfixture") == migrated.fixtures
    assert {"idteam": 901, "code": "ALP", "name": "Alpha"} in migrated.rows("teams", "idteam")


@pytest.mark.parametrize("view", VIEWS)
def test_a_season_without_tables_has_the_same_numbers_in_the_same_columns(migrated: OldLake, view: str) -> None:
    before, after = migrated.views[view], migrated.rows(view, VIEWS[view])
    assert before and len(before) == len(after)
    assert [*after[0]][: len(before[0])] == [*before[0]]
    assert [{name: row[name] for name in before[0]} for row in after] == before


def test_a_season_without_tables_is_labelled_unofficial(migrated: OldLake) -> None:
    rows = migrated.rows("expected_table", "idleague")
    assert {(row["official"], row["table_number"], row["points_adjusted"]) for row in rows} == {(0, 1, 0)}
    weeks = migrated.rows("team_weeks", "week")
    points = {(row["idleague"], row["idteam"]): row["points"] for row in weeks}
    assert points == {(row["idleague"], row["idteam"]): row["points"] for row in rows}


def test_tables_that_arrive_later_take_the_place_of_the_computed_one(migrated: OldLake) -> None:
    computed = [row for row in migrated.rows("expected_table", "position") if row["idleague"] == 78]
    for (key, columns), csv_rows in zip(COLUMNS.items(), build_rows(migrated.split), strict=True):
        migrated.put(key(season_of(migrated.split)), write_table(columns, csv_rows))
    migrated.cli.json("load-mysql")
    rows = migrated.rows("expected_table", "table_number, position")
    official = [(row["table_name"], row["idteam"], row["points"]) for row in rows if row["official"]]
    current = [row for table in migrated.split.tables[1:] for row in table]
    assert official == [(row["group"], row["team"]["id"], row["points"]) for row in current]
    assert [row for row in rows if row["idleague"] == 78] == computed
