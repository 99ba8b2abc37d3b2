"""Scoring with the model in use, wherever it runs, and judging it by the seasons that it has not seen."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_jobs import invoke_function, wait_for_transform
from footlake.errors import NotReady, StepFailed
from footlake.handlers import scoring
from footlake.handlers.scoring import ScoringModel
from footlake.lake import s3_keys, schemas
from footlake.lake.store import parallel_map
from footlake.model import evaluation, registry
from footlake.model.registry import ModelRecord


@dataclass(frozen=True)
class ScoringResult:
    """The transform jobs that ran, and the team-row files and rows that were scored."""

    model: str
    jobs: list[str]
    files: int
    rows: int


def score(aws: AwsContext) -> ScoringResult:
    """Score what is not scored yet, after waiting for a transform that the lake started by itself."""
    jobs: list[str] = []
    files = rows = 0
    while True:
        answer = invoke_function(aws, "etlGetXGoals", {})
        if "busy" in answer:
            continue
        if "running" in answer:
            wait_for_transform(aws, answer["running"])
        elif "skipped" in answer:
            model = scoring.current_model(registry.lake_store(aws))
            if model is None or model.runs != scoring.THIS_MACHINE:
                raise NotReady(
                    f"Nothing can be scored: {answer['skipped']}.",
                    "Run footlake train-autopilot first, or choose a model: transform-xgoals --model.",
                )
            scored = _score_here(aws, model)
            if not scored.files:
                return ScoringResult(model.name, jobs, files, rows)
            # Rows may have come, or another model, while these were scored.
            files += scored.files
            rows += scored.rows
        elif answer["job"] is None:
            return ScoringResult(answer["model"], jobs, files, rows)
        else:
            wait_for_transform(aws, answer["job"])
            jobs.append(answer["job"])
            files += answer["files"]
            rows += answer["rows"]


def _score_here(aws: AwsContext, model: ScoringModel) -> ScoringResult:
    """The same predictions under the same keys, made on this machine. Those of rows that changed meanwhile are gone."""
    from footlake.local.engines.local_training import local_trainer

    store = registry.lake_store(aws)
    s3, where = aws.client("s3"), {"Bucket": aws.config.bucket, "ExpectedBucketOwner": aws.config.account}
    keys = scoring.list_unscored(store, model)
    if not keys:
        return ScoringResult(model.name, [], 0, 0)
    tables = parallel_map(lambda key: scoring.read_rows(store, key, model.features), keys)
    with local_trainer() as autogluon:
        archive = autogluon.folder / "model.tar.gz"
        archive.write_bytes(s3.get_object(**where, Key=s3_keys.model_archive(model.name))["Body"].read())
        folder = autogluon.unpack(archive)
        rows = [[row[name] for name in model.features] for table in tables for row in table]
        answers = autogluon.predict(folder, rows)
    if not all(map(math.isfinite, answers)):
        raise StepFailed(
            f"The model {model.name} has no number for some team rows.",
            "Use another one: transform-xgoals --model; footlake models shows those that there are.",
        )
    said = iter(answers)

    def keep(key: str, table: list[dict[str, str]], xg: list[float]) -> None:
        body = io.StringIO()
        ids = ((row["idfixture"], row["idteam"]) for row in table)
        csv.writer(body, lineterminator="\n").writerows((*of, one) for of, one in zip(ids, xg, strict=True))
        # Also where it is what was there before: that it is newer than the rows says that they are scored.
        s3.put_object(**where, Key=scoring.predictions_key(key), Body=body.getvalue().encode())
        if scoring.read_rows(store, key, model.features) != table:
            store.delete([scoring.predictions_key(key)])

    scored = [(key, table, [max(0.0, next(said)) for _ in table]) for key, table in zip(keys, tables, strict=True)]
    parallel_map(lambda one: keep(*one), scored)
    chosen = scoring.current_model(store)
    if chosen is None or chosen.name != model.name:
        store.delete([scoring.predictions_key(key) for key in keys])
    return ScoringResult(model.name, [], len(keys), len(rows))


def evaluate_model(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """The record with its evaluation on the seasons that were held out, kept with its figure in the lake.

    Every team row has to be scored by the model. Nothing is judged where nothing was held out.
    """
    if not record.held_out or record.evaluation:
        return record
    import pandas as pd

    store = registry.lake_store(aws)
    columns = [evaluation.GOALS, *record.features]
    text = store.get(s3_keys.model_training_set(record.model))
    training = pd.read_csv(io.StringIO(text or ""))[columns]
    every = {key: s3_keys.parse_team_rows(key) for key in store.list_objects(s3_keys.TEAM_ROWS)}
    keys = [key for key, parsed in every.items() if parsed and str(parsed.season) in record.held_out]

    def known(key: str) -> list[dict[str, Any]]:
        xg = {
            (row[0], row[1]): row[2] for row in csv.reader(io.StringIO(store.get(scoring.predictions_key(key)) or ""))
        }
        wanted = (*record.features, schemas.PROVIDERS_XG)
        return [
            {**row, "xg": xg[row["idfixture"], row["idteam"]]}
            for row in scoring.read_rows(store, key, wanted)
            if (row["idfixture"], row["idteam"]) in xg
        ]

    rows = [row for table in parallel_map(known, keys) for row in table]
    if not rows:
        return record
    test = pd.DataFrame(rows).apply(pd.to_numeric, errors="coerce")
    provided = [None if pd.isna(one) else float(one) for one in test[schemas.PROVIDERS_XG]]
    judged = evaluation.evaluate(
        aws.config.model, training, test[columns], list(test["xg"]), record.seasons, record.held_out, provided
    )
    store.put_if_changed(s3_keys.model_figure(record.model), evaluation.evaluation_svg(judged))
    record = replace(record, evaluation=judged)
    registry.save_record(aws, record)
    return record
