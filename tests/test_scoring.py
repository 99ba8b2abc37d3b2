"""Scoring on this machine with the local engine, from a lake in S3."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from footlake.aws import AwsContext
from footlake.commands.transform_xgoals import format_scoring
from footlake.config import Config
from footlake.handlers import scoring
from footlake.lake import s3_keys, schemas
from footlake.lake.tables import write_table
from footlake.local.context import CREDENTIALS, Local
from footlake.local.engines import local_training
from footlake.local.engines.local_training import LocalTrainer
from footlake.model import registry
from footlake.model.scoring import score
from tests.support.sagemaker import HEADER, random_team_rows, to_csv

ROWS = s3_keys.team_rows("39-2020-592140", "home")


@pytest.fixture(scope="module")
def trainer() -> Iterator[LocalTrainer]:
    """The process of AutoGluon, which takes long to start, so that the tests share it."""
    with local_training.local_trainer() as trainer:
        yield trainer


@pytest.fixture(scope="module")
def archive(trainer: LocalTrainer) -> bytes:
    """A model, trained on few rows, that predicts negative goals."""
    rows = [(goals - 50, *features) for goals, *features in random_team_rows(500)]
    return trainer.train("xGoals-1", f"{HEADER}\n{to_csv(rows)}", ("bucket", "key"), "goals", 1, 60).archive


@pytest.fixture
def lake(local_aws: Local, monkeypatch: pytest.MonkeyPatch, trainer: LocalTrainer, archive: bytes) -> AwsContext:
    """A lake with one match and this model in use, whose Lambda function leaves the scoring to this machine."""
    monkeypatch.setattr(local_training, "local_trainer", lambda: nullcontext(trainer))
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    session = boto3.Session(
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["aws_access_key_id"],
        aws_secret_access_key=CREDENTIALS["aws_secret_access_key"],
    )
    lake = AwsContext(Config(lake=f"s{uuid.uuid4().hex[:8]}"), session)
    s3 = lake.client("s3")
    s3.create_bucket(Bucket=lake.config.bucket)
    s3.put_object(Bucket=lake.config.bucket, Key=s3_keys.model_archive("xGoals-1"), Body=archive)
    put_rows(lake, shots=3)
    choose_model(lake, "xGoals-1")

    def skipped(**_: Any) -> Any:
        body = io.BytesIO(json.dumps({"skipped": "the model scores on the machine that trained it"}).encode())
        meta = {"HTTPStatusCode": 200}
        return AWSResponse("", 200, HTTPHeaders(), None), {"ResponseMetadata": meta, "Payload": body}

    lake.client("lambda").meta.events.register("before-call.lambda.Invoke", skipped)
    return lake


def put_rows(lake: AwsContext, shots: int) -> None:
    row = dict(zip(schemas.TEAM_ROW_COLUMNS, ("592141", "36", "2", "1", "2", str(shots), "55"), strict=True))
    registry.lake_store(lake).put_if_changed(ROWS, write_table(schemas.TEAM_ROW_COLUMNS, [row]))


def choose_model(lake: AwsContext, model: str) -> None:
    chosen = {"model": model, "runs": scoring.THIS_MACHINE, "features": schemas.FEATURES}
    registry.lake_store(lake).put_if_changed(s3_keys.MODEL_IN_USE, json.dumps(chosen))


def change_while_scoring(lake: AwsContext, change: Callable[[], None]) -> None:
    """Make a change when the rows have been read and the model is about to be read."""
    changes = [change]

    def reading(params: dict[str, Any], **_: Any) -> None:
        if params["url_path"].endswith(".tar.gz") and changes:
            changes.pop()()

    lake.client("s3").meta.events.register("before-call.s3.GetObject", reading)


def test_negative_predictions_are_stored_as_zero(lake: AwsContext) -> None:
    score(lake)
    assert registry.lake_store(lake).get(scoring.predictions_key(ROWS)) == "592141,36,0.0\n"


def test_predictions_that_are_no_numbers_are_counted_and_not_stored(
    lake: AwsContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footlake.model.scoring._predict", lambda aws, model, rows: [float("nan")] * len(rows))
    done = score(lake)
    assert done.rejected == 1
    assert "1 team row without expected goals: xGoals-1 predicted no number" in format_scoring(done)
    assert registry.lake_store(lake).get(scoring.predictions_key(ROWS)) is None


def test_rows_changed_during_scoring_are_scored_again(lake: AwsContext) -> None:
    change_while_scoring(lake, lambda: put_rows(lake, shots=24))
    done = score(lake)
    assert done.files == done.rows >= 2  # S3's times are seconds, and what changed within one is scored again
    assert registry.lake_store(lake).get(scoring.predictions_key(ROWS))


def test_a_model_chosen_during_scoring_scores_all_rows_again(lake: AwsContext, archive: bytes) -> None:
    key = s3_keys.model_archive("xGoals-2")
    lake.client("s3").put_object(Bucket=lake.config.bucket, Key=key, Body=archive)
    change_while_scoring(lake, lambda: choose_model(lake, "xGoals-2"))
    done = score(lake)
    assert done.model == "xGoals-2"
    assert done.files >= 2
