"""What a match's expected goals say about its result."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ResultProbabilities:
    """The probabilities of a home win, a draw and an away win; they add up to 1."""

    home: float
    draw: float
    away: float

    @property
    def home_points(self) -> float:
        """The points that the home side may expect: three for a win, one for a draw."""
        return 3 * self.home + self.draw

    @property
    def away_points(self) -> float:
        """The points that the away side may expect."""
        return 3 * self.away + self.draw


def expected_points(xg_home: float, xg_away: float) -> ResultProbabilities:
    """The outcome to expect if both sides' goals are independent Poisson variables with the two means.

    The model of M. J. Maher, "Modelling association football scores", Statistica Neerlandica 36 (1982) 109–118. The
    sums end where the tail is too small for a float, and what they come to is scaled to 1. ValueError for a mean that
    is negative or not finite.
    """
    if not all(math.isfinite(mean) and mean >= 0 for mean in (xg_home, xg_away)):
        raise ValueError(f"expected goals must be finite and not negative: {xg_home}, {xg_away}")
    most = max(xg_home, xg_away)
    goals = range(math.ceil(most + 12 * math.sqrt(most)) + 30)
    home = [_poisson(xg_home, k) for k in goals]
    away = [_poisson(xg_away, k) for k in goals]
    home_win = _more(home, away)
    draw = math.fsum(h * a for h, a in zip(home, away, strict=True))
    away_win = _more(away, home)
    total = math.fsum((home_win, draw, away_win))
    return ResultProbabilities(home_win / total, draw / total, away_win / total)


def _poisson(mean: float, k: int) -> float:
    if mean == 0:
        return float(k == 0)
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))


def _more(ours: list[float], theirs: list[float]) -> float:
    """The probability that we score more than they do."""
    return math.fsum(our * math.fsum(theirs[:k]) for k, our in enumerate(ours))
