"""Replay recorded seasons as the API would have answered at any time during them.

The folder holds recorded responses in JSON files of any name: `/fixtures` (of finished seasons), `/standings`,
`/fixtures/statistics`, or an object that maps fixture ids to the latter. Its subfolder `snapshots` may hold `/fixtures`
responses of a certain day, in files such as `fixtures-asof-2020-09-17.json`; they provide the dates known at the time.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from footlake.errors import FootlakeError
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
        """Return the recorded standings, None if there are none or a recorded result is not known yet at `now`."""
        recorded = self._recorded.standings.get(Season(league, season))
        fixtures = (self._fixtures[fixture_id] for fixture_id in self._seasons.get(Season(league, season), ()))
        played = [fixture for fixture in fixtures if fixture["goals"]["home"] is not None]
        return recorded if all(is_finished(kickoff_time(fixture), now) for fixture in played) else None

    def _as_of(self, recorded: Fixture, now: datetime) -> Fixture:
        final = kickoff_time(recorded)
        if is_finished(final, now):
            return recorded
        announced = latest_announcement(self._snapshots.get(recorded["fixture"]["id"], []), now)
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
    def _snapshots(self) -> dict[int, list[Announcement]]:
        """The announcements about each fixture, in order of time.

        A snapshot is valid from the beginning of its day (UTC). It may have been taken later that day, but its dates
        were announced before. It may already contain results, which are ignored.
        """
        announcements: dict[int, list[Announcement]] = defaultdict(list)
        for path in (self.folder / "snapshots").glob("*.json"):
            with _naming_file(path):
                body, since = json.loads(path.read_bytes()), _snapshot_day(path)
                for fixture_id, fixture in _fixtures_by_id(body).items():
                    status = fixture["fixture"]["status"]["short"]
                    announcements[fixture_id].append(Announcement(since, kickoff_time(fixture), status))
        return {fixture_id: sorted(history) for fixture_id, history in announcements.items()}


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
