"""A season with everything that a season can have, and a browser to look at its page with."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from playwright.sync_api import Browser

from footlake.errors import FootlakeError
from footlake.report.matches import Match, Team
from tests.support.browser import browser

TEAMS = [
    Team(1, "ALP", "Alpha"),
    Team(2, None, "Beta <script>document.title='owned'</script> & \"Söhne\""),
    Team(3, "GAM", "Gamma '<b>' Wanderers of the Long Name United"),
    Team(4, "<i>", "Delta {0} %s"),
    Team(5, None, "Ωmega"),
]


def season(teams: list[Team] = TEAMS, seed: int = 1) -> list[Match]:
    """Everyone against everyone at home and away, some without xG (as if awarded), one without a date."""
    chance = random.Random(seed)
    kickoff, matches = datetime(2020, 8, 15, 14), []
    for number, (home, away) in enumerate(permutations(teams, 2)):
        xg = (round(chance.uniform(0, 4), 3), round(chance.uniform(0, 4), 3))
        home_xg, away_xg = (None, None) if number % 7 == 3 else xg
        goals = chance.randint(0, 4), chance.randint(0, 4)
        day = None if number == 9 else kickoff + timedelta(days=5 * number, hours=number % 5)
        matches.append(Match(100 + number, day, home.id, away.id, *goals, home_xg, away_xg))
    return matches


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; tests that need it are skipped where there is none and none can be fetched."""
    try:
        with browser() as one:
            yield one
    except FootlakeError as error:
        pytest.skip(f"{error.message} {error.hint}")
