"""Which team rows lack the xG of the model in use.

The Lambda function etlGetXGoals and scoring on the machine that runs footlake share these rules.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from footlake.lake import s3_keys, schemas
from footlake.lake.store import LakeStore, OrderedLookup, parallel_map

# Where a model scores.
SAGEMAKER, THIS_MACHINE = "sagemaker", "here"
# Rows without a valid prediction are scored again after this time. At once, a model that never predicts a number for
# some row would start one paid transform after the other.
REJECTED_FOR = timedelta(days=1)
# The lease of the invocation of etlGetXGoals that is at work. It is longer than the function may run: an older one
# belongs to an invocation that ended.
LEASE = s3_keys.LEASES + "etlGetXGoals"
LEASE_SECONDS = 65.0
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")  # not nan, inf or 1_000, which float() accepts


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


def iter_unscored(store: LakeStore, model: ScoringModel, after: str = "") -> Iterator[str]:
    """Yield the team-rows keys without predictions that are newer than the rows and than the use of the model.

    Contains those with rejected predictions after the time REJECTED_FOR. Begins behind the key `after` and ends with
    it. Lists objects only as far as the caller reads: one that takes some keys at a time, and continues behind the
    last of them, lists a large lake once.
    """
    yield from _iter_unscored_between(store, model, after, None)
    if after:
        yield from _iter_unscored_between(store, model, "", after)


def _iter_unscored_between(store: LakeStore, model: ScoringModel, after: str, until: str | None) -> Iterator[str]:
    """Yield the unscored team-rows keys behind `after` and up to `until`."""
    name = after.removeprefix(s3_keys.TEAM_ROWS)
    predicted = OrderedLookup(store.iter_objects(s3_keys.PREDICTIONS, s3_keys.PREDICTIONS + name))
    rejected = OrderedLookup(store.iter_objects(s3_keys.REJECTED, s3_keys.REJECTED + name))
    expired = datetime.now(UTC) - REJECTED_FOR
    for key, modified in iter_team_rows(store, model, after, until):
        changed = max(modified, model.since)
        scored, failed = predicted.find(predictions_key(key)), rejected.find(rejected_key(key))
        if failed < expired if failed and failed > changed else scored is None or scored <= changed:
            yield key


def count_rejected(store: LakeStore, model: ScoringModel) -> int:
    """Return the number of team rows without xG because the model predicted no valid number for them."""
    listed = store.list_objects(s3_keys.REJECTED)
    rejected = [
        key
        for key, modified in (iter_team_rows(store, model) if listed else ())
        if (scored := listed.get(rejected_key(key))) and scored > max(modified, model.since)
    ]
    return sum(parallel_map(lambda key: (store.get(rejected_key(key)) or "").count("\n"), rejected))


def validate_predictions(text: str, ids: Iterable[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """Return the valid lines `idfixture,idteam,xG` of predictions, and those of the rows' ids that have none.

    Valid xG is a finite number. Negative xG, which linear models may predict for a team without shots, becomes 0.
    """
    expected = list(ids)
    valid: dict[tuple[str, str], str] = {}
    for fixture, team, xg in _prediction_cells(text):
        if (fixture, team) in expected and _NUMBER.fullmatch(xg) and math.isfinite(float(xg)):
            valid[fixture, team] = "0.0" if float(xg) < 0 else xg
    lines = (f"{fixture},{team},{xg}\n" for (fixture, team), xg in valid.items())
    return "".join(lines), [row for row in expected if row not in valid]


def _prediction_cells(text: str) -> Iterator[list[str]]:
    """Yield the cells of the lines that have three; a failed model may write anything."""
    for cells in csv.reader(text.replace("\0", "").splitlines()):
        if len(cells) == len(schemas.PREDICTION_COLUMNS):
            yield [cell.strip() for cell in cells]


def store_rejected(store: LakeStore, key: str, ids: Sequence[tuple[str, str]], listed: Container[str]) -> None:
    """Store which rows of a team-rows key have no valid prediction, so that they are scored again later.

    `listed` are the keys below REJECTED. Without such rows, the key is deleted if it is one of them.
    """
    if ids:
        store.overwrite(rejected_key(key), "".join(f"{fixture},{team}\n" for fixture, team in ids))
    elif rejected_key(key) in listed:
        store.delete([rejected_key(key)])


def rejected_key(key: str) -> str:
    """Return the key of the list of rejected rows for a team-rows key."""
    return s3_keys.REJECTED + key.removeprefix(s3_keys.TEAM_ROWS)


def iter_team_rows(
    store: LakeStore, model: ScoringModel, after: str = "", until: str | None = None
) -> Iterator[tuple[str, datetime]]:
    """Yield the team-rows keys behind `after` and up to `until`, in order.

    Each comes with the time at which the data that the model uses last changed.
    """
    # The name of a part's team rows sorts before that of its extended statistics, because "-" sorts before ".".
    behind = s3_keys.EXTENDED + after.removeprefix(s3_keys.TEAM_ROWS)
    extended = OrderedLookup(
        store.iter_objects(s3_keys.EXTENDED, behind) if model.uses_extended_statistics else iter(())
    )
    for key, modified in store.iter_objects(s3_keys.TEAM_ROWS, after):
        if until and key > until:
            return
        if parsed := s3_keys.parse_team_rows(key):
            yield key, max(modified, extended.find(s3_keys.extended(parsed.part)) or modified)


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
