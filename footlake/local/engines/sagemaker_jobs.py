"""Shared parts of AutoML and batch transform jobs on the local AWS: job states and S3 input objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

UNFINISHED = ("InProgress", "Stopping")
FINISHED = ("Completed", "Failed", "Stopped")
RESTARTED = "InternalServerError: The local AWS was stopped while the job was running. Create the job again."
MAX_FAILURE_REASON = 1024  # characters


class InputObject(NamedTuple):
    """An S3 object to read. `name` is its key relative to the data source, from which output keys are derived."""

    bucket: str
    key: str
    name: str

    @property
    def uri(self) -> str:
        """Return the object's `s3://` URI."""
        return f"s3://{self.bucket}/{self.key}"


def sagemaker_backends() -> Iterator[Any]:
    """Yield moto's SageMaker backend of every account and region."""
    from moto.sagemaker.models import sagemaker_backends

    for regions in list(sagemaker_backends.values()):
        yield from list(regions.values())


def backend_of(job: Any) -> Any:
    """Return moto's backend that has this job."""
    from moto.sagemaker.models import sagemaker_backends

    account, region = job.arn.split(":")[4], job.arn.split(":")[3]
    return sagemaker_backends[account][region]


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an `s3://` URI."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def list_input_objects(s3: Any, source: Mapping[str, str]) -> list[InputObject]:
    """Return the objects of an S3DataSource (S3Prefix or ManifestFile) in key order.

    A prefix matches the beginning of keys, as in S3: it can be a complete key. Folder markers are left out. Returns
    nothing if the bucket is missing or not readable. Raises ValueError for an unreadable manifest.
    """
    bucket, key = split_s3_uri(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        return _read_manifest(s3, bucket, key)
    if source["S3DataType"] != "S3Prefix":
        raise ValueError(f"S3DataType {source['S3DataType']} is not supported.")
    folder_length = key.rfind("/") + 1
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key))
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "AccessDenied"):
            raise
        return []
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return [InputObject(bucket, key, key[folder_length:]) for key in keys if not key.endswith("/")]


def no_objects_message(source: Mapping[str, str], region: str, role: str) -> str:
    """Return the error of CreateTrainingJob, CreateTransformJob and CreateAutoMLJob for an empty data source."""
    bucket, _ = split_s3_uri(source["S3Uri"])
    return (
        f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source. Please ensure that the '
        f"bucket exists in the selected region ({region}), that objects exist under that S3 prefix, and that the "
        f'role "{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def _read_manifest(s3: Any, bucket: str, key: str) -> list[InputObject]:
    """Return the objects of a manifest: `[{"prefix": "s3://bucket/folder/"}, "a.csv", "sub/b.csv", …]`."""
    try:
        head, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        data_bucket, folder = split_s3_uri(head["prefix"])
        return [InputObject(data_bucket, folder + name, name) for name in names]
    except (s3.exceptions.ClientError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"The manifest s3://{bucket}/{key} cannot be read: {error}") from error
