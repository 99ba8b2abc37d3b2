"""Fixtures for the report: a season with every special case, and a browser."""

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


def make_season(teams: list[Team] = TEAMS, seed: int = 1) -> list[Match]:
    """Return every pairing of the teams, home and away; some without xG (as if awarded), one without a date."""
    rng = random.Random(seed)
    kickoff, matches = datetime(2020, 8, 15, 14), []
    for index, (home, away) in enumerate(permutations(teams, 2)):
        xg = (round(rng.uniform(0, 4), 3), round(rng.uniform(0, 4), 3))
        home_xg, away_xg = (None, None) if index % 7 == 3 else xg
        goals = rng.randint(0, 4), rng.randint(0, 4)
        date = None if index == 9 else kickoff + timedelta(days=5 * index, hours=index % 5)
        matches.append(Match(100 + index, date, home.id, away.id, *goals, home_xg, away_xg))
    return matches


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; its tests are skipped if Chromium is neither installed nor can be downloaded."""
    try:
        with browser() as chromium:
            yield chromium
    except FootlakeError as error:
        pytest.skip(f"{error.message} {error.hint}")
