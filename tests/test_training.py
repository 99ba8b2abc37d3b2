"""train-autopilot with a scripted SageMaker: a training is resumed and not paid for twice."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from click.testing import CliRunner

from footlake.aws import AwsContext
from footlake.cli.train_autopilot import command
from footlake.cli_context import CliContext
from footlake.config import Config
from footlake.errors import NotReady, StepFailed
from footlake.lake import s3_keys
from footlake.lake.store import Busy, LakeStore
from footlake.model import registry
from footlake.model.registry import ModelRecord
from footlake.model.training import train_model
from tests.conftest import Cli
from tests.support.sagemaker import wait_for

JOB = "xGoals-20261125080000"
RECORD = ModelRecord(JOB, "sagemaker", "2026-11-25T08:00:00", ("totalshots",), 760, ("39-2019",), (), scored=False)
BEST = {
    "CandidateName": "c-1",
    "InferenceContainers": [{"Image": "image:1", "ModelDataUrl": "s3://b/model.tar.gz"}],
    "FinalAutoMLJobObjectiveMetric": {"MetricName": "MSE", "Value": 1.05},
}


NO_SUCH_MODEL = {"Error": {"Code": "ValidationException", "Message": 'Could not find model "arn:aws:sagemaker".'}}
LEASE = "leases/train-autopilot"


class ScriptedAws:
    """The local AWS with scripted responses to some operations; `asked` has the names of those that were called."""

    def __init__(self, endpoint: str) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {
            "ListAutoMLJobs": {"AutoMLJobSummaries": []},  # as if it lagged behind
            "DescribeAutoMLJobV2": job("Completed", BestCandidate=BEST),
            "ListCandidatesForAutoMLJob": {"Candidates": [BEST]},
            "ListModels": {"Models": []},  # as if it lagged behind
            "DescribeModel": {"ModelName": JOB},
        }
        session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        session.events.register("before-call", self.answer)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            self.lake = AwsContext(Config(), session)
            for service in ("s3", "sagemaker", "lambda", "logs", "iam", "glue"):
                self.lake.client(service)

    def answer(self, model: Any, **_: Any) -> Any:
        if model.name not in self.answers:
            return None
        self.asked.append(model.name)
        found = self.answers[model.name]
        body = found() if callable(found) else found
        status = 400 if "Error" in body else 200
        return AWSResponse("", status, HTTPHeaders(), None), {"ResponseMetadata": {"HTTPStatusCode": status}, **body}


def job(status: str, secondary: str = "", **more: Any) -> dict[str, Any]:
    return {"AutoMLJobStatus": status, "AutoMLJobSecondaryStatus": secondary or status, **more}


def scoring(answer: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    return lambda: {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture(scope="module")
def endpoint(cli: Cli) -> str:
    """The endpoint of a local AWS that has the lake's bucket only."""
    cli("local", "start")
    lake = cli.lake()
    lake.client("s3").create_bucket(Bucket=lake.config.bucket)
    answers: str = cli.json("local", "status")["endpoint"]
    return answers


@pytest.fixture
def aws(endpoint: str) -> Iterator[ScriptedAws]:
    """A lake whose training job has ended, but whose model was not put to use."""
    aws = ScriptedAws(endpoint)
    registry.save_record(aws.lake, RECORD)
    yield aws
    registry.delete_record(aws.lake, JOB)


def test_training_resumes_a_finished_job_whose_rows_were_not_scored(aws: ScriptedAws) -> None:
    with pytest.raises(NotReady, match="etlGetXGoals"):  # there is no such function
        train_model(aws.lake)
    aws.answers["Invoke"] = scoring({"job": None, "model": JOB})
    done = train_model(aws.lake)
    assert (done.joined, done.record.model, done.record.scored) == (True, JOB, True)
    assert registry.load_record(aws.lake, JOB) == done.record
    with pytest.raises(NotReady, match="0 rows"):  # this one would be another
        train_model(aws.lake)


@pytest.mark.parametrize("best", [{}, {"BestCandidate": {"CandidateName": "c-1"}}])
def test_training_deletes_the_record_of_a_job_without_a_model(aws: ScriptedAws, best: dict[str, Any]) -> None:
    aws.answers["DescribeAutoMLJobV2"] = job("Completed", **best)
    with pytest.raises(StepFailed, match="ended with status Completed") as failed:
        train_model(aws.lake)
    assert failed.value.hint == "Allow more time with --max-runtime."
    assert registry.load_record(aws.lake, JOB) is None


def test_training_uses_the_best_candidate_of_a_job_that_reached_its_time_limit(aws: ScriptedAws) -> None:
    best = {name: value for name, value in BEST.items() if name != "FinalAutoMLJobObjectiveMetric"}
    aws.answers["DescribeAutoMLJobV2"] = job("Stopped", "MaxAutoMLJobRuntimeReached", BestCandidate=best)
    aws.answers["Invoke"] = scoring({"job": None, "model": JOB})
    record = train_model(aws.lake).record
    assert (record.best, record.metric, record.value) == ("c-1", "", None)


@pytest.mark.parametrize("made", [True, False])
def test_training_uses_a_model_created_by_a_concurrent_call_and_raises_other_errors(
    aws: ScriptedAws, made: bool
) -> None:
    def described() -> dict[str, Any]:
        return {"ModelName": JOB} if made and "CreateModel" in aws.asked else NO_SUCH_MODEL

    aws.answers |= {
        "DescribeModel": described,
        "GetRole": {"Role": {"Arn": "arn:aws:iam::123456789012:role/SageMakerExecutionRole", "Tags": []}},
        "CreateModel": {"Error": {"Code": "ValidationException", "Message": "Cannot create this model"}},
        "Invoke": scoring({"job": None, "model": JOB}),
    }
    if made:
        assert train_model(aws.lake).record.scored
    else:
        with pytest.raises(ClientError, match="Cannot create this model"):
            train_model(aws.lake)
    assert aws.asked.count("CreateModel") == 1


def test_training_reports_a_figure_that_cannot_be_drawn(aws: ScriptedAws, tmp_path: Path) -> None:
    class ScriptedContext(CliContext):
        def connect(self, read_only: bool = False) -> AwsContext:
            return aws.lake

    aws.answers["Invoke"] = scoring({"job": None, "model": JOB})
    figure = tmp_path / "figure.svg"
    done = CliRunner().invoke(command, ["--figure", str(figure)], obj=ScriptedContext(), catch_exceptions=False)
    assert "not evaluated" in done.stdout
    assert f"{figure} was not written: no season was held out" in done.stderr
    assert not figure.exists()


@pytest.fixture
def untrained(aws: ScriptedAws) -> ScriptedAws:
    """A lake with enough team rows for a training, and no training job; dropids and the crawler have ended."""
    registry.delete_record(aws.lake, JOB)
    row = s3_keys.team_rows("39-2019-1", "home")
    store = registry.lake_store(aws.lake)
    store.put_if_changed(row, "")
    store.put_if_changed(s3_keys.TRAINING_SET, "goals,totalshots\n" + "1,9\n" * 600)
    aws.answers |= {
        "StartJobRun": {"JobRunId": "jr"},
        "GetJobRun": {"JobRun": {"JobRunState": "SUCCEEDED"}},
        "StartCrawler": {},
        "GetCrawler": {"Crawler": {"State": "READY"}},
        "GetRole": {"Role": {"Arn": "arn:aws:iam::123456789012:role/SageMakerExecutionRole", "Tags": []}},
        "CreateAutoMLJobV2": {"Error": {"Code": "ResourceInUse", "Message": "the name is taken"}},
        "Invoke": scoring({"job": None, "model": JOB}),
    }
    return aws


def records(lake: AwsContext) -> list[ModelRecord]:
    keys = [key for key in registry.lake_store(lake).list_objects(s3_keys.MODELS) if key.endswith("/record.json")]
    return [record for key in keys if (record := registry.load_record(lake, key.split("/")[1]))]


def test_training_waits_for_a_job_whose_creation_response_was_lost(untrained: ScriptedAws) -> None:
    done = train_model(untrained.lake)
    assert untrained.asked.count("CreateAutoMLJobV2") == 1
    assert (done.joined, done.record.best) == (False, "c-1")
    registry.delete_record(untrained.lake, done.record.model)


def test_training_deletes_the_record_of_a_job_that_did_not_start(untrained: ScriptedAws) -> None:
    untrained.answers["DescribeAutoMLJobV2"] = {"Error": {"Code": "ResourceNotFound", "Message": "no such job"}}
    with pytest.raises(ClientError, match="the name is taken"):
        train_model(untrained.lake)
    assert records(untrained.lake) == []


def test_training_starts_no_job_if_another_call_took_its_lease_over(untrained: ScriptedAws) -> None:
    store = registry.lake_store(untrained.lake)

    def crawl_while_another_call_starts_a_job() -> dict[str, Any]:
        store.delete([LEASE])
        with store.lease(LEASE, 60):
            registry.save_record(untrained.lake, RECORD)
        return {}

    untrained.answers["StartCrawler"] = crawl_while_another_call_starts_a_job
    done = train_model(untrained.lake)
    assert (done.joined, done.record.model) == (True, JOB)
    assert "CreateAutoMLJobV2" not in untrained.asked


def test_a_renewed_lease_does_not_age(aws: ScriptedAws) -> None:
    store, key = registry.lake_store(aws.lake), "leases/test"
    with store.lease(key, 60) as lease, lease.renewed_every(0.01):
        taken = store.head(key)
        assert taken
        wait_for(lambda: (renewed := store.head(key)) and renewed.modified > taken.modified)
    assert store.head(key) is None


def test_a_lease_that_was_taken_over_is_neither_renewed_nor_deleted(aws: ScriptedAws) -> None:
    hour_later = LakeStore(
        aws.lake.client("s3"), aws.lake.config.bucket, clock=lambda: datetime.now(UTC) + timedelta(hours=1)
    )
    with registry.lake_store(aws.lake).lease("leases/test", 60) as lost, ExitStack() as other:
        other.enter_context(hour_later.lease("leases/test", 60))
        with pytest.raises(Busy):
            lost.renew()
        lost.release()
        assert hour_later.head("leases/test")
    assert hour_later.head("leases/test") is None
