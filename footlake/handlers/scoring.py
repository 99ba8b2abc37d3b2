"""Which team rows lack the xG of the model in use.

The Lambda function etlGetXGoals and scoring on the machine that runs footlake share these rules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from footlake.lake import s3_keys, schemas
from footlake.lake.store import LakeStore

# Where a model scores.
SAGEMAKER, THIS_MACHINE = "sagemaker", "here"


@dataclass(frozen=True)
class ScoringModel:
    """The model in use: its name, where it runs, its columns in order, and the time since which it is in use."""

    name: str
    runs: str
    features: tuple[str, ...]
    since: datetime

    @property
    def uses_extended_statistics(self) -> bool:
        """Whether some features are not columns of team rows."""
        return not set(self.features) <= set(schemas.FEATURES)


def model_exists(sagemaker: Any, model: str) -> bool:
    """Return whether SageMaker has this model. DescribeModel is consistent; ListModels can lack a new model."""
    try:
        sagemaker.describe_model(ModelName=model)
    except ClientError as error:
        if "Could not find model" in str(error):  # the code is ValidationException, as for many other errors
            return False
        raise
    return True


def current_model(store: LakeStore) -> ScoringModel | None:
    """Return the model in use: the one that was trained or chosen last."""
    text = store.get(s3_keys.MODEL_IN_USE)
    if text is None:
        return None
    document: dict[str, Any] = json.loads(text)
    since = store.list_objects(s3_keys.MODEL_IN_USE)[s3_keys.MODEL_IN_USE]
    return ScoringModel(document["model"], document["runs"], tuple(document["features"]), since)


def list_unscored(store: LakeStore, model: ScoringModel) -> list[str]:
    """Return the team-rows keys without predictions that are newer than the rows and than the use of the model."""
    predicted = store.list_objects(s3_keys.PREDICTIONS)
    return [
        key
        for key, modified in list_team_rows(store, model).items()
        if (scored := predicted.get(predictions_key(key))) is None or scored <= max(modified, model.since)
    ]


def list_team_rows(store: LakeStore, model: ScoringModel) -> dict[str, datetime]:
    """Return the team-rows keys, each with the time at which the data that the model uses last changed."""
    extended = store.list_objects(s3_keys.EXTENDED) if model.uses_extended_statistics else {}
    times = {}
    for key, modified in store.list_objects(s3_keys.TEAM_ROWS).items():
        if parsed := s3_keys.parse_team_rows(key):
            times[key] = max(modified, extended.get(s3_keys.extended(parsed.part), modified))
    return times


def predictions_key(key: str) -> str:
    """Return the key of the predictions for a team-rows key."""
    return f"{s3_keys.PREDICTIONS}{key.removeprefix(s3_keys.TEAM_ROWS)}.out"


def read_rows(store: LakeStore, key: str, features: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the team rows of a key with these features, which may be extended statistics.

    An extended statistic without a value is empty. Raises BadTable if the object is not a table of team rows.
    """
    team_rows = store.get_rows(key, *schemas.TEAM_ROW_COLUMNS)
    parsed = s3_keys.parse_team_rows(key)
    if parsed and not set(features) <= set(schemas.FEATURES):
        team = {"home": "HomeTeam", "away": "AwayTeam"}[parsed.side]
        extended_rows = store.get_rows(s3_keys.extended(parsed.part), *schemas.EXTENDED_COLUMNS)
        extended_by_fixture = {row["idFixture"]: row for row in extended_rows}
        for row in team_rows:
            extended = extended_by_fixture.get(row["idfixture"], {})
            row.update({name.lower(): extended.get(name + team, "") for name in schemas.EXTENDED_NAMES})
    columns = (*schemas.ROW_COLUMNS, *features)
    return [{column: row.get(column, "") for column in columns} for row in team_rows]
