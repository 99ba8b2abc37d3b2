"""Which team rows are to be scored, and with which columns, on a lake in S3."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from footlake.handlers import scoring
from footlake.lake import s3_keys, schemas
from footlake.lake.store import LakeStore
from footlake.lake.tables import write_table

PART, OTHER = "39-2020-592140", "39-2020-592150"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(client: Callable[[str], Any]) -> Iterator[LakeStore]:
    """A lake with the home rows of two parts, one of them with further statistics, all of it scored."""
    bucket = f"scoring-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=bucket)
    store = LakeStore(client("s3"), bucket)
    for part, fixture in ((PART, "592141"), (OTHER, "592150")):
        values = (fixture, "36", "2", "5", "4", "9", "55")
        row = dict(zip(schemas.TEAM_ROW_COLUMNS, values, strict=True))
        store.put_if_changed(s3_keys.team_rows(part, "home"), write_table(schemas.TEAM_ROW_COLUMNS, [row]))
    known = {"idFixture": "592141", "foulsHomeTeam": "7", "foulsAwayTeam": "12"}
    row = {column: known.get(column, "") for column in schemas.EXTENDED_COLUMNS}
    store.put_if_changed(s3_keys.extended(PART), write_table(schemas.EXTENDED_COLUMNS, [row]))
    yield store


def choose_model(store: LakeStore, *features: str) -> scoring.ScoringModel:
    store.put_if_changed(s3_keys.MODEL_IN_USE, json.dumps({"model": "xGoals-1", "runs": "here", "features": features}))
    model = scoring.current_model(store)
    assert model
    return model


def test_a_lake_without_a_training_has_no_model(store: LakeStore) -> None:
    assert scoring.current_model(store) is None


def test_a_model_receives_its_columns_in_its_order(store: LakeStore) -> None:
    features = ("fouls", "totalshots", "offsides")
    (row,) = scoring.read_rows(store, s3_keys.team_rows(PART, "home"), features)
    assert row == {"idfixture": "592141", "idteam": "36", "goals": "2", "fouls": "7", "totalshots": "9", "offsides": ""}
    (unknown,) = scoring.read_rows(store, s3_keys.team_rows(OTHER, "home"), features)
    assert (unknown["fouls"], unknown["totalshots"]) == ("", "9")


def test_current_predictions_are_not_computed_again(store: LakeStore) -> None:
    model = choose_model(store, *schemas.FEATURES)
    rows = {s3_keys.team_rows(part, "home") for part in (PART, OTHER)}
    assert set(scoring.iter_unscored(store, model)) == rows

    class Scored(LakeStore):
        """The same lake once everything was scored, long ago or later than all else."""

        def iter_objects(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
            moments = dict(store.iter_objects(prefix, after))
            if prefix == s3_keys.PREDICTIONS:
                moments = {
                    s3_keys.predictions(part, "home"): datetime(2000 + 50 * (part == PART), 1, 1, tzinfo=UTC)
                    for part in (PART, OTHER)
                }
            if prefix == s3_keys.EXTENDED:
                moments = dict.fromkeys(moments, LATER)
            return iter(moments.items())

    lake = Scored(store.s3, "")
    assert list(scoring.iter_unscored(lake, model)) == [s3_keys.team_rows(OTHER, "home")]
    # Statistics that came later concern a model that looks at them.
    assert set(scoring.iter_unscored(lake, choose_model(store, "fouls"))) == rows


def test_unscored_rows_behind_a_key_come_first(store: LakeStore) -> None:
    """Parts with fewer digits and extended statistics, which have other names, do not disturb the order."""
    parts = ("39-2020-10", "39-2020-100", PART, OTHER)
    for part in parts[:2]:
        store.overwrite(s3_keys.team_rows(part, "home"), "")
    keys = [s3_keys.team_rows(part, "home") for part in parts]
    for features in (schemas.FEATURES, ("fouls",)):
        model = choose_model(store, *features)
        assert list(scoring.iter_unscored(store, model)) == keys
        for at, key in enumerate(keys):
            assert list(scoring.iter_unscored(store, model, key)) == keys[at + 1 :] + keys[: at + 1]


def test_times_of_team_rows_behind_a_key_include_extended_statistics(store: LakeStore) -> None:
    home, away = s3_keys.team_rows(PART, "home"), s3_keys.team_rows(PART, "away")
    store.overwrite(away, "")

    class Changed(LakeStore):
        """The same lake after a change of all extended statistics."""

        def iter_objects(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
            objects = store.iter_objects(prefix, after)
            return ((key, LATER) for key, _ in objects) if prefix == s3_keys.EXTENDED else objects

    lake, model = Changed(store.s3, ""), choose_model(store, "fouls")
    assert dict(scoring.iter_team_rows(lake, model, after=away, until=home)) == {home: LATER}
    assert dict(scoring.iter_team_rows(lake, model, after=away[:-1], until=away)) == {away: LATER}
