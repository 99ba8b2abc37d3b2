"""Fetch match statistics for the fixtures in a raw fixtures file.

Decides which fixtures to request (see RefetchPolicy), stores each response, and updates the statistics tables.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from footlake.football.api import BadParameter, FootballApi, OutOfTime, QuotaSpent, Unavailable, UnexpectedBody
from footlake.football.batching import BatchFetcher, FixtureResponse
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.statistics import MatchStatistics, parse_statistics
from footlake.handlers.fetch_history import FetchHistory, RefetchPolicy, quality_of
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import COMPLETE, INCONSISTENT, MISSING, Quality
from footlake.lake.store import Busy, LakeStore, parallel_map
from footlake.lake.tables import merge_rows

# Longer than the function may run: an older lease belongs to an invocation that ended.
LEASE_SECONDS = 95.0
# For how long a refusal of several ids is remembered. Another plan may have as many requests per day.
REFUSAL_LASTS = timedelta(days=1)
# Maximum number of requests per invocation for a fixture whose responses cannot be parsed.
MAX_TRIES = 3
# Number of consecutive failed requests after which the invocation stops.
MAX_CONSECUTIVE_FAILURES = 3


def ingest_statistics(
    store: LakeStore, api: FootballApi, key: str, since: datetime | None = None, refresh: datetime | None = None
) -> dict[str, Any]:
    """Fetch the statistics of the played fixtures in the raw fixtures file `key`.

    `since` and `refresh` are those of RefetchPolicy; `since` defaults to the time of the file. Returns counts and
    fixture ids: of the `played` fixtures, how many were `fetched`, which are `without` complete statistics, which have
    `doubtful` (inconsistent) statistics, which `failed` and why, how many are `remaining`, and why it `stopped`.
    """
    text, parsed, file = store.get(key), s3_keys.parse_raw_fixtures(key), store.head(key)
    if text is None or file is None or parsed is None:
        return IngestResult(key).to_dict()
    fixtures, _ = parse_fixtures(json.loads(text)["response"])
    played = [fixture for fixture in fixtures if fixture.played]
    result = IngestResult(key, (fixture.id for fixture in played))
    if not played:
        return result.to_dict()
    season, _ = parsed
    try:
        with store.lease(s3_keys.season_lease("statistics", season), LEASE_SECONDS):
            ingest = StatisticsIngest(store, api, played, result)
            ingest.run(RefetchPolicy(api.now(), file.modified, since or file.modified, refresh))
    except (Busy, QuotaSpent, OutOfTime, Unavailable) as error:
        result.stopped = type(error).__name__
    return result.to_dict()


class IngestResult:
    """Fixture ids and counts of the ingestion of one raw fixtures file, updated as it proceeds."""

    def __init__(self, key: str, played: Iterable[int] = ()) -> None:
        self.key = key
        self.played = set(played)
        self.usable: set[int] = set()
        self.inconsistent: set[int] = set()
        self.failed: dict[int, str] = {}
        self.remaining = 0
        self.responses = self.fetched = 0
        self.stopped = ""

    def add(self, qualities: dict[int, Quality]) -> None:
        """Count responses, given their qualities by fixture id."""
        usable = {fixture_id for fixture_id, quality in qualities.items() if quality != MISSING}
        self.responses += len(qualities)
        self.fetched += len(usable)
        self.usable |= usable
        self.inconsistent -= {fixture_id for fixture_id, quality in qualities.items() if quality == COMPLETE}
        self.inconsistent |= {fixture_id for fixture_id, quality in qualities.items() if quality == INCONSISTENT}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON result of the Lambda function for this file."""
        return {
            "key": self.key,
            "played": len(self.played),
            "fetched": self.fetched,
            MISSING: sorted(self.played - self.usable),
            INCONSISTENT: sorted(self.inconsistent & self.played),
            "failed": {str(fixture_id): reason for fixture_id, reason in sorted(self.failed.items())},
            "remaining": self.remaining,
            "stopped": self.stopped or ("Unavailable" if self.failed else ""),
            "progress": self.responses,
        }


class StatisticsIngest:
    """An ingestion of the statistics of `played` fixtures that notes its outcome in `result`."""

    def __init__(self, store: LakeStore, api: FootballApi, played: list[Fixture], result: IngestResult) -> None:
        self.store = store
        self.api = api
        self.played = played
        self.result = result
        self.history = FetchHistory(store, played)
        self.queue: deque[Fixture] = deque()
        self.tries: Counter[int] = Counter()
        result.usable, result.inconsistent = self.history.usable, self.history.inconsistent
        result.remaining = len([fixture for fixture in played if fixture.id not in self.history])

    def run(self, policy: RefetchPolicy) -> None:
        """Request the statistics that are due, and store each response before the next request.

        Raises QuotaSpent and OutOfTime; what was stored until then is in `result`.
        """
        due = parallel_map(lambda fixture: self.history.is_due(fixture, policy), self.played)
        requested = [fixture for fixture, is_due in zip(self.played, due, strict=True) if is_due]
        self.queue.extend(sorted(requested, key=lambda fixture: (fixture.id in self.history, fixture.id)))
        fetcher = BatchFetcher(self.api, self._plan_refuses_ids())
        failures = 0
        try:
            while self.queue and failures < MAX_CONSECUTIVE_FAILURES:
                batch = fetcher.next_batch(self.queue)
                try:
                    responses = fetcher.fetch(batch)
                except (Unavailable, BadParameter) as error:
                    failures += 1
                    self.result.failed |= {self.queue.popleft().id: str(error) for _ in batch}
                    continue
                if responses is None:
                    if fetcher.one_by_one:
                        self._note_refused_ids()
                    continue
                failures = 0
                self._process(batch, responses)
        finally:
            self.result.remaining = len(self.queue) + len(self.result.failed)

    def _plan_refuses_ids(self) -> bool:
        """Return whether the current plan, told by its requests per day, refused several ids within REFUSAL_LASTS."""
        noted = json.loads(self.store.get(s3_keys.PLAN) or "{}")
        if "asked" not in noted or noted.get("requests_per_day") != self.api.requests_per_day:
            return False
        return timedelta(0) <= self.api.now() - datetime.fromisoformat(noted["asked"]) < REFUSAL_LASTS

    def _note_refused_ids(self) -> None:
        """Note in the lake that the plan refuses several ids at once."""
        plan = {
            "ids": False,
            "requests_per_day": self.api.requests_per_day,
            "asked": self.api.now().isoformat(),
        }
        self.store.put_if_changed(s3_keys.PLAN, json.dumps(plan))

    def _process(self, batch: list[Fixture], responses: dict[int, FixtureResponse]) -> None:
        """Store the responses of a batch, and queue again or give up the fixtures whose response is invalid.

        A response that is still invalid after the last try is stored as one without statistics.
        """
        self.tries.update(fixture.id for fixture in batch)
        statistics, errors = _parse_responses(batch, responses)
        final = [
            fixture
            for fixture in batch
            if fixture.id in statistics or (fixture.id in responses and self.tries[fixture.id] >= MAX_TRIES)
        ]
        self._store_responses(final, statistics, responses)
        for fixture in batch:
            self.queue.popleft()
            if fixture.id in errors and self.tries[fixture.id] < MAX_TRIES:
                self.queue.append(fixture)
            elif fixture.id in errors:
                self.result.failed[fixture.id] = errors[fixture.id]

    def _store_responses(
        self,
        fixtures: list[Fixture],
        statistics: dict[int, MatchStatistics | None],
        responses: dict[int, FixtureResponse],
    ) -> None:
        """Store rows first and raw responses last, because a raw response shows that its fixture needs no request."""
        qualities = {fixture.id: quality_of(statistics.get(fixture.id)) for fixture in fixtures}
        now = self.api.now()
        self._merge_rows(fixtures, statistics)
        parallel_map(
            lambda fixture: self.history.record(fixture, qualities[fixture.id], responses[fixture.id].envelope, now),
            fixtures,
        )
        self.result.add(qualities)

    def _merge_rows(self, fixtures: list[Fixture], statistics: dict[int, MatchStatistics | None]) -> None:
        """Put the rows of these statistics into the tables of their parts."""
        parts: dict[str, list[MatchStatistics]] = defaultdict(list)
        for fixture in fixtures:
            if found := statistics.get(fixture.id):
                parts[s3_keys.part_of(fixture.season, fixture.id)].append(found)

        def merge(part: str) -> None:
            extended_rows, rows = [match.extended_row for match in parts[part]], [match.row for match in parts[part]]
            extended_key, key = s3_keys.extended(part), s3_keys.statistics(part)
            self.store.update(extended_key, partial(merge_rows, schemas.EXTENDED_COLUMNS, extended_rows))
            self.store.update(key, partial(merge_rows, schemas.STATISTICS_COLUMNS, rows))

        parallel_map(merge, parts)


def _parse_responses(
    batch: list[Fixture], responses: dict[int, FixtureResponse]
) -> tuple[dict[int, MatchStatistics | None], dict[int, str]]:
    """Return the statistics by fixture id (None if missing), and the errors of responses that are invalid."""
    statistics: dict[int, MatchStatistics | None] = {}
    errors = {}
    for fixture in batch:
        try:
            if fixture.id not in responses:
                raise UnexpectedBody(f"The response of API-Football does not contain fixture {fixture.id}.")
            statistics[fixture.id] = parse_statistics(fixture, responses[fixture.id].items)
        except UnexpectedBody as error:
            errors[fixture.id] = str(error)
    return statistics, errors
