"""Compute tables from fixtures where there are no official ones: three points, goal difference, no deductions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from footlake.football.league_tables import CountedMatch, LeagueTable, TeamStanding
from footlake.football.names import fold
from footlake.football.season_fixtures import (
    NOTHING,
    UNCOUNTED,
    MatchResult,
    Record,
    SeasonFixture,
    parse_round,
    recorded_result,
    score_result,
    side_record,
)
from footlake.football.statuses import find_status
from footlake.football.table_kinds import TableKind
from footlake.football.table_points import THREE_POINTS, TeamPoints

# Goals of the winner of an awarded match without a score (FIFA's usual rule).
AWARDED_GOALS = 3
# The teams of a group play for points also after a play-off or qualification gave it its name.
_KNOCKOUT = re.compile(
    r"^(?!.*\bgroup\b).*\b(finals?|semi|quarter|qualif\w*|play ?(offs?|ins?|outs?)|knockout|preliminary|decider|"
    r"round of|reclas\w*|repech\w*|repesca|liguilla|barrages?)\b"
)
_STAGE_OF_LEAGUE = re.compile(r"\b(regular|season|apertura|clausura|opening|closing|phase|stage|league|group)\b")


def compute_tables(fixtures: Mapping[int, SeasonFixture]) -> tuple[LeagueTable, ...]:
    """Return the tables that the fixtures suggest.

    Rounds with a number are league rounds, except those named like a knockout. Rounds of one name form a phase. In a
    phase, teams that never meet, directly or through others, are in different tables. A later phase in which the teams
    of one table play on in smaller groups continues that table, and its points. Everything else is not in a table.
    """
    phases = _phases(fixtures.values())
    groups: list[tuple[str, set[int], list[SeasonFixture]]] = []
    for name, phase in phases:
        for teams, matches in _components(phase):
            continued = next((group for group in reversed(groups) if teams < group[1]), None)
            if continued:
                continued[2].extend(matches)
            elif len(teams) > 2 or len(phases) == 1:  # two teams that only meet each other play a tie
                groups.append((name, teams, matches))
    names = [name for name, _, _ in groups]
    tables = []
    for number, (name, teams, matches) in enumerate(groups, 1):
        title = name or "Table"
        if names.count(name) > 1:
            title = f"{title}, group {names[:number].count(name)}"
        later = set().union(*(other for _, other, played in groups[number:] if any(map(_has_result, played))))
        others = [other for _, other, _ in groups if other is not teams]
        kind: TableKind = "league" if not others else "group" if all(not teams & other for other in others) else "stage"
        tables.append(_table(number, title, kind, teams, matches, superseded=bool(later) and teams <= later))
    return tuple(tables)


def is_league_round(name: str) -> bool:
    """Return whether the matches of a round can count in a table, and are no knockouts."""
    label = parse_round(name)
    is_league = label.number is not None or not label.prefix or _STAGE_OF_LEAGUE.search(fold(label.prefix))
    return bool(is_league) and not _KNOCKOUT.search(fold(label.prefix))


def _phases(fixtures: Iterable[SeasonFixture]) -> list[tuple[str, list[SeasonFixture]]]:
    """Return the league phases in the order of time: the name of their rounds and the matches with known teams."""
    phases: dict[str, list[SeasonFixture]] = defaultdict(list)
    names: dict[str, str] = {}
    known = [fixture for fixture in fixtures if fixture.teams]
    for fixture in sorted(known, key=lambda f: (f.kickoff is None, f.kickoff and f.kickoff.timestamp(), f.id)):
        if is_league_round(fixture.round):
            label = parse_round(fixture.round)
            names.setdefault(fold(label.prefix), label.prefix)
            phases[fold(label.prefix)].append(fixture)
    if not phases:
        return [("", known)] if known else []

    def first_day(key: str) -> tuple[str, str]:
        kickoff = phases[key][0].kickoff
        return (kickoff.date().isoformat() if kickoff else "", key)

    return [(names[key], phases[key]) for key in sorted(phases, key=first_day)]


def _components(matches: Sequence[SeasonFixture]) -> list[tuple[set[int], list[SeasonFixture]]]:
    """Split matches into sets of teams that are connected by them."""
    components: list[tuple[set[int], list[SeasonFixture]]] = []
    for fixture in matches:
        teams, together = set(fixture.teams), [fixture]
        for component in [c for c in components if c[0] & teams]:
            components.remove(component)
            teams |= component[0]
            together = component[1] + together
        components.append((teams, together))
    return sorted(components, key=lambda component: min(component[0]))


def _table(
    number: int, name: str, kind: TableKind, teams: set[int], fixtures: Sequence[SeasonFixture], superseded: bool
) -> LeagueTable:
    counted, records, names = [], dict.fromkeys(teams, NOTHING), {}
    for fixture in fixtures:
        result, reason = _result(fixture)
        for side, team in fixture.sides:
            if team:
                names[team.id] = team.name
                if result != UNCOUNTED:
                    record = side_record(fixture, result, team.id)
                    records[team.id] = records[team.id].plus(record)
                    counted.append(CountedMatch(fixture.id, team.id, side, record, reason))

    def order(team_id: int) -> tuple[int, int, int, str, int]:
        record = records[team_id]
        points = THREE_POINTS.points(record)
        difference = record.goals_for - record.goals_against
        return (-points, -difference, -record.goals_for, names[team_id], team_id)

    rows = tuple(_standing(rank, t, names[t], records[t]) for rank, t in enumerate(sorted(teams, key=order), 1))
    rounds = tuple(dict.fromkeys(parse_round(fixture.round).prefix for fixture in fixtures))
    return LeagueTable(
        number, name, kind, "unofficial", rows, tuple(counted), rounds, superseded=superseded, official=False
    )


def _has_result(fixture: SeasonFixture) -> bool:
    return _result(fixture)[0] != UNCOUNTED


def _standing(rank: int, team_id: int, name: str, record: Record) -> TeamStanding:
    points = THREE_POINTS.points(record)
    return TeamStanding(team_id, name, rank, points, None, record, TeamPoints(points))


def _result(fixture: SeasonFixture) -> tuple[MatchResult, str]:
    """Return the result, and the assumption if an awarded match has no score."""
    result = recorded_result(fixture)
    if result != UNCOUNTED or find_status(fixture.status).result != "awarded" or not fixture.winner:
        return result, ""
    score = (AWARDED_GOALS, 0) if fixture.winner == "home" else (0, AWARDED_GOALS)
    return score_result(*score), f"{find_status(fixture.status).text} without a score: {score[0]}-{score[1]} assumed"
