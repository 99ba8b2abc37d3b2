"""Find the finished matches that a table does not count yet.

A match that was interrupted or postponed can be older than matches that the table counts already, so that the table
does not equal the matches up to any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from footlake.football.season_fixtures import Record

MOST_STEPS = 2_000


class UncountedMatch(NamedTuple):
    """A match that may not be counted: its fixture id, and the record of each of the table's teams in it."""

    fixture_id: int
    records: Mapping[int, Record]


def find_uncounted(excess: Mapping[int, Record], matches: Sequence[UncountedMatch]) -> list[int] | None:
    """Return the ids of matches whose records are the `excess` of the teams, or None if they are not found.

    `excess` is what the results have more than the table, for each team that differs. Of several choices, the matches
    that come first in `matches` are taken.
    """
    of_team: dict[int, list[UncountedMatch]] = {team_id: [] for team_id in excess}
    for match in matches:
        if all(team_id in excess and _fits(record, excess[team_id]) for team_id, record in match.records.items()):
            for team_id in match.records:
                of_team[team_id].append(match)
    steps = 0

    def search(left: Mapping[int, Record], chosen: list[int]) -> list[int] | None:
        nonlocal steps
        steps += 1
        if not left:
            return chosen
        if steps > MOST_STEPS:
            return None
        team_id = min(left, key=lambda team: (len(of_team[team]), team))
        for match in of_team[team_id]:
            if match.fixture_id in chosen or not all(
                t in left and _fits(record, left[t]) for t, record in match.records.items()
            ):
                continue
            rest = {
                t: record.plus(match.records[t], -1) if t in match.records else record for t, record in left.items()
            }
            found = search({t: record for t, record in rest.items() if any(record)}, [*chosen, match.fixture_id])
            if found is not None:
                return found
        return None

    return search(excess, [])


def _fits(record: Record, excess: Record) -> bool:
    """Return whether the excess can include a match with this record."""
    return all(mine <= theirs for mine, theirs in zip(record, excess, strict=True))
