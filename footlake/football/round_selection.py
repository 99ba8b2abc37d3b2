"""Find the fixtures that an official table counts, by comparison of its rows with sums over rounds.

Fixtures are grouped by the name of their round without its number. Of each group a table counts nothing, the matches
between its own teams, or all matches of its teams (conferences, or a split league that keeps its first phase). The
selection is the choice for which played, won, drawn, lost and goals of every team equal the official row. A table can
also equal the matches up to an earlier date (it is stale), those of a period (rounds without names), or all matches
except a few that it does not count yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Literal, NamedTuple

from footlake.football.names import fold
from footlake.football.season_fixtures import MatchResult, Record, SeasonFixture, parse_round, side_record
from footlake.football.uncounted_matches import UncountedMatch, find_uncounted

FIGURES = ("played", "won", "drawn", "lost", "goals_for", "goals_against")
Figures = tuple[int | None, ...]
"""The figures of a team in the order of FIGURES; an official one is None if the API does not have it."""

Target = Mapping[int, Figures]
"""The official figures of a table's teams, by team id."""

Entry = tuple[int, int]
"""A match that counts for a team: the ids of the fixture and the team."""

Extent = Literal["rounds", "until", "period", "most"]

ZEROS = (0,) * len(FIGURES)
SEARCH_STEPS = 50_000
SOLUTIONS = 8
SOLUTIONS_PER_TEAM = 8
STARTS = 6
MOST_GROUPS_IN_PAIRS = 8
# Matches of a team, on average, that a table does not count yet.
MOST_UNCOUNTED = 2
NO_KICKOFF = datetime.max.replace(tzinfo=UTC)


class RoundOption(NamedTuple):
    """The matches of a group of rounds that a table may count, in the order of time, with their sum for each team."""

    rounds: str
    entries: tuple[Entry, ...]
    sums: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Selection:
    """The matches that a table counts.

    `extent` is "rounds" if whole groups of rounds count, "until" if matches after some time do not, "period" if only
    those of a period do, and "most" if single ones do not. `omitted` are fixtures with a result in the same rounds that
    do not count. `differing` are the teams whose official figures differ from the sums.
    """

    rounds: tuple[str, ...]
    entries: frozenset[Entry]
    extent: Extent = "rounds"
    omitted: tuple[int, ...] = ()
    differing: tuple[int, ...] = ()


def to_figures(record: Record) -> tuple[int, ...]:
    """Return a record's figures in the order of FIGURES."""
    return (record.played, *record)


def differs(official: Figures, computed: Sequence[int]) -> bool:
    """Return whether a figure differs that the official row has."""
    return any(mine is not None and mine != theirs for mine, theirs in zip(official, computed, strict=True))


class RoundSelector:
    """Selects the matches of tables of one season. `results` says what each fixture counts, by its id."""

    def __init__(self, fixtures: Mapping[int, SeasonFixture], results: Mapping[int, MatchResult]) -> None:
        self.fixtures = fixtures
        self.results = results
        self._names: dict[str, str] = {}
        self._groups: dict[str, list[SeasonFixture]] = defaultdict(list)
        for fixture in sorted(fixtures.values(), key=lambda f: (f.kickoff or NO_KICKOFF, f.id)):
            if fixture.teams and any(map(any, results[fixture.id])):
                prefix = parse_round(fixture.round).prefix
                self._names.setdefault(fold(prefix), prefix)
                self._groups[fold(prefix)].append(fixture)

    def sum_entries(self, entries: Iterable[Entry]) -> dict[int, Record]:
        """Return each team's sum over its entries."""
        sums: dict[int, list[int]] = {}
        for fixture_id, team_id in entries:
            record = side_record(self.fixtures[fixture_id], self.results[fixture_id], team_id)
            total = sums.setdefault(team_id, [0] * len(record))
            for index, value in enumerate(record):
                total[index] += value
        return {team_id: Record(*total) for team_id, total in sums.items()}

    def select_exact(
        self, target: Target, table_name: str = "", taken: Collection[Entry] = frozenset()
    ) -> Selection | None:
        """Return the selection that equals the official figures of all teams, in whole rounds or in a part of them.

        Of several choices of whole rounds, the one is taken that shares words with the table's name, such as
        "Apertura", and otherwise the one with the fewest entries that another table has `taken`.
        """
        groups = self._options(target)
        if solutions := list(_solve(groups, target, SOLUTIONS)):
            words = set(fold(table_name).split())

            def rate(solution: Sequence[RoundOption]) -> tuple[int, int]:
                foreign = sum(words.isdisjoint(fold(option.rounds).split()) for option in solution)
                return foreign, sum(entry in taken for option in solution for entry in option.entries)

            chosen = min(solutions, key=rate)
            return self._selection(chosen, (entry for option in chosen for entry in option.entries), target)
        pools = _pools(groups)
        candidates = (
            *(self._select_until(pool, target) for pool in pools),
            *(self._select_period(pool, target) for pool in pools),
            *(self._select_most(pool, target) for pool in pools),
        )
        exact = next((found for found in candidates if found and not found.differing), None)
        return exact or self._select_without_withdrawn(target, table_name, taken)

    def _select_without_withdrawn(self, target: Target, table_name: str, taken: Collection[Entry]) -> Selection | None:
        """Select without the matches of teams that have officially played none, if that equals the other figures.

        A league annuls the results of a team that withdraws or is expelled.
        """
        others = {team_id: figures for team_id, figures in target.items() if figures[0] != 0}
        found = self.select_exact(others, table_name, taken) if 0 < len(others) < len(target) else None
        if not found:
            return None
        withdrawn = target.keys() - others.keys()
        annulled = (
            fixture.id
            for name in found.rounds
            for fixture in self._groups[fold(name)]
            if withdrawn & set(fixture.teams)
        )
        return replace(found, omitted=(*found.omitted, *annulled))

    def select_closest(self, target: Target) -> list[Selection]:
        """Return selections that come close: the best in whole rounds, and the best up to an earlier time."""
        groups = self._options(target)
        votes: Counter[tuple[tuple[int, int], ...]] = Counter()
        for team_id, figures in target.items():
            for solution in _solve(groups, {team_id: figures}, SOLUTIONS_PER_TEAM):
                ids = {id(option) for option in solution}
                votes[
                    tuple((g, o) for g, options in enumerate(groups) for o, x in enumerate(options) if id(x) in ids)
                ] += 1
        starts = [[groups[g][o] for g, o in choice] for choice, _ in votes.most_common(STARTS)]
        starts += [[options[0] for options in groups], [options[-1] for options in groups]]
        whole = []
        for start in starts:
            chosen = _climb(groups, start, target)
            whole.append(self._selection(chosen, (entry for option in chosen for entry in option.entries), target))
        earlier = [found for pool in _pools(groups) if (found := self._select_until(pool, target))]
        closest = [min(found, key=lambda selection: len(selection.differing)) for found in (whole, earlier) if found]
        return sorted(closest, key=lambda selection: len(selection.differing))

    def _options(self, target: Target) -> list[list[RoundOption]]:
        """Return the options of each group of rounds in which a team of the table has a result."""
        groups = []
        for key, fixtures in self._groups.items():
            internal = [fixture for fixture in fixtures if all(team_id in target for team_id in fixture.teams)]
            any_team = [fixture for fixture in fixtures if any(team_id in target for team_id in fixture.teams)]
            choices = [internal] if len(internal) == len(any_team) else [internal, any_team]
            options = [self._option(self._names[key], choice, target) for choice in choices if choice]
            if options:
                groups.append(options)
        return sorted(groups, key=lambda options: -len(options[-1].entries))

    def _option(self, name: str, fixtures: Iterable[SeasonFixture], target: Target) -> RoundOption:
        entries = tuple((fixture.id, team_id) for fixture in fixtures for team_id in fixture.teams if team_id in target)
        return RoundOption(name, entries, {key: to_figures(sums) for key, sums in self.sum_entries(entries).items()})

    def _selection(
        self, pool: Iterable[RoundOption], entries: Iterable[Entry], target: Target, extent: Extent = "rounds"
    ) -> Selection:
        counted, options = frozenset(entries), tuple(pool)
        sums = self.sum_entries(counted)
        return Selection(
            tuple(option.rounds for option in options),
            counted,
            extent,
            tuple(dict.fromkeys(entry[0] for option in options for entry in option.entries if entry not in counted)),
            tuple(t for t, figures in target.items() if differs(figures, to_figures(sums.get(t, Record())))),
        )

    def _select_until(self, pool: Sequence[RoundOption], target: Target) -> Selection | None:
        """Select each team's first matches, as many as it has officially played; None if that omits nothing.

        A match that one team of the table has and the other has not is omitted for both.
        """
        left = {team_id: figures[0] for team_id, figures in target.items()}
        late: set[int] = set()
        entries = self._in_time_order(pool)
        for fixture_id, team_id in entries:
            played = left[team_id]
            if played is not None:
                left[team_id] = played - 1
                if played <= 0:
                    late.add(fixture_id)
        return self._selection(pool, (e for e in entries if e[0] not in late), target, "until") if late else None

    def _select_period(self, pool: Sequence[RoundOption], target: Target) -> Selection | None:
        """Select the matches of a period that equals the official figures, if one does."""
        if any(figures[0] is None for figures in target.values()):
            return None
        wanted = [sum(figures[index] or 0 for figures in target.values()) for index in range(len(FIGURES))]
        comparable = [i for i in range(len(FIGURES)) if all(figures[i] is not None for figures in target.values())]
        by_day: dict[object, list[Entry]] = defaultdict(list)
        for entry in self._in_time_order(pool):
            kickoff = self.fixtures[entry[0]].kickoff
            by_day[kickoff and kickoff.date()].append(entry)
        days = list(by_day.values())
        totals = [[0] * len(FIGURES)]
        for entries in days:
            records = [side_record(self.fixtures[f], self.results[f], team_id) for f, team_id in entries]
            sums = [sum(column) for column in zip(*map(to_figures, records), strict=True)]
            totals.append([total + value for total, value in zip(totals[-1], sums, strict=True)])
        last = 0
        for first in range(len(days)):
            while last < len(days) and totals[last][0] - totals[first][0] < wanted[0]:
                last += 1
            if all(totals[last][i] - totals[first][i] == wanted[i] for i in comparable):
                found = self._selection(pool, (e for day in days[first:last] for e in day), target, "period")
                if not found.differing:
                    return found
        return None

    def _select_most(self, pool: Sequence[RoundOption], target: Target) -> Selection | None:
        """Select all matches except a few between the teams that the table does not count yet; None if not found.

        A single team proves nothing: some choice of its matches equals its figures by chance.
        """
        if any(None in figures for figures in target.values()):
            return None
        entries = self._in_time_order(pool)
        sums = self.sum_entries(entries)
        excess = {
            team_id: sums.get(team_id, Record()).plus(Record(*map(int, figures[1:])), -1)  # type: ignore[arg-type]
            for team_id, figures in target.items()
            if differs(figures, to_figures(sums.get(team_id, Record())))
        }
        uncounted = sum(record.played for record in excess.values())
        if any(min(record) < 0 for record in excess.values()) or uncounted > MOST_UNCOUNTED * len(target):
            return None
        matches: dict[int, dict[int, Record]] = {}
        for fixture_id, team_id in reversed(entries):
            record = side_record(self.fixtures[fixture_id], self.results[fixture_id], team_id)
            matches.setdefault(fixture_id, {})[team_id] = record
        found = find_uncounted(
            excess, [UncountedMatch(f, records) for f, records in matches.items() if len(records) == 2]
        )
        if not found:
            return None
        return self._selection(pool, (entry for entry in entries if entry[0] not in found), target, "most")

    def _in_time_order(self, pool: Sequence[RoundOption]) -> list[Entry]:
        if len(pool) == 1:
            return list(pool[0].entries)
        entries = (entry for option in pool for entry in option.entries)
        return sorted(entries, key=lambda entry: (self.fixtures[entry[0]].kickoff or NO_KICKOFF, entry[0]))


def _pools(groups: Sequence[Sequence[RoundOption]]) -> list[tuple[RoundOption, ...]]:
    """Return the choices of rounds to look for a part in: single groups, pairs of groups, and all of them."""
    pools: list[tuple[RoundOption, ...]] = [(option,) for options in groups for option in options]
    if 2 < len(groups) <= MOST_GROUPS_IN_PAIRS:
        pools += [pair for first, second in combinations(groups, 2) for pair in product(first, second)]
    if len(groups) > 1:
        pools += [tuple(options[-1] for options in groups), tuple(options[0] for options in groups)]
    return pools


def _solve(groups: Sequence[Sequence[RoundOption]], target: Target, most: int = 1) -> Iterator[list[RoundOption]]:
    """Yield the choices of at most one option per group whose sums equal the target, at most `most` of them.

    Only options that matter to a team of the target are chosen. The search is depth first; it leaves a branch if a
    figure is exceeded, or can no longer be reached.
    """
    positions = [(t, i) for t, figures in target.items() for i, value in enumerate(figures) if value is not None]
    flat: list[list[tuple[RoundOption, list[int]]]] = []
    for options in groups:
        vectors = [(option, [option.sums.get(t, ZEROS)[i] for t, i in positions]) for option in options]
        if relevant := [(option, vector) for option, vector in vectors if any(vector)]:
            flat.append(relevant)
    most_left = [[0] * len(positions)]
    for relevant in reversed(flat):
        best = [max(column) for column in zip(*(vector for _, vector in relevant), strict=True)]
        most_left.append([left + value for left, value in zip(most_left[-1], best, strict=True)])
    most_left.reverse()
    wanted = [target[t][i] or 0 for t, i in positions]
    steps = 0

    def search(depth: int, rest: list[int], chosen: list[RoundOption]) -> Iterator[list[RoundOption]]:
        nonlocal steps
        steps += 1
        if steps > SEARCH_STEPS or any(not 0 <= r <= m for r, m in zip(rest, most_left[depth], strict=True)):
            return
        if depth == len(flat):
            yield chosen
            return
        for option, vector in flat[depth]:
            yield from search(depth + 1, [r - v for r, v in zip(rest, vector, strict=True)], [*chosen, option])
        yield from search(depth + 1, rest, chosen)

    if positions:
        for count, solution in enumerate(search(0, wanted, [])):
            if count == most:
                return
            yield solution


def _climb(
    groups: Sequence[Sequence[RoundOption]], start: Sequence[RoundOption], target: Target
) -> tuple[RoundOption, ...]:
    """Improve a choice by changes of one group, as long as fewer teams differ, or they differ by less."""
    current: list[RoundOption | None] = [
        next((option for option in options if any(option is other for other in start)), None) for options in groups
    ]

    def distance(choice: Sequence[RoundOption | None]) -> tuple[int, int]:
        teams = total = 0
        for team_id, figures in target.items():
            columns = zip(*(option.sums.get(team_id, ZEROS) for option in choice if option), strict=True)
            sums = [sum(column) for column in columns] or ZEROS
            gap = sum(abs(f - s) for f, s in zip(figures, sums, strict=True) if f is not None)
            teams, total = teams + bool(gap), total + gap
        return teams, total

    best = distance(current)
    improved = True
    while improved and best[0]:
        improved = False
        for index, options in enumerate(groups):
            for option in (None, *options):
                changed = [*current[:index], option, *current[index + 1 :]]
                if (score := distance(changed)) < best:
                    best, current, improved = score, changed, True
    return tuple(option for option in current if option)
