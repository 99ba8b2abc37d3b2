"""Phases of a season: the matches before the teams of a table played among themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from footlake.football.round_selection import NO_KICKOFF, Entry
from footlake.football.season_fixtures import UNCOUNTED, MatchResult, SeasonFixture, parse_round

# Matches of one round are at most this far apart.
SAME_ROUND = timedelta(days=3)
# So many rounds without a match against other teams can be the end of a first phase.
MOST_LAST_ROUNDS = 3


def first_phases(
    teams: frozenset[int], entries: frozenset[Entry], fixtures: Mapping[int, SeasonFixture]
) -> list[frozenset[Entry]]:
    """Return the entries that may be a first phase: until the round of the last match against a team outside the table.

    The last rounds of a first phase may have no such match, so that the first rounds after it are also tried as its
    end. Returns nothing if the teams met only each other.
    """
    kickoffs = sorted({k for f, _ in entries if (k := fixtures[f].kickoff)})
    outside = [k for f, _ in entries if not set(fixtures[f].teams) <= teams and (k := fixtures[f].kickoff)]
    phases: list[frozenset[Entry]] = []
    end = max(outside) + SAME_ROUND if outside else None
    while end and len(phases) <= MOST_LAST_ROUNDS:
        phase = frozenset(entry for entry in entries if (fixtures[entry[0]].kickoff or NO_KICKOFF) <= end)
        if phase == entries:
            break
        phases.append(phase)
        end = next((k + SAME_ROUND for k in kickoffs if k > end), None)
    return phases


def earlier_phases(
    teams: frozenset[int],
    entries: frozenset[Entry],
    larger_tables: Iterable[frozenset[Entry]],
    fixtures: Mapping[int, SeasonFixture],
    results: Mapping[int, MatchResult],
) -> list[frozenset[Entry]]:
    """Return the phases whose points a table may carry over.

    These are the matches of its teams in larger tables, in other groups of rounds, before its first match, and in its
    own first phase. Each of them has all teams of the table, and all or none of its matches count in the table. Before
    the first match of a later phase, a table with matches against other teams may consist of the first one.
    """
    groups: dict[str, set[Entry]] = {}
    for fixture_id, fixture in fixtures.items():
        for team_id in fixture.teams:
            if team_id in teams and results[fixture_id] != UNCOUNTED:
                groups.setdefault(parse_round(fixture.round).prefix, set()).add((fixture_id, team_id))
    start = min((k for f, _ in entries if (k := fixtures[f].kickoff)), default=NO_KICKOFF)
    everything = {entry for group in groups.values() for entry in group}
    phases = [
        *(frozenset(entry for entry in table if entry[1] in teams) for table in larger_tables),
        *map(frozenset, groups.values()),
        frozenset(entry for entry in everything if (fixtures[entry[0]].kickoff or NO_KICKOFF) < start),
        *first_phases(teams, entries, fixtures),
    ]
    meets_others = any(not set(fixtures[f].teams) <= teams for f, _ in entries)
    return [
        phase
        for phase in dict.fromkeys(phases)
        if {team_id for _, team_id in phase} == teams
        and (phase < entries or not phase & entries or (phase == entries and meets_others))
    ]
