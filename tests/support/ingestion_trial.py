"""A harness for ingestion without waiting: the handlers, an S3 server, the football API over HTTP, simulated time.

A client that waits for the football API advances the clock instead. A test sets the date.
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
from footlake.local.football.table_rules import Rules

STARTED = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
LAMBDA_SECONDS = {"fixtures": 30.0, "statistics": 90.0}


class SimulatedTime:
    """The clock for quotas and waiting. The date of the football API, `football_date`, follows it unless set."""

    def __init__(self, date: datetime | None = None) -> None:
        self.seconds = STARTED.timestamp()
        self.football_date = date
        self._lock = threading.Lock()

    def advance(self, seconds: float) -> None:
        """Let seconds pass."""
        with self._lock:
            self.seconds += seconds

    def now(self) -> datetime:
        """Return the simulated time."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def football_now(self) -> datetime:
        """Return the time of the football API."""
        return self.football_date or self.now()

    def advance_to_next_day(self) -> None:
        """Advance to a minute after the next midnight (UTC)."""
        self.seconds += 86_400 - self.seconds % 86_400 + 60


class IngestionTrial:
    """A lake's bucket and a football API with a plan. Tests may replace `source`, `plan` and `rules` at any time."""

    def __init__(self, s3: Any, source: Any, time: SimulatedTime, plan: ApiPlan, base: str) -> None:
        self.s3, self.source, self.time, self.plan, self.base = s3, source, time, plan, base
        self.behaviour = FaultSettings()
        self.rules: Rules = {}
        self.requests_by_path: Counter[str] = Counter()
        self._patience = threading.Event()
        self.bucket = f"trial-{uuid.uuid4().hex}"
        s3.create_bucket(Bucket=self.bucket)

    @property
    def requests(self) -> int:
        """Number of requests to the football API, except /status."""
        return sum(number for path, number in self.requests_by_path.items() if path != "status")

    def store(self, s3: Any = None) -> LakeStore:
        """Return the bucket, whose leases age by the simulated time."""
        return LakeStore(s3 or self.s3, self.bucket, clock=lambda: datetime.now(UTC) + (self.time.now() - STARTED))

    def api(self, seconds: float = float("inf"), budget: int | None = None) -> FootballApi:
        """Return a client that has `seconds` of simulated time."""
        ends = self.time.seconds + seconds
        return FootballApi(
            self.base,
            "key",
            lambda: ends - self.time.seconds,
            self.time.advance,
            lambda: self.time.seconds,
            budget,
        )

    def fixtures(self, season: Season, window: Window | None = None, s3: Any = None) -> dict[str, Any]:
        """Invoke etlGetFixtures once for a season or window."""
        api = self.api(LAMBDA_SECONDS["fixtures"] - 3)
        return etl_get_fixtures.fetch_fixtures(self.store(s3), api, season, window)

    def statistics(self, key: str, s3: Any = None, **times: datetime) -> dict[str, Any]:
        """Invoke etlGetStatistics once for a raw fixtures file."""
        api = self.api(LAMBDA_SECONDS["statistics"] - 3)
        return ingest_statistics(self.store(s3), api, key, **times)

    def ingest(self, season: Season, window: Window | None = None) -> list[str]:
        """Ingest fixtures and statistics in as many invocations and days as it takes. Return why each stopped."""
        stops: list[str] = []
        while stopped := self.fixtures(season, window)["stopped"]:
            self._wait(stopped, stops)
        while stopped := self.statistics(s3_keys.raw_fixtures(season, window))["stopped"]:
            self._wait(stopped, stops)
        return stops

    def _wait(self, stopped: str, stops: list[str]) -> None:
        stops.append(stopped)
        if stopped == "QuotaSpent":
            self.time.advance_to_next_day()
        elif stopped == "Busy":  # in real time, in which the other invocation runs
            self._patience.wait(0.02)
        else:
            self.time.advance(20)

    def rows(self, prefix: str) -> list[dict[str, str]]:
        """Return every row of a data set."""
        return [row for key in self.keys(prefix) for row in csv.DictReader(io.StringIO(self.text(key)))]

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys below a prefix."""
        return sorted(self.store().list_objects(prefix))

    def text(self, key: str) -> str:
        """Return the text of an object; empty if it does not exist."""
        return self.store().get(key) or ""

    def processed(self) -> dict[str, str]:
        """Return the processed data: key → text."""
        return {key: self.text(key) for key in self.keys(s3_keys.PROCESSED)}

    def raw_statistics(self) -> dict[str, Any]:
        """Return the statistics in the raw data by key, whether they were requested by ids or one by one."""
        statistics = {}
        for key in self.keys(s3_keys.RAW_STATISTICS):
            items = json.loads(self.text(key))["response"]
            statistics[key] = items[0]["statistics"] if items and "fixture" in items[0] else items
        return statistics

    def count_lost_and_duplicated(self, ids: set[int]) -> tuple[int, int]:
        """Return how many of these fixtures the processed data lacks, and how many it has twice."""
        lost = duplicated = 0
        for prefix in (s3_keys.FIXTURES, s3_keys.STATISTICS):
            stored = Counter(int(row["idFixture"]) for row in self.rows(prefix))
            lost += len(ids - stored.keys())
            duplicated += sum(number > 1 for number in stored.values())
        return lost, duplicated


@contextmanager
def ingestion_trial(
    s3: Any, source: Any, date: datetime | None = None, plan: ApiPlan = PRO
) -> Iterator[IngestionTrial]:
    """Provide a trial with a new bucket; its football API runs until the end of the block."""
    time = SimulatedTime(date)
    counts = RequestCounts(lambda: time.seconds)
    trials: list[IngestionTrial] = []

    def dispatch(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        trial = trials[0]
        trial.requests_by_path[environ["PATH_INFO"].strip("/")] += 1
        application = create_application(trial.source, time.football_now, trial.plan, counts=counts, rules=trial.rules)
        return application(environ, start_response)

    httpd = create_server(inject_faults(dispatch, lambda: trials[0].behaviour))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    trials.append(IngestionTrial(s3, source, time, plan, f"http://127.0.0.1:{httpd.server_port}"))
    thread.start()
    try:
        yield trials[0]
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class ProcessDied(BaseException):
    """Simulates the death of the process. A BaseException, so that no handler of errors runs."""


class DyingS3Client:
    """An S3 client that makes `calls` calls and dies before, or `after`, the next one."""

    def __init__(self, s3: Any, calls: int, after: bool) -> None:
        self._s3, self._left, self._after = s3, calls, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._s3, name)
        if name == "get_paginator":
            return method

        def call(**arguments: Any) -> Any:
            self._left -= 1
            if self._left < 0 and not (self._after and self._left == -1):
                raise ProcessDied
            answer = method(**arguments)
            if self._left < 0:
                raise ProcessDied
            return answer

        return call
