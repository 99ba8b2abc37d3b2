"""Compute the probabilities of a match's results from its expected goals."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ResultProbabilities:
    """The probabilities of a home win, a draw and an away win, which add up to 1."""

    home: float
    draw: float
    away: float

    @property
    def home_points(self) -> float:
        """Expected points of the home team: three for a win, one for a draw."""
        return 3 * self.home + self.draw

    @property
    def away_points(self) -> float:
        """Expected points of the away team."""
        return 3 * self.away + self.draw


def result_probabilities(xg_home: float, xg_away: float) -> ResultProbabilities:
    """Return the probabilities if both teams' goals are independent Poisson variables with these means.

    Source: M. J. Maher, "Modelling association football scores", Statistica Neerlandica 36 (1982) 109–118. The sums
    end where the remaining terms are too small for a float; the probabilities are then scaled to add up to 1.
    Raises ValueError for a mean that is negative or not finite.
    """
    if not all(math.isfinite(mean) and mean >= 0 for mean in (xg_home, xg_away)):
        raise ValueError(f"expected goals must be finite and not negative: {xg_home}, {xg_away}")
    largest_mean = max(xg_home, xg_away)
    goals = range(math.ceil(largest_mean + 12 * math.sqrt(largest_mean)) + 30)
    home = [_poisson_probability(xg_home, k) for k in goals]
    away = [_poisson_probability(xg_away, k) for k in goals]
    home_win = _probability_of_more(home, away)
    draw = math.fsum(h * a for h, a in zip(home, away, strict=True))
    away_win = _probability_of_more(away, home)
    total = math.fsum((home_win, draw, away_win))
    return ResultProbabilities(home_win / total, draw / total, away_win / total)


def _poisson_probability(mean: float, k: int) -> float:
    if mean == 0:
        return float(k == 0)
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))


def _probability_of_more(team: list[float], opponent: list[float]) -> float:
    """Return the probability that the team scores more goals, from both distributions of goals."""
    return math.fsum(probability * math.fsum(opponent[:goals]) for goals, probability in enumerate(team))
