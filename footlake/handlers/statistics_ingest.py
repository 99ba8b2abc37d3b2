"""Letting the statistics follow a raw fixtures file: what to ask for, what came of it, what is kept."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from footlake.football.api import BadParameter, FootballApi, OutOfTime, QuotaSpent, Unavailable, UnexpectedBody
from footlake.football.batching import BatchFetcher, FixtureResponse
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.statistics import MatchStatistics, parse_statistics
from footlake.football.tables import merge_rows
from footlake.handlers.fetch_history import FetchHistory, RefetchPolicy, quality_of
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Quality
from footlake.lake.store import Busy, LakeStore, parallel_map

# Longer than the function may run: a lease older than this belongs to an invocation that is gone.
LEASE_SECONDS = 95.0

# How often a fixture is asked for at once when its answer is not understood.
TRIES = 3
# After so many failures in a row the API is left alone.
FAILURES_IN_A_ROW = 3


def ingest_statistics(
    store: LakeStore, api: FootballApi, key: str, since: datetime | None = None, refresh: datetime | None = None
) -> dict[str, Any]:
    """Let the statistics follow a raw fixtures file. What came of it, as counts and ids:

    of the `played` fixtures so many were `fetched`; those `without` full statistics; those whose statistics are
    `doubtful`; those that `failed`, with the reason; and how many are `remaining`, for which `stopped` says why.
    """
    text, parsed = store.get(key), s3_keys.parse_raw_fixtures(key)
    file = store.head(key)
    if text is None or file is None or parsed is None:
        return IngestResult(key).result()
    fixtures, _ = parse_fixtures(json.loads(text)["response"])
    played = [fixture for fixture in fixtures if fixture.played]
    followed = IngestResult(key, {fixture.id for fixture in played})
    if not played:
        return followed.result()
    try:
        with store.lease(s3_keys.season_lease("statistics", parsed[0]), LEASE_SECONDS):
            _follow(store, api, played, followed, file.modified, since or file.modified, refresh)
    except (Busy, QuotaSpent, OutOfTime, Unavailable) as error:
        followed.stopped = type(error).__name__
    return followed.result()


class IngestResult:
    """What comes of following one file, as it goes."""

    def __init__(self, key: str, played: Iterable[int] = ()) -> None:
        self.key = key
        self.played = set(played)
        self.usable: set[int] = set()
        self.doubtful: set[int] = set()
        self.failed: dict[int, str] = {}
        self.remaining = 0
        self.answered = self.fetched = 0
        self.stopped = ""

    def count(self, verdicts: dict[int, Quality]) -> None:
        """Take in what was thought of some answers."""
        self.answered += len(verdicts)
        self.fetched += sum(verdict != "without" for verdict in verdicts.values())
        self.usable |= {id for id, verdict in verdicts.items() if verdict != "without"}
        self.doubtful -= {id for id, verdict in verdicts.items() if verdict == ""}
        self.doubtful |= {id for id, verdict in verdicts.items() if verdict == "doubtful"}

    def result(self) -> dict[str, Any]:
        """For whoever invoked the function."""
        return {
            "key": self.key,
            "played": len(self.played),
            "fetched": self.fetched,
            "without": sorted(self.played - self.usable),
            "doubtful": sorted(self.doubtful & self.played),
            "failed": {str(id): reason for id, reason in sorted(self.failed.items())},
            "remaining": self.remaining,
            "stopped": self.stopped or ("Unavailable" if self.failed else ""),
            "progress": self.answered,
        }


def _follow(
    store: LakeStore,
    api: FootballApi,
    played: list[Fixture],
    followed: IngestResult,
    asked_fixtures: datetime,
    since: datetime,
    refresh: datetime | None,
) -> None:
    """Ask for what there is a reason to ask for, keeping each answer before the next question."""
    ledger = FetchHistory(store, played)
    followed.usable, followed.doubtful = ledger.usable, ledger.doubtful
    followed.remaining = len([fixture for fixture in played if fixture.id not in ledger])
    round = RefetchPolicy(api.now(), asked_fixtures, since, refresh)
    due = parallel_map(lambda fixture: ledger.is_due(fixture, round), played)
    asked_for = [fixture for fixture, wanted in zip(played, due, strict=True) if wanted]
    left = deque(sorted(asked_for, key=lambda fixture: (fixture.id in ledger, fixture.id)))
    questions = BatchFetcher(api, _ids_are_refused(store, api))
    tries: Counter[int] = Counter()
    failures = 0
    try:
        while left and failures < FAILURES_IN_A_ROW:
            batch = questions.next_batch(left)
            try:
                answers = questions.fetch(batch)
            except (Unavailable, BadParameter) as error:
                failures += 1
                followed.failed |= {left.popleft().id: str(error) for _ in batch}
                continue
            if answers is None:
                if questions.one_by_one:
                    store.put_if_changed(
                        s3_keys.PLAN, json.dumps({"ids": False, "requests_per_day": api.requests_per_day})
                    )
                continue
            failures = 0
            tries.update(fixture.id for fixture in batch)
            wrong = _keep(store, api, batch, answers, ledger, followed, tries)
            for fixture in batch:
                left.popleft()
                if fixture.id in wrong and tries[fixture.id] < TRIES:
                    left.append(fixture)
                elif fixture.id in wrong:
                    followed.failed[fixture.id] = wrong[fixture.id]
    finally:
        followed.remaining = len(left) + len(followed.failed)


def _ids_are_refused(store: LakeStore, api: FootballApi) -> bool:
    """Whether the plan, by its requests per day, is one that has refused to take many ids at once."""
    noted = store.get(s3_keys.PLAN)
    return noted is not None and bool(json.loads(noted)["requests_per_day"] == api.requests_per_day)


def _keep(
    store: LakeStore,
    api: FootballApi,
    batch: list[Fixture],
    answers: dict[int, FixtureResponse],
    ledger: FetchHistory,
    followed: IngestResult,
    tries: Counter[int],
) -> dict[int, str]:
    """Keep what was answered; the fixtures of which nothing was understood, with the reason.

    Rows first, raw answers last: the raw answer is what says that a fixture was asked for. What was not understood at
    the last try counts as without statistics.
    """
    read, wrong = _read(batch, answers)
    final = [f for f in batch if f.id in read or (f.id in answers and tries[f.id] >= TRIES)]
    verdicts = {fixture.id: quality_of(read.get(fixture.id)) for fixture in final}
    parts: dict[str, list[MatchStatistics]] = defaultdict(list)
    for fixture in final:
        if statistics := read.get(fixture.id):
            parts[s3_keys.part_of(fixture.season, fixture.id)].append(statistics)

    def merge(part: str) -> None:
        further, rows = [one.extended_row for one in parts[part]], [one.row for one in parts[part]]
        store.update(s3_keys.extended(part), partial(merge_rows, schemas.EXTENDED_COLUMNS, further))
        store.update(s3_keys.statistics(part), partial(merge_rows, schemas.STATISTICS_COLUMNS, rows))

    def note(fixture: Fixture) -> None:
        ledger.record(fixture, verdicts[fixture.id], answers[fixture.id].envelope, api.now())

    parallel_map(merge, parts)
    parallel_map(note, final)
    followed.count(verdicts)
    return wrong


def _read(
    batch: list[Fixture], answers: dict[int, FixtureResponse]
) -> tuple[dict[int, MatchStatistics | None], dict[int, str]]:
    """The statistics by fixture, None where there are none, and why others could not be read: never guessed."""
    read: dict[int, MatchStatistics | None] = {}
    wrong = {}
    for fixture in batch:
        try:
            if fixture.id not in answers:
                raise UnexpectedBody(f"The answer has nothing of fixture {fixture.id}.")
            read[fixture.id] = parse_statistics(fixture, answers[fixture.id].items)
        except UnexpectedBody as error:
            wrong[fixture.id] = str(error)
    return read, wrong
