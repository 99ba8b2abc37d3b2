"""Mirror buckets to disk during a Spark job, so that Spark can read and write `s3://` without Hadoop's AWS jars.

A job sees the objects that exist when it starts. Its changes are written through the S3 API when it ends, so that
notifications are sent. Only objects that changed since the last job are downloaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

MAX_CONCURRENT_REQUESTS = 8

FileStat = tuple[int, int]  # size, modification time in nanoseconds


class BucketMirror:
    """A copy of a bucket, or of some of its folders, in the folder `root`/`bucket`."""

    def __init__(self, root: Path, s3: Any, bucket: str) -> None:
        self.dir = root / bucket
        self.bucket = bucket
        self._s3 = s3
        self._index_file = root / f"{bucket}.json"
        self._last_scan: dict[str, FileStat] = {}

    def pull(self, includes_folder: Callable[[str], bool]) -> None:
        """Make the copy equal to the bucket: its top-level objects, and the top-level folders that are included.

        Files get the modification times of their objects. All other files are removed.
        """
        self.dir.mkdir(parents=True, exist_ok=True)
        index = self._read_index()
        local = self._scan()
        remote = self._list_objects(includes_folder)
        for key in local.keys() - remote.keys():
            (self.dir / key).unlink()
        outdated = [key for key, (etag, _) in remote.items() if index.get(key) != [etag, *local.get(key, ())]]
        for key, allowed in zip(outdated, self._in_parallel(self._download, outdated), strict=True):
            if not allowed:
                del remote[key]
        for key, (_, modified) in remote.items():
            if key in outdated or local[key][1] != modified:
                os.utime(self.dir / key, ns=(modified, modified))
        self._remove_empty_folders()
        self._last_scan = self._scan()
        self._write_index({key: [etag, *self._last_scan[key]] for key, (etag, _) in remote.items()})

    def push(self) -> None:
        """Upload the files that changed since `pull`, and delete the objects of removed files."""
        index = self._read_index()
        current = self._scan()
        changed = [key for key, stat in current.items() if self._last_scan.get(key) != stat]
        for key, etag in zip(changed, self._in_parallel(self._upload, changed), strict=True):
            index[key] = [etag, *current[key]]
        removed = [key for key in self._last_scan if key not in current]
        self._in_parallel(lambda key: self._s3.delete_object(Bucket=self.bucket, Key=key), removed)
        for key in removed:
            index.pop(key, None)
        self._write_index(index)
        self._last_scan = current

    def _list_objects(self, includes_folder: Callable[[str], bool]) -> dict[str, tuple[str, int]]:
        """Return ETag and modification time (nanoseconds) by key."""
        top = self._list_pages(Delimiter="/")
        folders = [prefix["Prefix"] for page in top for prefix in page.get("CommonPrefixes", ())]
        included = [folder for folder in folders if includes_folder(folder[:-1])]
        pages = [*top, *(page for folder in included for page in self._list_pages(Prefix=folder))]
        return {
            entry["Key"]: (entry["ETag"], int(entry["LastModified"].timestamp() * 1_000_000) * 1000)
            for page in pages
            for entry in page.get("Contents", ())
            if not entry["Key"].endswith("/") and not {"", ".", ".."} & set(entry["Key"].split("/"))
        }

    def _list_pages(self, **options: str) -> list[dict[str, Any]]:
        return list(self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **options))

    def _download(self, key: str) -> bool:
        """Download an object; returns False if the job's role may not read it, as the job may not need it."""
        try:
            content = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        path = self.dir / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return True

    def _upload(self, key: str) -> str:
        """Upload a file; returns the object's ETag."""
        body = (self.dir / key).read_bytes()
        return str(self._s3.put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"])

    def _scan(self) -> dict[str, FileStat]:
        stats = {}
        for parent, _, names in os.walk(self.dir):
            for name in names:
                path = Path(parent, name)
                stat = path.stat()
                stats[path.relative_to(self.dir).as_posix()] = (stat.st_size, stat.st_mtime_ns)
        return stats

    def _remove_empty_folders(self) -> None:
        """Remove empty folders, which do not exist in S3."""
        for folder, _, _ in os.walk(self.dir, topdown=False):
            if folder != str(self.dir) and not any(Path(folder).iterdir()):
                Path(folder).rmdir()

    def _read_index(self) -> dict[str, list[Any]]:
        """Return, by key, the ETag of each downloaded object, and the size and modification time of its file."""
        try:
            index: dict[str, list[Any]] = json.loads(self._index_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):  # absent, or truncated by a kill: download everything again
            return {}
        return index

    def _write_index(self, index: dict[str, list[Any]]) -> None:
        self._index_file.write_text(json.dumps(index), encoding="utf-8")

    @staticmethod
    def _in_parallel(request: Callable[[str], Any], keys: Iterable[str]) -> list[Any]:
        with ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS) as pool:
            return list(pool.map(request, keys))
