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
    assert set(scoring.list_unscored(store, model)) == rows

    class Scored(LakeStore):
        """The same lake once everything was scored, long ago or later than all else."""

        def list_objects(self, prefix: str) -> dict[str, datetime]:
            moments = store.list_objects(prefix)
            if prefix == s3_keys.PREDICTIONS:
                return {
                    s3_keys.predictions(part, "home"): datetime(2000 + 50 * (part == PART), 1, 1, tzinfo=UTC)
                    for part in (PART, OTHER)
                }
            if prefix == s3_keys.EXTENDED:
                return dict.fromkeys(moments, LATER)
            return moments

    lake = Scored(store.s3, "")
    assert scoring.list_unscored(lake, model) == [s3_keys.team_rows(OTHER, "home")]
    # Statistics that came later concern a model that looks at them.
    assert set(scoring.list_unscored(lake, choose_model(store, "fouls"))) == rows
