"""mysqldbingestion and teamsmysqldbingestion, run by Glue on a lake in S3 and a real database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

import pytest
from pymysql.connections import Connection

from footlake.lake import s3_keys, schemas
from tests.glue.conftest import AUTHORITIES, LakeBucket, Mysql
from tests.support.sagemaker import wait_for

FULL_TIME = "Match Finished"
PART = "39-2020-592140"
OTHER = "39-2019-157010"
CONNECTION = {"connection": "mysqldbconnection", "ca": f"s3://{AUTHORITIES}/rds-ca.pem"}


@pytest.fixture
def filled(lake: LakeBucket) -> LakeBucket:
    """Two seasons: a scored fixture, one without statistics, one not played, one without xG yet."""
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
    return lake


def load(lake: LakeBucket) -> str:
    return lake.aws.summary("mysqldbingestion", lake.name, **CONNECTION)


def test_every_finished_fixture_is_a_row_with_its_statistics_and_xg(filled: LakeBucket, mysql: Mysql) -> None:
    assert load(filled) == "mysqldbingestion: 2 parts loaded, 3 rows"
    unknown = (None,) * 8
    assert mysql.ask("SELECT * FROM fixtures ORDER BY idfixture") == [
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


def test_an_awarded_result_is_loaded_without_statistics(filled: LakeBucket, mysql: Mysql) -> None:
    load(filled)
    text = filled.text(s3_keys.fixtures(PART))
    filled.put(s3_keys.fixtures(PART), text.replace(f"592141,{FULL_TIME}", "592141,Technical Loss"))
    load(filled)
    (row,) = mysql.ask(
        "SELECT goalsawayteam, xgoalshometeam, totalshotsawayteam, ballpossessionhometeam"
        " FROM fixtures WHERE idfixture = 592141"
    )
    assert row == (3, None, None, None)


@pytest.mark.parametrize(
    "line",
    ["592141,36,", "592141,36,NaN", "592141,36,nan", "592141,36,inf", "592141,36,-Infinity", "592141,36", "<html>"],
)
def test_an_xg_that_is_not_a_number_is_null_and_counted(filled: LakeBucket, mysql: Mysql, line: str) -> None:
    filled.put(s3_keys.predictions(PART, "home"), f"{line}\n")
    assert "mysqldbingestion: 1 prediction ignored: not a number" in load(filled)
    assert mysql.ask("SELECT xgoalshometeam, xgoalsawayteam FROM fixtures WHERE idfixture = 592141") == [
        (None, Decimal("1.896"))
    ]


def test_statistics_with_home_and_away_swapped_are_not_loaded(filled: LakeBucket, mysql: Mysql) -> None:
    filled.statistics(PART, (592141, 42, 36, 6, 2, 9, 4, 13, 5, 54, 46))
    load(filled)
    assert mysql.ask("SELECT goalsawayteam, shotsongoalhometeam FROM fixtures WHERE idfixture = 592141") == [(3, None)]


@pytest.mark.parametrize("status", ["Match Abandoned", "Unknown (XYZ)"])
def test_a_fixture_that_lost_its_result_is_deleted(filled: LakeBucket, mysql: Mysql, status: str) -> None:
    load(filled)
    text = filled.text(s3_keys.fixtures(PART))
    filled.put(s3_keys.fixtures(PART), text.replace(f"592141,{FULL_TIME}", f"592141,{status}"))
    load(filled)
    assert mysql.ask("SELECT COUNT(*) FROM fixtures WHERE idfixture = 592141") == [(0,)]


def test_unrelated_objects_are_ignored(filled: LakeBucket, mysql: Mysql) -> None:
    for key in ("notes.csv", f"{PART} (1).csv", f"{PART}-copy.csv", "39.csv"):
        filled.put(s3_keys.FIXTURES + key, "other,columns\n1,2\n")
    filled.put(f"{s3_keys.PREDICTIONS}notes.csv.out", "x\n")
    assert load(filled) == "mysqldbingestion: 2 parts loaded, 3 rows"


def test_a_second_load_changes_nothing(filled: LakeBucket, mysql: Mysql) -> None:
    load(filled)
    before = mysql.ask("SELECT * FROM fixtures ORDER BY idfixture")
    load(filled)
    assert mysql.ask("SELECT * FROM fixtures ORDER BY idfixture") == before


def test_only_parts_that_changed_since_the_last_load_are_loaded(filled: LakeBucket, mysql: Mysql) -> None:
    # Parts that were written in the last two seconds are loaded again: S3 timestamps have a resolution of one second.
    assert "mysqldbingestion: 0 parts loaded: none changed since the last load" in [load(filled) for _ in range(5)]
    mysql.ask(f"UPDATE loaded_parts SET modified = modified - INTERVAL 2 HOUR WHERE part = '{OTHER}'")
    mysql.ask("UPDATE fixtures SET goalshometeam = 9")
    filled.put(s3_keys.predictions(OTHER, "home"), "157015,40,2.25\n")
    assert load(filled) == "mysqldbingestion: 1 part loaded, 1 row"
    assert mysql.ask("SELECT idfixture, goalshometeam, xgoalshometeam FROM fixtures ORDER BY 1") == [
        (157015, 4, Decimal("2.250")),
        (592141, 9, Decimal("0.714")),
        (592142, 9, None),
    ]


def test_a_withdrawn_result_is_deleted_and_other_rows_stay(filled: LakeBucket, mysql: Mysql) -> None:
    load(filled)
    filled.fixtures(PART, (592141, "Match Suspended", 36, 42, "", ""), (592142, FULL_TIME, 52, 41, 1, 0))
    load(filled)
    assert mysql.ask("SELECT idfixture FROM fixtures ORDER BY 1") == [(157015,), (592142,)]


def test_a_part_without_fixtures_has_no_rows_and_is_loaded_once(filled: LakeBucket, mysql: Mysql) -> None:
    load(filled)
    filled.fixtures(PART)
    assert "mysqldbingestion: 0 parts loaded: none changed since the last load" in [load(filled) for _ in range(5)]
    assert mysql.ask("SELECT idfixture FROM fixtures") == [(157015,)]


def test_parts_in_the_same_transaction_change_only_their_own_rows(filled: LakeBucket, mysql: Mysql) -> None:
    """Two leagues' parts among the same ids, one that changes and its neighbours that do not."""
    filled.fixtures("39-2020-592150", (592151, FULL_TIME, 45, 46, 1, 0), (592152, FULL_TIME, 47, 48, 2, 0))
    filled.fixtures("40-2020-592150", (592153, FULL_TIME, 55, 56, 3, 0))
    assert "mysqldbingestion: 0 parts loaded: none changed since the last load" in [load(filled) for _ in range(5)]
    mysql.ask("UPDATE fixtures SET goalsawayteam = 7")
    filled.fixtures("39-2020-592150", (592152, FULL_TIME, 47, 48, 2, 2))
    assert load(filled) == "mysqldbingestion: 1 part loaded, 1 row"
    assert mysql.ask("SELECT idfixture, goalsawayteam FROM fixtures ORDER BY 1") == [
        (157015, 7),
        (592141, 7),
        (592142, 7),
        (592152, 2),
        (592153, 7),
    ]


@pytest.mark.parametrize(
    ("predicted", "stored"),
    [("-0.25", "0.000"), ("123.4", "99.999"), ("1.0005", "1.001"), ("3.2e-05", "0.000"), ("2", "2.000")],
)
def test_xg_is_rounded_and_kept_within_its_column(
    filled: LakeBucket, mysql: Mysql, predicted: str, stored: str
) -> None:
    filled.put(s3_keys.predictions(PART, "home"), f"592141,36,{predicted}\n")
    load(filled)
    assert mysql.ask("SELECT xgoalshometeam FROM fixtures WHERE idfixture = 592141") == [(Decimal(stored),)]


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


ODD_ROUNDS = [
    "Relegation Round",
    """Play-offs "A", the 'big' one""",
    "'), (1, 2, 3); -- \\",
    "\\', NULL",
    "Aufstiegs-Spiele ⚽ %s",
    "x" * 100,
]


def test_a_round_name_with_special_characters_is_stored_unchanged(lake: LakeBucket, mysql: Mysql) -> None:
    rows = [(592140 + at, FULL_TIME, 36, 42, 0, 3, name) for at, name in enumerate(ODD_ROUNDS)]
    lake.fixtures(PART, *rows, (592149, FULL_TIME, 36, 42, 1, 1))
    assert load(lake) == f"mysqldbingestion: 1 part loaded, {len(ODD_ROUNDS) + 1} rows"
    known = mysql.ask("SELECT `round`, idleague, goalsawayteam FROM fixtures ORDER BY idfixture")
    assert known == [*((name, 39, 3) for name in ODD_ROUNDS), (None, 39, 1)]


def test_fixtures_objects_without_the_round_column_are_loaded(filled: LakeBucket, mysql: Mysql) -> None:
    old = [(157015, FULL_TIME, "2019-08-09", "19:00", 40, 71, 4, 1), (157016, "Not Started", "", "", 40, 71, "", "")]
    filled.put_csv(s3_keys.fixtures(OTHER), schemas.FIXTURE_COLUMNS[:-1], old)
    assert load(filled) == "mysqldbingestion: 2 parts loaded, 3 rows"
    assert mysql.ask("SELECT idfixture, goalshometeam, `round` FROM fixtures ORDER BY idfixture") == [
        (157015, 4, None),
        (592141, 0, "Regular Season - 1"),
        (592142, 1, "Regular Season - 1"),
    ]


@pytest.mark.parametrize(
    "columns", [schemas.FIXTURE_COLUMNS[:-2], (*schemas.FIXTURE_COLUMNS, "more"), [*reversed(schemas.FIXTURE_COLUMNS)]]
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


@pytest.mark.parametrize("sql", ["') (1", "\\') (1"])
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
    load(filled)
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
    load(filled)
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
