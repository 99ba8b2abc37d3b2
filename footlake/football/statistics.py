"""Match statistics: read by their type, because their order and number vary from season to season."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from footlake.football.api import UnexpectedBody
from footlake.football.fixtures import Fixture
from footlake.layout import EXTENDED_COLUMNS, STATISTICS_COLUMNS

SHOTS_ON_GOAL = "Shots on Goal"
SHOTS_INSIDE_BOX = "Shots insidebox"
TOTAL_SHOTS = "Total Shots"
BALL_POSSESSION = "Ball Possession"
COUNTS = (SHOTS_ON_GOAL, SHOTS_INSIDE_BOX, TOTAL_SHOTS)

# In the order of layout.EXTENDED_NAMES; not every season has all of them.
FURTHER_COUNTS = (
    "Shots off Goal",
    "Blocked Shots",
    "Shots outsidebox",
    "Fouls",
    "Corner Kicks",
    "Offsides",
    "Yellow Cards",
    "Red Cards",
    "Goalkeeper Saves",
    "Total passes",
    "Passes accurate",
)
PASSES_PERCENT = "Passes %"
EXPECTED_GOALS = "expected_goals"


@dataclass(frozen=True)
class TeamStatistics:
    """One side's statistics: counts, and possession in per cent.

    `further` are the values of layout.EXTENDED_NAMES as text, empty where the season does not have them.
    """

    team: int
    shots_on_goal: int
    shots_inside_box: int
    total_shots: int
    ball_possession: int
    further: tuple[str, ...]


@dataclass(frozen=True)
class MatchStatistics:
    """Both sides of one fixture."""

    fixture: int
    home: TeamStatistics
    away: TeamStatistics

    @property
    def row(self) -> dict[str, str]:
        """The row of the statistics CSV."""
        home, away = self.home, self.away
        values = (
            self.fixture,
            home.team,
            away.team,
            home.shots_on_goal,
            away.shots_on_goal,
            home.shots_inside_box,
            away.shots_inside_box,
            home.total_shots,
            away.total_shots,
            home.ball_possession,
            away.ball_possession,
        )
        return {column: str(value) for column, value in zip(STATISTICS_COLUMNS, values, strict=True)}

    @property
    def extended_row(self) -> dict[str, str]:
        """The row of the CSV of further statistics."""
        pairs = (value for pair in zip(self.home.further, self.away.further, strict=True) for value in pair)
        values = (str(self.fixture), str(self.home.team), str(self.away.team), *pairs)
        return dict(zip(EXTENDED_COLUMNS, values, strict=True))


def parse_statistics(fixture: Fixture, items: Any) -> MatchStatistics | None:
    """The statistics of a fixture from a v3 statistics list.

    None when they are not there (yet): an empty list, one side only, or a side of which a shot count is not even
    named or the possession is unknown. A named count without a value means zero, as an independent source shows.
    UnexpectedBody when the list is not of the API's form.
    """
    if not isinstance(items, list):
        raise UnexpectedBody(f"The statistics of fixture {fixture.id} are not a list.")
    sides: dict[int, dict[str, Any]] = {}
    try:
        for item in items:
            sides[int(item["team"]["id"])] = {str(one["type"]): one["value"] for one in item["statistics"]}
        home, away = sides.get(fixture.home.id), sides.get(fixture.away.id)
        if home is None or away is None:
            return None
        possession_home, possession_away = _possessions(home, away)
        if possession_home is None or possession_away is None:
            return None
        if any(kind not in side for side in (home, away) for kind in COUNTS):
            return None
        return MatchStatistics(
            fixture.id,
            _side(fixture.home.id, home, possession_home),
            _side(fixture.away.id, away, possession_away),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UnexpectedBody(
            f"The statistics of fixture {fixture.id} lack what the API promises ({type(error).__name__}: {error})."
        ) from None


def _side(team: int, values: Mapping[str, Any], possession: int) -> TeamStatistics:
    on_goal, inside_box, total = (_count(values[kind]) for kind in COUNTS)
    return TeamStatistics(team, on_goal, inside_box, total, possession, _further(values))


def _further(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The further statistics as text. One that makes no sense is left empty: a match is not lost for it."""
    counts = (_text(_count, values[kind]) if kind in values else "" for kind in FURTHER_COUNTS)
    return (*counts, _text(_percent, values.get(PASSES_PERCENT)), _text(_finite, values.get(EXPECTED_GOALS)))


def _text(read: Callable[[Any], float | None], value: Any) -> str:
    try:
        number = read(value)
    except (TypeError, ValueError, OverflowError):
        return ""
    return "" if number is None else str(number)


def _finite(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None


def _count(value: Any) -> int:
    return 0 if value is None else int(value)


def _possessions(home: Mapping[str, Any], away: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Both possessions; where one is missing the other tells it, as they share the match."""
    first, second = (_percent(side.get(BALL_POSSESSION)) for side in (home, away))
    if first is None and second is not None:
        first = 100 - second
    if second is None and first is not None:
        second = 100 - first
    return first, second


def _percent(value: Any) -> int | None:
    """`"64%"` as 64."""
    if value is None:
        return None
    return round(float(str(value).strip().removesuffix("%")))
