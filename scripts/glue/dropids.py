"""Glue job: write the training set, team rows without their ids, as one object.

The rows are ordered by the ids that are dropped, so the same rows give the same bytes. `--seasons 39-2019,39-2020`
takes only those league seasons. `--features extended` adds every extended statistic that has values.
"""

from footlake_glue import EXTENDED_SCHEMA, TEAM_ROW_SCHEMA, GlueLake, format_count, parse_arguments
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from footlake.lake import s3_keys
from footlake.lake.schemas import EXTENDED_NAMES, PROVIDERS_XG


def main() -> None:
    """Write the training set unless the object already has this content."""
    args = parse_arguments("--seasons", "--features")
    lake = GlueLake(SparkSession.builder.getOrCreate(), args.bucket)
    seasons = tuple(f"{season}-" for season in args.seasons.split(",")) if args.seasons else ("",)
    names = [name for name in sorted(lake.list_objects(s3_keys.TEAM_ROWS)) if name.startswith(seasons)]
    written, rows = False, 0
    if names:
        team_rows = lake.read_csv((f"{s3_keys.TEAM_ROWS}{name}.csv" for name in names), TEAM_ROW_SCHEMA)
        if args.features == "extended":
            team_rows = add_extended_statistics(lake, team_rows, {name.rpartition("-")[0] for name in names})
        written, rows = write_training_set(lake, team_rows, args.TempDir)
    outcome = "written" if written else "unchanged" if names else "not written: the lake has no team rows"
    print(f"dropids: {format_count(len(names), 'object')} read, training set of {format_count(rows, 'row')} {outcome}")


def add_extended_statistics(lake: GlueLake, team_rows: DataFrame, parts: set[str]) -> DataFrame:
    """Join the extended statistics to the team rows, except the provider's own xG and columns without any value."""
    existing = sorted(parts & lake.list_objects(s3_keys.EXTENDED).keys())
    extended = lake.read_csv(map(s3_keys.extended, existing), EXTENDED_SCHEMA)
    names = [name for name in EXTENDED_NAMES if name.lower() != PROVIDERS_XG]
    home, away = (
        extended.select(
            "part",
            F.col("idFixture").alias("idfixture"),
            F.col(f"id{team}").alias("idteam"),
            *(F.col(name + team).alias(name.lower()) for name in names),
        )
        for team in ("HomeTeam", "AwayTeam")
    )
    joined = team_rows.join(home.union(away), ["part", "idfixture", "idteam"], "left")
    counts = joined.agg(*(F.count(name.lower()).alias(name.lower()) for name in names)).first()
    return joined.drop(*(name for name, count in counts.asDict().items() if not count))


def write_training_set(lake: GlueLake, team_rows: DataFrame, temp_dir: str) -> tuple[bool, int]:
    """Write the rows without their ids. Return whether the object changed, and the number of rows."""
    # Autopilot reads one object, so a single task has to write all rows.
    ordered = team_rows.repartition(1).sortWithinPartitions("idfixture", "idteam")
    observation = Observation()
    training_set = ordered.drop("idfixture", "idteam", "part").observe(observation, F.count(F.lit(1)).alias("rows"))
    written = False
    with lake.temporary_folder(temp_dir) as folder:
        training_set.write.csv(folder, header=True)
        for path in lake.glob(f"{folder}/*.csv"):
            written = lake.replace(s3_keys.TRAINING_SET, path)
    return written, observation.get["rows"]


if __name__ == "__main__":
    main()
