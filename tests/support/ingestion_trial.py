"""Ingestion without waiting: the handlers' own code, a real S3 server, the football API over HTTP, time that is told.

Whoever waits for the football API moves the clock; days pass by saying so.
"""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from footlake.football.api import FootballApi
from footlake.handlers import etl_get_fixtures
from footlake.handlers.statistics_ingest import ingest_statistics
from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window
from footlake.lake.store import LakeStore
from footlake.local.football.api import create_application, create_server
from footlake.local.football.faults import FaultSettings, inject_faults
from footlake.local.football.plans import PRO, ApiPlan, RequestCounts

STARTED = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
LAMBDA_SECONDS = {"fixtures": 10.0, "statistics": 90.0}


class Time:
    """One clock for quotas and for waiting; the football's own date is `date`, which follows it unless set."""

    def __init__(self, date: datetime | None = None) -> None:
        self.seconds = STARTED.timestamp()
        self.date = date
        self._lock = threading.Lock()

    def pass_(self, seconds: float) -> None:
        """Wait."""
        with self._lock:
            self.seconds += seconds

    def now(self) -> datetime:
        """The real time of this trial."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def football(self) -> datetime:
        """The football API's date."""
        return self.date or self.now()

    def next_day(self) -> None:
        """A little after the next midnight (UTC)."""
        self.seconds += 86_400 - self.seconds % 86_400 + 60


class Trial:
    """A lake's bucket and a football API with a plan; `source` may be replaced as it runs."""

    def __init__(self, s3: Any, source: Any, time: Time, plan: ApiPlan, base: str) -> None:
        self.s3, self.source, self.time, self.plan, self.base = s3, source, time, plan, base
        self.behaviour = FaultSettings()
        self.asked: Counter[str] = Counter()
        self._patience = threading.Event()
        self.bucket = f"trial-{uuid.uuid4().hex}"
        s3.create_bucket(Bucket=self.bucket)

    @property
    def requests(self) -> int:
        """What was asked of the football API, except its status."""
        return sum(number for path, number in self.asked.items() if path != "status")

    def store(self, s3: Any = None) -> LakeStore:
        """The bucket, with leases by this trial's time."""
        return LakeStore(s3 or self.s3, self.bucket, clock=lambda: datetime.now(UTC) + (self.time.now() - STARTED))

    def api(self, seconds: float = float("inf"), budget: int | None = None) -> FootballApi:
        """A client with so many seconds."""
        ends = self.time.seconds + seconds
        return FootballApi(
            self.base,
            "key",
            lambda: ends - self.time.seconds,
            self.time.pass_,
            lambda: self.time.seconds,
            budget,
        )

    def fixtures(self, season: Season, window: Window | None = None, s3: Any = None) -> dict[str, Any]:
        """One invocation of etlGetFixtures for a season or window."""
        api = self.api(LAMBDA_SECONDS["fixtures"] - 3)
        return etl_get_fixtures.fetch_fixtures(self.store(s3), api, season, window)

    def statistics(self, key: str, s3: Any = None, **times: datetime) -> dict[str, Any]:
        """One invocation of etlGetStatistics for a raw fixtures file."""
        api = self.api(LAMBDA_SECONDS["statistics"] - 3)
        return ingest_statistics(self.store(s3), api, key, **times)

    def ingest(self, season: Season, window: Window | None = None) -> list[str]:
        """Fixtures and statistics, over as many invocations and days as it takes: why each one stopped."""
        stops: list[str] = []
        while stopped := self.fixtures(season, window)["stopped"]:
            self._wait(stopped, stops)
        while stopped := self.statistics(s3_keys.raw_fixtures(season, window))["stopped"]:
            self._wait(stopped, stops)
        return stops

    def _wait(self, stopped: str, stops: list[str]) -> None:
        stops.append(stopped)
        if stopped == "QuotaSpent":
            self.time.next_day()
        elif stopped == "Busy":  # in real time, as the other one works in it
            self._patience.wait(0.02)
        else:
            self.time.pass_(20)

    def rows(self, prefix: str) -> list[dict[str, str]]:
        """Every row of a data set."""
        return [row for key in self.keys(prefix) for row in csv.DictReader(io.StringIO(self.text(key)))]

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below a prefix."""
        return sorted(self.store().list_objects(prefix))

    def text(self, key: str) -> str:
        """An object's content."""
        return self.store().get(key) or ""

    def processed(self) -> dict[str, str]:
        """The processed data, whole."""
        return {key: self.text(key) for key in self.keys(s3_keys.PROCESSED)}

    def known(self) -> dict[str, Any]:
        """What the raw data says of each fixture's statistics, whichever way it was asked for."""
        said = {}
        for key in self.keys(s3_keys.RAW_STATISTICS):
            answer = json.loads(self.text(key))
            items = answer["response"]
            said[key] = items[0]["statistics"] if items and "fixture" in items[0] else items
        return said

    def count(self, ids: set[int]) -> tuple[int, int]:
        """How many of these fixtures are missing from the processed data, and how many are there twice."""
        lost = doubled = 0
        for prefix in (s3_keys.FIXTURES, s3_keys.STATISTICS):
            there = Counter(int(row["idFixture"]) for row in self.rows(prefix))
            lost += len(ids - there.keys())
            doubled += sum(number > 1 for number in there.values())
        return lost, doubled


@contextmanager
def trial(s3: Any, source: Any, date: datetime | None = None, plan: ApiPlan = PRO) -> Iterator[Trial]:
    """A trial of its own; its football API answers until the end of the block."""
    time = Time(date)
    counts = RequestCounts(lambda: time.seconds)
    made: list[Trial] = []

    def dispatch(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        one = made[0]
        one.asked[environ["PATH_INFO"].strip("/")] += 1
        return create_application(one.source, time.football, one.plan, counts=counts)(environ, start_response)

    httpd = create_server(inject_faults(dispatch, lambda: made[0].behaviour))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    made.append(Trial(s3, source, time, plan, f"http://127.0.0.1:{httpd.server_port}"))
    thread.start()
    try:
        yield made[0]
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class Dead(BaseException):
    """The process is no more: nothing of it runs, not even what tidies up."""


class Mortal:
    """An S3 client that does `calls` calls and dies, just before the next one or just after it."""

    def __init__(self, s3: Any, calls: int, after: bool) -> None:
        self._s3, self._left, self._after = s3, calls, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._s3, name)
        if name == "get_paginator":
            return method

        def call(**arguments: Any) -> Any:
            self._left -= 1
            if self._left < 0 and not (self._after and self._left == -1):
                raise Dead
            answer = method(**arguments)
            if self._left < 0:
                raise Dead
            return answer

        return call
