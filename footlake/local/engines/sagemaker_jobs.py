"""The objects that an S3 data source of a SageMaker job names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class InputObject(NamedTuple):
    """An object to read. `name` is its place relative to the data source, from which outputs take theirs."""

    bucket: str
    key: str
    name: str

    @property
    def uri(self) -> str:
        """Its `s3://` address."""
        return f"s3://{self.bucket}/{self.key}"


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` address."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def list_input_objects(s3: Any, source: Mapping[str, str]) -> list[InputObject]:
    """What an S3DataSource (S3Prefix or ManifestFile) names, in key order; ValueError for an unreadable manifest.

    A prefix is a plain key prefix, as in S3 itself: a whole key is one too. Folder markers are not data.
    """
    bucket, key = split_s3_uri(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        return _manifest(s3, bucket, key)
    if source["S3DataType"] != "S3Prefix":
        raise ValueError(f"S3DataType {source['S3DataType']} is not supported.")
    folder = key.rfind("/") + 1
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key))
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "AccessDenied"):
            raise
        return []
    found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return [InputObject(bucket, one, one[folder:]) for one in found if not one.endswith("/")]


def no_objects_message(source: Mapping[str, str], region: str, role: str) -> str:
    """What CreateTrainingJob, CreateTransformJob and CreateAutoMLJob say when a data source is empty."""
    bucket, _ = split_s3_uri(source["S3Uri"])
    return (
        f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source. Please ensure that the '
        f"bucket exists in the selected region ({region}), that objects exist under that S3 prefix, and that the "
        f'role "{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def _manifest(s3: Any, bucket: str, key: str) -> list[InputObject]:
    """`[{"prefix": "s3://bucket/folder/"}, "a.csv", "sub/b.csv", …]`."""
    try:
        head, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        data_bucket, folder = split_s3_uri(head["prefix"])
        return [InputObject(data_bucket, folder + name, name) for name in names]
    except (s3.exceptions.ClientError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"The manifest s3://{bucket}/{key} cannot be read: {error}") from error
