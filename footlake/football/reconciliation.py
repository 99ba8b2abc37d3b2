"""Reconcile the official tables of a league's season with its fixtures.

`reconcile_season` returns the tables with the matches that each of them counts, the results as the table counts them,
deductions, and every difference that is left. Without official tables it returns unofficial ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from footlake.football.decisions import Explanation, explain
from footlake.football.league_tables import (
    CountedMatch,
    Difference,
    LeagueTable,
    Reconciled,
    SeasonTables,
    TeamStanding,
)
from footlake.football.phases import earlier_phases
from footlake.football.round_selection import (
    FIGURES,
    NO_KICKOFF,
    Entry,
    Figures,
    RoundSelector,
    Selection,
    differs,
    to_figures,
)
from footlake.football.season_fixtures import (
    NOTHING,
    UNCOUNTED,
    MatchResult,
    Record,
    SeasonFixture,
    find_duplicates,
    parse_round,
    recorded_result,
    score_result,
    shoot_out_result,
    side_record,
)
from footlake.football.standings import Standings, StandingsRow, StandingsTable
from footlake.football.statuses import find_status
from footlake.football.table_kinds import TableFacts, TableKind, classify, find_rankings, is_superseded
from footlake.football.table_points import (
    EarlierPhase,
    TablePoints,
    TeamPoints,
    explain_points,
    shoot_out_points,
)
from footlake.football.team_matching import MatchedTeam, RowKey, match_teams, merge_team_ids, row_key
from footlake.football.unofficial_tables import compute_tables, is_league_round
from footlake.lake.s3_keys import Side

# Goals of the winner (the loser has none) that are assumed for awarded matches without a score; None: not counted.
AWARDS: tuple[int | None, ...] = (None, 3, 0, 2)
# A table with as many changed results of finished matches is not explained by them, but wrong.
MOST_CHANGED_RESULTS = 4
# Matches of a team by which a table can be ahead of the fixtures.
MOST_ROUNDS_AHEAD = 5
# Matches not longer than this before the newest one in a table are to be in its next update.
LATE = timedelta(weeks=2)
# The closest selections, of which the one with the best explanation is taken.
MOST_EXPLAINED = 4


class _Assumption(NamedTuple):
    """How a table counts results: `award` as in AWARDS, and whether the winner of a shoot-out has won the match."""

    award: int | None = None
    shoot_outs_decide: bool = False


class _Matched(NamedTuple):
    """A table's selection with the results that it assumes, and the explanation of its differences."""

    selection: Selection
    results: Mapping[int, MatchResult]
    explanation: Explanation


def reconcile_season(
    standings: Standings,
    fixtures: Sequence[SeasonFixture],
    newest_answer: Collection[int] | None = None,
    with_statistics: Collection[int] = (),
) -> SeasonTables:
    """Reconcile the official tables with all fixtures of the season.

    `newest_answer` are the ids in the newest response with the whole season, `with_statistics` those of fixtures with
    statistics; both decide which of two ids of one match counts. Without official tables, the tables are computed.
    """
    duplicates = find_duplicates(fixtures, newest_answer, with_statistics)
    dropped = {duplicate.dropped for duplicate in duplicates}
    unique = {fixture.id: fixture for fixture in fixtures if fixture.id not in dropped}
    if not standings.tables:
        return SeasonTables(compute_tables(unique), tuple(duplicates), standings.problems)
    season = _SeasonReconciler(standings, unique)
    tables = season.reconcile()
    if _count_open(tables) and (merged := merge_team_ids(unique.values(), season.matched_ids)):
        with_merged = _SeasonReconciler(standings, {fixture.id: fixture for fixture in merged}).reconcile()
        if _count_open(with_merged) < _count_open(tables):
            tables = with_merged
    far_apart = {duplicate.dropped for duplicate in duplicates if duplicate.far_apart}
    if far_apart and _count_open(tables):
        # Two matches with the wrong round look like one match under two ids; the official table knows.
        both = {fixture.id: fixture for fixture in fixtures if fixture.id not in dropped - far_apart}
        with_both = _SeasonReconciler(standings, both).reconcile()
        if _count_open(with_both) < _count_open(tables):
            tables, duplicates = with_both, [duplicate for duplicate in duplicates if not duplicate.far_apart]
    return SeasonTables(tables, tuple(duplicates), standings.problems)


def _count_open(tables: Iterable[LeagueTable]) -> int:
    """Return how many tables do not equal the fixtures without decisions."""
    return sum(table.reconciled in ("different", "decided", "stale") for table in tables)


class _SeasonReconciler:
    """Reconciles the tables of one season one after the other; decisions found for one apply to the others."""

    def __init__(self, standings: Standings, fixtures: Mapping[int, SeasonFixture]) -> None:
        self.fixtures = fixtures
        self.tables = standings.tables
        self.decided: dict[int, MatchResult] = {}
        self._selectors: dict[_Assumption, RoundSelector] = {}
        awards = AWARDS if any(map(_is_open_award, fixtures.values())) else AWARDS[:1]
        # Knockouts have shoot-outs too, but are in no table.
        has_shoot_outs = any(shoot_out_result(f) and is_league_round(f.round) for f in fixtures.values())
        self.assumptions = [_Assumption(a, decide) for decide in (False, True)[: 1 + has_shoot_outs] for a in awards]
        recorded = self._selector(_Assumption())
        self.teams: Mapping[RowKey, MatchedTeam] = match_teams(
            standings.tables,
            fixtures.values(),
            lambda _, row, team_id: recorded.select_exact({team_id: official_figures(row)}) is not None,
        )
        self.targets = [self._target(table) for table in self.tables]

    @property
    def matched_ids(self) -> set[int]:
        """The fixtures' ids of the teams that are in a table."""
        return {match.team_id for match in self.teams.values()}

    def reconcile(self) -> tuple[LeagueTable, ...]:
        averages = {n for n, table in enumerate(self.tables) if self._is_averages(table, self.targets[n])}
        matched: dict[int, _Matched] = {}
        for number, target in enumerate(self.targets):
            if number not in averages and target:
                taken = {entry for match in matched.values() for entry in match.selection.entries}
                matched[number] = self._match(target, self.tables[number].name, taken)
        self._explain_together(matched)
        facts = [
            TableFacts(
                frozenset(self.targets[n]),
                self._counted_entries(matched[n], self.targets[n]) if n in matched else frozenset(),
                n in averages,
                n in matched and not matched[n].explanation.left,
                self.targets[n],
                self.tables[n].name,
            )
            for n in range(len(self.tables))
        ]
        rankings = find_rankings(facts, self.fixtures)
        facts = [fact._replace(ranking=n in rankings) for n, fact in enumerate(facts)]
        kinds = [classify(n, facts, self.fixtures) for n in range(len(facts))]
        built = [
            self._build(n, kinds[n], matched.get(n), facts, is_superseded(n, facts, kinds, self.fixtures))
            for n in range(len(self.tables))
        ]
        playing = {row.team_id for table in built if table.matches and not table.derived for row in table.rows}
        return tuple(
            replace(table, superseded=True) if _is_empty(table) and playing.issuperset(_team_ids(table)) else table
            for table in built
        )

    def _selector(self, assumption: _Assumption) -> RoundSelector:
        if assumption not in self._selectors:
            results = {
                fixture.id: self.decided.get(fixture.id) or _assumed_result(fixture, assumption)
                for fixture in self.fixtures.values()
            }
            self._selectors[assumption] = RoundSelector(self.fixtures, results)
        return self._selectors[assumption]

    def _target(self, table: StandingsTable) -> dict[int, Figures]:
        target = {}
        without_goals = _has_no_goals(table)
        for row in table.rows:
            match = self.teams.get(row_key(row))
            if match:
                figures = official_figures(row)
                target[match.team_id] = (*figures[:4], None, None) if without_goals else figures
        return target

    def _is_averages(self, table: StandingsTable, target: Mapping[int, Figures]) -> bool:
        """Return whether the table sums several seasons: most teams have played more than the season has matches.

        Its goals are missing, or a table of this season has the same teams; otherwise fixtures may be missing. At the
        beginning, two seasons have no more matches than this one will have: without goals, results are counted.
        """
        has_goals = any(row.goals_for or row.goals_against for row in table.rows)
        available = Counter(team_id for fixture in self.fixtures.values() for team_id in fixture.teams)
        if not has_goals:
            finished = Counter(t for f in self.fixtures.values() if recorded_result(f) != UNCOUNTED for t in f.teams)
            available = Counter({t: min(count, finished[t] + MOST_ROUNDS_AHEAD) for t, count in available.items()})
        too_many = [t for t, figures in target.items() if (figures[0] or 0) > available[t]]
        return 2 * len(too_many) > len(target) and all(
            not has_goals or any(t in other and (other[t][0] or 0) <= available[t] for other in self.targets)
            for t in too_many
        )

    def _match(self, target: Mapping[int, Figures], table_name: str, taken: Collection[Entry]) -> _Matched:
        for assumption in self.assumptions:
            selector = self._selector(assumption)
            selection = selector.select_exact(target, table_name, taken)
            if selection:
                return _Matched(selection, selector.results, Explanation())
        closest = [(found, how) for how in self.assumptions for found in self._selector(how).select_closest(target)]
        closest.append((Selection((), frozenset(), differing=tuple(target)), _Assumption()))
        candidates: list[tuple[tuple[int, int, int, int], _Matched]] = []
        for selection, assumption in sorted(closest, key=lambda candidate: len(candidate[0].differing))[
            :MOST_EXPLAINED
        ]:
            selector = self._selector(assumption)
            explanation = self._explain(selector, selection, target)
            order = (len(explanation.left), len(explanation.changes), len(selection.omitted), len(candidates))
            candidates.append((order, _Matched(selection, selector.results, explanation)))
        best = min(candidates, key=lambda candidate: candidate[0])[1]
        redecided = {
            fixture_id: result
            for fixture_id, result in best.explanation.changes.items()
            if result != UNCOUNTED and result != recorded_result(self.fixtures[fixture_id])
        }
        if redecided:
            self.decided |= redecided
            self._selectors.clear()
        return best

    def _explain_together(self, matched: dict[int, _Matched]) -> None:
        """Explain what is left in several tables by matches between their teams, which count in both tables."""
        open_tables: list[int] = []
        for n, match in matched.items():
            same = not open_tables or match.results is matched[open_tables[0]].results
            taken = {team_id for other in open_tables for team_id in self.targets[other]}
            if match.explanation.left and same and not taken & self.targets[n].keys():
                open_tables.append(n)
        if len(open_tables) < 2:
            return
        results = matched[open_tables[0]].results
        gaps: dict[int, Record] = {}
        for n in open_tables:
            gaps |= _gaps(RoundSelector(self.fixtures, results), matched[n].selection, self.targets[n])
        counted = frozenset().union(*(matched[n].selection.entries for n in open_tables))
        teams = frozenset(team_id for n in open_tables for team_id in self.targets[n])
        joint = explain(gaps, counted, self.fixtures, results, teams)
        if joint.left or self._count_changed(joint) > MOST_CHANGED_RESULTS:
            return
        for n in open_tables:
            mine = {f: r for f, r in joint.changes.items() if set(self.fixtures[f].teams) & self.targets[n].keys()}
            matched[n] = matched[n]._replace(explanation=Explanation(mine, {}, joint.ambiguous))

    def _explain(self, selector: RoundSelector, selection: Selection, target: Mapping[int, Figures]) -> Explanation:
        """Explain the gaps of the selection, unless that takes too many changed results of finished matches."""
        gaps = _gaps(selector, selection, target)
        # No decision explains a row whose matches are not its wins, draws and defeats.
        sound = {
            t: gap
            for t, gap in gaps.items()
            if None in target[t] or target[t][0] == sum(figure or 0 for figure in target[t][1:4])
        }
        explanation = explain(sound, selection.entries, self.fixtures, selector.results, frozenset(target))
        if self._count_changed(explanation) > MOST_CHANGED_RESULTS:
            return Explanation(left=gaps)
        explanation.left |= {team_id: gap for team_id, gap in gaps.items() if team_id not in sound}
        return explanation

    def _count_changed(self, explanation: Explanation) -> int:
        return sum(find_status(self.fixtures[f].status).result == "played" for f in explanation.changes)

    def _counted_entries(self, matched: _Matched, target: Mapping[int, Figures]) -> frozenset[tuple[int, int]]:
        """Return the entries of the selection, with those that the explanation adds and without those it removes."""
        entries = set(matched.selection.entries)
        for fixture_id, result in matched.explanation.changes.items():
            mine = {(fixture_id, team_id) for team_id in self.fixtures[fixture_id].teams if team_id in target}
            entries = entries - mine if result == UNCOUNTED else entries | mine
        return frozenset(entries)

    def _build(
        self, n: int, kind: TableKind, matched: _Matched | None, facts: Sequence[TableFacts], superseded: bool
    ) -> LeagueTable:
        table, target, entries = self.tables[n], self.targets[n], facts[n].entries
        if kind in ("ranking", "averages") or matched is None:
            rows = tuple(self._standing(row, {}, TablePoints({})) for row in table.rows)
            differences = self._missing_teams(table) if kind not in ("ranking", "averages") else ()
            state: Reconciled = "different" if differences else "derived"
            return LeagueTable(table.number, table.name, kind, state, rows, differences=differences)
        results = {**matched.results, **matched.explanation.changes}
        counted = tuple(self._counted_match(f, t, results, matched) for f, t in sorted(entries))
        records = _sum((match.team_id, match.record) for match in counted)
        omitted = self._omitted(n, matched, facts)
        is_stale = self._is_stale(matched, facts[n], omitted)
        phases, shoot_outs = self._phases(n, facts, results), self._shoot_out_points(counted)
        points = explain_points(*self._official_points(table, records), phases, shoot_outs)
        differences = (*self._missing_teams(table), *self._differences(table, target, records))
        if kind in ("league", "group") and points.explained and any(team.carried for team in points.teams.values()):
            kind = "split"
        kickoffs = [k for f, _ in entries if (k := self.fixtures[f].kickoff)]
        return LeagueTable(
            table.number,
            table.name,
            kind,
            _state(differences, counted, is_stale, matched),
            tuple(self._standing(row, records, points) for row in table.rows),
            counted,
            tuple(dict.fromkeys(matched.selection.rounds)),
            tuple(sorted(omitted)),
            differences,
            max(kickoffs, default=None) if is_stale else None,
            superseded,
            points.carry_over,
            points.explained,
        )

    def _omitted(self, n: int, matched: _Matched, facts: Sequence[TableFacts]) -> set[int]:
        """Return the fixtures with a result in the table's rounds that neither this nor another table counts.

        If the table counts nothing yet, these are the matches between its teams in rounds with a number.
        """
        omitted = {f for f, _ in matched.selection.entries} | set(matched.selection.omitted)
        if not facts[n].entries:
            omitted = {
                fixture.id
                for fixture in self.fixtures.values()
                if fixture.teams and set(fixture.teams) <= facts[n].teams
                if parse_round(fixture.round).number is not None and matched.results[fixture.id] != UNCOUNTED
            }
        return omitted - {f for fact in facts if not fact.derived for f, _ in fact.entries}

    def _is_stale(self, matched: _Matched, fact: TableFacts, omitted: Collection[int]) -> bool:
        """Return whether the table is behind the fixtures, by matches that are no play-offs of some teams."""
        if not omitted or (matched.selection.extent not in ("until", "most") and fact.entries):
            return False
        if matched.selection.extent == "most":
            newest = max((self.fixtures[f].kickoff or NO_KICKOFF for f, _ in fact.entries), default=NO_KICKOFF)
            return all((self.fixtures[f].kickoff or NO_KICKOFF) > newest - LATE for f in omitted)
        played = {figures[0] for figures in fact.figures.values()}
        teams = {team_id for f in omitted for team_id in self.fixtures[f].teams}
        return len(played) > 1 or 2 * len(teams & fact.teams) > len(fact.teams)

    def _counted_match(
        self, fixture_id: int, team_id: int, results: Mapping[int, MatchResult], matched: _Matched
    ) -> CountedMatch:
        fixture, result = self.fixtures[fixture_id], results[fixture_id]
        ambiguous = fixture_id in matched.explanation.ambiguous
        reason = _decision_reason(fixture, result, ambiguous)
        if not reason and parse_round(fixture.round).prefix not in matched.selection.rounds:
            reason = f"the table counts this match of {fixture.round or 'an unnamed round'}"
        side: Side = "home" if fixture.home and fixture.home.id == team_id else "away"
        return CountedMatch(fixture_id, team_id, side, side_record(fixture, result, team_id), reason)

    def _missing_teams(self, table: StandingsTable) -> tuple[Difference, ...]:
        return tuple(
            Difference(row.team_id, row.team, "team", row.played, None)
            for row in table.rows
            if row_key(row) not in self.teams and row.played != 0
        )

    def _differences(
        self, table: StandingsTable, target: Mapping[int, Figures], records: Mapping[int, Record]
    ) -> tuple[Difference, ...]:
        found = []
        for row in table.rows:
            match = self.teams.get(row_key(row))
            if match and not any(value is not None for value in target[match.team_id]):
                played = records.get(match.team_id, NOTHING).played
                found.append(Difference(match.team_id, row.team, "played", None, played))
            elif match:
                computed = to_figures(records.get(match.team_id, NOTHING))
                for figure, mine, theirs in zip(FIGURES, target[match.team_id], computed, strict=True):
                    if mine is not None and mine != theirs:
                        found.append(Difference(match.team_id, row.team, figure, mine, theirs))
        return tuple(found)

    def _official_points(
        self, table: StandingsTable, records: Mapping[int, Record]
    ) -> tuple[dict[int, int], dict[int, Record]]:
        """Return the official points, and the records that they are for: official wins and draws where known."""
        points, official = {}, {}
        for row in table.rows:
            match = self.teams.get(row_key(row))
            if match and row.points is not None:
                record = records.get(match.team_id, NOTHING)
                won = record.won if row.won is None else row.won
                drawn = record.drawn if row.drawn is None else row.drawn
                points[match.team_id] = row.points
                official[match.team_id] = record._replace(won=won, drawn=drawn)
        return points, official

    def _shoot_out_points(self, counted: Iterable[CountedMatch]) -> Counter[int]:
        """Return what the counted matches with a shoot-out add to each team's points if shoot-outs are worth points."""
        added: Counter[int] = Counter()
        for match in counted:
            fixture = self.fixtures[match.fixture_id]
            if shoot_out_result(fixture):
                added[match.team_id] += shoot_out_points(match.record, match.side == fixture.winner)
        return added

    def _standing(self, row: StandingsRow, records: Mapping[int, Record], points: TablePoints) -> TeamStanding:
        match = self.teams.get(row_key(row))
        team_id = match.team_id if match else row.team_id
        record = records.get(match.team_id, NOTHING) if match else NOTHING
        split = points.teams.get(match.team_id) if match else None
        default = TeamPoints(row.points or 0)
        return TeamStanding(
            team_id, row.team, row.rank, row.points, row, record, split or default, match.how if match else ""
        )

    def _phases(self, n: int, facts: Sequence[TableFacts], results: Mapping[int, MatchResult]) -> list[EarlierPhase]:
        """Return the records of the earlier phases whose points the table may carry over."""
        fact = facts[n]
        larger = [f.entries for m, f in enumerate(facts) if m != n and not f.derived and fact.teams < f.teams]
        phases = earlier_phases(fact.teams, fact.entries, larger, self.fixtures, results)
        return [
            EarlierPhase(
                _sum((t, side_record(self.fixtures[f], results[f], t)) for f, t in phase),
                included=phase <= fact.entries,
            )
            for phase in phases
        ]


def _team_ids(table: LeagueTable) -> set[int | None]:
    return {row.team_id for row in table.rows}


def _is_empty(table: LeagueTable) -> bool:
    """Return whether the table has neither matches nor points yet; a second phase may begin with points."""
    return table.reconciled == "not started" and not any(row.points for row in table.rows)


def official_figures(row: StandingsRow) -> Figures:
    """Return the figures of a row in the order of FIGURES."""
    return (row.played, row.won, row.drawn, row.lost, row.goals_for, row.goals_against)


def _has_no_goals(table: StandingsTable) -> bool:
    """Return whether the goals of all rows are 0 though matches were won, so that they are unknown."""
    return any(row.won for row in table.rows) and not any(row.goals_for or row.goals_against for row in table.rows)


def _is_open_award(fixture: SeasonFixture) -> bool:
    """Return whether a match was awarded to a team, with no goals or 0-0."""
    is_awarded = find_status(fixture.status).result == "awarded"
    return is_awarded and fixture.winner is not None and not (fixture.goals_home or fixture.goals_away)


def _assumed_result(fixture: SeasonFixture, assumption: _Assumption) -> MatchResult:
    """Return the recorded result, unless the assumption gives another one."""
    if assumption.shoot_outs_decide and (result := shoot_out_result(fixture)):
        return result
    if assumption.award is None or not fixture.teams or not _is_open_award(fixture):
        return recorded_result(fixture)
    score = (assumption.award, 0) if fixture.winner == "home" else (0, assumption.award)
    return score_result(*score, winner=fixture.winner)


def _gaps(selector: RoundSelector, selection: Selection, target: Mapping[int, Figures]) -> dict[int, Record]:
    """Return official minus computed records of the teams that differ. Missing official figures are no gap."""
    sums = selector.sum_entries(selection.entries)
    gaps = {}
    for team_id, figures in target.items():
        record = sums.get(team_id, NOTHING)
        if differs(figures, to_figures(record)):
            official = [mine if theirs is None else theirs for mine, theirs in zip(record, figures[1:], strict=True)]
            gaps[team_id] = Record(*official).plus(record, -1)
    return gaps


def _sum(records: Iterable[tuple[int, Record]]) -> dict[int, Record]:
    sums: dict[int, Record] = {}
    for team_id, record in records:
        sums[team_id] = sums.get(team_id, NOTHING).plus(record)
    return sums


def _state(
    differences: Sequence[Difference], counted: Sequence[CountedMatch], is_stale: bool, matched: _Matched
) -> Reconciled:
    if differences:
        return "different"
    if is_stale:
        return "stale"
    if any(match.reason for match in counted) or matched.explanation.changes or matched.selection.extent == "most":
        return "decided"
    return "equal" if counted else "not started"


def _decision_reason(fixture: SeasonFixture, result: MatchResult, ambiguous: bool) -> str:
    """Return why a result that counts is not the fixture's own; empty if it is."""
    recorded = recorded_result(fixture)
    if result in (recorded, shoot_out_result(fixture)):
        return ""
    goals = (fixture.goals_home, fixture.goals_away)
    known = f"{goals[0]}-{goals[1]}" if None not in goals else "no score"
    counts = _describe_result(result)
    if recorded != UNCOUNTED and find_status(fixture.status).result == "played":
        reason = f"decided again: the fixture has {known}, the table counts {counts}"
    else:
        reason = f"{find_status(fixture.status).text} with {known}: the table counts {counts}"
    return f"{reason} (another match could explain the table as well)" if ambiguous else reason


def _describe_result(result: MatchResult) -> str:
    home, away = result
    score = f"{home.goals_for}-{home.goals_against}"
    if home.lost and away.lost:
        return f"{score}, lost by both teams"
    implied = score_result(home.goals_for, home.goals_against)
    if implied == result:
        return score
    return f"{score}, {'won by the home team' if home.won else 'won by the away team' if away.won else 'drawn'}"
