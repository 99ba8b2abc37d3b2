"""Check ingestion against quotas, failures and process deaths: no fixture may be lost or duplicated.

    python -m bench.ingest [RECORDINGS] [--every N]

Runs the handlers' code on a real S3 server and the football API over HTTP. The clock is simulated, so the days of a
free plan pass in seconds. Without recordings the simulated league is used. Prints

- the requests for a season and for a week on both plans, with the days and minutes that they take;
- the fixtures lost and duplicated when ingestion dies before and after each (or every Nth) S3 call of a week, when it
  runs several times concurrently, and when the API fails in each way at some rate;
- whether all snapshots in the order of their dates give the same lake as the final state alone.

Exit code 1 if a fixture is lost or duplicated, or the lakes differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window
from footlake.local.football.faults import FAULTS, FaultSettings
from footlake.local.football.plans import FREE, PRO, ApiPlan
from footlake.local.football.recordings import Recordings
from footlake.local.football.simulator import Simulator
from footlake.local.server import LocalAws
from tests.support.ingestion_trial import DyingS3Client, IngestionTrial, ProcessDied, ingestion_trial

# The real free plan has only some seasons. This one has all of them, with the other limits unchanged.
FREE_ALL_SEASONS = ApiPlan("Free", FREE.per_day, FREE.per_minute, ids=False)
AFTER_SEASONS = datetime(2026, 3, 3, tzinfo=UTC)
# `timeout` blocks in real time. The others are valid responses with bad data, which ingestion stores.
EXCLUDED_FAULTS = ("timeout", "empty", "one-sided", "incoherent")
MAX_RUNS = 50


class RecordedBody:
    """A season exactly as one recorded response has it, with the statistics recorded at the end of the season."""

    def __init__(self, body: dict[str, Any], recordings: Recordings) -> None:
        self._fixtures = {item["fixture"]["id"]: item for item in body["response"]}
        self._recordings = recordings
        self.label = "verbatim"

    def seasons(self, now: datetime) -> list[Season]:
        return self._recordings.seasons(now)

    def fixtures(self, league: int, season: int, now: datetime) -> list[Any]:
        return list(self._fixtures.values())

    def fixture(self, fixture_id: int, now: datetime) -> Any:
        return self._fixtures.get(fixture_id)

    def statistics(self, fixture_id: int, now: datetime) -> Any:
        return self._recordings.statistics(fixture_id, AFTER_SEASONS)


class IngestionBench:
    """Runs the checks with one source of football data and remembers whether any of them failed."""

    def __init__(self, s3: Any, recordings: Path | None, every: int) -> None:
        self.s3, self.every = s3, every
        self.source: Any = Recordings(recordings) if recordings else Simulator()
        self.recordings = recordings
        self.season = Season(39, 2020)
        self.tuesday = datetime(2020, 12, 1, tzinfo=UTC)
        self.week = Window.of_week(self.tuesday.date())
        self.failed = False

    @contextmanager
    def trial(
        self, date: datetime = AFTER_SEASONS, plan: ApiPlan = PRO, source: Any = None
    ) -> Iterator[IngestionTrial]:
        """Yield a trial with a new bucket."""
        with ingestion_trial(self.s3, source or self.source, date, plan) as ingestion:
            yield ingestion

    def played_ids(self, ingestion: IngestionTrial, window: Window | None = None) -> set[int]:
        """Return the ids of the fixtures played in the season or in a window of it."""
        return {
            item["fixture"]["id"]
            for item in ingestion.source.fixtures(*self.season, ingestion.time.football_now())
            if item["fixture"]["status"]["short"] == "FT"
            and (window is None or str(window.first) <= item["fixture"]["date"][:10] <= str(window.last))
        }

    def report(self, check: str, lost: int, duplicated: int, details: str = "") -> None:
        """Print the result of a check and remember a failure."""
        print(f"{check:<58} {lost:4} lost {duplicated:4} duplicated   {details}", flush=True)
        self.failed |= bool(lost or duplicated)

    # --- requests ---

    def measure_requests(self) -> None:
        """Print the requests for seasons and for a week on both plans."""
        print(f"{'requests':<32} {'made':>5} {'fixtures':>9} {'days':>5} {'minutes':>8}")
        season_before = Season(self.season.league, self.season.year - 1)
        for name, plan in (("pro", PRO), ("free", FREE_ALL_SEASONS)):
            with self.trial(plan=plan) as ingestion:
                self.measure_ingestion(ingestion, f"{name}, a season", [self.season])
                self.measure_ingestion(ingestion, f"{name}, the season before", [season_before])
                self.measure_ingestion(ingestion, f"{name}, both again", [self.season, season_before])
            with self.trial(self.tuesday, plan) as ingestion:
                self.measure_ingestion(ingestion, f"{name}, a week", [self.season], self.week)

    def measure_ingestion(
        self, ingestion: IngestionTrial, name: str, seasons: list[Season], window: Window | None = None
    ) -> None:
        """Ingest seasons and print the requests, the new fixtures, the days, and the minutes within one day."""
        requests_before, started = ingestion.requests, ingestion.time.now()
        rows_before = len(ingestion.rows(s3_keys.STATISTICS))
        stops = [stop for season in seasons for stop in ingestion.ingest(season, window)]
        days = 1 + stops.count("QuotaSpent")
        minutes = (ingestion.time.now() - started).total_seconds() / 60
        fixtures = len(ingestion.rows(s3_keys.STATISTICS)) - rows_before
        shown_minutes = f"{minutes:8.0f}" if days == 1 else f"{'':>8}"
        made = ingestion.requests - requests_before
        print(f"{name:<32} {made:5} {fixtures:9} {days:5} {shown_minutes}", flush=True)

    # --- exactly once ---

    def check_deaths(self) -> None:
        """Let ingestion of a week die at each S3 call, repeat it, and count lost and duplicated fixtures."""
        for function in ("fixtures", "statistics"):
            lost = duplicated = deaths = 0
            for after in (False, True):
                calls, died = 0, True
                while died:
                    with self.trial(self.tuesday) as ingestion:
                        died = self.ingest_until_death(ingestion, function, calls, after)
                        ingestion.time.advance(100)
                        ingestion.ingest(self.season, self.week)
                        deaths += died
                        counts = ingestion.count_lost_and_duplicated(self.played_ids(ingestion, self.week))
                        lost, duplicated = lost + counts[0], duplicated + counts[1]
                    calls += self.every
            self.report(f"dead before or after a call, {function}", lost, duplicated, f"{deaths} deaths")

    def ingest_until_death(self, ingestion: IngestionTrial, function: str, calls: int, after: bool) -> bool:
        """Run an invocation that dies at its S3 call number `calls`; return whether it got that far."""
        dying_s3 = DyingS3Client(ingestion.s3, calls, after)
        try:
            if function == "fixtures":
                ingestion.fixtures(self.season, self.week, dying_s3)
            else:
                ingestion.fixtures(self.season, self.week)
                ingestion.statistics(s3_keys.raw_fixtures(self.season, self.week), dying_s3)
        except ProcessDied:
            return True
        return False

    def check_concurrency(self) -> None:
        """Ingest a week twice and the whole season twice, all at the same time."""
        with self.trial(self.tuesday) as ingestion:
            windows = (None, self.week, None, self.week)
            threads = [threading.Thread(target=ingestion.ingest, args=(self.season, window)) for window in windows]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            counts = ingestion.count_lost_and_duplicated(self.played_ids(ingestion))
            self.report("four at once, of a week and of the season", *counts, f"{ingestion.requests} requests")

    def check_failures(self) -> None:
        """Ingest a season while the API fails in each way at a rate of 30 %, and in all ways at 5 %."""
        kinds = [kind for kind in FAULTS if kind not in EXCLUDED_FAULTS]
        for rates in (*({kind: 0.3} for kind in kinds), dict.fromkeys(kinds, 0.05)):
            with self.trial() as ingestion:
                ingestion.behaviour = FaultSettings(failures=rates)
                played, runs = self.played_ids(ingestion), 0
                while ingestion.count_lost_and_duplicated(played)[0] and runs < MAX_RUNS:
                    runs += 1
                    ingestion.fixtures(self.season)
                    ingestion.statistics(s3_keys.raw_fixtures(self.season))
                    ingestion.time.advance(100)
                stored_errors = sum('"bug"' in ingestion.text(key) for key in ingestion.keys(s3_keys.RAW))
                details = f"{runs} runs, {ingestion.requests} requests, {stored_errors} errors stored"
                self.report(
                    f"failing: {ingestion.behaviour}"[:57], *ingestion.count_lost_and_duplicated(played), details
                )
                self.failed |= bool(stored_errors)

    # --- snapshots ---

    def check_snapshots(self) -> None:
        """Compare the lake after all recorded snapshots in order with the lake after the final state alone."""
        if self.recordings is None:
            return
        recorded = Recordings(self.recordings)
        for year in (2019, 2020):
            season = Season(39, year)
            final = RecordedBody(json.loads((self.recordings / f"fixtures-{year}.json").read_text()), recorded)
            paths = sorted((self.recordings / "snapshots").glob(f"fixtures-{year}-asof-*.json"))
            with self.trial() as in_order, self.trial(source=final) as alone:
                for path in paths:
                    day = datetime.fromisoformat(path.stem.rsplit("asof-")[1]).replace(tzinfo=UTC)
                    in_order.source = RecordedBody(json.loads(path.read_text()), recorded)
                    in_order.time.football_date = day + timedelta(hours=23)
                    in_order.ingest(season)
                in_order.source, in_order.time.football_date = final, AFTER_SEASONS
                in_order.ingest(season)
                alone.ingest(season)
                self.compare_lakes(f"{len(paths)} snapshots of {year} in order, then the final state", in_order, alone)

    def compare_lakes(self, name: str, first: IngestionTrial, second: IngestionTrial) -> None:
        """Print whether two lakes have the same processed data and the same raw statistics."""
        processed, raw = second.processed(), second.raw_statistics()
        same = first.processed() == processed, first.raw_statistics() == raw
        words = ["the same" if equal else "DIFFERENT" for equal in same]
        print(
            f"{name}: {len(processed)} processed objects {words[0]}, {len(raw)} raw statistics {words[1]}", flush=True
        )
        self.failed |= not all(same)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1, help="let ingestion die at every Nth S3 call only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        aws = LocalAws(Path(folder), 0)
        aws.start()
        bench = IngestionBench(aws.local.client("s3"), options.recordings, options.every)
        bench.measure_requests()
        print()
        bench.check_deaths()
        bench.check_concurrency()
        bench.check_failures()
        print()
        bench.check_snapshots()
        aws.close()
    sys.exit(bench.failed)


if __name__ == "__main__":
    main()
