"""Match the teams of official tables with those of the fixtures, whose ids can differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

from footlake.football.fixtures import FixtureTeam
from footlake.football.names import fold, fold_club
from footlake.football.season_fixtures import SeasonFixture
from footlake.football.standings import StandingsRow, StandingsTable

# Similarity of names from 0 to 1 (difflib's ratio) from which they are the same, if no other name comes as close.
SAME_NAME = 0.8


class MatchedTeam(NamedTuple):
    """A team of the fixtures for a row of a table, and how it was found: "id", "name", "record" or "elimination"."""

    team_id: int
    how: str


RowKey = tuple[int | None, str]
"""What identifies a team in the standings: its id there, or its name if it has none."""

FitsRecord = Callable[[StandingsTable, StandingsRow, int], bool]
"""Whether the matches of a fixtures' team can add up to the official row."""


def row_key(row: StandingsRow) -> RowKey:
    """Return the key of the row's team."""
    return (row.team_id, "" if row.team_id else row.team)


def match_teams(
    tables: Iterable[StandingsTable], fixtures: Iterable[SeasonFixture], fits_record: FitsRecord
) -> dict[RowKey, MatchedTeam]:
    """Return the team of the fixtures for each team of the tables; a team that is not found is left out.

    An id that the fixtures have is the same team. The others are matched by name, then by record if one free team's
    matches can add up to the row, then by elimination if one row and one team that plays the table's teams are left.
    """
    played = list(fixtures)
    names = _fixture_names(played)
    opponents = _opponents(played)
    all_tables = list(tables)
    rows = {row_key(row): (table, row) for table in all_tables for row in table.rows}
    found = {key: MatchedTeam(key[0], "id") for key in rows if key[0] is not None and key[0] in names}

    def free() -> set[int]:
        return names.keys() - {match.team_id for match in found.values()}

    for key, (_, row) in rows.items():
        if key not in found and (match := _find_by_name(row.team, names, free())):
            found[key] = MatchedTeam(match, "name")
    for key, (table, row) in rows.items():
        if key not in found:
            members = {found[row_key(other)].team_id for other in table.rows if row_key(other) in found}
            near = {team_id for team_id in free() if opponents[team_id].keys() & members}
            fitting = [team_id for team_id in near if fits_record(table, row, team_id)]
            if len(fitting) == 1:
                found[key] = MatchedTeam(fitting[0], "record")
    for table in all_tables:
        left = [row for row in table.rows if row_key(row) not in found]
        members = {found[row_key(row)].team_id for row in table.rows if row_key(row) in found}
        if len(left) == 1 and (candidate := _most_frequent_opponent(free(), opponents, members)):
            found[row_key(left[0])] = MatchedTeam(candidate, "elimination")
    return found


def merge_team_ids(fixtures: Iterable[SeasonFixture], in_tables: set[int]) -> list[SeasonFixture] | None:
    """Return the fixtures with one id for each club that has two, or None if there is no such club.

    A club has two ids if an id that is in no table has the same name as one that is, and the two never meet.
    """
    all_fixtures = list(fixtures)
    names = _fixture_names(all_fixtures)
    opponents = _opponents(all_fixtures)
    merged: dict[int, int] = {}
    for team_id in names.keys() - in_tables:
        same = [t for t in in_tables if {*map(fold, names[t])} & {*map(fold, names[team_id])}]
        if len(same) == 1 and team_id not in opponents[same[0]]:
            merged[team_id] = same[0]

    def with_merged_id(team: FixtureTeam | None) -> FixtureTeam | None:
        return replace(team, id=merged.get(team.id, team.id)) if team else None

    if not merged:
        return None
    return [replace(f, home=with_merged_id(f.home), away=with_merged_id(f.away)) for f in all_fixtures]


def _fixture_names(fixtures: Iterable[SeasonFixture]) -> dict[int, set[str]]:
    names: dict[int, set[str]] = defaultdict(set)
    for fixture in fixtures:
        for team in (fixture.home, fixture.away):
            if team:
                names[team.id].add(team.name)
    return dict(names)


def _opponents(fixtures: Iterable[SeasonFixture]) -> dict[int, Counter[int]]:
    opponents: dict[int, Counter[int]] = defaultdict(Counter)
    for fixture in fixtures:
        if fixture.home and fixture.away:
            opponents[fixture.home.id][fixture.away.id] += 1
            opponents[fixture.away.id][fixture.home.id] += 1
    return opponents


def _find_by_name(name: str, names: Mapping[int, set[str]], free: set[int]) -> int | None:
    """Return the only free team with this name: folded, then without words for "club", then similar."""
    for simplify in (fold, fold_club):
        same = [team for team in free if simplify(name) in {simplify(other) for other in names[team]}]
        if len(same) == 1:
            return same[0]
    similar = [
        team
        for team in free
        if any(SequenceMatcher(None, fold_club(name), fold_club(other)).ratio() >= SAME_NAME for other in names[team])
    ]
    return similar[0] if len(similar) == 1 else None


def _most_frequent_opponent(free: set[int], opponents: Mapping[int, Counter[int]], members: set[int]) -> int | None:
    """Return the free team that has played most of the members, if no other free team has played as many of them."""
    counts = sorted(((len(opponents[team].keys() & members), team) for team in free), reverse=True)
    if not counts or 2 * counts[0][0] < len(members) or counts[0][0] == 0:
        return None
    return counts[0][1] if len(counts) == 1 or counts[1][0] < counts[0][0] else None
