"""The finished matches and the teams, as the database holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from footlake.errors import NotReady

if TYPE_CHECKING:
    from pymysql.connections import Connection

_NO_SUCH_TABLE = 1146


@dataclass(frozen=True)
class Team:
    """A team; the three-letter code is not known for every one."""

    id: int
    code: str | None
    name: str


@dataclass(frozen=True)
class Match:
    """A finished match; `home` and `away` are team ids, kick-off is in UTC, expected goals may be unknown."""

    id: int
    kickoff: datetime | None
    home: int
    away: int
    home_goals: int
    away_goals: int
    home_xg: float | None = None
    away_xg: float | None = None

    @property
    def xg(self) -> tuple[float, float] | None:
        """Both sides' expected goals, or None unless both are known."""
        return None if self.home_xg is None or self.away_xg is None else (self.home_xg, self.away_xg)


def read_matches(connection: Connection, league: int, season: int) -> list[Match]:
    """The finished matches of a season, the earliest first; NotReady if nothing was ever loaded."""
    rows = _read(
        connection,
        "SELECT idfixture, `date`, `time`, idhometeam, idawayteam, goalshometeam, goalsawayteam,"
        " xgoalshometeam, xgoalsawayteam FROM fixtures"
        " WHERE idleague = %s AND season = %s AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL"
        " ORDER BY `date`, `time`, idfixture",
        (league, season),
    )
    return [
        Match(id, _kickoff(day, clock), home, away, home_goals, away_goals, _float(home_xg), _float(away_xg))
        for id, day, clock, home, away, home_goals, away_goals, home_xg, away_xg in rows
    ]


def read_seasons(connection: Connection, league: int) -> list[int]:
    """The seasons of which there are finished matches, in order; NotReady if nothing was ever loaded."""
    rows = _read(
        connection,
        "SELECT DISTINCT season FROM fixtures"
        " WHERE idleague = %s AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL ORDER BY season",
        (league,),
    )
    return [season for (season,) in rows]


def read_teams(connection: Connection) -> list[Team]:
    """All teams of the database; NotReady if nothing was ever loaded."""
    return [Team(*row) for row in _read(connection, "SELECT idteam, code, name FROM teams ORDER BY idteam")]


def _read(connection: Connection, query: str, values: tuple[Any, ...] = ()) -> tuple[tuple[Any, ...], ...]:
    from pymysql import ProgrammingError

    with connection.cursor() as cursor:
        try:
            cursor.execute(query, values)
        except ProgrammingError as error:
            if error.args[0] != _NO_SUCH_TABLE:
                raise
            raise NotReady("The database has no results yet.", hint="Run footlake load-mysql first.") from error
        return tuple(cursor.fetchall())


def _kickoff(day: date | None, clock: timedelta | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time()) + (clock or timedelta())


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
