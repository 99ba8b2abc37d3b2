"""Take the points of an official table apart: earned in its matches, carried over from a phase, and deducted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from footlake.football.season_fixtures import Record


class PointsRule(NamedTuple):
    """Points for a won and for a drawn match."""

    won: int
    drawn: int

    def points(self, record: Record) -> int:
        """Return the points that a record is worth."""
        return self.won * record.won + self.drawn * record.drawn


THREE_POINTS = PointsRule(3, 1)
RULES = (THREE_POINTS, PointsRule(2, 1))
# Where a shoot-out follows every draw, a lost one is worth a point and a won one two.
SHOOT_OUT_POINTS = (1, 2)
# What a team keeps of its points of an earlier phase, and how that is called.
CARRY_OVERS: tuple[tuple[str, Callable[[int], int]], ...] = (
    ("", lambda points: points),
    ("halved", lambda points: -(-points // 2)),
    ("halved", lambda points: points // 2),
    ("dropped", lambda points: 0),
)


class TeamPoints(NamedTuple):
    """A team's official points are `earned` in the matches of the table + `carried` + `adjusted`.

    `earned` includes the points for penalty shoot-outs, if the competition gives any.

    `carried` is what an earlier phase adds: its points, or half of them; negative if the table counts the matches of
    that phase, but not all their points. `adjusted` is negative for a deduction.
    """

    earned: int
    carried: int = 0
    adjusted: int = 0


class TablePoints(NamedTuple):
    """The points of each team, the rule, and what became of an earlier phase's points: "", "halved" or "dropped".

    `explained` is false if no rule gives the points of most teams; differences are then `carried` and no deductions.
    """

    teams: Mapping[int, TeamPoints]
    rule: PointsRule = THREE_POINTS
    carry_over: str = ""
    explained: bool = True


def shoot_out_points(record: Record, won: bool) -> int:
    """Return what a match adds to the points of `record`, its record in the table, if shoot-outs are worth points."""
    return SHOOT_OUT_POINTS[won] - THREE_POINTS.points(record)


class EarlierPhase(NamedTuple):
    """An earlier phase: each team's record in it, and whether the table counts its matches."""

    records: Mapping[int, Record]
    included: bool


def explain_points(
    official: Mapping[int, int],
    records: Mapping[int, Record],
    phases: Sequence[EarlierPhase] = (),
    shoot_outs: Mapping[int, int] | None = None,
) -> TablePoints:
    """Return the points of each team of a table by the rule that gives the official points of the most teams.

    `records` are the sums of the matches of the table, `shoot_outs` what shoot-outs can add to their points. The rules
    are tried without an earlier phase first. The rest is an adjustment, if at least half of the teams need none.
    """
    best: TablePoints | None = None
    fewest = len(official) + 1
    for candidate in _candidates(official, records, phases, shoot_outs or {}):
        adjusted = sum(points.adjusted != 0 for points in candidate.teams.values())
        if adjusted < fewest:
            best, fewest = candidate, adjusted
    if best is None or 2 * fewest <= len(official):
        return best or TablePoints({})
    unexplained = {t: TeamPoints(p.earned, p.carried + p.adjusted) for t, p in best.teams.items()}
    return best._replace(teams=unexplained, explained=False)


def _candidates(
    official: Mapping[int, int],
    records: Mapping[int, Record],
    phases: Sequence[EarlierPhase],
    shoot_outs: Mapping[int, int],
) -> Iterator[TablePoints]:
    def build(
        rule: PointsRule, carried: Mapping[int, int], how: str, added: Mapping[int, int] = MappingProxyType({})
    ) -> TablePoints:
        teams = {}
        for team_id, points in official.items():
            earned = rule.points(records.get(team_id, Record())) + added.get(team_id, 0)
            carry = carried.get(team_id, 0)
            teams[team_id] = TeamPoints(earned, carry, points - earned - carry)
        return TablePoints(teams, rule, how)

    for rule in RULES:
        yield build(rule, {}, "")
        for phase in phases:
            for how, keep in CARRY_OVERS:
                if how or not phase.included:
                    earned = {team_id: rule.points(record) for team_id, record in phase.records.items()}
                    carried = {t: keep(points) - points * phase.included for t, points in earned.items()}
                    yield build(rule, carried, how)
    if any(shoot_outs.values()):
        yield build(THREE_POINTS, {}, "", shoot_outs)
