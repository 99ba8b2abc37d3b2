"""etlGetXGoals on a lake in S3, with a scripted SageMaker whose transforms end when a test ends them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from footlake.handlers import environment, etl_get_xgoals, scoring
from footlake.lake import s3_keys, schemas
from footlake.lake.store import LakeStore
from footlake.lake.tables import write_table
from footlake.local.context import Local

PART = "39-2020-592140"
ROWS = s3_keys.team_rows(PART, "home")
SCORED = scoring.predictions_key(ROWS)


class FakeLambdaContext:
    """The context of an invocation with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class ScriptedSageMaker:
    """Records the transforms that were requested and answers the calls about them."""

    def __init__(self, store: LakeStore) -> None:
        self.store = store
        self.jobs: dict[str, dict[str, Any]] = {}

    def answer(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        asked = json.loads(params["body"])
        return AWSResponse("", 200, HTTPHeaders(), None), getattr(self, model.name)(asked)

    def DescribeModel(self, asked: Any) -> Any:
        return asked

    def ListTransformJobs(self, asked: Any) -> Any:
        listed = [job for job in self.jobs.values() if job["TransformJobStatus"] == asked["StatusEquals"]]
        return {"TransformJobSummaries": listed}

    def CreateTransformJob(self, asked: Any) -> Any:
        self.jobs[asked["TransformJobName"]] = asked | {"TransformJobStatus": "InProgress"}
        return {}

    def DescribeTransformJob(self, asked: Any) -> Any:
        return self.jobs[asked["TransformJobName"]]

    def ends(self, job: str, xg: str, status: str = "Completed") -> None:
        """End a transform. Unless it failed, it writes its xG, newer than every object of the lake."""
        if status == "Completed":
            wait_for_next_second(self.store)
            for key in self.store.list_objects(f"{s3_keys.TRANSFORM_INPUTS}{job}/"):
                self.store.overwrite(
                    scoring.predictions_key(s3_keys.TEAM_ROWS + key.rpartition("/")[2]), f"592141,36,{xg}\n"
                )
        self.jobs[job]["TransformJobStatus"] = status


def wait_for_next_second(store: LakeStore) -> None:
    """Wait until the second of the last write is over, as S3 timestamps have a resolution of one second."""
    newest = max(store.list_objects("").values())
    while datetime.now(UTC) < newest + timedelta(seconds=1):
        time.sleep(0.05)


@pytest.fixture
def store(local_aws: Local, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[LakeStore]:
    """A lake with one object of team rows and a model on SageMaker."""
    bucket = f"xgoals-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=bucket)
    environ = {
        **{"AWS_ENDPOINT_URL": local_aws.endpoint, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        **{"AWS_DEFAULT_REGION": "us-east-1", "FOOTLAKE_BUCKET": bucket, "FOOTLAKE_LAKE": "footlake"},
        **{"FOOTLAKE_MODEL": "xGoals", "FOOTLAKE_TRANSFORM_INSTANCE": "ml.m5.large"},
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    store = LakeStore(client("s3"), bucket)
    put_team_rows(store, goals=2)
    choose_model(store, "xGoals-1")
    yield store


@pytest.fixture
def sagemaker(store: LakeStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedSageMaker]:
    """Let the handler call a scripted SageMaker."""
    script = ScriptedSageMaker(store)
    session = boto3.Session()
    session.events.register("before-call.sagemaker", script.answer)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    for made in (environment.lake_store, etl_get_xgoals._sagemaker):
        made.cache_clear()
    yield script
    for made in (environment.lake_store, etl_get_xgoals._sagemaker):
        made.cache_clear()


def put_team_rows(store: LakeStore, goals: int, shots: int = 9) -> None:
    row = dict(zip(schemas.TEAM_ROW_COLUMNS, ("592141", "36", str(goals), "5", "4", str(shots), "55"), strict=True))
    store.put_if_changed(ROWS, write_table(schemas.TEAM_ROW_COLUMNS, [row]))


def put_extended_statistics(store: LakeStore, fouls: int) -> None:
    known = {"idFixture": "592141", "foulsHomeTeam": str(fouls)}
    row = {column: known.get(column, "") for column in schemas.EXTENDED_COLUMNS}
    store.put_if_changed(s3_keys.extended(PART), write_table(schemas.EXTENDED_COLUMNS, [row]))


def choose_model(store: LakeStore, model: str, *features: str, runs: str = "sagemaker") -> None:
    chosen = {"model": model, "runs": runs, "features": features or schemas.FEATURES}
    store.put_if_changed(s3_keys.MODEL_IN_USE, json.dumps(chosen))


def invoke(event: dict[str, Any] | None = None) -> Any:
    return etl_get_xgoals.handler(event or {}, FakeLambdaContext())


def test_rows_are_scored_once_and_no_xg_is_below_zero(store: LakeStore, sagemaker: ScriptedSageMaker) -> None:
    job = invoke()["job"]
    assert invoke() == {"running": job}
    sagemaker.ends(job, "-0.02")
    assert invoke() == {"job": None, "model": "xGoals-1", "files": 0, "rows": 0}
    assert store.get(SCORED) == "592141,36,0.0\n"
    assert not store.list_objects(s3_keys.TRANSFORM_INPUTS)


@pytest.mark.parametrize("output", ["nan", "NaN", "inf", "-Infinity", "1e999", "", "<html>", '"1,5"'])
def test_predictions_that_are_no_numbers_are_removed_reported_and_made_again_a_day_later(
    store: LakeStore,
    sagemaker: ScriptedSageMaker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
) -> None:
    sagemaker.ends(invoke()["job"], output)
    # Not at once: a model that never predicts a number would start one transform after the other.
    assert invoke() == {"job": None, "model": "xGoals-1", "files": 0, "rows": 0}
    assert "predicted no number for 1 team row" in capsys.readouterr().out
    assert store.get(SCORED) is None
    model = scoring.current_model(store)
    assert model and scoring.count_rejected(store, model) == 1
    monkeypatch.setattr(scoring, "REJECTED_FOR", timedelta(0))
    wait_for_next_second(store)
    job = invoke()["job"]
    sagemaker.ends(job, "1.25")
    assert invoke()["job"] is None
    assert store.get(SCORED) == "592141,36,1.25\n"
    assert scoring.count_rejected(store, model) == 0


def test_rows_without_a_number_do_not_take_the_xg_of_other_rows(store: LakeStore, sagemaker: ScriptedSageMaker) -> None:
    rows = [("592141", "36", "2", "5", "4", "9", "55"), ("592142", "40", "1", "3", "2", "7", "48")]
    table = [dict(zip(schemas.TEAM_ROW_COLUMNS, row, strict=True)) for row in rows]
    store.overwrite(ROWS, write_table(schemas.TEAM_ROW_COLUMNS, table))
    sagemaker.ends(invoke()["job"], "1.5\n592142,40,nan\n\nno line\n999,1,2.5")
    assert invoke()["job"] is None
    assert store.get(SCORED) == "592141,36,1.5\n"
    put_team_rows(store, goals=3)  # the row with no number is gone
    job = invoke()["job"]
    sagemaker.ends(job, "1.6")
    assert invoke()["job"] is None
    model = scoring.current_model(store)
    assert model and scoring.count_rejected(store, model) == 0


def test_rows_that_changed_while_they_were_scored_are_scored_again(
    store: LakeStore, sagemaker: ScriptedSageMaker
) -> None:
    job = invoke()["job"]
    put_team_rows(store, goals=2, shots=11)
    sagemaker.ends(job, "1.5")
    again = invoke()["job"]
    assert again and store.get(SCORED) is None
    assert [store.get(key) for key in store.list_objects(s3_keys.TRANSFORM_INPUTS)] == ["592141,36,2,5,4,11,55\n"]
    sagemaker.ends(again, "1.7")
    assert invoke()["job"] is None
    assert store.get(SCORED) == "592141,36,1.7\n"


def test_rows_rewritten_without_change_keep_their_xg(store: LakeStore, sagemaker: ScriptedSageMaker) -> None:
    job = invoke()["job"]
    store.overwrite(ROWS, store.get(ROWS) or "")
    sagemaker.ends(job, "1.5")
    assert invoke()["job"] is None
    assert store.get(SCORED) == "592141,36,1.5\n"


def test_changed_extended_statistics_are_scored_again_by_models_that_use_them(
    store: LakeStore, sagemaker: ScriptedSageMaker
) -> None:
    job = invoke()["job"]
    put_extended_statistics(store, fouls=7)
    sagemaker.ends(job, "1.5")
    assert invoke()["job"] is None
    choose_model(store, "xGoals-2", "fouls")
    job = invoke()["job"]
    put_extended_statistics(store, fouls=8)
    sagemaker.ends(job, "1.6")
    assert invoke()["job"]
    assert store.get(SCORED) is None


@pytest.mark.parametrize("runs", ["sagemaker", "here"])
def test_a_model_chosen_during_scoring_scores_afterwards(
    store: LakeStore, sagemaker: ScriptedSageMaker, runs: str
) -> None:
    job = invoke()["job"]
    choose_model(store, "xGoals-2", runs=runs)
    sagemaker.ends(job, "1.5")
    done = invoke()
    assert store.get(SCORED) is None
    if runs == "sagemaker":
        assert sagemaker.jobs[done["job"]]["ModelName"] == "xGoals-2"
    else:
        assert "scores on the machine that trained it" in done["skipped"]


def test_a_failed_transform_keeps_the_earlier_xg(store: LakeStore, sagemaker: ScriptedSageMaker) -> None:
    sagemaker.ends(invoke()["job"], "1.5")
    assert invoke()["job"] is None
    wait_for_next_second(store)
    put_team_rows(store, goals=3)
    job = invoke()["job"]
    put_team_rows(store, goals=4)
    sagemaker.ends(job, "", "Failed")
    assert invoke({"detail": {"TransformJobStatus": "Failed"}})["skipped"]
    assert store.get(SCORED) == "592141,36,1.5\n"
    assert invoke()["job"]


def test_other_objects_than_team_rows_are_ignored(store: LakeStore, sagemaker: ScriptedSageMaker) -> None:
    store.overwrite(s3_keys.TEAM_ROWS, "")  # a folder, as the console makes it
    assert invoke()["files"] == 1


def test_a_local_model_sends_no_request_to_sagemaker(
    store: LakeStore, sagemaker: ScriptedSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(asked: Any) -> Any:
        raise AssertionError("SageMaker is closed to this account")

    monkeypatch.setattr(sagemaker, "ListTransformJobs", closed)
    choose_model(store, "xGoals-2", runs=scoring.THIS_MACHINE)
    assert invoke()["skipped"] == "the model xGoals-2 scores on the machine that trained it"


def test_an_invocation_that_finds_another_at_work_returns_at_once_and_nothing_is_lost(
    store: LakeStore, sagemaker: ScriptedSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows arrive after the invocation at work has listed them: its next look starts the transform."""
    iter_unscored = scoring.iter_unscored
    answers: list[Any] = []

    def list_before_rows_arrive(*arguments: Any) -> Iterator[str]:
        if answers:
            return iter_unscored(*arguments)
        answers.extend(invoke() for _ in range(40))
        return iter(())

    monkeypatch.setattr(scoring, "iter_unscored", list_before_rows_arrive)
    job = invoke()["job"]
    assert answers == [{"busy": True}] * 40
    assert [*sagemaker.jobs] == [job]
    assert not store.list_objects(s3_keys.PENDING)


def test_a_mark_of_a_glue_job_is_processed_once(store: LakeStore, sagemaker: ScriptedSageMaker) -> None:
    mark = f"{s3_keys.NEW_TEAM_ROWS}1.mark"
    event = {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": mark}}}]}
    store.overwrite(mark, "")
    store.overwrite(f"{s3_keys.SCORING_MARKS}unfinished-home", "")
    assert invoke(event)["job"]
    assert not store.list_objects(s3_keys.PENDING)
    assert invoke(event) == {"skipped": "nothing is left to do"}
    assert len(sagemaker.jobs) == 1


def test_the_work_of_a_job_that_was_killed_is_done_by_the_schedule(
    store: LakeStore, sagemaker: ScriptedSageMaker
) -> None:
    store.overwrite(f"{s3_keys.SCORING_MARKS}unfinished-home", "")
    assert invoke({"left": True})["job"]
    assert not store.list_objects(s3_keys.PENDING)


def test_the_work_of_an_invocation_that_died_is_done_by_the_schedule(
    store: LakeStore, sagemaker: ScriptedSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke({"left": True}) == {"skipped": "nothing is left to do"}
    store.overwrite(scoring.LEASE, "")  # of an invocation that was killed
    assert invoke() == {"busy": True}
    assert invoke({"left": True}) == {"busy": True}
    monkeypatch.setattr(scoring, "LEASE_SECONDS", 0.0)
    assert invoke({"left": True})["job"]
    assert not store.list_objects(s3_keys.PENDING)


def test_a_failure_during_the_work_of_another_invocation_starts_no_transform(
    store: LakeStore, sagemaker: ScriptedSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.overwrite(scoring.LEASE, "")
    assert invoke({"detail": {"TransformJobStatus": "Failed"}}) == {"busy": True}
    monkeypatch.setattr(scoring, "LEASE_SECONDS", 0.0)
    assert "failed or was stopped" in invoke({"left": True})["skipped"]
    assert not sagemaker.jobs
    assert not store.list_objects(s3_keys.PENDING)


def test_a_transform_lists_no_more_objects_in_a_larger_lake(
    store: LakeStore, sagemaker: ScriptedSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transform continues behind the last, and ends with rows that changed before them."""
    rows = store.get(ROWS)
    assert rows and boto3.DEFAULT_SESSION
    monkeypatch.setattr(etl_get_xgoals, "FILES_PER_JOB", 2)
    listed: list[str] = []

    def list_one(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 1
        listed.append(params["Prefix"])

    boto3.DEFAULT_SESSION.events.register("provide-client-params.s3.ListObjectsV2", list_one)
    requests = []
    store.overwrite(s3_keys.team_rows("39-2020-592150", "home"), rows)
    job = invoke()["job"]
    for number in range(1, 9):
        store.overwrite(s3_keys.team_rows(f"39-2020-59215{number}", "home"), rows)
        if number % 4 == 0:
            sagemaker.ends(job, "1.5")
            listed.clear()
            job = invoke()["job"]
            requests.append(listed.count(s3_keys.TEAM_ROWS))
    assert requests[0] == requests[1]
    put_team_rows(store, goals=3)
    staged = []
    while job:
        staged.append([key.rpartition("/")[2] for key in store.list_objects(f"{s3_keys.TRANSFORM_INPUTS}{job}/")])
        sagemaker.ends(job, "1.5")
        job = invoke()["job"]
    assert staged[-1] == [ROWS.rpartition("/")[2]]
    assert len(store.list_objects(s3_keys.PREDICTIONS)) == 10
