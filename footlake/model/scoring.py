"""Score team rows with the model in use, wherever it runs, and evaluate it on seasons that it was not trained on."""

from __future__ import annotations

import csv
import io
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_jobs import invoke_function, wait_for_transform
from footlake.errors import FootlakeCommand, Hint, NotReady
from footlake.handlers import scoring
from footlake.handlers.scoring import ScoringModel
from footlake.lake import s3_keys, schemas
from footlake.lake.store import LakeStore, parallel_map
from footlake.model import evaluation, registry
from footlake.model.registry import ModelRecord

Row = dict[str, str]


@dataclass(frozen=True)
class ScoringResult:
    """The transform jobs that ran, and the number of team-rows objects and of rows that were scored.

    `rejected` counts the rows without xG because the model predicted no number for them.
    """

    model: str
    jobs: list[str]
    files: int
    rows: int
    rejected: int = 0


def score(aws: AwsContext) -> ScoringResult:
    """Score all rows without current xG, as `_score_all` does, and count those for which no xG was predicted."""
    result = _score_all(aws)
    store = registry.lake_store(aws)
    model = scoring.current_model(store)
    return replace(result, rejected=scoring.count_rejected(store, model) if model else 0)


def _score_all(aws: AwsContext) -> ScoringResult:
    """Score all rows without current xG. Waits for a transform that the lake started by itself.

    Repeats until nothing is left to score, because rows may arrive or another model may be chosen meanwhile.
    Raises NotReady if there is no model that can score.
    """
    store = registry.lake_store(aws)
    jobs: list[str] = []
    files = rows = 0
    while True:
        answer = aws.wait_until("another invocation of etlGetXGoals to end", lambda: _invoke(aws, store), 5, 300)
        if "running" in answer:
            wait_for_transform(aws, answer["running"])
        elif "skipped" in answer:
            scored = _score_on_this_machine(aws, answer["skipped"])
            if not scored.files:
                return ScoringResult(scored.model, jobs, files, rows)
            files += scored.files
            rows += scored.rows
        elif answer["job"] is None:
            return ScoringResult(answer["model"], jobs, files, rows)
        else:
            wait_for_transform(aws, answer["job"])
            jobs.append(answer["job"])
            files += answer["files"]
            rows += answer["rows"]


def _invoke(aws: AwsContext, store: LakeStore) -> dict[str, Any] | None:
    """Return the answer of etlGetXGoals, or None if another invocation is at work."""
    if store.is_leased(scoring.LEASE, scoring.LEASE_SECONDS):
        return None
    answer = invoke_function(aws, "etlGetXGoals", {})
    return None if "busy" in answer else answer


def _score_on_this_machine(aws: AwsContext, skipped: str) -> ScoringResult:
    """Write the same predictions as a transform, with the model in use running on this machine.

    `skipped` is why the Lambda function did nothing. Predictions for rows that changed meanwhile, or by a model that is
    no longer in use, are deleted.
    """
    store = registry.lake_store(aws)
    model = scoring.current_model(store)
    if model is None or model.runs != scoring.THIS_MACHINE:
        raise NotReady(
            f"Cannot score team rows: {skipped}.",
            Hint(
                "Train a model: ",
                FootlakeCommand("train-autopilot"),
                "\n  Or choose one that was trained before: ",
                FootlakeCommand("transform-xgoals --model NAME"),
            ),
        )
    keys = list(scoring.iter_unscored(store, model))
    if not keys:
        return ScoringResult(model.name, [], 0, 0)
    tables = parallel_map(lambda key: scoring.read_rows(store, key, model.features), keys)
    predicted = iter(_predict(aws, model, [row for table in tables for row in table]))
    scored = [(key, table, [next(predicted) for _ in table]) for key, table in zip(keys, tables, strict=True)]
    listed = store.list_objects(s3_keys.REJECTED)
    parallel_map(lambda item: _store_predictions(store, model, listed, *item), scored)
    chosen = scoring.current_model(store)
    if chosen is None or chosen.name != model.name:
        store.delete([scoring.predictions_key(key) for key in keys])
    return ScoringResult(model.name, [], len(keys), sum(map(len, tables)))


def _predict(aws: AwsContext, model: ScoringModel, rows: list[Row]) -> list[float]:
    """Return the model's predictions, which may be negative or not a number."""
    from footlake.local.engines.local_training import local_trainer

    with local_trainer() as autogluon:
        archive = autogluon.folder / "model.tar.gz"
        response = aws.client("s3").get_object(
            Bucket=aws.config.bucket,
            ExpectedBucketOwner=aws.config.account,
            Key=s3_keys.model_archive(model.name),
        )
        archive.write_bytes(response["Body"].read())
        features = [[row[name] for name in model.features] for row in rows]
        return autogluon.predict(autogluon.unpack(archive), features)


def _store_predictions(
    store: LakeStore, model: ScoringModel, listed: Container[str], key: str, rows: list[Row], xg: list[float]
) -> None:
    """Write the valid predictions for a team-rows key; delete them if the rows changed since they were read."""
    ids = [(row["idfixture"], row["idteam"]) for row in rows]
    lines = (f"{fixture},{team},{value}\n" for (fixture, team), value in zip(ids, xg, strict=True))
    valid, rejected = scoring.validate_predictions("".join(lines), ids)
    predictions = scoring.predictions_key(key)
    scoring.store_rejected(store, key, rejected, listed)
    if valid:
        # Written even if unchanged: predictions that are newer than the rows show that these are scored.
        store.overwrite(predictions, valid)
    else:
        store.delete([predictions])
    if scoring.read_rows(store, key, model.features) != rows:
        store.delete([predictions, *([scoring.rejected_key(key)] if rejected else [])])


def evaluate_model(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """Evaluate a model on its held-out seasons, and store the evaluation in its record and as a chart.

    The model must have scored every team row. Returns the record unchanged if no season was held out, if it has an
    evaluation already, or if no row was scored.
    """
    if not record.held_out or record.evaluation:
        return record
    import pandas as pd

    store = registry.lake_store(aws)
    columns = [evaluation.GOALS, *record.features]
    training_set = store.get(s3_keys.model_training_set(record.model)) or ""
    training = pd.read_csv(io.StringIO(training_set))[columns]
    rows = _read_scored_rows(store, record)
    if not rows:
        return record
    test = pd.DataFrame(rows).apply(pd.to_numeric, errors="coerce")
    providers_xg = [None if pd.isna(xg) else float(xg) for xg in test[schemas.PROVIDERS_XG]]
    evaluated = evaluation.evaluate(
        aws.config.model, training, test[columns], list(test["xg"]), record.seasons, record.held_out, providers_xg
    )
    store.put_if_changed(s3_keys.model_figure(record.model), evaluation.evaluation_svg(evaluated))
    record = replace(record, evaluation=evaluated)
    registry.save_record(aws, record)
    return record


def _read_scored_rows(store: LakeStore, record: ModelRecord) -> list[dict[str, Any]]:
    """Return the team rows of the held-out seasons that have xG, with the model's features, its xG and the API's."""
    parsed_keys = {key: s3_keys.parse_team_rows(key) for key in store.list_objects(s3_keys.TEAM_ROWS)}
    keys = [key for key, parsed in parsed_keys.items() if parsed and str(parsed.season) in record.held_out]

    def read(key: str) -> list[dict[str, Any]]:
        predictions = csv.reader(io.StringIO(store.get(scoring.predictions_key(key)) or ""))
        xg = {(fixture, team): value for fixture, team, value, *_ in predictions}
        return [
            {**row, "xg": xg[row["idfixture"], row["idteam"]]}
            for row in scoring.read_rows(store, key, (*record.features, schemas.PROVIDERS_XG))
            if (row["idfixture"], row["idteam"]) in xg
        ]

    return [row for table in parallel_map(read, keys) for row in table]
