"""Measure the requests and the time to ingest a season, compared with one request per fixture.

    python -m bench.season

The API is the local one, with 150 ms before each response and a simulated season. On the pro plan footlake runs as
deployed: two commands, two functions, S3. The original walk-through requests the statistics of one fixture at a time
and sleeps 2.1 s after each request. Here this runs for the first fixtures on the same API, and the time is
extrapolated to the season. The processing of the responses is left out.

On the free plan a season takes days, so the handlers' code runs there with a simulated clock, which waiting advances.
The walk-through does not know quotas: its days are those that its requests would take if it did.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import requests

from bench.command_line import FootlakeCli
from bench.measure import Claim, format_claims, markdown_section
from footlake.lake.s3_keys import Season
from footlake.local.football.plans import FREE, ApiPlan
from footlake.local.football.simulator import Simulator
from footlake.local.server import LocalAws
from tests.support.ingestion_trial import ingestion_trial

LATENCY_SECONDS = 0.15
REQUESTS_PER_MINUTE = 300
SLEEP_SECONDS = 2.1
SEASON = Season(39, 2020)
AFTER_SEASON = datetime(2021, 7, 1, tzinfo=UTC)
SAMPLE_FIXTURES = 10
KEY = {"x-apisports-key": "key"}
# The real free plan has only some seasons. This one has all of them, with the other limits unchanged.
FREE_ALL_SEASONS = ApiPlan("Free", FREE.per_day, FREE.per_minute, ids=False)


def main() -> None:
    with FootlakeCli.temporary() as footlake:
        footlake.run("bootstrap")
        footlake.run("local", "clock", str(AFTER_SEASON.date()))
        limits = ("--latency", str(LATENCY_SECONDS), "--per-minute", str(REQUESTS_PER_MINUTE))
        footlake.run("local", "football", *limits)
        api = footlake.run("local", "status")["football_api"]
        requests_before = count_requests_today(api)
        seconds = ingest_season(footlake)
        pro_requests = count_requests_today(api) - requests_before
        fixtures, single_seconds = request_one_by_one(api)
    single_requests = fixtures + 1
    free_days, free_requests = ingest_on_free_plan()
    single_days = math.ceil(single_requests / FREE_ALL_SEASONS.per_day)
    pro_rows = [
        ("footlake", pro_requests, f"{seconds:.1f}", "—", "—"),
        (
            f"one by one, {SLEEP_SECONDS} s between requests",
            single_requests,
            f"{single_seconds:.0f}",
            f"{pro_requests / single_requests:.2f} ×",
            f"{seconds / single_seconds:.3f} ×",
        ),
    ]
    pro_columns = ["", "requests", "seconds", "footlake's requests ÷ this", "footlake's time ÷ this"]
    print(markdown_section(f"A season of {fixtures} fixtures", pro_columns, pro_rows))
    free_rows = [("footlake", free_requests, free_days), ("one by one", single_requests, single_days)]
    free_text = "The free plan accepts one fixture per request, so batching saves nothing there."
    print(markdown_section("A season on the free plan", ["", "requests", "days"], free_rows, free_text))
    claims = [
        Claim(
            "A season needs fewer requests than one per fixture (pro plan)",
            str(pro_requests),
            f"< {single_requests}",
            pro_requests < single_requests,
        ),
        Claim(
            "A season on the free plan needs no more requests than one per fixture",
            str(free_requests),
            f"≤ {single_requests}",
            free_requests <= single_requests,
        ),
    ]
    print(format_claims(claims))


def ingest_season(footlake: FootlakeCli) -> float:
    """Run the two ingestion commands for a season and return the seconds."""
    started = time.perf_counter()
    for command in ("ingest-fixtures", "ingest-stats"):
        footlake.run(command, "--season", str(SEASON.year))
    return time.perf_counter() - started


def count_requests_today(api: str) -> int:
    """Return the number of requests that the football API has counted today."""
    response = requests.get(f"{api}/status", headers=KEY, timeout=30)
    return int(response.json()["response"]["requests"]["current"])


def request_one_by_one(api: str) -> tuple[int, float]:
    """Return the season's number of fixtures and the seconds for one request per fixture, extrapolated."""
    session = requests.Session()

    def get(path: str, **parameters: int) -> list[dict[str, dict[str, int]]]:
        response = session.get(f"{api}/{path}", params=parameters, headers=KEY, timeout=30)
        response.raise_for_status()
        body = response.json()
        if body["errors"]:
            sys.exit(f"the football API returned an error: {body['errors']}")
        return list(body["response"])

    started = time.perf_counter()
    fixture_ids = [item["fixture"]["id"] for item in get("fixtures", league=SEASON.league, season=SEASON.year)]
    list_seconds = time.perf_counter() - started
    started = time.perf_counter()
    for fixture_id in fixture_ids[:SAMPLE_FIXTURES]:
        get("fixtures/statistics", fixture=fixture_id)
        time.sleep(SLEEP_SECONDS)
    seconds_per_fixture = (time.perf_counter() - started) / SAMPLE_FIXTURES
    return len(fixture_ids), list_seconds + seconds_per_fixture * len(fixture_ids)


def ingest_on_free_plan() -> tuple[int, int]:
    """Ingest a season on the free plan; return the days and the requests."""
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        aws = LocalAws(Path(folder), 0)
        aws.start()
        try:
            with ingestion_trial(aws.local.client("s3"), Simulator(), AFTER_SEASON, FREE_ALL_SEASONS) as ingestion:
                stops = ingestion.ingest(SEASON)
                return 1 + stops.count("QuotaSpent"), ingestion.requests
        finally:
            aws.close()


if __name__ == "__main__":
    main()
