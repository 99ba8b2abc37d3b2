"""Where a secret must not be: in what people and services can read without being meant to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from footlake.aws import AwsContext


def leaks(lake: AwsContext, folder: Path, secret: str) -> list[str]:
    """The places that show the secret: settings, logs, command lines, and files of the folder that others may read."""
    return [place for place, text in _public(lake) if secret in text] + list(_readable(folder, secret.encode()))


def _public(lake: AwsContext) -> Iterator[tuple[str, str]]:
    for service, call, member in (
        ("lambda", "list_functions", "Functions"),
        ("glue", "get_jobs", "Jobs"),
        ("glue", "get_triggers", "Triggers"),
        ("events", "list_rules", "Rules"),
        ("iam", "list_roles", "Roles"),
        ("sagemaker", "list_models", "Models"),
        ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ):
        for page in lake.client(service).get_paginator(call).paginate():
            yield from ((f"{service} {member}", str(one)) for one in page[member])
    for name in (one["Name"] for one in lake.client("glue").get_jobs()["Jobs"]):
        yield f"runs of {name}", str(lake.client("glue").get_job_runs(JobName=name)["JobRuns"])
    logs = lake.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in (one["logGroupName"] for one in page["logGroups"]):
            yield f"log {group}", str(logs.filter_log_events(logGroupName=group)["events"])
    s3: Any = lake.client("s3")
    for bucket in (lake.config.bucket, lake.config.assets_bucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for key in (one["Key"] for one in page.get("Contents", [])):
                # Functions that what is there has called may still be at work.
                with suppress(s3.exceptions.NoSuchKey):
                    yield f"s3://{bucket}/{key}", s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("latin-1")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(process), process.read_text(errors="replace")
        except OSError:  # it has ended
            continue


def _readable(folder: Path, secret: bytes) -> Iterator[str]:
    for path in folder.rglob("*"):
        inner = [parent for parent in path.parents if folder in parent.parents]
        closed = any(one.stat().st_mode & 0o077 == 0 for one in (path, *inner))
        if path.is_file() and not closed and secret in path.read_bytes():
            yield str(path)
