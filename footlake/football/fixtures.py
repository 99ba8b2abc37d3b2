"""Fixtures: what the API says about them, and the rows that the lake keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from footlake.football.api import UnexpectedBody
from footlake.layout import FIXTURE_COLUMNS, Season

# The API's short statuses of matches whose result stands and whose statistics can be complete.
PLAYED = frozenset({"FT", "AET", "PEN"})


@dataclass(frozen=True)
class Team:
    """A team by the API's id."""

    id: int
    name: str


@dataclass(frozen=True)
class Fixture:
    """One fixture; goals are None until it is played."""

    id: int
    season: Season
    status: str
    status_long: str
    kickoff: datetime
    home: Team
    away: Team
    goals_home: int | None
    goals_away: int | None

    @property
    def played(self) -> bool:
        """Whether it ended with a result on the pitch."""
        return self.status in PLAYED

    @property
    def row(self) -> dict[str, str]:
        """The row of the fixtures CSV: date and time in UTC, goals empty until played."""
        values = (
            self.id,
            self.status_long,
            f"{self.kickoff:%Y-%m-%d}",
            f"{self.kickoff:%H:%M}",
            self.home.id,
            self.away.id,
            self.goals_home,
            self.goals_away,
        )
        return {
            column: "" if value is None else str(value) for column, value in zip(FIXTURE_COLUMNS, values, strict=True)
        }


def parse_fixtures(items: Iterable[Any]) -> tuple[list[Fixture], list[str]]:
    """The fixtures of a v3 `/fixtures` response list, and a sentence for each item that is none.

    One broken item must not cost the others.
    """
    fixtures, broken = [], []
    for item in items:
        try:
            fixtures.append(parse_fixture(item))
        except UnexpectedBody as error:
            broken.append(str(error))
    return fixtures, broken


def parse_fixture(item: Any) -> Fixture:
    """One item of a v3 `/fixtures` response. UnexpectedBody where it lacks what every fixture has."""
    try:
        fixture, league, teams, goals = item["fixture"], item["league"], item["teams"], item["goals"]
        return Fixture(
            id=int(fixture["id"]),
            season=Season(int(league["id"]), int(league["season"])),
            status=str(fixture["status"]["short"]),
            status_long=str(fixture["status"]["long"]),
            kickoff=datetime.fromisoformat(fixture["date"]).astimezone(UTC),
            home=_team(teams["home"]),
            away=_team(teams["away"]),
            goals_home=_count(goals["home"]),
            goals_away=_count(goals["away"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        which = _id(item)
        raise UnexpectedBody(f"{which} lacks what the API promises ({type(error).__name__}: {error}).") from None


def _id(item: Any) -> str:
    try:
        return f"Fixture {int(item['fixture']['id'])}"
    except (KeyError, TypeError, ValueError, OverflowError):
        return "A fixture without an id"


def _team(team: Mapping[str, Any]) -> Team:
    return Team(int(team["id"]), str(team["name"]))


def _count(value: Any) -> int | None:
    return None if value is None else int(value)
