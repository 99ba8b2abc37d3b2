"""Code that the five Glue scripts share: access to the lake's objects, team rows, access to MySQL.

Glue adds this file and a zip of the footlake modules with S3 keys, columns and statuses (`--extra-py-files`); the rest
of footlake is not there. The scripts read and write the bucket's top-level folder processed-data only. (The local AWS
gives a script the top-level folders that its text names.)
"""

from __future__ import annotations

import argparse
import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from footlake.football.statuses import status_texts
from footlake.lake import s3_keys, schemas
from footlake.lake.mysql import SQL_MODE


def spark_schema(columns: Iterable[str], **columns_by_type: Iterable[str]) -> str:
    """Return columns as a Spark schema. They are INT unless listed for another type: `STRING=("date", "time")`."""
    types = {column: spark_type for spark_type, typed in columns_by_type.items() for column in typed}
    return ", ".join(f"{column} {types.get(column, 'INT')}" for column in columns)


FIXTURE_SCHEMA = spark_schema(schemas.FIXTURE_COLUMNS, STRING=("status", "date", "time", "round"))
STATISTICS_SCHEMA = spark_schema(schemas.STATISTICS_COLUMNS)
EXTENDED_SCHEMA = spark_schema(schemas.EXTENDED_COLUMNS, DOUBLE=("expectedGoalsHomeTeam", "expectedGoalsAwayTeam"))
TEAM_ROW_SCHEMA = spark_schema(schemas.TEAM_ROW_COLUMNS)
TEAMCODES_SCHEMA = spark_schema(schemas.TEAMCODE_COLUMNS, STRING=("code", "name"))
PREDICTION_TEXT_SCHEMA = spark_schema(schemas.PREDICTION_COLUMNS, STRING=schemas.PREDICTION_COLUMNS)

PLAYED, AWARDED = status_texts("played"), status_texts("awarded")

# The header of fixtures, and that of fixtures written by versions without the column `round`.
FIXTURE_HEADER = ",".join(schemas.FIXTURE_COLUMNS)
HEADER_WITHOUT_ROUND = FIXTURE_HEADER.removesuffix(",round")
# A cell that does not fit the schema fails the job; a quote within quotes is doubled. The parser allocates its buffer,
# by default a million characters, for every file.
CSV_OPTIONS = {"mode": "FAILFAST", "escape": '"', "inputBufferSize": "8192"}
# File name, without suffix, of a part's object or of the object of one of its sides.
PART_NAME = re.compile(r"\d+-\d+-\d+(-home|-away)?")
# File name, without suffix, of an object with a whole season.
SEASON_NAME = re.compile(r"\d+-\d+")
# SQL expression for the part to which a row's file belongs.
PART = r"regexp_extract(_metadata.file_name, '^(.+?)(-home|-away)?[.]csv', 1) AS part"

# S3 responds in tens of milliseconds, so requests for many small objects are sent in parallel.
MAX_PARALLEL_REQUESTS = 16
# S3 timestamps have a resolution of one second: an object may change again without a newer timestamp. Only an object
# that is older than this cannot.
TIMESTAMP_MARGIN_SECONDS = 2


def format_count(number: int, noun: str) -> str:
    """Return "1 part" or "2 parts"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def parse_arguments(*names: str) -> argparse.Namespace:
    """Return the job's arguments `--bucket`, `--TempDir` and `names`. Others, which Glue adds, are ignored."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--TempDir")
    for name in names:
        parser.add_argument(name)
    return parser.parse_known_args()[0]


def parallel_map(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Return `function(item)` for each item, with several calls at once. Raises the first exception."""
    with ThreadPoolExecutor(MAX_PARALLEL_REQUESTS) as pool:
        return list(pool.map(function, items))


class GlueLake:
    """The bucket's objects through Hadoop's FileSystem, which makes no difference between S3 and a local disk."""

    def __init__(self, spark: SparkSession, bucket: str) -> None:
        self.spark = spark
        self.root = f"s3://{bucket}/"
        # Spark would compile the filters for each small file.
        spark.conf.set("spark.sql.csv.filterPushdown.enabled", False)
        jvm: Any = spark._jvm
        self._conf = spark._jsc.hadoopConfiguration()
        # Looked up once: each dot of a Java name is a round trip to the JVM.
        self._path, self._file_util = jvm.org.apache.hadoop.fs.Path, jvm.org.apache.hadoop.fs.FileUtil
        self._file_system = self._path(self.root).getFileSystem(self._conf)
        self._io, self._digests = jvm.org.apache.commons.io.IOUtils, jvm.org.apache.commons.codec.digest.DigestUtils

    def list_objects(
        self, prefix: str, suffix: str = ".csv", name_pattern: re.Pattern[str] = PART_NAME
    ) -> dict[str, int]:
        """Return the objects directly below a prefix whose names are those of parts, or of sides of parts.

        Maps the name without `suffix` to the modification time in milliseconds since 1970. `name_pattern` selects
        other names.
        """
        path, fs = self._locate(self.root + prefix)
        modified = {}
        for status in fs.listStatus(path) if fs.exists(path) else ():
            name = status.getPath().getName()
            if name.endswith(suffix) and name_pattern.fullmatch(name.removesuffix(suffix)) and status.isFile():
                modified[name.removesuffix(suffix)] = status.getModificationTime()
        return modified

    def read_csv(self, keys: Iterable[str], schema: str, header: bool = True, mode: str = "FAILFAST") -> DataFrame:
        """Return the rows of these objects, with the part of each row as column `part`.

        A cell that does not fit the schema, or a header with other names, fails the job unless `mode` is PERMISSIVE.
        """
        paths = [self.root + key for key in keys]
        if not paths:
            return self.spark.createDataFrame([], f"{schema}, part STRING")
        reader = self.spark.read.options(**CSV_OPTIONS | {"mode": mode})
        # multiLine parses whole files. Spark's reader of lines copies Hadoop's configuration for each file. Predictions
        # are read by lines, because a stray quote in one must not hide those below it.
        rows = reader.csv(paths, schema=schema, header=header, enforceSchema=not header, multiLine=header)
        return rows.selectExpr("*", PART)

    def read_fixtures(self, keys: Iterable[str]) -> DataFrame:
        """Return the rows of fixtures objects as `read_csv` does; `round` is empty in objects that lack the column.

        Spark's CSV reader requires the same columns in all files, so the missing cell is appended to each line before
        the lines are parsed.
        """
        paths = [self.root + key for key in keys]
        if not paths:
            return self.read_csv((), FIXTURE_SCHEMA)
        missing = (
            f"CASE lines[0] WHEN '{FIXTURE_HEADER}' THEN '' WHEN '{HEADER_WITHOUT_ROUND}' THEN ','"
            " ELSE raise_error('unknown columns: ' || lines[0]) END AS missing"
        )
        texts = self.spark.read.text(paths, wholetext=True).selectExpr(r"split(value, '\\r?\\n') AS lines", PART)
        # filter() instead of where(), because Spark may parse a line before where() drops it.
        line = "explode(filter(slice(lines, 2, size(lines)), line -> line != '')) AS line"
        lines = texts.selectExpr(line, missing, "part")
        rows = lines.select(F.from_csv(F.concat("line", "missing"), FIXTURE_SCHEMA, CSV_OPTIONS).alias("row"), "part")
        return rows.select("row.*", "part")

    def text(self, key: str) -> str:
        """Return an object as text."""
        return self.read_text(self.root + key)

    def read_text(self, uri: str) -> str:
        """Return an object of any bucket as text, without a Spark job."""
        return self._text(*self._locate(uri))

    def put(self, key: str, text: str, replaces: bool) -> bool:
        """Write an object unless it has this text already. Return whether it was written.

        `replaces` must be true if the object exists.
        """
        path, fs = self._locate(self.root + key)
        if replaces and self._text(path, fs) == text:
            return False
        with closing(fs.create(path, True)) as stream:
            stream.write(text.encode())
        return True

    def replace(self, key: str, path: str) -> bool:
        """Replace an object by the file at `path` unless both are the same. Return whether it was replaced.

        The object changes only when the copy is complete. After a failure it still has the old content.
        """
        (source, source_fs), (target, target_fs) = self._locate(path), self._locate(self.root + key)
        if target_fs.exists(target) and self._digest(target, target_fs) == self._digest(source, source_fs):
            return False
        self._file_util.copy(source_fs, source, target_fs, target, False, True, self._conf)
        return True

    def delete(self, key: str) -> None:
        """Delete an object."""
        path, fs = self._locate(self.root + key)
        fs.delete(path, False)

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match a pattern."""
        path, fs = self._locate(pattern)
        return [status.getPath().toString() for status in fs.globStatus(path) or ()]

    @contextmanager
    def temporary_folder(self, parent: str) -> Iterator[str]:
        """Provide a new folder below `parent` and delete it afterwards."""
        folder = f"{parent.rstrip('/')}/{uuid.uuid4()}"
        try:
            yield folder
        finally:
            path, fs = self._locate(folder)
            fs.delete(path, True)

    def _locate(self, uri: str) -> tuple[Any, Any]:
        """Return Hadoop's path and file system of a URI."""
        path = self._path(uri)
        return path, self._file_system if uri.startswith(self.root) else path.getFileSystem(self._conf)

    def _text(self, path: Any, fs: Any) -> str:
        with closing(fs.open(path)) as stream:
            return str(self._io.toString(stream, "UTF-8"))

    def _digest(self, path: Any, fs: Any) -> str:
        with closing(fs.open(path)) as stream:
            return str(self._digests.sha256Hex(stream))


def write_team_rows(job: str, side: s3_keys.Side) -> None:
    """Write one row per played fixture with statistics for its `home` or `away` team, one object per part.

    Reads only parts whose fixtures or statistics are not older than their team rows, and writes only objects whose
    content changed.
    """
    args = parse_arguments()
    TeamRowsJob(GlueLake(SparkSession.builder.getOrCreate(), args.bucket), side).run(job)


class TeamRowsJob:
    """A run of a job that writes the team rows of one side."""

    def __init__(self, lake: GlueLake, side: s3_keys.Side) -> None:
        self.lake = lake
        self.side = side
        self.before = lake.list_objects(s3_keys.TEAM_ROWS, f"-{side}.csv")
        self.existing = set(self.before)
        self.written: set[str] = set()
        self.rows: dict[str, int] = {}

    def run(self, job: str) -> None:
        """Process parts until none has changed since its sources were listed, then print a summary.

        A source that changes during the run is older than the rows that are written without it, so a later run would
        not notice the change.
        """
        listed, sources = time.time(), list_team_row_sources(self.lake)
        processed = {part: times for part, times in sources.items() if self.before.get(part, 0) > max(times)}
        while parts := sorted(part for part, times in sources.items() if processed.get(part) != times):
            if not self.rows:  # if the job ends early, this mark remains for a scheduled invocation of etlGetXGoals
                self.lake.put(f"{s3_keys.SCORING_MARKS}unfinished-{self.side}", "", replaces=False)
            self.process(parts)
            settled = (listed - TIMESTAMP_MARGIN_SECONDS) * 1000
            processed |= {part: sources[part] for part in parts if max(sources[part]) < settled}
            listed, sources = time.time(), list_team_row_sources(self.lake)
        parallel_map(self.delete, self.existing - sources.keys())
        if self.rows:  # this mark invokes etlGetXGoals
            self.lake.put(f"{s3_keys.NEW_TEAM_ROWS}{uuid.uuid4().hex}.mark", "", replaces=False)
        removed = len(self.before.keys() - self.existing)
        text = f", {removed} removed" if removed else ""
        why = "" if self.rows or removed else ": no fixtures or statistics changed since the last run"
        rows = f", {format_count(sum(self.rows.values()), 'row')}" if self.rows else ""
        print(f"{job}: {format_count(len(self.rows), 'part')} read, {len(self.written)} written{text}{rows}{why}")

    def process(self, parts: list[str]) -> None:
        """Write the team rows of these parts; delete the objects of parts without any."""
        fixtures = self.lake.read_fixtures(map(s3_keys.fixtures, parts))
        statistics = self.lake.read_csv(map(s3_keys.statistics, parts), STATISTICS_SCHEMA)
        rows = join_team_rows(fixtures, statistics, self.side)
        texts = dict(csv_by_part(rows, schemas.TEAM_ROW_COLUMNS).collect())
        parallel_map(lambda item: self.put(*item), texts.items())
        parallel_map(self.delete, self.existing & (set(parts) - texts.keys()))
        self.rows |= {part: texts[part].count("\n") - 1 if part in texts else 0 for part in parts}

    def put(self, part: str, text: str) -> None:
        """Write the object of a part if its content changed."""
        if self.lake.put(s3_keys.team_rows(part, self.side), text, replaces=part in self.existing):
            self.written.add(part)
        self.existing.add(part)

    def delete(self, part: str) -> None:
        """Delete the object of a part."""
        self.lake.delete(s3_keys.team_rows(part, self.side))
        self.existing.discard(part)


def list_team_row_sources(lake: GlueLake) -> dict[str, tuple[int, int]]:
    """Return the modification times of fixtures and statistics (milliseconds) of each part that has both."""
    fixtures, statistics = lake.list_objects(s3_keys.FIXTURES), lake.list_objects(s3_keys.STATISTICS)
    return {part: (fixtures[part], statistics[part]) for part in fixtures.keys() & statistics.keys()}


def join_team_rows(fixtures: DataFrame, statistics: DataFrame, side: s3_keys.Side) -> DataFrame:
    """Return the team rows of one side of the played fixtures, with their part."""
    team = {"home": "HomeTeam", "away": "AwayTeam"}[side]
    # The teams are join columns because the API may swap home and away of a fixture after its statistics were stored.
    return (
        fixtures.where(F.col("status").isin(*PLAYED))
        .join(statistics, ["part", "idFixture", "idHomeTeam", "idAwayTeam"])
        .selectExpr(
            "part",
            "idFixture AS idfixture",
            f"id{team} AS idteam",
            *(
                f"{name}{team} AS {name.lower()}"
                for name in ("goals", "shotsOnGoal", "shotsInsideBox", "totalShots", "ballPossession")
            ),
        )
        .dropna()
    )


def csv_by_part(rows: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    """Return one CSV per part, with a header, ordered by the first column. The columns must not need quotes."""
    lines = f"collect_list(struct({columns[0]}, concat_ws(',', {', '.join(columns)}) || '\\n' AS line))"
    text = f"'{','.join(columns)}\\n' || array_join(sort_array({lines}).line, '')"
    return rows.groupBy("part").agg(F.expr(text).alias("text"))


@dataclass(frozen=True)
class MySqlTarget:
    """A MySQL database; its repr does not contain the password."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    authorities: str = field(repr=False)

    @classmethod
    def of(cls, jdbc: dict[str, str], authorities: str) -> MySqlTarget:
        """Return the database of a Glue connection.

        `jdbc` is the result of `extract_jdbc_conf`, whose `url` has no database name in Glue while `fullUrl` has:
        https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-glue-context.html
        `authorities` are the certificate authorities to trust, as PEM.
        """
        url = urlsplit(jdbc["fullUrl"].removeprefix("jdbc:"))
        return cls(
            url.hostname or "", url.port or 3306, url.path.strip("/"), jdbc["user"], jdbc["password"], authorities
        )

    def connect(self) -> Any:
        """Open a TLS connection without autocommit; the server's certificate and host name are verified."""
        import pymysql  # only in the jobs that connect to MySQL

        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.name,
            charset="utf8mb4",
            ssl=ssl.create_default_context(cadata=self.authorities),
            sql_mode=SQL_MODE,
            # Blocks are loaded in parallel; the gap locks of the default level would make them wait for each other.
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )


def insert(table: str, columns: Iterable[str], rows: str = "") -> str:
    """Return an INSERT.

    `rows` are the rows as SQL values without the outer parentheses; by default one row of placeholders.
    """
    names = [f"`{column}`" for column in columns]
    return f"INSERT INTO `{table}` ({', '.join(names)}) VALUES ({rows or ', '.join(['%s'] * len(names))})"


def upsert(table: str, columns: Sequence[str], rows: str = "") -> str:
    """Return an INSERT that overwrites rows with the same key, in a form that MySQL 8 and MariaDB accept.

    The first column is the key. `rows` are as for `insert`.
    """
    updates = ", ".join(f"`{column}` = VALUES(`{column}`)" for column in columns[1:])
    return f"{insert(table, columns, rows)} ON DUPLICATE KEY UPDATE {updates}"
