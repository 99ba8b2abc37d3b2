"""All fixtures of a league's season as they matter for its tables: rounds, results, and matches under two ids.

`fixtures.Fixture` is what the lake stores and requests statistics for; a SeasonFixture also exists if its teams are not
known yet or its result has no goals.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, NamedTuple

from footlake.football import statuses, values
from footlake.football.fixtures import FixtureTeam, parse_status
from footlake.football.names import decode_name, fold
from footlake.football.statuses import find_status
from footlake.lake.s3_keys import Side

# A team does not play the same opponent on the same ground twice within this time.
SAME_MATCH = timedelta(hours=36)
_NUMBERED = re.compile(
    r"^(?:(?P<prefix>.*\S)\s*[-–—:,]\s*|(?:round|matchday|week|jornada|day)\s+)?(?P<number>\d+)$", re.I
)


@dataclass(frozen=True)
class SeasonFixture:
    """A fixture. `status` is the API's short form, or the original text if it is unknown.

    A team is None until it is known. `winner` is the API's flag, which can contradict the goals.
    """

    id: int
    kickoff: datetime | None
    round: str
    status: str
    home: FixtureTeam | None
    away: FixtureTeam | None
    goals_home: int | None = None
    goals_away: int | None = None
    winner: Side | None = None

    @property
    def teams(self) -> tuple[int, ...]:
        """The ids of the home and the away team; empty until both are known."""
        return (self.home.id, self.away.id) if self.home and self.away else ()

    @property
    def sides(self) -> tuple[tuple[Side, FixtureTeam | None], tuple[Side, FixtureTeam | None]]:
        """The home and the away team with the name of their side."""
        return (("home", self.home), ("away", self.away))


class RoundLabel(NamedTuple):
    """A round's name without its number: ("Regular Season", 12). `number` is None for a round such as "Final"."""

    prefix: str
    number: int | None


class Record(NamedTuple):
    """A team's results: of one match, or summed."""

    won: int = 0
    drawn: int = 0
    lost: int = 0
    goals_for: int = 0
    goals_against: int = 0

    @property
    def played(self) -> int:
        """The number of matches."""
        return self.won + self.drawn + self.lost

    def plus(self, other: Record, times: int = 1) -> Record:
        """Return the sum with `times` the other record."""
        return Record(*(mine + times * theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Record()


class MatchResult(NamedTuple):
    """What a match counts for each team in a table. Both records are NOTHING if it does not count."""

    home: Record = NOTHING
    away: Record = NOTHING


UNCOUNTED = MatchResult()


class ParsedSeason(NamedTuple):
    """The fixtures of a response, an error for each item that is not a fixture, and the unknown statuses."""

    fixtures: list[SeasonFixture]
    broken: list[str]
    unknown_statuses: Counter[str]


class Duplicate(NamedTuple):
    """Two ids of one match: `dropped` does not count, `kept` does, and the reason.

    `far_apart` is true if both have a result, on different days: only the name of the round says that they are one.
    """

    dropped: int
    kept: int
    reason: str
    far_apart: bool = False


def parse_season_fixtures(items: Iterable[Any]) -> ParsedSeason:
    """Parse the list of a v3 `/fixtures` response. Only an item without a fixture id is broken."""
    fixtures: dict[int, SeasonFixture] = {}
    broken: list[str] = []
    for item in items:
        try:
            fixture = _parse_season_fixture(item)
            fixtures[fixture.id] = fixture
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            broken.append(f"A fixture has no id ({type(error).__name__}: {error}).")
    unknown = statuses.count_unknown(fixture.status for fixture in fixtures.values())
    return ParsedSeason(list(fixtures.values()), broken, unknown)


def _parse_season_fixture(item: Any) -> SeasonFixture:
    fixture = item["fixture"]
    league, teams, goals = (_mapping(item.get(key)) for key in ("league", "teams", "goals"))
    home, away = _mapping(teams.get("home")), _mapping(teams.get("away"))
    kickoff = None
    with suppress(TypeError, ValueError, OverflowError):
        kickoff = values.parse_timestamp(fixture.get("date"))
    flags = (home.get("winner") is True, away.get("winner") is True)
    return SeasonFixture(
        id=values.parse_id(fixture["id"]),
        kickoff=kickoff,
        round=_text(league.get("round")),
        status=parse_status(fixture),
        home=_parse_team(home),
        away=_parse_team(away),
        goals_home=_parse_goals(goals.get("home")),
        goals_away=_parse_goals(goals.get("away")),
        winner="home" if flags == (True, False) else "away" if flags == (False, True) else None,
    )


def parse_round(label: str) -> RoundLabel:
    """Return the round's prefix and number: "Regular Season - 12" is ("Regular Season", 12)."""
    found = _NUMBERED.match(label)
    return RoundLabel(found["prefix"] or "", int(found["number"])) if found else RoundLabel(label, None)


def score_result(home: int, away: int, winner: Side | None = None) -> MatchResult:
    """Return the result with this score; `winner` decides it if given (an award can be 0-0)."""
    outcome = (home > away) - (home < away) if winner is None else 1 if winner == "home" else -1
    won, drawn, lost = int(outcome > 0), int(outcome == 0), int(outcome < 0)
    return MatchResult(Record(won, drawn, lost, home, away), Record(lost, drawn, won, away, home))


def recorded_result(fixture: SeasonFixture) -> MatchResult:
    """Return the result as the fixture has it: UNCOUNTED without goals, or if its status has no result.

    The winner of an awarded match decides a score that is level.
    """
    kind = find_status(fixture.status).result
    if not fixture.teams or kind is None or fixture.goals_home is None or fixture.goals_away is None:
        return UNCOUNTED
    is_level = kind == "awarded" and fixture.goals_home == fixture.goals_away
    return score_result(fixture.goals_home, fixture.goals_away, fixture.winner if is_level else None)


def shoot_out_result(fixture: SeasonFixture) -> MatchResult | None:
    """Return the level score as a victory of the team that won the penalty shoot-out, or None without one."""
    result = recorded_result(fixture)
    if fixture.status != "PEN" or fixture.winner is None or not result.home.drawn:
        return None
    return score_result(result.home.goals_for, result.away.goals_for, fixture.winner)


def find_duplicates(
    fixtures: Sequence[SeasonFixture],
    newest_answer: Collection[int] | None = None,
    with_statistics: Collection[int] = (),
) -> list[Duplicate]:
    """Return the pairs of ids of one match: same teams at the same ground, in the same numbered round or within 36 h.

    Of two ids, the one that counts is the one that the newest answer still has (`newest_answer`: its ids), then the one
    with a result, then with statistics, then the higher one, which the API assigned later. In a numbered round, two
    results on the pitch with different scores, weeks apart, are taken as two matches with a wrong round.
    """
    same_name: dict[str, int] = {}
    pairings = defaultdict(list)
    for fixture in fixtures:
        if fixture.home and fixture.away:
            # A club can have another id in the second fixture.
            clubs = (same_name.setdefault(fold(team.name), team.id) for team in (fixture.home, fixture.away))
            pairings[tuple(clubs)].append(fixture)

    def preference(fixture: SeasonFixture) -> tuple[bool, int, bool, int]:
        result = find_status(fixture.status).result
        rank = 3 if result == "played" else 2 if result else 1 if fixture.status in ("NS", "TBD") else 0
        return (
            newest_answer is None or fixture.id in newest_answer,
            rank,
            fixture.id in with_statistics,
            fixture.id,
        )

    found: dict[int, Duplicate] = {}
    for same_pairing in pairings.values():
        for first, second in combinations(sorted(same_pairing, key=preference, reverse=True), 2):
            reason = _same_match_reason(first, second)
            if reason and first.id not in found and second.id not in found:
                found[second.id] = Duplicate(second.id, first.id, reason, _are_far_apart(first, second))
    return sorted(found.values())


def _same_match_reason(first: SeasonFixture, second: SeasonFixture) -> str:
    """Return why two fixtures of the same pairing are one match; empty if they are two."""
    apart = abs(first.kickoff - second.kickoff) if first.kickoff and second.kickoff else None
    if apart is not None and apart <= SAME_MATCH:
        return f"same teams, {int(apart.total_seconds() // 3600)} hours apart"
    label = parse_round(first.round)
    if label.number is None or fold(first.round) != fold(second.round):
        return ""
    if all(find_status(fixture.status).result == "played" for fixture in (first, second)):
        same_score = (first.goals_home, first.goals_away) == (second.goals_home, second.goals_away)
        if not same_score:
            return ""
    return f"same teams in {first.round}"


def _are_far_apart(first: SeasonFixture, second: SeasonFixture) -> bool:
    if not all(find_status(fixture.status).result for fixture in (first, second)):
        return False
    return not (first.kickoff and second.kickoff) or abs(first.kickoff - second.kickoff) > SAME_MATCH


def _parse_team(team: dict[str, Any]) -> FixtureTeam | None:
    try:
        team_id = values.parse_id(team.get("id"))
    except (TypeError, ValueError, OverflowError):
        return None
    return FixtureTeam(team_id, _text(team.get("name")) or f"team {team_id}")


def _parse_goals(value: Any) -> int | None:
    try:
        return None if value is None else values.parse_count(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    try:
        return decode_name(value)
    except (TypeError, ValueError):
        return ""


def side_record(fixture: SeasonFixture, result: MatchResult, team_id: int) -> Record:
    """Return what the result counts for one of the fixture's teams."""
    return result.home if fixture.home and fixture.home.id == team_id else result.away
