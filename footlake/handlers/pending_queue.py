"""What is to be done although nobody waits for it: a list in the lake, which a schedule looks at every half hour.

An entry is made before its work begins and removed when the work is done, so an invocation that runs out of time, is
throttled, dies or meets a spent quota is followed by another. What gets nowhere is given up in the end, and says so.
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
# The day's quota of the football API is that of a UTC day; a little later everybody's clock agrees on it.
AFTER_MIDNIGHT = timedelta(minutes=5)

Task = Callable[[str], dict[str, Any]]
"""Of a file: `stopped` is empty if it is done, else the reason; `progress` counts what was brought."""


class RetriesExhausted(Exception):
    """Work that got nowhere, several times."""


class PendingQueue:
    """The entries of one function, each named by the raw fixtures file that it is about."""

    def __init__(
        self, store: LakeStore, function: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._folder = f"{s3_keys.PENDING}{function}/"
        self._clock = clock

    def due(self) -> list[str]:
        """The raw fixtures keys whose entries may be taken up now."""
        keys = sorted(self._store.list_objects(self._folder))
        return [self._file(key) for key in keys if self._entry(key)["after"] <= self._clock().isoformat()]

    def add(self, file: str) -> None:
        """Put it on the list, if it is not there."""
        key = self._key(file)
        self._store.update(key, lambda text: text or self._text(0))

    def remove(self, file: str) -> None:
        """Take it off the list, if it is there: somebody else has done it."""
        if self._store.head(self._key(file)):
            self._store.delete([self._key(file)])

    def process(self, files: list[str], work: Task) -> list[dict[str, Any]]:
        """Attempt one after the other, until one stops for a reason that would stop the next one, too.

        What one raises is raised when the others have had their turn, unless the football API refuses them all.
        """
        done: list[dict[str, Any]] = []
        failure: Exception | None = None
        for file in files:
            try:
                done.append(self.attempt(file, work))
            except KeyRefused:
                raise
            except Exception as error:
                failure = failure or error
                continue
            if done[-1]["stopped"] not in ("", "Busy"):
                break
        if failure:
            raise failure
        return done

    def attempt(self, file: str, work: Task) -> dict[str, Any]:
        """Do the work; its entry is then removed, or waits. Raises RetriesExhausted after too many tries."""
        key = self._key(file)
        tries = int(self._entry(key)["tries"]) + 1
        if tries > MAX_TRIES:
            self._give_up(key, tries - 1)
        # Counted before it begins, as it may be killed.
        self._store.put_if_changed(key, self._text(tries))
        try:
            done = work(file)
        except KeyRefused:  # until there is another key: no fault of this file's
            self._store.update(key, lambda text: self._text(tries - 1) if text else None)
            raise
        except (RequestRefused, BadParameter):  # it would be refused again
            self._store.delete([key])
            raise
        stopped = done["stopped"]
        if stopped in ("", "BudgetSpent"):
            self._store.delete([key])
            return done
        tries = 0 if done["progress"] else tries
        if tries >= MAX_TRIES:
            self._give_up(key, tries, stopped)
        # Not if it has been struck meanwhile.
        later = self._text(tries, self._after(stopped, tries))
        self._store.update(key, lambda text: later if text else None)
        return done

    def _give_up(self, key: str, tries: int, stopped: str = "it died") -> None:
        self._store.delete([key])
        raise RetriesExhausted(f"{self._file(key)} got nowhere {tries} times, the last time: {stopped}.")

    def _after(self, stopped: str, tries: int) -> datetime:
        now = self._clock()
        if stopped == "QuotaSpent":
            return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) + AFTER_MIDNIGHT
        return now + tries * RETRY_DELAY if stopped == "Unavailable" else now

    def _text(self, tries: int, after: datetime | None = None) -> str:
        return json.dumps({"tries": tries, "after": (after or self._clock()).isoformat()})

    def _entry(self, key: str) -> dict[str, Any]:
        with suppress(ValueError):
            entry = json.loads(self._store.get(key) or "{}")
            if entry.keys() >= {"tries", "after"}:
                return dict(entry)
        return {"tries": 0, "after": ""}

    def _key(self, file: str) -> str:
        return self._folder + file.removeprefix(s3_keys.RAW_FIXTURES)

    def _file(self, key: str) -> str:
        return s3_keys.RAW_FIXTURES + key.removeprefix(self._folder)
