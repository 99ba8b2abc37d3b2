"""Parse fixtures from API responses into rows of the fixtures table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from footlake.football import values
from footlake.football.api import UnexpectedBody
from footlake.football.names import decode_name
from footlake.football.statuses import find_status, normalise_status
from footlake.lake.s3_keys import Season
from footlake.lake.schemas import FIXTURE_COLUMNS

# Assumed time from kick-off to the end of a match.
MATCH_DURATION = timedelta(hours=2)


@dataclass(frozen=True)
class FixtureTeam:
    """A team of a fixture, with the API's id."""

    id: int
    name: str


@dataclass(frozen=True)
class Fixture:
    """A fixture.

    `status` is the API's short form in its usual spelling; an unknown one is kept unchanged. `kickoff` is in UTC, goals
    are None until there is a result, `round` is None if the API does not name it.
    """

    id: int
    season: Season
    status: str
    kickoff: datetime
    home: FixtureTeam
    away: FixtureTeam
    goals_home: int | None
    goals_away: int | None
    round: str | None

    @property
    def played(self) -> bool:
        """Whether the match ended with a result on the pitch, so that it has statistics."""
        return find_status(self.status).result == "played"

    @property
    def ended(self) -> datetime:
        """Assumed end of the match, if it was played."""
        return self.kickoff + MATCH_DURATION

    @property
    def row(self) -> dict[str, str]:
        """The row of the fixtures CSV: date and time in UTC; missing goals and a missing round are empty."""
        date, _, time = self.kickoff.isoformat().partition("T")
        cells = (
            self.id,
            find_status(self.status).text,
            date,
            time[:5],
            self.home.id,
            self.away.id,
            self.goals_home,
            self.goals_away,
            self.round,
        )
        return {
            column: "" if value is None else str(value) for column, value in zip(FIXTURE_COLUMNS, cells, strict=True)
        }


def parse_fixtures(items: Iterable[Any]) -> tuple[list[Fixture], list[str]]:
    """Return the fixtures of a v3 `/fixtures` response list, and an error for each item that cannot be parsed.

    An undecided fixture is neither, see `is_undecided`.
    """
    fixtures, broken = [], []
    for item in items:
        try:
            fixtures.append(parse_fixture(item))
        except UnexpectedBody as error:
            if not is_undecided(item):
                broken.append(str(error))
    return fixtures, broken


def is_undecided(item: Any) -> bool:
    """Return whether an item is a match that has not been played and whose teams are not known yet.

    Before a draw, the API gives a team as null, without an id, or the same placeholder for both.
    """
    try:
        teams = item["teams"] or {}
        ids = [(teams.get(side) or {}).get("id") or None for side in ("home", "away")]
        has_result = find_status(parse_status(item["fixture"])).result is not None
        return (None in ids or ids[0] == ids[1]) and find_item_id(item) is not None and not has_result
    except (LookupError, TypeError, AttributeError):
        return False


def parse_status(fixture: Mapping[str, Any]) -> str:
    """Return the status of a v3 `fixture` object in its short form; an unknown one unchanged, or "missing".

    The long form is used only without the short one, because the API says "Match Finished" of several statuses.
    """
    status = fixture.get("status")
    for name in ("short", "long"):
        with suppress(TypeError, ValueError, AttributeError):
            return normalise_status(values.parse_text(status.get(name)))  # type: ignore[union-attr]
    return "missing"


def find_item_id(item: Any) -> int | None:
    """Return the fixture id of an item of a v3 `/fixtures` response, or None if it has none."""
    try:
        return values.parse_id(item["fixture"]["id"])
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def find_item_season(item: Any) -> Season | None:
    """Return the season of an item of a v3 `/fixtures` response, or None if it does not name it."""
    try:
        league = item["league"]
        return Season(values.parse_id(league["id"]), values.parse_integer(league["season"], 1800, 2200))
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def parse_fixture(item: Any) -> Fixture:
    """Parse an item of a v3 `/fixtures` response. Raises UnexpectedBody if it lacks a required value."""
    try:
        fixture, league, teams, goals = item["fixture"], item["league"], item["teams"], item["goals"]
        home, away = _parse_team(teams["home"]), _parse_team(teams["away"])
        if home.id == away.id:
            raise ValueError(f"team {home.id} is both the home and the away team")
        parsed = Fixture(
            id=values.parse_id(fixture["id"]),
            season=Season(values.parse_id(league["id"]), values.parse_integer(league["season"], 1800, 2200)),
            status=parse_status(fixture),
            kickoff=values.parse_timestamp(fixture["date"]),
            home=home,
            away=away,
            goals_home=_parse_goals(goals["home"]),
            goals_away=_parse_goals(goals["away"]),
            round=_parse_round(league.get("round")),
        )
        if parsed.played and None in (parsed.goals_home, parsed.goals_away):
            raise ValueError(f"the match was played, but its goals are {parsed.goals_home} and {parsed.goals_away}")
        return parsed
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        label = _describe_fixture(item)
        raise UnexpectedBody(f"{label} does not have the documented form ({type(error).__name__}: {error}).") from None


def _describe_fixture(item: Any) -> str:
    fixture_id = find_item_id(item)
    return "A fixture without an id" if fixture_id is None else f"Fixture {fixture_id}"


def _parse_team(team: Mapping[str, Any]) -> FixtureTeam:
    return FixtureTeam(values.parse_id(team["id"]), decode_name(team["name"]))


def _parse_goals(value: Any) -> int | None:
    return None if value is None else values.parse_count(value)


def _parse_round(value: Any) -> str | None:
    """Return the name of the round. An invalid one is None, because the fixture is useful without it."""
    try:
        return decode_name(value)
    except (TypeError, ValueError):
        return None
