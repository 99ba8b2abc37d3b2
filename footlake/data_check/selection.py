"""Select the fixtures to check: by id, by team, or by week."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from footlake.data_check.records import CheckedFixture
from footlake.football.names import fold, fold_club
from footlake.lake.s3_keys import Window

Selection = Callable[[CheckedFixture], bool]


def by_id(fixture_id: int) -> Selection:
    """Select one fixture."""
    return lambda fixture: fixture.id == fixture_id


def by_week(day: date) -> Selection:
    """Select the fixtures of the weekly run on a day, by their kick-offs (UTC)."""
    window = Window.of_week(day)
    return lambda fixture: fixture.kickoff is not None and window.first <= fixture.kickoff.date() <= window.last


def by_team(name: str, fixtures: Iterable[CheckedFixture]) -> Selection | None:
    """Select the fixtures of the teams with this name, or with this text in their name if no team has the name.

    Case, accents and words for "club" do not matter. Returns None if no team has such a name.
    """
    names = {team.id: team.name for fixture in fixtures for team in (fixture.home, fixture.away) if team}
    matches: tuple[Callable[[str], bool], ...] = (
        lambda team: fold(team) == fold(name),
        lambda team: fold_club(team) == fold_club(name),
        lambda team: fold(name) in fold(team),
    )
    for is_match in matches:
        if ids := {team_id for team_id, team in names.items() if is_match(team)}:
            return lambda fixture: any(team is not None and team.id in ids for team in (fixture.home, fixture.away))
    return None
