"""etlGetXGoals: score the team rows that have no xG yet, or changed since, by one batch transform.

Triggered by every new team-rows CSV and by the end of a transform, so whatever arrived while one ran is scored by
the next. One runs at a time: a whole season arriving at once is two jobs, not forty. What a transform says of rows
that changed while it ran, or for a model that is not in use any more, does not count. A model that was trained on
somebody's machine scores there: nothing is started for it here.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from footlake.football.tables import write_table
from footlake.handlers import environment, scoring, variables
from footlake.handlers.scoring import ScoringModel
from footlake.lake import s3_keys, schemas
from footlake.lake.store import Busy, LakeStore, parallel_map

FILES_PER_JOB = 1000
LEASE_SECONDS = 65.0  # longer than the function may run: an older lease belongs to an invocation that is gone
RESERVE_MILLISECONDS = 30_000  # for the work itself
JUST_NOW = timedelta(seconds=2)
NEGATIVE = re.compile(r",-[^,\n]*$", re.MULTILINE)  # what a linear model may say of a side without a shot


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start a transform if there is something to score and none is running.

    Returns `{"skipped": why}`, `{"running": job}`, `{"busy": True}` if another invocation was at it all the time, or
    `{"job", "model", "files", "rows"}`, where `files` is 0 and `job` None when everything is scored.
    """
    store = environment.lake_store()
    ended_badly = event.get("detail", {}).get("TransformJobStatus") in ("Failed", "Stopped")
    while context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS:
        try:
            with store.lease(s3_keys.LEASES + "etlGetXGoals", LEASE_SECONDS):
                running = _sweep(store) or _running(store)
                if ended_badly:  # to try again at once would fail again at once, and cost money each time
                    return {"skipped": "the last transform did not complete"}
                return {"running": running[0]} if running else _score(store)
        except Busy:
            if running := _running(store):  # whose end calls again, for whatever has come since it began
                return {"running": running[0]}
            time.sleep(1)  # what has come since the other one looked must not be missed
    return {"busy": True}


def _score(store: LakeStore) -> dict[str, Any]:
    model = scoring.current_model(store)
    if model is None:
        return {"skipped": "there is no trained model"}
    if model.runs == scoring.THIS_MACHINE:
        return {"skipped": f"the model {model.name} scores where it was trained"}
    if not _exists(model.name):
        return {"skipped": f"SageMaker has no model {model.name} (any more)"}
    pending = scoring.list_unscored(store, model)[:FILES_PER_JOB]
    if not pending:
        return {"job": None, "model": model.name, "files": 0, "rows": 0}
    job = f"{_prefix()}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"[:63]
    rows = _stage(store, job, pending, model)
    _start(job, model.name)
    return {"job": job, "model": model.name, "files": len(pending), "rows": rows}


@cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")


def _prefix() -> str:
    return os.environ[variables.MODEL]


def _running(store: LakeStore) -> list[str]:
    """The transforms under way. SageMaker may be closed to an account whose model scores where it was trained."""
    model = scoring.current_model(store)
    if model is None or model.runs == scoring.THIS_MACHINE:
        return []
    return _jobs("InProgress") or _jobs("Stopping")


def _jobs(status: str) -> list[str]:
    pages = _sagemaker().get_paginator("list_transform_jobs")
    found = pages.paginate(NameContains=f"{_prefix()}-", StatusEquals=status)
    return [job["TransformJobName"] for page in found for job in page["TransformJobSummaries"]]


def _exists(model: str) -> bool:
    try:
        _sagemaker().describe_model(ModelName=model)
    except ClientError as error:
        if "Could not find model" in str(error):  # a ValidationException, like much else
            return False
        raise
    return True


def _stage(store: LakeStore, job: str, keys: list[str], model: ScoringModel) -> int:
    """Copy the rows without their header, which a transform would take for a record. How many rows."""

    def stage(key: str) -> int:
        body = _records(store, key, model)
        store.put_if_changed(f"{s3_keys.TRANSFORM_INPUTS}{job}/{key.removeprefix(s3_keys.TEAM_ROWS)}", body)
        return body.count("\n")

    return sum(parallel_map(stage, keys))


def _records(store: LakeStore, key: str, model: ScoringModel) -> str:
    """The rows as the model wants them."""
    table = scoring.read_rows(store, key, model.features)
    return write_table((*schemas.ROW_COLUMNS, *model.features), table).split("\n", 1)[1]


def _sweep(store: LakeStore) -> list[str]:
    """Remove the inputs of transforms that are over, and what must not count of their xG. Those that still run."""
    inputs: dict[str, dict[str, datetime]] = {}
    for key, staged in store.list_objects(s3_keys.TRANSFORM_INPUTS).items():
        inputs.setdefault(key.removeprefix(s3_keys.TRANSFORM_INPUTS).split("/")[0], {})[key] = staged
    jobs = {job: _described(job) for job in inputs}
    running = [job for job in jobs if jobs[job].get("TransformJobStatus") in ("InProgress", "Stopping")]
    over = [job for job in jobs if job not in running]
    model = scoring.current_model(store) if over else None
    written = scoring.list_team_rows(store, model) if model else {}

    def counts(job: str, key: str, rows: str) -> bool:
        """Whether what the job made of this input is what the model in use says of the rows as they are now."""
        if model is None or model.name != jobs[job].get("ModelName") or rows not in written:
            return False
        # S3 counts in seconds, and rows are read a moment before they are staged.
        return written[rows] < inputs[job][key] - JUST_NOW or store.get(key) == _records(store, rows, model)

    def finish(job: str, key: str) -> None:
        rows = s3_keys.TEAM_ROWS + key.rpartition("/")[2]
        scored = scoring.predictions_key(rows)
        if not counts(job, key, rows):
            # It is newer than the rows or the model that came meanwhile: what is not there is pending.
            found = store.head(scored)
            if found and found.modified >= inputs[job][key]:
                store.delete([scored])
        elif NEGATIVE.search(store.get(scored) or ""):
            store.update(scored, lambda text: NEGATIVE.sub(",0.0", text or ""))

    parallel_map(lambda one: finish(*one), [(job, key) for job in over for key in inputs[job]])
    store.delete([key for job in over for key in inputs[job]])
    return running


def _described(job: str) -> dict[str, Any]:
    """This very job, as of one that has just begun a list may not know yet; empty if it was never started."""
    try:
        described: dict[str, Any] = _sagemaker().describe_transform_job(TransformJobName=job)
    except ClientError as error:
        if any(words in str(error) for words in ("ResourceNotFound", "Could not find")):
            return {}
        raise
    return described


def _start(job: str, model: str) -> None:
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
        # The row's ids stay with its prediction: features in, `idfixture,idteam,xG` out.
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
