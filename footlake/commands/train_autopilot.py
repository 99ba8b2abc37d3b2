"""train-autopilot: the training set, an Autopilot job, and the model of its best candidate."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from footlake import layout
from footlake.app import App
from footlake.catalogue import catalogue
from footlake.errors import NotReady, StepFailed
from footlake.lake import Lake
from footlake.resources.base import found, tag_list
from footlake.resources.iam import Role
from footlake.steps import run_jobs

LEAST_ROWS = 500  # Autopilot refuses a smaller tabular training set.


@dataclass(frozen=True)
class Trained:
    """The model and how it came to be; `value` is the best candidate's `metric` on Autopilot's validation split."""

    model: str
    rows: int
    candidates: int
    best: str
    metric: str
    value: float


def train_autopilot(lake: Lake) -> Trained:
    """Train on every team row of the lake. Joins a training that is under way instead of starting another."""
    run_jobs(lake, "dropids")
    rows = _rows(lake)
    if rows < LEAST_ROWS:
        raise NotReady(
            f"The training set has {rows} rows; Autopilot needs at least {LEAST_ROWS}.",
            "Load a season or more first: ingest-fixtures --season 2019, ingest-stats --season 2019, run-glue.",
        )
    role = _role(lake)
    job = _under_way(lake) or _start(lake, role)
    best = _wait(lake, job)
    _create_model(lake, job, role, best)
    metric = best["FinalAutoMLJobObjectiveMetric"]
    candidates = lake.client("sagemaker").list_candidates_for_auto_ml_job(AutoMLJobName=job)["Candidates"]
    return Trained(job, rows, len(candidates), best["CandidateName"], metric["MetricName"], metric["Value"])


def _rows(lake: Lake) -> int:
    answer = found(
        lake.client("s3").get_object,
        "NoSuchKey",
        Bucket=lake.config.bucket,
        Key=layout.TRAINING_SET,
        ExpectedBucketOwner=lake.config.account,
    )
    if answer is None:
        return 0
    return max(0, sum(1 for line in answer["Body"].iter_lines() if line.strip()) - 1)


def _role(lake: Lake) -> str:
    role = next(
        one for one in catalogue(lake.config) if isinstance(one, Role) and one.name == lake.config.sagemaker_role
    )
    if not role.exists(lake):
        raise NotReady(f"There is no role {role.name}.", "Run footlake bootstrap first.")
    return role.arn(lake)


def _under_way(lake: Lake) -> str | None:
    jobs = lake.client("sagemaker").list_auto_ml_jobs(
        NameContains=f"{lake.config.model}-", StatusEquals="InProgress", SortBy="CreationTime", SortOrder="Descending"
    )["AutoMLJobSummaries"]
    return str(jobs[0]["AutoMLJobName"]) if jobs else None


@contextmanager
def _quiet_sdk() -> Iterator[None]:
    """The SageMaker SDK tells of its age and its requests; standard output is for the result alone."""
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        yield


@_quiet_sdk()
def _start(lake: Lake, role: str) -> str:
    from sagemaker import Session  # 4 seconds to import
    from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2

    bucket = lake.config.bucket
    name = f"{lake.config.model}-{datetime.now(UTC):%Y%m%d%H%M%S}"
    job = AutoMLV2(
        problem_config=AutoMLTabularConfig(
            target_attribute_name=layout.TRAINING_COLUMNS[0],
            problem_type="Regression",
            mode="ENSEMBLING",
            max_candidates=lake.config.max_candidates,
            max_total_job_runtime_in_seconds=lake.config.max_runtime,
        ),
        job_objective={"MetricName": "MSE"},
        role=role,
        output_path=f"s3://{bucket}/{layout.MODELS.rstrip('/')}",
        tags=tag_list(lake),
        sagemaker_session=Session(boto_session=lake.session, default_bucket=bucket),
    )
    training = AutoMLDataChannel(
        s3_data_type="S3Prefix",
        s3_uri=f"s3://{bucket}/{layout.TRAINING_SET}",
        channel_type="training",
        content_type="text/csv;header=present",
    )
    # The SDK's own waiting fails without logs, so the job is only started here.
    job.fit(inputs=[training], job_name=name, wait=False)
    return name


def _wait(lake: Lake, job: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        state: dict[str, Any] = lake.client("sagemaker").describe_auto_ml_job_v2(AutoMLJobName=job)
        return None if state["AutoMLJobStatus"] in ("InProgress", "Stopping") else state

    result = lake.wait_until(f"autopilot job {job}", ended, every=30, limit=lake.config.max_runtime + 1800)
    if result["AutoMLJobStatus"] != "Completed":
        reason = result.get("FailureReason", "no reason given")
        raise StepFailed(f"The Autopilot job {job} ended {result['AutoMLJobStatus']}: {reason}")
    best: dict[str, Any] = result["BestCandidate"]
    return best


def _create_model(lake: Lake, name: str, role: str, best: dict[str, Any]) -> None:
    sagemaker = lake.client("sagemaker")
    # An unknown model is a ValidationException, like much else: its message tells.
    models = sagemaker.list_models(NameContains=name)["Models"]
    if not any(model["ModelName"] == name for model in models):
        sagemaker.create_model(
            ModelName=name, Containers=best["InferenceContainers"], ExecutionRoleArn=role, Tags=tag_list(lake)
        )


@click.command("train-autopilot")
@click.pass_obj
def command(app: App) -> None:
    """Train the xGoals model with SageMaker Autopilot, on every team row of the lake."""
    done = train_autopilot(app.lake())
    app.show(
        done,
        [
            f"model {done.model}: best of {done.candidates} candidates is {done.best}, "
            f"{done.metric} {done.value:.4f} on {done.rows} rows"
        ],
        football=True,
    )
