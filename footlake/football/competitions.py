"""Names of competitions and labels of their seasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from footlake.football.names import decode_name, fold

# A competition that begins in this month or later ends in the next year, also if no match of that year is known yet.
FIRST_MONTH_OF_SEASONS_OVER_TWO_YEARS = 7
# With one of these rounds, all matches are known.
LAST_ROUNDS = ("final", "grand final")
# A stray date, such as a placeholder of a postponed match, does not change the label.
LEAST_SHARE_IN_NEXT_YEAR = 0.02


@dataclass(frozen=True)
class Competition:
    """A competition with its country; either is empty if the API does not name it."""

    id: int
    name: str = ""
    country: str = ""

    @property
    def label(self) -> str:
        """The name, or "League 39" without one."""
        return self.name or f"League {self.id}"


def parse_competition(league_id: int, leagues: Iterable[Any]) -> Competition:
    """Return the competition as the last of these v3 `league` objects with this id names it.

    The objects come from fixtures or standings: `[item["league"] for item in response]`. Invalid ones are ignored,
    because a name is never required.
    """
    name = country = ""
    for league in leagues:
        if isinstance(league, dict) and str(league.get("id")) == str(league_id):
            name = _text(league.get("name")) or name
            country = _text(league.get("country")) or country
    return Competition(league_id, name, country)


def season_label(season: int, days: Iterable[date], rounds: Iterable[str | None] = ()) -> str:
    """Return "2024" for a season in one calendar year and "2024/25" for one that ends in the next.

    `days` are the dates of the known matches of the season and `rounds` the names of their rounds. Matches before the
    year of the season (qualifying rounds) do not matter. A tournament keeps its year if it is held in the next one.
    """
    known = sorted(day for day in days if day.year >= season)
    over_two_years = f"{season}/{(season + 1) % 100:02d}"
    if not known:
        return str(season)
    has_ended = any(fold(name or "") in LAST_ROUNDS for name in rounds)
    if has_ended and known[0].year == known[-1].year:
        return str(season)
    in_next_year = sum(day.year > season for day in known)
    if in_next_year > LEAST_SHARE_IN_NEXT_YEAR * len(known):
        return over_two_years
    return over_two_years if known[0].month >= FIRST_MONTH_OF_SEASONS_OVER_TWO_YEARS else str(season)


def _text(value: Any) -> str:
    try:
        return decode_name(value)
    except (TypeError, ValueError):
        return ""
