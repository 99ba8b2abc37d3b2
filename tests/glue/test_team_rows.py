"""hometeamstatistics and awayteamstatistics, run by Glue on a lake in S3."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from footlake.lake import s3_keys, schemas
from tests.glue.conftest import ASSETS, LakeBucket

FULL_TIME = "Match Finished"
PART = "39-2020-592140"
OTHER = "39-2020-592150"


@pytest.fixture
def filled(lake: LakeBucket) -> LakeBucket:
    """Two parts: five fixtures with statistics, one of them not finished; one finished without statistics."""
    lake.fixtures(
        PART,
        (592141, FULL_TIME, 36, 42, 0, 3),
        (592140, "Match Finished After Extra Time", 52, 41, 1, 0),
        (592142, "Not Started", 40, 63, "", ""),
        (592143, "Match Finished After Penalty", 48, 39, 2, 2),
        (592144, FULL_TIME, 33, 34, 5, 4),
    )
    lake.statistics(
        PART,
        (592140, 52, 41, 3, 4, 5, 6, 7, 8, 45, 55),
        (592141, 36, 42, 2, 6, 4, 9, 5, 13, 46, 54),
        (592142, 40, 63, 1, 1, 1, 1, 1, 1, 50, 50),
        (592143, 48, 39, 7, 5, 8, 4, 13, 11, 61, 39),
    )
    lake.fixtures(OTHER, (592150, FULL_TIME, 49, 51, 3, 1))
    lake.statistics(OTHER, (592150, 49, 51, 5, 3, 8, 6, 12, 13, 42, 58))
    return lake


def wait_for_next_second(lake: LakeBucket) -> None:
    """Wait until the second of the last write is over, as S3 timestamps have a resolution of one second."""
    newest = max(entry["LastModified"] for entry in lake.aws.s3.list_objects_v2(Bucket=lake.name).get("Contents", []))
    while datetime.now(UTC).replace(microsecond=0) <= newest:
        time.sleep(0.05)


def test_each_side_has_its_own_row_of_every_finished_fixture_with_statistics(filled: LakeBucket) -> None:
    assert filled.aws.summary("hometeamstatistics", filled.name) == (
        "hometeamstatistics: 2 parts read, 2 written, 4 rows"
    )
    filled.aws.summary("awayteamstatistics", filled.name)
    assert filled.text(s3_keys.team_rows(PART, "home")) == (
        "idfixture,idteam,goals,shotsongoal,shotsinsidebox,totalshots,ballpossession\n"
        "592140,52,1,3,5,7,45\n592141,36,0,2,4,5,46\n592143,48,2,7,8,13,61\n"
    )
    assert filled.text(s3_keys.team_rows(PART, "away")) == (
        "idfixture,idteam,goals,shotsongoal,shotsinsidebox,totalshots,ballpossession\n"
        "592140,41,0,4,6,8,55\n592141,42,3,6,9,13,54\n592143,39,2,5,4,11,39\n"
    )
    assert filled.keys(s3_keys.TEAM_ROWS) == [
        s3_keys.team_rows(part, side) for part in (PART, OTHER) for side in ("away", "home")
    ]


def test_a_run_that_writes_rows_leaves_two_marks_for_scoring_and_another_run_none(filled: LakeBucket) -> None:
    wait_for_next_second(filled)
    filled.aws.summary("hometeamstatistics", filled.name)
    marks = filled.keys(s3_keys.SCORING_MARKS)
    assert len(marks) == 2
    assert [mark.endswith(".mark") for mark in marks if mark.startswith(s3_keys.NEW_TEAM_ROWS)] == [True]
    filled.aws.summary("hometeamstatistics", filled.name)
    assert filled.keys(s3_keys.SCORING_MARKS) == marks


def test_spark_leaves_no_temporary_objects(filled: LakeBucket) -> None:
    filled.aws.summary("hometeamstatistics", filled.name)
    assert "Contents" not in filled.aws.s3.list_objects_v2(Bucket=ASSETS, Prefix="temporary/")


def test_a_second_run_reads_and_writes_nothing(filled: LakeBucket) -> None:
    wait_for_next_second(filled)
    filled.aws.summary("hometeamstatistics", filled.name)
    before = filled.versions()
    assert filled.aws.summary("hometeamstatistics", filled.name) == (
        "hometeamstatistics: 0 parts read, 0 written: no fixtures or statistics changed since the last run"
    )
    assert filled.versions() == before


def test_a_revised_value_rewrites_only_its_part(filled: LakeBucket) -> None:
    filled.aws.summary("hometeamstatistics", filled.name)
    wait_for_next_second(filled)
    before = filled.versions()
    filled.statistics(OTHER, (592150, 49, 51, 6, 3, 8, 6, 12, 13, 42, 58))
    filled.aws.summary("hometeamstatistics", filled.name)
    added = sorted(key for key, _ in filled.versions() - before)
    assert added == [s3_keys.statistics(OTHER), s3_keys.team_rows(OTHER, "home")]
    assert filled.rows(s3_keys.team_rows(OTHER, "home"))[0]["shotsongoal"] == "6"


def test_statistics_arriving_during_a_run_are_not_lost(filled: LakeBucket) -> None:
    changed = filled.text(s3_keys.statistics(OTHER)).replace("592150,49,51,5", "592150,49,51,6")
    script = f"""
import footlake_glue

class Meanwhile(footlake_glue.GlueLake):
    def put(self, key, text, replaces):
        if not replaces:
            super().put({s3_keys.statistics(OTHER)!r}, {changed!r}, True)
        return super().put(key, text, replaces)

footlake_glue.GlueLake = Meanwhile
footlake_glue.write_team_rows("meanwhile", "home")
"""
    filled.aws.s3.put_object(Bucket=ASSETS, Key="scripts/meanwhile.py", Body=script.encode())
    filled.aws.create_job("meanwhile")
    filled.aws.summary("meanwhile", filled.name)
    assert filled.rows(s3_keys.team_rows(OTHER, "home"))[0]["shotsongoal"] == "6"


def test_statistics_with_swapped_teams_have_no_row(filled: LakeBucket) -> None:
    filled.fixtures(OTHER, (592150, FULL_TIME, 51, 49, 1, 3))
    filled.aws.summary("hometeamstatistics", filled.name)
    assert s3_keys.team_rows(OTHER, "home") not in filled.keys(s3_keys.TEAM_ROWS)
    filled.statistics(OTHER, (592150, 51, 49, 3, 5, 6, 8, 13, 12, 58, 42))
    filled.aws.summary("hometeamstatistics", filled.name)
    assert filled.rows(s3_keys.team_rows(OTHER, "home"))[0]["shotsongoal"] == "3"


def test_a_change_that_does_not_touch_the_rows_writes_nothing(filled: LakeBucket) -> None:
    wait_for_next_second(filled)
    filled.aws.summary("hometeamstatistics", filled.name)
    wait_for_next_second(filled)
    filled.fixtures(OTHER, (592150, FULL_TIME, 49, 51, 3, 1), (592151, "Match Postponed", 44, 33, "", ""))
    before = filled.versions()
    assert filled.aws.summary("hometeamstatistics", filled.name) == (
        "hometeamstatistics: 1 part read, 0 written, 1 row"
    )
    assert filled.versions() == before


def test_a_part_that_loses_its_rows_loses_its_object(filled: LakeBucket) -> None:
    filled.aws.summary("hometeamstatistics", filled.name)
    filled.fixtures(OTHER, (592150, "Match Abandoned", 49, 51, "", ""))
    filled.aws.summary("hometeamstatistics", filled.name)
    assert filled.keys(s3_keys.TEAM_ROWS) == [s3_keys.team_rows(PART, "home")]


def test_a_deleted_part_loses_its_object(filled: LakeBucket) -> None:
    filled.aws.summary("hometeamstatistics", filled.name)
    filled.delete(s3_keys.fixtures(OTHER))
    assert "1 removed" in filled.aws.summary("hometeamstatistics", filled.name)
    assert filled.keys(s3_keys.TEAM_ROWS) == [s3_keys.team_rows(PART, "home")]


def test_a_side_with_a_missing_value_has_no_row(filled: LakeBucket) -> None:
    filled.statistics(OTHER, (592150, 49, 51, 5, 3, 8, 6, "", 13, 42, 58))
    for job in ("hometeamstatistics", "awayteamstatistics"):
        filled.aws.summary(job, filled.name)
    assert s3_keys.team_rows(OTHER, "home") not in filled.keys(s3_keys.TEAM_ROWS)
    assert [row["totalshots"] for row in filled.rows(s3_keys.team_rows(OTHER, "away"))] == ["13"]


def test_a_text_in_a_number_column_fails_the_run_and_keeps_the_rows(filled: LakeBucket) -> None:
    filled.aws.summary("hometeamstatistics", filled.name)
    before = filled.versions()
    filled.statistics(OTHER, (592150, 49, 51, "five", 3, 8, 6, 12, 13, 42, 58))
    filled.statistics(PART, (592140, 52, 41, 9, 9, 9, 9, 9, 9, 45, 55))
    after_upload = filled.versions()
    run = filled.aws.run("hometeamstatistics", filled.name)
    assert run["JobRunState"] == "FAILED"
    assert filled.versions() == after_upload > before


def test_columns_in_another_order_are_refused(filled: LakeBucket) -> None:
    header = [*schemas.STATISTICS_COLUMNS[:3], *reversed(schemas.STATISTICS_COLUMNS[3:])]
    filled.put_csv(s3_keys.statistics(OTHER), header, [(592150, 49, 51, 58, 42, 13, 12, 6, 8, 3, 5)])
    assert filled.aws.run("hometeamstatistics", filled.name)["JobRunState"] == "FAILED"
    assert filled.keys(s3_keys.TEAM_ROWS) == []


def test_fixtures_without_the_round_column_have_team_rows(filled: LakeBucket) -> None:
    filled.put_csv(
        s3_keys.fixtures(OTHER),
        schemas.FIXTURE_COLUMNS[:-1],
        [(592150, FULL_TIME, "2020-09-12", "14:00", 49, 51, 3, 1)],
    )
    assert filled.aws.summary("hometeamstatistics", filled.name) == (
        "hometeamstatistics: 2 parts read, 2 written, 4 rows"
    )


def test_play_off_matches_are_training_rows(filled: LakeBucket) -> None:
    filled.fixtures(OTHER, (592150, FULL_TIME, 49, 51, 3, 1, "Relegation Round"))
    filled.aws.summary("hometeamstatistics", filled.name)
    assert filled.rows(s3_keys.team_rows(OTHER, "home"))[0]["goals"] == "3"


def test_an_empty_lake_succeeds(lake: LakeBucket) -> None:
    assert (
        lake.aws.summary("awayteamstatistics", lake.name)
        == "awayteamstatistics: 0 parts read, 0 written: no fixtures or statistics changed since the last run"
    )
    assert lake.keys() == []
