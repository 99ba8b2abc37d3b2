"""Compute expected points from expected goals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footlake.report.poisson import result_probabilities

means = st.floats(0, 99.999, allow_nan=False)


def test_one_expected_goal_each_agrees_with_the_bessel_function() -> None:
    # P(draw) = exp(-2) * I0(2), and I0(2) = 2.2795853023360673 (Abramowitz and Stegun, table 9.8)
    outcome = result_probabilities(1, 1)
    assert outcome.draw == pytest.approx(math.exp(-2) * 2.2795853023360673, abs=1e-14)
    assert outcome.home == pytest.approx((1 - outcome.draw) / 2, abs=1e-14)
    assert outcome.home_points == pytest.approx(1.5 - outcome.draw / 2, abs=1e-14)


def test_a_side_that_cannot_score_draws_or_loses() -> None:
    outcome = result_probabilities(0, 2)
    assert outcome.home == 0
    assert outcome.draw == pytest.approx(math.exp(-2), abs=1e-15)
    assert outcome.away == pytest.approx(1 - math.exp(-2), abs=1e-15)


def test_without_any_goals_expected_it_is_a_draw() -> None:
    outcome = result_probabilities(0, 0)
    assert (outcome.home, outcome.draw, outcome.away) == (0, 1, 0)
    assert outcome.home_points == outcome.away_points == 1


@settings(deadline=None)
@given(means, means)
def test_probabilities_add_up_to_one(home: float, away: float) -> None:
    outcome = result_probabilities(home, away)
    assert min(outcome.home, outcome.draw, outcome.away) >= 0
    assert math.fsum((outcome.home, outcome.draw, outcome.away)) == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(means, means)
def test_the_sides_are_interchangeable(home: float, away: float) -> None:
    outcome, mirrored = result_probabilities(home, away), result_probabilities(away, home)
    assert (outcome.home, outcome.draw, outcome.away) == pytest.approx(
        (mirrored.away, mirrored.draw, mirrored.home), abs=1e-12
    )


@settings(deadline=None)
@given(means, means, st.floats(0.01, 5))
def test_more_expected_goals_never_mean_fewer_points(home: float, away: float, more: float) -> None:
    assert result_probabilities(home + more, away).home_points >= result_probabilities(home, away).home_points - 1e-12


@settings(deadline=None)
@given(st.floats(0, 4), st.floats(0, 4))
def test_it_agrees_with_every_score_added_up(home: float, away: float) -> None:
    def probability(mean: float, goals: int) -> float:
        return math.exp(-mean) * mean**goals / math.factorial(goals)

    scores = [(h, a, probability(home, h) * probability(away, a)) for h in range(40) for a in range(40)]
    outcome = result_probabilities(home, away)
    assert outcome.home == pytest.approx(sum(p for h, a, p in scores if h > a), abs=1e-9)
    assert outcome.draw == pytest.approx(sum(p for h, a, p in scores if h == a), abs=1e-9)


@pytest.mark.parametrize("mean", [-0.1, math.nan, math.inf])
def test_impossible_means_are_refused(mean: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        result_probabilities(1, mean)
