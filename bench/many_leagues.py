"""Measure the time per fixture in a lake of many leagues through ingestion, Glue, transform and MySQL.

    python -m bench.many_leagues [--leagues 5] [--seasons 10] [--full]

Claim: a fixture in a large lake takes at most 1.3 times as long as in a small one. The script measures a lake of one
season, one of ten seasons, and one of `--leagues` × `--seasons` (`--full`: 100 × 10, 380,000 fixtures; half an hour).
Starting costs, mainly Spark's context and its first query, are the same for any lake. The lakes of one and ten seasons
therefore give `fixed` seconds and seconds per fixture for each step, and the large lake is compared with the latter.

The handlers and the Glue scripts run as deployed. A folder replaces S3. A simulated season with other ids replaces the
football API, whose time is subtracted, and a formula replaces the model of the batch transforms. Left out is the
time that AWS and API-Football need per request; `bench.ingest` counts the requests.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore.exceptions import ClientError

from bench.glue import BUCKET, GlueSpark
from bench.measure import Claim, best_seconds, format_claims, markdown_section
from bench.mysql import DATABASE, PASSWORD, USER, empty_tables, start_mysql, summarize_contents
from footlake.handlers import etl_get_fixtures, etl_get_xgoals, scoring, variables
from footlake.handlers.statistics_ingest import ingest_statistics
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season
from footlake.lake.store import LakeStore, parallel_map
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.local.football.request import ApiRequest
from footlake.local.football.simulator import Simulator
from footlake.local.football.standings import answer_standings

FIRST_LEAGUE, FIRST_YEAR = 1000, 2010
FIXTURES_PER_SEASON = 380
SIMULATED_LEAGUE = 39
AFTER_SEASONS = datetime(2200, 1, 1, tzinfo=UTC)
MODEL_IN_USE = json.dumps({"model": "bench", "runs": scoring.SAGEMAKER, "features": schemas.FEATURES})
ENVIRONMENT = {
    variables.BUCKET: BUCKET,
    variables.LAKE: "bench",
    variables.MODEL: "bench",
    variables.TRANSFORM_INSTANCE: "ml.m5.large",
}
SMALL_LAKE_RUNS = 2
STEPS = ("ingestion", "Glue", "transform", "MySQL")
ALL_STEPS = "all"
MAX_RATIO = 1.3
StepSeconds = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leagues", type=int, default=5)
    parser.add_argument("--seasons", type=int, default=10)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    leagues, seasons = (100, 10) if options.full else (options.leagues, options.seasons)
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder, start_mysql(Path(folder) / "mysql") as server:
        times = measure_lakes(Path(folder), server, leagues, seasons)
    print(format_report(times, leagues, seasons))


def measure_lakes(folder: Path, server: DatabaseServer, leagues: int, seasons: int) -> list[StepSeconds]:
    """Return the seconds of each step for a lake of one season, one of ten, and the large one."""
    lake = folder / BUCKET
    lake.mkdir()
    spark = GlueSpark(lake, folder / "spark")
    process_lake(lake, spark, server, 1, 1)  # starts everything that starts only once
    times = []
    for small_seasons in (1, 10):
        runs = [process_lake(lake, spark, server, 1, small_seasons) for _ in range(SMALL_LAKE_RUNS)]
        times.append({step: min(run[step] for run in runs) for step in STEPS})
    times.append(process_lake(lake, spark, server, leagues, seasons))
    return [seconds | {ALL_STEPS: sum(seconds.values())} for seconds in times]


def format_report(times: list[StepSeconds], leagues: int, seasons: int) -> str:
    """Format the section and the claims."""
    fixtures = [FIXTURES_PER_SEASON, 10 * FIXTURES_PER_SEASON, leagues * seasons * FIXTURES_PER_SEASON]
    one, ten, large = times
    rows, ratios = [], {}
    for step in (*STEPS, ALL_STEPS):
        per_fixture = (ten[step] - one[step]) / (fixtures[1] - fixtures[0])
        fixed = one[step] - per_fixture * fixtures[0]
        large_per_fixture = (large[step] - fixed) / fixtures[2]
        ratios[step] = large_per_fixture / per_fixture
        cells = (one[step], fixed, 1e3 * per_fixture, large[step], 1e3 * large_per_fixture)
        rows.append((step, *cells, f"{ratios[step]:.2f} ×"))
    columns = (
        *("step", "one season, s", "of which fixed, s", "small lake, ms per fixture"),
        *(f"{fixtures[2]:,} fixtures, s", "ms per fixture", "ratio"),
    )
    totals = [1e3 * seconds[ALL_STEPS] / number for seconds, number in zip(times, fixtures, strict=True)]
    text = (
        f"Including the fixed time, a fixture takes {totals[0]:.1f} ms in a lake of one season and {totals[1]:.1f} ms"
        f" in one of ten seasons. In one of {leagues} leagues with {seasons} seasons each it takes {totals[2]:.1f} ms."
        " The table's times per fixture exclude the fixed time."
    )
    slowest = max(STEPS, key=lambda step: ratios[step])
    target = f"≤ {MAX_RATIO} ×"
    claims = [
        Claim(
            f"All steps: a fixture among {fixtures[2]:,} takes at most {MAX_RATIO} × as long as in a small lake",
            f"{ratios[ALL_STEPS]:.2f} ×",
            target,
            ratios[ALL_STEPS] <= MAX_RATIO,
        ),
        Claim(
            "The same for each single step",
            f"{slowest} {ratios[slowest]:.2f} ×",
            target,
            ratios[slowest] <= MAX_RATIO,
        ),
    ]
    return markdown_section("A lake of many leagues", columns, rows, text) + format_claims(claims)


def process_lake(lake: Path, spark: GlueSpark, server: DatabaseServer, leagues: int, seasons: int) -> StepSeconds:
    """Process a new lake of this size and return the seconds of each step."""
    shutil.rmtree(lake)
    lake.mkdir()
    empty_tables(server)
    store, football = LakeStore(FolderS3Client(lake), BUCKET), SimulatedFootballApi()
    every = [Season(FIRST_LEAGUE + league, FIRST_YEAR + year) for league in range(leagues) for year in range(seasons)]
    steps: dict[str, Callable[[], object]] = {
        "ingestion": partial(ingest_seasons, store, football, every),
        "Glue": lambda: [spark.run(f"{side}teamstatistics") for side in ("home", "away")],
        "transform": partial(score, store),
        "MySQL": partial(load_mysql, spark, server),
    }
    seconds = {}
    for step, work in steps.items():
        seconds[step] = best_seconds(work, 1)
        print(f"{len(every)} seasons, {step}: {seconds[step]:.1f} s", file=sys.stderr, flush=True)
    seconds["ingestion"] -= football.seconds
    rows, goals = summarize_contents(server)[:2]
    assert rows == len(every) * FIXTURES_PER_SEASON and goals > 0, (rows, goals)
    return seconds


def ingest_seasons(store: LakeStore, football: SimulatedFootballApi, seasons: list[Season]) -> None:
    """Do the work of etlGetFixtures and etlGetStatistics."""
    api: Any = football
    for season in seasons:
        key = etl_get_fixtures.fetch_fixtures(store, api, season, None)["key"]
        result = ingest_statistics(store, api, key)
        assert result["fetched"] == FIXTURES_PER_SEASON, result


def score(store: LakeStore) -> None:
    """Do the work of etlGetXGoals until all rows have xG, with a formula instead of the model."""
    store.overwrite(s3_keys.MODEL_IN_USE, MODEL_IN_USE)
    sagemaker = FormulaSageMaker(store)
    etl_get_xgoals._sagemaker.cache_clear()
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch.object(boto3, "client", lambda _: sagemaker),
        contextlib.redirect_stdout(io.StringIO()),  # the log
    ):
        while etl_get_xgoals._process_marks(store, [s3_keys.NEW_TEAM_ROWS])["job"]:
            pass


class FormulaSageMaker:
    """The part of SageMaker that etlGetXGoals uses. A transform ends before it is described."""

    def __init__(self, store: LakeStore) -> None:
        self._store = store

    def describe_model(self, ModelName: str) -> None:
        """Do nothing: every model exists."""

    def create_transform_job(self, TransformJobName: str, **_: Any) -> None:
        parallel_map(self._predict, self._store.list_objects(f"{s3_keys.TRANSFORM_INPUTS}{TransformJobName}/"))

    def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:
        return {"TransformJobStatus": "Completed", "ModelName": "bench"}

    def get_paginator(self, _: str) -> FormulaSageMaker:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {"TransformJobSummaries": []}

    def _predict(self, key: str) -> None:
        """Write predictions for the rows of an input object."""
        lines = []
        for row in csv.reader(io.StringIO(self._store.get(key))):
            values = dict(zip((*schemas.ROW_COLUMNS, *schemas.FEATURES), row, strict=True))
            xg = 0.2 * int(values["shotsongoal"]) + 0.03 * int(values["totalshots"])
            lines.append(f"{row[0]},{row[1]},{xg:.5f}\n")
        self._store.overwrite(f"{s3_keys.PREDICTIONS}{key.rpartition('/')[2]}.out", "".join(lines))


def load_mysql(spark: GlueSpark, server: DatabaseServer) -> None:
    """Do the work of mysqldbingestion after it has looked up the database's address."""
    import footlake_glue
    import mysqldbingestion
    from pyspark.sql import SparkSession

    database = footlake_glue.MySqlTarget(HOST, server.port, DATABASE, USER, PASSWORD, server.certificate.read_text())
    lake = footlake_glue.GlueLake(SparkSession.builder.getOrCreate(), BUCKET)
    sources = mysqldbingestion.list_sources(lake)
    changed = mysqldbingestion.find_changed_parts(sources, mysqldbingestion.read_loaded_parts(database))
    keys = [key for part in changed for key in sources[part]]
    mysqldbingestion.load(mysqldbingestion.read_fixtures(lake, keys), changed, database)
    spark.stop()


class SimulatedFootballApi:
    """The part of FootballApi that the handlers use, with simulated seasons. Each league has its own ids.

    `seconds` is the total time of the responses.
    """

    budget = None
    requests_per_day = 7500

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return a time after every match."""
        return AFTER_SEASONS

    def fixtures(self, **parameters: Any) -> dict[str, Any]:
        """Return the response to a season or to ids."""
        started = time.perf_counter()
        if "ids" in parameters:
            response = [self._fixture(int(fixture_id)) for fixture_id in parameters["ids"].split("-")]
        else:
            league, year = parameters["league"], parameters["season"]
            items = Simulator(league).fixtures(SIMULATED_LEAGUE, year, AFTER_SEASONS)
            response = [move_to_league(item, league) for item in items]
        self.seconds += time.perf_counter() - started
        return {"get": "fixtures", "errors": [], "results": len(response), "response": response}

    def standings(self, league: int, season: int) -> dict[str, Any]:
        """Return the response with the standings of a season."""
        started = time.perf_counter()
        parameters = {"league": str(SIMULATED_LEAGUE), "season": str(season)}
        request = ApiRequest("standings", parameters, "", AFTER_SEASONS)
        (item,) = answer_standings({}, request, Simulator(league))
        tables = [
            [row | {"team": move_team(row["team"], league)} for row in rows] for rows in item["league"]["standings"]
        ]
        response = [{"league": item["league"] | {"id": league, "standings": tables}}]
        self.seconds += time.perf_counter() - started
        return {"get": "standings", "errors": [], "results": 1, "response": response}

    def _fixture(self, fixture_id: int) -> dict[str, Any]:
        league, rest = divmod(fixture_id, 1_000_000)
        simulator, simulated_id = Simulator(league), SIMULATED_LEAGUE * 1_000_000 + rest
        item = simulator.fixture(simulated_id, AFTER_SEASONS)
        assert item
        return move_to_league(item | {"statistics": simulator.statistics(simulated_id, AFTER_SEASONS)}, league)


def move_team(team: dict[str, Any], league: int) -> dict[str, Any]:
    """Return a simulated team with an id in another league."""
    return team | {"id": league * 10_000 + team["id"]}


def move_to_league(item: dict[str, Any], league: int) -> dict[str, Any]:
    """Return a simulated fixture with the ids of another league and of its teams."""
    return item | {
        "fixture": item["fixture"] | {"id": league * 1_000_000 + item["fixture"]["id"] % 1_000_000},
        "league": item["league"] | {"id": league},
        "teams": {side: move_team(team, league) for side, team in item["teams"].items()},
        "statistics": [side | {"team": move_team(side["team"], league)} for side in item.get("statistics", [])],
    }


@lru_cache
def sorted_names(folder: Path, modified: int) -> list[str]:
    """Return the names in a folder as S3 sorts them. `modified` is its modification time."""
    with os.scandir(folder) as entries:
        return sorted(entry.name + "/" * entry.is_dir() for entry in entries)


class FolderS3Client:
    """The S3 calls that the handlers make, on a folder, with conditional writes and metadata."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._metadata: dict[str, dict[str, str]] = {}

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:
        content = self._read(Key)
        if content is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": BytesIO(content), "ETag": hashlib.md5(content).hexdigest()}

    def head_object(self, Key: str, **_: Any) -> dict[str, Any]:
        try:
            modified = (self.root / Key).stat().st_mtime
        except FileNotFoundError:
            raise ClientError({"Error": {"Code": "404", "Message": Key}}, "HeadObject") from None
        etag = hashlib.md5((self.root / Key).read_bytes()).hexdigest()
        return {
            "LastModified": datetime.fromtimestamp(modified, UTC),
            "Metadata": self._metadata.get(Key, {}),
            "ETag": etag,
        }

    def put_object(
        self, Key: str, Body: bytes, Metadata: dict[str, str] | None = None, **condition: Any
    ) -> dict[str, str]:
        expected = condition.get("IfMatch")
        if expected or "IfNoneMatch" in condition:
            content = self._read(Key)
            if (hashlib.md5(content).hexdigest() if content is not None else None) != expected:
                raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": Key}}, "PutObject")
        path = self.root / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
        if Metadata:
            self._metadata[Key] = Metadata
        return {"ETag": hashlib.md5(Body).hexdigest()}

    def delete_object(self, Key: str, **_: Any) -> None:
        (self.root / Key).unlink(missing_ok=True)

    def delete_objects(self, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:
        for item in Delete["Objects"]:
            self.delete_object(item["Key"])
        return {}

    def get_paginator(self, _: str) -> FolderS3Client:
        return self

    def paginate(self, Prefix: str, StartAfter: str = "", **_: Any) -> Iterator[dict[str, Any]]:
        folder = Prefix.rpartition("/")[0] + "/"
        for key in self._iter_keys(folder, max(StartAfter, Prefix).removeprefix(folder)):
            if not key.startswith(Prefix):
                return
            if key > StartAfter:
                modified = datetime.fromtimestamp((self.root / key).stat().st_mtime, UTC)
                yield {"Contents": [{"Key": key, "LastModified": modified}]}

    def _iter_keys(self, folder: str, start: str) -> Iterator[str]:
        """Yield the keys in a folder and its subfolders from the name `start` on, in order."""
        path = self.root / folder
        names = sorted_names(path, path.stat().st_mtime_ns) if path.exists() else []
        for name in islice(names, bisect_left(names, start), None):
            if name.endswith("/"):
                yield from self._iter_keys(folder + name, "")
            else:
                yield folder + name

    def _read(self, key: str) -> bytes | None:
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            return None


if __name__ == "__main__":
    main()
