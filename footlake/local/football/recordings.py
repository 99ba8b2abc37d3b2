"""Replay recorded seasons as the API would have answered at any time during them.

The folder holds recorded responses in JSON files of any name: `/fixtures` (of finished seasons), `/standings`,
`/fixtures/statistics`, or an object that maps fixture ids to the latter. Its subfolder `snapshots` may hold `/fixtures`
responses of a certain day, in files such as `fixtures-asof-2020-09-17.json`; they provide the dates known at the time.
It may also hold `/standings` responses of a certain day.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from footlake.errors import FootlakeError
from footlake.football.fixtures import MATCH_DURATION
from footlake.football.statuses import NOT_STARTED
from footlake.lake.s3_keys import Season
from footlake.local.football.source import (
    Announcement,
    Fixture,
    TeamStatistics,
    as_not_played,
    is_finished,
    kickoff_time,
    latest_announcement,
)

ON_HOLD = {"PST", "TBD", "CANC"}
"""Statuses of a match that is not played at its date."""


def folder_state(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Return path, size and time of the last change of each recording; different values after a file has changed."""
    state = set()
    for pattern in ("*.json", "snapshots/*.json"):
        for path in folder.glob(pattern):
            with suppress(FileNotFoundError):  # it was removed in the meantime
                stat = path.stat()
                state.add((str(path), stat.st_size, stat.st_mtime_ns))
    return frozenset(state)


class _Recorded(NamedTuple):
    """Fixtures by id, statistics by fixture id, and the responses of `/standings` by season."""

    fixtures: dict[int, Fixture]
    statistics: dict[int, list[TeamStatistics]]
    standings: dict[Season, list[Any]]


class _RecordedStandings(NamedTuple):
    """The response of `/standings` on a day, which begins at `day`."""

    day: datetime
    response: list[Any]


class _Snapshots(NamedTuple):
    """The announcements about each fixture by its id, and the standings of each season."""

    fixtures: dict[int, list[Announcement]]
    standings: dict[Season, list[_RecordedStandings]]


class Recordings:
    """A folder of recordings as a source of the local football API.

    Files are read at the first request. Methods raise FootlakeError with the path of a file that cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def label(self) -> str:
        """The folder of the recordings."""
        return f"recordings from {self.folder}"

    def seasons(self, now: datetime) -> list[Season]:
        """Return all recorded seasons, whatever `now` is."""
        return sorted(self._seasons)

    def fixtures(self, league: int, season: int, now: datetime) -> list[Fixture]:
        """Return the season's fixtures as of `now`, in order of the dates known then."""
        ids = self._seasons.get(Season(league, season), [])
        return sorted((self._as_of(self._fixtures[fixture_id], now) for fixture_id in ids), key=kickoff_time)

    def fixture(self, fixture_id: int, now: datetime) -> Fixture | None:
        """Return the fixture as of `now`, or None if it was not recorded."""
        recorded = self._fixtures.get(fixture_id)
        return recorded and self._as_of(recorded, now)

    def statistics(self, fixture_id: int, now: datetime) -> list[TeamStatistics]:
        """Return the statistics of a finished match as recorded, even if they are incomplete."""
        recorded = self._fixtures.get(fixture_id)
        if not recorded or not is_finished(kickoff_time(recorded), now):
            return []
        return self._statistics.get(fixture_id, [])

    def standings(self, league: int, season: int, now: datetime) -> list[Any] | None:
        """Return the recorded response that counts the matches finished at `now`, or None.

        The newest one counts all recorded results. One from a snapshot was taken at an unknown time of its day. If no
        match ended on that day, it is valid until the next match ends.
        """
        key = Season(league, season)
        fixtures = (self._fixtures[fixture_id] for fixture_id in self._seasons.get(key, ()))
        ends = [kickoff_time(one) + MATCH_DURATION for one in fixtures if one["goals"]["home"] is not None]
        if key in self._recorded.standings and all(end <= now for end in ends):
            return self._recorded.standings[key]

        def is_valid(day: datetime) -> bool:
            until = max(now, day + timedelta(days=1))
            return day <= now and not any(day <= end <= until for end in ends)

        snapshots = reversed(self._snapshots.standings.get(key, []))
        return next((snapshot.response for snapshot in snapshots if is_valid(snapshot.day)), None)

    def _as_of(self, recorded: Fixture, now: datetime) -> Fixture:
        final = kickoff_time(recorded)
        if is_finished(final, now):
            return recorded
        announced = latest_announcement(self._snapshots.fixtures.get(recorded["fixture"]["id"], []), now)
        if announced and announced.status in ON_HOLD:
            return as_not_played(recorded, announced.kickoff, announced.status)
        if announced and announced.kickoff > now:
            return as_not_played(recorded, announced.kickoff)
        # No snapshot exists yet, or the announced date has passed: then the match was moved to its final date.
        return as_not_played(recorded, final)

    @cached_property
    def _seasons(self) -> dict[Season, list[int]]:
        """The fixture ids of each season, in recorded order."""
        seasons: dict[Season, list[int]] = defaultdict(list)
        for fixture_id, fixture in self._fixtures.items():
            seasons[Season(fixture["league"]["id"], fixture["league"]["season"])].append(fixture_id)
        return dict(seasons)

    @property
    def _fixtures(self) -> dict[int, Fixture]:
        return self._recorded.fixtures

    @property
    def _statistics(self) -> dict[int, list[TeamStatistics]]:
        return self._recorded.statistics

    @cached_property
    def _recorded(self) -> _Recorded:
        """The content of all files."""
        fixtures: dict[int, Fixture] = {}
        statistics: dict[int, list[TeamStatistics]] = {}
        standings: dict[Season, list[Any]] = {}
        for path in sorted(self.folder.glob("*.json")):
            with _naming_file(path):
                body = json.loads(path.read_bytes())
                match body.get("get"):
                    case "fixtures":
                        fixtures.update(_fixtures_by_id(body))
                    case "standings":
                        standings[_standings_season(body)] = body["response"]
                    case "fixtures/statistics":
                        statistics[int(body["parameters"]["fixture"])] = body["response"]
                    case None:
                        statistics.update((int(key), recorded["response"]) for key, recorded in body.items())
        if not fixtures:
            raise FootlakeError(
                f"No recorded fixtures in {self.folder}.",
                "Set FOOTLAKE_RECORDINGS to a folder with recorded /fixtures responses.",
            )
        return _Recorded(fixtures, statistics, standings)

    @cached_property
    def _snapshots(self) -> _Snapshots:
        """The content of all snapshots, in order of time.

        A snapshot is valid from the beginning of its day (UTC). It may have been taken later that day, but its dates
        were announced before. It may already contain results, which are ignored.
        """
        fixtures: dict[int, list[Announcement]] = defaultdict(list)
        standings: dict[Season, list[_RecordedStandings]] = defaultdict(list)
        for path in (self.folder / "snapshots").glob("*.json"):
            with _naming_file(path):
                body, since = json.loads(path.read_bytes()), _snapshot_day(path)
                if body.get("get") == "standings":
                    standings[_standings_season(body)].append(_RecordedStandings(since, body["response"]))
                    continue
                for fixture_id, fixture in _fixtures_by_id(body).items():
                    status = fixture["fixture"]["status"]["short"]
                    fixtures[fixture_id].append(Announcement(since, kickoff_time(fixture), status))
        for history in standings.values():
            history.sort(key=attrgetter("day"))
        return _Snapshots({fixture_id: sorted(history) for fixture_id, history in fixtures.items()}, dict(standings))


@contextmanager
def _naming_file(path: Path) -> Iterator[None]:
    """Translate errors of reading and interpreting a file into a FootlakeError with its path."""
    try:
        yield
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except json.JSONDecodeError as error:
        raise _unusable(path, f"it is not JSON ({error})") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unusable(path, f"it is not a recorded response ({error!r})") from error


def _unusable(path: Path, reason: str) -> FootlakeError:
    return FootlakeError(f"Cannot use the recording {path}: {reason}.", "Record it again or remove it.")


def _fixtures_by_id(body: Any) -> dict[int, Fixture]:
    """Return the fixtures of a recorded response. Raises an error if one lacks a field that is read later."""
    if body["errors"]:
        raise ValueError(f"the response has errors: {body['errors']}")
    fixtures = {fixture["fixture"]["id"]: fixture for fixture in body["response"]}
    for fixture in fixtures.values():
        Season(int(fixture["league"]["id"]), int(fixture["league"]["season"]))
        kickoff_time(fixture)
        as_not_played(fixture, kickoff_time(fixture), NOT_STARTED)
    return fixtures


def _standings_season(body: Any) -> Season:
    """Return the season of a recorded response of `/standings`. Raises an error if it has errors or no list."""
    if body["errors"] or not isinstance(body["response"], list):
        raise ValueError(f"the response has errors or no list: {body['errors']}")
    source = body["parameters"] or {}
    if "league" not in source or "season" not in source:
        league = body["response"][0]["league"]
        return Season(int(league["id"]), int(league["season"]))
    return Season(int(source["league"]), int(source["season"]))


def _snapshot_day(path: Path) -> datetime:
    match = re.search(r"asof-(\d{4}-\d\d-\d\d)", path.name)
    if not match:
        raise ValueError("the file name of a snapshot must contain its date, such as fixtures-asof-2020-09-17.json")
    return datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
