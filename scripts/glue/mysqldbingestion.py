"""Glue job: every fixture with a result as a row of MySQL, with its statistics and expected goals if it was played.

A part is loaded if one of its objects is newer than what the table `loaded_parts` remembers of it. Its rows and that
memory change in one transaction, so a load that fails half-way is simply continued by the next one.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from awsglue.context import GlueContext
from footlake_glue import (
    AWARDED,
    FIXTURE_SCHEMA,
    FIXTURES,
    FIXTURES_PER_PART,
    PLAYED,
    PREDICTION_SCHEMA,
    PREDICTIONS,
    STATISTICS,
    STATISTICS_SCHEMA,
    Database,
    Lake,
    arguments,
    on_executors,
    text,
    upsert,
)
from pyspark import SparkContext
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

CONNECTIONS = 4
COLUMNS = (
    *("idfixture", "idhometeam", "idawayteam", "date", "time", "goalshometeam", "goalsawayteam"),
    *("xgoalshometeam", "xgoalsawayteam", "shotsongoalhometeam", "shotsongoalawayteam"),
    *("shotsinsideboxhometeam", "shotsinsideboxawayteam", "totalshotshometeam", "totalshotsawayteam"),
    *("ballpossessionhometeam", "ballpossessionawayteam", "idleague", "season"),
)


def main() -> None:
    """Load what changed since the last load."""
    args = arguments("--connection", "--ca")
    context = GlueContext(SparkContext.getOrCreate())
    authorities = text(context.spark_session, args.ca)
    database = Database.of(context.extract_jdbc_conf(args.connection), authorities)
    lake = Lake(context.spark_session, args.bucket)
    sources = sources_of(lake)
    changed = changes(sources, database)
    loaded = context.spark_session.sparkContext.accumulator(0)

    def load(fixtures: Iterator[Row]) -> None:
        with closing(database.connect()) as connection:
            for part, of_part in groupby(fixtures, key=lambda fixture: fixture.part):
                loaded.add(load_part(connection, part, list(of_part), changed[part]))

    if changed:
        fixtures = fixtures_of(lake, [key for part in changed for key in sources[part]])
        by_part = fixtures.repartition(min(CONNECTIONS, len(changed)), "part")
        on_executors(by_part.sortWithinPartitions("part", "idfixture"), load)
    print(f"mysqldbingestion: {len(changed)} parts loaded, {loaded.value} rows")


def sources_of(lake: Lake) -> dict[str, dict[str, int]]:
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


def changes(sources: dict[str, dict[str, int]], database: Database) -> dict[str, datetime]:
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


def fixtures_of(lake: Lake, keys: list[str]) -> DataFrame:
    """Every fixture of these objects, finished or not, with all columns of the table."""
    fixtures = lake.csv((key for key in keys if key.startswith(FIXTURES)), FIXTURE_SCHEMA)
    figures = lake.csv((key for key in keys if key.startswith(STATISTICS)), STATISTICS_SCHEMA)
    xgoals = lake.csv((key for key in keys if key.startswith(PREDICTIONS)), PREDICTION_SCHEMA, header=False)
    xg = F.greatest(F.lit(0.0), F.least(F.lit(99.999), "xg")).cast("decimal(5,3)")
    xgoals = xgoals.where(~F.isnan("xg")).select("part", "idfixture", "idteam", xg.alias("xg"))
    # What was played and awarded otherwise afterwards keeps no figures beside a result that they did not lead to.
    played = fixtures.where(F.col("status").isin(*PLAYED)).select("part", "idFixture")
    figures, xgoals = (
        rows.join(played.withColumnsRenamed({"idFixture": name}), ["part", name], "left_semi")
        for rows, name in ((figures, "idFixture"), (xgoals, "idfixture"))
    )
    rows = fixtures.join(figures.drop("idHomeTeam", "idAwayTeam"), ["part", "idFixture"], "left")
    for team in ("HomeTeam", "AwayTeam"):
        of_team = xgoals.withColumnsRenamed({"idteam": f"id{team}", "xg": f"xgoals{team}"})
        rows = rows.join(of_team, ["part", "idFixture", f"id{team}"], "left")
    named = rows.withColumnsRenamed({column: column.lower() for column in rows.columns})
    league_season = F.split("part", "-")
    return named.select(
        "part",
        F.col("status").isin(*PLAYED, *AWARDED).alias("finished"),
        *COLUMNS[:-2],
        league_season[0].cast("int").alias("idleague"),
        league_season[1].cast("int").alias("season"),
    )


def load_part(connection: Any, part: str, fixtures: list[Row], modified: datetime) -> int:
    """Make the part's rows exactly its fixtures with a result, in one transaction; how many they are."""
    rows = [tuple(fixture[column] for column in COLUMNS) for fixture in fixtures if fixture.finished]
    league, season, first = (int(number) for number in part.split("-"))
    gone = "DELETE FROM fixtures WHERE idfixture BETWEEN %s AND %s AND idleague = %s AND season = %s"
    bounds = (first, first + FIXTURES_PER_PART - 1, league, season)
    kept = [row[0] for row in rows]
    with connection.cursor() as cursor:
        connection.begin()
        if rows:
            cursor.executemany(upsert("fixtures", COLUMNS), rows)
            gone += f" AND idfixture NOT IN ({', '.join(['%s'] * len(kept))})"
        cursor.execute(gone, (*bounds, *kept))
        cursor.execute(upsert("loaded_parts", ("part", "modified")), (part, modified))
        connection.commit()
    return len(rows)


if __name__ == "__main__":
    main()
