"""A queue, kept in the lake, of work that no command waits for. A schedule processes it every half hour.

An entry is added before its work begins and removed when the work is finished. An invocation that runs out of time, is
throttled, dies or exhausts the quota is therefore followed by another one. Work that makes no progress is given up
after MAX_TRIES and raises RetriesExhausted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from footlake.football.api import BadParameter, KeyRefused, RequestRefused
from footlake.lake import s3_keys
from footlake.lake.store import LakeStore

MAX_TRIES = 10
RETRY_DELAY = timedelta(hours=1)
# The football API counts its daily quota by the UTC day. The margin allows for clocks that differ.
AFTER_MIDNIGHT = timedelta(minutes=5)

Task = Callable[[str], dict[str, Any]]
"""Processes a raw fixtures key. In its result `stopped` is the reason for stopping, or empty when the work is finished,
and `progress` counts what was fetched."""


class RetriesExhausted(Exception):
    """Work was given up because several tries made no progress."""


class PendingQueue:
    """The pending work of one Lambda function. Each entry is named by a raw fixtures file."""

    def __init__(
        self, store: LakeStore, function: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._folder = f"{s3_keys.PENDING}{function}/"
        self._clock = clock

    def due(self) -> list[str]:
        """Return the raw fixtures keys of the entries that may be processed now."""
        keys = sorted(self._store.list_objects(self._folder))
        return [self._file(key) for key in keys if self._read(key)["after"] <= self._clock().isoformat()]

    def add(self, file: str) -> None:
        """Add an entry unless it exists."""
        self._store.update(self._key(file), lambda text: text or self._entry(0))

    def remove(self, file: str) -> None:
        """Remove an entry, if it exists, because its work is finished."""
        if self._store.head(self._key(file)):
            self._store.delete([self._key(file)])

    def process(self, files: list[str], task: Task) -> list[dict[str, Any]]:
        """Attempt entries in order until one stops for a reason that would stop the next ones, such as the quota.

        An exception is raised only after the other entries had their turn, except KeyRefused, which concerns all.
        """
        results: list[dict[str, Any]] = []
        failure: Exception | None = None
        for file in files:
            try:
                results.append(self.attempt(file, task))
            except KeyRefused:
                raise
            except Exception as error:
                failure = failure or error
                continue
            if results[-1]["stopped"] not in ("", "Busy"):
                break
        if failure:
            raise failure
        return results

    def attempt(self, file: str, task: Task) -> dict[str, Any]:
        """Run the task and remove the entry, or postpone it. Raises RetriesExhausted after too many tries."""
        key = self._key(file)
        tries = int(self._read(key)["tries"]) + 1
        if tries > MAX_TRIES:
            self._give_up(key, tries - 1)
        # Counted before the task begins, because Lambda may kill the invocation.
        self._store.put_if_changed(key, self._entry(tries))
        try:
            result = task(file)
        except KeyRefused:  # the entry waits for another key, and the try does not count
            self._update_existing(key, self._entry(tries - 1))
            raise
        except (RequestRefused, BadParameter):  # the API would refuse it again
            self._store.delete([key])
            raise
        stopped = result["stopped"]
        if stopped in ("", "BudgetSpent"):
            self._store.delete([key])
            return result
        tries = 0 if result["progress"] else tries
        if tries >= MAX_TRIES:
            self._give_up(key, tries, stopped)
        self._update_existing(key, self._entry(tries, self._next_attempt(stopped, tries)))
        return result

    def _give_up(self, key: str, tries: int, stopped: str = "the invocation was killed") -> None:
        self._store.delete([key])
        raise RetriesExhausted(
            f"Gave up {self._file(key)} after {tries} attempts without progress. The last one ended with: {stopped}."
        )

    def _next_attempt(self, stopped: str, tries: int) -> datetime:
        now = self._clock()
        if stopped == "QuotaSpent":
            return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) + AFTER_MIDNIGHT
        return now + tries * RETRY_DELAY if stopped == "Unavailable" else now

    def _update_existing(self, key: str, entry: str) -> None:
        """Write an entry unless it was removed meanwhile."""
        self._store.update(key, lambda text: entry if text else None)

    def _entry(self, tries: int, after: datetime | None = None) -> str:
        return json.dumps({"tries": tries, "after": (after or self._clock()).isoformat()})

    def _read(self, key: str) -> dict[str, Any]:
        with suppress(ValueError):
            entry = json.loads(self._store.get(key) or "{}")
            if entry.keys() >= {"tries", "after"}:
                return dict(entry)
        return {"tries": 0, "after": ""}

    def _key(self, file: str) -> str:
        return self._folder + file.removeprefix(s3_keys.RAW_FIXTURES)

    def _file(self, key: str) -> str:
        return s3_keys.RAW_FIXTURES + key.removeprefix(self._folder)
