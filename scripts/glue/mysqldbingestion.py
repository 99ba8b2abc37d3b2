"""Glue job: every fixture with a result as a row of MySQL, with its statistics and expected goals if it was played.

A part is loaded if one of its objects is newer than what the table `loaded_parts` remembers of it. Its rows and that
memory change in one transaction, with its neighbours', so a load that fails half-way is simply continued by the next
one.
"""

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any

from awsglue.context import GlueContext
from footlake_glue import (
    AWARDED,
    FIXTURES,
    FIXTURES_PER_PART,
    PLAYED,
    PREDICTION_SCHEMA,
    PREDICTIONS,
    STATISTICS,
    STATISTICS_SCHEMA,
    GlueLake,
    MySqlTarget,
    arguments,
    text,
    upsert,
)
from pyspark import SparkContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

CONNECTIONS = 2
# A block is the parts of a league's season within so many ids, and a transaction: what a commit and a round trip cost
# is shared by up to some thousand rows.
IDS_PER_BLOCK = 400 * FIXTURES_PER_PART
# What Spark hands over at once has room in its memory and Python's, whatever there is to load.
PARTS_TAKEN_OVER = 2500
RESULT = ("idfixture", "idhometeam", "idawayteam", "date", "time", "goalshometeam", "goalsawayteam")
FIGURES = (
    *("xgoalshometeam", "xgoalsawayteam", "shotsongoalhometeam", "shotsongoalawayteam"),
    *("shotsinsideboxhometeam", "shotsinsideboxawayteam", "totalshotshometeam", "totalshotsawayteam"),
    *("ballpossessionhometeam", "ballpossessionawayteam"),
)
COLUMNS = (*RESULT, *FIGURES, "idleague", "season", "round")
TEXTS = ("date", "time", "round")


def main() -> None:
    """Load what changed since the last load."""
    args = arguments("--connection", "--ca")
    context = GlueContext(SparkContext.getOrCreate())
    authorities = text(context.spark_session, args.ca)
    database = MySqlTarget.of(context.extract_jdbc_conf(args.connection), authorities)
    lake = GlueLake(context.spark_session, args.bucket)
    sources = list_sources(lake)
    changed = find_changed_parts(sources, database)
    rows = 0
    if changed:
        rows = load(read_fixtures(lake, [key for part in changed for key in sources[part]]), changed, database)
    print(f"mysqldbingestion: {len(changed)} parts loaded, {rows} rows")


def list_sources(lake: GlueLake) -> dict[str, dict[str, int]]:
    """The objects of each part that has fixtures: key → modification time in milliseconds."""
    sources = {part: {f"{FIXTURES}{part}.csv": modified} for part, modified in lake.list(FIXTURES).items()}
    for part, modified in lake.list(STATISTICS).items():
        if part in sources:
            sources[part][f"{STATISTICS}{part}.csv"] = modified
    for name, modified in lake.list(PREDICTIONS, ".csv.out").items():
        part = name.rpartition("-")[0]
        if part in sources:
            sources[part][f"{PREDICTIONS}{name}.csv.out"] = modified
    return sources


def find_changed_parts(sources: dict[str, dict[str, int]], database: MySqlTarget) -> dict[str, datetime]:
    """The parts to load, each with the modification time to remember, in UTC."""
    # S3 counts in seconds: what was written just now may be written again within the same second. Such a part is
    # remembered as a little older, so that the next load looks at it once more.
    settled = int((time.time() - 2) * 1000)
    newest = {
        part: datetime(1970, 1, 1) + timedelta(milliseconds=min(max(objects.values()), settled))
        for part, objects in sources.items()
    }
    # A memory that is ahead of every object is of objects that were replaced by older ones: a restored lake.
    latest = {
        part: datetime(1970, 1, 1) + timedelta(milliseconds=max(objects.values())) for part, objects in sources.items()
    }
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT part, modified FROM loaded_parts")
        known = dict(cursor.fetchall())
    return {
        part: moment
        for part, moment in newest.items()
        if part not in known or moment > known[part] or known[part] > latest[part]
    }


def read_fixtures(lake: GlueLake, keys: list[str]) -> DataFrame:
    """Every fixture of these objects, finished or not, with all columns of the table."""
    fixtures = lake.fixtures(key for key in keys if key.startswith(FIXTURES))
    figures = lake.csv((key for key in keys if key.startswith(STATISTICS)), STATISTICS_SCHEMA)
    xgoals = lake.csv((key for key in keys if key.startswith(PREDICTIONS)), PREDICTION_SCHEMA, header=False)
    xg = "CAST(greatest(0.0, least(99.999, xg)) AS DECIMAL(5, 3)) AS xg"
    xgoals = xgoals.where("xg IS NOT NULL AND NOT isnan(xg)").selectExpr("part", "idfixture", "idteam", xg)
    rows = fixtures.join(figures, ["part", "idFixture", "idHomeTeam", "idAwayTeam"], "left")
    for team in ("HomeTeam", "AwayTeam"):
        of_team = xgoals.withColumnsRenamed({"idteam": f"id{team}", "xg": f"xgoals{team}"})
        rows = rows.join(of_team, ["part", "idFixture", f"id{team}"], "left")
    named = rows.withColumnsRenamed({column: column.lower() for column in rows.columns})
    status = F.col("status")
    known = {"played": status.isin(*PLAYED), "finished": status.isin(*PLAYED, *AWARDED)}
    return named.withColumns(known).selectExpr(
        "part",
        "finished",
        *RESULT,
        # What was played and awarded otherwise afterwards keeps no figures beside a result that they did not lead to.
        *(f"IF(played, {name}, NULL) AS {name}" for name in FIGURES),
        "int(split(part, '-')[0]) AS idleague",
        "int(split(part, '-')[1]) AS season",
        "round",
    )


def load(fixtures: DataFrame, changed: dict[str, datetime], database: MySqlTarget) -> int:
    """Load the fixtures of these parts, over several connections at once; how many rows. All are tried if one fails."""
    blocks: dict[tuple[int, int, int], dict[str, datetime]] = {}
    for part, moment in changed.items():
        league, season, first = (int(number) for number in part.split("-"))
        blocks.setdefault((league, season, first // IDS_PER_BLOCK), {})[part] = moment
    idle: SimpleQueue[Any] = SimpleQueue()

    def work(connection: Any, block: tuple[int, int, int], ids: list[int], rows: str) -> int:
        try:
            return load_block(connection, block, blocks[block], set(ids), rows)
        finally:
            idle.put(connection)

    with ExitStack() as opened, ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in range(min(CONNECTIONS, len(blocks))):
            idle.put(opened.enter_context(closing(database.connect())))
        loads, empty = [], set(blocks)
        for *block, ids, rows in worded(fixtures, len(changed)).toLocalIterator(prefetchPartitions=True):
            empty.remove(tuple(block))
            loads.append(pool.submit(work, idle.get(), tuple(block), ids, rows))  # no more than there are hands for
        loads += [pool.submit(work, idle.get(), block, [], "") for block in empty]
        return sum(one.result() for one in loads)


def worded(fixtures: DataFrame, parts: int) -> DataFrame:
    """A row for each block: league, season, block, the ids of its fixtures with a result, their rows in words of SQL.

    Spark puts them into words, as Python would take far longer, and has little to take over like this.
    """
    block = f"floor(int(split(part, '-')[2]) / {IDS_PER_BLOCK}) AS block"
    rows = fixtures.where("finished").selectExpr("idleague", "season", block, "idfixture", f"{literals()} AS row")
    together = ("idleague", "season", "block")
    # One shuffle: what is grouped by these columns lies together already.
    return (
        rows.repartition(1 + parts // PARTS_TAKEN_OVER, *together)
        .groupBy(*together)
        .agg(F.expr("collect_list(idfixture)"), F.expr("concat_ws('), (', collect_list(row))"))
    )


def literals() -> str:
    """The columns of the table as an SQL statement has them, in an expression of Spark's SQL."""
    quoted = r"""concat("'", regexp_replace({}, r"['\\]", r"\\$0"), "'")"""
    words = [quoted.format(name) if name in TEXTS else f"string({name})" for name in COLUMNS]
    return f"array_join(array({', '.join(words)}), ',', 'NULL')"


def load_block(
    connection: Any, block: tuple[int, int, int], parts: dict[str, datetime], kept: set[int], rows: str
) -> int:
    """Make the parts' rows exactly these, which have the ids `kept`, in one transaction; how many they are."""
    with connection.cursor() as cursor:
        try:
            connection.begin()
            gone = rows_beside(kept, block, parts, cursor)
            if rows:
                cursor.execute(upsert("fixtures", COLUMNS, rows))
            if gone:
                cursor.execute(f"DELETE FROM fixtures WHERE idfixture IN ({', '.join(map(str, gone))})")
            cursor.executemany(upsert("loaded_parts", ("part", "modified")), list(parts.items()))
            connection.commit()
        except Exception:
            with suppress(Exception):  # a connection that is gone has undone it by that
                connection.rollback()
            raise
    return len(kept)


def rows_beside(kept: Collection[int], block: tuple[int, int, int], parts: Collection[str], cursor: Any) -> list[int]:
    """The ids of the rows that the table has of these parts of the block, but for those to keep."""
    league, season, number = block
    first = number * IDS_PER_BLOCK
    # Read without locks, and deleted by id: a DELETE with these conditions could lock what its neighbours load. The sum
    # keeps MySQL from making a range of its own between any two ids.
    cursor.execute(
        "SELECT idfixture FROM fixtures WHERE idleague = %s AND season = %s AND idfixture BETWEEN %s AND %s"
        f" AND idfixture + 0 NOT IN ({', '.join(map(str, (0, *kept)))})",
        (league, season, first, first + IDS_PER_BLOCK - 1),
    )
    ids = [id for (id,) in cursor]
    return [id for id in ids if f"{league}-{season}-{id // FIXTURES_PER_PART * FIXTURES_PER_PART}" in parts]


if __name__ == "__main__":
    main()
