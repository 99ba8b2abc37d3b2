from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from footlake.local.context import Local
from footlake.local.engines import autopilot, model_worker, transform
from footlake.local.engines.model_process import with_openmp
from tests.support.sagemaker import (
    HEADER,
    ROLE,
    SageMakerHarness,
    random_team_rows,
    recorded_team_rows,
    start_moto_server,
    to_csv,
    wait_for,
)

ALL_ALGORITHMS = ("lightgbm", "randomforest", "extra-trees", "linear-learner")
MANY_ROWS = 40_000  # enough that a training can be interrupted


def install(local: Local) -> None:
    autopilot.install(local)
    transform.install(local)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SageMakerHarness]:
    local = start_moto_server(tmp_path_factory.mktemp("aws"), install)
    trial = SageMakerHarness(local, "autopilot-trial")
    rows = random_team_rows(700)
    trial.put_object("training/a.csv", f"{HEADER}\n{to_csv(rows[:300])}")
    trial.put_object("training/b.csv", f"{HEADER}\n{to_csv(rows[300:])}")
    yield trial
    local.close()


@pytest.fixture(scope="module")
def trained(aws: SageMakerHarness) -> dict[str, Any]:
    return aws.wait_for_training(aws.start_training("all", algorithms=ALL_ALGORITHMS))


@pytest.fixture(scope="module")
def notebooks(aws: SageMakerHarness, trained: dict[str, Any]) -> dict[str, Any]:
    prefix = f"s3://{aws.bucket}/"
    return {
        kind: json.loads(aws.get_object(trained["AutoMLJobArtifacts"][f"{kind}NotebookLocation"].removeprefix(prefix)))
        for kind in ("DataExploration", "CandidateDefinition")
    }


def metrics(candidate: dict[str, Any]) -> dict[str, float]:
    return {
        metric["StandardMetricName"]: metric["Value"] for metric in candidate["CandidateProperties"]["CandidateMetrics"]
    }


def test_a_finished_job_shows_its_best_candidate_and_resolved_settings(trained: dict[str, Any]) -> None:
    assert (trained["AutoMLJobStatus"], trained["AutoMLJobSecondaryStatus"]) == ("Completed", "Completed")
    assert trained["EndTime"] >= trained["CreationTime"]
    resolved = trained["ResolvedAttributes"]["AutoMLProblemTypeResolvedAttributes"]["TabularResolvedAttributes"]
    assert resolved == {"ProblemType": "Regression"}
    best = trained["BestCandidate"]
    assert best["CandidateStatus"] == "Completed" and best["ObjectiveStatus"] == "Succeeded"
    values = metrics(best)
    assert values["MSE"] == best["FinalAutoMLJobObjectiveMetric"]["Value"] > 0
    assert values["RMSE"] ** 2 == pytest.approx(values["MSE"])
    assert 0 < values["R2"] < 1


def test_each_trained_model_is_a_candidate_and_the_best_is_the_first_by_metric(
    aws: SageMakerHarness, trained: dict[str, Any]
) -> None:
    list_candidates = aws.sagemaker.list_candidates_for_auto_ml_job
    candidates = list_candidates(AutoMLJobName="all", SortBy="FinalObjectiveMetricValue")["Candidates"]
    values = [candidate["FinalAutoMLJobObjectiveMetric"]["Value"] for candidate in candidates]
    assert len(candidates) == len(ALL_ALGORITHMS) + 1 and values == sorted(values)
    assert candidates[0]["CandidateName"] == trained["BestCandidate"]["CandidateName"]
    assert len({candidate["InferenceContainers"][0]["ModelDataUrl"] for candidate in candidates}) == len(candidates)

    worst_first = list_candidates(
        AutoMLJobName="all", SortBy="FinalObjectiveMetricValue", SortOrder="Descending", MaxResults=2
    )
    assert [candidate["CandidateName"] for candidate in worst_first["Candidates"]] == [
        candidate["CandidateName"] for candidate in candidates[:2:-1]
    ]
    rest = list_candidates(
        AutoMLJobName="all",
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Descending",
        NextToken=worst_first["NextToken"],
    )
    assert [candidate["CandidateName"] for candidate in rest["Candidates"]] == [
        candidate["CandidateName"] for candidate in candidates[2::-1]
    ]
    matching = list_candidates(AutoMLJobName="all", CandidateNameEquals=candidates[3]["CandidateName"])["Candidates"]
    assert matching == [candidates[3]]
    assert list_candidates(AutoMLJobName="all", StatusEquals="Failed")["Candidates"] == []


def test_a_model_archive_is_small_and_describes_its_model(aws: SageMakerHarness, trained: dict[str, Any]) -> None:
    [container] = trained["BestCandidate"]["InferenceContainers"]
    content = aws.get_object(container["ModelDataUrl"].removeprefix(f"s3://{aws.bucket}/"))
    assert len(content) < 20 * 2**20
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        member = tar.extractfile("metadata.json")
        assert member
        metadata = json.load(member)
    assert metadata["features"] == HEADER.split(",")[1:]
    assert (metadata["target"], metadata["rows"], metadata["objective"]) == ("goals", 700, "MSE")
    assert metadata["libraries"]["autogluon.tabular"]


def test_the_exploration_notebook_describes_the_data(notebooks: dict[str, Any]) -> None:
    notebook = notebooks["DataExploration"]
    assert notebook["nbformat"] == 4
    text = "\n\n".join(cell["source"] for cell in notebook["cells"])
    assert "**700** rows and **5** columns" in text
    goals = [row[0] for row in random_team_rows(700)]
    assert f"| goals | 700 | 0 | {sum(goals) / 700:.4g} |" in text
    twos = goals.count(2)
    assert any(line.split()[0] == "2" and line.endswith(f" {twos}") for line in text.splitlines() if "█" in line)
    correlations = text.split("## Correlation with goals")[1].split("##")[0]
    assert correlations.index("shotsongoal") < correlations.index("ballpossession")


@pytest.mark.thorough
def test_the_definition_notebook_trains_the_same_candidates_again(
    aws: SageMakerHarness, trained: dict[str, Any], notebooks: dict[str, Any], tmp_path: Path
) -> None:
    code = [cell["source"] for cell in notebooks["CandidateDefinition"]["cells"] if cell["cell_type"] == "code"]
    program = tmp_path / "again.py"
    program.write_text("\n".join([*code, 'print("SCORE", predictor.leaderboard()["score_val"].max())']))
    environment = with_openmp(aws.local.environment(), tmp_path / "lib")
    ran = subprocess.run(
        [sys.executable, program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    score = float(ran.stdout.split("SCORE")[1])
    assert -score == pytest.approx(trained["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"], rel=1e-6)


def test_training_is_logged_where_autopilot_logs_it(aws: SageMakerHarness, trained: dict[str, Any]) -> None:
    step = trained["BestCandidate"]["CandidateSteps"][0]["CandidateStepName"]
    assert "Fitting model: LightGBM_BAG_L1" in aws.read_log("/aws/sagemaker/TrainingJobs", step)
    assert "700 rows" in aws.read_log("/aws/sagemaker/ProcessingJobs", "all-pr-1")


def test_a_training_on_few_rows_takes_one_core(aws: SageMakerHarness, trained: dict[str, Any]) -> None:
    step = trained["BestCandidate"]["CandidateSteps"][0]["CandidateStepName"]
    assert "(sequential: cpus=1, gpus=0)" in aws.read_log("/aws/sagemaker/TrainingJobs", step)


@pytest.mark.thorough
def test_a_model_of_one_season_predicts_the_next_far_better_than_the_mean(aws: SageMakerHarness) -> None:
    seen, unseen = recorded_team_rows(2019), recorded_team_rows(2020)
    aws.put_object("season/training-set.csv", f"{HEADER}\n{to_csv(seen)}")
    aws.put_object("next/rows.csv", to_csv(unseen))
    predictions = []
    for name in ("season", "season-again"):
        training = aws.wait_for_training(aws.start_training(name, "season/training-set.csv", algorithms=ALL_ALGORITHMS))
        model = aws.create_model(f"xGoals-{name}", training)
        filters = {"InputFilter": "$[1:]", "JoinSource": "None", "OutputFilter": "$"}
        assert aws.wait_for_transform(aws.start_transform(name, model, "next/", DataProcessing=filters))
        predictions.append(aws.get_object(f"output/{name}/rows.csv.out").decode().split())
    assert predictions[0] == predictions[1]

    guesses = [float(guess) for guess in predictions[0]]
    goals = [row[0] for row in unseen]
    assert len(guesses) == len(goals) == 760
    error = sum((guess - goal) ** 2 for guess, goal in zip(guesses, goals, strict=True)) / len(goals)
    assert error < 1.10
    assert all(-0.5 < guess < 9 for guess in guesses)
    assert 0.95 < sum(guesses) / sum(goals) < 1.10


def test_max_candidates_keeps_the_best(aws: SageMakerHarness, trained: dict[str, Any]) -> None:
    config = {"CompletionCriteria": {"MaxCandidates": 2}}
    job = aws.wait_for_training(
        aws.start_training("two", algorithms=("extra-trees", "linear-learner"), config=config, objective="MAE")
    )
    candidates = aws.sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="two")["Candidates"]
    assert len(candidates) == 2
    assert sum(key.endswith("model.tar.gz") for key in aws.list_keys("models/two/")) == 2
    objective = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert (objective["MetricName"], objective["Type"]) == ("MAE", "Minimize")
    assert objective["Value"] == min(metrics(candidate)["MAE"] for candidate in candidates)


@pytest.mark.thorough
def test_classification_is_supported_and_the_problem_type_is_inferred(aws: SageMakerHarness) -> None:
    rows = [("won" if row[0] > 1 else "not", *row[1:]) for row in random_team_rows(600)]
    aws.put_object("classes/data.csv.gz", f"{HEADER}\n{to_csv(rows)}", compressed=True)
    job = aws.wait_for_training(aws.start_training("classes", "classes/", objective=None, CompressionType="Gzip"))
    assert job["AutoMLJobStatus"] == "Completed", job
    assert job["AutoMLJobObjective"] == {"MetricName": "F1"}
    assert metrics(job["BestCandidate"])["Accuracy"] > 0.7

    aws.put_object("classes-in/rows.csv", "1,2,3,0,1,4,50\n1,2,3,12,14,20,60\n")
    model = aws.create_model("classes", job)
    assert (
        aws.wait_for_transform(aws.start_transform("classes", model, "classes-in/"))["TransformJobStatus"]
        == "Completed"
    )
    assert aws.get_object("output/classes/rows.csv.out") == b"1,2,not\n1,2,won\n"


def test_a_runtime_limit_ends_the_job_with_the_candidates_so_far(aws: SageMakerHarness) -> None:
    aws.put_object("many/data.csv", f"{HEADER}\n{to_csv(random_team_rows(MANY_ROWS))}")
    config = {"CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": 1}}
    job = aws.wait_for_training(aws.start_training("short", "many/", algorithms=ALL_ALGORITHMS, config=config))
    assert job["AutoMLJobSecondaryStatus"] == "MaxAutoMLJobRuntimeReached"


def test_a_job_without_time_trains_nothing(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(f"{HEADER}\n{to_csv(random_team_rows(600))}")
    answer = model_worker.train(
        files=[str(file)],
        gzip=False,
        target="goals",
        problem="Regression",
        metric="MSE",
        algorithms=["LR"],
        candidates=None,
        seconds=0,
        seconds_per_model=None,
        folder=str(tmp_path),
    )
    assert answer == {"candidates": [], "complete": False}


def test_a_stopped_job_trains_no_further(aws: SageMakerHarness) -> None:
    aws.put_object("many/data.csv", f"{HEADER}\n{to_csv(random_team_rows(MANY_ROWS))}")
    aws.start_training("stopped", "many/", algorithms=ALL_ALGORITHMS)
    describe = aws.sagemaker.describe_auto_ml_job_v2
    wait_for(lambda: describe(AutoMLJobName="stopped")["AutoMLJobSecondaryStatus"] == "TrainingModels")
    aws.sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")
    job = aws.wait_for_training("stopped")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert "BestCandidate" not in job and "FailureReason" not in job
    assert [key for key in aws.list_keys("models/stopped/") if key.endswith("model.tar.gz")] == []
    with pytest.raises(ClientError, match="is in status Stopped"):
        aws.sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (random_team_rows(499), "has 499 rows. A minimum of 500 rows is required"),
        ([("many", *row[1:]) for row in random_team_rows(600)], "goals must be numeric for a regression problem"),
        ([(1, *row[1:]) for row in random_team_rows(600)], "fewer than two different values"),
    ],
)
def test_unusable_data_fails_the_job_with_the_reason(
    aws: SageMakerHarness, rows: list[tuple[object, ...]], reason: str
) -> None:
    name = f"bad-{len(rows)}-{rows[0][0]}"
    aws.put_object(f"{name}/data.csv", f"{HEADER}\n{to_csv(rows)}")
    job = aws.wait_for_training(aws.start_training(name, f"{name}/"))
    assert job["AutoMLJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ") and reason in job["FailureReason"]
    assert reason in aws.read_log("/aws/sagemaker/ProcessingJobs", f"{name}-pr-1-")


def test_objects_with_different_headers_are_not_one_dataset(aws: SageMakerHarness) -> None:
    aws.put_object("mixed/a.csv", f"{HEADER}\n{to_csv(random_team_rows(600))}")
    aws.put_object("mixed/b.csv", f"x{HEADER}\n{to_csv(random_team_rows(600))}")
    job = aws.wait_for_training(aws.start_training("mixed", "mixed/"))
    assert "do not have the same header" in job["FailureReason"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": {"TargetAttributeName": "points"}}, "Target attribute name points does not exist in header"),
        ({"prefix": "nothing-here/"}, "No S3 objects found under S3 URL"),
        ({"config": {"Mode": "HYPERPARAMETER_TUNING"}}, "does not support Mode HYPERPARAMETER_TUNING"),
        ({"algorithms": ["xgboost"]}, "does not support this choice of AutoMLAlgorithms"),
        ({"objective": "Accuracy"}, "does not support the objective Accuracy for Regression"),
        ({"objective": None, "config": {"ProblemType": "Regression"}}, "or none at all"),
        ({"CompressionType": "Gzip"}, "is not compressed with Gzip"),
    ],
)
def test_an_invalid_request_is_rejected_at_once(aws: SageMakerHarness, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match="ValidationException") as error:
        aws.start_training("refused", **changes)
    assert message in str(error.value)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        aws.sagemaker.describe_auto_ml_job_v2(AutoMLJobName="refused")


def test_a_name_is_used_once(aws: SageMakerHarness, trained: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ResourceInUse"):
        aws.start_training("all")


@pytest.mark.thorough
def test_the_sagemaker_sdk_trains_and_reads_the_candidates(aws: SageMakerHarness) -> None:
    import boto3
    from sagemaker import Session
    from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2

    session = Session(
        boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"),
        sagemaker_client=aws.sagemaker,
        default_bucket=aws.bucket,
    )
    config = AutoMLTabularConfig(
        target_attribute_name="goals", problem_type="Regression", mode="ENSEMBLING", max_candidates=3
    )
    job = AutoMLV2(
        problem_config=config,
        role=ROLE,
        output_path=f"s3://{aws.bucket}/models/",
        job_objective={"MetricName": "MSE"},
        sagemaker_session=session,
    )
    job.fit(
        inputs=[AutoMLDataChannel("S3Prefix", f"s3://{aws.bucket}/training/", channel_type="training")],
        job_name="sdk",
        wait=False,
    )
    aws.wait_for_training("sdk")
    candidates = job.list_candidates()
    assert len(candidates) == 3
    assert job.best_candidate()["CandidateName"] in [candidate["CandidateName"] for candidate in candidates]


def test_a_job_interrupted_by_a_stop_of_the_local_aws_fails(aws: SageMakerHarness, tmp_path: Path) -> None:
    local = start_moto_server(tmp_path, install)
    other = SageMakerHarness(local, "autopilot-restart")
    other.put_object("many/data.csv", f"{HEADER}\n{to_csv(random_team_rows(MANY_ROWS))}")
    other.start_training("restarted", "many/", algorithms=ALL_ALGORITHMS)
    describe = aws.sagemaker.describe_auto_ml_job_v2  # the same account at an endpoint that keeps running
    wait_for(lambda: describe(AutoMLJobName="restarted")["AutoMLJobSecondaryStatus"] == "TrainingModels")
    local.close()
    install(aws.local)
    autopilot.resume(aws.local)
    job = describe(AutoMLJobName="restarted")
    assert job["AutoMLJobStatus"] == "Failed" and "was stopped while the job was running" in job["FailureReason"]


def test_the_jobs_of_a_training_are_listed_with_their_instances_and_times(
    aws: SageMakerHarness, trained: dict[str, Any]
) -> None:
    prefix = f"{trained['AutoMLJobName']}-"
    (listed,) = aws.sagemaker.list_processing_jobs(NameContains=prefix)["ProcessingJobSummaries"]
    processing = aws.sagemaker.describe_processing_job(ProcessingJobName=listed["ProcessingJobName"])
    assert processing["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.m5.4xlarge"
    assert trained["CreationTime"] <= processing["ProcessingStartTime"] <= processing["ProcessingEndTime"]
    (listed,) = aws.sagemaker.list_training_jobs(NameContains=prefix)["TrainingJobSummaries"]
    training = aws.sagemaker.describe_training_job(TrainingJobName=listed["TrainingJobName"])
    assert training["TrainingJobName"] == trained["BestCandidate"]["CandidateSteps"][0]["CandidateStepName"]
    assert (training["TrainingJobStatus"], training["ResourceConfig"]["InstanceType"]) == ("Completed", "ml.m5.4xlarge")
    seconds = (training["TrainingEndTime"] - training["TrainingStartTime"]).total_seconds()
    assert training["BillableTimeInSeconds"] == pytest.approx(seconds, abs=1)
    assert (
        aws.sagemaker.list_training_jobs(NameContains=prefix, CreationTimeAfter=training["TrainingEndTime"])[
            "TrainingJobSummaries"
        ]
        == []
    )
