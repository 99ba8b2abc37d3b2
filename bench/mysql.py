"""Measure loading MySQL: the Glue job's load, LOAD DATA LOCAL INFILE, and awswrangler's upsert.

    python -m bench.mysql [--rows 1000 10000 100000] [--full]

Claims, for a first load and for one that changes every row: a load of any size takes at most 1.3 times as long as a
file from Spark and LOAD DATA. Each further row takes less than twice as long as with LOAD DATA from an existing file,
which is as fast as one connection accepts rows, and less than with awswrangler. Spark needs four tenths of a second
before the first row of any query, so small loads are faster without it. All methods fill the table `fixtures` with its
keys in the same local MariaDB over TLS, and must leave the same rows. `--full` adds 10⁶ rows.

- footlake: `load` of mysqldbingestion as deployed: Spark formats the rows as SQL text, which is sent in transactions
  that also record the loaded parts; a row whose result was withdrawn is deleted;
- LOAD DATA: one statement for an existing file, with REPLACE for the second load. It keeps no record, and coerces
  values that do not fit;
- awswrangler: `mysql.to_sql(mode="upsert_duplicate_key")` of an existing pandas frame;
- both again including the preparation: Spark writes the file or creates the frame.

The best of three loads counts; from 10⁶ rows on there is one load. Left out: reading the lake, which `bench.spark` and
`bench.many_leagues` measure, and Spark's start.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.glue import GlueSpark
from bench.measure import Claim, best_seconds, format_claims, markdown_section
from footlake.database import apply_schema
from footlake.lake.s3_keys import FIXTURES_PER_PART
from footlake.local.engines.mysql import HOST, DatabaseServer

FIRST_ID = 10_000_000
USER, PASSWORD, DATABASE = "admin", "a-password", "mysqldb"
LOADED = datetime(2026, 3, 3)
RUNS, SINGLE_RUN_FROM = 3, 1_000_000
MAX_RATIO = 2
SPARK_AND_LOAD_DATA, MAX_SPARK_RATIO = "Spark's file and LOAD DATA", 1.3
# awswrangler's time per row does not depend on the number of rows.
MOST_ROWS = {"awswrangler": 10_000, "Spark's frame and awswrangler": 10_000}
Seconds = tuple[float, float]  # of the first load and of the upsert


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    sizes = [*options.rows, 1_000_000] if options.full else options.rows
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder, start_mysql(Path(folder) / "mysql") as server:
        print(format_report(measure_loads(Path(folder), server, sizes)))


@contextmanager
def start_mysql(folder: Path) -> Iterator[DatabaseServer]:
    """Start a database server with the lake's tables and stop it at the end."""
    server = DatabaseServer(folder)
    server.start()
    try:
        server.set_master(USER, PASSWORD)
        server.create_database(DATABASE)
        with connect(server) as connection:
            apply_schema(connection)
        yield server
    finally:
        server.stop()


def connect(server: DatabaseServer) -> Any:
    """Open a connection like the load job's, with LOAD DATA LOCAL allowed."""
    import pymysql

    return pymysql.connect(
        host=HOST,
        port=server.port,
        user=USER,
        password=PASSWORD,
        database=DATABASE,
        charset="utf8mb4",
        ssl_ca=str(server.certificate),
        local_infile=True,
    )


def measure_loads(folder: Path, server: DatabaseServer, sizes: Sequence[int]) -> dict[str, dict[int, Seconds]]:
    """Return the best seconds by method and number of rows. All methods must leave the same table."""
    GlueSpark(folder, folder / "spark")
    from footlake_glue import MySqlTarget
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    database = MySqlTarget(HOST, server.port, DATABASE, USER, PASSWORD, server.certificate.read_text())
    for _ in range(RUNS):  # Java compiles what it runs often
        for size in (10_000, 100_000):
            load_with_footlake(database, create_fixtures(spark, size, 0), list_parts(size))
    seconds: dict[str, dict[int, Seconds]] = {}
    for size in sizes:
        frames = [create_fixtures(spark, size, change).cache() for change in (0, 1)]
        assert [frame.count() for frame in frames] == [size, size]
        summaries = []
        for method, loads in prepare_loads(folder, server, database, frames, size).items():
            if size > MOST_ROWS.get(method, size):
                continue
            runs = 1 if size >= SINGLE_RUN_FROM else RUNS
            seconds.setdefault(method, {})[size] = measure_first_load_and_upsert(server, loads, runs)
            summaries.append(summarize_contents(server))
        assert len(set(summaries)) == 1 and summaries[0][0] == size, summaries
        for frame in frames:
            frame.unpersist()
    return seconds


def prepare_loads(
    folder: Path, server: DatabaseServer, database: Any, frames: Sequence[Any], size: int
) -> dict[str, list[Callable[[], object]]]:
    """Return the first load and the upsert of each method, by method."""
    from mysqldbingestion import COLUMNS

    column_frames = [frame.select(*COLUMNS) for frame in frames]
    pandas_frames = [frame.toPandas() for frame in column_frames]
    files = [folder / f"{change}.csv" for change in range(len(frames))]
    for file, pandas_frame in zip(files, pandas_frames, strict=True):
        pandas_frame.to_csv(file, index=False, header=False, na_rep="\\N")
    parts = list_parts(size)
    return {
        "footlake": [partial(load_with_footlake, database, frame, parts) for frame in frames],
        "LOAD DATA": [partial(load_files, server, [file], COLUMNS) for file in files],
        SPARK_AND_LOAD_DATA: [
            partial(load_with_spark_and_files, server, frame, folder / "csv") for frame in column_frames
        ],
        "awswrangler": [partial(load_with_awswrangler, server, frame) for frame in pandas_frames],
        "Spark's frame and awswrangler": [
            partial(load_with_spark_and_awswrangler, server, frame) for frame in column_frames
        ],
    }


def measure_first_load_and_upsert(server: DatabaseServer, loads: Sequence[Callable[[], object]], runs: int) -> Seconds:
    """Return the best seconds of a load into an empty table and of the load after it."""
    results = []
    for _ in range(runs):
        empty_tables(server)
        results.append([best_seconds(load, 1) for load in loads])
    first_load, upsert = (min(seconds) for seconds in zip(*results, strict=True))
    return first_load, upsert


def format_report(seconds: dict[str, dict[int, Seconds]]) -> str:
    """Format the section and the claims."""
    footlake = seconds["footlake"]
    rows = []
    for size in footlake:
        for method, by_size in seconds.items():
            if size not in by_size:
                continue
            first_load, upsert = by_size[size]
            ratios = [f"{ours / theirs:.2f} ×" for ours, theirs in zip(footlake[size], by_size[size], strict=True)]
            shown = ["—", "—"] if method == "footlake" else ratios
            rows.append((size, method, first_load, size / first_load, shown[0], upsert, size / upsert, shown[1]))
    ratio = "footlake's time ÷ this"
    columns = ("rows", "method", "first load, s", "rows/s", ratio, "upsert, s", "rows/s", ratio)
    text, claims = "", whole_load_claims(seconds)
    if len(footlake) > 1:
        per_row = {method: microseconds_per_row(by_size) for method, by_size in seconds.items()}
        shown_per_row = ", ".join(
            f"{method} {first:.1f} and {upsert:.1f}" for method, (first, upsert) in per_row.items()
        )
        text = f"Microseconds per further row, first load and upsert: {shown_per_row}."
        claims = per_row_claims(per_row) + claims
    return markdown_section("Loading MySQL", columns, rows, text) + format_claims(claims)


def per_row_claims(per_row: dict[str, Seconds]) -> list[Claim]:
    """Return the claims about the time per further row."""

    def worst_ratio(method: str) -> float:
        return max(ours / theirs for ours, theirs in zip(per_row["footlake"], per_row[method], strict=True))

    load_data, awswrangler = worst_ratio("LOAD DATA"), worst_ratio("awswrangler")
    return [
        Claim(
            f"MySQL: a further row takes less than {MAX_RATIO} × LOAD DATA's time",
            f"{load_data:.2f} ×",
            f"< {MAX_RATIO} ×",
            load_data < MAX_RATIO,
        ),
        Claim(
            "MySQL: a further row takes less than awswrangler's time", f"{awswrangler:.2f} ×", "< 1 ×", awswrangler < 1
        ),
    ]


def whole_load_claims(seconds: dict[str, dict[int, Seconds]]) -> list[Claim]:
    """Return the claims about whole loads, which hold if they hold for each number of rows."""
    claims = []
    for method, most in ((SPARK_AND_LOAD_DATA, MAX_SPARK_RATIO), ("LOAD DATA", MAX_RATIO)):
        worst, rows = max(
            (max(ours / theirs for ours, theirs in zip(seconds["footlake"][size], by_size, strict=True)), size)
            for size, by_size in seconds[method].items()
        )
        sizes = f"{min(seconds['footlake']):,} to {max(seconds['footlake']):,}"
        statement = f"MySQL: a whole load of {sizes} rows takes at most {most} × the time of {method}"
        claims.append(Claim(statement, f"{worst:.2f} × ({rows:,} rows)", f"≤ {most} ×", worst <= most))
    return claims


def microseconds_per_row(by_size: dict[int, Seconds]) -> Seconds:
    """Return the microseconds per row beyond the smallest load, for the first load and for the upsert."""
    (small, small_seconds), *_, (large, large_seconds) = by_size.items()
    first, upsert = (1e6 * (b - a) / (large - small) for a, b in zip(small_seconds, large_seconds, strict=True))
    return first, upsert


def create_fixtures(spark: Any, rows: int, change: int) -> Any:
    """Return fixtures as the job has them after reading the lake. Different values of `change` change every row."""
    from mysqldbingestion import COLUMNS
    from pyspark.sql import functions as F

    number = F.col("id")
    fixture_id = number + FIRST_ID
    statistics = [
        ((number * (7 + at) + change) % (5 + at)).cast("int").alias(name) for at, name in enumerate(COLUMNS[9:-3])
    ]
    first_of_part = (F.floor(fixture_id / FIXTURES_PER_PART) * FIXTURES_PER_PART).cast("string")
    return spark.range(0, rows, 1, 4).select(
        F.concat(F.lit("39-2020-"), first_of_part).alias("part"),
        F.lit(True).alias("finished"),
        fixture_id.cast("int").alias("idfixture"),
        (number % 20 + 33).cast("int").alias("idhometeam"),
        (number % 19 + 34).cast("int").alias("idawayteam"),
        F.lit("2020-09-12").alias("date"),
        F.lit("11:30").alias("time"),
        ((number + change) % 5).cast("int").alias("goalshometeam"),
        (number % 4).cast("int").alias("goalsawayteam"),
        *(((number * at + change) % 4 + 0.125).cast("decimal(5,3)").alias(COLUMNS[6 + at]) for at in (1, 2)),
        *statistics,
        F.lit(39).alias("idleague"),
        F.lit(2020).alias("season"),
        F.concat(F.lit("Regular Season - "), (number % 38 + 1).cast("string")).alias("round"),
    )


def list_parts(rows: int) -> list[str]:
    """Return the parts that hold this number of fixtures."""
    return [f"39-2020-{first}" for first in range(FIRST_ID, FIRST_ID + rows, FIXTURES_PER_PART)]


def load_with_footlake(database: Any, frame: Any, parts: Sequence[str]) -> None:
    """Load a Spark frame with the Glue job's own function."""
    from mysqldbingestion import load

    load(frame, dict.fromkeys(parts, LOADED), database)


def load_files(server: DatabaseServer, files: Iterable[Path], columns: Sequence[str]) -> None:
    """Load each file with one LOAD DATA statement."""
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        for file in files:
            cursor.execute(
                f"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE fixtures FIELDS TERMINATED BY ','"
                f" ({', '.join(columns)})"
            )
        connection.commit()


def load_with_spark_and_files(server: DatabaseServer, frame: Any, folder: Path) -> None:
    """Let Spark write one file and load it."""
    frame.coalesce(1).write.csv(folder.as_uri(), mode="overwrite", nullValue="\\N")
    load_files(server, sorted(folder.glob("*.csv")), frame.columns)


def load_with_awswrangler(server: DatabaseServer, frame: Any) -> None:
    """Upsert a pandas frame with awswrangler."""
    import awswrangler

    with closing(connect(server)) as connection:
        awswrangler.mysql.to_sql(
            frame, connection, "fixtures", DATABASE, mode="upsert_duplicate_key", use_column_names=True, index=False
        )


def load_with_spark_and_awswrangler(server: DatabaseServer, frame: Any) -> None:
    """Convert a Spark frame to pandas and upsert it with awswrangler."""
    load_with_awswrangler(server, frame.toPandas())


def empty_tables(server: DatabaseServer) -> None:
    """Delete all fixtures and the record of loaded parts."""
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        for name in ("fixtures", "loaded_parts"):
            cursor.execute(f"TRUNCATE TABLE {name}")


def summarize_contents(server: DatabaseServer) -> tuple[Any, ...]:
    """Return the number of fixtures and the sums of some columns."""
    columns = ("goalshometeam", "xgoalshometeam", "xgoalsawayteam", "totalshotshometeam", "ballpossessionawayteam")
    sums = ", ".join(f"SUM({column})" for column in columns)
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), {sums} FROM fixtures")
        return tuple(cursor.fetchone())


if __name__ == "__main__":
    main()
