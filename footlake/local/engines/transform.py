"""SageMaker batch transform on the local AWS: jobs that really score their input objects.

Each object is read, filtered, scored, joined and written as AWS documents it. The model is what the Autopilot of
this local AWS trained; it stays loaded in one child between jobs.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import shutil
import sys
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from footlake.local.context import Local, logger
from footlake.local.engines import eventbridge, sagemaker_inputs
from footlake.local.engines.openmp import with_openmp
from footlake.local.engines.worker import Worker, WorkerDied
from footlake.local.patches.sagemaker import install_models, listing, now

LOG = "/aws/sagemaker/TransformJobs"
SEE_LOGS = "See job logs for more information"
RESTARTED = "InternalServerError: The local AWS was stopped while the job was running. Create the job again."

EVENT_DETAIL = (
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
SUMMARY = (
    "TransformJobName",
    "TransformJobArn",
    "CreationTime",
    "TransformEndTime",
    "LastModifiedTime",
    "TransformJobStatus",
    "FailureReason",
)

UNFINISHED = ("InProgress", "Stopping")

AT_ONCE = 2
RECORDS_PER_REQUEST = 10_000
# Python 3.11.2, which is Debian 12's, does not have the filters yet.
SAFE: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}

Emit = Callable[[dict[str, Any]], None]
Select = Callable[[Sequence[str]], list[str]]
_Read = tuple[sagemaker_inputs.InputObject, list[list[str]]]

_INDEX = re.compile(r"-?\d+")
_SLICE = re.compile(r"(-?\d*):(-?\d*)")


class _BadRequest(Exception):
    """The container refuses a payload; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def parse_column_filter(expression: str) -> Select:
    """What a JSONPath filter (`$`, `$[3:]`, `$[0,1,-1]`, `$[0,5:]` …) picks of a CSV record.

    ValueError if it is not such an expression; the function returned raises IndexError where the record is too short.
    """
    text = expression.strip() or "$"
    if text in ("$", "$[*]"):
        return list
    if not (text.startswith("$[") and text.endswith("]")):
        raise ValueError(f"{expression} is not a JSONPath for CSV records")
    picks: list[int | slice] = []
    for item in text[2:-1].split(","):
        if _INDEX.fullmatch(item.strip()):
            picks.append(int(item))
        elif limits := _SLICE.fullmatch(item.strip()):
            picks.append(slice(*(int(limit) if limit else None for limit in limits.groups())))
        else:
            raise ValueError(f"{expression} is not a JSONPath for CSV records")

    def select(record: Sequence[str]) -> list[str]:
        chosen: list[str] = []
        for pick in picks:
            if isinstance(pick, slice):
                chosen += record[pick]
            elif -len(record) <= pick < len(record):
                chosen.append(record[pick])
            else:
                raise IndexError(f"{expression} does not fit a record of {len(record)} columns")
        return chosen

    return select


@dataclass
class TransformRunner:
    """The transform jobs of one local AWS. They share one child, in which the models stay loaded."""

    local: Local
    emit: Emit
    _turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    _unpacking: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "footlake.local.engines.model_worker"]
        environment = with_openmp(self.local.environment(), self.local.dir / "lib")
        self.worker = Worker(command, environment, self.local.dir / "logs" / "transform.log")
        self._models = self.local.dir / "transform-models"
        shutil.rmtree(self._models, ignore_errors=True)
        self.local.at_close(self.close)

    def start(self, job: Any, model: Any) -> None:
        """Transform in the background."""
        self.local.background(lambda: self._run(job, model), job.transform_job_name)

    def stop(self, job: Any) -> bool:
        """Ask a job to stop: it will write nothing. False if it is over already."""
        with self._ending:
            running = job.transform_job_status in UNFINISHED
            if running:
                set_status(job, "Stopping", self.emit)
        return running

    def close(self) -> None:
        """End what runs; `resume` says so after the next start."""
        self._closing.set()
        self.worker.close()

    def predict(self, folder: Path, rows: Sequence[Sequence[str]]) -> list[str]:
        """The answers of the model unpacked in `folder`."""
        answer = self.worker.call({"do": "predict", "folder": str(folder), "rows": rows})
        if "error" in answer:
            raise _BadRequest(400, answer["error"])
        if "crash" in answer:
            raise _BadRequest(500, answer["crash"])
        predictions: list[str] = answer["predictions"]
        return predictions

    def model_folder(self, s3: Any, url: str) -> Path:
        """Where the model of this address lies unpacked; each version of it is fetched once."""
        bucket, key = sagemaker_inputs.split_s3_uri(url)
        version = s3.head_object(Bucket=bucket, Key=key)["ETag"]
        folder = self._models / hashlib.sha256(f"{url} {version}".encode()).hexdigest()[:24]
        with self._unpacking:
            if not folder.exists():
                content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                partial_folder = folder.with_suffix(".partial")
                with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                    tar.extractall(partial_folder, **SAFE)
                partial_folder.rename(folder)
        return folder

    def _run(self, job: Any, model: Any) -> None:
        with self._turns:
            if self._closing.is_set():
                return
            job.transform_start_time = now()
            run = _TransformJob(self, job, model)
            try:
                try:
                    reason = run.score()
                finally:
                    run.write_logs()
            except Exception as error:  # a job's end must not depend on our having thought of everything
                if not isinstance(error, WorkerDied):
                    logger.exception("transform job %s", job.transform_job_name)
                reason = f"InternalServerError: {error}"
            if self._closing.is_set():
                return
            with self._ending:
                if job.transform_job_status == "Stopping":
                    set_status(job, "Stopped", self.emit)
                else:
                    reason = run.write_results() or reason
                    set_status(job, "Failed" if reason else "Completed", self.emit, reason)


@dataclass
class _TransformJob:
    """One run of one job; `job` and `model` are moto's objects."""

    transforms: TransformRunner
    job: Any
    model: Any
    _data_log: list[str] = field(default_factory=list)
    _container_log: list[str] = field(default_factory=list)
    _results: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.region: str = self.job.arn.split(":")[3]
        self.role: str = self.model.execution_role_arn
        self.s3 = self.transforms.local.client("s3", self.region, self.role)
        filters = self.job.data_processing or {}
        self.input_filter = parse_column_filter(filters.get("InputFilter") or "$")
        self.output_filter = parse_column_filter(filters.get("OutputFilter") or "$")
        self.join = filters.get("JoinSource") == "Input"

    def score(self) -> str | None:
        """Score every object; the failure reason, if any. A bad object does not keep the others from being scored."""
        payload, strategy = self.job.max_payload_in_mb or 6, self.job.batch_strategy or "MultiRecord"
        self._note(f"MaxConcurrentTransforms=1, MaxPayloadInMB={payload}, BatchStrategy={_constant(strategy)}")
        containers = self.model.containers or [self.model.primary_container]
        url = containers[0].get("ModelDataUrl")
        if len(containers) > 1 or not url:
            return "ClientError: The local AWS runs models with one container and its ModelDataUrl."
        try:
            folder = self.transforms.model_folder(self.s3, url)
        except self.s3.exceptions.ClientError as error:
            return f"ClientError: Failed to download model data from {url}: {error}"
        except tarfile.TarError as error:
            return f"ClientError: Failed to extract model data archive from {url}: {error}"
        if not (folder / "metadata.json").exists():
            return f"AlgorithmError: {url} is not a model of this local AWS's Autopilot."

        failed: str | None = None
        read: list[_Read] = []
        for source in sagemaker_inputs.list_input_objects(
            self.s3, self.job.transform_input["DataSource"]["S3DataSource"]
        ):
            try:
                self._check_types()
                read.append((source, self._records(source)))
            except self.s3.exceptions.ClientError as error:
                failed = "ClientError"
                self._note(f"{source.bucket}/{source.key}: {error}")
            except (_BadRequest, OSError, EOFError, UnicodeError, csv.Error) as error:
                failed = self._refused(source, error)
        try:  # asking the model costs far more than a row does, so all objects are asked about at once
            self._results = self._scored(read, folder)
        except (_BadRequest, IndexError):
            for one in read:  # one of them is bad: find out which
                try:
                    self._results += self._scored([one], folder)
                except (_BadRequest, IndexError) as error:
                    failed = self._refused(one[0], error)
        return f"{failed}: {SEE_LOGS}" if failed else None

    def write_results(self) -> str | None:
        """Write what was scored, each object's as `<its name>.out`; the failure reason, if any."""
        bucket, key = sagemaker_inputs.split_s3_uri(self.job.transform_output["S3OutputPath"])
        try:
            for name, content in self._results:
                self.s3.put_object(Bucket=bucket, Key=f"{key.rstrip('/')}/{name}.out".lstrip("/"), Body=content)
        except self.s3.exceptions.ClientError as error:
            return f"ClientError: Failed to write to {self.job.transform_output['S3OutputPath']}: {error}"
        return None

    def write_logs(self) -> None:
        """The container's log and the data log, as batch transform names them."""
        stream = f"{self.job.transform_job_name}/i-{uuid.uuid4().hex[:17]}-{int(datetime.now(UTC).timestamp())}"
        self.transforms.local.log(LOG, stream, self._container_log, self.region, self.role)
        self.transforms.local.log(LOG, f"{stream}/data-log", self._data_log, self.region, self.role)

    def _scored(self, objects: Sequence[_Read], folder: Path) -> list[tuple[str, bytes]]:
        """The names of these objects and the contents of their `.out` objects."""
        rows = [self.input_filter(record) for _, records in objects for record in records]
        answers: list[str] = []
        for start in range(0, len(rows), RECORDS_PER_REQUEST):
            if self.job.transform_job_status == "Stopping":
                return []
            answers += self.transforms.predict(folder, rows[start : start + RECORDS_PER_REQUEST])
        scored, given = [], iter(answers)
        for source, records in objects:
            output = io.StringIO()
            writer = csv.writer(output, lineterminator="\n")
            for record in records:
                writer.writerow(self.output_filter([*(record if self.join else []), next(given)]))
            self._container_log.append(f'"POST /invocations HTTP/1.1" 200 {source.uri}: {len(records)} records')
            scored.append((source.name, output.getvalue().encode()))
        return scored

    def _check_types(self) -> None:
        sent = self.job.transform_input.get("ContentType") or "text/csv"
        wanted = self.job.transform_output.get("Accept") or "text/csv"
        for status, kind in ((415, sent), (406, wanted)):
            if kind.split(";")[0].strip() != "text/csv":
                raise _BadRequest(status, f"{kind} is not supported, text/csv is")

    def _records(self, source: sagemaker_inputs.InputObject) -> list[list[str]]:
        content = self.s3.get_object(Bucket=source.bucket, Key=source.key)["Body"].read()
        if self.job.transform_input.get("CompressionType") == "Gzip":
            content = gzip.decompress(content)
        records = [record for record in csv.reader(io.StringIO(content.decode(), newline="")) if record]
        if not records:
            raise _BadRequest(400, "the payload is empty")
        return records

    def _refused(self, source: sagemaker_inputs.InputObject, error: Exception) -> str:
        """Log what AWS logs of a payload that could not be transformed; the kind of the failure."""
        status = error.status if isinstance(error, _BadRequest) else 400
        kind = "ClientError" if status < 500 else "AlgorithmError"
        self._container_log.append(f'"POST /invocations HTTP/1.1" {status} {source.uri}: {error}')
        for line in (f"{kind}: {status}", "", "Message:", str(error)):
            self._note(f"{source.bucket}/{source.key}: {line}")
        return kind

    def _note(self, line: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]
        self._data_log.append(f"{stamp}:[sagemaker logs]: {line}")


def install(local: Local, emit: Emit | None = None) -> None:
    """Let CreateTransformJob transform; add StopTransformJob, and what moto's lists lack.

    `emit` is given the EventBridge event of every change of a job's state; by default it goes to matching rules.
    """
    from moto.core.responses import EmptyResult
    from moto.sagemaker.exceptions import AWSValidationException, ResourceInUseException
    from moto.sagemaker.models import FakeTransformJob, SageMakerModelBackend
    from moto.sagemaker.responses import SageMakerResponse

    transforms = TransformRunner(local, emit or partial(eventbridge.emit, local))
    method = SageMakerModelBackend.create_transform_job
    record = getattr(method, "__wrapped__", method)

    def create(self: Any, **request: Any) -> Any:
        name, model_name = request["transform_job_name"], request["model_name"]
        arn = FakeTransformJob.arn_formatter(name, self.account_id, self.region_name)
        if name in self.transform_jobs:
            raise ResourceInUseException(
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({arn})."
            )
        model = self._models.get(model_name)
        if model is None:
            model_arn = f"{arn.rsplit(':', 1)[0]}:model/{model_name}"
            raise AWSValidationException(f'Could not find model "{model_arn}".')
        if problem := _request_error(
            local.client("s3", self.region_name, model.execution_role_arn),
            request,
            self.region_name,
            model.execution_role_arn,
        ):
            raise AWSValidationException(problem)
        job = record(self, **request)
        job.transform_start_time = job.transform_end_time = job.labeling_job_arn = job.auto_ml_job_arn = None
        set_status(job, "InProgress", transforms.emit)
        transforms.start(job, model)
        return job

    create.__wrapped__ = record  # type: ignore[attr-defined]

    def stop(self: Any) -> Any:
        name = self._get_param("TransformJobName")
        self.sagemaker_backend.describe_transform_job(name)  # raises if there is none
        job = self.sagemaker_backend.transform_jobs[name]
        if not transforms.stop(job):
            status = job.transform_job_status
            raise AWSValidationException(f"The request was rejected because the transform job is in status {status}.")
        return EmptyResult()

    def list_jobs(self: Any) -> Any:
        jobs = [_summary(job) for job in list(self.sagemaker_backend.transform_jobs.values())]
        return listing(self, "TransformJobSummaries", jobs, "TransformJobName", "TransformJobStatus")

    SageMakerModelBackend.create_transform_job = create
    SageMakerResponse.stop_transform_job = stop
    SageMakerResponse.list_transform_jobs = list_jobs
    install_models()


def resume(local: Local) -> None:
    """End the jobs that ran when the local AWS stopped."""
    for job in _unfinished():
        stopped = job.transform_job_status == "Stopping"
        set_status(
            job, "Stopped" if stopped else "Failed", partial(eventbridge.emit, local), None if stopped else RESTARTED
        )


def set_status(job: Any, status: str, emit: Emit, reason: str | None = None) -> None:
    """Set a job's state and emit the event that SageMaker emits of it."""
    job.transform_job_status = status
    job.failure_reason = reason and reason[:1024]
    job.last_modified_time = now()
    if status in ("Completed", "Failed", "Stopped"):
        job.transform_end_time = job.last_modified_time
    region = job.arn.split(":")[3]
    emit(
        eventbridge.make_event("aws.sagemaker", "SageMaker Transform Job State Change", region, [job.arn], _detail(job))
    )


def _detail(job: Any) -> dict[str, Any]:
    """What the event tells of the job; times in milliseconds since 1970."""
    shown = job.response_object
    detail = {name: shown[name] for name in EVENT_DETAIL if name in shown}
    for name, value in detail.items():
        if isinstance(value, datetime):
            detail[name] = int(value.replace(tzinfo=UTC).timestamp() * 1000)
    return detail | {"Tags": {tag["Key"]: tag["Value"] for tag in job.tags or []}}


def _unfinished() -> Iterator[Any]:
    from moto.sagemaker.models import sagemaker_backends

    for regions in list(sagemaker_backends.values()):
        for backend in list(regions.values()):
            for job in list(backend.transform_jobs.values()):
                if job.transform_job_status in UNFINISHED:
                    yield job


def _request_error(s3: Any, request: Mapping[str, Any], region: str, role: str) -> str | None:
    """What CreateTransformJob finds out by itself."""
    filters = request["data_processing"] or {}
    source = request["transform_input"]["DataSource"]["S3DataSource"]
    try:
        for name in ("InputFilter", "OutputFilter"):
            parse_column_filter(filters.get(name) or "$")
        if not sagemaker_inputs.list_input_objects(s3, source):
            return sagemaker_inputs.no_objects_message(source, region, role)
    except ValueError as error:
        return str(error)
    return None


def _summary(job: Any) -> dict[str, Any]:
    shown = job.response_object
    return {name: shown[name] for name in SUMMARY if name in shown}


def _constant(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
