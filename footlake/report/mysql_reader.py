"""Read the records of a season from the MySQL database."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from footlake.errors import FootlakeCommand, Hint, NotReady
from footlake.report.matches import Match, Team
from footlake.report.season_records import CountedRecord, FindingRecord, ReportRecords, StandingRecord, TableRecord

if TYPE_CHECKING:
    from pymysql.connections import Connection

# https://dev.mysql.com/doc/mysql-errors/8.4/en/
_NO_SUCH_TABLE = 1146  # ER_NO_SUCH_TABLE
_NOT_READY_MESSAGES = {
    _NO_SUCH_TABLE: "The database has no results yet.",
    1054: "The database's tables are of an earlier version of footlake.",  # ER_BAD_FIELD_ERROR
}
_WITH_RESULT = "idleague = %s AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL"
_OF_SEASON = "WHERE idleague = %s AND season = %s ORDER BY"

Rows = tuple[tuple[Any, ...], ...]


def read_season(connection: Connection, league: int, season: int) -> ReportRecords:
    """Return the records of a season. Raises NotReady if nothing was ever loaded.

    A database without the four tables about seasons was loaded by an earlier version of footlake. Its seasons have no
    records of them.
    """
    of_season = (league, season)
    return ReportRecords(
        league,
        season,
        _read_matches(connection, league, season),
        [Team(*row) for row in _read(connection, "SELECT idteam, code, name FROM teams ORDER BY idteam")],
        read_seasons(connection, league),
        [
            _to_table(row)
            for row in _read_if_exists(
                connection,
                "SELECT tablenumber, `name`, kind, derived, superseded, official, reconciled, counteduntil, carryover,"
                f" pointsexplained, competition, country, seasonlabel FROM league_tables {_OF_SEASON} tablenumber",
                of_season,
            )
        ],
        [
            StandingRecord(*row)
            for row in _read_if_exists(
                connection,
                "SELECT tablenumber, `rank`, idteam, team, points, pointscarried, pointsadjusted, played, won, drawn,"
                f" lost, goalsfor, goalsagainst FROM standings {_OF_SEASON} tablenumber, idteam",
                of_season,
            )
        ],
        [
            CountedRecord(*row)
            for row in _read_if_exists(
                connection,
                "SELECT tablenumber, idfixture, side, idteam, won, drawn, lost, goalsfor, goalsagainst, reason"
                f" FROM table_fixtures {_OF_SEASON} tablenumber, idfixture, side",
                of_season,
            )
        ],
        [
            FindingRecord(*row)
            for row in _read_if_exists(
                connection,
                "SELECT tablenumber, finding, idfixture, team, figure, official, computed, `text`"
                f" FROM table_findings {_OF_SEASON} number",
                of_season,
            )
        ],
    )


def read_seasons(connection: Connection, league: int) -> list[int]:
    """Return the seasons with finished matches, in order. Raises NotReady if nothing was ever loaded."""
    rows = _read(connection, f"SELECT DISTINCT season FROM fixtures WHERE {_WITH_RESULT} ORDER BY season", (league,))
    return [season for (season,) in rows]


def _read_matches(connection: Connection, league: int, season: int) -> list[Match]:
    """Return the finished matches of a season in order of kick-off."""
    rows = _read(
        connection,
        "SELECT idfixture, `date`, `time`, idhometeam, idawayteam, goalshometeam, goalsawayteam,"
        f" xgoalshometeam, xgoalsawayteam, `round`, source FROM fixtures WHERE {_WITH_RESULT} AND season = %s"
        " ORDER BY `date`, `time`, idfixture",
        (league, season),
    )
    return [_to_match(*row) for row in rows]


def _read(connection: Connection, query: str, values: tuple[Any, ...] = ()) -> Rows:
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


def _read_if_exists(connection: Connection, query: str, values: tuple[Any, ...]) -> Rows:
    """Return the rows of the query, and none if the table does not exist."""
    from pymysql import ProgrammingError

    with connection.cursor() as cursor:
        try:
            cursor.execute(query, values)
        except ProgrammingError as error:
            if error.args[0] != _NO_SUCH_TABLE:
                raise
            return ()
        return tuple(cursor.fetchall())


def _to_table(row: tuple[Any, ...]) -> TableRecord:
    """Return the record; MySQL's booleans are integers."""
    record = TableRecord(*row)
    return record._replace(
        derived=bool(record.derived),
        superseded=bool(record.superseded),
        official=bool(record.official),
        points_explained=bool(record.points_explained),
    )


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
