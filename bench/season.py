"""A season from API-Football: requests and time, beside the document's way.

    python -m bench.season

The API is the local one with 150 ms before each answer, and a season of the simulated league. On the pro plan footlake
runs as it is deployed: two commands, two functions, S3. The document asks for the statistics of one fixture after the
other and sleeps 2.1 s each time; here it does so for the first fixtures, on the same API, and its season is as much
longer as it has more of them. What it does with the answers is left out.

On the free plan a season takes days, so the handlers' own code runs there with a clock that is told: whoever waits
moves it. The document's way knows no quotas: its days are what its requests would take if it did.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import requests

from bench.command_line import Footlake
from bench.measure import table
from footlake.lake.s3_keys import Season
from footlake.local.football.plans import FREE, ApiPlan
from footlake.local.football.simulator import Simulator
from footlake.local.server import LocalAws
from tests.support.ingestion_trial import ingestion_trial

LATENCY = 0.15
PER_MINUTE = 300
SLEEP = 2.1
SEASON = Season(39, 2020)
OVER = datetime(2021, 7, 1, tzinfo=UTC)
FIRST_FIXTURES = 10
KEY = {"x-apisports-key": "key"}
# A free plan has seasons of its own; here it is asked for the season at hand, with all its other limits.
PLAN = ApiPlan("Free", FREE.per_day, FREE.per_minute, ids=False)


def main() -> None:
    with Footlake.of_its_own() as footlake:
        footlake.run("bootstrap")
        footlake.run("local", "clock", str(OVER.date()))
        footlake.run("local", "football", "--latency", str(LATENCY), "--per-minute", str(PER_MINUTE))
        api = footlake.run("local", "status")["football_api"]
        before = asked_today(api)
        seconds = ingest(footlake)
        asked = asked_today(api) - before
        fixtures, documents = one_by_one(api)
    days, free = ingest_on_a_free_plan()
    print(
        table(
            f"A season of {fixtures} fixtures",
            ["", "requests", "seconds"],
            [
                ("footlake", asked, f"{seconds:.1f}"),
                ("one by one, 2.1 s between", fixtures + 1, f"{documents:.0f}"),
            ],
        )
    )
    print(f"One by one it is {(fixtures + 1) / asked:.0f} × the requests and {documents / seconds:.0f} × the time.\n")
    print(
        table(
            "The same on the free plan",
            ["", "requests", "days"],
            [("footlake", free, days), ("one by one", fixtures + 1, math.ceil((fixtures + 1) / PLAN.per_day))],
        )
    )
    print("A free plan answers for one fixture at a time, so there is nothing to save but what is asked for twice.")


def ingest(footlake: Footlake) -> float:
    """The seconds of a season's two commands."""
    began = time.perf_counter()
    for command in ("ingest-fixtures", "ingest-stats"):
        footlake.run(command, "--season", str(SEASON.year))
    return time.perf_counter() - began


def asked_today(api: str) -> int:
    """The requests that the football API has counted, whichever function made them."""
    answer = requests.get(f"{api}/status", headers=KEY, timeout=30)
    return int(answer.json()["response"]["requests"]["current"])


def one_by_one(api: str) -> tuple[int, float]:
    """How many fixtures the season has, and the seconds of all of their requests, one by one."""
    session = requests.Session()
    season = {"league": SEASON.league, "season": SEASON.year}

    def ask(path: str, **parameters: int) -> list[dict[str, dict[str, int]]]:
        answer = session.get(f"{api}/{path}", params=parameters, headers=KEY, timeout=30)
        answer.raise_for_status()
        body = answer.json()
        if body["errors"]:
            sys.exit(f"the football API says {body['errors']}")
        return list(body["response"])

    began = time.perf_counter()
    fixtures = [item["fixture"]["id"] for item in ask("fixtures", **season)]
    calendar = time.perf_counter() - began
    began = time.perf_counter()
    for id in fixtures[:FIRST_FIXTURES]:
        ask("fixtures/statistics", fixture=id)
        time.sleep(SLEEP)
    each = (time.perf_counter() - began) / FIRST_FIXTURES
    return len(fixtures), calendar + each * len(fixtures)


def ingest_on_a_free_plan() -> tuple[int, int]:
    """The days and requests of a season."""
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        aws = LocalAws(Path(folder), 0)
        aws.start()
        try:
            with ingestion_trial(aws.local.client("s3"), Simulator(), OVER, PLAN) as one:
                stops = one.ingest(SEASON)
                return 1 + stops.count("QuotaSpent"), one.requests
        finally:
            aws.close()


if __name__ == "__main__":
    main()
