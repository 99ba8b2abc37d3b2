"""A queue, kept in the lake, of work that no command waits for. A schedule processes it every half hour.

An entry is added before its work begins and removed when the work is finished. An invocation that runs out of time, is
throttled, dies or exhausts the quota is therefore followed by another one. Work that makes no progress is given up
after MAX_TRIES and raises RetriesExhausted.

Each event gives the entry a new id. An invocation that finds another one at work leaves the entry and returns at once.
The other one sees the new id when it has finished, and does the work again.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from footlake.football.api import BadParameter, KeyRefused, RequestRefused
from footlake.handlers.log_lines import postponed_line
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


class PendingEntry(NamedTuple):
    """An entry of a queue: its raw fixtures key, the tries without progress, and when it may be processed again."""

    file: str
    tries: int
    after: datetime


class PendingQueue:
    """The pending work of one Lambda function. Each entry is named by a raw fixtures file."""

    def __init__(
        self, store: LakeStore, function: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self.folder = f"{s3_keys.PENDING}{function}/"
        self._clock = clock

    def due(self) -> list[str]:
        """Return the raw fixtures keys of the entries that may be processed now."""
        keys = sorted(self._store.list_objects(self.folder))
        return [self._file(key) for key in keys if self._read(key)["after"] <= self._clock().isoformat()]

    def files(self) -> list[str]:
        """Return the raw fixtures keys of all entries."""
        return [self._file(key) for key in sorted(self._store.list_objects(self.folder))]

    def entries(self) -> list[PendingEntry]:
        """Return all entries."""
        return [self._parse_entry(key) for key in sorted(self._store.list_objects(self.folder))]

    def add(self, file: str) -> None:
        """Add an entry, or give an existing one the id of a new event and its tries back."""
        self._store.put_if_changed(self._key(file), self._entry(0, uuid.uuid4().hex))

    def event_of(self, file: str) -> str | None:
        """Return the id of the last event of an entry, or None if there is no such entry."""
        return _event_of(self._store.get(self._key(file)))

    def remove(self, file: str, event: str | None) -> None:
        """Remove an entry because its work is finished, unless its last event is a newer one than `event`.

        An event that arrives after this check finds no other invocation at work.
        """
        if event is not None and self.event_of(file) == event:
            self._store.delete([self._key(file)])

    def process(self, files: list[str], task: Task) -> list[dict[str, Any]]:
        """Attempt entries in order until one stops for a reason that would stop the next ones, such as the quota.

        Then attempt those that became due meanwhile. An exception is raised only after the other entries had their
        turn, except KeyRefused, which concerns all.
        """
        results: list[dict[str, Any]] = []
        attempted: dict[str, str | None] = {}
        failure: Exception | None = None
        waiting = deque(files)
        while waiting:
            file = waiting.popleft()
            attempted[file] = self.event_of(file)
            try:
                results.append(self.attempt(file, task))
            except KeyRefused:
                raise
            except Exception as error:
                failure = failure or error
            else:
                if results[-1]["stopped"] not in ("", "Busy"):
                    break
            if not waiting:
                waiting.extend(file for file in self.due() if attempted.get(file) != self.event_of(file))
        if failure:
            raise failure
        return results

    def attempt(self, file: str, task: Task) -> dict[str, Any]:
        """Run the task and remove the entry, or postpone it. Raises RetriesExhausted after too many tries."""
        key = self._key(file)
        event = self.event_of(file)
        tries = int(self._read(key)["tries"]) + 1
        if tries > MAX_TRIES:
            self._give_up(key, tries - 1)
        # Counted before the task begins, because Lambda may kill the invocation.
        self._replace(key, event, self._entry(tries, event or ""))
        event = event or ""
        try:
            result = task(file)
        except KeyRefused:  # the entry waits for another key, and the try does not count
            self._replace(key, event, self._entry(tries - 1, event))
            raise
        except (RequestRefused, BadParameter):  # the API would refuse it again
            self.remove(file, event)
            raise
        stopped = result["stopped"]
        if stopped in ("", "BudgetSpent"):
            self.remove(file, event)
            return result
        if stopped == "Busy":  # the try does not count
            self._replace(key, event, self._entry(tries - 1, event))
            return result
        tries = 0 if result["progress"] else tries
        if tries >= MAX_TRIES:
            self._give_up(key, tries, stopped)
        after = self._next_attempt(stopped, tries)
        self._replace(key, event, self._entry(tries, event, after))
        print(postponed_line(file, stopped, after, tries))
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

    def _replace(self, key: str, event: str | None, entry: str) -> None:
        """Write an entry unless it was removed meanwhile or has a newer event than `event`."""
        self._store.update(key, lambda text: entry if _event_of(text) == event else None)

    def _entry(self, tries: int, event: str, after: datetime | None = None) -> str:
        return json.dumps({"tries": tries, "after": (after or self._clock()).isoformat(), "event": event})

    def _read(self, key: str) -> dict[str, Any]:
        with suppress(ValueError):
            entry = json.loads(self._store.get(key) or "{}")
            if entry.keys() >= {"tries", "after"}:
                return dict(entry)
        return {"tries": 0, "after": ""}

    def _parse_entry(self, key: str) -> PendingEntry:
        entry = self._read(key)
        try:
            after = datetime.fromisoformat(entry["after"])
        except ValueError:  # an entry that cannot be read may be processed now
            after = self._clock()
        return PendingEntry(self._file(key), int(entry["tries"]), after)

    def _key(self, file: str) -> str:
        return self.folder + file.removeprefix(s3_keys.RAW_FIXTURES)

    def _file(self, key: str) -> str:
        return s3_keys.RAW_FIXTURES + key.removeprefix(self.folder)


def _event_of(text: str | None) -> str | None:
    """Return the id of an entry's last event: empty if the entry cannot be read, None if there is no entry."""
    if text is None:
        return None
    with suppress(ValueError, AttributeError):
        return str(json.loads(text).get("event", ""))
    return ""
