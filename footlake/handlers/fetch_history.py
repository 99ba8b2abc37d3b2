"""Which fixtures' statistics the lake has, of what quality, and which are worth another request.

The raw responses are the history. A listing shows which exist and when they were last written, by the clock of S3. The
metadata of a response has the time of the request by the API's clock, the number of all requests, and the number of
consecutive requests without a complete response. The processed data shows whether a fixture has its row, and for the
teams that it has now.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from footlake.football.fixtures import Fixture
from footlake.football.statistics import MatchStatistics
from footlake.lake import s3_keys
from footlake.lake.s3_keys import COMPLETE, INCONSISTENT, MISSING, Quality
from footlake.lake.schemas import STATISTICS_COLUMNS
from footlake.lake.store import LakeStore, ObjectInfo, parallel_map

# The API may still revise matches that ended this recently. They are requested again when new fixtures arrive, and
# otherwise after RETRY_AFTER. So are incomplete statistics of older matches, but only after RETRY_AFTER.
RECENT = timedelta(days=8)
RETRY_AFTER = timedelta(hours=12)
# Maximum number of requests for a match that is no longer recent, if no response is complete.
MAX_REQUESTS = 5
# The responses that a new response replaces: the newest numbers count, but a response without any replaces none.
REPLACED: dict[Quality, tuple[Quality, ...]] = {
    COMPLETE: (INCONSISTENT, MISSING),
    INCONSISTENT: (COMPLETE, MISSING),
    MISSING: (),
}
_NEVER = datetime.min.replace(tzinfo=UTC)


def quality_of(statistics: MatchStatistics | None) -> Quality:
    """Return the quality of a response, given the statistics that were parsed from it."""
    if statistics is None:
        return MISSING
    return INCONSISTENT if statistics.inconsistencies else COMPLETE


@dataclass(frozen=True)
class RefetchPolicy:
    """When to request statistics again.

    `now` is by the API's clock, the other times are by S3's. `fixtures` is when the fixtures were requested.
    Statistics that are not complete are requested again RETRY_AFTER after the last request, unless that was since
    `since`, and all statistics that were last requested at or before `refresh`.
    """

    now: datetime
    fixtures: datetime
    since: datetime
    refresh: datetime | None = None


class FetchHistory:
    """The statistics responses of some fixtures."""

    def __init__(self, store: LakeStore, fixtures: Sequence[Fixture]) -> None:
        self._store = store
        self._responses: dict[int, dict[Quality, datetime]] = defaultdict(dict)
        for season in {fixture.season for fixture in fixtures}:
            for key, modified in store.list_objects(s3_keys.raw_statistics_folder(season)).items():
                if parsed := s3_keys.parse_raw_statistics(key):
                    fixture_id, quality = parsed
                    self._responses[fixture_id][quality] = modified
        self._without_row = _find_fixtures_without_row(store, fixtures)

    def __contains__(self, fixture_id: int) -> bool:
        """Return whether the fixture's statistics were ever requested."""
        return bool(self._responses.get(fixture_id))

    @property
    def usable(self) -> set[int]:
        """Ids of the fixtures whose statistics are in the processed data."""
        with_statistics = {fixture_id for fixture_id, found in self._responses.items() if found.keys() - {MISSING}}
        return with_statistics - self._without_row

    @property
    def inconsistent(self) -> set[int]:
        """Ids of the fixtures whose statistics contradict each other."""
        return {fixture_id for fixture_id, found in self._responses.items() if INCONSISTENT in found}

    def is_due(self, fixture: Fixture, policy: RefetchPolicy) -> bool:
        """Return whether to request the fixture's statistics."""
        responses = self._responses.get(fixture.id)
        if not responses:
            return True
        requested = max(responses.values())
        if policy.refresh is not None and requested <= policy.refresh:
            return True
        if MISSING not in responses and fixture.id in self._without_row:  # row lost, or of other teams
            return True
        recent = policy.now - fixture.ended < RECENT
        if recent and requested < policy.fixtures:
            return True
        if responses.keys() == {COMPLETE}:
            return recent and self._has_waited(fixture, policy)
        return (
            requested < policy.since
            and self._has_waited(fixture, policy)
            and (recent or self._incomplete_requests(fixture) < MAX_REQUESTS)
        )

    def record(self, fixture: Fixture, quality: Quality, envelope: dict[str, object], now: datetime) -> None:
        """Store a response and delete those that it replaces. Its rows must be in the processed data already."""
        metadata = {"asked": now.isoformat(), "requests": str(requests_of(self._latest(fixture)) + 1)}
        if quality != COMPLETE:
            metadata["times"] = str(self._incomplete_requests(fixture) + 1)
        key = s3_keys.raw_statistics(fixture.season, fixture.id, quality)
        self._store.overwrite(key, json.dumps(envelope), **metadata)
        replaced = [old for old in REPLACED[quality] if old in self._responses.get(fixture.id, {})]
        self._store.delete([s3_keys.raw_statistics(fixture.season, fixture.id, old) for old in replaced])

    def _has_waited(self, fixture: Fixture, policy: RefetchPolicy) -> bool:
        """Return whether the last request is RETRY_AFTER ago, or later than now, by an API whose clock was set back."""
        return not timedelta(0) <= policy.now - self._requested_at(fixture) < RETRY_AFTER

    def _requested_at(self, fixture: Fixture) -> datetime:
        """Return the time of the last request, by the API's clock."""
        latest = self._latest(fixture)
        return datetime.fromisoformat(latest.metadata["asked"]) if latest and "asked" in latest.metadata else _NEVER

    def _incomplete_requests(self, fixture: Fixture) -> int:
        """Return the number of consecutive requests without a complete response."""
        latest = self._latest(fixture)
        return int(latest.metadata.get("times", 0)) if latest else 0

    def _latest(self, fixture: Fixture) -> ObjectInfo | None:
        responses = self._responses.get(fixture.id)
        if not responses:
            return None
        quality = max(responses, key=lambda quality: (responses[quality], quality))
        return self._store.head(s3_keys.raw_statistics(fixture.season, fixture.id, quality))


def requests_of(response: ObjectInfo | None) -> int:
    """Return how often statistics were requested until this response; at least, if an earlier version stored it."""
    if response is None:
        return 0
    return int(response.metadata.get("requests") or response.metadata.get("times") or 1)


def _find_fixtures_without_row(store: LakeStore, fixtures: Sequence[Fixture]) -> set[int]:
    """Return the ids of the fixtures that the statistics table lacks, or has for other teams."""
    keys = {s3_keys.statistics(s3_keys.part_of(fixture.season, fixture.id)) for fixture in fixtures}
    tables = parallel_map(lambda key: store.get_rows(key, *STATISTICS_COLUMNS), keys)
    rows = {(int(row["idFixture"]), row["idHomeTeam"], row["idAwayTeam"]) for table in tables for row in table}
    return {fixture.id for fixture in fixtures if (fixture.id, str(fixture.home.id), str(fixture.away.id)) not in rows}
