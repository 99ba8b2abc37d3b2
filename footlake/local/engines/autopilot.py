"""SageMaker Autopilot on the local AWS: AutoML jobs (V2, tabular) that really train, with AutoGluon.

AutoGluon is the engine of Autopilot's ENSEMBLING mode, the one that Autopilot chooses for data below 100 MB.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from footlake.local.context import Local, logger
from footlake.local.engines import autopilot_notebooks, sagemaker_inputs
from footlake.local.engines.model_worker import (
    ALGORITHMS,
    FIT_SETTINGS,
    PROBLEM_TYPES,
    SMALLER_IS_BETTER,
    library_versions,
)
from footlake.local.engines.openmp import with_openmp
from footlake.local.engines.worker import Worker, WorkerDied, WorkerTimeout
from footlake.local.patches.sagemaker import listing, now

# Autopilot runs its analysis as a processing job and its trainings as training jobs, named after itself, which log in
# streams named after them: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
ANALYSIS, TRAINING = "pr-1", "t1-1"
LOGS = {ANALYSIS: "/aws/sagemaker/ProcessingJobs", TRAINING: "/aws/sagemaker/TrainingJobs"}
JOB_NAME_LENGTH = 63

# AutoGluon keeps its time limit by itself; this is for what comes after the training.
SECONDS_TO_FINISH = 60

UNFINISHED = ("InProgress", "Stopping")
RESTARTED = "InternalServerError: The local AWS was stopped while the job was running. Create the job again."


class JobEnded(Exception):
    """The job is over; `status` and `secondary` are what it ends with."""

    def __init__(self, status: str, secondary: str, reason: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.secondary, self.reason = status, secondary, reason


@dataclass
class AutopilotRunner:
    """The AutoML jobs of one local AWS that run: each trains in a child of its own, which dies with it."""

    local: Local
    _workers: dict[str, Worker] = field(default_factory=dict)
    _ending: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._folder = self.local.dir / "autopilot"
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed server left
        self._folder.mkdir(parents=True)
        self.local.at_close(self.close)

    def start(self, job: Any) -> None:
        """Train in the background."""
        self.local.background(lambda: self._run(job), job.auto_ml_job_name)

    def stop(self, job: Any) -> bool:
        """End a running job: what it trains is thrown away. False if it is over already."""
        with self._ending:
            if job.auto_ml_job_status not in UNFINISHED:
                return False
            _change(job, "Stopping", "Stopping")
        if worker := self._workers.get(job.arn):
            worker.interrupt()
        return True

    def close(self) -> None:
        """End every training; `resume` says so after the next start."""
        self._closing.set()
        for worker in list(self._workers.values()):
            worker.close()

    def _run(self, job: Any) -> None:
        name = job.auto_ml_job_name
        command = [sys.executable, "-m", "footlake.local.engines.model_worker"]
        log = self.local.dir / "logs" / "autopilot" / f"{name}.log"
        environment = with_openmp(self.local.environment(job.region_name), self.local.dir / "lib")
        worker = self._workers[job.arn] = Worker(command, environment, log)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        try:
            secondary = _TrainingJob(self.local, job, worker, folder).run()
            end = JobEnded("Completed", secondary)
        except JobEnded as ended:
            end = ended
        except Exception as error:  # a job's end must not depend on our having thought of everything
            if not isinstance(error, WorkerDied):
                logger.exception("AutoML job %s", name)
            end = JobEnded("Failed", "Failed", f"InternalServerError: {error}")
        finally:
            worker.close()
            del self._workers[job.arn]
            shutil.rmtree(folder, ignore_errors=True)
        if self._closing.is_set():
            return
        with self._ending:
            if job.auto_ml_job_status == "Stopping":
                end = JobEnded("Stopped", "Stopped")
            _change(job, end.status, end.secondary, end.reason)


@dataclass
class _TrainingJob:
    """One run of one job; `job` is moto's object, on which DescribeAutoMLJobV2 sees the progress."""

    local: Local
    job: Any
    worker: Worker
    folder: Path

    def __post_init__(self) -> None:
        config = self.job.auto_ml_problem_type_config["TabularJobConfig"]
        self.criteria: Mapping[str, Any] = config.get("CompletionCriteria") or {}
        self.target: str = config["TargetAttributeName"]
        self.problem: str | None = config.get("ProblemType")
        self.algorithms = _algorithms(config)
        self.channel = self.job.auto_ml_job_input_data_config[0]
        self.gzip = self.channel.get("CompressionType") == "Gzip"
        self.s3 = self.local.client("s3", self.job.region_name, self.job.role_arn)
        self.bucket, key = sagemaker_inputs.split_s3_uri(self.job.output_data_config["S3OutputPath"])
        self.output = f"{key.rstrip('/')}/{self.job.auto_ml_job_name}".lstrip("/")
        self.run_id = uuid.uuid4().hex

    def run(self) -> str:
        """Analyse, train, export; the secondary status with which the job completes."""
        self._step("AnalyzingData")
        objects = sagemaker_inputs.list_input_objects(self.s3, self.channel["DataSource"]["S3DataSource"])
        data: dict[str, Any] = {"files": self._download(objects), "gzip": self.gzip, "target": self.target}
        analysis = self._ask(ANALYSIS, "analyse", None, problem=self.problem, **data)
        problem = analysis["problem"]
        metric = (self.job.auto_ml_job_objective or {}).get("MetricName") or next(iter(PROBLEM_TYPES[problem].metrics))
        self.job.auto_ml_job_objective = {"MetricName": metric}
        self.job.resolved_attributes = self.job.resolved_attributes | {
            "AutoMLJobObjective": {"MetricName": metric},
            "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": problem}},
        }
        name, target = self.job.auto_ml_job_name, self.target
        sources = [(one.bucket, one.key) for one in objects]
        exploration = autopilot_notebooks.data_exploration(name, sources, target, analysis, self.gzip)
        notebook = self._write_notebook("DataExploration", exploration)
        self.job.auto_ml_job_artifacts = {"DataExplorationNotebookLocation": notebook}
        self._log(ANALYSIS, [f"{analysis['rows']} rows, {len(analysis['columns'])} columns, {problem} of {target}"])

        self._step("TrainingModels")
        began = now()
        limit = self._seconds_left()
        if limit is not None and limit <= 0:
            raise JobEnded("Stopped", "MaxAutoMLJobRuntimeReached")
        try:
            training = self._ask(
                TRAINING,
                "train",
                None if limit is None else limit + SECONDS_TO_FINISH,
                problem=problem,
                metric=metric,
                algorithms=self.algorithms,
                candidates=self.criteria.get("MaxCandidates"),
                seconds=limit,
                seconds_per_model=self.criteria.get("MaxRuntimePerTrainingJobInSeconds"),
                folder=str(self.folder),
                **data,
            )
        except WorkerTimeout:
            raise JobEnded("Stopped", "MaxAutoMLJobRuntimeReached") from None
        if not training["candidates"]:
            raise JobEnded("Stopped", "MaxAutoMLJobRuntimeReached")

        self._step("GeneratingModelInsightsReport")
        for trained in training["candidates"]:
            trained["name"] = f"{trained['model'].replace('_', '-')}-t1"
        predictor = {
            "label": target,
            "problem_type": PROBLEM_TYPES[problem].autogluon,
            "eval_metric": PROBLEM_TYPES[problem].metrics[metric],
        }
        fit = {"hyperparameters": {algorithm: {} for algorithm in self.algorithms}, **FIT_SETTINGS}
        definition = autopilot_notebooks.candidate_definition(
            name, sources, self.gzip, predictor, fit, training["candidates"], library_versions()
        )
        notebook = self._write_notebook("CandidateDefinition", definition)
        self.job.auto_ml_job_artifacts = self.job.auto_ml_job_artifacts | {
            "CandidateDefinitionNotebookLocation": notebook
        }
        candidates = [self._publish(trained, metric, began) for trained in training["candidates"]]
        self._check_not_stopped()
        self.job.candidates = candidates
        self.job.best_candidate = candidates[0]
        return "Completed" if training["complete"] else "MaxAutoMLJobRuntimeReached"

    def _step(self, secondary: str) -> None:
        self._check_not_stopped()
        # The status is left alone: a stop may be asked for between these lines.
        self.job.auto_ml_job_secondary_status, self.job.last_modified_time = secondary, now()

    def _check_not_stopped(self) -> None:
        if self.job.auto_ml_job_status == "Stopping":
            raise JobEnded("Stopped", "Stopped")

    def _seconds_left(self) -> float | None:
        limit = self.criteria.get("MaxAutoMLJobRuntimeInSeconds")
        return None if limit is None else limit - (now() - self.job.creation_time).total_seconds()

    def _ask(self, part: str, action: str, timeout: float | None, **request: Any) -> dict[str, Any]:
        """The child's answer for this part of the job, whose log gets what AutoGluon wrote, and why it failed."""
        answer: dict[str, Any] = {}
        try:
            answer = self.worker.call({"do": action, **request}, timeout)
        finally:
            written = self.folder / "autogluon.log"
            log = written.read_text(errors="replace") if written.exists() else ""
            self._log(part, [*log.splitlines(), *(answer.get("trace") or answer.get("error") or "").splitlines()])
        if "error" in answer:
            raise JobEnded("Failed", "Failed", f"ClientError: {answer['error']}")
        if "crash" in answer:
            raise JobEnded("Failed", "Failed", f"AlgorithmError: {answer['crash']}")
        return answer

    def _download(self, objects: list[sagemaker_inputs.InputObject]) -> list[str]:
        files = []
        for number, one in enumerate(objects):
            path = self.folder / f"input-{number}"
            path.write_bytes(self.s3.get_object(Bucket=one.bucket, Key=one.key)["Body"].read())
            files.append(str(path))
        return files

    def _write_notebook(self, kind: str, content: str) -> str:
        folder = f"{self.output}/sagemaker-automl-candidates/pr-1-{self.run_id}/notebooks"
        return self._write(f"{folder}/SageMakerAutopilot{kind}Notebook.ipynb", content.encode())

    def _write(self, key: str, content: bytes) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def _named(self, part: str) -> str:
        """The processing or training job that does this part."""
        return f"{self.job.auto_ml_job_name}-{part}-{self.run_id}"[:JOB_NAME_LENGTH]

    def _log(self, part: str, lines: list[str]) -> None:
        stream = f"{self._named(part)}/algo-1-{int(now().timestamp())}"
        self.local.log(LOGS[part], stream, lines, self.job.region_name, self.job.role_arn)

    def _publish(self, trained: Mapping[str, Any], metric: str, began: datetime) -> dict[str, Any]:
        """Put a candidate's model where Autopilot puts it; the candidate as the API shows it."""
        name, region = trained["name"], self.job.region_name
        key = f"{self.output}/sagemaker-automl-candidates/model/{name}/model.tar.gz"
        url = self._write(key, Path(trained["archive"]).read_bytes())
        step = self._named(TRAINING)
        account = self.job.arn.split(":")[4]
        image = f"autogluon-inference:{library_versions()['autogluon.tabular']}-cpu-py311-ubuntu22.04"
        return {
            "CandidateName": name,
            "FinalAutoMLJobObjectiveMetric": {
                "Type": "Minimize" if metric in SMALLER_IS_BETTER else "Maximize",
                "MetricName": metric,
                "Value": trained["metrics"][metric],
                "StandardMetricName": metric,
            },
            "ObjectiveStatus": "Succeeded",
            "CandidateSteps": [
                {
                    "CandidateStepType": "AWS::SageMaker::TrainingJob",
                    "CandidateStepArn": f"arn:aws:sagemaker:{region}:{account}:training-job/{step}",
                    "CandidateStepName": step,
                }
            ],
            "CandidateStatus": "Completed",
            "InferenceContainers": [
                {
                    "Image": f"763104351884.dkr.ecr.{region}.amazonaws.com/{image}",
                    "ModelDataUrl": url,
                    "Environment": {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"},
                }
            ],
            "CreationTime": began,
            "EndTime": now(),
            "LastModifiedTime": now(),
            "CandidateProperties": {
                "CandidateMetrics": [
                    {"MetricName": one, "StandardMetricName": one, "Value": value, "Set": "Validation"}
                    for one, value in trained["metrics"].items()
                ]
            },
        }


def install(local: Local) -> None:
    """Let CreateAutoMLJobV2 train, StopAutoMLJob stop, and add ListCandidatesForAutoMLJob."""
    from moto.sagemaker.exceptions import AWSValidationException, ResourceNotFound
    from moto.sagemaker.models import SageMakerModelBackend
    from moto.sagemaker.responses import SageMakerResponse

    autopilot = AutopilotRunner(local)
    method = SageMakerModelBackend.create_auto_ml_job_v2
    record = getattr(method, "__wrapped__", method)

    def create(self: Any, **request: Any) -> str:
        config = request["auto_ml_problem_type_config"].get("TabularJobConfig")
        channels = request["auto_ml_job_input_data_config"]
        problem = (
            _refusal(request, config)
            or _settings_error(config, request["auto_ml_job_objective"])
            or _data_error(
                local.client("s3", self.region_name, request["role_arn"]),
                channels[0],
                config,
                self.region_name,
                request["role_arn"],
            )
        )
        if problem:
            raise AWSValidationException(problem)
        # moto insists on two settings that AWS does not require.
        complete = {"CompletionCriteria": {}, "ProblemType": "Regression", **config}
        arn: str = record(self, **request | {"auto_ml_problem_type_config": {"TabularJobConfig": complete}})
        job = self.auto_ml_jobs[request["auto_ml_job_name"]]
        job.auto_ml_problem_type_config = {"TabularJobConfig": config}
        job.auto_ml_job_objective = request["auto_ml_job_objective"]
        job.auto_ml_job_artifacts = job.best_candidate = job.model_deploy_config = job.model_deploy_result = None
        job.end_time = job.partial_failure_reasons = None
        job.data_split_config = request["data_split_config"]
        job.resolved_attributes = {"CompletionCriteria": config.get("CompletionCriteria") or {}}
        job.candidates = []
        _change(job, "InProgress", "Starting")
        autopilot.start(job)
        return arn

    create.__wrapped__ = record  # type: ignore[attr-defined]

    def find(backend: Any, name: str) -> Any:
        if name not in backend.auto_ml_jobs:
            raise ResourceNotFound(f"Could not find AutoML job with name {name}.")
        return backend.auto_ml_jobs[name]

    def stop(self: Any, auto_ml_job_name: str) -> None:
        job = find(self, auto_ml_job_name)
        if not autopilot.stop(job):
            status = job.auto_ml_job_status
            raise AWSValidationException(f"The request was rejected because the AutoML job is in status {status}.")

    def list_candidates(self: Any) -> Any:
        job = find(self.sagemaker_backend, self._get_param("AutoMLJobName"))
        sorts = {"FinalObjectiveMetricValue": lambda one: one["FinalAutoMLJobObjectiveMetric"]["Value"]}
        return listing(self, "Candidates", job.candidates, "CandidateName", "CandidateStatus", sorts, "Ascending")

    SageMakerModelBackend.create_auto_ml_job_v2 = create
    SageMakerModelBackend.stop_auto_ml_job = stop
    SageMakerResponse.list_candidates_for_auto_ml_job = list_candidates


def resume(local: Local) -> None:
    """End the jobs that ran when the local AWS stopped."""
    from moto.sagemaker.models import sagemaker_backends

    for regions in list(sagemaker_backends.values()):
        for backend in list(regions.values()):
            for job in list(backend.auto_ml_jobs.values()):
                if job.auto_ml_job_status == "Stopping":
                    _change(job, "Stopped", "Stopped")
                elif job.auto_ml_job_status == "InProgress":
                    _change(job, "Failed", "Failed", RESTARTED)


def _change(job: Any, status: str, secondary: str, reason: str | None = None) -> None:
    job.auto_ml_job_status, job.auto_ml_job_secondary_status = status, secondary
    job.failure_reason = reason and reason[:1024]
    job.last_modified_time = now()
    if status in ("Completed", "Failed", "Stopped"):
        job.end_time = job.last_modified_time


def _algorithms(config: Mapping[str, Any]) -> list[str]:
    chosen = (config.get("CandidateGenerationConfig") or {}).get("AlgorithmsConfig") or [{}]
    names = chosen[0].get("AutoMLAlgorithms") or ALGORITHMS
    return [engine for name, engine in ALGORITHMS.items() if name in names]


def _refusal(request: Mapping[str, Any], config: Mapping[str, Any] | None) -> str | None:
    """What AWS can do and this AWS cannot: better said at once than trained otherwise than asked."""
    if config is None:
        return "The local AWS supports TabularJobConfig only."
    channels = request["auto_ml_job_input_data_config"]
    unsupported = [
        name
        for name, asked in {
            "Mode HYPERPARAMETER_TUNING": config.get("Mode") == "HYPERPARAMETER_TUNING",
            "GenerateCandidateDefinitionsOnly": config.get("GenerateCandidateDefinitionsOnly"),
            "FeatureSpecificationS3Uri": config.get("FeatureSpecificationS3Uri"),
            "SampleWeightAttributeName": config.get("SampleWeightAttributeName"),
            "ModelDeployConfig": request["model_deploy_config"],
            "a validation channel": len(channels) > 1,
            "Parquet": "parquet" in (channels[0].get("ContentType") or ""),
            "this choice of AutoMLAlgorithms": not _algorithms(config),
        }.items()
        if asked
    ]
    return f"The local AWS does not support {', '.join(unsupported)}." if unsupported else None


def _settings_error(config: Mapping[str, Any], objective: Mapping[str, str] | None) -> str | None:
    problem = config.get("ProblemType")
    if bool(problem) != bool(objective):
        return "You must either provide both the AutoMLJobObjective and the ProblemType, or none at all."
    if problem and objective and objective["MetricName"] not in PROBLEM_TYPES[problem].metrics:
        return f"The local AWS does not support the objective {objective['MetricName']} for {problem}."
    return None


def _data_error(s3: Any, channel: Mapping[str, Any], config: Mapping[str, Any], region: str, role: str) -> str | None:
    """What CreateAutoMLJob finds out by itself: nothing to read, or no target in the header."""
    source = channel["DataSource"]["S3DataSource"]
    try:
        objects = sagemaker_inputs.list_input_objects(s3, source)
    except ValueError as error:
        return str(error)
    if not objects:
        return sagemaker_inputs.no_objects_message(source, region, role)
    content = s3.get_object(Bucket=objects[0].bucket, Key=objects[0].key)["Body"].read()
    if channel.get("CompressionType") == "Gzip":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError):
            return f"{objects[0].uri} is not compressed with Gzip."
    header = next(csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"))), [])
    target = config["TargetAttributeName"]
    return None if target in header else f"Target attribute name {target} does not exist in header."
