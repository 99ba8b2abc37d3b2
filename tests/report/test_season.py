"""The matches with the most luck in a season."""

from __future__ import annotations

import math

import pytest

from footlake.report.matches import Match, Team
from footlake.report.season import LuckyMatch, build_report

A, B = Team(1, "AAA", "Alpha"), Team(2, "BBB", "Beta")


def robbery(id: int, away_xg: float) -> Match:
    """Alpha wins without a chance of its own; Beta, which had all of them, may expect the more points of it."""
    return Match(id, None, A.id, B.id, 1, 0, 0, away_xg)


def told(lucky: list[LuckyMatch]) -> list[tuple[int, str, int]]:
    return [(one.idfixture, one.team.name, one.points) for one in lucky]


def test_the_five_luckiest_and_unluckiest_matches_begin_with_the_most_luck() -> None:
    matches = [robbery(id, away_xg=id / 2) for id in (4, 1, 7, 3, 6, 2, 5)]
    report = build_report(39, 2020, matches, [A, B])
    assert told(report.luckiest) == [(id, "Alpha", 3) for id in (7, 6, 5, 4, 3)]
    assert told(report.unluckiest) == [(id, "Beta", 0) for id in (7, 6, 5, 4, 3)]
    # A side that cannot score draws if the other does not score either.
    draw = math.exp(-3.5)
    assert report.luckiest[0].luck == pytest.approx(3 - draw)
    assert report.unluckiest[0].luck == pytest.approx(0 - (3 * (1 - draw) + draw))


def test_what_came_as_expected_or_has_no_xg_is_no_luck() -> None:
    as_expected = Match(1, None, A.id, B.id, 0, 0, 0, 0)
    awarded = Match(2, None, A.id, B.id, 3, 0, None, None)
    report = build_report(39, 2020, [as_expected, awarded, robbery(3, away_xg=2)], [A, B])
    assert told(report.luckiest) == [(3, "Alpha", 3)]
    assert told(report.unluckiest) == [(3, "Beta", 0)]


def test_equal_luck_is_told_in_the_same_order_whichever_match_comes_first() -> None:
    matches = [robbery(id, away_xg=2) for id in range(1, 8)]
    there, back = build_report(39, 2020, matches, [A, B]), build_report(39, 2020, matches[::-1], [A, B])
    assert (there.luckiest, there.unluckiest) == (back.luckiest, back.unluckiest)
