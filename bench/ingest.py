"""Ingestion against the football API as it behaves: requests, quotas, failures, deaths; nothing lost, nothing doubled.

    python -m bench.ingest [RECORDINGS] [--every N]

Runs the handlers' own code on a real S3 server and the football API over HTTP; time is told, so that a free plan's
days pass in seconds. Without recordings the simulated league plays. Prints

- the requests of a season and of a week on both plans, with the days and minutes that they take;
- what became of the fixtures when ingestion died before and after each (or every Nth) call of S3 of a week, when it
  ran twice at once, and when the API failed in every way at some rate;
- whether every snapshot in the order of their dates gives the same lake as the final state alone.

Ends with exit code 1 if a fixture is lost or doubled, or the lakes differ.
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

# A free plan has seasons of its own; here it is asked for the season at hand, with all its other limits.
FREE_OF_SEASONS = ApiPlan("Free", FREE.per_day, FREE.per_minute, ids=False)
LATER = datetime(2026, 3, 3, tzinfo=UTC)


class Verbatim:
    """A season as some recorded body tells it, word for word, with the statistics recorded in the end."""

    def __init__(self, body: dict[str, Any], recordings: Recordings) -> None:
        self._fixtures = {one["fixture"]["id"]: one for one in body["response"]}
        self._recordings = recordings
        self.label = "verbatim"

    def seasons(self, now: datetime) -> list[Season]:
        return self._recordings.seasons(now)

    def fixtures(self, league: int, season: int, now: datetime) -> list[Any]:
        return list(self._fixtures.values())

    def fixture(self, fixture_id: int, now: datetime) -> Any:
        return self._fixtures.get(fixture_id)

    def statistics(self, fixture_id: int, now: datetime) -> Any:
        return self._recordings.statistics(fixture_id, LATER)


class Bench:
    """The trials of one source."""

    def __init__(self, s3: Any, recordings: Path | None, every: int) -> None:
        self.s3, self.every = s3, every
        self.source: Any = Recordings(recordings) if recordings else Simulator()
        self.recordings = recordings
        self.season = Season(39, 2020)
        self.tuesday = datetime(2020, 12, 1, tzinfo=UTC)
        self.week = Window.of_week(self.tuesday.date())
        self.failed = False

    @contextmanager
    def trial(self, date: datetime = LATER, plan: ApiPlan = PRO, source: Any = None) -> Iterator[IngestionTrial]:
        with ingestion_trial(self.s3, source or self.source, date, plan) as one:
            yield one

    def ids(self, one: IngestionTrial, window: Window | None = None) -> set[int]:
        """The fixtures that were played, in this window."""
        return {
            fixture["fixture"]["id"]
            for fixture in one.source.fixtures(*self.season, one.time.football_now())
            if fixture["fixture"]["status"]["short"] == "FT"
            and (window is None or str(window.first) <= fixture["fixture"]["date"][:10] <= str(window.last))
        }

    def judge(self, what: str, lost: int, doubled: int, tried: str = "") -> None:
        print(f"{what:<58} {lost:4} lost {doubled:4} doubled   {tried}", flush=True)
        self.failed |= bool(lost or doubled)

    # --- requests ---

    def requests(self) -> None:
        print(f"{'requests':<32} {'made':>5} {'fixtures':>9} {'days':>5} {'minutes':>8}")
        for name, plan in (("pro", PRO), ("free", FREE_OF_SEASONS)):
            with self.trial(plan=plan) as one:
                for what in ("a season", "the season before", "both again"):
                    season = self.season if what == "a season" else Season(39, self.season.year - 1)
                    self.took(one, f"{name}, {what}", [season] if "again" not in what else [self.season, season], None)
            with self.trial(self.tuesday, plan) as one:
                if plan is FREE_OF_SEASONS:  # it was found out in some earlier week
                    one.store().put_if_changed(
                        s3_keys.PLAN, json.dumps({"ids": False, "requests_per_day": plan.per_day})
                    )
                self.took(one, f"{name}, a week", [self.season], self.week)

    def took(self, one: IngestionTrial, what: str, seasons: list[Season], window: Window | None) -> None:
        made, began = one.requests, one.time.now()
        played = len(one.rows(s3_keys.STATISTICS))
        stops = [stop for season in seasons for stop in one.ingest(season, window)]
        days = 1 + stops.count("QuotaSpent")
        minutes = (one.time.now() - began).total_seconds() / 60
        fixtures = len(one.rows(s3_keys.STATISTICS)) - played
        waited = f"{minutes:8.0f}" if days == 1 else f"{'':>8}"
        print(f"{what:<32} {one.requests - made:5} {fixtures:9} {days:5} {waited}", flush=True)

    # --- exactly once ---

    def deaths(self) -> None:
        for name in ("fixtures", "statistics"):
            lost = doubled = deaths = 0
            for after in (False, True):
                calls, survived = 0, False
                while not survived:
                    with self.trial(self.tuesday) as one:
                        survived = not self.die(one, name, calls, after)
                        one.time.advance(100)
                        one.ingest(self.season, self.week)
                        deaths += not survived
                        wrong = one.count_lost_and_duplicated(self.ids(one, self.week))
                        lost, doubled = lost + wrong[0], doubled + wrong[1]
                    calls += self.every
            self.judge(f"dead before or after a call, {name}", lost, doubled, f"{deaths} deaths")

    def die(self, one: IngestionTrial, name: str, calls: int, after: bool) -> bool:
        """Whether this invocation died of it."""
        mortal = DyingS3Client(one.s3, calls, after)
        try:
            if name == "fixtures":
                one.fixtures(self.season, self.week, mortal)
            else:
                one.fixtures(self.season, self.week)
                one.statistics(s3_keys.raw_fixtures(self.season, self.week), mortal)
        except ProcessDied:
            return True
        return False

    def at_once(self) -> None:
        """A week and the whole season, by hand and by event, all at the same time."""
        with self.trial(self.tuesday) as one:
            works = [threading.Thread(target=one.ingest, args=(self.season, window)) for window in (None, self.week)]
            works += [threading.Thread(target=one.ingest, args=(self.season, window)) for window in (None, self.week)]
            for work in works:
                work.start()
            for work in works:
                work.join()
            played = self.ids(one)
            self.judge(
                "four at once, of a week and of the season",
                *one.count_lost_and_duplicated(played),
                f"{one.requests} requests",
            )

    def failures(self) -> None:
        kinds = [kind for kind in FAULTS if kind not in ("timeout", "empty", "one-sided", "incoherent")]
        for rates in (*({kind: 0.3} for kind in kinds), dict.fromkeys(kinds, 0.05)):
            with self.trial() as one:
                one.behaviour = FaultSettings(failures=rates)
                ids, runs = self.ids(one), 0
                while one.count_lost_and_duplicated(ids)[0] and runs < 50:
                    runs += 1
                    one.fixtures(self.season)
                    one.statistics(s3_keys.raw_fixtures(self.season))
                    one.time.advance(100)
                bad = sum('"bug"' in one.text(key) for key in one.keys(s3_keys.RAW))
                told = f"{runs} runs, {one.requests} requests, {bad} errors stored"
                self.judge(f"failing: {one.behaviour}"[:57], *one.count_lost_and_duplicated(ids), told)
                self.failed |= bool(bad)

    # --- snapshots ---

    def snapshots(self) -> None:
        if self.recordings is None:
            return
        recorded = Recordings(self.recordings)
        for year in (2019, 2020):
            season = Season(39, year)
            final = json.loads((self.recordings / f"fixtures-{year}.json").read_text())
            paths = sorted((self.recordings / "snapshots").glob(f"fixtures-{year}-asof-*.json"))
            with self.trial() as in_order, self.trial(source=Verbatim(final, recorded)) as alone:
                for path in paths:
                    day = datetime.fromisoformat(path.stem.rsplit("asof-")[1]).replace(tzinfo=UTC)
                    in_order.source = Verbatim(json.loads(path.read_text()), recorded)
                    in_order.time.football_date = day + timedelta(hours=23)
                    in_order.ingest(season)
                in_order.source, in_order.time.football_date = Verbatim(final, recorded), LATER
                in_order.ingest(season)
                alone.ingest(season)
                same = in_order.processed() == alone.processed(), in_order.raw_statistics() == alone.raw_statistics()
                objects = len(alone.processed()), len(alone.raw_statistics())
                words = ["the same" if one else "DIFFERENT" for one in same]
                print(
                    f"{len(paths)} snapshots of {year} in order, then the final state: {objects[0]} processed objects "
                    f"{words[0]}, {objects[1]} raw statistics {words[1]}",
                    flush=True,
                )
                self.failed |= not all(same)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        aws = LocalAws(Path(folder), 0)
        aws.start()
        bench = Bench(aws.local.client("s3"), options.recordings, options.every)
        bench.requests()
        print()
        bench.deaths()
        bench.at_once()
        bench.failures()
        print()
        bench.snapshots()
        aws.close()
    sys.exit(bench.failed)


if __name__ == "__main__":
    main()
