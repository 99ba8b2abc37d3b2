"""Read finished matches and teams from the MySQL database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from footlake.errors import FootlakeCommand, Hint, NotReady

if TYPE_CHECKING:
    from pymysql.connections import Connection

# https://dev.mysql.com/doc/mysql-errors/8.4/en/
_NOT_READY_MESSAGES = {
    1146: "The database has no results yet.",  # ER_NO_SUCH_TABLE
    1054: "The database's tables are of an earlier version of footlake.",  # ER_BAD_FIELD_ERROR
}

API_FOOTBALL = "API-Football"  # source of a match that is not simulated, see sql/fixtures.sql
REGULAR_SEASON = "Regular Season"  # prefix of the round's name in API-Football, followed by a number


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

    @property
    def in_regular_season(self) -> bool:
        """Whether the match is known to belong to the regular season."""
        return self.round is not None and self.round.startswith(REGULAR_SEASON)


def select_table_matches(matches: Sequence[Match]) -> list[Match]:
    """Return the matches of a season that count in the league table, as in the SQL view `league_fixtures`.

    If the season has regular-season rounds, matches of other rounds (play-offs) do not count; matches of unknown
    rounds do.
    """
    if not any(match.in_regular_season for match in matches):
        return list(matches)
    return [match for match in matches if match.in_regular_season or match.round is None]


def read_matches(connection: Connection, league: int, season: int) -> list[Match]:
    """Return the finished matches of a season in order of kick-off. Raises NotReady if nothing was ever loaded."""
    rows = _read(
        connection,
        "SELECT idfixture, `date`, `time`, idhometeam, idawayteam, goalshometeam, goalsawayteam,"
        " xgoalshometeam, xgoalsawayteam, `round`, source FROM fixtures"
        " WHERE idleague = %s AND season = %s AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL"
        " ORDER BY `date`, `time`, idfixture",
        (league, season),
    )
    return [_to_match(*row) for row in rows]


def read_seasons(connection: Connection, league: int) -> list[int]:
    """Return the seasons with finished matches, in order. Raises NotReady if nothing was ever loaded."""
    rows = _read(
        connection,
        "SELECT DISTINCT season FROM fixtures"
        " WHERE idleague = %s AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL ORDER BY season",
        (league,),
    )
    return [season for (season,) in rows]


def read_teams(connection: Connection) -> list[Team]:
    """Return all teams of the database. Raises NotReady if nothing was ever loaded."""
    return [Team(*row) for row in _read(connection, "SELECT idteam, code, name FROM teams ORDER BY idteam")]


def _read(connection: Connection, query: str, values: tuple[Any, ...] = ()) -> tuple[tuple[Any, ...], ...]:
    from pymysql import OperationalError, ProgrammingError

    with connection.cursor() as cursor:
        try:
            cursor.execute(query, values)
        except (OperationalError, ProgrammingError) as error:
            if error.args[0] not in _NOT_READY_MESSAGES:
                raise
            raise NotReady(
                _NOT_READY_MESSAGES[error.args[0]], hint=Hint("Run ", FootlakeCommand("load-mysql"), " first.")
            ) from error
        return tuple(cursor.fetchall())


def _to_match(
    fixture_id: int,
    day: date | None,
    clock: timedelta | None,
    home: int,
    away: int,
    home_goals: int,
    away_goals: int,
    home_xg: Any,
    away_xg: Any,
    round_name: str | None,
    source: str,
) -> Match:
    kickoff, xg = _kickoff(day, clock), (_float(home_xg), _float(away_xg))
    return Match(fixture_id, kickoff, home, away, home_goals, away_goals, *xg, round_name, source)


def _kickoff(day: date | None, clock: timedelta | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time()) + (clock or timedelta())


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
