"""mysqldbingestion loads the tables of seasons: official tables, standings, the fixtures they count, and findings."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date

import pytest

from footlake.football.table_rows import SeasonFindings
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season
from tests.glue.conftest import AUTHORITIES, LakeBucket, Mysql
from tests.glue.season_csvs import COLUMNS, build_rows, move_to_league, season_of, store_fixtures, store_tables
from tests.support import competitions
from tests.support.competitions import InventedCompetition

CONNECTION = {"connection": "mysqldbconnection", "ca": f"s3://{AUTHORITIES}/rds-ca.pem"}
LEAGUE = Season(39, 2023)
SEASON_TABLES = ("league_tables", "standings", "table_fixtures", "table_findings")
UNCHANGED = "mysqldbingestion: 0 parts loaded: none changed since the last load"


def load(lake: LakeBucket) -> str:
    return lake.aws.summary("mysqldbingestion", lake.name, **CONNECTION)


def fail(lake: LakeBucket) -> str:
    """Run the job, which must fail, and return its error."""
    run = lake.aws.run("mysqldbingestion", lake.name, **CONNECTION)
    assert run["JobRunState"] == "FAILED"
    return str(run["ErrorMessage"])


def count_rows(mysql: Mysql, season: Season) -> dict[str, int]:
    condition = f"WHERE idleague = {season.league} AND season = {season.year}"
    return {table: mysql.ask(f"SELECT COUNT(*) FROM {table} {condition}")[0][0] for table in SEASON_TABLES}


def edit(lake: LakeBucket, key: str, row: int, **cells: object) -> None:
    """Change cells of a row of a CSV; a text of another type replaces the cell."""
    rows = lake.rows(key)
    rows[row] |= {column: str(cell) for column, cell in cells.items()}
    lake.put_csv(key, list(rows[0]), [[*row.values()] for row in rows])


@pytest.fixture
def made(lake: LakeBucket) -> InventedCompetition:
    made = competitions.with_deductions()
    store_tables(lake, made, SeasonFindings({7: "Fixture 7 is gone."}, Counter({"XYZ": 2})))
    return made


def test_all_cells_of_the_csvs_are_in_mysql(lake: LakeBucket, mysql: Mysql, made: InventedCompetition) -> None:
    assert load(lake).splitlines()[-1] == "mysqldbingestion: tables of 1 season loaded, 123 rows"
    for (key, columns), table in zip(COLUMNS.items(), SEASON_TABLES, strict=True):
        names = ", ".join(f"`{column.lower()}`" for column in columns)
        stored = [
            tuple("" if cell is None else str(cell) for cell in row)
            for row in mysql.ask(f"SELECT {names} FROM {table} WHERE idleague = 39 AND season = 2023")
        ]
        assert sorted(stored) == sorted(tuple(row.values()) for row in lake.rows(key(LEAGUE)))
    assert (
        mysql.ask("SELECT number, finding, tablenumber, idfixture FROM table_findings ORDER BY number")
        == [
            (1, "withdrawn", None, 7),
            (2, "unknown status", None, None),
            (3, "omitted", 1, 39008),
        ][:2]
    )


def test_empty_cells_are_null_and_dates_are_dates(lake: LakeBucket, mysql: Mysql, made: InventedCompetition) -> None:
    edit(lake, s3_keys.league_tables(LEAGUE), 0, countedUntil="2024-02-29", country="", competition="")
    edit(lake, s3_keys.standings(LEAGUE), 0, rank="", points="", played="", form="", updated="", idTeamStandings="")
    load(lake)
    assert mysql.ask("SELECT counteduntil, country, competition, carryover FROM league_tables") == [
        (date(2024, 2, 29), None, None, None)
    ]
    team = lake.rows(s3_keys.standings(LEAGUE))[0]["idTeam"]
    columns = "`rank`, points, played, form, updated, idteamstandings"
    assert mysql.ask(f"SELECT {columns} FROM standings WHERE idteam = {team}") == [(None,) * 6]
    assert mysql.ask(f"SELECT position, points, played FROM expected_table WHERE idteam = {team}") == [(None,) * 3]


def test_a_season_that_did_not_change_is_not_loaded_again(
    lake: LakeBucket, mysql: Mysql, made: InventedCompetition
) -> None:
    other = competitions.league(season=2022)
    store_tables(lake, other)
    # Objects that were written in the last two seconds are loaded again: S3 timestamps have a resolution of one second.
    assert UNCHANGED in [load(lake) for _ in range(5)]
    mysql.ask("UPDATE standings SET points = 99")
    mysql.ask("UPDATE loaded_parts SET modified = modified - INTERVAL 2 HOUR WHERE part LIKE '%39-2023'")
    edit(lake, s3_keys.standings(LEAGUE), 0, form="LLLLL")
    assert "tables of 1 season loaded" in load(lake)
    assert mysql.ask("SELECT MAX(points) FROM standings WHERE season = 2022") == [(99,)]
    assert mysql.ask("SELECT MAX(points) < 99, MIN(form) FROM standings WHERE season = 2023") == [(1, "LLLLL")]


def test_a_changed_season_replaces_all_its_rows(lake: LakeBucket, mysql: Mysql, made: InventedCompetition) -> None:
    """Another number of tables, other teams, fewer findings: nothing of the old season is left."""
    load(lake)
    changed = competitions.split()
    changed.league, changed.season = LEAGUE
    store_tables(lake, changed)
    load(lake)
    rows = build_rows(changed)
    assert count_rows(mysql, LEAGUE) == {
        "league_tables": 3,
        "standings": len(rows.standings),
        "table_fixtures": len(rows.table_fixtures),
        "table_findings": 0,
    }


def test_the_rows_of_an_object_that_vanished_are_deleted(
    lake: LakeBucket, mysql: Mysql, made: InventedCompetition
) -> None:
    load(lake)
    expected = count_rows(mysql, LEAGUE)
    assert all(expected.values())
    for key, table in zip(COLUMNS, SEASON_TABLES, strict=True):
        lake.delete(key(LEAGUE))
        load(lake)
        expected[table] = 0
        assert count_rows(mysql, LEAGUE) == expected
    assert mysql.ask("SELECT part FROM loaded_parts") == []


def test_a_withdrawn_fixture_disappears(lake: LakeBucket, mysql: Mysql) -> None:
    made = move_to_league(competitions.league(), 39)
    store_fixtures(lake, made)
    store_tables(lake, made)
    load(lake)
    gone = made.fixtures.pop()["fixture"]["id"]
    lake.put_csv(s3_keys.fixtures(s3_keys.part_of(season_of(made), gone)), schemas.FIXTURE_COLUMNS, [])
    made.tables = [made.rank(competitions.teams(6))]
    store_tables(lake, made, SeasonFindings({gone: f"Fixture {gone} is gone."}))
    load(lake)
    for table in ("fixtures", "table_fixtures", "league_fixtures", "team_matches"):
        assert mysql.ask(f"SELECT * FROM {table} WHERE idfixture = {gone}") == []
    assert mysql.ask("SELECT finding FROM table_findings") == [("withdrawn",)]


def test_long_texts_are_cut_to_their_columns(lake: LakeBucket, mysql: Mysql, made: InventedCompetition) -> None:
    long = "Ünïón ⚽ " * 5000
    edit(lake, s3_keys.league_tables(LEAGUE), 0, name=long, competition=long, country=long)
    edit(lake, s3_keys.standings(LEAGUE), 0, team=long, form=long, status=long, description=long, updated=long)
    edit(lake, s3_keys.table_fixtures(LEAGUE), 0, reason=long)
    edit(lake, s3_keys.table_findings(LEAGUE), 0, team=long, text=long)
    load(lake)
    for table, columns in {
        "league_tables": {"name": 255, "competition": 255, "country": 255},
        "standings": {"team": 255, "form": 255, "status": 255, "description": 16383, "updated": 255},
        "table_fixtures": {"reason": 16383},
        "table_findings": {"team": 255, "text": 16383},
    }.items():
        for column, length in columns.items():
            assert (long[:length],) in mysql.ask(f"SELECT `{column}` FROM {table}"), (table, column)


ODD_NAMES = ["""O'Brien's "FC" \\""", "'); DROP TABLE teams; -- %s %(x)s", "a,b;c", "北京 ⚽"]


def test_special_characters_are_stored_unchanged(lake: LakeBucket, mysql: Mysql, made: InventedCompetition) -> None:
    for row, name in enumerate(ODD_NAMES):
        edit(lake, s3_keys.standings(LEAGUE), row, team=name)
    load(lake)
    assert {*ODD_NAMES} <= {name for (name,) in mysql.ask("SELECT team FROM standings")}


def test_unknown_columns_fail_the_run_with_the_key(lake: LakeBucket, mysql: Mysql, made: InventedCompetition) -> None:
    load(lake)
    before = count_rows(mysql, LEAGUE)
    for key, columns in COLUMNS.items():
        header = (*columns, "surprise")
        lake.put_csv(key(LEAGUE), header, [["1"] * len(header)])
        assert f"{key(LEAGUE)} has unknown columns: {','.join(header)}" in fail(lake)
        store_tables(lake, made)
    assert count_rows(mysql, LEAGUE) == before


def test_an_object_without_content_and_a_short_row_fail_the_run(
    lake: LakeBucket, mysql: Mysql, made: InventedCompetition
) -> None:
    lake.put(s3_keys.standings(LEAGUE), "")
    assert f"{s3_keys.standings(LEAGUE)} has unknown columns" in fail(lake)
    lake.put_csv(s3_keys.standings(LEAGUE), schemas.STANDINGS_COLUMNS, [["1", "1", "901"]])
    assert f"{s3_keys.standings(LEAGUE)} has a row with 3 cells instead of 20: 1,1,901" in fail(lake)


def test_a_broken_season_keeps_its_rows_and_does_not_stop_the_others(
    lake: LakeBucket, mysql: Mysql, made: InventedCompetition
) -> None:
    load(lake)
    before = count_rows(mysql, LEAGUE)
    for year in (2022, 2024):
        store_tables(lake, competitions.league(season=year))
    edit(lake, s3_keys.standings(LEAGUE), 2, points="many")
    run = lake.aws.run("mysqldbingestion", lake.name, **CONNECTION)
    assert "Incorrect integer value: 'many'" in run["ErrorMessage"]
    assert "tables of 39-2023 not loaded: " in lake.aws.output(run)
    assert count_rows(mysql, LEAGUE) == before
    assert mysql.ask("SELECT DISTINCT season FROM standings ORDER BY 1") == [(2022,), (2023,), (2024,)]


def test_a_broken_fixtures_object_does_not_stop_the_tables(
    lake: LakeBucket, mysql: Mysql, made: InventedCompetition
) -> None:
    lake.put_csv(s3_keys.fixtures("39-2023-39000"), ("other", "columns"), [(1, 2)])
    assert "unknown columns: other,columns" in fail(lake)
    assert count_rows(mysql, LEAGUE)["standings"] == 8


def test_a_scheduled_run_before_the_migration_loads_fixtures_and_says_what_to_do(
    lake: LakeBucket, mysql: Mysql
) -> None:
    made = move_to_league(competitions.league(), 39)
    store_fixtures(lake, made)
    store_tables(lake, made)
    mysql.ask("DROP TABLE standings")
    error = fail(lake)
    assert "standings' doesn't exist. Run the command load-mysql, which creates missing tables." in error
    assert mysql.ask("SELECT COUNT(*) FROM fixtures") == [(len(made.fixtures),)]


def test_unrelated_objects_are_no_seasons(lake: LakeBucket, mysql: Mysql) -> None:
    text = io.StringIO()
    csv.writer(text).writerow(schemas.STANDINGS_COLUMNS)
    for name in ("notes.csv", "39-2023 (1).csv", "39-2023-1.csv", "39.csv"):
        lake.put(s3_keys.STANDINGS + name, text.getvalue())
    assert load(lake) == UNCHANGED
