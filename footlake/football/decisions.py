"""Explain differences between an official table and the fixtures by decisions about single matches.

A league can award a match, decide a finished one again or annul it, and the fixture need not show that. If the
differences of the teams follow from other results of one or a few matches, these are the results that the table counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from footlake.football.round_selection import Entry
from footlake.football.season_fixtures import (
    NOTHING,
    UNCOUNTED,
    MatchResult,
    Record,
    SeasonFixture,
    recorded_result,
    score_result,
    side_record,
)
from footlake.football.statuses import find_status
from footlake.lake.s3_keys import Side

# Scores that competitions award, home first.
AWARDED_SCORES = ((3, 0), (0, 3), (2, 0), (0, 2), (0, 0))
# A change that only one team of the table shows is plausible up to this doubt, see `_doubt`.
MOST_DOUBT_FOR_ONE_TEAM = 1
MOST_DOUBT = 4
MOST_CHANGES = 5
MOST_STEPS = 1_500
MOST_TEAMS = 12
MOST_GOALS_OF_A_MATCH = 40


Change = tuple[int, int, MatchResult]
"""The doubt of a change, the id of its fixture, and the new result."""


@dataclass
class Explanation:
    """Results that the table counts instead of those that were assumed, by fixture id.

    `left` is what the table has more (or less) than the results, for each team that still differs. `ambiguous` are the
    fixtures for which another match, or another result, would explain the table as well.
    """

    changes: dict[int, MatchResult] = field(default_factory=dict)
    left: dict[int, Record] = field(default_factory=dict)
    ambiguous: set[int] = field(default_factory=set)


def explain(
    gaps: Mapping[int, Record],
    counted: frozenset[Entry],
    fixtures: Mapping[int, SeasonFixture],
    results: Mapping[int, MatchResult],
    teams: frozenset[int],
) -> Explanation:
    """Explain the gaps between official and computed records by other results of single matches.

    `teams` are those of the table and `counted` its entries, with what each fixture counts in `results`. Matches that
    were awarded or did not end come first. Then the fewest changes that explain everything are taken, and of these the
    least doubtful ones. If nothing explains everything, matches are changed that settle both of their teams.
    """
    search = _Search(counted, fixtures, results, teams)
    explanation = Explanation(left={team_id: gap for team_id, gap in gaps.items() if any(gap)})
    search.settle(explanation, 0)
    combined = search.combine(explanation) if explanation.left else None
    if combined:
        return combined
    for doubt in range(1, MOST_DOUBT + 1):
        search.settle(explanation, doubt)
    return explanation


class _Search:
    """A search for changed results of the fixtures of a table."""

    def __init__(
        self,
        counted: frozenset[Entry],
        fixtures: Mapping[int, SeasonFixture],
        results: Mapping[int, MatchResult],
        teams: frozenset[int],
    ) -> None:
        self.teams = teams
        self.steps = 0
        self.found: list[tuple[int, Explanation]] = []
        self.fixtures = fixtures
        self.assumed: dict[int, MatchResult] = {}
        self.of_team: dict[int, list[SeasonFixture]] = {team_id: [] for team_id in teams}
        for fixture in fixtures.values():
            mine = [team_id for team_id in fixture.teams if team_id in teams]
            if mine:
                is_counted = any((fixture.id, team_id) in counted for team_id in mine)
                self.assumed[fixture.id] = results[fixture.id] if is_counted else UNCOUNTED
                for team_id in mine:
                    self.of_team[team_id].append(fixture)

    def settle(self, explanation: Explanation, most_doubt: int) -> None:
        """Change the results of matches that settle their teams, the least doubtful first."""
        changes = self._settling(explanation, most_doubt)
        while changes:
            chosen = min(changes, key=lambda change: change[:2])
            self.apply(explanation, chosen[1], chosen[2])
            left = self._settling(explanation, most_doubt)
            rivals = [c for c in changes if c[0] == chosen[0] and c[1] != chosen[1] and c not in left]
            if rivals:
                explanation.ambiguous.add(chosen[1])
            changes = left

    def _settling(self, explanation: Explanation, most_doubt: int) -> list[Change]:
        """Return the changes that settle all teams of a match, or one of them if it was awarded or did not end."""
        found: dict[int, list[Change]] = {}
        for team_id in explanation.left:
            for fixture in self.of_team[team_id]:
                if fixture.id in found or fixture.id in explanation.changes:
                    continue
                found[fixture.id] = []
                mine = [team for team in fixture.teams if team in self.teams]
                for result in self._settled_results(fixture, explanation.left):
                    doubt = _doubt(fixture, self.assumed[fixture.id], result)
                    if all(not any(self._left(explanation, fixture, t, result)) for t in mine):
                        accepted = doubt <= (most_doubt if len(mine) == 2 else MOST_DOUBT_FOR_ONE_TEAM)
                    else:
                        accepted = doubt == 0 and all(t in explanation.left for t in mine)
                        doubt = MOST_DOUBT_FOR_ONE_TEAM
                    if accepted:
                        found[fixture.id].append((doubt, fixture.id, result))
        return [change for changes in found.values() for change in changes]

    def apply(self, explanation: Explanation, fixture_id: int, result: MatchResult) -> None:
        """Change a result and what is left of the gaps."""
        fixture = self.fixtures[fixture_id]
        for team_id in fixture.teams:
            if team_id in self.teams:
                left = self._left(explanation, fixture, team_id, result)
                explanation.left.pop(team_id, None)
                if any(left):
                    explanation.left[team_id] = left
        explanation.changes[fixture_id] = result

    def combine(self, explanation: Explanation) -> Explanation | None:
        """Return the least doubtful explanation of everything with the fewest further changes, or None."""
        for depth in range(1, MOST_CHANGES + 1):
            self.steps, self.found = 0, []
            self._search(explanation, depth, 0)
            if self.found:
                least = min(doubt for doubt, _ in self.found)
                best, *rivals = [found for doubt, found in self.found if doubt == least]
                best.ambiguous |= {f for f in best.changes if any(f not in rival.changes for rival in rivals)}
                return best
        return None

    def _search(self, explanation: Explanation, depth: int, doubt: int) -> None:
        """Search for explanations with `depth` more changes that are not more doubtful than those found."""
        if not explanation.left:
            self.found.append((doubt, explanation))
            return
        self.steps += 1
        if depth == 0 or len(explanation.left) > min(MOST_TEAMS, 2 * depth) or self.steps > MOST_STEPS:
            return
        team_id = min(explanation.left, key=lambda team: (len(self.of_team[team]), team))
        for fixture in self.of_team[team_id]:
            if fixture.id in explanation.changes:
                continue
            alone = sum(team in self.teams for team in fixture.teams) == 1
            for result in self._possible_results(fixture, explanation.left):
                more = _doubt(fixture, self.assumed[fixture.id], result)
                too_doubtful = any(doubt + more > least for least, _ in self.found)
                if not too_doubtful and not (alone and more > MOST_DOUBT_FOR_ONE_TEAM):
                    changed = Explanation(dict(explanation.changes), dict(explanation.left), set(explanation.ambiguous))
                    self.apply(changed, fixture.id, result)
                    self._search(changed, depth - 1, doubt + more)

    def _left(self, explanation: Explanation, fixture: SeasonFixture, team_id: int, result: MatchResult) -> Record:
        gap = explanation.left.get(team_id, NOTHING)
        before = side_record(fixture, self.assumed[fixture.id], team_id)
        return gap.plus(before).plus(side_record(fixture, result, team_id), -1)

    def _possible_results(self, fixture: SeasonFixture, left: Mapping[int, Record]) -> Iterator[MatchResult]:
        results = [*self._settled_results(fixture, left)]
        if find_status(fixture.status).result != "played":
            results += [score_result(*score) for score in AWARDED_SCORES]
        results += [recorded_result(fixture), UNCOUNTED]
        for index, result in enumerate(results):
            if result != self.assumed[fixture.id] and result not in results[:index]:
                yield result

    def _settled_results(self, fixture: SeasonFixture, left: Mapping[int, Record]) -> list[MatchResult]:
        """Return the results that settle a team of the fixture, and those by which both teams lose."""
        assumed = self.assumed[fixture.id]
        home_id, away_id = fixture.teams
        home = assumed.home.plus(left[home_id]) if home_id in left else None
        away = assumed.away.plus(left[away_id]) if away_id in left else None
        results = []
        if home and _is_possible(home):
            results.append(MatchResult(home, _mirror(home)))
        if away and _is_possible(away):
            results.append(MatchResult(_mirror(away), away))
        if home and away and home.lost == away.lost == 1 and _is_possible(home) and _is_possible(away):
            results.append(MatchResult(home, away))
        if find_status(fixture.status).result == "played":
            results = [result for result in results if _agrees_with_score(result)]
        return list(dict.fromkeys(results))


def _agrees_with_score(result: MatchResult) -> bool:
    """Return whether the goals decide the result, or both teams lose; an award without a match can differ."""
    home, away = result
    return (
        result == UNCOUNTED or bool(home.lost and away.lost) or result == score_result(home.goals_for, away.goals_for)
    )


def _mirror(record: Record) -> Record:
    return Record(record.lost, record.drawn, record.won, record.goals_against, record.goals_for)


def _is_possible(record: Record) -> bool:
    """Return whether this is the record of one match, or of none."""
    outcomes = (record.won, record.drawn, record.lost)
    goals = (record.goals_for, record.goals_against)
    if min(*outcomes, *goals) < 0 or max(goals) > MOST_GOALS_OF_A_MATCH:
        return False
    return sum(outcomes) == 1 or not any(record)


def _doubt(fixture: SeasonFixture, assumed: MatchResult, result: MatchResult) -> int:
    """Return how doubtful a changed result is: 0 for a match that was awarded or did not end, 4 for an odd score."""
    kind = find_status(fixture.status).result
    if kind != "played" and fixture.status not in ("NS", "TBD"):
        return 0
    if UNCOUNTED in (assumed, result):
        return 3
    if result.home.lost and result.away.lost:
        return MOST_DOUBT
    winner: Side | None = "home" if result.home.won else "away" if result.away.won else None
    recorded = recorded_result(fixture)
    if winner and winner == fixture.winner and not (recorded.home if winner == "home" else recorded.away).won:
        return 1
    if kind == "played" and (result.home.goals_for, result.home.goals_against) in AWARDED_SCORES:
        return 2 if assumed.home[:3] != result.home[:3] else 3
    return MOST_DOUBT
