"""SageMaker Autopilot on the local AWS: AutoML jobs (V2, tabular) that train with AutoGluon.

AutoGluon is the engine of Autopilot's ENSEMBLING mode, which Autopilot chooses for data below 100 MB.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.sagemaker.exceptions import AWSValidationException, ResourceNotFound
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from footlake.local.context import Local, logger
from footlake.local.engines import autopilot_parts, sagemaker_jobs
from footlake.local.engines.automl_settings import PROBLEM_TYPES
from footlake.local.engines.autopilot_job import AutopilotJob, JobEnded, chosen_algorithms
from footlake.local.engines.model_process import model_workers
from footlake.local.engines.moto_methods import replace_method
from footlake.local.engines.worker import Worker, WorkerDied
from footlake.local.patches.sagemaker import list_page, now


def install(local: Local) -> None:
    """Let CreateAutoMLJobV2 train and StopAutoMLJob stop, and add ListCandidatesForAutoMLJob."""
    runner = AutopilotRunner(local)
    replace_method(SageMakerModelBackend, "create_auto_ml_job_v2", runner.create_auto_ml_job_v2)
    replace_method(SageMakerModelBackend, "stop_auto_ml_job", runner.stop_auto_ml_job)
    SageMakerResponse.list_candidates_for_auto_ml_job = list_candidates_for_auto_ml_job
    autopilot_parts.install()


def warm_up(local: Local) -> None:
    """Load AutoGluon in the background, before the first job needs it."""
    model_workers(local).warm_up()


def resume(local: Local) -> None:
    """Set the final status of the jobs that ran when the local AWS stopped."""
    autopilot_parts.resume()
    for backend in sagemaker_jobs.sagemaker_backends():
        for job in list(backend.auto_ml_jobs.values()):
            if job.auto_ml_job_status == "Stopping":
                _set_status(job, "Stopped", "Stopped")
            elif job.auto_ml_job_status == "InProgress":
                _set_status(job, "Failed", "Failed", sagemaker_jobs.RESTARTED)


@dataclass
class AutopilotRunner:
    """Runs the AutoML jobs of one local AWS, each in an AutoGluon process that no other job uses meanwhile."""

    local: Local
    _workers: dict[str, Worker] = field(default_factory=dict)
    _status_lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._models = model_workers(self.local)  # its processes end after `close`, which runs first
        self._folder = self.local.dir / "autopilot"
        shutil.rmtree(self._folder, ignore_errors=True)  # files of a server that was killed
        self._folder.mkdir(parents=True)
        self.local.at_close(self.close)

    def create_auto_ml_job_v2(self, original: Any, backend: Any, **request: Any) -> str:
        """Check the request, create the job in moto and run it in the background. Returns the job's ARN."""
        config = request["auto_ml_problem_type_config"].get("TabularJobConfig")
        if error := _request_error(request, config) or _data_error(self.local, request, config, backend.region_name):
            raise AWSValidationException(error)
        # moto requires two settings that AWS does not require.
        complete_config = {"CompletionCriteria": {}, "ProblemType": "Regression", **config}
        moto_request = request | {"auto_ml_problem_type_config": {"TabularJobConfig": complete_config}}
        arn: str = original(backend, **moto_request)
        job = backend.auto_ml_jobs[request["auto_ml_job_name"]]
        _reset_job(job, request, config)
        self.local.background(lambda: self._run(job), job.auto_ml_job_name)
        return arn

    def stop_auto_ml_job(self, _original: Any, backend: Any, auto_ml_job_name: str) -> None:
        """Stop a running job, whose models are discarded. Raises AWSValidationException if it has ended."""
        job = _find_job(backend, auto_ml_job_name)
        with self._status_lock:
            status = job.auto_ml_job_status
            if status not in sagemaker_jobs.UNFINISHED:
                raise AWSValidationException(f"The request was rejected because the AutoML job is in status {status}.")
            _set_status(job, "Stopping", "Stopping")
            if worker := self._workers.get(job.arn):
                worker.interrupt()

    def close(self) -> None:
        """End every training, whose process ends. `resume` sets the jobs' status after the next start."""
        self._closing.set()

    def _run(self, job: Any) -> None:
        """Run a job and set its final status."""
        end = self._train(job)
        if self._closing.is_set():
            return
        with self._status_lock:
            if job.auto_ml_job_status == "Stopping":
                end = JobEnded("Stopped", "Stopped")
            _set_status(job, end.status, end.secondary_status, end.reason)

    def _train(self, job: Any) -> JobEnded:
        name = job.auto_ml_job_name
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        try:
            with self._models.borrow() as worker, self._interruptible(job, worker):
                return JobEnded("Completed", AutopilotJob(self.local, job, worker, folder).run())
        except JobEnded as end:
            return end
        except Exception as error:  # every job must get a final status
            if not isinstance(error, WorkerDied):
                logger.exception("AutoML job %s", name)
            return JobEnded("Failed", "Failed", f"InternalServerError: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _interruptible(self, job: Any, worker: Worker) -> Iterator[None]:
        """Let `stop_auto_ml_job` interrupt the worker, until the worker may do another job."""
        self._workers[job.arn] = worker
        try:
            yield
        finally:
            with self._status_lock:
                del self._workers[job.arn]


def list_candidates_for_auto_ml_job(response: Any) -> Any:
    """Answer ListCandidatesForAutoMLJob, which moto lacks."""
    job = _find_job(response.sagemaker_backend, response._get_param("AutoMLJobName"))
    sorts = {"FinalObjectiveMetricValue": lambda candidate: candidate["FinalAutoMLJobObjectiveMetric"]["Value"]}
    return list_page(response, "Candidates", job.candidates, "CandidateName", "CandidateStatus", sorts, "Ascending")


def _find_job(backend: Any, name: str) -> Any:
    if name not in backend.auto_ml_jobs:
        raise ResourceNotFound(f"Could not find AutoML job with name {name}.")
    return backend.auto_ml_jobs[name]


def _reset_job(job: Any, request: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Replace the results that moto invents by those of a job that has just started."""
    job.auto_ml_problem_type_config = {"TabularJobConfig": config}
    job.auto_ml_job_objective = request["auto_ml_job_objective"]
    job.auto_ml_job_artifacts = job.best_candidate = job.model_deploy_config = job.model_deploy_result = None
    job.end_time = job.partial_failure_reasons = None
    job.data_split_config = request["data_split_config"]
    job.resolved_attributes = {"CompletionCriteria": config.get("CompletionCriteria") or {}}
    job.candidates = []
    _set_status(job, "InProgress", "Starting")


def _set_status(job: Any, status: str, secondary_status: str, reason: str | None = None) -> None:
    job.auto_ml_job_status, job.auto_ml_job_secondary_status = status, secondary_status
    job.failure_reason = reason and reason[: sagemaker_jobs.MAX_FAILURE_REASON]
    job.last_modified_time = now()
    if status in sagemaker_jobs.FINISHED:
        job.end_time = job.last_modified_time


def _request_error(request: Mapping[str, Any], config: Mapping[str, Any] | None) -> str | None:
    """Return the error for settings that AWS rejects or that the local AWS does not support."""
    if config is None:
        return "The local AWS supports TabularJobConfig only."
    channels = request["auto_ml_job_input_data_config"]
    settings = {
        "Mode HYPERPARAMETER_TUNING": config.get("Mode") == "HYPERPARAMETER_TUNING",
        "GenerateCandidateDefinitionsOnly": config.get("GenerateCandidateDefinitionsOnly"),
        "FeatureSpecificationS3Uri": config.get("FeatureSpecificationS3Uri"),
        "SampleWeightAttributeName": config.get("SampleWeightAttributeName"),
        "ModelDeployConfig": request["model_deploy_config"],
        "a validation channel": len(channels) > 1,
        "Parquet": "parquet" in (channels[0].get("ContentType") or ""),
        "this choice of AutoMLAlgorithms": not chosen_algorithms(config),
    }
    if unsupported := [name for name, is_used in settings.items() if is_used]:
        return f"The local AWS does not support {', '.join(unsupported)}."
    problem, objective = config.get("ProblemType"), request["auto_ml_job_objective"]
    if bool(problem) != bool(objective):
        return "You must either provide both the AutoMLJobObjective and the ProblemType, or none at all."
    if problem and objective["MetricName"] not in PROBLEM_TYPES[problem].metrics:
        return f"The local AWS does not support the objective {objective['MetricName']} for {problem}."
    return None


def _data_error(local: Local, request: Mapping[str, Any], config: Mapping[str, Any], region: str) -> str | None:
    """Return the error of CreateAutoMLJob for data without objects or without the target column."""
    s3 = local.client("s3", region, request["role_arn"])
    channel = request["auto_ml_job_input_data_config"][0]
    source = channel["DataSource"]["S3DataSource"]
    try:
        objects = sagemaker_jobs.list_input_objects(s3, source)
    except ValueError as error:
        return str(error)
    if not objects:
        return sagemaker_jobs.no_objects_message(source, region, request["role_arn"])
    content = s3.get_object(Bucket=objects[0].bucket, Key=objects[0].key)["Body"].read()
    if channel.get("CompressionType") == "Gzip":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError):
            return f"{objects[0].uri} is not compressed with Gzip."
    header = next(csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"))), [])
    target = config["TargetAttributeName"]
    return None if target in header else f"Target attribute name {target} does not exist in header."
