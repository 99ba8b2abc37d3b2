"""Which team rows lack the xG of the model in use: the same answer for the function on AWS and for a scoring here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from footlake.lake import s3_keys, schemas
from footlake.lake.store import LakeStore

SAGEMAKER, THIS_MACHINE = "sagemaker", "here"


@dataclass(frozen=True)
class ScoringModel:
    """The model in use: where it runs, which columns it wants in which order, and since when it is in use."""

    name: str
    runs: str
    features: tuple[str, ...]
    since: datetime

    @property
    def uses_extended_statistics(self) -> bool:
        """Whether it wants more than a team row has."""
        return not set(self.features) <= set(schemas.FEATURES)


def current_model(store: LakeStore) -> ScoringModel | None:
    """The model that was trained, or chosen, last."""
    text = store.get(s3_keys.MODEL_IN_USE)
    if text is None:
        return None
    known: dict[str, Any] = json.loads(text)
    since = store.list_objects(s3_keys.MODEL_IN_USE)[s3_keys.MODEL_IN_USE]
    return ScoringModel(known["model"], known["runs"], tuple(known["features"]), since)


def list_unscored(store: LakeStore, model: ScoringModel) -> list[str]:
    """The team-rows keys whose predictions are missing, or not newer than what they come from and the model's use."""
    scored = store.list_objects(s3_keys.PREDICTIONS)
    return [
        key
        for key, newest in list_team_rows(store, model).items()
        if (done := scored.get(predictions_key(key))) is None or done <= max(newest, model.since)
    ]


def list_team_rows(store: LakeStore, model: ScoringModel) -> dict[str, datetime]:
    """The team-rows keys, each with the time at which what the model looks at was last written."""
    further = store.list_objects(s3_keys.EXTENDED) if model.uses_extended_statistics else {}
    times = {}
    for key, moment in store.list_objects(s3_keys.TEAM_ROWS).items():
        if parsed := s3_keys.parse_team_rows(key):
            times[key] = max(moment, further.get(s3_keys.extended(parsed.part), moment))
    return times


def predictions_key(key: str) -> str:
    """The predictions of a team-rows key."""
    return f"{s3_keys.PREDICTIONS}{key.removeprefix(s3_keys.TEAM_ROWS)}.out"


def read_rows(store: LakeStore, key: str, features: tuple[str, ...]) -> list[dict[str, str]]:
    """The team rows of a key with these features, whether they are the row's own or further statistics.

    A further statistic that is not known is empty. BadTable for what are no team rows.
    """
    team_rows = store.get_rows(key, *schemas.TEAM_ROW_COLUMNS)
    parsed = s3_keys.parse_team_rows(key)
    if parsed and not set(features) <= set(schemas.FEATURES):
        team = {"home": "HomeTeam", "away": "AwayTeam"}[parsed.side]
        known = {
            row["idFixture"]: row for row in store.get_rows(s3_keys.extended(parsed.part), *schemas.EXTENDED_COLUMNS)
        }
        for row in team_rows:
            further = known.get(row["idfixture"], {})
            row.update({name.lower(): further.get(name + team, "") for name in schemas.EXTENDED_NAMES})
    columns = (*schemas.ROW_COLUMNS, *features)
    return [{column: row.get(column, "") for column in columns} for row in team_rows]
