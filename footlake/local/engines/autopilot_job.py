"""Run one Autopilot job on the local AWS: analyse the data, train models, publish them to S3."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from footlake.local.context import Local
from footlake.local.engines import autopilot_notebooks, autopilot_parts
from footlake.local.engines.automl_settings import ALGORITHMS, PROBLEM_TYPES, SMALLER_IS_BETTER, library_versions
from footlake.local.engines.sagemaker_jobs import InputObject, list_input_objects, split_s3_uri
from footlake.local.engines.worker import Worker, WorkerTimeout
from footlake.local.patches.sagemaker import now

# Autopilot analyses in a processing job and trains in a training job. Both jobs' names begin with its own, and so do
# their log streams: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
ANALYSIS, TRAINING = "pr-1", "t1-1"
LOG_GROUPS = {ANALYSIS: "/aws/sagemaker/ProcessingJobs", TRAINING: "/aws/sagemaker/TrainingJobs"}
MAX_JOB_NAME = 63  # characters

# AutoGluon respects its own time limit; this is for the work after the training.
SECONDS_TO_FINISH = 60
RUNTIME_REACHED = "MaxAutoMLJobRuntimeReached"


class JobEnded(Exception):
    """The job has ended with this status, secondary status and failure reason."""

    def __init__(self, status: str, secondary_status: str, reason: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.secondary_status, self.reason = status, secondary_status, reason


def chosen_algorithms(config: Mapping[str, Any]) -> list[str]:
    """Return AutoGluon's names of the algorithms that a TabularJobConfig selects."""
    algorithm_configs = (config.get("CandidateGenerationConfig") or {}).get("AlgorithmsConfig") or [{}]
    names = algorithm_configs[0].get("AutoMLAlgorithms") or ALGORITHMS
    return [autogluon_name for name, autogluon_name in ALGORITHMS.items() if name in names]


@dataclass
class AutopilotJob:
    """One run of a job. `job` is moto's object, in which DescribeAutoMLJobV2 finds the progress and the results."""

    local: Local
    job: Any
    worker: Worker
    folder: Path

    def __post_init__(self) -> None:
        config = self.job.auto_ml_problem_type_config["TabularJobConfig"]
        self.name: str = self.job.auto_ml_job_name
        self.region: str = self.job.region_name
        self.criteria: Mapping[str, Any] = config.get("CompletionCriteria") or {}
        self.target: str = config["TargetAttributeName"]
        self.problem: str | None = config.get("ProblemType")
        self.algorithms = chosen_algorithms(config)
        self.channel = self.job.auto_ml_job_input_data_config[0]
        self.gzip = self.channel.get("CompressionType") == "Gzip"
        self.s3 = self.local.client("s3", self.region, self.job.role_arn)
        self.bucket, key = split_s3_uri(self.job.output_data_config["S3OutputPath"])
        self.output = f"{key.rstrip('/')}/{self.name}".lstrip("/")
        self.run_id = uuid.uuid4().hex

    def run(self) -> str:
        """Run the job and return its secondary status. Raises JobEnded if it does not complete."""
        self._enter_step("AnalyzingData")
        objects = list_input_objects(self.s3, self.channel["DataSource"]["S3DataSource"])
        files = {"files": self._download(objects), "gzip": self.gzip, "target": self.target}
        data = autopilot_notebooks.TrainingData(
            self.name, [(source.bucket, source.key) for source in objects], self.gzip, self.target
        )
        with autopilot_parts.processing_job(self.job, self._part_name(ANALYSIS)):
            problem, metric = self._analyse(files, data)

        self._enter_step("TrainingModels")
        training_start = now()
        with autopilot_parts.training_job(self.job, self._part_name(TRAINING)):
            training = self._train(files, problem, metric)

        self._enter_step("GeneratingModelInsightsReport")
        self._publish(training["candidates"], data, problem, metric, training_start)
        return "Completed" if training["complete"] else RUNTIME_REACHED

    def _analyse(self, files: Mapping[str, Any], data: autopilot_notebooks.TrainingData) -> tuple[str, str]:
        """Describe the data in a notebook, and return the problem type and the metric to optimise."""
        analysis = self._request(ANALYSIS, "analyse", None, problem=self.problem, **files)
        problem: str = analysis["problem"]
        metric = (self.job.auto_ml_job_objective or {}).get("MetricName") or next(iter(PROBLEM_TYPES[problem].metrics))
        self.job.auto_ml_job_objective = {"MetricName": metric}
        self.job.resolved_attributes = self.job.resolved_attributes | {
            "AutoMLJobObjective": {"MetricName": metric},
            "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": problem}},
        }
        notebook = self._upload_notebook("DataExploration", autopilot_notebooks.data_exploration(data, analysis))
        self.job.auto_ml_job_artifacts = {"DataExplorationNotebookLocation": notebook}
        summary = f"{analysis['rows']} rows, {len(analysis['columns'])} columns, {problem} of {self.target}"
        self._write_log(ANALYSIS, [summary])
        return problem, metric

    def _train(self, files: Mapping[str, Any], problem: str, metric: str) -> dict[str, Any]:
        """Return the result of `model_worker.train` within the job's time limits, with at least one candidate."""
        seconds = self._seconds_left()
        if seconds is not None and seconds <= 0:
            raise JobEnded("Stopped", RUNTIME_REACHED)
        try:
            training = self._request(
                TRAINING,
                "train",
                None if seconds is None else seconds + SECONDS_TO_FINISH,
                problem=problem,
                metric=metric,
                algorithms=self.algorithms,
                candidates=self.criteria.get("MaxCandidates"),
                seconds=seconds,
                seconds_per_model=self.criteria.get("MaxRuntimePerTrainingJobInSeconds"),
                folder=str(self.folder),
                **files,
            )
        except WorkerTimeout:
            raise JobEnded("Stopped", RUNTIME_REACHED) from None
        if not training["candidates"]:
            raise JobEnded("Stopped", RUNTIME_REACHED)
        return training

    def _publish(
        self,
        candidates: list[dict[str, Any]],
        data: autopilot_notebooks.TrainingData,
        problem: str,
        metric: str,
        training_start: datetime,
    ) -> None:
        """Upload the models and the notebook that trains them, and list the candidates in the job."""
        for candidate in candidates:
            candidate["name"] = f"{candidate['model'].replace('_', '-')}-t1"
        notebook = self._upload_notebook(
            "CandidateDefinition",
            autopilot_notebooks.candidate_definition(data, problem, metric, self.algorithms, candidates),
        )
        self.job.auto_ml_job_artifacts = self.job.auto_ml_job_artifacts | {
            "CandidateDefinitionNotebookLocation": notebook
        }
        published = [
            self._describe_candidate(candidate, metric, self._upload_model(candidate), training_start)
            for candidate in candidates
        ]
        self._check_not_stopped()
        self.job.candidates = published
        self.job.best_candidate = published[0]

    def _enter_step(self, secondary_status: str) -> None:
        self._check_not_stopped()
        # Does not set the primary status, because StopAutoMLJob can change it at any time.
        self.job.auto_ml_job_secondary_status, self.job.last_modified_time = secondary_status, now()

    def _check_not_stopped(self) -> None:
        if self.job.auto_ml_job_status == "Stopping":
            raise JobEnded("Stopped", "Stopped")

    def _seconds_left(self) -> float | None:
        limit = self.criteria.get("MaxAutoMLJobRuntimeInSeconds")
        return None if limit is None else limit - (now() - self.job.creation_time).total_seconds()

    def _request(self, part: str, action: str, timeout: float | None, **arguments: Any) -> dict[str, Any]:
        """Return the worker's answer. The log of this part of the job gets AutoGluon's output and any error."""
        answer: dict[str, Any] = {}
        try:
            answer = self.worker.call({"do": action, **arguments}, timeout)
        finally:
            path = self.folder / "autogluon.log"
            output = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            error = answer.get("trace") or answer.get("error") or ""
            self._write_log(part, [*output.splitlines(), *error.splitlines()])
        if "error" in answer:
            raise JobEnded("Failed", "Failed", f"ClientError: {answer['error']}")
        if "crash" in answer:
            raise JobEnded("Failed", "Failed", f"AlgorithmError: {answer['crash']}")
        return answer

    def _download(self, objects: list[InputObject]) -> list[str]:
        """Download the objects and return the paths of the files."""
        paths = []
        for number, source in enumerate(objects):
            path = self.folder / f"input-{number}"
            path.write_bytes(self.s3.get_object(Bucket=source.bucket, Key=source.key)["Body"].read())
            paths.append(str(path))
        return paths

    def _upload(self, name: str, content: bytes) -> str:
        """Write an object below the job's output path and return its URI."""
        key = f"{self.output}/sagemaker-automl-candidates/{name}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def _upload_notebook(self, kind: str, content: str) -> str:
        name = f"pr-1-{self.run_id}/notebooks/SageMakerAutopilot{kind}Notebook.ipynb"
        return self._upload(name, content.encode())

    def _upload_model(self, candidate: Mapping[str, Any]) -> str:
        return self._upload(f"model/{candidate['name']}/model.tar.gz", Path(candidate["archive"]).read_bytes())

    def _part_name(self, part: str) -> str:
        """Return the name of the processing or training job that does this part."""
        return f"{self.name}-{part}-{self.run_id}"[:MAX_JOB_NAME]

    def _write_log(self, part: str, lines: list[str]) -> None:
        stream = f"{self._part_name(part)}/algo-1-{int(now().timestamp())}"
        self.local.log(LOG_GROUPS[part], stream, lines, self.region, self.job.role_arn)

    def _describe_candidate(
        self, candidate: Mapping[str, Any], metric: str, model_url: str, training_start: datetime
    ) -> dict[str, Any]:
        """Return the candidate in the form of the SageMaker API."""
        step = self._part_name(TRAINING)
        account = self.job.arn.split(":")[4]
        image = f"autogluon-inference:{library_versions()['autogluon.tabular']}-cpu-py311-ubuntu22.04"
        return {
            "CandidateName": candidate["name"],
            "FinalAutoMLJobObjectiveMetric": {
                "Type": "Minimize" if metric in SMALLER_IS_BETTER else "Maximize",
                "MetricName": metric,
                "Value": candidate["metrics"][metric],
                "StandardMetricName": metric,
            },
            "ObjectiveStatus": "Succeeded",
            "CandidateSteps": [
                {
                    "CandidateStepType": "AWS::SageMaker::TrainingJob",
                    "CandidateStepArn": f"arn:aws:sagemaker:{self.region}:{account}:training-job/{step}",
                    "CandidateStepName": step,
                }
            ],
            "CandidateStatus": "Completed",
            "InferenceContainers": [
                {
                    "Image": f"763104351884.dkr.ecr.{self.region}.amazonaws.com/{image}",
                    "ModelDataUrl": model_url,
                    "Environment": {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"},
                }
            ],
            "CreationTime": training_start,
            "EndTime": now(),
            "LastModifiedTime": now(),
            "CandidateProperties": {
                "CandidateMetrics": [
                    {"MetricName": name, "StandardMetricName": name, "Value": value, "Set": "Validation"}
                    for name, value in candidate["metrics"].items()
                ]
            },
        }
