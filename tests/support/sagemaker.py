"""A moto server, training data and short requests for the SageMaker tests."""

from __future__ import annotations

import gzip
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from footlake.local.context import Local

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
HEADER = "goals,shotsongoal,shotsinsidebox,totalshots,ballpossession"


def start_moto_server(folder: Path, install: Callable[[Local], None]) -> Local:
    """Start a moto server in a thread and attach engines to it with `install`."""
    from moto.server import DomainDispatcherApplication, create_backend_app

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    local = Local(folder, server.port)
    install(local)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    local.at_close(server.server_close)
    local.at_close(server.shutdown)
    return local


# A job can continue for SECONDS_TO_FINISH after its time limit, and some machines are slow.
WAIT_SECONDS = 300


def wait_for(condition: Callable[[], Any]) -> Any:
    """Call `condition` until its result is true, and return the result."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (result := condition()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)
    return result


def random_team_rows(count: int, seed: int = 1) -> list[tuple[int, ...]]:
    """Return invented team rows in which goals depend on shots on goal."""
    generator = random.Random(seed)
    rows: list[tuple[int, ...]] = []
    for _ in range(count):
        total = generator.randint(2, 25)
        on_goal = sum(generator.random() < 0.35 for _ in range(total))
        inside = sum(generator.random() < 0.65 for _ in range(total))
        goals = sum(generator.random() < 0.3 for _ in range(on_goal))
        rows.append((goals, on_goal, inside, total, generator.randint(25, 75)))
    return rows


def recorded_team_rows(season: int) -> list[tuple[int, ...]]:
    """Return goals and the four features of both teams of every recorded fixture; skip without recordings."""
    default = Path(__file__).resolve().parents[2].parent / "shared" / "api-football"
    folder = Path(os.environ.get("FOOTLAKE_RECORDINGS", default))
    if not folder.is_dir():
        pytest.skip("no recordings")
    fixtures = json.loads((folder / f"fixtures-{season}.json").read_text())["response"]
    statistics = json.loads((folder / f"statistics-{season}.json").read_text())
    rows = []
    for fixture in fixtures:
        body = statistics.get(str(fixture["fixture"]["id"]), {"response": []})
        by_team = {
            team["team"]["id"]: {statistic["type"]: statistic["value"] for statistic in team["statistics"]}
            for team in body["response"]
        }
        for side in ("home", "away"):
            statistic = by_team.get(fixture["teams"][side]["id"])
            if statistic:
                counts = (statistic["Shots on Goal"], statistic["Shots insidebox"], statistic["Total Shots"])
                possession = int(statistic["Ball Possession"].rstrip("%"))
                rows.append((fixture["goals"][side], *(count or 0 for count in counts), possession))
    return rows


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


class SageMakerHarness:
    """SageMaker of a local AWS, with one bucket for the data."""

    def __init__(self, local: Local, bucket: str) -> None:
        self.local = local
        self.bucket = bucket
        self.s3, self.sagemaker = local.client("s3"), local.client("sagemaker")
        self.s3.create_bucket(Bucket=bucket)

    def put_object(self, key: str, text: str, compressed: bool = False) -> None:
        content = gzip.compress(text.encode()) if compressed else text.encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get_object(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def list_keys(self, prefix: str = "") -> list[str]:
        page = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in page.get("Contents", [])]

    def start_training(
        self,
        name: str,
        prefix: str = "training/",
        *,
        config: dict[str, Any] | None = None,
        algorithms: Sequence[str] = ("linear-learner",),
        objective: str | None = "MSE",
        **channel: Any,
    ) -> str:
        """Start an Autopilot job; the default algorithm is fast and results in two candidates (model and ensemble)."""
        tabular: dict[str, Any] = {
            "TargetAttributeName": "goals",
            "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(algorithms)}]},
        }
        if objective:
            tabular["ProblemType"] = "Regression"
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/{prefix}"}
        self.sagemaker.create_auto_ml_job_v2(
            AutoMLJobName=name,
            AutoMLJobInputDataConfig=[
                {"ContentType": "text/csv;header=present", "DataSource": {"S3DataSource": source}, **channel}
            ],
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/models/"},
            AutoMLProblemTypeConfig={"TabularJobConfig": tabular | (config or {})},
            RoleArn=ROLE,
            **({"AutoMLJobObjective": {"MetricName": objective}} if objective else {}),
        )
        return name

    def wait_for_training(self, name: str) -> dict[str, Any]:
        def finished_job() -> dict[str, Any] | None:
            job: dict[str, Any] = self.sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name)
            return job if job["AutoMLJobStatus"] not in ("InProgress", "Stopping") else None

        ended: dict[str, Any] = wait_for(finished_job)
        return ended

    def create_model(self, name: str, training: dict[str, Any]) -> str:
        containers = training["BestCandidate"]["InferenceContainers"]
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=containers)
        return name

    def start_transform(self, name: str, model: str, prefix: str = "", /, **changes: Any) -> str:
        """Start a batch transform with the settings of the original walk-through; `changes` replace parts of them."""
        request: dict[str, Any] = {
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/{prefix}"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{self.bucket}/output/{name}",
                "Accept": "text/csv",
                "AssembleWith": "Line",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            "DataProcessing": {"InputFilter": "$[3:]", "JoinSource": "Input", "OutputFilter": "$[0,1,-1]"},
        }
        for key, value in changes.items():
            request[key] = request.get(key, {}) | value
        self.sagemaker.create_transform_job(TransformJobName=name, ModelName=model, **request)
        return name

    def wait_for_transform(self, name: str) -> dict[str, Any]:
        def finished_job() -> dict[str, Any] | None:
            job: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=name)
            return job if job["TransformJobStatus"] not in ("InProgress", "Stopping") else None

        ended: dict[str, Any] = wait_for(finished_job)
        return ended

    def read_log(self, group: str, prefix: str) -> str:
        """Return all lines of the log streams whose names begin with `prefix`."""
        logs = self.local.client("logs")
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        return "\n".join(
            event["message"]
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        )
