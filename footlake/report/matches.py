"""The finished matches and the teams, as the database holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from footlake.errors import NotReady

if TYPE_CHECKING:
    from pymysql.connections import Connection

# https://dev.mysql.com/doc/mysql-errors/8.4/en/
_TOLD = {
    1146: "The database has no results yet.",  # no such table
    1054: "The database's tables are of an earlier footlake.",  # no such column
}

REGULAR = "Regular Season"  # how the API calls the rounds of a league's table, with a number


@dataclass(frozen=True)
class Team:
    """A team; the three-letter code is not known for every one."""

    id: int
    code: str | None
    name: str


@dataclass(frozen=True)
class Match:
    """A finished match; `home` and `away` are team ids, kick-off is in UTC, expected goals and round may be unknown."""

    id: int
    kickoff: datetime | None
    home: int
    away: int
    home_goals: int
    away_goals: int
    home_xg: float | None = None
    away_xg: float | None = None
    round: str | None = None

    @property
    def xg(self) -> tuple[float, float] | None:
        """Both sides' expected goals, or None unless both are known."""
        return None if self.home_xg is None or self.away_xg is None else (self.home_xg, self.away_xg)

    @property
    def regular(self) -> bool:
        """Whether its round is one of the regular season."""
        return self.round is not None and self.round.startswith(REGULAR)


def counted(matches: Sequence[Match]) -> list[Match]:
    """The matches of a league's season that count in its table, as the SQL view `league_fixtures` has them.

    Where there is a regular season, play-offs and the like are left out; a match whose round is unknown is not.
    """
    if not any(match.regular for match in matches):
        return list(matches)
    return [match for match in matches if match.regular or match.round is None]


def read_matches(connection: Connection, league: int, season: int) -> list[Match]:
    """The finished matches of a season, the earliest first; NotReady if nothing was ever loaded."""
    rows = _read(
        connection,
        "SELECT idfixture, `date`, `time`, idhometeam, idawayteam, goalshometeam, goalsawayteam,"
        " xgoalshometeam, xgoalsawayteam, `round` FROM fixtures"
        " WHERE idleague = %s AND season = %s AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL"
        " ORDER BY `date`, `time`, idfixture",
        (league, season),
    )
    return [
        Match(id, _kickoff(day, clock), home, away, home_goals, away_goals, _float(home_xg), _float(away_xg), round)
        for id, day, clock, home, away, home_goals, away_goals, home_xg, away_xg, round in rows
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
    from pymysql import OperationalError, ProgrammingError

    with connection.cursor() as cursor:
        try:
            cursor.execute(query, values)
        except (OperationalError, ProgrammingError) as error:
            if error.args[0] not in _TOLD:
                raise
            raise NotReady(_TOLD[error.args[0]], hint="Run footlake load-mysql first.") from error
        return tuple(cursor.fetchall())


def _kickoff(day: date | None, clock: timedelta | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time()) + (clock or timedelta())


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
