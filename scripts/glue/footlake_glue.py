"""What the five Glue scripts share: where the lake's objects are, which are pending, how one is replaced.

Glue puts this file beside each script (`--extra-py-files`); footlake itself is not there. A *part*, such as
`39-2020-592140`, is ten consecutive fixtures of one league season and has one object of each kind.
"""

from __future__ import annotations

import argparse
import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

PROCESSED = "processed-data/"
TEAMCODES = PROCESSED + "teamcodes.csv"
FIXTURES = PROCESSED + "api-football/fixtures/"
STATISTICS = PROCESSED + "api-football/statistics/"
EXTENDED = PROCESSED + "api-football/statistics-extended/"
TEAM_ROWS = PROCESSED + "api-football/teams-fixtures-statistics/"
TRAINING_SET = PROCESSED + "api-football/sagemaker-autopilot/training-set.csv"
PREDICTIONS = PROCESSED + "api-football/xGoals-predictions/"
FIXTURES_PER_PART = 10
# The name of an object of a part, or of one of its sides.
PART_NAME = re.compile(r"\d+-\d+-\d+(-home|-away)?")

# Results on the pitch, and results by a decision: these stand in the table, but nobody's shots led to them.
PLAYED = ("Match Finished", "Match Finished After Extra Time", "Match Finished After Penalty")
AWARDED = ("Technical Loss", "WalkOver")

FIXTURE_SCHEMA = (
    "idFixture INT, status STRING, date STRING, time STRING, "
    "idHomeTeam INT, idAwayTeam INT, goalsHomeTeam INT, goalsAwayTeam INT, round STRING"
)
# The header of fixtures, and the one of those that were written before there were rounds.
FIXTURE_HEADER = ",".join(column.split()[0] for column in FIXTURE_SCHEMA.split(", "))
WITHOUT_ROUND = FIXTURE_HEADER.removesuffix(",round")
STATISTICS_SCHEMA = (
    "idFixture INT, idHomeTeam INT, idAwayTeam INT, shotsOnGoalHomeTeam INT, shotsOnGoalAwayTeam INT, "
    "shotsInsideBoxHomeTeam INT, shotsInsideBoxAwayTeam INT, totalShotsHomeTeam INT, totalShotsAwayTeam INT, "
    "ballPossessionHomeTeam INT, ballPossessionAwayTeam INT"
)
EXTENDED_NAMES = (
    *("shotsOffGoal", "blockedShots", "shotsOutsideBox", "fouls", "cornerKicks", "offsides", "yellowCards"),
    *("redCards", "goalkeeperSaves", "totalPasses", "passesAccurate", "passesPercent", "expectedGoals"),
)
PROVIDERS_XG = "expectedGoals"
EXTENDED_SCHEMA = ", ".join(
    (
        *("idFixture INT", "idHomeTeam INT", "idAwayTeam INT"),
        *(
            f"{name}{team} {'DOUBLE' if name == PROVIDERS_XG else 'INT'}"
            for name in EXTENDED_NAMES
            for team in ("HomeTeam", "AwayTeam")
        ),
    )
)
TEAM_ROW_SCHEMA = (
    "idfixture INT, idteam INT, goals INT, shotsongoal INT, shotsinsidebox INT, totalshots INT, ballpossession INT"
)
TEAM_ROW_COLUMNS = tuple(column.split()[0] for column in TEAM_ROW_SCHEMA.split(", "))
TEAMCODES_SCHEMA = "idTeam INT, code STRING, name STRING"
PREDICTION_SCHEMA = "idfixture INT, idteam INT, xg DOUBLE"
# A cell that does not fit the schema fails the job; a quote within quotes is doubled.
CSV = {"mode": "FAILFAST", "escape": '"'}
# The part that a file belongs to.
PART = r"regexp_extract(_metadata.file_name, '^(.+?)(-home|-away)?[.]csv', 1) AS part"

# S3 answers in tens of milliseconds: single requests for many small objects are worth making side by side.
REQUESTS_AT_ONCE = 16


def text(spark: SparkSession, uri: str) -> str:
    """A whole object as text."""
    return str(spark.read.text(uri, wholetext=True).first()[0])


def arguments(*extra: str) -> argparse.Namespace:
    """The job's arguments: `--bucket`, `--TempDir` and `extra`; Glue adds others, which are left alone."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--TempDir")
    for name in extra:
        parser.add_argument(name)
    return parser.parse_known_args()[0]


class GlueLake:
    """The bucket's objects, through Hadoop's FileSystem: the same calls whether that is S3 or a local disk."""

    def __init__(self, spark: SparkSession, bucket: str) -> None:
        self.spark = spark
        self.root = f"s3://{bucket}/"
        jvm: Any = spark._jvm
        self._conf = spark._jsc.hadoopConfiguration()
        # Every dot of a Java name is a round trip to the JVM.
        self._path, self._file_util = jvm.org.apache.hadoop.fs.Path, jvm.org.apache.hadoop.fs.FileUtil
        self._io, self._digests = jvm.org.apache.commons.io.IOUtils, jvm.org.apache.commons.codec.digest.DigestUtils

    def list(self, prefix: str, suffix: str = ".csv") -> dict[str, int]:
        """The lake's objects directly below a prefix that end with `suffix`: name without it → milliseconds since 1970.

        What somebody else laid there has another name than a part's, and is passed over.
        """
        path, fs = self._at(self.root + prefix)
        modified = {}
        for status in fs.listStatus(path) if fs.exists(path) else ():
            name = status.getPath().getName()
            if name.endswith(suffix) and PART_NAME.fullmatch(name.removesuffix(suffix)) and status.isFile():
                modified[name.removesuffix(suffix)] = status.getModificationTime()
        return modified

    def csv(self, keys: Iterable[str], schema: str, header: bool = True) -> DataFrame:
        """The rows of these objects and, as column `part`, the part that each belongs to.

        A cell that does not fit the schema, or a header with other names, fails the job.
        """
        paths = [self.root + key for key in keys]
        if not paths:
            return self.spark.createDataFrame([], f"{schema}, part STRING")
        return self.spark.read.csv(paths, schema=schema, header=header, enforceSchema=not header, **CSV).selectExpr(
            "*", PART
        )

    def fixtures(self, keys: Iterable[str]) -> DataFrame:
        """The rows of these objects of fixtures, as `csv` has them; those written before there were rounds have none.

        Spark's CSV reader takes files of one width: lines that lack a cell are given it before they are taken apart.
        """
        paths = [self.root + key for key in keys]
        if not paths:
            return self.csv((), FIXTURE_SCHEMA)
        missing = (
            f"CASE lines[0] WHEN '{FIXTURE_HEADER}' THEN '' WHEN '{WITHOUT_ROUND}' THEN ','"
            " ELSE raise_error('unknown columns: ' || lines[0]) END AS missing"
        )
        texts = self.spark.read.text(paths, wholetext=True).selectExpr(r"split(value, '\\r?\\n') AS lines", PART)
        # Not by where(), as Spark may take apart what is left out so.
        line = "explode(filter(slice(lines, 2, size(lines)), line -> line != '')) AS line"
        lines = texts.selectExpr(line, missing, "part")
        rows = lines.select(F.from_csv(F.concat("line", "missing"), FIXTURE_SCHEMA, CSV).alias("row"), "part")
        return rows.select("row.*", "part")

    def put(self, key: str, text: str, replaces: bool) -> bool:
        """Make `text` the content of `key`; whether it was not yet. `replaces` tells if there is such an object."""
        path, fs = self._at(self.root + key)
        if replaces and self._text(path, fs) == text:
            return False
        with closing(fs.create(path, True)) as stream:
            stream.write(text.encode())
        return True

    def replace(self, key: str, path: str) -> bool:
        """Make the file at `path` the content of `key`: whether it was not yet.

        The object changes in one piece when the copy is complete: until then, and after a failure, it is the old one.
        """
        (source, source_fs), (target, target_fs) = self._at(path), self._at(self.root + key)
        if target_fs.exists(target) and self._digest(target, target_fs) == self._digest(source, source_fs):
            return False
        self._file_util.copy(source_fs, source, target_fs, target, False, True, self._conf)
        return True

    def delete(self, key: str) -> None:
        """Remove an object."""
        path, fs = self._at(self.root + key)
        fs.delete(path, False)

    def glob(self, pattern: str) -> list[str]:
        """The paths that match."""
        path, fs = self._at(pattern)
        return [status.getPath().toString() for status in fs.globStatus(path) or ()]

    @contextmanager
    def scratch(self, temp_dir: str) -> Iterator[str]:
        """A folder below `temp_dir` that is gone afterwards, whatever happens."""
        folder = f"{temp_dir.rstrip('/')}/{uuid.uuid4()}"
        try:
            yield folder
        finally:
            path, fs = self._at(folder)
            fs.delete(path, True)

    def _at(self, uri: str) -> tuple[Any, Any]:
        path = self._path(uri)
        return path, path.getFileSystem(self._conf)

    def _text(self, path: Any, fs: Any) -> str:
        with closing(fs.open(path)) as stream:
            return str(self._io.toString(stream, "UTF-8"))

    def _digest(self, path: Any, fs: Any) -> str:
        with closing(fs.open(path)) as stream:
            return str(self._digests.sha256Hex(stream))


def parallel_map(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """`work` done for each item, several at once; the first failure is raised."""
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return list(pool.map(work, items))


def write_team_rows(job: str, side: str) -> None:
    """One row per played fixture with statistics, seen from its `home` or `away` team: an object for each part.

    Only parts whose fixtures or statistics are not older than their team rows are read, and only objects whose
    content changed are written.
    """
    args = arguments()
    spark = SparkSession.builder.getOrCreate()
    lake = GlueLake(spark, args.bucket)
    listed, sources = time.time(), sources_of(lake)
    done = lake.list(TEAM_ROWS, f"-{side}.csv")
    there, written, rows = set(done), set(), {}
    known = {part: times for part, times in sources.items() if part in done and done[part] > max(times)}

    def target(part: str) -> str:
        return f"{TEAM_ROWS}{part}-{side}.csv"

    def put(part: str, text: str) -> None:
        if lake.put(target(part), text, replaces=part in there):
            written.add(part)

    def remove(part: str) -> None:
        if part in there:
            lake.delete(target(part))

    # Until nothing has come since it was listed: the rows are newer than that, so no later run would look at it.
    while parts := sorted(part for part, times in sources.items() if known.get(part) != times):
        played = lake.fixtures(f"{FIXTURES}{part}.csv" for part in parts)
        figures = lake.csv((f"{STATISTICS}{part}.csv" for part in parts), STATISTICS_SCHEMA)
        texts = dict(csv_by_part(team_rows_of(played, figures, side), TEAM_ROW_COLUMNS).collect())
        parallel_map(lambda one: put(*one), texts.items())
        parallel_map(remove, set(parts) - texts.keys())
        there = (there - set(parts)) | texts.keys()
        rows |= {part: texts[part].count("\n") - 1 if part in texts else 0 for part in parts}
        # S3 counts in seconds: what was written just now may be written again within the same second.
        known |= {part: sources[part] for part in parts if max(sources[part]) < (listed - 2) * 1000}
        listed, sources = time.time(), sources_of(lake)
    parallel_map(remove, there - sources.keys())
    gone = len(done.keys() - (there & sources.keys()))
    removed = f", {gone} removed" if gone else ""
    print(f"{job}: {len(rows)} parts read, {len(written)} written{removed}, {sum(rows.values())} rows")


def sources_of(lake: GlueLake) -> dict[str, tuple[int, int]]:
    """When the fixtures and the statistics of each part that has both were written, in milliseconds since 1970."""
    fixtures, statistics = lake.list(FIXTURES), lake.list(STATISTICS)
    return {part: (fixtures[part], statistics[part]) for part in fixtures.keys() & statistics.keys()}


def csv_by_part(rows: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    """Each part's CSV as one text, with a header, in the order of the first column; of columns that need no quotes."""
    lines = f"collect_list(struct({columns[0]}, concat_ws(',', {', '.join(columns)}) || '\\n' AS line))"
    text = f"'{','.join(columns)}\\n' || array_join(sort_array({lines}).line, '')"
    return rows.groupBy("part").agg(F.expr(text).alias("text"))


def team_rows_of(fixtures: DataFrame, statistics: DataFrame, side: str) -> DataFrame:
    """The team rows of one side, with their part."""
    team = {"home": "HomeTeam", "away": "AwayTeam"}[side]
    # By the teams, too: of sides that the API has swapped, the other's shots are nobody's.
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


@dataclass(frozen=True)
class MySqlTarget:
    """A MySQL database; it prints without its password."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    authorities: str = field(repr=False)

    @classmethod
    def of(cls, jdbc: dict[str, str], authorities: str) -> MySqlTarget:
        """The database of a Glue connection, from what `extract_jdbc_conf` returns; PEM text vouches for it.

        `url` has no database name in Glue, `fullUrl` has:
        https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-glue-context.html
        """
        url = urlsplit(jdbc["fullUrl"].removeprefix("jdbc:"))
        return cls(
            url.hostname or "", url.port or 3306, url.path.strip("/"), jdbc["user"], jdbc["password"], authorities
        )

    def connect(self) -> Any:
        """A connection to the very server that the authorities vouch for, in which nothing is committed by itself."""
        import pymysql  # which only the jobs that load it have

        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.name,
            charset="utf8mb4",
            ssl=ssl.create_default_context(cadata=self.authorities),
            # Parts are loaded side by side; the default level's gap locks would let neighbours block each other.
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )


def upsert(table: str, columns: Iterable[str], rows: str = "") -> str:
    """An INSERT that overwrites rows with the same key, in the form that MySQL 8 and MariaDB share.

    `rows` are the values of the rows as SQL has them; without them there is one row, to be filled in.
    """
    names = [f"`{column}`" for column in columns]
    values = rows or ", ".join(["%s"] * len(names))
    updates = ", ".join(f"{name} = VALUES({name})" for name in names[1:])
    return f"INSERT INTO `{table}` ({', '.join(names)}) VALUES ({values}) ON DUPLICATE KEY UPDATE {updates}"
