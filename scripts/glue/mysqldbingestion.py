"""Glue job: load every fixture with a result into MySQL, with statistics and expected goals if it was played.

A part is loaded if one of its objects is newer than the time that the table `loaded_parts` has for it. The rows of a
part and its time change in one transaction, so the next run continues a load that failed half-way. The rows of a part
without objects are deleted.

Then the tables of each season are loaded: league tables, standings, the fixtures they count, and findings. Each of the
four objects of a season is a part, such as `standings/39-2023`; if one of them changed, all rows of the season are
replaced.
"""

import csv
import io
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any, NamedTuple

from awsglue.context import GlueContext
from footlake_glue import (
    AWARDED,
    PLAYED,
    PREDICTION_TEXT_SCHEMA,
    SEASON_NAME,
    STATISTICS_SCHEMA,
    TIMESTAMP_MARGIN_SECONDS,
    GlueLake,
    MySqlTarget,
    format_count,
    insert,
    parallel_map,
    parse_arguments,
    upsert,
)
from pyspark import SparkContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from footlake.lake import s3_keys, schemas
from footlake.lake.mysql import cut_texts, run_transaction
from footlake.lake.s3_keys import DATASETS, FIXTURES, PREDICTIONS, STATISTICS, Season

CONNECTIONS = 2
# A transaction loads a block: the parts of a league's season within a range of ids of this length. Up to some thousand
# rows then share the cost of a commit and a round trip.
IDS_PER_BLOCK = 400 * s3_keys.FIXTURES_PER_PART
# Spark hands over this many parts at a time, or up to 64 MB of them, which limits its memory and Python's.
PARTS_PER_PARTITION = 2500
RESULT = ("idfixture", "idhometeam", "idawayteam", "date", "time", "goalshometeam", "goalsawayteam")
STATISTICS_AND_XG = (
    *("xgoalshometeam", "xgoalsawayteam", "shotsongoalhometeam", "shotsongoalawayteam"),
    *("shotsinsideboxhometeam", "shotsinsideboxawayteam", "totalshotshometeam", "totalshotsawayteam"),
    *("ballpossessionhometeam", "ballpossessionawayteam"),
)
COLUMNS = (*RESULT, *STATISTICS_AND_XG, "idleague", "season", "round")
# Neither NULL, NaN nor infinite.
VALID_XG = "coalesce(abs(xg) < double('Infinity'), false)"
TEXT_COLUMNS = ("date", "time", "round")
EPOCH = datetime(1970, 1, 1)
# Folder and columns of the CSVs of each MySQL table with rows for whole seasons.
SEASON_TABLES = {
    "league_tables": (s3_keys.LEAGUE_TABLES, schemas.LEAGUE_TABLE_COLUMNS),
    "standings": (s3_keys.STANDINGS, schemas.STANDINGS_COLUMNS),
    "table_fixtures": (s3_keys.TABLE_FIXTURES, schemas.TABLE_FIXTURE_COLUMNS),
    "table_findings": (s3_keys.TABLE_FINDINGS, schemas.TABLE_FINDING_COLUMNS),
}

# The parts to load, each with the time (UTC) to store in `loaded_parts`, or None if its objects are gone.
ChangedParts = Mapping[str, datetime | None]


class Block(NamedTuple):
    """The parts that one transaction loads: those of a league's season in the ids' range with this number."""

    league: int
    season: int
    number: int


def main() -> None:
    """Load the parts that changed since the last load, and then the tables of the seasons that changed."""
    args = parse_arguments("--connection", "--ca")
    context = GlueContext(SparkContext.getOrCreate())
    lake = GlueLake(context.spark_session, args.bucket)
    database = MySqlTarget.of(context.extract_jdbc_conf(args.connection), lake.read_text(args.ca))
    loaded = read_loaded_parts(database)
    try:
        load_fixtures(lake, {part: loaded[part] for part in loaded if "/" not in part}, database)
    finally:  # a broken fixtures object does not keep the tables of other seasons from being loaded
        load_tables(lake, {part: loaded[part] for part in loaded if "/" in part}, database)


def load_fixtures(lake: GlueLake, loaded: Mapping[str, datetime], database: MySqlTarget) -> None:
    """Load the parts that changed and print a summary."""
    sources = list_sources(lake)
    changed = find_changed_parts(sources, loaded)
    rows, removed = 0, len(changed.keys() - sources.keys())
    if changed:
        keys = [key for part in changed for key in sources.get(part, ())]
        rows = load(read_fixtures(lake, keys), changed, database)
        invalid = read_predictions(lake, keys).where(f"NOT ({VALID_XG})").count()
        if invalid:
            print(f"mysqldbingestion: {format_count(invalid, 'prediction')} ignored: not a number")
    summary = f", {format_count(rows, 'row')}" if changed else ": none changed since the last load"
    summary += f", {removed} removed" if removed else ""
    print(f"mysqldbingestion: {format_count(len(changed) - removed, 'part')} loaded{summary}")


def list_sources(lake: GlueLake) -> dict[str, dict[str, int]]:
    """Return the objects of each part that has fixtures: key → modification time in milliseconds since 1970."""
    sources = {part: {s3_keys.fixtures(part): modified} for part, modified in lake.list_objects(FIXTURES).items()}
    for part, modified in lake.list_objects(STATISTICS).items():
        if part in sources:
            sources[part][s3_keys.statistics(part)] = modified
    for name, modified in lake.list_objects(PREDICTIONS, ".csv.out").items():
        part = name.rpartition("-")[0]
        if part in sources:
            sources[part][f"{PREDICTIONS}{name}.csv.out"] = modified
    return sources


def read_loaded_parts(database: MySqlTarget) -> dict[str, datetime]:
    """Return the content of `loaded_parts`."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT part, modified FROM loaded_parts")
        return dict(cursor.fetchall())


def find_changed_parts(sources: Mapping[str, Mapping[str, int]], loaded: Mapping[str, datetime]) -> ChangedParts:
    """Return the parts that changed; `sources` has the modification times (milliseconds) of each part's objects."""
    # An object that was written within the margin may change again without a newer timestamp. A part with such an
    # object gets an older time, so that the next load looks at it again.
    settled = EPOCH + timedelta(milliseconds=int((time.time() - TIMESTAMP_MARGIN_SECONDS) * 1000))
    changed: dict[str, datetime | None] = dict.fromkeys(loaded.keys() - sources.keys())
    for part, objects in sources.items():
        newest = EPOCH + timedelta(milliseconds=max(objects.values()))
        moment = min(newest, settled)
        # A stored time after the newest object means that older objects took the place of newer ones: a restored lake.
        if part not in loaded or moment > loaded[part] or loaded[part] > newest:
            changed[part] = moment
    return changed


def read_fixtures(lake: GlueLake, keys: list[str]) -> DataFrame:
    """Return every fixture of these objects, with or without a result, with all columns of the MySQL table."""
    fixtures = lake.read_fixtures(key for key in keys if key.startswith(FIXTURES))
    statistics = lake.read_csv((key for key in keys if key.startswith(STATISTICS)), STATISTICS_SCHEMA)
    xg = "CAST(greatest(0.0, least(99.999, xg)) AS DECIMAL(5, 3)) AS xg"
    predictions = read_predictions(lake, keys).where(VALID_XG).selectExpr("part", "idfixture", "idteam", xg)
    rows = fixtures.join(statistics, ["part", "idFixture", "idHomeTeam", "idAwayTeam"], "left")
    for team in ("HomeTeam", "AwayTeam"):
        team_xg = predictions.withColumnsRenamed({"idteam": f"id{team}", "xg": f"xgoals{team}"})
        rows = rows.join(team_xg, ["part", "idFixture", f"id{team}"], "left")
    renamed = rows.withColumnsRenamed({column: column.lower() for column in rows.columns})
    status = F.col("status")
    results = {"played": status.isin(*PLAYED), "finished": status.isin(*PLAYED, *AWARDED)}
    return renamed.withColumns(results).selectExpr(
        "part",
        "finished",
        *RESULT,
        # A match that was played and then awarded has a result that its statistics did not lead to.
        *(f"IF(played, {name}, NULL) AS {name}" for name in STATISTICS_AND_XG),
        "int(split(part, '-')[0]) AS idleague",
        "int(split(part, '-')[1]) AS season",
        "round",
    )


def read_predictions(lake: GlueLake, keys: list[str]) -> DataFrame:
    """Return the predictions among these objects. A cell that is not a number, which a model may write, is NULL."""
    texts = lake.read_csv(
        (key for key in keys if key.startswith(PREDICTIONS)), PREDICTION_TEXT_SCHEMA, header=False, mode="PERMISSIVE"
    )
    ids = (f"try_cast(trim({name}) AS INT) AS {name}" for name in ("idfixture", "idteam"))
    return texts.selectExpr("part", *ids, "try_cast(trim(xg) AS DOUBLE) AS xg")


def load(fixtures: DataFrame, changed: ChangedParts, database: MySqlTarget) -> int:
    """Load the fixtures of these parts over several connections and return the number of rows.

    Attempts every block, even if one fails, and then raises the first exception.
    """
    blocks: dict[Block, dict[str, datetime | None]] = {}
    for part, modified in changed.items():
        league, season, first_id = (int(number) for number in part.split("-"))
        blocks.setdefault(Block(league, season, first_id // IDS_PER_BLOCK), {})[part] = modified
    idle: SimpleQueue[Any] = SimpleQueue()

    def load_and_release(connection: Any, block: Block, ids: list[int], rows: str) -> int:
        try:
            return load_block(connection, block, blocks[block], set(ids), rows)
        finally:
            idle.put(connection)

    with ExitStack() as opened, ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in range(min(CONNECTIONS, len(blocks))):
            idle.put(opened.enter_context(closing(database.connect())))
        loads, empty = [], set(blocks)
        for block, ids, rows in sql_by_block(fixtures, len(changed)):
            empty.remove(block)
            # Waits for an idle connection, so that no more blocks are in memory than connections.
            loads.append(pool.submit(load_and_release, idle.get(), block, ids, rows))
        loads += [pool.submit(load_and_release, idle.get(), block, [], "") for block in empty]
        return sum(future.result() for future in loads)


def sql_by_block(fixtures: DataFrame, parts: int) -> Iterator[tuple[Block, list[int], str]]:
    """Yield each block, the ids of its fixtures with a result, and their rows as SQL.

    Spark formats the rows because that is much faster than Python.
    """
    number = f"floor(int(substring_index(part, '-', -1)) / {IDS_PER_BLOCK}) AS block"
    fixtures.sparkSession.conf.set("spark.sql.shuffle.partitions", 1 + parts // PARTS_PER_PARTITION)
    rows = fixtures.where("finished").selectExpr("idleague", "season", number, "idfixture", f"{row_sql()} AS row")
    if parts <= PARTS_PER_PARTITION:  # Python groups few rows sooner than Spark starts a shuffle
        by_block: dict[Block, dict[int, str]] = {}
        for *numbers, fixture_id, row in rows.collect():
            by_block.setdefault(Block(*numbers), {})[fixture_id] = row
        for block, texts in by_block.items():
            yield block, list(texts), "), (".join(texts.values())
        return
    # Rows are grouped before the shuffle and after it, so that few long texts are sent instead of many short ones.
    grouped = rows.groupBy("idleague", "season", "block").agg(
        F.expr("collect_list(idfixture)"), F.expr("concat_ws('), (', collect_list(row))")
    )
    for *numbers, ids, text in grouped.toLocalIterator(prefetchPartitions=True):
        yield Block(*numbers), ids, text


def row_sql() -> str:
    """Return a Spark SQL expression for a row of the table as comma-separated SQL literals."""
    quoted = r"""concat("'", replace(replace({}, '\\', '\\\\'), "'", "\\'"), "'")"""
    literals = (quoted.format(name) if name in TEXT_COLUMNS else f"string({name})" for name in COLUMNS)
    cells = ", ".join(f"coalesce({literal}, 'NULL')" for literal in literals)
    return f"concat_ws(',', {cells})"


def load_block(connection: Any, block: Block, parts: ChangedParts, ids: set[int], rows: str) -> int:
    """Replace the table's rows of these parts by `rows`, which have these ids, in one transaction.

    Returns the number of rows.
    """

    def replace_rows(cursor: Any) -> None:
        obsolete = find_obsolete_ids(ids, block, parts, cursor)
        if rows:
            cursor.execute(upsert("fixtures", COLUMNS, rows))
        if obsolete:
            cursor.execute(f"DELETE FROM fixtures WHERE idfixture IN ({', '.join(map(str, obsolete))})")
        record_parts(parts, cursor)

    run_transaction(connection, replace_rows)
    return len(ids)


def record_parts(parts: ChangedParts, cursor: Any) -> None:
    """Store the times of these parts in `loaded_parts`, and delete those without objects."""
    gone = [part for part, modified in parts.items() if modified is None]
    loaded = [(part, modified) for part, modified in parts.items() if modified is not None]
    if loaded:
        cursor.executemany(upsert("loaded_parts", ("part", "modified")), loaded)
    if gone:
        cursor.execute("DELETE FROM loaded_parts WHERE part IN %s", (gone,))


def find_obsolete_ids(ids: Collection[int], block: Block, parts: Collection[str], cursor: Any) -> list[int]:
    """Return the ids of the table's rows that belong to these parts of the block and are not in `ids`."""
    first = block.number * IDS_PER_BLOCK
    # SELECT without locks, then DELETE by id: a DELETE with these conditions could lock rows of a block that is loaded
    # in parallel. `idfixture + 0` keeps MySQL from splitting the range at each id of the list.
    cursor.execute(
        "SELECT idfixture FROM fixtures WHERE idleague = %s AND season = %s AND idfixture BETWEEN %s AND %s"
        f" AND idfixture + 0 NOT IN ({', '.join(map(str, (0, *ids)))})",
        (block.league, block.season, first, first + IDS_PER_BLOCK - 1),
    )
    season = Season(block.league, block.season)
    return [fixture_id for (fixture_id,) in cursor if s3_keys.part_of(season, fixture_id) in parts]


def load_tables(lake: GlueLake, loaded: Mapping[str, datetime], database: MySqlTarget) -> None:
    """Load the tables of the seasons that changed, and print a summary if there are any.

    Attempts every season, even if one fails, and then raises the first exception.
    """
    sources = {
        f"{folder.removeprefix(DATASETS)}{season}": {f"{folder}{season}.csv": modified}
        for folder, _ in SEASON_TABLES.values()
        for season, modified in lake.list_objects(folder, name_pattern=SEASON_NAME).items()
    }
    seasons: dict[Season, dict[str, datetime | None]] = {}
    for part, modified in find_changed_parts(sources, loaded).items():
        league, year = part.rpartition("/")[2].split("-")
        seasons.setdefault(Season(int(league), int(year)), {})[part] = modified
    if not seasons:
        return
    keys = {key for objects in sources.values() for key in objects}
    rows, errors = 0, []
    with closing(database.connect()) as connection:
        for season, parts in sorted(seasons.items()):
            try:
                rows += load_season(connection, season, read_season(lake, season, keys), parts)
            except Exception as error:
                print(f"mysqldbingestion: tables of {season} not loaded: {error}")
                errors.append(error)
    if errors:
        raise errors[0]
    print(f"mysqldbingestion: tables of {format_count(len(seasons), 'season')} loaded, {format_count(rows, 'row')}")


def read_season(lake: GlueLake, season: Season, keys: Collection[str]) -> dict[str, list[list[str | None]]]:
    """Return the rows of each table for a season; none from objects that are not among `keys`. None is an empty cell.

    Raises ValueError if an object has other columns, or a row with more or fewer cells.
    """

    def read(source: tuple[str, tuple[str, ...]]) -> list[list[str | None]]:
        key, columns = f"{source[0]}{season}.csv", source[1]
        if key not in keys:
            return []
        header, *rows = [row for row in csv.reader(io.StringIO(lake.text(key), newline="")) if row] or [[]]
        if tuple(header) != columns:
            raise ValueError(f"{key} has unknown columns: {','.join(header)}")
        for row in rows:
            if len(row) != len(columns):
                raise ValueError(f"{key} has a row with {len(row)} cells instead of {len(columns)}: {','.join(row)}")
        return [[cell or None for cell in row] for row in rows]

    return dict(zip(SEASON_TABLES, parallel_map(read, SEASON_TABLES.values()), strict=True))


def load_season(
    connection: Any, season: Season, tables: Mapping[str, list[list[str | None]]], parts: ChangedParts
) -> int:
    """Replace the rows of a season in each of these tables in one transaction. Returns the number of rows.

    Texts are cut to the lengths of their columns.
    """

    def replace_rows(cursor: Any) -> None:
        for table, rows in tables.items():
            cursor.execute(f"DELETE FROM {table} WHERE idleague = %s AND season = %s", season)
            columns = ["idleague", "season", *map(str.lower, SEASON_TABLES[table][1])]
            values: list[tuple[Any, ...]] = [(*season, *row) for row in rows]
            if table == "table_findings":
                columns.append("number")
                values = [(*row, number) for number, row in enumerate(values, 1)]
            cursor.executemany(insert(table, columns), cut_texts(cursor, table, columns, values))
        record_parts(parts, cursor)

    run_transaction(connection, replace_rows)
    return sum(map(len, tables.values()))


if __name__ == "__main__":
    main()
