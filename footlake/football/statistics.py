"""Parse match statistics from API responses into rows of the statistics tables.

Statistics are identified by their type, because their order and number vary from season to season.
"""

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
REQUIRED_COUNTS = (SHOTS_ON_GOAL, SHOTS_INSIDE_BOX, TOTAL_SHOTS)
# Each of these sums to the total shots, if the API has all of its types.
SHOTS_BY_OUTCOME = (SHOTS_ON_GOAL, "Shots off Goal", "Blocked Shots")
SHOTS_BY_PLACE = (SHOTS_INSIDE_BOX, "Shots outsidebox")
PASSES, PASSES_ACCURATE = "Total passes", "Passes accurate"
# The sum of both possessions, each rounded to a percentage.
POSSESSION_SUMS = range(98, 103)

# In the order of schemas.EXTENDED_NAMES; some seasons lack some of them.
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
# Null means unknown for these types, as a team that played has passes; for other counts it means 0.
NEVER_ZERO = (PASSES, PASSES_ACCURATE)
PASSES_PERCENT = "Passes %"
EXPECTED_GOALS = "expected_goals"

RawStatistics = Mapping[str, Any]
"""The statistics of one team as the API sends them: type → value."""


@dataclass(frozen=True)
class TeamStatistics:
    """The statistics of one team: counts, and possession as a percentage.

    `extended` are the values of schemas.EXTENDED_NAMES as text, empty where the season does not have them.
    """

    team_id: int
    shots_on_goal: int
    shots_inside_box: int
    total_shots: int
    ball_possession: int
    extended: tuple[str, ...]


@dataclass(frozen=True)
class MatchStatistics:
    """The statistics of both teams of a fixture.

    `inconsistencies` describe values that contradict each other. The API may correct such statistics later.
    """

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
        """The row of the extended statistics CSV."""
        pairs = (value for pair in zip(self.home.extended, self.away.extended, strict=True) for value in pair)
        cells = (str(self.fixture_id), str(self.home.team_id), str(self.away.team_id), *pairs)
        return dict(zip(EXTENDED_COLUMNS, cells, strict=True))


def parse_statistics(fixture: Fixture, items: Any) -> MatchStatistics | None:
    """Parse the v3 statistics list of a fixture.

    Returns None if the statistics are missing or incomplete: a team is missing, a required count is not listed, null
    counts cannot be taken for 0 (see `_nulls_mean_zero`), both possessions are unknown, or no match can have these
    values. Raises UnexpectedBody if the list does not have the documented form.
    """
    if not isinstance(items, list):
        raise UnexpectedBody(f"The statistics of fixture {fixture.id} are not a list.")
    try:
        by_team: dict[int, RawStatistics] = {
            values.parse_id(item["team"]["id"]): {str(entry["type"]): entry["value"] for entry in item["statistics"]}
            for item in items
        }
        home, away = by_team.get(fixture.home.id), by_team.get(fixture.away.id)
        if home is None or away is None:
            return None
        home_possession, away_possession = _parse_possessions(home, away)
        if home_possession is None or away_possession is None:
            return None
        if any(kind not in team for team in (home, away) for kind in REQUIRED_COUNTS):
            return None
        if not _nulls_mean_zero(home, away):
            return None
        statistics = MatchStatistics(
            fixture.id,
            _parse_team(fixture.home.id, home, home_possession),
            _parse_team(fixture.away.id, away, away_possession),
            (*_find_inconsistencies(home), *_find_inconsistencies(away)),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UnexpectedBody(
            f"The statistics of fixture {fixture.id} do not have the documented form ({type(error).__name__}: {error})."
        ) from None
    return statistics if _is_possible(statistics) else None


def _nulls_mean_zero(home: RawStatistics, away: RawStatistics) -> bool:
    """Return whether null shot counts mean 0, as an independent source confirms for matches with these properties.

    At least one team has a required count, each team has some count, and a team with shots has some count of their
    outcomes and of their places, as far as these are listed.
    """

    def has_value(team: RawStatistics, kinds: Iterable[str]) -> bool:
        return any(team.get(kind) is not None for kind in kinds)

    teams = (home, away)
    return (
        any(has_value(team, REQUIRED_COUNTS) for team in teams)
        and all(has_value(team, (*REQUIRED_COUNTS, *EXTENDED_COUNTS)) for team in teams)
        and all(
            has_value(team, kinds)
            for team in teams
            for kinds in (SHOTS_BY_OUTCOME, SHOTS_BY_PLACE)
            if all(kind in team for kind in kinds) and _parse_count(team[TOTAL_SHOTS])
        )
    )


def _parse_team(team_id: int, raw: RawStatistics, possession: int) -> TeamStatistics:
    on_goal, inside_box, total = (_parse_count(raw[kind]) for kind in REQUIRED_COUNTS)
    return TeamStatistics(team_id, on_goal, inside_box, total, possession, _parse_extended(raw))


def _parse_extended(raw: RawStatistics) -> tuple[str, ...]:
    """Return the extended statistics as text; an invalid one is empty, because the others are useful without it."""
    available = raw.keys() - {kind for kind in NEVER_ZERO if raw.get(kind) is None}
    counts = (_to_text(_parse_count, raw[kind]) if kind in available else "" for kind in EXTENDED_COUNTS)
    percent = _to_text(_parse_percent, raw.get(PASSES_PERCENT))
    return (*counts, percent, _to_text(_parse_finite, raw.get(EXPECTED_GOALS)))


def _to_text(parse: Callable[[Any], float | None], value: Any) -> str:
    """Return the parsed number as text; empty if it is None or cannot be parsed."""
    try:
        number = parse(value)
    except (TypeError, ValueError, OverflowError):
        return ""
    return "" if number is None else str(number)


def _parse_finite(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None


def _parse_count(value: Any) -> int:
    return 0 if value is None else values.parse_count(value)


def _parse_percent(value: Any) -> int | None:
    """Return 64 for `"64%"`."""
    if value is None:
        return None
    return values.parse_integer(round(float(str(value).strip().removesuffix("%"))), 0, 100)


def _parse_possessions(home: RawStatistics, away: RawStatistics) -> tuple[int | None, int | None]:
    """Return both possessions. If one is missing, it follows from the other, as they sum to 100."""
    first, second = (_parse_percent(team.get(BALL_POSSESSION)) for team in (home, away))
    if first is None and second is not None:
        first = 100 - second
    if second is None and first is not None:
        second = 100 - first
    return first, second


def _is_possible(statistics: MatchStatistics) -> bool:
    teams = (statistics.home, statistics.away)
    return sum(team.ball_possession for team in teams) in POSSESSION_SUMS and all(
        max(team.shots_on_goal, team.shots_inside_box) <= team.total_shots for team in teams
    )


def _find_inconsistencies(raw: RawStatistics) -> list[str]:
    """Describe the values of a team that contradict each other. Missing values contradict nothing."""
    found = []
    try:
        for kinds in (SHOTS_BY_OUTCOME, SHOTS_BY_PLACE):
            if all(kind in raw for kind in kinds):
                total_of_kinds, total = sum(_parse_count(raw[kind]) for kind in kinds), _parse_count(raw[TOTAL_SHOTS])
                if total_of_kinds != total:
                    found.append(f"{' + '.join(kinds)} are {total_of_kinds}, {TOTAL_SHOTS} {total}")
        passes, accurate = raw.get(PASSES), raw.get(PASSES_ACCURATE)
        if passes is not None and accurate is not None and _parse_count(accurate) > _parse_count(passes):
            found.append(f"{PASSES_ACCURATE} are {accurate}, {PASSES} {passes}")
    except (TypeError, ValueError, OverflowError) as error:  # an extended statistic is invalid
        found.append(str(error))
    return found
