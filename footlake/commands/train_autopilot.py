"""train-autopilot: the training set, an Autopilot job, the model of its best candidate, and what that is worth."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
from botocore.exceptions import ClientError

from footlake import __version__
from footlake.aws import AwsContext
from footlake.aws_jobs import last_log_lines, run_crawler, run_glue_jobs
from footlake.cli_context import CliContext
from footlake.commands.options import NewFile, write
from footlake.deploy import costs
from footlake.deploy.catalogue import SAGEMAKER_LOGS, catalogue
from footlake.errors import NotReady, StepFailed
from footlake.handlers.scoring import SAGEMAKER, THIS_MACHINE
from footlake.lake import s3_keys, schemas
from footlake.lake.store import Busy
from footlake.model import evaluation, registry
from footlake.model.registry import ModelRecord
from footlake.model.scoring import evaluate_model, score
from footlake.resources.base import error_code, get_or_none, tag_list
from footlake.resources.iam import IamRole

LEASE_SECONDS = 900.0  # dropids and a crawler take some minutes on AWS
LEAST_ROWS = 500  # Autopilot refuses a smaller tabular training set.
HERE_INSTEAD = "footlake train-autopilot --on-this-machine trains and scores with the same engine here, for nothing."
MORE_LOG = "More of its log: footlake logs processing, footlake logs training"
# A job that was stopped, as at the end of its time, may have a best candidate all the same.
TRAINED = ("Completed", "Stopped")
MORE_TIME = "Give it more time: --max-runtime"
# An account without a quota, or one that came after Autopilot was closed to new customers.
REFUSALS = ("ResourceLimitExceeded", "ValidationException", "AccessDeniedException", "AccessDenied")

Features = Literal["default", "extended"]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class TrainingResult:
    """The model in use now. `joined` tells that another call had begun its training."""

    record: ModelRecord
    joined: bool = False


def train_autopilot(
    aws: AwsContext,
    features: Features = "default",
    here: bool = False,
    hold_out: bool = True,
    tell: Tell = lambda line: None,
) -> TrainingResult:
    """Train on the lake's team rows, score them all with the new model, and judge it by the last season.

    The last season is held out, unless it is the only one or the others have too few rows. A training that is under
    way is joined, and one that nobody waited for, or whose rows were not all scored, is gone on with, instead of paying
    for another. With `here`, AutoGluon trains on this machine. `tell` hears, before anything costs money, what will.
    """
    if here:
        from footlake.local.engines.local_training import require_autogluon

        require_autogluon()
    seasons = _seasons(aws)
    record, joined = aws.wait_until(
        "another training that is being prepared",
        lambda: _begin(aws, seasons, features, here, hold_out, tell),
        every=10,
        limit=2 * LEASE_SECONDS,
    )
    record = _train_here(aws, record, tell) if here else _end(aws, record)
    registry.save_record(aws, record)
    registry.set_current_model(aws, record.model)
    tell(f"scoring every team row with {record.model} …")
    score(aws)
    return TrainingResult(registry.mark_scored(aws, evaluate_model(aws, record)), joined)


def _begin(
    aws: AwsContext, seasons: list[s3_keys.Season], features: Features, here: bool, hold_out: bool, tell: Tell
) -> tuple[ModelRecord, bool] | None:
    """The training that this call waits for and whether another call began it; None while another one is at that."""
    store = registry.lake_store(aws)
    try:
        with store.lease(s3_keys.LEASES + "train-autopilot", LEASE_SECONDS):
            if not here and (begun := _begun(aws)):
                tell(f"joining the training {begun.model} with {len(begun.features)} features")
                return begun, True
            record = _prepare(aws, seasons, features, here, hold_out)
            store.put_if_changed(s3_keys.model_training_set(record.model), store.get(s3_keys.TRAINING_SET) or "")
            if not here:
                _start(aws, record, tell)
            return record, False
    except Busy:
        return None


def _prepare(
    aws: AwsContext, seasons: list[s3_keys.Season], features: Features, here: bool, hold_out: bool
) -> ModelRecord:
    """The training set, in the lake and in its catalog, and the beginning of the model's record."""
    last = max((season.year for season in seasons), default=0)
    trained_on, held_out = seasons, []
    if hold_out:
        trained_on = [season for season in seasons if season.year < last]
        held_out = [season for season in seasons if season.year == last]
    names, rows = _training_set(aws, trained_on, features)
    if rows < LEAST_ROWS and held_out:
        trained_on, held_out = seasons, []
        names, rows = _training_set(aws, trained_on, features)
    if rows < LEAST_ROWS:
        raise NotReady(
            f"The training set has {rows} rows; Autopilot needs at least {LEAST_ROWS}.",
            "Load a season or more first: ingest-fixtures --season YEAR, ingest-stats --season YEAR, run-glue.",
        )
    run_crawler(aws, "S3datalake")
    now = datetime.now(UTC)
    return ModelRecord(
        model=f"{aws.config.model}-{now:%Y%m%d%H%M%S}",
        runs=THIS_MACHINE if here else SAGEMAKER,
        made=now.isoformat(timespec="seconds"),
        features=names,
        rows=rows,
        seasons=tuple(str(season) for season in trained_on),
        held_out=tuple(str(season) for season in held_out),
        scored=False,
    )


def _seasons(aws: AwsContext) -> list[s3_keys.Season]:
    """The seasons of which there are team rows, in order."""
    keys = registry.lake_store(aws).list_objects(s3_keys.TEAM_ROWS)
    known = {parsed.season for key in keys if (parsed := s3_keys.parse_team_rows(key))}
    return sorted(known, key=lambda season: (season.year, season.league))


def _training_set(aws: AwsContext, seasons: list[s3_keys.Season], features: Features) -> tuple[tuple[str, ...], int]:
    """Let dropids write the training set of these seasons: the names of its features, and how many rows it has."""
    if not seasons:
        return (), 0
    run_glue_jobs(
        aws,
        "dropids",
        arguments={"--seasons": ",".join(str(season) for season in seasons), "--features": features},
    )
    header, *rows = csv.reader(io.StringIO(registry.lake_store(aws).get(s3_keys.TRAINING_SET) or "goals"))
    return tuple(header[1:]), len(rows)


def _train_here(aws: AwsContext, record: ModelRecord, tell: Tell) -> ModelRecord:
    from footlake.local.engines.local_training import local_trainer

    tell("training on this machine, which costs nothing on AWS …")
    s3, key = aws.client("s3"), s3_keys.model_training_set(record.model)
    where = {"Bucket": aws.config.bucket, "ExpectedBucketOwner": aws.config.account}
    with local_trainer() as autogluon:
        done = autogluon.train(
            record.model,
            registry.lake_store(aws).get(key) or "",
            (aws.config.bucket, key),
            schemas.TRAINING_COLUMNS[0],
            aws.config.max_candidates,
            aws.config.max_runtime,
        )
    s3.put_object(**where, Key=s3_keys.model_archive(record.model), Body=done.archive)
    for kind, notebook in done.notebooks.items():
        s3.put_object(**where, Key=s3_keys.model_notebook(record.model, kind), Body=notebook.encode())
    return replace(
        record,
        versions={"footlake": __version__, **done.versions},
        candidates=done.candidates,
        best=done.best_model,
        metric=done.metric,
        value=done.value,
    )


def _begun(aws: AwsContext) -> ModelRecord | None:
    """The training that is under way, or that is over but was not gone on with to its end."""
    jobs = aws.client("sagemaker").list_auto_ml_jobs(
        NameContains=f"{aws.config.model}-", SortBy="CreationTime", SortOrder="Descending", MaxResults=10
    )["AutoMLJobSummaries"]
    for job in jobs:
        if job["AutoMLJobStatus"] in ("InProgress", *TRAINED):
            record = registry.load_record(aws, job["AutoMLJobName"])
            if record and not (record.ready and record.scored):
                return record
    return None


def _start(aws: AwsContext, record: ModelRecord, tell: Tell) -> None:
    role = _role(aws)
    usual, most = costs.autopilot_price(aws.config.max_candidates, aws.config.max_runtime)
    tell(
        f"Autopilot trains up to {aws.config.max_candidates} candidates for up to {aws.config.max_runtime} seconds: "
        f"on AWS about {usual:.2f} USD, at most {most:.2f} ({costs.AS_OF})"
    )
    registry.save_record(aws, record)
    try:
        _fit(aws, record.model, role)
    except Exception as error:
        if isinstance(error, ClientError) and error_code(error) in REFUSALS:
            registry.delete_record(aws, record.model)
            raise StepFailed(f"AWS refuses Autopilot: {_reason(error)}", HERE_INSTEAD) from error
        # Where its answer was lost, the SDK asks again and is told that the name is taken: the job runs.
        job = aws.client("sagemaker").describe_auto_ml_job_v2
        if not get_or_none(job, "ResourceNotFound", "ValidationException", AutoMLJobName=record.model):
            registry.delete_record(aws, record.model)
            raise


def _reason(error: ClientError) -> str:
    return f"{error.response['Error'].get('Message', 'no reason given')} ({error_code(error)})"


def _role(aws: AwsContext) -> str:
    role = next(
        one for one in catalogue(aws.config) if isinstance(one, IamRole) and one.name == aws.config.sagemaker_role
    )
    if not role.exists(aws):
        raise NotReady(f"There is no role {role.name}.", "Run footlake bootstrap first.")
    return role.arn(aws)


@contextmanager
def _quiet_sdk() -> Iterator[None]:
    """The SageMaker SDK tells of its age and its requests; standard output is for the result alone."""
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        yield


@_quiet_sdk()
def _fit(aws: AwsContext, name: str, role: str) -> None:
    from sagemaker import Session  # 4 seconds to import
    from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2

    bucket = aws.config.bucket
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
        sagemaker_session=Session(boto_session=aws.session, default_bucket=bucket),
    )
    training = AutoMLDataChannel(
        s3_data_type="S3Prefix",
        s3_uri=f"s3://{bucket}/{s3_keys.TRAINING_SET}",
        channel_type="training",
        content_type="text/csv;header=present",
    )
    # The SDK's own waiting fails without logs, so the job is only started here.
    job.fit(inputs=[training], job_name=name, wait=False)


def _end(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """The record once the job is over and its best candidate is a model."""
    sagemaker, job = aws.client("sagemaker"), record.model

    def ended() -> dict[str, Any] | None:
        state: dict[str, Any] = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=job)
        return None if state["AutoMLJobStatus"] in ("InProgress", "Stopping") else state

    result = aws.wait_until(f"autopilot job {job}", ended, every=30, limit=aws.config.max_runtime + 1800)
    best: dict[str, Any] = result.get("BestCandidate", {})
    if result["AutoMLJobStatus"] not in TRAINED or not best.get("InferenceContainers"):
        registry.delete_record(aws, job)
        raise _failed(aws, job, result)
    if not registry.exists_on_sagemaker(aws, job):
        try:
            sagemaker.create_model(
                ModelName=job,
                Containers=best["InferenceContainers"],
                ExecutionRoleArn=_role(aws),
                Tags=tag_list(aws),
            )
        except ClientError:
            # Another call that waited for this job was faster, or the answer was lost and the SDK asked again.
            if not registry.exists_on_sagemaker(aws, job):
                raise
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


def _failed(aws: AwsContext, job: str, result: dict[str, Any]) -> StepFailed:
    """What to tell of a job that ended without a model."""
    ended, how = result["AutoMLJobStatus"], result["AutoMLJobSecondaryStatus"]
    reason = result.get("FailureReason") or ("without a best candidate" if ended == "Completed" else how)
    hint = MORE_TIME if ended == "Completed" or how == "MaxAutoMLJobRuntimeReached" else MORE_LOG
    # A quota of 0 shows only when the job asks for its instances.
    hint = HERE_INSTEAD if "limit" in reason.lower() else hint
    return StepFailed(
        f"The Autopilot job {job} ended {ended}: {reason}",
        hint,
        last_log_lines(aws, f"{job}-", *(group.name for group in SAGEMAKER_LOGS)),
    )


def line(record: ModelRecord) -> str:
    """The model in a few words."""
    judged = record.evaluation
    tested = f", {judged.scores[0].mse:.3f} on {', '.join(judged.tested_on)}" if judged else ""
    value = "trained" if record.value is None else f"{record.metric} {record.value:.3f}"
    return f"{value} on {record.rows} team rows of {', '.join(record.seasons)}{tested}"


def told(record: ModelRecord) -> Iterator[str]:
    """The model and its evaluation, for people."""
    where = "" if record.runs == SAGEMAKER else " on this machine"
    trained = f"{record.rows} rows of {', '.join(record.seasons)}, {len(record.features)} features"
    yield f"model {record.model}, trained{where}: {trained}"
    validated = "" if record.value is None else f", {record.metric} {record.value:.4f} by its own validation"
    yield f"best of {record.candidates} candidates: {record.best}{validated}"
    if record.evaluation:
        yield from evaluation.summary_lines(record.evaluation)
    else:
        yield "not evaluated: no season was held out"


@click.command("train-autopilot")
@click.option(
    "--features",
    type=click.Choice(["default", "extended"]),
    default="default",
    show_default=True,
    help="The document's four, or every team statistic that the seasons have.",
)
@click.option(
    "--max-candidates", type=click.IntRange(1, 750), metavar="N", help="How many models to try. Default: the setting."
)
@click.option(
    "--max-runtime",
    type=click.IntRange(60),
    metavar="SECONDS",
    help="For how many seconds at most. Default: the setting.",
)
@click.option(
    "--hold-out/--no-hold-out",
    default=True,
    help="Keep the last season out of the training and test on it; or train on every season, untested.",
)
@click.option("--on-this-machine", "here", is_flag=True, help="Train, and score from now on, here instead of on AWS.")
@click.option(
    "--figure",
    type=NewFile(),
    help="Write the picture of the evaluation to this file, as SVG.",
)
@click.pass_obj
def command(
    cli: CliContext,
    features: Features,
    max_candidates: int | None,
    max_runtime: int | None,
    hold_out: bool,
    here: bool,
    figure: Path | None,
) -> None:
    """Train the xGoals model with SageMaker Autopilot, and test it on the last season.

    Scores every team row with it, so that it can be judged; the season that it is tested on is not trained on.
    """
    cli.overrides |= {"max_candidates": max_candidates, "max_runtime": max_runtime}
    done = train_autopilot(cli.connect(), features, here, hold_out, cli.notify)
    if figure and done.record.evaluation:
        write(figure, evaluation.evaluation_svg(done.record.evaluation))
    elif figure:
        cli.notify(f"{figure} is not written: no season was held out, so there is no evaluation.")
    cli.print_result({**asdict(done.record), "joined": done.joined}, told(done.record), football=True)
