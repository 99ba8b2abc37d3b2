"""Read which fixtures MySQL has. A database that cannot be read is no error: the check says so."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from typing import TYPE_CHECKING, Any

from footlake.aws import AwsContext
from footlake.aws_errors import to_footlake_error
from footlake.data_check.records import LoadedFixtures
from footlake.deploy.database_sleep import require_database
from footlake.lake.s3_keys import Season

if TYPE_CHECKING:
    from pymysql.connections import Connection

_NO_SUCH_TABLE = 1146  # https://dev.mysql.com/doc/mysql-errors/8.4/en/


def read_loaded(aws: AwsContext, seasons: Collection[Season]) -> LoadedFixtures:
    """Return the fixtures of these seasons in MySQL, or why it was not read."""
    try:
        with closing(require_database(aws.config).connect(aws)) as connection:
            return LoadedFixtures({season: _read_season(connection, season) for season in seasons})
    except Exception as error:
        footlake_error = to_footlake_error(error)
        if footlake_error is None:  # a defect
            raise
        return LoadedFixtures(problem=footlake_error.message)


def _read_season(connection: Connection, season: Season) -> dict[int, bool]:
    """Return the season's fixtures, each with whether it has xG of both teams; none before the first load."""
    from pymysql import ProgrammingError

    with connection.cursor() as cursor:
        try:
            cursor.execute(
                "SELECT idfixture, xgoalshometeam IS NOT NULL AND xgoalsawayteam IS NOT NULL FROM fixtures"
                " WHERE idleague = %s AND season = %s",
                season,
            )
        except ProgrammingError as error:
            if error.args[0] != _NO_SUCH_TABLE:
                raise
            return {}
        rows: Any = cursor.fetchall()
        return {fixture_id: bool(has_xg) for fixture_id, has_xg in rows}
