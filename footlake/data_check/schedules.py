"""When the lake's scheduled steps run next, and when they last should have run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from footlake.config import Config
from footlake.deploy.catalogue import FETCH_TIME, LOAD_TIME, TEAM_ROWS_TIME
from footlake.deploy.schedule import next_run
from footlake.lake.s3_keys import Season, Window

WEEK = timedelta(days=7)
# A scheduled step that began this long ago has ended.
STEP_DURATION = timedelta(hours=1)


@dataclass(frozen=True)
class WeeklyStep:
    """A scheduled step: its next run, and the last one that should have ended by now. None without one."""

    next: datetime | None
    last: datetime | None

    def has_missed(self, written: datetime | None) -> bool:
        """Return whether a run has ended that should have used what was written at this time."""
        return self.last is not None and written is not None and written < self.last


@dataclass(frozen=True)
class WeeklySchedule:
    """The three scheduled steps of the weeks of these seasons."""

    now: datetime
    seasons: frozenset[Season]
    fetch: WeeklyStep
    team_rows: WeeklyStep
    load: WeeklyStep

    @classmethod
    def of(cls, config: Config, now: datetime) -> WeeklySchedule:
        """Return the schedule that bootstrap creates with these settings, as of `now`."""
        seasons = frozenset(Season(league, year) for league in config.leagues for year in config.seasons)

        def step(time: str) -> WeeklyStep:
            expression = config.weekly(time)
            last = next_run(expression, now - WEEK - STEP_DURATION)
            return WeeklyStep(next_run(expression, now), last if last and last <= now - STEP_DURATION else None)

        return cls(now, seasons, step(FETCH_TIME), step(TEAM_ROWS_TIME), step(LOAD_TIME))

    def next_fetch_of(self, season: Season) -> datetime | None:
        """Return when the season is fetched next."""
        if self.fetch.next is None or season not in self.seasons:
            return None
        return self.fetch.next if Window.of_week(self.fetch.next.date()).touches(season.year) else None

    def next_statistics_of(self, season: Season, kickoff: datetime | None) -> datetime | None:
        """Return when the statistics of a match with this kick-off are requested next, None if they are not."""
        fetch = self.next_fetch_of(season)
        if fetch is None or kickoff is None:
            return None
        return fetch if Window.of_week(fetch.date()).first <= kickoff.date() else None
