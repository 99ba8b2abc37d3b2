"""Search for secrets in places that people or services can read without needing the secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from footlake.aws import AwsContext


def find_leaks(aws: AwsContext, folder: Path, secret: str, visible: str = "") -> list[str]:
    """Return the places with the secret: AWS settings, logs, objects, command lines, readable files of the folder.

    Fail if the search does not find `visible`, which has to be in such a place.
    """
    places, is_visible = [], False
    for place, text in chain(_visible_texts(aws), _readable_files(folder)):
        is_visible |= visible in text
        if secret in text:
            places.append(place)
    assert is_visible, f"the search does not find {visible}"
    return places


def _visible_texts(aws: AwsContext) -> Iterator[tuple[str, str]]:
    for service, call, member in (
        ("lambda", "list_functions", "Functions"),
        ("glue", "get_jobs", "Jobs"),
        ("glue", "get_triggers", "Triggers"),
        ("events", "list_rules", "Rules"),
        ("iam", "list_roles", "Roles"),
        ("sagemaker", "list_models", "Models"),
        ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ):
        for page in aws.client(service).get_paginator(call).paginate():
            yield from ((f"{service} {member}", str(item)) for item in page[member])
    for name in (job["Name"] for job in aws.client("glue").get_jobs()["Jobs"]):
        yield f"runs of {name}", str(aws.client("glue").get_job_runs(JobName=name)["JobRuns"])
    logs = aws.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in (found["logGroupName"] for found in page["logGroups"]):
            yield f"log {group}", str(logs.filter_log_events(logGroupName=group)["events"])
    s3: Any = aws.client("s3")
    for bucket in (aws.config.bucket, aws.config.assets_bucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for key in (found["Key"] for found in page.get("Contents", [])):
                # A function that is still running may delete the object meanwhile.
                with suppress(s3.exceptions.NoSuchKey):
                    yield f"s3://{bucket}/{key}", s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("latin-1")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(process), process.read_text(errors="replace")
        except OSError:  # the process has ended
            continue


def _readable_files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        inner = [parent for parent in path.parents if folder in parent.parents]
        private = any(part.stat().st_mode & 0o077 == 0 for part in (path, *inner))
        if path.is_file() and not private:
            yield str(path), path.read_bytes().decode("latin-1")
