"""mysqldbingestion and teamsmysqldbingestion, run by Glue on a lake in S3 and a real database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from footlake.lake import s3_keys, schemas
from tests.glue.conftest import ASSETS, AUTHORITIES, SCRIPTS, Fixture, GlueAws, LakeBucket, Mysql, empty_tables
from tests.support.sagemaker import wait_for

FULL_TIME = "Match Finished"
PART = "39-2020-592140"
OTHER = "39-2019-157010"
NOTHING_CHANGED = "mysqldbingestion: 0 parts loaded: none changed since the last load"
CONNECTION = {"connection": "mysqldbconnection", "ca": f"s3://{AUTHORITIES}/rds-ca.pem"}


@pytest.fixture
def filled(lake: LakeBucket) -> LakeBucket:
    """Two seasons: a scored fixture, one without statistics, one not played, one without xG yet."""
    store_seasons(lake)
    return lake


def store_seasons(lake: LakeBucket) -> None:
    lake.put_csv(
        s3_keys.fixtures(PART),
        schemas.FIXTURE_COLUMNS,
        [
            (592141, FULL_TIME, "2020-09-12", "11:30", 36, 42, 0, 3, "Regular Season - 1"),
            (592142, FULL_TIME, "2020-09-12", "14:00", 52, 41, 1, 0, "Regular Season - 1"),
            (592143, "Not Started", "2020-09-29", "19:15", 48, 39, "", "", "Regular Season - 3"),
        ],
    )
    lake.statistics(PART, (592141, 36, 42, 2, 6, 4, 9, 5, 13, 46, 54))
    lake.put(s3_keys.predictions(PART, "home"), "592141,36,0.71449\n")
    lake.put(s3_keys.predictions(PART, "away"), "592141,42,1.8955001\n")
    lake.fixtures(OTHER, (157015, FULL_TIME, 40, 71, 4, 1))
    lake.statistics(OTHER, (157015, 40, 71, 7, 5, 10, 8, 15, 12, 57, 43))


def load(lake: LakeBucket) -> str:
    return lake.aws.summary("mysqldbingestion", lake.name, **CONNECTION)


# Each of these cases is a fixture in a separate part, with the case's number in CASES as its league.
INVALID_XG = ["{},", "{},NaN", "{},nan", "{},inf", "{},-Infinity", "{}", "<html>"]
ROUNDED_XG = {"-0.25": "0.000", "123.4": "99.999", "1.0005": "1.001", "3.2e-05": "0.000", "2": "2.000"}
LOST_RESULTS = ["Match Abandoned", "Unknown (XYZ)", "Match Suspended"]
CASES = [*INVALID_XG, *ROUNDED_XG, *LOST_RESULTS, "swapped", "awarded", "without round", "loses all", "unchanged"]
ODD_ROUNDS = [
    "Relegation Round",
    """Play-offs "A", the 'big' one""",
    "'), (1, 2, 3); -- \\",
    "\\', NULL",
    "Aufstiegs-Spiele ⚽ %s",
    "x" * 100,
]
ROUNDS_PART = "90-2020-90000"
NEIGHBOURS = ("39-2020-592150", "40-2020-592150")  # two leagues' parts among the same ids


def case_id(case: str) -> int:
    """Return the id of the case's fixture."""
    return 1000 * CASES.index(case) + 1


def case_part(case: str) -> str:
    return s3_keys.part_of(s3_keys.Season(CASES.index(case), 2020), case_id(case))


def store_case(lake: LakeBucket, case: str, status: str = FULL_TIME, *more: Fixture) -> None:
    """Store the case's fixture with its statistics and predictions, and `more` fixtures."""
    number, part = case_id(case), case_part(case)
    lake.fixtures(part, (number, status, 36, 42, 0, 3), *more)
    teams = (42, 36) if case == "swapped" else (36, 42)
    lake.statistics(part, (number, *teams, 2, 6, 4, 9, 5, 13, 46, 54))
    xg = f"{{}},{case}" if case in ROUNDED_XG else case if case in INVALID_XG else "{},0.5"
    lake.put(s3_keys.predictions(part, "home"), xg.format(f"{number},36") + "\n")
    lake.put(s3_keys.predictions(part, "away"), f"{number},42,1.8955\n")


class FixtureLoads(NamedTuple):
    """What three loads of the cases printed, and the rows of `fixtures` after each, by id."""

    printed: list[str]
    rows: list[dict[int, dict[str, Any]]]

    def row(self, at: int, case: str) -> dict[str, Any]:
        return self.rows[at][case_id(case)]


def add_load(loads: FixtureLoads, lake: LakeBucket, mysql: Mysql) -> None:
    loads.printed.append(load(lake))
    with mysql.connect() as connection, connection.cursor(DictCursor) as cursor:
        cursor.execute("SELECT * FROM fixtures")
        loads.rows.append({row["idfixture"]: row for row in cursor.fetchall()})


@pytest.fixture(scope="module")
def loads(aws: GlueAws, mysql_server: Mysql) -> FixtureLoads:
    """All cases, loaded at first, after changes, and after a change when all other parts were known to be loaded."""
    lake, mysql, loads = LakeBucket(aws, "lake-of-cases"), empty_tables(mysql_server), FixtureLoads([], [])
    store_seasons(lake)
    for case in CASES:
        store_case(lake, case)
    old = (case_id("without round"), FULL_TIME, "2019-08-09", "19:00", 40, 71, 4, 1)
    not_started = (case_id("without round") + 1, "Not Started", "", "", 40, 71, "", "")
    lake.put_csv(s3_keys.fixtures(case_part("without round")), schemas.FIXTURE_COLUMNS[:-1], [old, not_started])
    rounds = [(90000 + at, FULL_TIME, 36, 42, 0, 3, name) for at, name in enumerate(ODD_ROUNDS)]
    lake.fixtures(ROUNDS_PART, *rounds, (90009, FULL_TIME, 36, 42, 1, 1))
    lake.fixtures(NEIGHBOURS[0], (592151, FULL_TIME, 45, 46, 1, 0), (592152, FULL_TIME, 47, 48, 2, 0))
    lake.fixtures(NEIGHBOURS[1], (592153, FULL_TIME, 55, 56, 3, 0))
    for key in ("notes.csv", f"{PART} (1).csv", f"{PART}-copy.csv", "39.csv"):
        lake.put(s3_keys.FIXTURES + key, "other,columns\n1,2\n")
    lake.put(f"{s3_keys.PREDICTIONS}notes.csv.out", "x\n")
    add_load(loads, lake, mysql)

    store_case(lake, "awarded", "Technical Loss")
    for status in LOST_RESULTS:
        store_case(lake, status, status, (case_id(status) + 1, FULL_TIME, 52, 41, 1, 0))
    lake.fixtures(case_part("loses all"))
    mysql.ask("UPDATE loaded_parts SET modified = modified - INTERVAL 2 HOUR")  # so that all parts are loaded again
    add_load(loads, lake, mysql)

    # Parts that were written in the last two seconds are loaded again: S3 timestamps have a resolution of one second.
    assert any(load(lake) == NOTHING_CHANGED for _ in range(5))
    mysql.ask("UPDATE fixtures SET goalsawayteam = 7")
    mysql.ask(f"UPDATE loaded_parts SET modified = modified - INTERVAL 2 HOUR WHERE part = '{OTHER}'")
    lake.put(s3_keys.predictions(OTHER, "home"), "157015,40,2.25\n")
    lake.fixtures(NEIGHBOURS[0], (592152, FULL_TIME, 47, 48, 2, 2))
    add_load(loads, lake, mysql)
    return loads


def test_every_finished_fixture_is_a_row_with_its_statistics_and_xg(loads: FixtureLoads) -> None:
    unknown = (None,) * 8
    rows = [tuple(loads.rows[0][number].values()) for number in (157015, 592141, 592142)]
    assert rows == [
        (
            *(157015, 40, 71, date(2020, 9, 12), timedelta(hours=11, minutes=30), 4, 1),
            *(None, None, 7, 5, 10, 8, 15, 12, 57, 43, 39, 2019, None, "API-Football"),
        ),
        (
            *(592141, 36, 42, date(2020, 9, 12), timedelta(hours=11, minutes=30), 0, 3),
            *(Decimal("0.714"), Decimal("1.896"), 2, 6, 4, 9, 5, 13, 46, 54, 39, 2020),
            *("Regular Season - 1", "API-Football"),
        ),
        (
            *(592142, 52, 41, date(2020, 9, 12), timedelta(hours=14), 1, 0, None, None),
            *(*unknown, 39, 2020, "Regular Season - 1", "API-Football"),
        ),
    ]


def test_a_load_counts_its_parts_and_rows_and_ignores_unrelated_objects(loads: FixtureLoads) -> None:
    parts, rows = len(CASES) + 5, len(CASES) + 3 + len(ODD_ROUNDS) + 1 + 3
    assert loads.printed[0].splitlines() == [
        f"mysqldbingestion: {len(INVALID_XG)} predictions ignored: not a number",
        f"mysqldbingestion: {parts} parts loaded, {rows} rows",
    ]
    assert len(loads.rows[0]) == rows


def test_an_awarded_result_is_loaded_without_statistics(loads: FixtureLoads) -> None:
    row = loads.row(1, "awarded")
    assert loads.row(0, "awarded")["totalshotsawayteam"] == 13
    columns = ("goalsawayteam", "xgoalshometeam", "totalshotsawayteam", "ballpossessionhometeam")
    assert [row[column] for column in columns] == [3, None, None, None]


@pytest.mark.parametrize("line", INVALID_XG)
def test_an_xg_that_is_not_a_number_is_null(loads: FixtureLoads, line: str) -> None:
    row = loads.row(0, line)
    assert (row["xgoalshometeam"], row["xgoalsawayteam"]) == (None, Decimal("1.896"))


def test_statistics_with_home_and_away_swapped_are_not_loaded(loads: FixtureLoads) -> None:
    row = loads.row(0, "swapped")
    assert (row["goalsawayteam"], row["shotsongoalhometeam"]) == (3, None)


@pytest.mark.parametrize("status", LOST_RESULTS)
def test_a_fixture_that_lost_its_result_is_deleted_and_other_rows_stay(loads: FixtureLoads, status: str) -> None:
    assert case_id(status) in loads.rows[0]
    assert case_id(status) not in loads.rows[1]
    assert case_id(status) + 1 in loads.rows[1]


def test_a_second_load_changes_nothing(loads: FixtureLoads) -> None:
    assert f"{len(CASES) + 5} parts loaded" in loads.printed[1]
    for number in (157015, 592141, 592142, case_id("unchanged")):
        assert loads.rows[1][number] == loads.rows[0][number]


def test_a_part_without_fixtures_has_no_rows(loads: FixtureLoads) -> None:
    assert case_id("loses all") in loads.rows[0]
    assert case_id("loses all") not in loads.rows[1]


def test_only_parts_that_changed_since_the_last_load_are_loaded(loads: FixtureLoads) -> None:
    """The neighbours of a changed part, whose rows are changed in the same transaction, are not."""
    assert loads.printed[2] == "mysqldbingestion: 2 parts loaded, 2 rows"
    expected = {number: {**row, "goalsawayteam": 7} for number, row in loads.rows[1].items() if number != 592151}
    expected[157015] |= {"goalsawayteam": 1, "xgoalshometeam": Decimal("2.250")}
    expected[592152] |= {"goalsawayteam": 2}
    assert loads.rows[2] == expected


@pytest.mark.parametrize("predicted", ROUNDED_XG)
def test_xg_is_rounded_and_kept_within_its_column(loads: FixtureLoads, predicted: str) -> None:
    assert loads.row(0, predicted)["xgoalshometeam"] == Decimal(ROUNDED_XG[predicted])


def test_spark_groups_the_rows_of_many_parts_as_python_those_of_few(filled: LakeBucket, mysql: Mysql) -> None:
    load(filled)
    loaded = mysql.ask("SELECT * FROM fixtures ORDER BY idfixture")
    empty_tables(mysql)
    script = (
        (SCRIPTS / "mysqldbingestion.py").read_text().replace("PARTS_PER_PARTITION = 2500", "PARTS_PER_PARTITION = 1")
    )
    assert "PARTS_PER_PARTITION = 1\n" in script
    filled.aws.s3.put_object(Bucket=ASSETS, Key="scripts/manyparts.py", Body=script.encode())
    filled.aws.create_job("manyparts")
    assert "2 parts loaded, 3 rows" in filled.aws.summary("manyparts", filled.name, **CONNECTION)
    assert mysql.ask("SELECT * FROM fixtures ORDER BY idfixture") == loaded


def test_a_round_name_with_special_characters_is_stored_unchanged(loads: FixtureLoads) -> None:
    rows = [loads.rows[0][90000 + at] for at in range(len(ODD_ROUNDS))]
    assert [(row["round"], row["goalsawayteam"]) for row in rows] == [(name, 3) for name in ODD_ROUNDS]
    assert (loads.rows[0][90009]["round"], loads.rows[0][90009]["goalsawayteam"]) == (None, 1)


def test_fixtures_objects_without_the_round_column_are_loaded(loads: FixtureLoads) -> None:
    row = loads.row(0, "without round")
    assert (row["goalshometeam"], row["round"]) == (4, None)
    assert case_id("without round") + 1 not in loads.rows[0]


def test_a_part_that_fails_leaves_its_old_rows_and_the_next_load_continues(filled: LakeBucket, mysql: Mysql) -> None:
    load(filled)
    old = mysql.ask("SELECT * FROM fixtures WHERE season = 2020 ORDER BY idfixture")
    filled.fixtures(PART, (592141, FULL_TIME, 36, 42, 1, 1), (592142, FULL_TIME, 52, 41, 99999, 0))
    run = filled.aws.run("mysqldbingestion", filled.name, **CONNECTION)
    assert run["JobRunState"] == "FAILED"
    assert "Out of range value" in run["ErrorMessage"]
    assert mysql.ask("SELECT * FROM fixtures WHERE season = 2020 ORDER BY idfixture") == old
    filled.fixtures(PART, (592141, FULL_TIME, 36, 42, 1, 1), (592142, FULL_TIME, 52, 41, 2, 0))
    load(filled)
    assert mysql.ask("SELECT goalshometeam FROM fixtures WHERE season = 2020 ORDER BY idfixture") == [(1,), (2,)]


@pytest.mark.parametrize(
    "columns",
    [
        (*schemas.FIXTURE_COLUMNS, "more"),
        pytest.param(schemas.FIXTURE_COLUMNS[:-2], marks=pytest.mark.thorough),
        pytest.param([*reversed(schemas.FIXTURE_COLUMNS)], marks=pytest.mark.thorough),
    ],
)
def test_fixtures_with_unknown_columns_fail_the_run(lake: LakeBucket, mysql: Mysql, columns: Sequence[str]) -> None:
    lake.put_csv(s3_keys.fixtures(PART), columns, [[1] * len(columns)])
    run = lake.aws.run("mysqldbingestion", lake.name, **CONNECTION)
    assert run["JobRunState"] == "FAILED"
    assert f"unknown columns: {','.join(columns)}" in run["ErrorMessage"]


def test_a_goal_that_is_not_a_number_fails_the_run(filled: LakeBucket, mysql: Mysql) -> None:
    filled.fixtures(OTHER, (157015, FULL_TIME, 40, 71, "four", 1))
    assert filled.aws.run("mysqldbingestion", filled.name, **CONNECTION)["JobRunState"] == "FAILED"
    assert mysql.ask("SELECT COUNT(*) FROM fixtures") == [(0,)]


@pytest.mark.parametrize("sql", [pytest.param("') (1", marks=pytest.mark.thorough), "\\') (1"])
def test_a_text_that_looks_like_sql_is_escaped(filled: LakeBucket, mysql: Mysql, sql: str) -> None:
    filled.put(s3_keys.fixtures(PART), filled.text(s3_keys.fixtures(PART)).replace("11:30", f"11:30{sql}"))
    run = filled.aws.run("mysqldbingestion", filled.name, **CONNECTION)
    assert run["JobRunState"] == "FAILED"
    assert "Incorrect time value" in run["ErrorMessage"]


@pytest.fixture
def impatient(mysql: Mysql) -> Iterator[None]:
    """Wait one second for a lock instead of fifty."""
    with mysql.server.connect() as admin, admin.cursor() as cursor:
        cursor.execute("SET GLOBAL innodb_lock_wait_timeout = 1")
        yield
        cursor.execute("SET GLOBAL innodb_lock_wait_timeout = 50")


def lock_fixtures(mysql: Mysql) -> Connection:
    connection = mysql.connect()
    connection.begin()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM fixtures FOR UPDATE")
    return connection


@pytest.mark.usefixtures("impatient")
def test_a_load_that_waited_too_long_for_a_lock_is_repeated(filled: LakeBucket, mysql: Mysql) -> None:
    filled.fixtures(PART, (592141, FULL_TIME, 36, 42, 1, 1))
    holder = lock_fixtures(mysql)

    def count_waits() -> int:
        ((_, count),) = mysql.ask("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")
        return int(count)

    before = count_waits()

    def release_at_second_attempt() -> None:
        wait_for(lambda: count_waits() >= before + 2)
        holder.close()

    with ThreadPoolExecutor(1) as pool:
        released = pool.submit(release_at_second_attempt)
        load(filled)
        released.result()
    assert mysql.ask("SELECT goalshometeam FROM fixtures WHERE idfixture = 592141") == [(1,)]


@pytest.mark.usefixtures("impatient")
def test_a_load_fails_with_the_reason_if_a_lock_is_never_released(filled: LakeBucket, mysql: Mysql) -> None:
    filled.fixtures(PART, (592141, FULL_TIME, 36, 42, 1, 1))
    with closing(lock_fixtures(mysql)):
        run = filled.aws.run("mysqldbingestion", filled.name, **CONNECTION)
    assert run["JobRunState"] == "FAILED"
    assert "MySQL did not get its locks in 5 attempts" in run["ErrorMessage"]


def test_a_missing_table_is_named_and_the_password_is_not_logged(filled: LakeBucket, mysql: Mysql) -> None:
    mysql.ask("DROP TABLE loaded_parts")
    run = filled.aws.run("mysqldbingestion", filled.name, **CONNECTION)
    assert run["JobRunState"] == "FAILED"
    assert "loaded_parts" in run["ErrorMessage"]
    for group in ("output", "error"):
        pages = filled.aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws-glue/jobs/{group}", logStreamNamePrefix=run["Id"]
        )
        log = "".join(event["message"] for page in pages for event in page["events"])
        assert log
        assert "s3cret" not in run["ErrorMessage"] + log


def test_an_unknown_connection_fails_the_run(filled: LakeBucket, mysql: Mysql) -> None:
    run = filled.aws.run("mysqldbingestion", filled.name, **CONNECTION | {"connection": "nowhere"})
    assert run["JobRunState"] == "FAILED"
    assert "nowhere" in run["ErrorMessage"]


def test_teams_are_upserted_with_odd_names_and_missing_codes(lake: LakeBucket, mysql: Mysql) -> None:
    mysql.ask("INSERT INTO teams VALUES (40, 'OLD', 'Old name'), (1, 'XXX', 'Elsewhere')")
    teams = [(40, "LIV", "Liverpool"), (63, "", 'Leeds, "United"'), (157, "BAY", "Bayern München")]
    lake.put_csv(s3_keys.TEAMCODES, schemas.TEAMCODE_COLUMNS, teams)
    assert lake.aws.summary("teamsmysqldbingestion", lake.name, **CONNECTION) == "teamsmysqldbingestion: 3 teams loaded"
    assert mysql.ask("SELECT * FROM teams ORDER BY idteam") == [
        (1, "XXX", "Elsewhere"),
        (40, "LIV", "Liverpool"),
        (63, None, 'Leeds, "United"'),
        (157, "BAY", "Bayern München"),
    ]


def test_names_of_teams_are_decoded_and_cut_to_their_columns(lake: LakeBucket, mysql: Mysql) -> None:
    """Earlier versions stored HTML entities; teamcodes.csv can be edited."""
    mysql.ask("INSERT INTO teams VALUES (3, NULL, 'Third')")
    teams = [
        (1, "LONG-CODE-OF-A-TEAM", "Ü" * 300),
        (2, "", "Brighton &amp; Hove &#8211; B"),
        (3, "NEW", ""),
        (4, "", ""),
    ]
    lake.put_csv(s3_keys.TEAMCODES, schemas.TEAMCODE_COLUMNS, teams)
    assert lake.aws.summary("teamsmysqldbingestion", lake.name, **CONNECTION) == "teamsmysqldbingestion: 2 teams loaded"
    assert mysql.ask("SELECT * FROM teams ORDER BY idteam") == [
        (1, "LONG-COD", "Ü" * 100),
        (2, None, "Brighton & Hove – B"),
        (3, None, "Third"),
    ]
