"""Train the xGoals model with SageMaker Autopilot, or with the same engine (AutoGluon) on this machine."""

from __future__ import annotations

import csv
import io
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal

from botocore.exceptions import ClientError

from footlake import __version__
from footlake.aws import AwsContext
from footlake.aws_errors import error_code, get_or_none
from footlake.aws_jobs import format_count, last_log_lines, run_crawler, run_glue_jobs
from footlake.deploy import costs
from footlake.deploy.catalogue import SAGEMAKER_LOGS, catalogue
from footlake.deploy.usage import RunCost, cost_of_run
from footlake.errors import BOOTSTRAP_FIRST, FootlakeCommand, Hint, NotReady, StepFailed
from footlake.handlers.scoring import SAGEMAKER, THIS_MACHINE
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season
from footlake.lake.store import Busy
from footlake.model import registry
from footlake.model.registry import ModelRecord
from footlake.model.scoring import evaluate_model, score
from footlake.resources.base import tag_list
from footlake.resources.iam import IamRole

LEASE_SECONDS = 900.0  # after this time without a renewal, a call that prepared a training counts as dead
RENEWAL_SECONDS = 60.0
LEAST_ROWS = 500  # Autopilot rejects tabular training sets with fewer rows
# A job that was stopped, such as at the end of its time, can also have a best candidate.
ENDED_WITH_CANDIDATES = ("Completed", "Stopped")
NO_SUCH_JOB = ("ResourceNotFound", "ValidationException")
# From accounts without a quota, and from those created after AWS closed Autopilot to new customers.
REFUSALS = ("ResourceLimitExceeded", "ValidationException", "AccessDeniedException", "AccessDenied")

TRAIN_LOCALLY = Hint(
    "To train and score on this machine with the same engine, free of charge: ",
    FootlakeCommand("train-autopilot --on-this-machine"),
)
MORE_LOG = Hint("To see the whole log: ", FootlakeCommand("logs processing"), ", ", FootlakeCommand("logs training"))
MORE_TIME = Hint("Allow more time with --max-runtime.")

Features = Literal["default", "extended"]
OnProgress = Callable[[str], None]


@dataclass(frozen=True)
class TrainingResult:
    """The model that is in use after the training. `joined` is true if another call had started the training.

    `cost` is what has run on AWS since the training began, None if it cannot be read.
    """

    record: ModelRecord
    joined: bool = False
    cost: RunCost | None = None


def import_in_background() -> None:
    """Start importing the SageMaker SDK and scikit-learn, which takes seconds, while AWS prepares the training."""
    # `_quiet_sdk` would discard also what other threads print.
    logging.getLogger("sagemaker.config").setLevel(logging.WARNING)
    os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"

    def import_modules() -> None:
        for module in ("sagemaker.automl.automlv2", "sklearn.linear_model"):
            import_module(module)

    threading.Thread(target=import_modules, daemon=True).start()


def train_model(
    aws: AwsContext,
    features: Features = "default",
    on_this_machine: bool = False,
    hold_out: bool = True,
    on_progress: OnProgress = lambda line: None,
) -> TrainingResult:
    """Train on the lake's team rows, score all of them with the new model, and evaluate it on the last season.

    The last season is held out, unless it is the only one or the others have too few rows. If a training is in
    progress, or one has ended but its rows were not all scored, this call continues it instead of paying for another.
    `on_progress` receives the price before AWS charges anything.

    Raise NotReady without enough rows or resources, StepFailed if AWS refuses the job or the job fails.
    """
    started = datetime.now(UTC)
    if on_this_machine:
        from footlake.local.engines.local_training import require_autogluon

        require_autogluon()
    seasons = _seasons_with_rows(aws)
    if not on_this_machine:
        import_in_background()
    record, joined = aws.wait_until(
        "another call of train-autopilot to prepare its training",
        lambda: _join_or_start(aws, seasons, features, on_this_machine, hold_out, on_progress),
        every=10,
        limit=2 * LEASE_SECONDS,
    )
    record = _train_on_this_machine(aws, record) if on_this_machine else _finish_job(aws, record)
    registry.save_record(aws, record)
    registry.set_current_model(aws, record.model)
    on_progress(f"Scoring every team row with {record.model}.")
    score(aws)
    record = registry.mark_scored(aws, evaluate_model(aws, record))
    # A training that another call had started began earlier.
    made = datetime.fromisoformat(record.made)
    began = min(started, made if made.tzinfo else made.replace(tzinfo=UTC))
    return TrainingResult(record, joined, cost_of_run(aws, began, training=True))


def _join_or_start(
    aws: AwsContext,
    seasons: Sequence[Season],
    features: Features,
    on_this_machine: bool,
    hold_out: bool,
    on_progress: OnProgress,
) -> tuple[ModelRecord, bool] | None:
    """Return the training to wait for, and whether another call started it. None while another call prepares one."""
    store = registry.lake_store(aws)
    try:
        with store.lease(s3_keys.LEASES + "train-autopilot", LEASE_SECONDS) as lease:
            if not on_this_machine and (unfinished := _unfinished_training(aws)):
                features_count = format_count(len(unfinished.features), "feature")
                on_progress(
                    f"Continuing the training {unfinished.model} ({features_count}), which was started before."
                    " No other training is started."
                )
                return unfinished, True
            on_progress(_describe_price(aws, on_this_machine))
            with lease.renewed_every(RENEWAL_SECONDS):  # dropids and the crawler can take longer than a lease lasts
                record = _prepare(aws, seasons, features, THIS_MACHINE if on_this_machine else SAGEMAKER, hold_out)
            # Another call may have taken the lease over and started a job, such as while this machine was suspended.
            lease.renew()
            store.put_if_changed(s3_keys.model_training_set(record.model), store.get(s3_keys.TRAINING_SET) or "")
            if not on_this_machine:
                _start_job(aws, record)
            return record, False
    except Busy:
        return None


def _describe_price(aws: AwsContext, on_this_machine: bool) -> str:
    """Return what is trained and what AWS bills for it: also the job that writes the training set, and a crawl."""
    config = aws.config
    price = costs.estimate_training(config, on_this_machine)
    where = "on this machine" if on_this_machine else "with Autopilot"
    return (
        f"Training up to {config.max_candidates} candidates for up to {config.max_runtime} seconds {where}. Price on"
        f" AWS: about {price.low:.2f} USD, at most {price.high:.2f} USD ({costs.as_of(config)})."
    )


def _unfinished_training(aws: AwsContext) -> ModelRecord | None:
    """Return the training that is in progress, or has ended but was not completed with a model and its scores.

    The records name the jobs. ListAutoMLJobs can lack one that was just created, which would then be paid for twice.
    """
    describe = aws.client("sagemaker").describe_auto_ml_job_v2
    for record in registry.unfinished_records(aws):
        job = get_or_none(describe, *NO_SUCH_JOB, AutoMLJobName=record.model)
        if job and job["AutoMLJobStatus"] in ("InProgress", "Stopping", *ENDED_WITH_CANDIDATES):
            return record
    return None


def _prepare(aws: AwsContext, seasons: Sequence[Season], features: Features, runs: str, hold_out: bool) -> ModelRecord:
    """Write the training set into the lake and its catalog, and return the new record of the model."""
    last = max((season.year for season in seasons), default=0)
    held_out = [season for season in seasons if hold_out and season.year == last]
    trained_on = [season for season in seasons if season not in held_out]
    names, rows = _write_training_set(aws, trained_on, features)
    if rows < LEAST_ROWS and held_out:
        trained_on, held_out = list(seasons), []
        names, rows = _write_training_set(aws, trained_on, features)
    if rows < LEAST_ROWS:
        raise NotReady(
            f"The training set has {rows} rows; Autopilot requires at least {LEAST_ROWS}.",
            Hint(
                "Load at least one whole season first: ",
                FootlakeCommand("ingest-fixtures --season YEAR"),
                ", ",
                FootlakeCommand("ingest-stats --season YEAR"),
                ", ",
                FootlakeCommand("run-glue"),
            ),
        )
    run_crawler(aws, "S3datalake")
    now = datetime.now(UTC)
    return ModelRecord(
        model=f"{aws.config.model}-{now:%Y%m%d%H%M%S}",
        runs=runs,
        made=now.isoformat(timespec="seconds"),
        features=names,
        rows=rows,
        seasons=tuple(map(str, trained_on)),
        held_out=tuple(map(str, held_out)),
        scored=False,
    )


def _seasons_with_rows(aws: AwsContext) -> list[Season]:
    """Return the seasons that have team rows, in order."""
    keys = registry.lake_store(aws).list_objects(s3_keys.TEAM_ROWS)
    seasons = {parsed.season for key in keys if (parsed := s3_keys.parse_team_rows(key))}
    return sorted(seasons, key=lambda season: (season.year, season.league))


def _write_training_set(aws: AwsContext, seasons: Sequence[Season], features: Features) -> tuple[tuple[str, ...], int]:
    """Run the Glue job dropids, which writes the training set. Return the names of its features and its row count."""
    if not seasons:
        return (), 0
    run_glue_jobs(aws, "dropids", arguments={"--seasons": ",".join(map(str, seasons)), "--features": features})
    header, *rows = csv.reader(io.StringIO(registry.lake_store(aws).get(s3_keys.TRAINING_SET) or "goals"))
    return tuple(header[1:]), len(rows)


def _train_on_this_machine(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """Train with AutoGluon on this machine, and store the model and its notebooks in the lake."""
    from footlake.local.engines.local_training import local_trainer

    s3, key = aws.client("s3"), s3_keys.model_training_set(record.model)
    where = {"Bucket": aws.config.bucket, "ExpectedBucketOwner": aws.config.account}
    with local_trainer() as autogluon:
        trained = autogluon.train(
            record.model,
            registry.lake_store(aws).get(key) or "",
            (aws.config.bucket, key),
            schemas.TRAINING_COLUMNS[0],
            aws.config.max_candidates,
            aws.config.max_runtime,
        )
    s3.put_object(**where, Key=s3_keys.model_archive(record.model), Body=trained.archive)
    for kind, notebook in trained.notebooks.items():
        s3.put_object(**where, Key=s3_keys.model_notebook(record.model, kind), Body=notebook.encode())
    return replace(
        record,
        versions={"footlake": __version__, **trained.versions},
        candidates=trained.candidates,
        best=trained.best_model,
        metric=trained.metric,
        value=trained.value,
    )


def _start_job(aws: AwsContext, record: ModelRecord) -> None:
    """Write the record of the model and start its Autopilot job. The record is removed if AWS refuses the job."""
    role = _role_arn(aws)
    registry.save_record(aws, record)
    try:
        _create_job(aws, record.model, role)
    except Exception as error:
        if isinstance(error, ClientError) and error_code(error) in REFUSALS:
            registry.delete_record(aws, record.model)
            message = error.response["Error"].get("Message", "no reason given")
            raise StepFailed(
                f"AWS rejects the Autopilot job: {message} ({error_code(error)})", TRAIN_LOCALLY
            ) from error
        # If AWS's answer was lost, the SDK repeats the call and AWS answers that the name is in use: the job runs.
        describe = aws.client("sagemaker").describe_auto_ml_job_v2
        if not get_or_none(describe, *NO_SUCH_JOB, AutoMLJobName=record.model):
            registry.delete_record(aws, record.model)
            raise


def _role_arn(aws: AwsContext) -> str:
    role = next(
        resource
        for resource in catalogue(aws.config)
        if isinstance(resource, IamRole) and resource.name == aws.config.sagemaker_role
    )
    if not role.exists(aws):
        raise NotReady(f"The IAM role {role.name} does not exist.", BOOTSTRAP_FIRST)
    return role.arn(aws)


@contextmanager
def _quiet_sdk() -> Iterator[None]:
    """Discard what the SageMaker SDK prints: deprecation warnings and its requests."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        yield


@_quiet_sdk()
def _create_job(aws: AwsContext, name: str, role: str) -> None:
    from sagemaker import Session  # imported here because it takes 4 seconds
    from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2

    bucket = aws.config.bucket
    session = Session(boto_session=aws.session, sagemaker_client=aws.client("sagemaker"), default_bucket=bucket)
    job = AutoMLV2(
        problem_config=AutoMLTabularConfig(
            target_attribute_name=schemas.TRAINING_COLUMNS[0],
            problem_type="Regression",
            mode="ENSEMBLING",
            max_candidates=aws.config.max_candidates,
            max_total_job_runtime_in_seconds=aws.config.max_runtime,
        ),
        job_objective={"MetricName": "MSE"},
        role=role,
        output_path=f"s3://{bucket}/{s3_keys.MODELS.rstrip('/')}",
        tags=tag_list(aws),
        sagemaker_session=session,
    )
    training = AutoMLDataChannel(
        s3_data_type="S3Prefix",
        s3_uri=f"s3://{bucket}/{s3_keys.TRAINING_SET}",
        channel_type="training",
        content_type="text/csv;header=present",
    )
    # The SDK can also wait for the job, but fails if the job has no logs.
    job.fit(inputs=[training], job_name=name, wait=False)


def _finish_job(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """Wait for the job, create a SageMaker model of its best candidate, and return the completed record."""
    sagemaker, job = aws.client("sagemaker"), record.model

    def ended() -> dict[str, Any] | None:
        state: dict[str, Any] = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=job)
        return None if state["AutoMLJobStatus"] in ("InProgress", "Stopping") else state

    result = aws.wait_until(f"Autopilot job {job}", ended, every=30, limit=aws.config.max_runtime + 1800)
    best: dict[str, Any] = result.get("BestCandidate", {})
    if result["AutoMLJobStatus"] not in ENDED_WITH_CANDIDATES or not best.get("InferenceContainers"):
        registry.delete_record(aws, job)
        raise _job_failure(aws, job, result)
    _create_model(aws, job, best["InferenceContainers"])
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
    metric = best.get("FinalAutoMLJobObjectiveMetric", {})
    return replace(
        record,
        versions={"footlake": __version__, "image": best["InferenceContainers"][0]["Image"]},
        candidates=sum(len(page["Candidates"]) for page in pages),
        best=best["CandidateName"],
        metric=metric.get("MetricName", ""),
        value=metric.get("Value"),
    )


def _create_model(aws: AwsContext, name: str, containers: list[dict[str, Any]]) -> None:
    """Create the SageMaker model unless it exists."""
    if registry.exists_on_sagemaker(aws, name):
        return
    try:
        aws.client("sagemaker").create_model(
            ModelName=name, Containers=containers, ExecutionRoleArn=_role_arn(aws), Tags=tag_list(aws)
        )
    except ClientError:
        # Another call that waited for this job may have created it, or AWS's answer was lost and the SDK repeated it.
        if not registry.exists_on_sagemaker(aws, name):
            raise


def _job_failure(aws: AwsContext, job: str, result: dict[str, Any]) -> StepFailed:
    """Return the error for a job that ended without a model."""
    status, secondary_status = result["AutoMLJobStatus"], result["AutoMLJobSecondaryStatus"]
    completed = status == "Completed"
    reason = result.get("FailureReason") or ("it has no best candidate" if completed else secondary_status)
    hint = MORE_TIME if completed or secondary_status == "MaxAutoMLJobRuntimeReached" else MORE_LOG
    # AWS reports a quota of 0 only when the job requests its instances.
    hint = TRAIN_LOCALLY if "limit" in reason.lower() else hint
    return StepFailed(
        f"The Autopilot job {job} ended with status {status}: {reason}",
        hint,
        last_log_lines(aws, f"{job}-", *(group.name for group in SAGEMAKER_LOGS)),
    )
