"""Match statistics: read by their type, because their order and number vary from season to season."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from footlake.football import values
from footlake.football.api import UnexpectedBody
from footlake.football.fixtures import Fixture
from footlake.lake.schemas import EXTENDED_COLUMNS, STATISTICS_COLUMNS

SHOTS_ON_GOAL = "Shots on Goal"
SHOTS_INSIDE_BOX = "Shots insidebox"
TOTAL_SHOTS = "Total Shots"
BALL_POSSESSION = "Ball Possession"
COUNTS = (SHOTS_ON_GOAL, SHOTS_INSIDE_BOX, TOTAL_SHOTS)
# What has to add up to the total shots, where all of it is told.
SHOTS_BY_END = (SHOTS_ON_GOAL, "Shots off Goal", "Blocked Shots")
SHOTS_BY_PLACE = (SHOTS_INSIDE_BOX, "Shots outsidebox")
PASSES, PASSES_ACCURATE = "Total passes", "Passes accurate"
# Percentages are rounded, each for itself.
POSSESSION_TOGETHER = range(98, 103)

# In the order of layout.EXTENDED_NAMES; not every season has all of them.
EXTENDED_COUNTS = (
    "Shots off Goal",
    "Blocked Shots",
    "Shots outsidebox",
    "Fouls",
    "Corner Kicks",
    "Offsides",
    "Yellow Cards",
    "Red Cards",
    "Goalkeeper Saves",
    PASSES,
    PASSES_ACCURATE,
)
# Of a side that played, none of these is zero: without a value they are unknown.
NEVER_ZERO = (PASSES, PASSES_ACCURATE)
PASSES_PERCENT = "Passes %"
EXPECTED_GOALS = "expected_goals"


@dataclass(frozen=True)
class TeamStatistics:
    """One side's statistics: counts, and possession in per cent.

    `further` are the values of layout.EXTENDED_NAMES as text, empty where the season does not have them.
    """

    team_id: int
    shots_on_goal: int
    shots_inside_box: int
    total_shots: int
    ball_possession: int
    extended: tuple[str, ...]


@dataclass(frozen=True)
class MatchStatistics:
    """Both sides of one fixture. With `doubts`, what else is told does not agree with itself."""

    fixture_id: int
    home: TeamStatistics
    away: TeamStatistics
    inconsistencies: tuple[str, ...] = ()

    @property
    def row(self) -> dict[str, str]:
        """The row of the statistics CSV."""
        home, away = self.home, self.away
        cells = (
            self.fixture_id,
            home.team_id,
            away.team_id,
            home.shots_on_goal,
            away.shots_on_goal,
            home.shots_inside_box,
            away.shots_inside_box,
            home.total_shots,
            away.total_shots,
            home.ball_possession,
            away.ball_possession,
        )
        return {column: str(value) for column, value in zip(STATISTICS_COLUMNS, cells, strict=True)}

    @property
    def extended_row(self) -> dict[str, str]:
        """The row of the CSV of further statistics."""
        pairs = (value for pair in zip(self.home.extended, self.away.extended, strict=True) for value in pair)
        cells = (str(self.fixture_id), str(self.home.team_id), str(self.away.team_id), *pairs)
        return dict(zip(EXTENDED_COLUMNS, cells, strict=True))


def parse_statistics(fixture: Fixture, items: Any) -> MatchStatistics | None:
    """The statistics of a fixture from a v3 statistics list.

    None when they are not there (yet): an empty list, one side only, a side of which a shot count is not even named,
    or all are without a value in both sides, or in one of which no other count is told either; shots whose ends or
    places are not told; an unknown possession; figures that no match can have. A named count without a value beside
    others means zero, as an independent source shows. UnexpectedBody when the list is not of the API's form.
    """
    if not isinstance(items, list):
        raise UnexpectedBody(f"The statistics of fixture {fixture.id} are not a list.")
    sides: dict[int, dict[str, Any]] = {}
    try:
        for item in items:
            sides[values.parse_id(item["team"]["id"])] = {str(one["type"]): one["value"] for one in item["statistics"]}
        home, away = sides.get(fixture.home.id), sides.get(fixture.away.id)
        if home is None or away is None:
            return None
        possession_home, possession_away = _possessions(home, away)
        if possession_home is None or possession_away is None:
            return None
        if any(kind not in side for side in (home, away) for kind in COUNTS) or not _tell(home, away):
            return None
        statistics = MatchStatistics(
            fixture.id,
            _side(fixture.home.id, home, possession_home),
            _side(fixture.away.id, away, possession_away),
            (*_doubts(home), *_doubts(away)),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UnexpectedBody(
            f"The statistics of fixture {fixture.id} lack what the API promises ({type(error).__name__}: {error})."
        ) from None
    return statistics if _possible(statistics) else None


def _tell(*sides: Mapping[str, Any]) -> bool:
    """Whether shots without a value can be taken for none: somebody has counted, and told where they went."""

    def counted(side: Mapping[str, Any], kinds: Iterable[str]) -> bool:
        return any(side.get(kind) is not None for kind in kinds)

    return (
        any(counted(side, COUNTS) for side in sides)
        and all(counted(side, (*COUNTS, *EXTENDED_COUNTS)) for side in sides)
        and all(
            counted(side, kinds)
            for side in sides
            for kinds in (SHOTS_BY_END, SHOTS_BY_PLACE)
            if all(kind in side for kind in kinds) and _count(side[TOTAL_SHOTS])
        )
    )


def _side(team: int, given: Mapping[str, Any], possession: int) -> TeamStatistics:
    on_goal, inside_box, total = (_count(given[kind]) for kind in COUNTS)
    return TeamStatistics(team, on_goal, inside_box, total, possession, _further(given))


def _further(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The further statistics as text. One that makes no sense is left empty: a match is not lost for it."""
    told = given.keys() - {kind for kind in NEVER_ZERO if given.get(kind) is None}
    counts = (_text(_count, given[kind]) if kind in told else "" for kind in EXTENDED_COUNTS)
    return (*counts, _text(_percent, given.get(PASSES_PERCENT)), _text(_finite, given.get(EXPECTED_GOALS)))


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
    return 0 if value is None else values.parse_count(value)


def _possible(statistics: MatchStatistics) -> bool:
    sides = (statistics.home, statistics.away)
    possession = sum(side.ball_possession for side in sides)
    return possession in POSSESSION_TOGETHER and all(
        max(side.shots_on_goal, side.shots_inside_box) <= side.total_shots for side in sides
    )


def _doubts(given: Mapping[str, Any]) -> list[str]:
    """What does not agree in one side's statistics; nothing is expected of what is not told."""
    doubts = []
    try:
        for kinds in (SHOTS_BY_END, SHOTS_BY_PLACE):
            if all(kind in given for kind in kinds):
                together, total = sum(_count(given[kind]) for kind in kinds), _count(given[TOTAL_SHOTS])
                if together != total:
                    doubts.append(f"{' + '.join(kinds)} are {together}, {TOTAL_SHOTS} {total}")
        passes, accurate = given.get(PASSES), given.get(PASSES_ACCURATE)
        if passes is not None and accurate is not None and _count(accurate) > _count(passes):
            doubts.append(f"{PASSES_ACCURATE} are {accurate}, {PASSES} {passes}")
    except (TypeError, ValueError, OverflowError) as error:  # of a figure that the lake's tables do not have
        doubts.append(str(error))
    return doubts


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
    return values.parse_integer(round(float(str(value).strip().removesuffix("%"))), 0, 100)
