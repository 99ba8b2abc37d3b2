"""How handlers keep objects: written when they change, and never over somebody else's change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from footlake.football.tables import BadTable, read_table

# PreconditionFailed: the object changed since it was read. ConditionalRequestConflict: it is changing right now.
# NoSuchKey, of a PutObject: what was to be replaced is gone.
_LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
# HeadObject answers without a body, so boto3 can only tell the status.
_NOT_THERE = ("404", "NoSuchKey")
# S3 answers in tens of milliseconds, and boto3 keeps ten connections.
REQUESTS_AT_ONCE = 8

T = TypeVar("T")
R = TypeVar("R")


class Busy(Exception):
    """Another invocation is doing this very work."""


class ObjectInfo(NamedTuple):
    """When an object was written, by S3's clock, and what its writer noted with it."""

    modified: datetime
    metadata: dict[str, str]


def parallel_map(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`work` done for each item, several at once; the first failure is raised."""
    pool = ThreadPoolExecutor(REQUESTS_AT_ONCE)
    try:
        return list(pool.map(work, items))
    finally:
        # Whoever interrupts a command does not wait for the requests that are under way.
        pool.shutdown(wait=not isinstance(sys.exception(), KeyboardInterrupt), cancel_futures=True)


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Let a table that is none be told by its key."""
    try:
        yield
    except BadTable as error:
        raise BadTable(f"{key}: {error}") from None


class LakeStore:
    """Text objects of one bucket; with an `owner`, of nobody else's. `clock` tells how old a lease is."""

    def __init__(
        self,
        s3: Any,
        bucket: str,
        owner: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.s3 = s3
        self.clock = clock
        self._bucket_arguments = {"Bucket": bucket} | ({"ExpectedBucketOwner": owner} if owner else {})

    def get(self, key: str) -> str | None:
        """The object's text, or None where there is none."""
        text, _ = self._get_for_update(key)
        return text

    def get_rows(self, key: str, *columns: str) -> list[dict[str, str]]:
        """The rows of a CSV with these columns, none where there is no such object. BadTable for another one."""
        with _naming(key):
            return read_table(self.get(key) or "", *columns)

    def update(self, key: str, change: Callable[[str | None], str | None]) -> bool:
        """Put `change(text)`, unless it is None, in the place of `text`. True if it was written.

        If someone else was faster it is changed again, as they left it.
        """
        while True:
            text, condition = self._get_for_update(key)
            with _naming(key):
                changed = change(text)
            if changed is None or changed == text:
                return False
            try:
                self.s3.put_object(**self._bucket_arguments, Key=key, Body=changed.encode(), **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _LOST_RACE:
                    raise
            else:
                return True

    def put_if_changed(self, key: str, text: str) -> bool:
        """Write the object unless it has this text already. True if it was written."""
        return self.update(key, lambda _: text)

    def overwrite(self, key: str, text: str, **notes: str) -> None:
        """Write the object whatever it was: its time of writing then tells when this was last known."""
        self.s3.put_object(**self._bucket_arguments, Key=key, Body=text.encode(), Metadata=notes)

    def head(self, key: str) -> ObjectInfo | None:
        """When the object was written, and the notes; None where there is none."""
        try:
            found = self.s3.head_object(**self._bucket_arguments, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise
        return ObjectInfo(found["LastModified"], found["Metadata"])

    def list_objects(self, prefix: str) -> dict[str, datetime]:
        """The keys below a prefix, with the times at which they were last written."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self._bucket_arguments, Prefix=prefix)
        return {one["Key"]: one["LastModified"] for page in pages for one in page.get("Contents", [])}

    def delete(self, keys: list[str]) -> None:
        """Delete these objects. ClientError for the first that S3 refuses, which it tells in a good answer."""
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            answer = self.s3.delete_objects(**self._bucket_arguments, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", ()):
                raise ClientError({"Error": error}, "DeleteObjects")

    @contextmanager
    def lease(self, key: str, seconds: float) -> Iterator[None]:
        """Hold this key for the time of a block, or raise Busy. A holder that died is outlived after `seconds`."""
        try:
            held = self.s3.head_object(**self._bucket_arguments, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_THERE:
                raise
            condition = {"IfNoneMatch": "*"}
        else:
            if self.clock() - held["LastModified"] < timedelta(seconds=seconds):
                raise Busy(key)
            condition = {"IfMatch": held["ETag"]}
        try:
            self.s3.put_object(**self._bucket_arguments, Key=key, Body=self.clock().isoformat().encode(), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                raise Busy(key) from None
            raise
        try:
            yield
        finally:
            self.s3.delete_object(**self._bucket_arguments, Key=key)

    def _get_for_update(self, key: str) -> tuple[str | None, dict[str, str]]:
        """The text and the condition under which it may be replaced."""
        try:
            found = self.s3.get_object(**self._bucket_arguments, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, {"IfNoneMatch": "*"}
            raise
        return found["Body"].read().decode(), {"IfMatch": found["ETag"]}
