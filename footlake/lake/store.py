"""Text objects in S3 with conditional writes and leases.

S3 accepts a write with `If-Match` only if the object still has that ETag, and one with `If-None-Match: *` only if there
is no such object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
Concurrent invocations therefore cannot overwrite each other's changes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from footlake.lake.tables import BadTable, read_table

# PreconditionFailed: the object changed since it was read. ConditionalRequestConflict: another write is in progress.
# NoSuchKey, in response to PutObject: the object to be replaced was deleted.
_WRITE_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
# HeadObject responds without a body, so boto3 only reports the HTTP status.
_NOT_FOUND = ("404", "NoSuchKey")
# S3 responds in tens of milliseconds, and boto3 keeps ten connections.
MAX_PARALLEL_REQUESTS = 8
RENEWAL_JOIN_SECONDS = 1.0  # does not wait longer if AWS does not respond

T = TypeVar("T")
R = TypeVar("R")


class Busy(Exception):
    """Another invocation holds the lease."""


class ObjectInfo(NamedTuple):
    """Time of an object's last write, by the clock of S3, and its metadata."""

    modified: datetime
    metadata: dict[str, str]


def parallel_map(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return `function(item)` for each item, in order, with several calls at once. Raises the first exception."""
    pool = ThreadPoolExecutor(MAX_PARALLEL_REQUESTS)
    try:
        return list(pool.map(function, items))
    finally:
        # Ctrl-C does not wait for the requests in progress.
        pool.shutdown(wait=not isinstance(sys.exception(), KeyboardInterrupt), cancel_futures=True)


@contextmanager
def key_in_error(key: str) -> Iterator[None]:
    """Prepend the key to the message of a BadTable."""
    try:
        yield
    except BadTable as error:
        raise BadTable(f"Cannot read {key}: {error}") from None


@dataclass
class Lease:
    """A lease that this invocation holds, as an object with this text; `target` is its bucket and key."""

    s3: Any
    target: dict[str, str]
    text: str
    _etag: str = ""

    def renew(self) -> None:
        """Set the age of the lease to 0. Raises Busy if another invocation has taken it over."""
        self.write({"IfMatch": self._etag})

    def write(self, condition: dict[str, str]) -> None:
        """Write the object if the condition holds; raise Busy otherwise."""
        try:
            self._etag = self.s3.put_object(**self.target, Body=self.text.encode(), **condition)["ETag"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _WRITE_CONFLICTS:
                raise Busy(self.target["Key"]) from None
            raise

    def release(self) -> None:
        """Delete the object unless another invocation has taken the lease over."""
        try:
            self.s3.delete_object(**self.target, IfMatch=self._etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _WRITE_CONFLICTS:
                raise

    @contextmanager
    def renewed_every(self, seconds: float) -> Iterator[None]:
        """Renew the lease regularly in another thread for the duration of a block, until another invocation has it."""
        finished = threading.Event()

        def renew() -> None:
            while not finished.wait(seconds):
                try:
                    self.renew()
                except Busy:
                    return
                except (ClientError, BotoCoreError):  # the next attempt may succeed
                    continue

        renewal = threading.Thread(target=renew, daemon=True)
        renewal.start()
        try:
            yield
        finally:
            finished.set()
            renewal.join(RENEWAL_JOIN_SECONDS)


class OrderedLookup:
    """Finds keys in objects that are sorted by key, and reads no further than necessary.

    The keys to find must not descend.
    """

    def __init__(self, objects: Iterator[tuple[str, datetime]]) -> None:
        self._objects = objects
        self._current = next(objects, None)

    def find(self, key: str) -> datetime | None:
        """Return the modification time of an object, or None if there is no such object."""
        while self._current and self._current[0] < key:
            self._current = next(self._objects, None)
        return self._current[1] if self._current and self._current[0] == key else None


class LakeStore:
    """Text objects of a bucket.

    Every request fails if the bucket belongs to another account than `owner`, unless that is None. `clock` is the time
    by which the age of a lease is measured; tests replace it.
    """

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
        """Return the text of an object, or None if there is no such object."""
        text, _ = self._get_with_condition(key)
        return text

    def get_rows(self, key: str, *columns: str) -> list[dict[str, str]]:
        """Return the rows of a CSV with these columns; none if there is no such object. Raises BadTable."""
        with key_in_error(key):
            return read_table(self.get(key) or "", *columns)

    def update(self, key: str, change: Callable[[str | None], str | None]) -> bool:
        """Replace the text of an object by `change(text)`. Return whether the object was written.

        `change` receives None if there is no such object. Nothing is written if it returns None or the same text. If
        another writer changes the object meanwhile, `change` is called again with the new text.
        """
        while True:
            text, condition = self._get_with_condition(key)
            with key_in_error(key):
                changed = change(text)
            if changed is None or changed == text:
                return False
            try:
                self.s3.put_object(**self._bucket_arguments, Key=key, Body=changed.encode(), **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _WRITE_CONFLICTS:
                    raise
            else:
                return True

    def put_if_changed(self, key: str, text: str) -> bool:
        """Write an object unless it already has this text. Return whether it was written."""
        return self.update(key, lambda _: text)

    def overwrite(self, key: str, text: str, **metadata: str) -> None:
        """Write an object unconditionally, so that its modification time is now."""
        self.s3.put_object(**self._bucket_arguments, Key=key, Body=text.encode(), Metadata=metadata)

    def head(self, key: str) -> ObjectInfo | None:
        """Return modification time and metadata of an object, or None if there is no such object."""
        response = self._head(key)
        return ObjectInfo(response["LastModified"], response["Metadata"]) if response else None

    def list_objects(self, prefix: str) -> dict[str, datetime]:
        """Return the keys that begin with `prefix`, with their modification times."""
        return dict(self.iter_objects(prefix))

    def iter_objects(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
        """Yield the keys that begin with `prefix` and sort after `after`, in order, with their modification times.

        Requests each page of 1,000 keys only when it is needed.
        """
        start = {"StartAfter": after} if after else {}
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self._bucket_arguments, Prefix=prefix, **start)
        return ((entry["Key"], entry["LastModified"]) for page in pages for entry in page.get("Contents", []))

    def delete(self, keys: list[str]) -> None:
        """Delete objects. Raises ClientError for the first that S3 refuses to delete.

        DeleteObjects succeeds as a request even if some objects could not be deleted.
        """
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            response = self.s3.delete_objects(**self._bucket_arguments, Delete={"Objects": objects, "Quiet": True})
            for error in response.get("Errors", ()):
                raise ClientError({"Error": error}, "DeleteObjects")

    @contextmanager
    def lease(self, key: str, seconds: float) -> Iterator[Lease]:
        """Hold a lease for the duration of a block. Raises Busy if another invocation holds it.

        A lease is an object that exists while it is held. One that is older than `seconds` was left by an invocation
        that died and is taken over, so it must be renewed if the block can last longer than that. The conditional write
        makes sure that only one of several invocations gets it.
        """
        existing = self._head(key)
        if self._is_lease(existing, seconds):
            raise Busy(key)
        condition = {"IfMatch": existing["ETag"]} if existing else {"IfNoneMatch": "*"}
        # Two invocations do not write the same text, so each has its own ETag.
        lease = Lease(self.s3, {**self._bucket_arguments, "Key": key}, self.clock().isoformat())
        lease.write(condition)
        try:
            yield lease
        finally:
            lease.release()

    def is_leased(self, key: str, seconds: float) -> bool:
        """Return whether a lease is held, see `lease`."""
        return self._is_lease(self._head(key), seconds)

    def _is_lease(self, existing: dict[str, Any] | None, seconds: float) -> bool:
        return existing is not None and self.clock() - existing["LastModified"] < timedelta(seconds=seconds)

    def _get_with_condition(self, key: str) -> tuple[str | None, dict[str, str]]:
        """Return the text of an object and the condition for writing it only if it has not changed since."""
        try:
            response = self.s3.get_object(**self._bucket_arguments, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, {"IfNoneMatch": "*"}
            raise
        return response["Body"].read().decode(), {"IfMatch": response["ETag"]}

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            response: dict[str, Any] = self.s3.head_object(**self._bucket_arguments, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FOUND:
                return None
            raise
        return response
