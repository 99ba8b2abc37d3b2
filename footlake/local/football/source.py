"""The interface of the local football API's data sources, and the helpers that recordings and simulator share."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any, NamedTuple, Protocol

from footlake.football.fixtures import MATCH_DURATION
from footlake.football.statuses import NOT_STARTED, STATUSES
from footlake.lake.s3_keys import Season

Fixture = dict[str, Any]
"""An item of `/fixtures`, in the API's v3 form."""

TeamStatistics = dict[str, Any]
"""An item of `/fixtures/statistics`, in the API's v3 form."""


class Source(Protocol):
    """Leagues as of a time `now` (aware): a match that ends later is not started, and its result is not visible."""

    @property
    def label(self) -> str:
        """Where the data comes from: `simulated league`, or the folder of the recordings."""

    def seasons(self, now: datetime) -> list[Season]:
        """Return all seasons of all leagues."""

    def fixtures(self, league: int, season: int, now: datetime) -> list[Fixture]:
        """Return a season's fixtures in order of their dates; empty if the season does not exist."""

    def fixture(self, fixture_id: int, now: datetime) -> Fixture | None:
        """Return a fixture, or None if it does not exist."""

    def statistics(self, fixture_id: int, now: datetime) -> list[TeamStatistics]:
        """Return both teams' statistics, home first; empty before the match is finished."""


class Announcement(NamedTuple):
    """The kick-off and status of a match that has not been played, as known from `since` on."""

    since: datetime
    kickoff: datetime
    status: str = NOT_STARTED


def latest_announcement(announcements: Sequence[Announcement], now: datetime) -> Announcement | None:
    """Return what is known at `now`, from announcements in order of time; None before the first."""
    return next((announcement for announcement in reversed(announcements) if announcement.since <= now), None)


def is_finished(kickoff: datetime, now: datetime) -> bool:
    """Return whether a match that began at `kickoff` is finished."""
    return kickoff + MATCH_DURATION <= now


UNDATED = datetime(1900, 1, 1, tzinfo=UTC)
"""The kick-off of a fixture whose date is null: it is served as recorded, and in no date range."""


def kickoff_time(fixture: Fixture) -> datetime:
    """Return a fixture's kick-off as an aware UTC time, UNDATED if its date is null."""
    date = fixture["fixture"]["date"]
    return UNDATED if date is None else datetime.fromisoformat(date).astimezone(UTC)


def kickoff_fields(kickoff: datetime) -> dict[str, Any]:
    """Return the two fields of a fixture that contain the kick-off."""
    if kickoff == UNDATED:
        return {"date": None, "timestamp": None}
    return {"date": kickoff.isoformat(), "timestamp": int(kickoff.timestamp())}


def as_not_played(fixture: Fixture, kickoff: datetime, status: str = NOT_STARTED) -> Fixture:
    """Return the fixture as the API shows it before it is played: date and status, and no result."""
    no_goals = {"home": None, "away": None}
    return {
        "fixture": fixture["fixture"]
        | kickoff_fields(kickoff)
        | {
            "referee": None,
            "timezone": "UTC",
            "periods": {"first": None, "second": None},
            "status": {"long": STATUSES[status].text, "short": status, "elapsed": None, "extra": None},
        },
        "league": fixture["league"],
        "teams": {side: team | {"winner": None} for side, team in fixture["teams"].items()},
        "goals": no_goals,
        "score": dict.fromkeys(("halftime", "fulltime", "extratime", "penalty"), no_goals),
    }


class CodedTeam(NamedTuple):
    """A team with its id in the API and its three-letter code."""

    id: int
    code: str
    name: str


def read_team_codes() -> Iterator[CodedTeam]:
    """Yield the teams of the original walk-through's teamcodes.csv: the Premier League of 2020/21."""
    text = resources.files("footlake").joinpath("data/teamcodes.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield CodedTeam(int(row["idTeam"]), row["code"], row["name"])
