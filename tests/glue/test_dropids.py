"""dropids, run by Glue on a lake in S3."""

from __future__ import annotations

import pytest

from footlake.lake import s3_keys, schemas
from tests.glue.conftest import LakeBucket

HEADER = "goals,shotsongoal,shotsinsidebox,totalshots,ballpossession\n"


@pytest.fixture
def filled(lake: LakeBucket) -> LakeBucket:
    """Team rows of two seasons, the older one with the higher ids."""
    rows: dict[tuple[str, s3_keys.Side], list[tuple[int, ...]]] = {
        ("39-2020-592140", "home"): [(592141, 36, 0, 2, 4, 5, 46), (592149, 40, 4, 6, 17, 22, 51)],
        ("39-2020-592140", "away"): [(592141, 42, 3, 6, 9, 13, 54), (592149, 63, 3, 3, 3, 6, 49)],
        ("39-2019-992140", "home"): [(992141, 1, 1, 1, 1, 1, 50)],
    }
    for (part, side), team_rows in rows.items():
        lake.put_csv(s3_keys.team_rows(part, side), schemas.TEAM_ROW_COLUMNS, team_rows)
    return lake


def test_all_rows_come_without_ids_in_the_order_of_the_ids(filled: LakeBucket) -> None:
    filled.aws.summary("dropids", filled.name)
    assert filled.keys(s3_keys.TRAINING) == [s3_keys.TRAINING_SET]
    assert filled.text(s3_keys.TRAINING_SET) == (
        HEADER + "0,2,4,5,46\n3,6,9,13,54\n4,6,17,22,51\n3,3,3,6,49\n1,1,1,1,50\n"
    )


def test_only_the_seasons_asked_for_are_taken(filled: LakeBucket) -> None:
    filled.aws.summary("dropids", filled.name, seasons="39-2018,39-2019")
    assert filled.text(s3_keys.TRAINING_SET) == HEADER + "1,1,1,1,50\n"


def test_the_same_rows_are_not_written_again(filled: LakeBucket) -> None:
    filled.aws.summary("dropids", filled.name)
    before = filled.versions()
    assert filled.aws.summary("dropids", filled.name) == "dropids: 3 objects read, training set of 5 rows unchanged"
    assert filled.versions() == before


def test_without_team_rows_nothing_is_written(lake: LakeBucket) -> None:
    empty = "dropids: 0 objects read, training set of 0 rows not written: the lake has no team rows"
    assert lake.aws.summary("dropids", lake.name) == empty
    assert lake.keys() == []


def test_extended_uses_all_statistics_with_values_except_the_providers_xg(filled: LakeBucket) -> None:
    """Fouls are known of one fixture, corners of none; the expected goals are the provider's answer, no feature."""
    known = {"foulsHomeTeam": 7, "foulsAwayTeam": 12, "expectedGoalsHomeTeam": 0.8, "expectedGoalsAwayTeam": 2.9}
    row = {"idFixture": 592141, "idHomeTeam": 36, "idAwayTeam": 42} | known
    filled.put_csv(
        s3_keys.extended("39-2020-592140"),
        schemas.EXTENDED_COLUMNS,
        [[row.get(column, "") for column in schemas.EXTENDED_COLUMNS]],
    )
    filled.aws.summary("dropids", filled.name, features="extended")
    assert filled.text(s3_keys.TRAINING_SET).splitlines() == [
        "goals,shotsongoal,shotsinsidebox,totalshots,ballpossession,fouls",
        *("0,2,4,5,46,7", "3,6,9,13,54,12", "4,6,17,22,51,", "3,3,3,6,49,", "1,1,1,1,50,"),
    ]
