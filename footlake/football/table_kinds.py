"""Recognise what a table ranks, by its teams and the matches that it counts rather than by its name.

league      the only table with its matches
group       teams that meet each other only, as one of several groups
conference  as a group, but matches against teams of other tables count too
stage       one of several tournaments of the same teams in a season (Apertura and Clausura)
split       some teams of an earlier phase, which play on
overall     derived: only matches that other tables count already (annual table, all conferences together)
ranking     derived: teams of different groups that do not meet each other (best third-placed teams)
averages    derived: several seasons
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from footlake.football.names import fold
from footlake.football.phases import first_phases
from footlake.football.round_selection import Entry, Figures
from footlake.football.season_fixtures import SeasonFixture, parse_round, recorded_result
from footlake.football.table_points import THREE_POINTS

TableKind = Literal["league", "group", "conference", "stage", "split", "overall", "ranking", "averages"]
DERIVED_KINDS: tuple[TableKind, ...] = ("overall", "ranking", "averages")


# The least share of a season that the second phase of a split league is, if its rounds have no name.
LEAST_SHARE_OF_SPLIT = 0.1


_OVERALL = re.compile(r"\b(anual|annual|aggregate|overall|acumulad\w+|combined|supporters shield)\b")


class TableFacts(NamedTuple):
    """A table's teams, the entries that it counts, and whether it sums seasons, reconciles, or is a ranking."""

    teams: frozenset[int]
    entries: frozenset[Entry]
    averages: bool
    reconciles: bool
    figures: Mapping[int, Figures]
    name: str = ""
    ranking: bool = False

    @property
    def derived(self) -> bool:
        """Whether the table repeats matches of other tables or seasons."""
        return self.averages or self.ranking


def find_rankings(facts: Sequence[TableFacts], fixtures: Mapping[int, SeasonFixture]) -> set[int]:
    """Return the indexes of tables that rank teams of other tables without matches between them.

    At most half the teams of every other table are in such a table, and no match between its teams counts in it.
    """
    rankings = set()
    for n, fact in enumerate(facts):
        others = [o for m, o in enumerate(facts) if m != n and not o.averages and o.teams & fact.teams]
        sources = [o for o in others if 2 * len(o.teams & fact.teams) <= len(o.teams)]
        if fact.averages or len(sources) < 2 or not fact.teams <= frozenset().union(*(o.teams for o in sources)):
            continue
        internal = {f for f, _ in fact.entries if set(fixtures[f].teams) <= fact.teams}
        planned = {
            f.id for f in fixtures.values() if f.teams and set(f.teams) <= fact.teams and parse_round(f.round).number
        }
        # Without a result yet, only planned matches tell a group of a second phase from a ranking.
        is_ranking = fact.entries or not planned
        if internal:
            is_ranking = not fact.reconciles and _repeats_rows(fact, sources)
        if is_ranking:
            rankings.add(n)
    return rankings


def _repeats_rows(fact: TableFacts, sources: Sequence[TableFacts]) -> bool:
    """Return whether every row equals the team's row in another table."""
    return all(any(source.figures.get(t) == figures for source in sources) for t, figures in fact.figures.items())


def classify(n: int, facts: Sequence[TableFacts], fixtures: Mapping[int, SeasonFixture]) -> TableKind:
    """Return the kind of the table with index `n`."""
    fact = facts[n]
    if fact.averages:
        return "averages"
    if fact.ranking:
        return "ranking"
    peers = [other for m, other in enumerate(facts) if m != n and not other.derived]
    if _is_overall(fact, peers):
        return "overall"
    peers = [other for other in peers if not _is_overall(other, [p for p in (*peers, fact) if p is not other])]
    if any(fact.teams < other.teams and fact.entries != other.entries for other in peers) or _has_split(fact, fixtures):
        return "split"
    if any(
        2 * len(fact.teams & other.teams) > len(fact.teams)
        and not (fact.entries & other.entries or other.teams < fact.teams)  # of a split, the second phase has fewer
        for other in peers
    ):
        return "stage"
    if any(not set(fixtures[f].teams) <= fact.teams for f, _ in fact.entries):
        return "conference"
    return "group" if any(not fact.teams & other.teams for other in peers) else "league"


def _is_overall(fact: TableFacts, peers: Sequence[TableFacts]) -> bool:
    """Return whether smaller parts of at least two other tables make up all entries of this one.

    An annual table equals that of the first stage until the second one begins, and the tables of a stage that is over
    can be missing; only its name then tells it.
    """
    if _OVERALL.search(fold(fact.name)) and any(
        other.entries <= fact.entries and bool(other.entries) == bool(fact.entries) for other in peers
    ):
        return True
    parts = [
        part
        for other in peers
        if (part := frozenset(entry for entry in other.entries if entry[1] in fact.teams)) and part < fact.entries
    ]
    return len(parts) > 1 and frozenset().union(*parts) == fact.entries


def _has_split(fact: TableFacts, fixtures: Mapping[int, SeasonFixture]) -> bool:
    """Return whether the teams met others first, and from some time on only each other.

    That takes rounds with another name, or that the teams were next to each other in the table when it began: matches
    within conferences can also be at the end of a season.
    """
    for before in first_phases(fact.teams, fact.entries, fixtures):
        after = fact.entries - before
        names = {parse_round(fixtures[f].round).prefix for f, _ in before}
        renamed = sum(parse_round(fixtures[f].round).prefix not in names for f, _ in after)
        if len(after) >= len(fact.teams) and 2 * renamed > len(after):
            return True
        until = max(kickoff for f, _ in before if (kickoff := fixtures[f].kickoff))
        is_long = len(after) >= LEAST_SHARE_OF_SPLIT * len(fact.entries)
        if is_long and _are_neighbours(fact.teams, names, until, fixtures):
            return True
    return False


def _are_neighbours(
    teams: frozenset[int], rounds: set[str], until: datetime, fixtures: Mapping[int, SeasonFixture]
) -> bool:
    """Return whether no team outside had points between the best and the worst of these teams at some time."""
    points: Counter[int] = Counter()
    for fixture in fixtures.values():
        if (
            fixture.teams
            and fixture.kickoff
            and fixture.kickoff <= until
            and parse_round(fixture.round).prefix in rounds
        ):
            result = recorded_result(fixture)
            points.update(dict(zip(fixture.teams, map(THREE_POINTS.points, result), strict=True)))
    least, most = min(points[team] for team in teams), max(points[team] for team in teams)
    return not any(least < value < most for team, value in points.items() if team not in teams)


def is_superseded(
    n: int, facts: Sequence[TableFacts], kinds: Sequence[TableKind], fixtures: Mapping[int, SeasonFixture]
) -> bool:
    """Return whether all teams of the table are in other tables, not derived ones, that count later matches."""

    def last(fact: TableFacts) -> float:
        return max((kickoff.timestamp() for f, _ in fact.entries if (kickoff := fixtures[f].kickoff)), default=0.0)

    mine = last(facts[n])
    later: set[int] = set()
    for other, fact in enumerate(facts):
        is_later = last(fact) > mine and bool(fact.entries - facts[n].entries)
        if other != n and kinds[other] not in DERIVED_KINDS and is_later:
            later |= fact.teams
    return bool(facts[n].entries) and kinds[n] not in DERIVED_KINDS and facts[n].teams <= later
