"""Which statistics the lake has, what it thought of them, and which are worth another request.

The raw answers are the ledger: a listing tells what there is and when it was last asked for, by S3's clock; an
answer's notes tell when that was by the API's, and how often it was not whole. That its row is there, and of the teams
that the fixture has now, is looked at in the processed data.
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
from footlake.lake.s3_keys import Quality
from footlake.lake.schemas import STATISTICS_COLUMNS
from footlake.lake.store import LakeStore, ObjectInfo, parallel_map

# What finished so recently may still be revised: it is asked for again with new fixtures, else twice a day at most.
RECENT = timedelta(days=8)
RETRY_AFTER = timedelta(hours=12)
# How often in all an answer that was not whole is asked for, once its match is not recent any more.
ASKED_AT_MOST = 5
# Which earlier answers an answer replaces: the newest figures count, but none are no news of those there were.
OUTDONE: dict[Quality, tuple[Quality, ...]] = {"": ("doubtful", "without"), "doubtful": ("", "without"), "without": ()}
_EVER = datetime.min.replace(tzinfo=UTC)


def quality_of(statistics: MatchStatistics | None) -> Quality:
    """What to think of an answer, by the statistics in it."""
    if statistics is None:
        return "without"
    return "doubtful" if statistics.inconsistencies else ""


@dataclass(frozen=True)
class RefetchPolicy:
    """When to ask again: `now` by the API's clock, the others by S3's.

    `fixtures` is when the fixtures were asked for. What was not whole is asked for again unless it was since `since`,
    and everything that was last asked for before `refresh`.
    """

    now: datetime
    fixtures: datetime
    since: datetime
    refresh: datetime | None = None


class FetchHistory:
    """The answers about some fixtures."""

    def __init__(self, store: LakeStore, fixtures: Sequence[Fixture]) -> None:
        self._store = store
        self._answers: dict[int, dict[Quality, datetime]] = defaultdict(dict)
        for season in {fixture.season for fixture in fixtures}:
            for key, modified in store.list_objects(s3_keys.raw_statistics_folder(season)).items():
                if parsed := s3_keys.parse_raw_statistics(key):
                    id, what = parsed
                    self._answers[id][what] = modified
        keys = {s3_keys.statistics(s3_keys.part_of(fixture.season, fixture.id)) for fixture in fixtures}
        tables = parallel_map(lambda key: store.get_rows(key, *STATISTICS_COLUMNS), keys)
        rows = {int(row["idFixture"]): row for table in tables for row in table}
        self._without_row = {
            fixture.id
            for fixture in fixtures
            if (row := rows.get(fixture.id)) is None
            or (row["idHomeTeam"], row["idAwayTeam"]) != (str(fixture.home.id), str(fixture.away.id))
        }

    def __contains__(self, id: int) -> bool:
        return bool(self._answers.get(id))

    @property
    def usable(self) -> set[int]:
        """The fixtures whose statistics the processed data has."""
        return {id for id, answers in self._answers.items() if answers.keys() - {"without"}} - self._without_row

    @property
    def doubtful(self) -> set[int]:
        """The fixtures whose statistics do not add up."""
        return {id for id, answers in self._answers.items() if "doubtful" in answers}

    def is_due(self, fixture: Fixture, round: RefetchPolicy) -> bool:
        """Whether there is a reason to ask for this fixture's statistics."""
        answers = self._answers.get(fixture.id)
        if not answers:
            return True
        asked = max(answers.values())
        if round.refresh is not None and asked <= round.refresh:
            return True
        recent = round.now - fixture.ended < RECENT
        if "without" not in answers and fixture.id in self._without_row:  # lost since, or of other teams
            return True
        if answers.keys() == {""}:
            return recent and (asked < round.fixtures or round.now - self._asked_at(fixture) >= RETRY_AFTER)
        return asked < round.since and (recent or self._times(fixture) < ASKED_AT_MOST)

    def record(self, fixture: Fixture, what: Quality, envelope: dict[str, object], now: datetime) -> None:
        """Note an answer, and forget those that it replaces. Its rows must be in the processed data already."""
        notes = {"asked": now.isoformat()}
        if what:
            notes["times"] = str(self._times(fixture) + 1)
        self._store.overwrite(s3_keys.raw_statistics(fixture.season, fixture.id, what), json.dumps(envelope), **notes)
        old = [one for one in OUTDONE[what] if one in self._answers.get(fixture.id, {})]
        self._store.delete([s3_keys.raw_statistics(fixture.season, fixture.id, one) for one in old])

    def _asked_at(self, fixture: Fixture) -> datetime:
        """When it was last asked for, by the API's clock."""
        latest = self._latest(fixture)
        return datetime.fromisoformat(latest.metadata["asked"]) if latest and "asked" in latest.metadata else _EVER

    def _times(self, fixture: Fixture) -> int:
        """How often in a row an answer was not whole."""
        latest = self._latest(fixture)
        return int(latest.metadata.get("times", 0)) if latest else 0

    def _latest(self, fixture: Fixture) -> ObjectInfo | None:
        answers = self._answers.get(fixture.id)
        if not answers:
            return None
        what = max(answers, key=lambda one: (answers[one], one))
        return self._store.head(s3_keys.raw_statistics(fixture.season, fixture.id, what))
