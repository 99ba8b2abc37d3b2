"""Glue job: the training set, team rows without their ids, in one object.

The rows are ordered by the ids that are dropped, so the same rows give the same bytes. `--seasons 39-2019,39-2020`
takes only those league seasons. `--features extended` adds every further statistic of which there are values.
"""

from footlake_glue import (
    EXTENDED,
    EXTENDED_NAMES,
    EXTENDED_SCHEMA,
    PROVIDERS_XG,
    TEAM_ROW_SCHEMA,
    TEAM_ROWS,
    TRAINING_SET,
    GlueLake,
    arguments,
)
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F


def main() -> None:
    """Write the training set, if it is not the same as before."""
    args = arguments("--seasons", "--features")
    lake = GlueLake(SparkSession.builder.getOrCreate(), args.bucket)
    seasons = tuple(f"{season}-" for season in args.seasons.split(",")) if args.seasons else ("",)
    names = [name for name in sorted(lake.list(TEAM_ROWS)) if name.startswith(seasons)]
    written, rows = False, 0
    if names:
        team_rows = lake.csv((f"{TEAM_ROWS}{name}.csv" for name in names), TEAM_ROW_SCHEMA)
        if args.features == "extended":
            team_rows = with_further(lake, team_rows, {name.rpartition("-")[0] for name in names})
        # One object is what Autopilot is given, so one task has to write it.
        ordered = team_rows.repartition(1).sortWithinPartitions("idfixture", "idteam")
        counted = Observation()
        rest = ordered.drop("idfixture", "idteam", "part").observe(counted, F.count(F.lit(1)).alias("rows"))
        with lake.scratch(args.TempDir) as scratch:
            rest.write.csv(scratch, header=True)
            for path in lake.glob(f"{scratch}/*.csv"):
                written = lake.replace(TRAINING_SET, path)
        rows = counted.get["rows"]
    print(f"dropids: {len(names)} objects read, {int(written)} written, {rows} rows")


def with_further(lake: GlueLake, team_rows: DataFrame, parts: set[str]) -> DataFrame:
    """The team rows with the further statistics beside, but the provider's own expected goals."""
    known = sorted(parts & lake.list(EXTENDED).keys())
    further = lake.csv((f"{EXTENDED}{part}.csv" for part in known), EXTENDED_SCHEMA)
    names = [name for name in EXTENDED_NAMES if name != PROVIDERS_XG]
    of_sides = [
        further.select(
            "part",
            F.col("idFixture").alias("idfixture"),
            F.col(f"id{team}").alias("idteam"),
            *(F.col(name + team).alias(name.lower()) for name in names),
        )
        for team in ("HomeTeam", "AwayTeam")
    ]
    joined = team_rows.join(of_sides[0].union(of_sides[1]), ["part", "idfixture", "idteam"], "left")
    counts = joined.agg(*(F.count(name.lower()).alias(name.lower()) for name in names)).first()
    return joined.drop(*(name for name, count in counts.asDict().items() if not count))


if __name__ == "__main__":
    main()
