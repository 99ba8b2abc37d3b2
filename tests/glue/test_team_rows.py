"""hometeamstatistics and awayteamstatistics, run by Glue on a lake in S3."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from footlake.lake import s3_keys, schemas
from tests.glue.conftest import ASSETS, GlueAws, LakeBucket

FULL_TIME = "Match Finished"
PART = "39-2020-592140"
OTHER = "39-2020-592150"


@pytest.fixture
def filled(lake: LakeBucket) -> LakeBucket:
    store_parts(lake)
    return lake


def store_parts(lake: LakeBucket) -> None:
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


def wait_for_next_second(lake: LakeBucket) -> None:
    """Wait until the second of the last write is over, as S3 timestamps have a resolution of one second."""
    newest = max(entry["LastModified"] for entry in lake.aws.s3.list_objects_v2(Bucket=lake.name).get("Contents", []))
    while datetime.now(UTC).replace(microsecond=0) <= newest:
        time.sleep(0.05)


# Each of these cases is a fixture in a separate part, with the case's number in CASES as its league.
CASES = ["revised", "abandoned", "deleted", "without round", "play-off", "unchanged", "missing value", "swapped"]


def case_id(case: str) -> int:
    """Return the id of the case's fixture."""
    return 1000 * CASES.index(case) + 1


def case_part(case: str) -> str:
    return s3_keys.part_of(s3_keys.Season(CASES.index(case), 2020), case_id(case))


def store_fixture(lake: LakeBucket, case: str, status: str = FULL_TIME, teams: tuple[int, int] = (49, 51)) -> None:
    rounds = ("Relegation Round",) if case == "play-off" else ()
    lake.fixtures(case_part(case), (case_id(case), status, *teams, 3, 1, *rounds))


def store_statistics(lake: LakeBucket, case: str, home_shots_on_goal: int = 5) -> None:
    total_shots = "" if case == "missing value" else 12
    figures = (home_shots_on_goal, 3, 8, 6, total_shots, 13, 42, 58)
    lake.statistics(case_part(case), (case_id(case), 49, 51, *figures))


class JobRuns(NamedTuple):
    """The lake with all cases, and for each run what it printed and the content of the objects that jobs wrote."""

    lake: LakeBucket
    printed: list[str]
    written: list[dict[str, str]]

    def row(self, at: int, case: str, side: s3_keys.Side = "home") -> dict[str, str] | None:
        """Return the case's row after a run, or None if there is no object."""
        text = self.written[at].get(s3_keys.team_rows(case_part(case), side))
        return next(csv.DictReader(io.StringIO(text))) if text else None

    def add(self, job: str = "hometeamstatistics") -> set[str]:
        """Run the job and return the keys that it wrote or deleted."""
        lake, before = self.lake, self.lake.versions()
        self.printed.append(lake.aws.summary(job, lake.name))
        keys = [*lake.keys(s3_keys.TEAM_ROWS), *lake.keys(s3_keys.SCORING_MARKS)]
        self.written.append({key: lake.text(key) for key in keys})
        return {key for key, _ in lake.versions() - before}


@pytest.fixture(scope="module")
def runs(aws: GlueAws) -> JobRuns:
    """Runs for the home side: the first, one after no change, two after changes; and one for the away side."""
    lake = LakeBucket(aws, "lake-of-team-rows")
    runs = JobRuns(lake, [], [])
    store_parts(lake)
    for case in CASES[:-2]:
        store_fixture(lake, case)
        store_statistics(lake, case)
    row = (case_id("without round"), FULL_TIME, "2020-09-12", "14:00", 49, 51, 3, 1)
    lake.put_csv(s3_keys.fixtures(case_part("without round")), schemas.FIXTURE_COLUMNS[:-1], [row])
    wait_for_next_second(lake)
    runs.add()
    assert runs.add() == set()

    wait_for_next_second(lake)
    store_statistics(lake, "revised", home_shots_on_goal=6)
    store_fixture(lake, "abandoned", "Match Abandoned")
    lake.delete(s3_keys.fixtures(case_part("deleted")))
    postponed = (case_id("unchanged") + 1, "Match Postponed", 44, 33, "", "")
    lake.fixtures(case_part("unchanged"), (case_id("unchanged"), FULL_TIME, 49, 51, 3, 1), postponed)
    for case in CASES[-2:]:
        store_fixture(lake, case, teams=(51, 49) if case == "swapped" else (49, 51))
        store_statistics(lake, case)
    assert runs.add() == {s3_keys.team_rows(case_part(case), "home") for case in ("revised", "abandoned", "deleted")}
    store_fixture(lake, "swapped")
    assert runs.add() == {s3_keys.team_rows(case_part("swapped"), "home")}
    runs.add("awayteamstatistics")
    return runs


def test_each_side_has_its_own_row_of_every_finished_fixture_with_statistics(runs: JobRuns) -> None:
    assert runs.printed[0] == "hometeamstatistics: 8 parts read, 8 written, 10 rows"
    assert runs.written[0][s3_keys.team_rows(PART, "home")] == (
        "idfixture,idteam,goals,shotsongoal,shotsinsidebox,totalshots,ballpossession\n"
        "592140,52,1,3,5,7,45\n592141,36,0,2,4,5,46\n592143,48,2,7,8,13,61\n"
    )
    assert runs.written[-1][s3_keys.team_rows(PART, "away")] == (
        "idfixture,idteam,goals,shotsongoal,shotsinsidebox,totalshots,ballpossession\n"
        "592140,41,0,4,6,8,55\n592141,42,3,6,9,13,54\n592143,39,2,5,4,11,39\n"
    )


def test_a_run_that_writes_rows_leaves_two_marks_for_scoring_and_another_run_none(runs: JobRuns) -> None:
    marks, later = ({key for key in written if key.startswith(s3_keys.SCORING_MARKS)} for written in runs.written[:2])
    assert len(marks) == 2
    assert [mark.endswith(".mark") for mark in marks if mark.startswith(s3_keys.NEW_TEAM_ROWS)] == [True]
    assert later == marks


def test_spark_leaves_no_temporary_objects(runs: JobRuns) -> None:
    assert "Contents" not in runs.lake.aws.s3.list_objects_v2(Bucket=ASSETS, Prefix="temporary/")


def test_a_second_run_reads_and_writes_nothing(runs: JobRuns) -> None:
    assert runs.printed[1] == (
        "hometeamstatistics: 0 parts read, 0 written: no fixtures or statistics changed since the last run"
    )


def test_a_run_after_changes_reads_and_writes_only_the_changed_parts(runs: JobRuns) -> None:
    assert runs.printed[2] == "hometeamstatistics: 5 parts read, 1 written, 2 removed, 2 rows"


def test_a_revised_value_rewrites_its_part(runs: JobRuns) -> None:
    rows = [runs.row(at, "revised") for at in (0, 2)]
    assert [row and row["shotsongoal"] for row in rows] == ["5", "6"]


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


def test_statistics_with_swapped_teams_have_no_row(runs: JobRuns) -> None:
    assert runs.row(2, "swapped") is None
    row = runs.row(3, "swapped")
    assert row and row["shotsongoal"] == "5"


@pytest.mark.parametrize("case", ["abandoned", "deleted"])
def test_a_part_that_loses_its_rows_or_its_fixtures_loses_its_object(runs: JobRuns, case: str) -> None:
    assert runs.row(0, case)
    assert runs.row(2, case) is None


def test_a_side_with_a_missing_value_has_no_row(runs: JobRuns) -> None:
    assert runs.row(-1, "missing value") is None
    away = runs.row(-1, "missing value", "away")
    assert away and away["totalshots"] == "13"


@pytest.mark.parametrize("case", ["without round", "play-off"])
def test_fixtures_without_the_round_column_and_play_offs_have_team_rows(runs: JobRuns, case: str) -> None:
    row = runs.row(0, case)
    assert row and row["goals"] == "3"


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


def test_an_empty_lake_succeeds(lake: LakeBucket) -> None:
    assert (
        lake.aws.summary("awayteamstatistics", lake.name)
        == "awayteamstatistics: 0 parts read, 0 written: no fixtures or statistics changed since the last run"
    )
    assert lake.keys() == []
