"""Measure the Glue scripts that create team rows and the training set, compared with pandas and DuckDB.

    python -m bench.spark [--full] [--team-rows ROWS:FIXTURES_PER_FILE …]

Claims: time grows linearly with the rows; with ten fixtures per file, as in the lake, a row takes at most twice as long
as with a thousand; each script reads each input once; no single-task stage reads input files, so that only the stage
that writes the training set grows with the data (Autopilot takes it as one object). The files repeat simulated seasons.
Files of a thousand fixtures show Spark's speed without the overhead of many files. `--full` adds 10⁵ team rows in files
of ten and 10⁷ in files of a thousand. `bench.many_leagues --full` has 760,000 in the lake's own files.

- footlake: hometeamstatistics, awayteamstatistics and dropids as deployed, on a running Spark with compiled stages;
- pandas and DuckDB: the same rows into the same number of files, in one process that keeps them for the training set.

footlake's memory is that of the JVM, which holds the rows. That of the others is their whole process, and their time
includes the import of the library (half a second).

The training sets must be identical. Spark's event log gives the records read and the tasks per stage. Left out: S3
(files are on disk) and Spark's start, which is reported separately.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bench.glue import GlueSpark
from bench.measure import Claim, best_seconds, format_claims, markdown_section, measure_peak
from footlake.football.fixtures import parse_fixture
from footlake.football.statistics import parse_statistics
from footlake.lake import s3_keys, schemas
from footlake.local.football.simulator import Simulator

Size = tuple[int, int]  # team rows, fixtures per file
Stage = tuple[int, int, int]  # tasks, records read from files, records read from other stages
FIRST_ID = 10_000_000
AFTER_SEASONS = datetime(2200, 1, 1, tzinfo=UTC)
MODIFIED = datetime(2026, 3, 3, tzinfo=UTC).timestamp()  # a job processes objects of the last seconds twice
SIZES: tuple[Size, ...] = ((10_000, 10), (10_000, 1000), (1_000_000, 1000))
FULL_SIZES: tuple[Size, ...] = ((100_000, 10), (10_000_000, 1000))
SIDES: tuple[tuple[Literal["home", "away"], str], ...] = (("home", "HomeTeam"), ("away", "AwayTeam"))
SCRIPTS = ("hometeamstatistics", "awayteamstatistics", "dropids")
FIRST_SIZE: Size = (1_000, 10)
MAX_SLOWDOWN = 1.3
MAX_SMALL_FILES_RATIO = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--team-rows", type=parse_size, nargs="+", metavar="ROWS:FIXTURES_PER_FILE")
    options = parser.parse_args()
    sizes = options.team_rows or (*SIZES, *(FULL_SIZES if options.full else ()))
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        print(measure_scripts(Path(folder), sizes))


def parse_size(text: str) -> Size:
    """Parse `10000:10`."""
    rows, per_file = text.split(":")
    return int(rows), int(per_file)


def measure_scripts(folder: Path, sizes: Sequence[Size]) -> str:
    """Measure every method with every size; return the section and the claims."""
    lake, log = folder / "lake", folder / "events"
    log.mkdir()
    started = time.perf_counter()
    event_log = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": log.as_uri()}
    spark = GlueSpark(lake, folder / "spark", **event_log)
    create_lake(lake, *FIRST_SIZE)
    spark.run(SCRIPTS[0])
    start_seconds = time.perf_counter() - started
    create_lake(lake, *SIZES[0])
    for script in SCRIPTS:  # Java compiles what it runs often
        spark.run(script)
    rows, seconds_by_size = [], {}
    for team_rows, per_file in sizes:
        create_lake(lake, team_rows, per_file)
        shutil.rmtree(log)
        log.mkdir()
        spark.reset_peak()
        seconds = {"footlake": sum(best_seconds(partial(spark.run, script), 1) for script in SCRIPTS)}
        training_set = (lake / s3_keys.TRAINING_SET).read_bytes()
        memory = {"footlake": spark.peak}
        for name, convert in ALTERNATIVES.items():
            shutil.rmtree(folder / name, ignore_errors=True)
            seconds[name], memory[name] = measure_peak(partial(convert, lake, folder / name))
            assert (folder / name / s3_keys.TRAINING_SET).read_bytes() == training_set, name
        for name, method_seconds in seconds.items():
            ratio = "—" if name == "footlake" else f"{seconds['footlake'] / method_seconds:.2f} ×"
            microseconds = 1e6 * method_seconds / team_rows
            rows.append((team_rows, per_file, name, method_seconds, microseconds, memory[name], ratio))
        seconds_by_size[team_rows, per_file] = seconds
    columns = [
        "team rows",
        "fixtures per file",
        "method",
        "seconds",
        "µs per row",
        "peak MiB",
        "footlake's time ÷ this",
    ]
    stages = read_stages(log)
    text = describe_results(seconds_by_size, start_seconds, stages)
    claims = make_claims(seconds_by_size, stages)
    return markdown_section("Glue scripts", columns, rows, text) + format_claims(claims)


def describe_results(seconds_by_size: dict[Size, dict[str, float]], start_seconds: float, stages: list[Stage]) -> str:
    """Describe when Spark is faster than the alternatives, and the stages of the last run."""
    sentences = [f"Spark's start with the first, small job takes {start_seconds:.1f} s, which is not in the table."]
    for name in ALTERNATIVES:
        wins = [rows for (rows, _), seconds in seconds_by_size.items() if seconds["footlake"] < seconds[name]]
        result = f"faster than {name} from {min(wins):,} team rows on" if wins else f"slower than {name} at every size"
        sentences.append(f"On one machine Spark is {result}.")
    from_files = max(files for tasks, files, _ in stages if tasks == 1)
    from_stages = max(records for tasks, _, records in stages if tasks == 1)
    total = sum(files for _, files, _ in stages)
    sentences.append(
        f"In the last of these lakes the scripts' {len(stages)} stages read {total:,} records from files. Stages with a"
        f" single task read at most {from_files:,} of them. The stage that writes the training set read {from_stages:,}"
        " records from the other stages."
    )
    return " ".join(sentences)


def make_claims(seconds_by_size: dict[Size, dict[str, float]], stages: list[Stage]) -> list[Claim]:
    """Return the claims about growth, single-task stages and the alternatives."""
    per_row = {size: seconds["footlake"] / size[0] for size, seconds in seconds_by_size.items()}
    claims = []
    for per_file in sorted({per_file for _, per_file in per_row}):
        sizes = [size for size in per_row if size[1] == per_file]
        small, large = min(sizes), max(sizes)
        if small != large:
            growth = per_row[large] / per_row[small]
            statement = (
                f"Glue scripts: time grows at most linearly; time per row with {large[0]:,} team rows compared with"
                f" {small[0]:,} ({per_file:,} fixtures per file)"
            )
            claims.append(Claim(statement, f"{growth:.2f} ×", f"≤ {MAX_SLOWDOWN} ×", growth <= MAX_SLOWDOWN))
    small_files, large_files = (per_row.get((10_000, per_file)) for per_file in (10, 1000))
    if small_files and large_files:
        ratio = small_files / large_files
        statement = "Glue scripts: time per row with ten fixtures per file compared with a thousand (10,000 team rows)"
        target = f"≤ {MAX_SMALL_FILES_RATIO} ×"
        claims.append(Claim(statement, f"{ratio:.2f} ×", target, ratio <= MAX_SMALL_FILES_RATIO))
    from_files = max(files for tasks, files, _ in stages if tasks == 1)
    statement = "Glue scripts: records that single-task stages read from files"
    claims.append(Claim(statement, f"{from_files:,}", "0", from_files == 0))
    for name in ALTERNATIVES:
        ratio = min(seconds["footlake"] / seconds[name] for seconds in seconds_by_size.values())
        statement = f"Glue scripts: faster than {name} on one machine at some size"
        claims.append(Claim(statement, f"{ratio:.2f} × its time", "< 1 ×", ratio < 1))
    return claims


def create_lake(lake: Path, team_rows: int, per_file: int) -> None:
    """Create a lake with only fixtures and statistics: played fixtures for this number of team rows."""
    shutil.rmtree(lake, ignore_errors=True)
    for prefix in (s3_keys.FIXTURES, s3_keys.STATISTICS, s3_keys.TRAINING):
        (lake / prefix).mkdir(parents=True)
    fixture_lines, statistics_lines = simulate_season()
    last = FIRST_ID + team_rows // 2
    for first in range(FIRST_ID, last, per_file):
        ids, part = range(first, min(first + per_file, last)), f"39-2020-{first}"
        for path, columns, cells in (
            (s3_keys.fixtures(part), schemas.FIXTURE_COLUMNS, fixture_lines),
            (s3_keys.statistics(part), schemas.STATISTICS_COLUMNS, statistics_lines),
        ):
            lines = (f"{fixture_id},{cells[fixture_id % len(cells)]}\n" for fixture_id in ids)
            (lake / path).write_text(",".join(columns) + "\n" + "".join(lines))
            os.utime(lake / path, (MODIFIED, MODIFIED))


def simulate_season() -> tuple[list[str], list[str]]:
    """Return a simulated season's fixtures and statistics as CSV lines without the fixture id."""
    simulator = Simulator()
    fixtures = [parse_fixture(item) for item in simulator.fixtures(39, 2020, AFTER_SEASONS)]
    statistics = [parse_statistics(fixture, simulator.statistics(fixture.id, AFTER_SEASONS)) for fixture in fixtures]
    tables = ([fixture.row for fixture in fixtures], [parsed.row for parsed in statistics if parsed])
    fixture_lines, statistics_lines = ([",".join([*row.values()][1:]) for row in table] for table in tables)
    return fixture_lines, statistics_lines


def convert_with_pandas(lake: Path, target: Path) -> None:
    """Write team rows and training set with pandas."""
    import pandas as pd

    def read(prefix: str) -> pd.DataFrame:
        return pd.concat(pd.read_csv(path).assign(part=path.stem) for path in (lake / prefix).glob("*.csv"))

    (target / s3_keys.TEAM_ROWS).mkdir(parents=True)
    (target / s3_keys.TRAINING).mkdir(parents=True)
    played = read(s3_keys.FIXTURES)
    played = played[played["status"].str.startswith("Match Finished")]
    statistics = read(s3_keys.STATISTICS).drop(columns=["idHomeTeam", "idAwayTeam"])
    joined = played.merge(statistics, on=["part", "idFixture"])
    tables = []
    for side, team in SIDES:
        names = dict(zip(source_columns(team), schemas.TEAM_ROW_COLUMNS, strict=True))
        rows = joined[["part", *names]].rename(columns=names).dropna().sort_values(["part", "idfixture"])
        for part, part_rows in rows.groupby("part", sort=False):
            part_rows.drop(columns="part").to_csv(target / s3_keys.team_rows(str(part), side), index=False)
        tables.append(rows)
    ordered = pd.concat(tables).sort_values(["idfixture", "idteam"])
    ordered[[*schemas.TRAINING_COLUMNS]].to_csv(target / s3_keys.TRAINING_SET, index=False)


def convert_with_duckdb(lake: Path, target: Path) -> None:
    """Write team rows and training set with DuckDB, which creates a folder per part."""
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
    for side, team in SIDES:
        names = zip(source_columns(team), schemas.TEAM_ROW_COLUMNS, strict=True)
        columns = ", ".join(f"{column} AS {name}" for column, name in names)
        database.execute(f"CREATE VIEW {side} AS SELECT part, {columns} FROM joined")
        folder = target / s3_keys.TEAM_ROWS / side
        database.execute(
            f"COPY (SELECT * FROM {side} ORDER BY part, idfixture) TO '{folder}'"
            " (FORMAT csv, HEADER, PARTITION_BY (part))"
        )
    database.execute(
        f"COPY (SELECT {', '.join(schemas.TRAINING_COLUMNS)} FROM (FROM home UNION ALL FROM away)"
        f" ORDER BY idfixture, idteam) TO '{target / s3_keys.TRAINING_SET}' (FORMAT csv, HEADER)"
    )


def source_columns(team: str) -> tuple[str, ...]:
    """Return the columns of fixtures and statistics that make up the team rows of `HomeTeam` or `AwayTeam`."""
    names = ("goals", "shotsOnGoal", "shotsInsideBox", "totalShots", "ballPossession")
    return ("idFixture", f"id{team}", *(name + team for name in names))


ALTERNATIVES: dict[str, Callable[[Path, Path], None]] = {"pandas": convert_with_pandas, "DuckDB": convert_with_duckdb}


def read_stages(log: Path) -> list[Stage]:
    """Return the completed stages in Spark's event log."""

    def events() -> Iterator[dict[str, Any]]:
        for path in log.iterdir():
            for line in path.read_text().splitlines():
                yield json.loads(line)

    stages = []
    for event in events():
        if event["Event"] == "SparkListenerStageCompleted":
            info = event["Stage Info"]
            metrics = {metric["Name"]: metric["Value"] for metric in info["Accumulables"]}
            from_files = int(metrics.get("internal.metrics.input.recordsRead", 0))
            from_stages = int(metrics.get("internal.metrics.shuffle.read.recordsRead", 0))
            stages.append((info["Number of Tasks"], from_files, from_stages))
    return stages


if __name__ == "__main__":
    main()
