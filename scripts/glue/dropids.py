"""Glue job: the training set, all team rows without their ids, in one object.

The rows are ordered by the ids that are dropped, so the same rows give the same bytes. `--seasons 39-2019,39-2020`
takes only those league seasons.
"""

from footlake_glue import TEAM_ROW_SCHEMA, TEAM_ROWS, TRAINING_SET, Lake, arguments
from pyspark.sql import SparkSession

args = arguments("--seasons")
lake = Lake(SparkSession.builder.getOrCreate(), args.bucket)
seasons = tuple(f"{season}-" for season in args.seasons.split(",")) if args.seasons else ("",)
names = [name for name in sorted(lake.list(TEAM_ROWS)) if name.startswith(seasons)]

written, rows = False, 0
if names:
    team_rows = lake.csv((f"{TEAM_ROWS}{name}.csv" for name in names), TEAM_ROW_SCHEMA)
    # One object is what Autopilot is given, so one task has to write it.
    ordered = team_rows.repartition(1).sortWithinPartitions("idfixture", "idteam")
    with lake.scratch(args.TempDir) as scratch:
        ordered.drop("idfixture", "idteam", "part").write.csv(scratch, header=True)
        for path in lake.glob(f"{scratch}/*.csv"):
            written, rows = lake.replace(TRAINING_SET, path)
print(f"dropids: {len(names)} objects read, {int(written)} written, {rows} rows")
