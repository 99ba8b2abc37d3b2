"""Teams and finished matches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

API_FOOTBALL = "API-Football"  # source of a match that is not simulated, see sql/fixtures.sql


@dataclass(frozen=True)
class Team:
    """A team; `code` is its three-letter code, where known."""

    id: int
    code: str | None
    name: str

    @property
    def short_name(self) -> str:
        """The code, or the beginning of the name."""
        return self.code or self.name[:10]


@dataclass(frozen=True)
class Match:
    """A finished match; `home` and `away` are team ids, `kickoff` is in UTC without a time zone.

    `source` is "API-Football" or "simulated".
    """

    id: int
    kickoff: datetime | None
    home: int
    away: int
    home_goals: int
    away_goals: int
    home_xg: float | None = None
    away_xg: float | None = None
    round: str | None = None
    source: str = API_FOOTBALL

    @property
    def xg(self) -> tuple[float, float] | None:
        """Expected goals of the home and the away team, or None unless both are known."""
        return None if self.home_xg is None or self.away_xg is None else (self.home_xg, self.away_xg)
