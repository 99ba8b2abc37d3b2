"""Recorded seasons, answered as the API would have answered at any time of them.

A folder holds, under any names, recorded responses: `/fixtures` (the seasons as they ended), `/fixtures/statistics`,
or a mapping of fixture ids to the latter. Its folder `snapshots` may hold `/fixtures` responses as the API showed
them on a day, `…asof-2020-09-17.json`: from them come the dates known at the time.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from footlake.errors import FootlakeError
from footlake.football.statuses import NOT_STARTED
from footlake.lake.s3_keys import Season
from footlake.local.football.source import Fixture, TeamStatistics, as_not_played, is_finished, kickoff_time

HELD_BACK = {"PST", "TBD", "CANC"}
"""Statuses under which a match waits although its date may have passed."""


class _Known(NamedTuple):
    """What a snapshot, and so everybody from its day on, knew of a fixture."""

    since: datetime
    kickoff: datetime
    status: str


class Recordings:
    """A folder of recordings, as a source of the local football API.

    Nothing is read before the first question. A file that cannot be used is a FootlakeError that names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def label(self) -> str:
        """Where this football was recorded."""
        return f"recordings from {self.folder}"

    def seasons(self, now: datetime) -> list[Season]:
        """Every recorded season, whatever the time is."""
        return sorted(self._seasons)

    def fixtures(self, league: int, season: int, now: datetime) -> list[Fixture]:
        """The season as of `now`, in order of the dates known then."""
        ids = self._seasons.get(Season(league, season), [])
        return sorted((self._as_of(self._fixtures[one], now) for one in ids), key=kickoff_time)

    def fixture(self, fixture_id: int, now: datetime) -> Fixture | None:
        """The fixture as of `now`, or None if it was not recorded."""
        recorded = self._fixtures.get(fixture_id)
        return recorded and self._as_of(recorded, now)

    def statistics(self, fixture_id: int, now: datetime) -> list[TeamStatistics]:
        """The statistics as recorded, however partial, of a match that is over."""
        recorded = self._fixtures.get(fixture_id)
        if not recorded or not is_finished(kickoff_time(recorded), now):
            return []
        return self._statistics.get(fixture_id, [])

    def _as_of(self, recorded: Fixture, now: datetime) -> Fixture:
        final = kickoff_time(recorded)
        if is_finished(final, now):
            return recorded
        known = self._known(recorded["fixture"]["id"], now)
        if known and known.status in HELD_BACK:
            return as_not_played(recorded, known.kickoff, known.status)
        if known and known.kickoff > now:
            return as_not_played(recorded, known.kickoff)
        # No snapshot yet, or its date went by without the match: it was moved, by then to the date recorded at the end.
        return as_not_played(recorded, final)

    def _known(self, fixture_id: int, now: datetime) -> _Known | None:
        return next((known for known in reversed(self._snapshots.get(fixture_id, [])) if known.since <= now), None)

    @cached_property
    def _seasons(self) -> dict[Season, list[int]]:
        """Each season's fixture ids, in recorded order."""
        seasons: dict[Season, list[int]] = defaultdict(list)
        for one, fixture in self._fixtures.items():
            seasons[Season(fixture["league"]["id"], fixture["league"]["season"])].append(one)
        return dict(seasons)

    @property
    def _fixtures(self) -> dict[int, Fixture]:
        return self._recorded[0]

    @property
    def _statistics(self) -> dict[int, list[TeamStatistics]]:
        return self._recorded[1]

    @cached_property
    def _recorded(self) -> tuple[dict[int, Fixture], dict[int, list[TeamStatistics]]]:
        fixtures: dict[int, Fixture] = {}
        statistics: dict[int, list[TeamStatistics]] = {}

        def take(body: Any) -> None:
            match body.get("get"):
                case "fixtures":
                    fixtures.update(_fixtures(body))
                case "fixtures/statistics":
                    statistics[int(body["parameters"]["fixture"])] = body["response"]
                case None:
                    statistics.update((int(one), answer["response"]) for one, answer in body.items())

        for path in sorted(self.folder.glob("*.json")):
            _read(path, take)
        if not fixtures:
            raise FootlakeError(
                f"There are no recorded fixtures in {self.folder}.",
                "Point FOOTLAKE_RECORDINGS at a folder of recorded /fixtures responses.",
            )
        return fixtures, statistics

    @cached_property
    def _snapshots(self) -> dict[int, list[_Known]]:
        """What was known of each fixture, oldest first.

        A snapshot counts from the first minute of its day (UTC). It may have been taken later that day, but its
        dates had been announced before; and results, which it may hold already, are never taken from it.
        """
        known: dict[int, list[_Known]] = defaultdict(list)

        for path in (self.folder / "snapshots").glob("*.json"):

            def take(body: Any, path: Path = path) -> None:
                since = _as_of_date(path)
                for one, fixture in _fixtures(body).items():
                    known[one].append(_Known(since, kickoff_time(fixture), fixture["fixture"]["status"]["short"]))

            _read(path, take)
        for history in known.values():
            history.sort()
        return dict(known)


def _read(path: Path, take: Callable[[Any], None]) -> None:
    """Hand the parsed file to `take`; whatever is wrong with the file is said with its name."""
    try:
        take(json.loads(path.read_bytes()))
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except json.JSONDecodeError as error:
        raise _unusable(path, f"it is not JSON ({error})") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unusable(path, f"it is not a recorded response ({error!r})") from error


def _unusable(path: Path, reason: str) -> FootlakeError:
    return FootlakeError(f"Cannot use the recording {path}: {reason}.", "Record it again, or take it away.")


def _fixtures(body: Any) -> dict[int, Fixture]:
    """The fixtures of a recorded response by id; refused where a fixture lacks what is read of it later."""
    if body["errors"]:
        raise ValueError(f"the API refused: {body['errors']}")
    fixtures = {fixture["fixture"]["id"]: fixture for fixture in body["response"]}
    for fixture in fixtures.values():
        Season(int(fixture["league"]["id"]), int(fixture["league"]["season"]))
        kickoff_time(fixture)
        as_not_played(fixture, kickoff_time(fixture), NOT_STARTED)
    return fixtures


def _as_of_date(path: Path) -> datetime:
    match = re.search(r"asof-(\d{4}-\d\d-\d\d)", path.name)
    if not match:
        raise ValueError("a snapshot's name tells its day, as in fixtures-asof-2020-09-17.json")
    return datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
