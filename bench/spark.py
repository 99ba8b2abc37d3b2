"""The Glue scripts that make team rows and the training set, beside pandas and DuckDB on the same files.

    python -m bench.spark [--full] [--team-rows ROWS:FIXTURES_PER_FILE …]

Claimed: time grows in line with the rows; one pass over each input; no stage of one task that grows with the data, but
the one that writes the training set, which Autopilot is given as one object. The files are simulated seasons over and
over. The lake's own have ten fixtures each; the larger ones, of a thousand, show what Spark does with rows when it is
not busy with files. `--full` adds 10⁷ of those; `bench.lake --full` has 760,000 in the lake's files.

- footlake: hometeamstatistics, awayteamstatistics and dropids, as they are deployed, on a warm Spark that compiles;
- pandas and DuckDB: the same rows into the same number of files in one process, which keeps them for the training set.

footlake's memory is the JVM's, which holds the rows; the others' is their whole process's, and the import of their
library is in their time (half a second).

The training sets must have the same bytes. How often Spark reads and how many tasks its stages have is told by its own
event log. Left out: S3 (files lie on disk) and Spark's start, which is said apart.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.glue import Spark
from bench.measure import best, peak, table
from footlake.football.fixtures import parse_fixture
from footlake.football.statistics import parse_statistics
from footlake.lake import s3_keys, schemas
from footlake.local.football.simulator import Simulator

FIRST_ID = 10_000_000
LATER = datetime(2200, 1, 1, tzinfo=UTC)
WRITTEN = datetime(2026, 3, 3, tzinfo=UTC).timestamp()  # not just now: a job would look at it twice
SIZES = ((10_000, 10), (100_000, 10), (10_000, 1000), (1_000_000, 1000))
FULL = ((10_000_000, 1000),)
SCRIPTS = ("hometeamstatistics", "awayteamstatistics", "dropids")
WARM_UP = (1_000, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--team-rows", type=size, nargs="+", metavar="ROWS:FIXTURES_PER_FILE")
    options = parser.parse_args()
    sizes = options.team_rows or (*SIZES, *(FULL if options.full else ()))
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        print(section(Path(folder), sizes))


def size(text: str) -> tuple[int, int]:
    """`10000:10` as numbers."""
    rows, per_file = text.split(":")
    return int(rows), int(per_file)


def section(folder: Path, sizes: Sequence[tuple[int, int]]) -> str:
    """The Markdown section."""
    lake, log = folder / "lake", folder / "events"
    log.mkdir()
    spark: Spark | None = None

    def begin() -> None:
        nonlocal spark
        settings = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": log.as_uri()}
        spark = Spark(lake, folder / "spark", **settings)
        make(lake, *WARM_UP)
        spark.run(SCRIPTS[0])

    start = best(begin, 1)
    assert spark
    for script in SCRIPTS[1:]:
        spark.run(script)
    rows, ratios = [], {}
    for team_rows, per_file in sizes:
        make(lake, team_rows, per_file)
        shutil.rmtree(log)
        log.mkdir()
        spark.forget_peak()
        took = {"footlake": sum(best(partial(spark.run, script), 1) for script in SCRIPTS)}
        trained = (lake / s3_keys.TRAINING_SET).read_bytes()
        memory = {"footlake": spark.peak}
        for name, way in RIVALS.items():
            shutil.rmtree(folder / name, ignore_errors=True)
            took[name], memory[name] = peak(partial(way, lake, folder / name))
            assert (folder / name / s3_keys.TRAINING_SET).read_bytes() == trained, name
        for name, seconds in took.items():
            ratio = "—" if name == "footlake" else f"{took['footlake'] / seconds:.2f} ×"
            each = 1e6 * seconds / team_rows
            rows.append((team_rows, per_file, name, seconds, each, memory[name], ratio))
            ratios[name, team_rows, per_file] = took["footlake"] / seconds
    columns = ("team rows", "fixtures a file", "way", "seconds", "µs a row", "peak MiB", "footlake takes")
    return table("Glue scripts", columns, rows) + "\n" + findings(ratios, start, stages(log)) + "\n"


def findings(ratios: dict[tuple[str, int, int], float], start: float, log: list[tuple[int, int, int]]) -> str:
    """What the figures say."""
    won = {name: [at for at in ratios if at[0] == name and ratios[at] < 1] for name in RIVALS}
    wins = " ".join(
        f"Spark is ahead of {name} from {min(at[1] for at in ahead):,} team rows."
        if ahead
        else f"On one machine Spark is nowhere ahead of {name}."
        for name, ahead in won.items()
    )
    alone = max(shuffled for tasks, _, shuffled in log if tasks == 1)
    files_alone = max(read for tasks, read, _ in log if tasks == 1)
    return (
        f"Spark's start with the first, small job takes {start:.1f} s, which is not in the table. {wins} In the last of"
        f" these lakes the scripts' {len(log)} stages read {sum(read for _, read, _ in log):,} records from files, and"
        f" those of a single task at most {files_alone:,}; the one that writes the training set"
        f" took in {alone:,} from the others."
    )


def make(lake: Path, team_rows: int, per_file: int) -> None:
    """A lake with fixtures and statistics alone: both sides' rows of played fixtures."""
    shutil.rmtree(lake, ignore_errors=True)
    for prefix in (s3_keys.FIXTURES, s3_keys.STATISTICS, s3_keys.TRAINING):
        (lake / prefix).mkdir(parents=True)
    fixtures, statistics = season()
    last = FIRST_ID + team_rows // 2
    for first in range(FIRST_ID, last, per_file):
        ids, part = range(first, min(first + per_file, last)), f"39-2020-{first}"
        for path, columns, tails in (
            (s3_keys.fixtures(part), schemas.FIXTURE_COLUMNS, fixtures),
            (s3_keys.statistics(part), schemas.STATISTICS_COLUMNS, statistics),
        ):
            lines = (f"{id},{tails[id % len(tails)]}\n" for id in ids)
            (lake / path).write_text(",".join(columns) + "\n" + "".join(lines))
            os.utime(lake / path, (WRITTEN, WRITTEN))


def season() -> tuple[list[str], list[str]]:
    """A simulated season's fixtures and statistics as lines without their ids."""
    simulator = Simulator()
    fixtures = [parse_fixture(item) for item in simulator.fixtures(39, 2020, LATER)]
    figures = [parse_statistics(one, simulator.statistics(one.id, LATER)) for one in fixtures]
    rows = ([one.row for one in fixtures], [one.row for one in figures if one])
    fixture_lines, statistics_lines = ([",".join([*row.values()][1:]) for row in of_kind] for of_kind in rows)
    return fixture_lines, statistics_lines


def with_pandas(lake: Path, target: Path) -> None:
    """Team rows and training set by pandas."""
    import pandas as pd

    def read(prefix: str) -> pd.DataFrame:
        return pd.concat(pd.read_csv(path).assign(part=path.stem) for path in (lake / prefix).glob("*.csv"))

    (target / s3_keys.TEAM_ROWS).mkdir(parents=True)
    (target / s3_keys.TRAINING).mkdir(parents=True)
    played = read(s3_keys.FIXTURES)
    played = played[played["status"].str.startswith("Match Finished")]
    figures = read(s3_keys.STATISTICS).drop(columns=["idHomeTeam", "idAwayTeam"])
    joined = played.merge(figures, on=["part", "idFixture"])
    sides = []
    for side, team in zip(("home", "away"), ("HomeTeam", "AwayTeam"), strict=True):
        names = dict(zip(columns_of(team), schemas.TEAM_ROW_COLUMNS, strict=True))
        rows = joined[["part", *names]].rename(columns=names).dropna().sort_values(["part", "idfixture"])
        for part, of_part in rows.groupby("part", sort=False):
            of_part.drop(columns="part").to_csv(target / s3_keys.team_rows(str(part), side), index=False)
        sides.append(rows)
    ordered = pd.concat(sides).sort_values(["idfixture", "idteam"])
    ordered[[*schemas.TRAINING_COLUMNS]].to_csv(target / s3_keys.TRAINING_SET, index=False)


def with_duckdb(lake: Path, target: Path) -> None:
    """Team rows and training set by DuckDB, which makes a folder for each part."""
    import duckdb

    (target / s3_keys.TEAM_ROWS).mkdir(parents=True)
    (target / s3_keys.TRAINING).mkdir(parents=True)
    database = duckdb.connect(config={"temp_directory": str(target / "spill")})
    database.execute(
        "SET threads = 2; SET preserve_insertion_order = false; SET partitioned_write_max_open_files = 500"
    )
    for name, prefix in (("fixtures", s3_keys.FIXTURES), ("figures", s3_keys.STATISTICS)):
        database.execute(
            f"CREATE VIEW {name} AS SELECT *, parse_filename(filename, true) AS part"
            f" FROM read_csv('{lake / prefix}/*.csv', header = true, filename = true)"
        )
    figures = [column for column in schemas.STATISTICS_COLUMNS if column.startswith(("shots", "total", "ball"))]
    database.execute(
        f"CREATE TABLE joined AS SELECT f.*, {', '.join(figures)} FROM fixtures AS f"
        " JOIN figures AS s ON f.part = s.part AND f.idFixture = s.idFixture WHERE f.status LIKE 'Match Finished%'"
    )
    for side, team in zip(("home", "away"), ("HomeTeam", "AwayTeam"), strict=True):
        named = zip(columns_of(team), schemas.TEAM_ROW_COLUMNS, strict=True)
        chosen = ", ".join(f"{column} AS {name}" for column, name in named)
        database.execute(f"CREATE VIEW {side} AS SELECT part, {chosen} FROM joined")
        folder = target / s3_keys.TEAM_ROWS / side
        database.execute(
            f"COPY (SELECT * FROM {side} ORDER BY part, idfixture) TO '{folder}'"
            " (FORMAT csv, HEADER, PARTITION_BY (part))"
        )
    database.execute(
        f"COPY (SELECT {', '.join(schemas.TRAINING_COLUMNS)} FROM (FROM home UNION ALL FROM away)"
        f" ORDER BY idfixture, idteam) TO '{target / s3_keys.TRAINING_SET}' (FORMAT csv, HEADER)"
    )


def columns_of(team: str) -> tuple[str, ...]:
    """The columns of a side's team rows, as fixtures and statistics name them."""
    figures = ("goals", "shotsOnGoal", "shotsInsideBox", "totalShots", "ballPossession")
    return ("idFixture", f"id{team}", *(name + team for name in figures))


RIVALS: dict[str, Callable[[Path, Path], None]] = {"pandas": with_pandas, "DuckDB": with_duckdb}


def stages(log: Path) -> list[tuple[int, int, int]]:
    """Of each stage in the event log: its tasks, the records that it read from files, and from other stages."""

    def events() -> Iterator[dict[str, Any]]:
        for path in log.iterdir():
            for line in path.read_text().splitlines():
                yield json.loads(line)

    found = []
    for event in events():
        if event["Event"] == "SparkListenerStageCompleted":
            info = event["Stage Info"]
            counted = {one["Name"]: one["Value"] for one in info["Accumulables"]}
            files = int(counted.get("internal.metrics.input.recordsRead", 0))
            shuffled = int(counted.get("internal.metrics.shuffle.read.recordsRead", 0))
            found.append((info["Number of Tasks"], files, shuffled))
    return found


if __name__ == "__main__":
    sys.exit(main())
