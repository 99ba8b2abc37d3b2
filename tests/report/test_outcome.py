"""Expected points from expected goals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footlake.report.poisson import expected_points

means = st.floats(0, 99.999, allow_nan=False)


def test_one_goal_each_is_what_the_bessel_function_gives() -> None:
    # P(draw) = exp(-2) * I0(2), and I0(2) = 2.2795853023360673 (Abramowitz and Stegun, table 9.8)
    outcome = expected_points(1, 1)
    assert outcome.draw == pytest.approx(math.exp(-2) * 2.2795853023360673, abs=1e-14)
    assert outcome.home == pytest.approx((1 - outcome.draw) / 2, abs=1e-14)
    assert outcome.home_points == pytest.approx(1.5 - outcome.draw / 2, abs=1e-14)


def test_a_side_that_cannot_score_draws_or_loses() -> None:
    outcome = expected_points(0, 2)
    assert outcome.home == 0
    assert outcome.draw == pytest.approx(math.exp(-2), abs=1e-15)
    assert outcome.away == pytest.approx(1 - math.exp(-2), abs=1e-15)


def test_without_any_goals_expected_it_is_a_draw() -> None:
    outcome = expected_points(0, 0)
    assert (outcome.home, outcome.draw, outcome.away) == (0, 1, 0)
    assert outcome.home_points == outcome.away_points == 1


@settings(deadline=None)
@given(means, means)
def test_probabilities_add_up_to_one(home: float, away: float) -> None:
    outcome = expected_points(home, away)
    assert min(outcome.home, outcome.draw, outcome.away) >= 0
    assert math.fsum((outcome.home, outcome.draw, outcome.away)) == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(means, means)
def test_the_sides_are_interchangeable(home: float, away: float) -> None:
    there, back = expected_points(home, away), expected_points(away, home)
    assert (there.home, there.draw, there.away) == pytest.approx((back.away, back.draw, back.home), abs=1e-12)


@settings(deadline=None)
@given(means, means, st.floats(0.01, 5))
def test_more_expected_goals_never_mean_fewer_points(home: float, away: float, more: float) -> None:
    assert expected_points(home + more, away).home_points >= expected_points(home, away).home_points - 1e-12


@settings(deadline=None)
@given(st.floats(0, 4), st.floats(0, 4))
def test_it_agrees_with_every_score_added_up(home: float, away: float) -> None:
    def chance(mean: float, goals: int) -> float:
        return math.exp(-mean) * mean**goals / math.factorial(goals)

    scores = [(h, a, chance(home, h) * chance(away, a)) for h in range(40) for a in range(40)]
    outcome = expected_points(home, away)
    assert outcome.home == pytest.approx(sum(p for h, a, p in scores if h > a), abs=1e-9)
    assert outcome.draw == pytest.approx(sum(p for h, a, p in scores if h == a), abs=1e-9)


@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf])
def test_impossible_means_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        expected_points(1, wrong)
