"""Run one batch transform job on the local AWS: read, filter, score and join its input objects."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import shutil
import tarfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from footlake.local.context import Local
from footlake.local.engines.csv_filter import parse_column_filter
from footlake.local.engines.model_process import extract_model, model_workers
from footlake.local.engines.sagemaker_jobs import InputObject, list_input_objects, split_s3_uri

LOG_GROUP = "/aws/sagemaker/TransformJobs"
SEE_LOGS = "See job logs for more information"
RECORDS_PER_REQUEST = 10_000

Records = list[list[str]]
ReadObject = tuple[InputObject, Records]


class PayloadRejected(Exception):
    """The model container rejects a payload; `status` is the HTTP status of its response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ModelStore:
    """The extracted models of one local AWS, of which one at a time predicts."""

    def __init__(self, local: Local) -> None:
        self._workers = model_workers(local)
        self._folder = local.dir / "transform-models"
        self._extract_lock = threading.Lock()
        self._predict_lock = threading.Lock()  # another process would take more memory than it saves time
        shutil.rmtree(self._folder, ignore_errors=True)

    def extract(self, s3: Any, url: str) -> Path:
        """Return the folder of the extracted model archive at `url`; each version is downloaded once."""
        bucket, key = split_s3_uri(url)
        version = s3.head_object(Bucket=bucket, Key=key)["ETag"]
        folder = self._folder / hashlib.sha256(f"{url} {version}".encode()).hexdigest()[:24]
        with self._extract_lock:
            if not folder.exists():
                content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                partial = folder.with_suffix(".partial")
                extract_model(io.BytesIO(content), partial)
                partial.rename(folder)
        return folder

    def predict(self, folder: Path, rows: Sequence[Sequence[str]]) -> list[str]:
        """Return the prediction for each row, by the model extracted in `folder`. Raises PayloadRejected."""
        with self._predict_lock, self._workers.borrow() as worker:
            answer = worker.call({"do": "predict", "folder": str(folder), "rows": rows})
        if "error" in answer:
            raise PayloadRejected(400, answer["error"])
        if "crash" in answer:
            raise PayloadRejected(500, answer["crash"])
        predictions: list[str] = answer["predictions"]
        return predictions


@dataclass
class TransformJob:
    """One run of a job; `job` and `model` are moto's objects."""

    local: Local
    models: ModelStore
    job: Any
    model: Any
    _data_log: list[str] = field(default_factory=list)
    _container_log: list[str] = field(default_factory=list)
    _results: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.region: str = self.job.arn.split(":")[3]
        self.role: str = self.model.execution_role_arn
        self.s3 = self.local.client("s3", self.region, self.role)
        settings = self.job.data_processing or {}
        self.input_filter = parse_column_filter(settings.get("InputFilter") or "$")
        self.output_filter = parse_column_filter(settings.get("OutputFilter") or "$")
        self.joins_input = settings.get("JoinSource") == "Input"

    def score(self) -> str | None:
        """Score every object and return the failure reason, if any. Invalid objects do not affect the others."""
        payload, strategy = self.job.max_payload_in_mb or 6, self.job.batch_strategy or "MultiRecord"
        strategy = re.sub(r"(?<!^)(?=[A-Z])", "_", strategy).upper()
        self._log_data(f"MaxConcurrentTransforms=1, MaxPayloadInMB={payload}, BatchStrategy={strategy}")
        containers = self.model.containers or [self.model.primary_container]
        url = containers[0].get("ModelDataUrl")
        if len(containers) > 1 or not url:
            return "ClientError: The local AWS runs models with one container and its ModelDataUrl."
        try:
            folder = self.models.extract(self.s3, url)
        except self.s3.exceptions.ClientError as error:
            return f"ClientError: Failed to download model data from {url}: {error}"
        except tarfile.TarError as error:
            return f"ClientError: Failed to extract model data archive from {url}: {error}"
        if not (folder / "metadata.json").exists():
            return f"AlgorithmError: {url} is not a model of this local AWS's Autopilot."
        objects, read_failure = self._read_objects()
        failure = self._score_objects(objects, folder) or read_failure
        return f"{failure}: {SEE_LOGS}" if failure else None

    def write_results(self) -> str | None:
        """Write the result of each object as `<its name>.out`; return the failure reason, if any."""
        output_uri = self.job.transform_output["S3OutputPath"]
        bucket, key = split_s3_uri(output_uri)
        try:
            for name, content in self._results:
                self.s3.put_object(Bucket=bucket, Key=f"{key.rstrip('/')}/{name}.out".lstrip("/"), Body=content)
        except self.s3.exceptions.ClientError as error:
            return f"ClientError: Failed to write to {output_uri}: {error}"
        return None

    def write_logs(self) -> None:
        """Write the container's log and the data log to the log streams that batch transform uses."""
        stream = f"{self.job.transform_job_name}/i-{uuid.uuid4().hex[:17]}-{int(datetime.now(UTC).timestamp())}"
        self.local.log(LOG_GROUP, stream, self._container_log, self.region, self.role)
        self.local.log(LOG_GROUP, f"{stream}/data-log", self._data_log, self.region, self.role)

    def _read_objects(self) -> tuple[list[ReadObject], str | None]:
        """Return the readable objects with their records, and the kind of the last failure, if any."""
        objects: list[ReadObject] = []
        failure: str | None = None
        for source in list_input_objects(self.s3, self.job.transform_input["DataSource"]["S3DataSource"]):
            try:
                self._check_content_types()
                objects.append((source, self._read_records(source)))
            except self.s3.exceptions.ClientError as error:
                failure = "ClientError"
                self._log_data(f"{source.bucket}/{source.key}: {error}")
            except (PayloadRejected, OSError, EOFError, UnicodeError, csv.Error) as error:
                failure = self._log_rejection(source, error)
        return objects, failure

    def _score_objects(self, objects: Sequence[ReadObject], folder: Path) -> str | None:
        """Score the objects and return the kind of the last failure, if any.

        All objects are scored together, because a request to the model costs much more than a row. If that fails,
        each object is scored alone to find the invalid ones.
        """
        try:
            self._results = self._score_together(objects, folder)
            return None
        except (PayloadRejected, IndexError):
            pass
        failure: str | None = None
        for source, records in objects:
            try:
                self._results += self._score_together([(source, records)], folder)
            except (PayloadRejected, IndexError) as error:
                failure = self._log_rejection(source, error)
        return failure

    def _score_together(self, objects: Sequence[ReadObject], folder: Path) -> list[tuple[str, bytes]]:
        """Return the objects' names with the contents of their results; nothing if the job is being stopped."""
        rows = [self.input_filter(record) for _, records in objects for record in records]
        predictions: list[str] = []
        for start in range(0, len(rows), RECORDS_PER_REQUEST):
            if self.job.transform_job_status == "Stopping":
                return []
            predictions += self.models.predict(folder, rows[start : start + RECORDS_PER_REQUEST])
        remaining = iter(predictions)
        return [(source.name, self._format_result(source, records, remaining)) for source, records in objects]

    def _format_result(self, source: InputObject, records: Records, predictions: Iterator[str]) -> bytes:
        """Return an object's result as CSV, with the next of the predictions for each record."""
        output = io.StringIO()
        writer = csv.writer(output, lineterminator="\n")
        for record in records:
            writer.writerow(self.output_filter([*(record if self.joins_input else []), next(predictions)]))
        self._container_log.append(f'"POST /invocations HTTP/1.1" 200 {source.uri}: {len(records)} records')
        return output.getvalue().encode()

    def _check_content_types(self) -> None:
        content_type = self.job.transform_input.get("ContentType") or "text/csv"
        accept = self.job.transform_output.get("Accept") or "text/csv"
        for status, media_type in ((415, content_type), (406, accept)):
            if media_type.split(";")[0].strip() != "text/csv":
                raise PayloadRejected(status, f"{media_type} is not supported, text/csv is")

    def _read_records(self, source: InputObject) -> Records:
        content = self.s3.get_object(Bucket=source.bucket, Key=source.key)["Body"].read()
        if self.job.transform_input.get("CompressionType") == "Gzip":
            content = gzip.decompress(content)
        records = [record for record in csv.reader(io.StringIO(content.decode(), newline="")) if record]
        if not records:
            raise PayloadRejected(400, "the payload is empty")
        return records

    def _log_rejection(self, source: InputObject, error: Exception) -> str:
        """Log a rejected payload as AWS does, and return the kind of the failure."""
        status = error.status if isinstance(error, PayloadRejected) else 400
        kind = "ClientError" if status < 500 else "AlgorithmError"
        self._container_log.append(f'"POST /invocations HTTP/1.1" {status} {source.uri}: {error}')
        for line in (f"{kind}: {status}", "", "Message:", str(error)):
            self._log_data(f"{source.bucket}/{source.key}: {line}")
        return kind

    def _log_data(self, line: str) -> None:
        timestamp = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]
        self._data_log.append(f"{timestamp}:[sagemaker logs]: {line}")
