"""mysqldbingestion loads the tables of seasons: official tables, standings, the fixtures they count, and findings."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, NamedTuple

import pytest
from pymysql.cursors import DictCursor

from footlake.football.table_rows import SeasonFindings
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season
from tests.glue.conftest import AUTHORITIES, GlueAws, LakeBucket, Mysql, empty_tables
from tests.glue.season_csvs import COLUMNS, build_rows, move_to_league, store_fixtures, store_tables
from tests.support import competitions

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


# Rows of tables and views by their names.
Snapshot = dict[str, list[dict[str, Any]]]
# Each case is a season of a separate league.
CASES = {name: league for league, name in enumerate(("all cells", "empty cells", "long texts", "odd names"), 39)}
CHANGED, WITHDRAWN, ALL_VANISHED, *VANISHED = range(50, 57)  # VANISHED has a league for each of SEASON_TABLES
LONG_TEXT = "Ünïón ⚽ " * 5000
ODD_NAMES = ["""O'Brien's "FC" \\""", "'); DROP TABLE teams; -- %s %(x)s", "a,b;c", "北京 ⚽"]
FINDINGS = SeasonFindings({7: "Fixture 7 is gone."}, Counter({"XYZ": 2}))


def season(league: int) -> Season:
    return Season(league, 2023)


def edit(lake: LakeBucket, key: str, row: int, **cells: object) -> None:
    """Change cells of a row of a CSV; a text of another type replaces the cell."""
    rows = lake.rows(key)
    rows[row] |= {column: str(cell) for column, cell in cells.items()}
    lake.put_csv(key, list(rows[0]), [[*row.values()] for row in rows])


def store_case(lake: LakeBucket, league: int) -> None:
    store_tables(lake, move_to_league(competitions.with_deductions(), league), FINDINGS)


def snapshot(mysql: Mysql) -> Snapshot:
    """Return the rows of the tables with seasons and of the views that show them."""
    names = (*SEASON_TABLES, "fixtures", "loaded_parts", "expected_table", "league_fixtures", "team_matches")
    with mysql.connect() as connection, connection.cursor(DictCursor) as cursor:
        rows = {}
        for name in names:
            cursor.execute(f"SELECT * FROM {name}")
            rows[name] = [*cursor.fetchall()]
        return rows


def of_league(rows: Snapshot, table: str, league: int) -> list[dict[str, Any]]:
    return [row for row in rows[table] if row["idleague"] == league]


def count_rows(rows: Snapshot, league: int) -> dict[str, int]:
    return {table: len(of_league(rows, table, league)) for table in SEASON_TABLES}


class SeasonLoads(NamedTuple):
    """The lake with all cases, what three loads printed, and the rows after each."""

    lake: LakeBucket
    printed: list[str]
    rows: list[Snapshot]

    def add(self, mysql: Mysql) -> None:
        self.printed.append(load(self.lake))
        self.rows.append(snapshot(mysql))


@pytest.fixture(scope="module")
def loads(aws: GlueAws, mysql_server: Mysql) -> SeasonLoads:
    """All cases, loaded at first, after changes, and after a change when all other seasons were known to be loaded."""
    lake, mysql = LakeBucket(aws, "lake-of-seasons"), empty_tables(mysql_server)
    loads = SeasonLoads(lake, [], [])
    for league in (*CASES.values(), CHANGED, ALL_VANISHED, *VANISHED):
        store_case(lake, league)
    edit_cases(lake)
    withdrawn = move_to_league(competitions.league(), WITHDRAWN)
    store_fixtures(lake, withdrawn)
    store_tables(lake, withdrawn)
    loads.add(mysql)

    changed = move_to_league(competitions.split(), CHANGED)
    changed.season = 2023
    store_tables(lake, changed)
    for key, league in zip(COLUMNS, VANISHED, strict=True):
        lake.delete(key(season(league)))
        lake.delete(key(season(ALL_VANISHED)))
    gone = withdrawn.fixtures.pop()["fixture"]["id"]
    store_fixtures(lake, withdrawn)
    withdrawn.tables = [withdrawn.rank(competitions.teams(6))]
    store_tables(lake, withdrawn, SeasonFindings({gone: f"Fixture {gone} is gone."}))
    loads.add(mysql)

    # Objects that were written in the last two seconds are loaded again: S3 timestamps have a resolution of one second.
    assert any(load(lake) == UNCHANGED for _ in range(5))
    mysql.ask("UPDATE standings SET points = 99")
    mysql.ask("UPDATE loaded_parts SET modified = modified - INTERVAL 2 HOUR WHERE part LIKE '%39-2023'")
    edit(lake, s3_keys.standings(LEAGUE), 0, form="LLLLL")
    loads.add(mysql)
    return loads


def edit_cases(lake: LakeBucket) -> None:
    """Edit the CSVs of the cases, and store objects that belong to no season."""
    empty, long, odd = (season(CASES[name]) for name in ("empty cells", "long texts", "odd names"))
    edit(lake, s3_keys.league_tables(empty), 0, countedUntil="2024-02-29", country="", competition="")
    edit(lake, s3_keys.standings(empty), 0, rank="", points="", played="", form="", updated="", idTeamStandings="")
    edit(lake, s3_keys.league_tables(long), 0, **dict.fromkeys(("name", "competition", "country"), LONG_TEXT))
    texts = dict.fromkeys(("team", "form", "status", "description", "updated"), LONG_TEXT)
    edit(lake, s3_keys.standings(long), 0, **texts)
    edit(lake, s3_keys.table_fixtures(long), 0, reason=LONG_TEXT)
    edit(lake, s3_keys.table_findings(long), 0, team=LONG_TEXT, text=LONG_TEXT)
    for row, name in enumerate(ODD_NAMES):
        edit(lake, s3_keys.standings(odd), row, team=name)
    header = ",".join(schemas.STANDINGS_COLUMNS) + "\r\n"
    for name in ("notes.csv", "39-2023 (1).csv", "39-2023-1.csv", "39.csv"):
        lake.put(s3_keys.STANDINGS + name, header)


def test_all_seasons_are_loaded_and_unrelated_objects_are_none(loads: SeasonLoads) -> None:
    rows = sum(len(loads.rows[0][table]) for table in SEASON_TABLES)
    seasons = len(CASES) + 3 + len(VANISHED)
    assert loads.printed[0].splitlines()[-1] == f"mysqldbingestion: tables of {seasons} seasons loaded, {rows} rows"
    assert {row["season"] for row in loads.rows[0]["standings"]} == {2023}


def test_all_cells_of_the_csvs_are_in_mysql(loads: SeasonLoads) -> None:
    for (key, columns), table in zip(COLUMNS.items(), SEASON_TABLES, strict=True):
        rows = of_league(loads.rows[1], table, LEAGUE.league)
        stored = [
            tuple("" if row[name.lower()] is None else str(row[name.lower()]) for name in columns) for row in rows
        ]
        in_lake = [tuple(row.values()) for row in loads.lake.rows(key(LEAGUE))]
        if table == "standings":  # its form was edited before the third load
            form = columns.index("form")
            stored, in_lake = ([(*row[:form], *row[form + 1 :]) for row in rows] for rows in (stored, in_lake))
        assert stored and sorted(stored) == sorted(in_lake)
    findings = of_league(loads.rows[0], "table_findings", LEAGUE.league)
    assert [(row["number"], row["finding"], row["tablenumber"], row["idfixture"]) for row in findings] == [
        (1, "withdrawn", None, 7),
        (2, "unknown status", None, None),
    ]


def test_empty_cells_are_null_and_dates_are_dates(loads: SeasonLoads) -> None:
    league = CASES["empty cells"]
    (table,) = of_league(loads.rows[0], "league_tables", league)
    assert [table[name] for name in ("counteduntil", "country", "competition", "carryover")] == [
        *(date(2024, 2, 29), None, None, None)
    ]
    team = int(loads.lake.rows(s3_keys.standings(season(league)))[0]["idTeam"])
    columns = {
        "standings": ("rank", "points", "played", "form", "updated", "idteamstandings"),
        "expected_table": ("position", "points", "played"),
    }
    for name, empty in columns.items():
        (row,) = [row for row in of_league(loads.rows[0], name, league) if row["idteam"] == team]
        assert {row[column] for column in empty} == {None}


def test_a_season_that_did_not_change_is_not_loaded_again(loads: SeasonLoads) -> None:
    assert "tables of 1 season loaded" in loads.printed[2]
    points = {league: {row["points"] for row in of_league(loads.rows[2], "standings", league)} for league in (39, 40)}
    assert max(points[39]) < 99 and points[40] == {99}
    assert min(row["form"] for row in of_league(loads.rows[2], "standings", 39)) == "LLLLL"


def test_a_changed_season_replaces_all_its_rows(loads: SeasonLoads) -> None:
    """Another number of tables, other teams, fewer findings: nothing of the old season is left."""
    assert count_rows(loads.rows[0], CHANGED) == count_rows(loads.rows[0], ALL_VANISHED)
    rows = build_rows(move_to_league(competitions.split(), CHANGED))
    assert count_rows(loads.rows[1], CHANGED) == {
        "league_tables": 3,
        "standings": len(rows.standings),
        "table_fixtures": len(rows.table_fixtures),
        "table_findings": 0,
    }


def test_the_rows_of_an_object_that_vanished_are_deleted(loads: SeasonLoads) -> None:
    for league, table in zip(VANISHED, SEASON_TABLES, strict=True):
        before = count_rows(loads.rows[0], league)
        assert all(before.values())
        assert count_rows(loads.rows[1], league) == {**before, table: 0}
    assert not any(count_rows(loads.rows[1], ALL_VANISHED).values())
    assert not [row for row in loads.rows[1]["loaded_parts"] if f"/{ALL_VANISHED}-" in row["part"]]


def test_a_withdrawn_fixture_disappears(loads: SeasonLoads) -> None:
    gone = max(row["idfixture"] for row in of_league(loads.rows[0], "fixtures", WITHDRAWN))
    for table in ("fixtures", "table_fixtures", "league_fixtures", "team_matches"):
        before, after = ({row["idfixture"] for row in of_league(rows, table, WITHDRAWN)} for rows in loads.rows[:2])
        assert after == before - {gone} != before
    assert [row["finding"] for row in of_league(loads.rows[1], "table_findings", WITHDRAWN)] == ["withdrawn"]


def test_long_texts_are_cut_to_their_columns(loads: SeasonLoads) -> None:
    for table, columns in {
        "league_tables": {"name": 255, "competition": 255, "country": 255},
        "standings": {"team": 255, "form": 255, "status": 255, "description": 16383, "updated": 255},
        "table_fixtures": {"reason": 16383},
        "table_findings": {"team": 255, "text": 16383},
    }.items():
        rows = of_league(loads.rows[0], table, CASES["long texts"])
        for column, length in columns.items():
            assert LONG_TEXT[:length] in [row[column] for row in rows], (table, column)


def test_special_characters_are_stored_unchanged(loads: SeasonLoads) -> None:
    assert {*ODD_NAMES} <= {row["team"] for row in of_league(loads.rows[0], "standings", CASES["odd names"])}


def test_broken_seasons_keep_their_rows_and_do_not_stop_the_others(lake: LakeBucket, mysql: Mysql) -> None:
    """Unknown columns in each of the four objects, an object without content, a short row, and a wrong number."""
    unknown, (empty, short, wrong, good) = [*zip((60, 61, 62, 63), COLUMNS.items(), strict=True)], range(64, 68)
    for league in range(60, 68):
        store_case(lake, league)
    load(lake)
    before = snapshot(mysql)
    expected = {}
    for league, (key, columns) in unknown:
        header = (*columns, "surprise")
        lake.put_csv(key(season(league)), header, [["1"] * len(header)])
        expected[league] = f"{key(season(league))} has unknown columns: {','.join(header)}"
    lake.put(s3_keys.standings(season(empty)), "")
    expected[empty] = f"{s3_keys.standings(season(empty))} has unknown columns: "
    lake.put_csv(s3_keys.standings(season(short)), schemas.STANDINGS_COLUMNS, [["1", "1", "901"]])
    expected[short] = f"{s3_keys.standings(season(short))} has a row with 3 cells instead of 20: 1,1,901"
    edit(lake, s3_keys.standings(season(wrong)), 2, points="many")
    edit(lake, s3_keys.standings(season(good)), 0, form="LLLLL")
    mysql.ask("UPDATE loaded_parts SET modified = modified - INTERVAL 2 HOUR")
    run = lake.aws.run("mysqldbingestion", lake.name, **CONNECTION)
    assert (run["JobRunState"], expected[60] in run["ErrorMessage"]) == ("FAILED", True)
    lines = lake.aws.output(run).splitlines()
    for league, message in expected.items():
        assert f"mysqldbingestion: tables of {league}-2023 not loaded: {message}" in lines
    (line,) = [line for line in lines if f" {wrong}-2023 not loaded" in line]
    assert "Incorrect integer value: 'many'" in line
    after = snapshot(mysql)
    for league in (*expected, wrong):
        for table in SEASON_TABLES:
            assert of_league(after, table, league) == of_league(before, table, league)
    assert min(row["form"] for row in of_league(after, "standings", good)) == "LLLLL"


def test_a_broken_fixtures_object_does_not_stop_the_tables(lake: LakeBucket, mysql: Mysql) -> None:
    store_case(lake, 39)
    lake.put_csv(s3_keys.fixtures("39-2023-39000"), ("other", "columns"), [(1, 2)])
    assert "unknown columns: other,columns" in fail(lake)
    assert count_rows(snapshot(mysql), 39)["standings"] == 8


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
