"""How handlers keep objects: written when they change, and never over somebody else's change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

# PreconditionFailed: the object changed since it was read. ConditionalRequestConflict: it is changing right now.
_LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict")


class Busy(Exception):
    """Another invocation is doing this very work."""


class Store:
    """Text objects of one bucket; with an `owner`, of nobody else's."""

    def __init__(self, s3: Any, bucket: str, owner: str | None = None) -> None:
        self.s3 = s3
        self._where = {"Bucket": bucket} | ({"ExpectedBucketOwner": owner} if owner else {})

    def read(self, key: str) -> str | None:
        """The object's text, or None where there is none."""
        text, _ = self._read(key)
        return text

    def update(self, key: str, change: Callable[[str | None], str]) -> bool:
        """Put `change(text)` in the place of `text`, again if someone else was faster. True if it was written."""
        while True:
            text, condition = self._read(key)
            changed = change(text)
            if changed == text:
                return False
            try:
                self.s3.put_object(**self._where, Key=key, Body=changed.encode(), **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _LOST_RACE:
                    raise
            else:
                return True

    def put(self, key: str, text: str) -> bool:
        """Write the object unless it has this text already. True if it was written."""
        return self.update(key, lambda _: text)

    def listing(self, prefix: str) -> dict[str, datetime]:
        """The keys below a prefix, with the times at which they were last written."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self._where, Prefix=prefix)
        return {one["Key"]: one["LastModified"] for page in pages for one in page.get("Contents", [])}

    def delete(self, keys: list[str]) -> None:
        """Delete these objects."""
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            self.s3.delete_objects(**self._where, Delete={"Objects": objects, "Quiet": True})

    @contextmanager
    def lease(self, key: str, seconds: float) -> Iterator[None]:
        """Hold this key for the time of a block, or raise Busy. A holder that died is outlived after `seconds`."""
        try:
            held = self.s3.head_object(**self._where, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise
            condition = {"IfNoneMatch": "*"}
        else:
            if datetime.now(UTC) - held["LastModified"] < timedelta(seconds=seconds):
                raise Busy(key)
            condition = {"IfMatch": held["ETag"]}
        try:
            self.s3.put_object(**self._where, Key=key, Body=datetime.now(UTC).isoformat().encode(), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                raise Busy(key) from None
            raise
        try:
            yield
        finally:
            self.s3.delete_object(**self._where, Key=key)

    def _read(self, key: str) -> tuple[str | None, dict[str, str]]:
        """The text and the condition under which it may be replaced."""
        try:
            found = self.s3.get_object(**self._where, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, {"IfNoneMatch": "*"}
            raise
        return found["Body"].read().decode(), {"IfMatch": found["ETag"]}
