"""Loading MySQL: the Glue job's own load, beside LOAD DATA LOCAL INFILE and awswrangler's upsert.

    python -m bench.mysql [--rows 1000 10000 100000] [--full]

Claimed, for a first load and for one that changes every row: a further row takes less than twice what LOAD DATA takes
for a file that lies there, which is as fast as one connection takes rows, and less than awswrangler's. Before the first
one Spark takes four tenths of a second for any query, so that few rows are faster without it. All of them fill the
table `fixtures`, with its keys, in the same local MariaDB over TLS; the rows must be the same in the end. `--full` adds
10⁶ rows.

- footlake: `load` of mysqldbingestion, as it is deployed: Spark hands the rows to Python as words of SQL, which go in
  transactions with the memory of what was loaded; a row that has lost its result goes;
- LOAD DATA: one statement for a file that lies there already; REPLACE for the second load. It remembers nothing, and
  makes a value that does not fit one that does;
- awswrangler: `mysql.to_sql(mode="upsert_duplicate_key")` of a pandas frame that is there already;
- both once more with what they need first: Spark writes the file, or makes the frame.

Of each the best of three loads, of 10⁶ rows the only one. Left out: reading the lake, which `bench.spark` and
`bench.lake` have, and Spark's start.
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

from bench.glue import Spark
from bench.measure import best, table
from footlake.database import apply_schema
from footlake.lake.s3_keys import FIXTURES_PER_PART
from footlake.local.engines.mysql import HOST, DatabaseServer

FIRST_ID = 10_000_000
USER, PASSWORD, NAME = "admin", "a-password", "mysqldb"
LOADED = datetime(2026, 3, 3)
TIMES, ONCE_FROM = 3, 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    sizes = [*options.rows, 1_000_000] if options.full else options.rows
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder, mysql(Path(folder) / "mysql") as database:
        print(section(Path(folder), database, sizes))


@contextmanager
def mysql(folder: Path) -> Iterator[DatabaseServer]:
    """A database server with the lake's tables."""
    server = DatabaseServer(folder)
    server.start()
    try:
        server.set_master(USER, PASSWORD)
        server.create_database(NAME)
        with connect(server) as connection:
            apply_schema(connection)
        yield server
    finally:
        server.stop()


def connect(server: DatabaseServer) -> Any:
    """A connection as the load has one, which may send files, too."""
    import pymysql

    return pymysql.connect(
        host=HOST,
        port=server.port,
        user=USER,
        password=PASSWORD,
        database=NAME,
        charset="utf8mb4",
        ssl_ca=str(server.certificate),
        local_infile=True,
    )


def section(folder: Path, server: DatabaseServer, sizes: Sequence[int]) -> str:
    """The Markdown section."""
    Spark(folder, folder / "spark")
    import mysqldbingestion
    from footlake_glue import MySqlTarget
    from pyspark.sql import SparkSession

    names = mysqldbingestion.COLUMNS

    spark = SparkSession.builder.getOrCreate()
    database = MySqlTarget(HOST, server.port, NAME, USER, PASSWORD, server.certificate.read_text())
    for _ in range(TIMES):  # whatever starts, has started, and what Java compiles is compiled
        with_footlake(database, fixtures(spark, 100_000, 0), parts_of(100_000))
    rows = []
    known: dict[str, list[tuple[int, float, float]]] = {}
    for size in sizes:
        both = [fixtures(spark, size, change).cache() for change in (0, 1)]
        assert [frame.count() for frame in both] == [size, size]
        frames = [frame.select(*names).toPandas() for frame in both]
        files = [folder / f"{change}.csv" for change in (0, 1)]
        for file, frame in zip(files, frames, strict=True):
            frame.to_csv(file, index=False, header=False, na_rep="\\N")
        parts = parts_of(size)
        ways: dict[str, list[Callable[[], object]]] = {
            "footlake": [partial(with_footlake, database, frame, parts) for frame in both],
            "LOAD DATA": [partial(with_load_data, server, [file], names) for file in files],
            "Spark's file and LOAD DATA": [
                partial(with_spark_and_load_data, server, frame.select(*names), folder / "csv") for frame in both
            ],
            "awswrangler": [partial(with_awswrangler, server, frame) for frame in frames],
            "Spark's frame and awswrangler": [
                partial(with_spark_and_awswrangler, server, frame.select(*names)) for frame in both
            ],
        }
        took, sums = {}, []
        for way, loads in ways.items():
            took[way] = best_of_both(server, loads, 1 if size >= ONCE_FROM else TIMES)
            sums.append(contents(server))
        assert len(set(sums)) == 1 and sums[0][0] == size, sums
        for way, (first_load, upsert) in took.items():
            ratios = [mine / other for mine, other in zip(took["footlake"], took[way], strict=True)]
            shown = ["—", "—"] if way == "footlake" else [f"{ratio:.2f} ×" for ratio in ratios]
            rows.append((size, way, first_load, size / first_load, shown[0], upsert, size / upsert, shown[1]))
            known.setdefault(way, []).append((size, first_load, upsert))
        for frame in both:
            frame.unpersist()
    columns = ("rows", "way", "first load, s", "rows/s", "footlake takes", "upsert, s", "rows/s", "footlake takes")
    each = ", ".join(
        f"{way} {slope(times, 1):.1f} and {slope(times, 2):.1f}" for way, times in known.items() if len(times) > 1
    )
    return (
        table("Loading MySQL", columns, rows) + f"\nMicroseconds for each further row, first load and upsert: {each}.\n"
    )


def best_of_both(server: DatabaseServer, loads: Sequence[Callable[[], object]], times: int) -> list[float]:
    """The best seconds of a first load and of the one after it."""
    tried = []
    for _ in range(times):
        empty(server)
        tried.append([best(load, 1) for load in loads])
    return [min(took) for took in zip(*tried, strict=True)]


def slope(times: list[tuple[int, float, float]], which: int) -> float:
    """Microseconds for each row beyond the smallest load."""
    first, last = times[0], times[-1]
    return 1e6 * (last[which] - first[which]) / (last[0] - first[0])


def fixtures(spark: Any, rows: int, change: int) -> Any:
    """Fixtures in parts of ten as the job has them when it has read the lake, somewhat different by `change`."""
    from mysqldbingestion import COLUMNS
    from pyspark.sql import functions as F

    id = F.col("id") + FIRST_ID
    figures = [
        (((F.col("id") * (7 + at) + change) % (5 + at)).cast("int")).alias(name)
        for at, name in enumerate(COLUMNS[9:-3])
    ]
    return spark.range(0, rows, 1, 4).select(
        F.concat(F.lit("39-2020-"), (F.floor(id / FIXTURES_PER_PART) * FIXTURES_PER_PART).cast("string")).alias("part"),
        F.lit(True).alias("finished"),
        id.cast("int").alias("idfixture"),
        (F.col("id") % 20 + 33).cast("int").alias("idhometeam"),
        (F.col("id") % 19 + 34).cast("int").alias("idawayteam"),
        F.lit("2020-09-12").alias("date"),
        F.lit("11:30").alias("time"),
        ((F.col("id") + change) % 5).cast("int").alias("goalshometeam"),
        (F.col("id") % 4).cast("int").alias("goalsawayteam"),
        *(((F.col("id") * at + change) % 4 + 0.125).cast("decimal(5,3)").alias(COLUMNS[6 + at]) for at in (1, 2)),
        *figures,
        F.lit(39).alias("idleague"),
        F.lit(2020).alias("season"),
        F.concat(F.lit("Regular Season - "), (F.col("id") % 38 + 1).cast("string")).alias("round"),
    )


def parts_of(rows: int) -> list[str]:
    """The parts of so many fixtures."""
    return [f"39-2020-{first}" for first in range(FIRST_ID, FIRST_ID + rows, FIXTURES_PER_PART)]


def with_footlake(database: Any, frame: Any, parts: Sequence[str]) -> None:
    """The job's own load."""
    from mysqldbingestion import load

    load(frame, dict.fromkeys(parts, LOADED), database)


def with_load_data(server: DatabaseServer, files: Iterable[Path], columns: Sequence[str]) -> None:
    """A statement for each file."""
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        for file in files:
            cursor.execute(
                f"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE fixtures FIELDS TERMINATED BY ','"
                f" ({', '.join(columns)})"
            )
        connection.commit()


def with_spark_and_load_data(server: DatabaseServer, frame: Any, folder: Path) -> None:
    """A file of each of Spark's partitions."""
    frame.write.csv(folder.as_uri(), mode="overwrite", nullValue="\\N")
    with_load_data(server, sorted(folder.glob("*.csv")), frame.columns)


def with_awswrangler(server: DatabaseServer, frame: Any) -> None:
    """AWS's library for pandas."""
    import awswrangler

    with closing(connect(server)) as connection:
        awswrangler.mysql.to_sql(
            frame, connection, "fixtures", NAME, mode="upsert_duplicate_key", use_column_names=True, index=False
        )


def with_spark_and_awswrangler(server: DatabaseServer, frame: Any) -> None:
    """The rows as a pandas frame."""
    with_awswrangler(server, frame.toPandas())


def empty(server: DatabaseServer) -> None:
    """No rows, and none remembered."""
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        for name in ("fixtures", "loaded_parts"):
            cursor.execute(f"TRUNCATE TABLE {name}")


def contents(server: DatabaseServer) -> tuple[Any, ...]:
    """What the table holds, in sums."""
    columns = ("goalshometeam", "xgoalshometeam", "xgoalsawayteam", "totalshotshometeam", "ballpossessionawayteam")
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), {', '.join(f'SUM({one})' for one in columns)} FROM fixtures")
        return tuple(cursor.fetchone())


if __name__ == "__main__":
    main()
