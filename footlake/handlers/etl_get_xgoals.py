"""etlGetXGoals: score the team rows without current xG by a SageMaker batch transform.

Invoked when a Glue job has written team rows and at the end of each transform, so the rows that arrive during a
transform are scored by the next one. Only one transform runs at a time. Predictions for rows that changed during the
transform, or by a model that is no longer in use, are deleted. A model that was trained on the machine that runs
footlake scores there and not here.

A mark in the lake says that there may be rows to score: a Glue job writes one before its first object, and one after
its last, which invokes this function. Other invocations leave another mark. One that finds another at work
returns at once, as an account may have only ten invocations at a time. The one at work deletes the marks that it found
before its work, and looks again for new ones before it ends. A schedule looks every half hour for marks that remain
because a job or an invocation died.
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from collections.abc import Container
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from footlake.handlers import environment, scoring, variables
from footlake.handlers.log_lines import finished_line, rejected_line, scoring_line
from footlake.handlers.scoring import ScoringModel
from footlake.lake import s3_keys, schemas
from footlake.lake.store import Busy, LakeStore, parallel_map
from footlake.lake.tables import write_table

FILES_PER_JOB = 1000
RESERVE_MILLISECONDS = 30_000  # for the work after the lease was acquired
AFTER_FAILURE = s3_keys.SCORING_MARKS + "failed-"  # marks of events that report a failed transform
# Rows are read shortly before they are staged, and S3 timestamps have a resolution of one second.
TIMESTAMP_MARGIN = timedelta(seconds=2)


class StagedInput(NamedTuple):
    """An input object of a transform: its key, and when the rows were copied to it."""

    key: str
    staged: datetime

    @property
    def rows_key(self) -> str:
        """Key of the team rows that were copied."""
        return s3_keys.TEAM_ROWS + self.key.rpartition("/")[2]

    @property
    def predictions_key(self) -> str:
        """Key of the predictions that the transform writes for this input."""
        return scoring.predictions_key(self.rows_key)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start a transform if there are rows to score and none is running.

    The event is an S3 notification, the end of a transform, a call by the command line, or `{"left": true}` (do what
    earlier invocations could not finish). Returns `{"skipped": reason}`; `{"running": job}`; `{"busy": True}` if the
    work is left to another invocation; or `{"job", "model", "files", "rows"}`, with `files` 0 and `job` None if there
    is nothing to score.
    """
    result = _start_transform_if_needed(event, context)
    print(scoring_line(result))
    return result


def _start_transform_if_needed(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do the work of all marks. Return the last result that started a transform, or else the first one."""
    store = environment.lake_store()
    if "left" not in event and "Records" not in event:  # the object that an S3 notification reports is a mark
        failed = event.get("detail", {}).get("TransformJobStatus") in ("Failed", "Stopped")
        store.overwrite(f"{AFTER_FAILURE if failed else s3_keys.SCORING_MARKS}{uuid.uuid4().hex}", "")
    result: dict[str, Any] = {}
    # A mark that arrives after the last look has an invocation that finds the lease free.
    while (marks := list(store.list_objects(s3_keys.SCORING_MARKS))) and not (
        result and context.get_remaining_time_in_millis() <= RESERVE_MILLISECONDS
    ):
        try:
            with store.lease(scoring.LEASE, scoring.LEASE_SECONDS):
                found = _process_marks(store, marks)
        except Busy:
            return result or {"busy": True}
        result = found if found.get("job") or not result else result
    if not result and ("left" in event or "Records" in event):
        return {"skipped": "nothing is left to do"}
    return result or {"busy": True}


def _process_marks(store: LakeStore, marks: list[str]) -> dict[str, Any]:
    """Finish the transforms that ended, start one if needed, and delete the marks. Requires the lease."""
    inputs = _list_inputs(store)
    running = _finish_transforms(store, inputs) or _list_running(store)
    if all(mark.startswith(AFTER_FAILURE) for mark in marks):  # another transform would probably fail, and costs money
        result = {"skipped": "the last transform failed or was stopped"}
    else:
        last_scored = max((staged.rows_key for job in inputs.values() for staged in job), default="")
        result = {"running": running[0]} if running else _score(store, last_scored)
    store.delete(marks)
    return result


def _score(store: LakeStore, last_scored: str) -> dict[str, Any]:
    """Start a transform for rows without current xG, up to FILES_PER_JOB objects, first those behind `last_scored`."""
    model = scoring.current_model(store)
    if model is None:
        return {"skipped": "the lake has no trained model"}
    if model.runs == scoring.THIS_MACHINE:
        return {"skipped": f"the model {model.name} scores on the machine that trained it"}
    if not scoring.model_exists(_sagemaker(), model.name):
        return {"skipped": f"SageMaker does not have the model {model.name}"}
    keys = list(islice(scoring.iter_unscored(store, model, last_scored), FILES_PER_JOB))
    if not keys:
        return {"job": None, "model": model.name, "files": 0, "rows": 0}
    job = f"{_job_prefix()}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"[:63]
    rows = _stage_inputs(store, job, keys, model)
    _start_transform(job, model.name)
    return {"job": job, "model": model.name, "files": len(keys), "rows": rows}


def _stage_inputs(store: LakeStore, job: str, keys: list[str], model: ScoringModel) -> int:
    """Copy the rows of these keys to the transform's input folder and return the number of rows."""

    def stage(key: str) -> int:
        text = _transform_input(store, key, model)
        store.overwrite(f"{s3_keys.TRANSFORM_INPUTS}{job}/{key.removeprefix(s3_keys.TEAM_ROWS)}", text)
        return text.count("\n")

    return sum(parallel_map(stage, keys))


def _transform_input(store: LakeStore, key: str, model: ScoringModel) -> str:
    """Return the rows with the model's features, without a header, which a transform would take for a record."""
    rows = scoring.read_rows(store, key, model.features)
    return write_table((*schemas.ROW_COLUMNS, *model.features), rows).split("\n", 1)[1]


def _finish_transforms(store: LakeStore, inputs: dict[str, list[StagedInput]]) -> list[str]:
    """Validate the predictions of transforms that ended and delete their inputs. Return the transforms that run."""
    jobs = {job: _describe_transform(job) for job in inputs}
    running = [job for job, found in jobs.items() if found.get("TransformJobStatus") in ("InProgress", "Stopping")]
    ended = [job for job in jobs if job not in running]
    model = scoring.current_model(store) if ended else None
    row_times = _find_row_times(store, model, [staged.rows_key for job in ended for staged in inputs[job]])
    listed = store.list_objects(s3_keys.REJECTED) if model else {}

    def finish(job: str, staged: StagedInput) -> int | None:
        scored_by_current_model = model is not None and model.name == jobs[job].get("ModelName")
        if model and scored_by_current_model and _is_current(store, model, staged, row_times.get(staged.rows_key)):
            return _validate_predictions(store, staged, listed)
        _delete_predictions(store, staged)
        return None

    for job in ended:
        rejected = parallel_map(partial(finish, job), inputs[job])
        used = [rows for rows in rejected if rows is not None]
        print(finished_line(job, jobs[job].get("TransformJobStatus", "never started"), len(used), len(rejected)))
        if sum(used):
            print(rejected_line(sum(used)))
    store.delete([staged.key for job in ended for staged in inputs[job]])
    return running


def _find_row_times(store: LakeStore, model: ScoringModel | None, keys: list[str]) -> dict[str, datetime]:
    """Return when the data that the model uses last changed, for those of these team-rows keys that exist."""
    if not model or not keys:
        return {}
    # A key without its last character sorts before it.
    return dict(scoring.iter_team_rows(store, model, after=min(keys)[:-1], until=max(keys)))


def _list_inputs(store: LakeStore) -> dict[str, list[StagedInput]]:
    """Return the input objects by transform job."""
    inputs = defaultdict(list)
    for key, staged in store.list_objects(s3_keys.TRANSFORM_INPUTS).items():
        inputs[key.removeprefix(s3_keys.TRANSFORM_INPUTS).split("/")[0]].append(StagedInput(key, staged))
    return inputs


def _is_current(store: LakeStore, model: ScoringModel, staged: StagedInput, modified: datetime | None) -> bool:
    """Return whether the team rows, last modified at this time (None if they are gone), are those of the input."""
    if modified is None:
        return False
    return modified < staged.staged - TIMESTAMP_MARGIN or (
        store.get(staged.key) == _transform_input(store, staged.rows_key, model)
    )


def _delete_predictions(store: LakeStore, staged: StagedInput) -> None:
    """Delete the predictions that the transform wrote, so that their rows are scored again.

    They are newer than the rows or the model that came meanwhile. Older predictions, of a transform that failed, stay.
    """
    predictions = store.head(staged.predictions_key)
    if predictions and predictions.modified >= staged.staged:
        store.delete([staged.predictions_key])


def _validate_predictions(store: LakeStore, staged: StagedInput, listed: Container[str]) -> int | None:
    """Remove what is no xG from the predictions, store which rows have none, and return their number.

    `listed` are the keys below REJECTED. Does nothing and returns None if the transform failed before it wrote these
    predictions.
    """
    predictions = store.head(staged.predictions_key)
    if predictions is None or predictions.modified < staged.staged:
        return None
    text = store.get(staged.predictions_key) or ""
    ids = [(row[0], row[1]) for line in (store.get(staged.key) or "").splitlines() if (row := line.split(","))]
    valid, rejected = scoring.validate_predictions(text, ids)
    scoring.store_rejected(store, staged.rows_key, rejected, listed)
    if not valid:
        store.delete([staged.predictions_key])
    elif valid != text:
        store.overwrite(staged.predictions_key, valid)
    return len(rejected)


@cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")


def _job_prefix() -> str:
    return os.environ[variables.MODEL]


def _list_running(store: LakeStore) -> list[str]:
    """Return the transforms in progress.

    SageMaker is not called for a model that scores where it was trained: the account may have no access to SageMaker.
    """
    model = scoring.current_model(store)
    if model is None or model.runs == scoring.THIS_MACHINE:
        return []
    return _list_transforms("InProgress") or _list_transforms("Stopping")


def _list_transforms(status: str) -> list[str]:
    pages = _sagemaker().get_paginator("list_transform_jobs")
    filtered = pages.paginate(NameContains=f"{_job_prefix()}-", StatusEquals=status)
    return [job["TransformJobName"] for page in filtered for job in page["TransformJobSummaries"]]


def _describe_transform(job: str) -> dict[str, Any]:
    """Return the description of a transform; empty if it was never started. A list may lack one that just began."""
    try:
        description: dict[str, Any] = _sagemaker().describe_transform_job(TransformJobName=job)
    except ClientError as error:
        if any(words in str(error) for words in ("ResourceNotFound", "Could not find")):
            return {}
        raise
    return description


def _start_transform(job: str, model: str) -> None:
    bucket = os.environ[variables.BUCKET]
    first_feature = len(schemas.ROW_COLUMNS)
    _sagemaker().create_transform_job(
        TransformJobName=job,
        ModelName=model,
        BatchStrategy="MultiRecord",
        TransformInput={
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": f"s3://{bucket}/{s3_keys.TRANSFORM_INPUTS}{job}/",
                }
            },
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        # The model receives the features only; the output is joined to the ids: `idfixture,idteam,xG`.
        DataProcessing={
            "InputFilter": f"$[{first_feature}:]",
            "JoinSource": "Input",
            "OutputFilter": "$[0,1,-1]",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{bucket}/{s3_keys.PREDICTIONS.rstrip('/')}",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": os.environ[variables.TRANSFORM_INSTANCE], "InstanceCount": 1},
        Tags=[{"Key": "footlake", "Value": os.environ[variables.LAKE]}],
    )
