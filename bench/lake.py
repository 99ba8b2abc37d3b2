"""A lake of many leagues: what a fixture costs on its way through ingestion, Glue, transform and MySQL.

    python -m bench.lake [--leagues 10] [--seasons 10] [--full]

Claimed: a fixture of a large lake costs at most 1.3 times what it costs in a small one. Measured are a lake of one
season, one of ten, and one of so many leagues and seasons (`--full`: 100 × 10, 380,000 fixtures; half an hour). What
begins anew with each step, above all Spark's context and its first query, is the same for any lake: a step costs
`fixed` seconds and then so much for each fixture, as one season and ten tell, and the large lake is held against that.
The transform's own share grows: each of its jobs scores a thousand objects, and lists all of them to find these.

The handlers, the Glue scripts and the transform's own code run as they are deployed. In the place of S3 is a folder, in
the place of the football API and of the model functions that answer at once (a simulated season under other ids; a
formula); the API's time is taken off. Left out is thus what AWS and API-Football take for a request: how many there are
of them is `bench.ingest`'s subject.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bench.glue import BUCKET, Spark
from bench.measure import best, table
from bench.mysql import NAME, PASSWORD, USER, contents, empty, mysql
from footlake.handlers import etl_get_fixtures, etl_get_statistics, etl_get_xgoals, scoring
from footlake.handlers.scoring import ScoringModel
from footlake.lake import schemas
from footlake.lake.s3_keys import Season
from footlake.lake.store import LakeStore, parallel_map
from footlake.lake.tables import read_table
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.local.football.simulator import Simulator

FIRST_LEAGUE, FIRST_YEAR = 1000, 2010
PER_SEASON = 380
SIMULATED = 39
LATER = datetime(2200, 1, 1, tzinfo=UTC)
MODEL = ScoringModel("bench", scoring.SAGEMAKER, schemas.FEATURES, datetime(2000, 1, 1, tzinfo=UTC))
SMALL_TIMES = 3
STEPS = ("ingestion", "Glue", "transform", "MySQL")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leagues", type=int, default=10)
    parser.add_argument("--seasons", type=int, default=10)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    leagues, seasons = (100, 10) if options.full else (options.leagues, options.seasons)
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder, mysql(Path(folder) / "mysql") as server:
        print(section(Path(folder), server, leagues, seasons))


def section(folder: Path, server: DatabaseServer, leagues: int, seasons: int) -> str:
    """The Markdown section."""
    lake = folder / BUCKET
    lake.mkdir()
    spark = Spark(lake, folder / "spark")
    through(lake, spark, server, 1, 1)  # whatever starts, has started
    small = [[through(lake, spark, server, *size) for _ in range(SMALL_TIMES)] for size in ((1, 1), (1, 10))]
    took = [{step: min(one[step] for one in same) for step in STEPS} for same in small]
    took.append(through(lake, spark, server, leagues, seasons))
    fixtures = [PER_SEASON, 10 * PER_SEASON, leagues * seasons * PER_SEASON]
    slopes = {step: (took[1][step] - took[0][step]) / (fixtures[1] - fixtures[0]) for step in STEPS}
    fixed = {step: took[0][step] - slopes[step] * fixtures[0] for step in STEPS}
    rows = []
    for step in (*STEPS, "all"):
        one, start, large = (
            sum(found.values()) if step == "all" else found[step] for found in (slopes, fixed, took[2])
        )
        each = (large - start) / fixtures[2]
        rows.append((step, took_of(took[0], step), start, 1e3 * one, large, 1e3 * each, f"{each / one:.2f} ×"))
    columns = (
        *("step", "one season, s", "of it fixed, s", "small lake, ms a fixture"),
        *(f"{fixtures[2]:,} fixtures, s", "ms a fixture", "ratio"),
    )
    per_fixture = [1e3 * took_of(one, "all") / number for one, number in zip(took, fixtures, strict=True)]
    return table("A lake of many leagues", columns, rows) + (
        f"\nWith all that is fixed a fixture costs {per_fixture[0]:.1f} ms in a lake of one season,"
        f" {per_fixture[1]:.1f} ms in one of ten, {per_fixture[2]:.1f} ms in one of {leagues} leagues with {seasons}"
        " seasons each; without it, what the table says.\n"
    )


def took_of(took: dict[str, float], step: str) -> float:
    """The seconds of a step, or of all."""
    return sum(took.values()) if step == "all" else took[step]


def through(lake: Path, spark: Spark, server: DatabaseServer, leagues: int, seasons: int) -> dict[str, float]:
    """The seconds of each step for a lake of its own."""
    shutil.rmtree(lake)
    lake.mkdir()
    empty(server)
    store, football = LakeStore(Folder(lake), BUCKET), Football()
    wanted = [Season(FIRST_LEAGUE + league, FIRST_YEAR + year) for league in range(leagues) for year in range(seasons)]
    steps: dict[str, Callable[[], object]] = {
        "ingestion": lambda: [ingest(store, football, season) for season in wanted],
        "Glue": lambda: [spark.run(f"{side}teamstatistics") for side in ("home", "away")],
        "transform": partial(transform, store),
        "MySQL": partial(load, spark, server),
    }
    took = {}
    for step, work in steps.items():
        took[step] = best(work, 1)
        print(f"{len(wanted)} seasons, {step}: {took[step]:.1f} s", file=sys.stderr, flush=True)
    took["ingestion"] -= football.seconds
    rows, goals = contents(server)[:2]
    assert rows == len(wanted) * PER_SEASON and goals > 0, (rows, goals)
    return took


def ingest(store: LakeStore, football: Football, season: Season) -> None:
    """What etlGetFixtures and etlGetStatistics do for a season."""
    done = etl_get_fixtures.fetch_fixtures(store, football, season, None)  # type: ignore[arg-type]
    followed = etl_get_statistics.ingest_statistics(store, football, done["key"])  # type: ignore[arg-type]
    assert followed["fetched"] == PER_SEASON, followed


def transform(store: LakeStore) -> None:
    """What etlGetXGoals does, and in a transform's place a formula."""
    while pending := scoring.list_unscored(store, MODEL)[: etl_get_xgoals.FILES_PER_JOB]:
        etl_get_xgoals._stage_inputs(store, "job", pending, MODEL)
        parallel_map(partial(predict, store), pending)


def predict(store: LakeStore, key: str) -> None:
    """The xG of an object's rows."""
    rows = read_table(store.get(key) or "")
    xg = (0.2 * int(row["shotsongoal"]) + 0.03 * int(row["totalshots"]) for row in rows)
    body = "".join(f"{row['idfixture']},{row['idteam']},{one:.5f}\n" for row, one in zip(rows, xg, strict=True))
    store.overwrite(scoring.predictions_key(key), body)


def load(spark: Spark, server: DatabaseServer) -> None:
    """What mysqldbingestion does, once it knows how to reach the database."""
    import footlake_glue
    import mysqldbingestion
    from pyspark.sql import SparkSession

    database = footlake_glue.MySqlTarget(HOST, server.port, NAME, USER, PASSWORD, server.certificate.read_text())
    lake = footlake_glue.GlueLake(SparkSession.builder.getOrCreate(), BUCKET)
    sources = mysqldbingestion.list_sources(lake)
    changed = mysqldbingestion.find_changed_parts(sources, database)
    keys = [key for part in changed for key in sources[part]]
    mysqldbingestion.load(mysqldbingestion.read_fixtures(lake, keys), changed, database)
    spark.stop()


class Football:
    """API-Football as far as the handlers ask: simulated seasons of twenty clubs, a league's own by their ids."""

    budget = None
    requests_per_day = 7500

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Long after every match."""
        return LATER

    def fixtures(self, **asked: Any) -> dict[str, Any]:
        """The answer to a season, or to ids, and how long it took."""
        began = time.perf_counter()
        if "ids" in asked:
            response = [self._one(int(id)) for id in asked["ids"].split("-")]
        else:
            league, year = asked["league"], asked["season"]
            found = Simulator(league).fixtures(SIMULATED, year, LATER)
            response = [renamed(item, league) for item in found]
        self.seconds += time.perf_counter() - began
        return {"get": "fixtures", "errors": [], "results": len(response), "response": response}

    def _one(self, id: int) -> dict[str, Any]:
        league, rest = divmod(id, 1_000_000)
        simulator, simulated = Simulator(league), SIMULATED * 1_000_000 + rest
        item = simulator.fixture(simulated, LATER)
        assert item
        return renamed(item | {"statistics": simulator.statistics(simulated, LATER)}, league)


def renamed(item: dict[str, Any], league: int) -> dict[str, Any]:
    """A simulated fixture as one of this league, with clubs of its own."""

    def club(team: dict[str, Any]) -> dict[str, Any]:
        return team | {"id": league * 10_000 + team["id"]}

    return item | {
        "fixture": item["fixture"] | {"id": league * 1_000_000 + item["fixture"]["id"] % 1_000_000},
        "league": item["league"] | {"id": league},
        "teams": {side: club(team) for side, team in item["teams"].items()},
        "statistics": [side | {"team": club(side["team"])} for side in item.get("statistics", [])],
    }


class Folder:
    """A folder with S3's calls, as far as the handlers make them; conditions and notes included."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._notes: dict[str, dict[str, str]] = {}

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:
        content = self._content(Key)
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
            "Metadata": self._notes.get(Key, {}),
            "ETag": etag,
        }

    def put_object(self, Key: str, Body: bytes, Metadata: dict[str, str] | None = None, **condition: Any) -> None:
        wanted = condition.get("IfMatch")
        if wanted or "IfNoneMatch" in condition:
            there = self._content(Key)
            if (hashlib.md5(there).hexdigest() if there is not None else None) != wanted:
                raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": Key}}, "PutObject")
        path = self.root / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
        if Metadata:
            self._notes[Key] = Metadata

    def delete_object(self, Key: str, **_: Any) -> None:
        (self.root / Key).unlink(missing_ok=True)

    def delete_objects(self, Delete: dict[str, Any], **_: Any) -> None:
        for one in Delete["Objects"]:
            self.delete_object(one["Key"])

    def get_paginator(self, _: str) -> Folder:
        return self

    def paginate(self, Prefix: str, **_: Any) -> Iterator[dict[str, Any]]:
        contents = []
        for parent, _, names in os.walk(self.root / Prefix):
            for name in names:
                path = Path(parent, name)
                modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                contents.append({"Key": path.relative_to(self.root).as_posix(), "LastModified": modified})
        yield {"Contents": contents}

    def _content(self, key: str) -> bytes | None:
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            return None


if __name__ == "__main__":
    main()
