"""Find the luckiest and unluckiest matches of a season."""

from __future__ import annotations

import math

import pytest

from footlake.report.matches import Match, Team
from footlake.report.season import LuckyMatch, build_report
from footlake.report.season_records import ReportRecords

A, B = Team(1, "AAA", "Alpha"), Team(2, "BBB", "Beta")


def lucky_win(fixture_id: int, away_xg: float) -> Match:
    """Return a 1:0 of Alpha, which has no xG; the more xG Beta has, the more points it could expect."""
    return Match(fixture_id, None, A.id, B.id, 1, 0, 0, away_xg)


def summarize(matches: list[LuckyMatch]) -> list[tuple[int, str, int]]:
    return [(match.idfixture, match.team.name, match.points) for match in matches]


def test_the_five_luckiest_and_unluckiest_matches_begin_with_the_most_luck() -> None:
    matches = [lucky_win(number, away_xg=number / 2) for number in (4, 1, 7, 3, 6, 2, 5)]
    report = build_report(ReportRecords(39, 2020, matches, [A, B]))
    assert summarize(report.luckiest) == [(number, "Alpha", 3) for number in (7, 6, 5, 4, 3)]
    assert summarize(report.unluckiest) == [(number, "Beta", 0) for number in (7, 6, 5, 4, 3)]
    # A side that cannot score draws if the other does not score either.
    draw = math.exp(-3.5)
    assert report.luckiest[0].luck == pytest.approx(3 - draw)
    assert report.unluckiest[0].luck == pytest.approx(0 - (3 * (1 - draw) + draw))


def test_matches_as_expected_or_without_xg_are_not_listed() -> None:
    as_expected = Match(1, None, A.id, B.id, 0, 0, 0, 0)
    awarded = Match(2, None, A.id, B.id, 3, 0, None, None)
    report = build_report(ReportRecords(39, 2020, [as_expected, awarded, lucky_win(3, away_xg=2)], [A, B]))
    assert summarize(report.luckiest) == [(3, "Alpha", 3)]
    assert summarize(report.unluckiest) == [(3, "Beta", 0)]


def test_matches_of_equal_luck_are_listed_in_a_fixed_order() -> None:
    matches = [lucky_win(number, away_xg=2) for number in range(1, 8)]
    report, reordered = (build_report(ReportRecords(39, 2020, m, [A, B])) for m in (matches, matches[::-1]))
    assert (report.luckiest, report.unluckiest) == (reordered.luckiest, reordered.unluckiest)
