"""SageMaker batch transform on the local AWS: jobs that score their input objects as AWS documents it.

The models are those that the local AWS's Autopilot has trained. An AutoGluon process keeps them loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.core.responses import EmptyResult
from moto.sagemaker.exceptions import AWSValidationException, ResourceInUseException
from moto.sagemaker.models import FakeTransformJob, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from footlake.local.context import Local, logger
from footlake.local.engines import eventbridge, sagemaker_jobs
from footlake.local.engines.csv_filter import parse_column_filter
from footlake.local.engines.moto_methods import replace_method
from footlake.local.engines.transform_job import ModelStore, TransformJob
from footlake.local.engines.worker import WorkerDied
from footlake.local.patches import sagemaker
from footlake.local.patches.sagemaker import list_page, now

EVENT_FIELDS = (
    "TransformJobName",
    "TransformJobArn",
    "TransformJobStatus",
    "FailureReason",
    "ModelName",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "CreationTime",
    "TransformStartTime",
    "TransformEndTime",
)
CONCURRENT_JOBS = 2

EventSink = Callable[[dict[str, Any]], None]


def install(local: Local, emit: EventSink | None = None) -> None:
    """Let CreateTransformJob transform, add StopTransformJob, and complete moto's lists of jobs and models.

    `emit` receives an EventBridge event for every change of a job's status; the default sends it to matching rules.
    """
    runner = TransformRunner(local, emit or partial(eventbridge.emit, local))
    replace_method(SageMakerModelBackend, "create_transform_job", runner.create_transform_job)
    SageMakerResponse.stop_transform_job = lambda response: runner.stop_transform_job(response)
    SageMakerResponse.list_transform_jobs = list_transform_jobs
    sagemaker.install()


def resume(local: Local) -> None:
    """Set the final status of the jobs that ran when the local AWS stopped."""
    emit = partial(eventbridge.emit, local)
    for backend in sagemaker_jobs.sagemaker_backends():
        for job in list(backend.transform_jobs.values()):
            if job.transform_job_status == "Stopping":
                set_status(job, "Stopped", emit)
            elif job.transform_job_status == "InProgress":
                set_status(job, "Failed", emit, sagemaker_jobs.RESTARTED)


@dataclass
class TransformRunner:
    """Runs the transform jobs of one local AWS."""

    local: Local
    emit: EventSink
    _job_slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(CONCURRENT_JOBS))
    _status_lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._models = ModelStore(self.local)
        self.local.at_close(self.close)

    def create_transform_job(self, original: Any, backend: Any, **request: Any) -> Any:
        """Check the request, create the job in moto and run it in the background. Returns moto's job."""
        name, model_name = request["transform_job_name"], request["model_name"]
        arn = FakeTransformJob.arn_formatter(name, backend.account_id, backend.region_name)
        if name in backend.transform_jobs:
            raise ResourceInUseException(
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({arn})."
            )
        model = backend._models.get(model_name)
        if model is None:
            model_arn = f"{arn.rsplit(':', 1)[0]}:model/{model_name}"
            raise AWSValidationException(f'Could not find model "{model_arn}".')
        if error := _request_error(self.local, request, backend.region_name, model.execution_role_arn):
            raise AWSValidationException(error)
        job = original(backend, **request)
        job.transform_start_time = job.transform_end_time = job.labeling_job_arn = job.auto_ml_job_arn = None
        set_status(job, "InProgress", self.emit)
        self.local.background(lambda: self._run(job, model), name)
        return job

    def stop_transform_job(self, response: Any) -> Any:
        """Stop a running job, which then writes no results. Raises AWSValidationException if it has ended."""
        name = response._get_param("TransformJobName")
        response.sagemaker_backend.describe_transform_job(name)  # raises an error if the job does not exist
        job = response.sagemaker_backend.transform_jobs[name]
        with self._status_lock:
            status = job.transform_job_status
            if status not in sagemaker_jobs.UNFINISHED:
                raise AWSValidationException(
                    f"The request was rejected because the transform job is in status {status}."
                )
            set_status(job, "Stopping", self.emit)
        return EmptyResult()

    def close(self) -> None:
        """End all running jobs. `resume` sets their status after the next start."""
        self._closing.set()

    def _run(self, job: Any, model: Any) -> None:
        """Run a job, write its results and set its final status."""
        with self._job_slots:
            if self._closing.is_set():
                return
            job.transform_start_time = now()
            transform = TransformJob(self.local, self._models, job, model)
            reason = self._score(transform)
            if self._closing.is_set():
                return
            with self._status_lock:
                if job.transform_job_status == "Stopping":
                    set_status(job, "Stopped", self.emit)
                else:
                    reason = transform.write_results() or reason
                    set_status(job, "Failed" if reason else "Completed", self.emit, reason)

    def _score(self, transform: TransformJob) -> str | None:
        """Score the job's objects and write its logs; return the failure reason, if any."""
        try:
            try:
                return transform.score()
            finally:
                transform.write_logs()
        except Exception as error:  # every job must get a final status
            if not isinstance(error, WorkerDied):
                logger.exception("transform job %s", transform.job.transform_job_name)
            return f"InternalServerError: {error}"


def list_transform_jobs(response: Any) -> Any:
    """Answer ListTransformJobs with the filters, sort orders and pages that moto lacks."""
    jobs = [job.response_object for job in list(response.sagemaker_backend.transform_jobs.values())]
    return list_page(response, "TransformJobSummaries", jobs, "TransformJobName", "TransformJobStatus")


def set_status(job: Any, status: str, emit: EventSink, reason: str | None = None) -> None:
    """Set a job's status and emit the event that SageMaker emits for it."""
    job.transform_job_status = status
    job.failure_reason = reason and reason[: sagemaker_jobs.MAX_FAILURE_REASON]
    job.last_modified_time = now()
    if status in sagemaker_jobs.FINISHED:
        job.transform_end_time = job.last_modified_time
    region = job.arn.split(":")[3]
    detail = _event_detail(job)
    emit(eventbridge.make_event("aws.sagemaker", "SageMaker Transform Job State Change", region, [job.arn], detail))


def _event_detail(job: Any) -> dict[str, Any]:
    """Return the detail of a job's event, with times in milliseconds since 1970."""
    description = job.response_object
    detail = {name: description[name] for name in EVENT_FIELDS if name in description}
    for name, value in detail.items():
        if isinstance(value, datetime):
            detail[name] = int(value.replace(tzinfo=UTC).timestamp() * 1000)
    return detail | {"Tags": {tag["Key"]: tag["Value"] for tag in job.tags or []}}


def _request_error(local: Local, request: Mapping[str, Any], region: str, role: str) -> str | None:
    """Return the error of CreateTransformJob for an invalid filter or a data source without objects."""
    s3 = local.client("s3", region, role)
    filters = request["data_processing"] or {}
    source = request["transform_input"]["DataSource"]["S3DataSource"]
    try:
        for name in ("InputFilter", "OutputFilter"):
            parse_column_filter(filters.get(name) or "$")
        if not sagemaker_jobs.list_input_objects(s3, source):
            return sagemaker_jobs.no_objects_message(source, region, role)
    except ValueError as error:
        return str(error)
    return None
