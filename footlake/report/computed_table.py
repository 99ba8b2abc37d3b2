"""Compute the table of a season for which an earlier version of footlake stored no tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from footlake.report.matches import Match
from footlake.report.season_records import CountedRecord, ReportRecords, StandingRecord, TableRecord, TeamNames

REGULAR_SEASON = "Regular Season"  # prefix of the round's name in API-Football, followed by a number


def with_computed_table(records: ReportRecords) -> ReportRecords:
    """Return the records with one table: points, goal difference, goals for, then name. No deductions are known.

    The view `expected_tables` has the same table.
    """
    counted: defaultdict[int, list[CountedRecord]] = defaultdict(list)
    for match in _select_table_matches(records.matches):
        goals = match.home_goals, match.away_goals
        counted[match.home].append(_count(match, "home", match.home, *goals))
        counted[match.away].append(_count(match, "away", match.away, *goals[::-1]))
    names = TeamNames(records)
    rows = [_add_up(team_id, names.find(team_id).name, matches) for team_id, matches in counted.items()]
    rows.sort(key=_rank_key)
    return replace(
        records,
        tables=[TableRecord(1, "Table", "league", False, False, official=False, reconciled="unofficial")],
        standings=[row._replace(rank=rank) for rank, row in enumerate(rows, start=1)],
        counted=[match for matches in counted.values() for match in matches],
    )


def _select_table_matches(matches: Sequence[Match]) -> Sequence[Match]:
    """Return the matches that count, as in the view `fixtures_without_tables`.

    If the season has regular-season rounds, matches of other rounds (play-offs) do not count; matches of unknown
    rounds do.
    """
    if not any(_is_regular(match) for match in matches):
        return matches
    return [match for match in matches if match.round is None or _is_regular(match)]


def _is_regular(match: Match) -> bool:
    return match.round is not None and match.round.startswith(REGULAR_SEASON)


def _count(match: Match, side: str, team_id: int, mine: int, theirs: int) -> CountedRecord:
    result = int(mine > theirs), int(mine == theirs), int(mine < theirs)
    return CountedRecord(1, match.id, side, team_id, *result, mine, theirs)


def _add_up(team_id: int, name: str, matches: Sequence[CountedRecord]) -> StandingRecord:
    """Return a team's row without a rank."""
    won, drawn, lost = (sum(getattr(match, figure) for match in matches) for figure in ("won", "drawn", "lost"))
    return StandingRecord(
        table_number=1,
        rank=None,
        team_id=team_id,
        team=name,
        points=3 * won + drawn,
        points_carried=0,
        points_adjusted=0,
        played=len(matches),
        won=won,
        drawn=drawn,
        lost=lost,
        goals_for=sum(match.goals_for for match in matches),
        goals_against=sum(match.goals_against for match in matches),
    )


def _rank_key(row: StandingRecord) -> tuple[int, int, int, str, int]:
    points, goals_for, goals_against = row.points or 0, row.goals_for or 0, row.goals_against or 0
    return -points, goals_against - goals_for, -goals_for, row.team or "", row.team_id
