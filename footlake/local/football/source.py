"""Where the local football API has its football from, and how much of it may be seen at a given time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

from footlake.football.fixtures import MATCH
from footlake.football.statuses import NOT_STARTED, STATUSES
from footlake.lake.s3_keys import Season

Fixture = dict[str, Any]
"""An item of `/fixtures`, in the API's v3 form."""

TeamStatistics = dict[str, Any]
"""An item of `/fixtures/statistics`, in the API's v3 form."""


class Source(Protocol):
    """Leagues as of a time: what lies after `now` (aware) is not started, and nothing of it shows."""

    @property
    def label(self) -> str:
        """What this football is: `simulated league`, or where it was recorded."""

    def seasons(self, now: datetime) -> list[Season]:
        """Every season that there is."""

    def fixtures(self, league: int, season: int, now: datetime) -> list[Fixture]:
        """A season's fixtures in order of their dates; empty if there is no such season."""

    def fixture(self, fixture_id: int, now: datetime) -> Fixture | None:
        """One fixture, or None if there is none of that id."""

    def statistics(self, fixture_id: int, now: datetime) -> list[TeamStatistics]:
        """Both teams' statistics, home first; empty before the match is over."""


def is_finished(kickoff: datetime, now: datetime) -> bool:
    """Whether a match that began at `kickoff` is finished."""
    return kickoff + MATCH <= now


def kickoff_time(fixture: Fixture) -> datetime:
    """When a fixture begins, as an aware UTC time."""
    return datetime.fromisoformat(fixture["fixture"]["date"]).astimezone(UTC)


def kickoff_fields(kickoff: datetime) -> dict[str, Any]:
    """The two fields that tell a kick-off."""
    return {"date": kickoff.isoformat(), "timestamp": int(kickoff.timestamp())}


def as_not_played(fixture: Fixture, kickoff: datetime, status: str = NOT_STARTED) -> Fixture:
    """The fixture as it looked before it was played: a date, a status, and nothing of what came of it."""
    none = {"home": None, "away": None}
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
        "goals": none,
        "score": dict.fromkeys(("halftime", "fulltime", "extratime", "penalty"), none),
    }
