"""Buckets on disk for the time of a Spark job, so that Spark can read and write `s3://` without Hadoop's AWS jars.

What a job sees is what lies in S3 when it starts; what it changed is put, or deleted, through the S3 API when it
ends, so that notifications fire. Only what changed since the last job is fetched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REQUESTS_AT_ONCE = 8

Stat = tuple[int, int]  # size, modification time in nanoseconds


class Mirror:
    """One bucket below `root`, as far as it is asked for."""

    def __init__(self, root: Path, s3: Any, bucket: str) -> None:
        self.dir = root / bucket
        self.bucket = bucket
        self._s3 = s3
        self._index_file = root / f"{bucket}.json"
        self._before: dict[str, Stat] = {}

    def pull(self, wanted: Callable[[str], bool]) -> None:
        """Make the folder equal to the bucket's top-level objects and those top-level folders that are `wanted`.

        A file's modification time becomes its object's; what is not wanted is not there.
        """
        self.dir.mkdir(parents=True, exist_ok=True)
        index = self._index()
        local = self._scan()
        remote = self._list(wanted)
        for key in local.keys() - remote.keys():
            self._path(key).unlink()
        fetched = [key for key, (etag, _) in remote.items() if index.get(key) != [etag, *local.get(key, ())]]
        for key, seen in zip(fetched, self._at_once(self._fetch, fetched), strict=True):
            if not seen:
                del remote[key]
        for key, (_, modified) in remote.items():
            if key in fetched or local[key][1] != modified:
                os.utime(self._path(key), ns=(modified, modified))
        self._prune()
        self._before = self._scan()
        self._save({key: [etag, *self._before[key]] for key, (etag, _) in remote.items()})

    def push(self) -> None:
        """Bring to S3 what changed in the folder since `pull`."""
        index = self._index()
        after = self._scan()
        changed = [key for key, stat in after.items() if self._before.get(key) != stat]
        for key, etag in zip(changed, self._at_once(self._put, changed), strict=True):
            index[key] = [etag, *after[key]]
        gone = [key for key in self._before if key not in after]
        self._at_once(lambda key: self._s3.delete_object(Bucket=self.bucket, Key=key), gone)
        for key in gone:
            index.pop(key, None)
        self._save(index)
        self._before = after

    def _list(self, wanted: Callable[[str], bool]) -> dict[str, tuple[str, int]]:
        """Key → ETag and modification time in nanoseconds."""
        top = self._pages(Delimiter="/")
        folders = [prefix["Prefix"] for page in top for prefix in page.get("CommonPrefixes", ())]
        pages = [*top, *(page for folder in folders if wanted(folder[:-1]) for page in self._pages(Prefix=folder))]
        return {
            entry["Key"]: (entry["ETag"], int(entry["LastModified"].timestamp() * 1_000_000) * 1000)
            for page in pages
            for entry in page.get("Contents", ())
            if not entry["Key"].endswith("/") and not {"", ".", ".."} & set(entry["Key"].split("/"))
        }

    def _pages(self, **options: str) -> list[dict[str, Any]]:
        return list(self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **options))

    def _fetch(self, key: str) -> bool:
        """Whether the job may see it: of a folder that it names, it may not need all."""
        from botocore.exceptions import ClientError

        try:
            content = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return True

    def _put(self, key: str) -> str:
        answer = self._s3.put_object(Bucket=self.bucket, Key=key, Body=self._path(key).read_bytes())
        return str(answer["ETag"])

    def _path(self, key: str) -> Path:
        return self.dir / key

    def _scan(self) -> dict[str, Stat]:
        found = {}
        for path in _files(self.dir):
            status = path.stat()
            found[path.relative_to(self.dir).as_posix()] = (status.st_size, status.st_mtime_ns)
        return found

    def _prune(self) -> None:
        """S3 knows no empty folders."""
        for folder, _, _ in os.walk(self.dir, topdown=False):
            if folder != str(self.dir) and not any(Path(folder).iterdir()):
                Path(folder).rmdir()

    def _index(self) -> dict[str, list[Any]]:
        """Key → ETag, size and modification time of the file that holds that object."""
        try:
            index: dict[str, list[Any]] = json.loads(self._index_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):  # absent, or cut short by a kill: everything is fetched again
            return {}
        return index

    def _save(self, index: dict[str, list[Any]]) -> None:
        self._index_file.write_text(json.dumps(index))

    @staticmethod
    def _at_once(work: Callable[[str], Any], keys: Iterable[str]) -> list[Any]:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            return list(pool.map(work, keys))


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent, name)
