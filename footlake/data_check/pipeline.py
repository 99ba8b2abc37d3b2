"""Where a fixture is on its way from API-Football to MySQL, why it is not further, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from footlake.data_check.records import (
    CheckedFixture,
    LoadedFixtures,
    SeasonRecords,
    WorkInProgress,
    part_keys,
)
from footlake.data_check.schedules import WeeklySchedule
from footlake.errors import FootlakeCommand, Hint
from footlake.football.fixtures import MATCH_DURATION
from footlake.football.statuses import WITHOUT_RESULT_YET
from footlake.handlers.fetch_history import MAX_REQUESTS, RECENT
from footlake.handlers.scoring import REJECTED_FOR, THIS_MACHINE
from footlake.lake import s3_keys
from footlake.lake.s3_keys import COMPLETE, INCONSISTENT, MISSING

Level = Literal["ok", "explained", "problem"]
Stage = Literal["planned", "finished", "statistics", "team rows", "xG", "MySQL"]
"""The last step of the pipeline that a fixture has passed."""

# An extra time with penalties ends this long after the kick-off at the latest.
LONGEST_MATCH = MATCH_DURATION + timedelta(hours=1)
RETRY_INTERVAL = timedelta(minutes=30)  # of deploy.catalogue.RETRY_SCHEDULE


@dataclass(frozen=True)
class Issue:
    """Something that a fixture lacks: its `what`, the reason, and what happens `next`, `at` a time if that is known.

    It is a `problem` if nothing will happen without the user, or if it should have happened already.
    """

    what: str
    level: Level
    reason: str
    next: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class FixtureTrace:
    """A fixture and how far it has come.

    `statistics` is "complete", "inconsistent", "missing" or empty if they were never requested; `requested` is the time
    of the last of `requests`, by S3's clock. `team_rows` and `xg` count teams. `mysql` is None if MySQL was not read.
    """

    league: int
    season: int
    idfixture: int
    round: str
    kickoff: datetime | None
    home: str | None
    away: str | None
    goals_home: int | None
    goals_away: int | None
    status: str
    stage: Stage
    statistics: str
    requested: datetime | None
    requests: int | None
    team_rows: int
    xg: int
    mysql: bool | None
    issues: tuple[Issue, ...]

    @property
    def label(self) -> str:
        """The names of the teams."""
        return f"{self.home or '?'} – {self.away or '?'}"

    @property
    def has_problem(self) -> bool:
        """Whether one of the issues is a problem."""
        return any(issue.level == "problem" for issue in self.issues)


class PipelineTracer:
    """Traces the fixtures of one season."""

    def __init__(
        self, records: SeasonRecords, work: WorkInProgress, schedule: WeeklySchedule, loaded: LoadedFixtures
    ) -> None:
        self.records = records
        self.work = work
        self.schedule = schedule
        self.loaded = loaded.fixtures.get(records.season, {}) if loaded.was_read else None
        self.duplicates = records.duplicates
        self._loaded = loaded

    def with_records(self, records: SeasonRecords) -> PipelineTracer:
        """Return a tracer with other records of the season."""
        return PipelineTracer(records, self.work, self.schedule, self._loaded)

    def trace(self, fixture: CheckedFixture) -> FixtureTrace:
        """Return how far the fixture has come."""
        records = self.records
        responses = records.responses.get(fixture.id, {})
        quality = records.quality(fixture.id)
        xg = sum(key in records.xg for key in fixture.team_keys)
        rows = sum(key in records.team_rows or key in records.xg for key in fixture.team_keys)
        issues = [issue for issue in (self._find_missing(fixture), self._find_unloaded(fixture)) if issue]
        return FixtureTrace(
            league=records.season.league,
            season=records.season.year,
            idfixture=fixture.id,
            round=fixture.round,
            kickoff=fixture.kickoff,
            home=fixture.home.name if fixture.home else None,
            away=fixture.away.name if fixture.away else None,
            goals_home=fixture.goals_home,
            goals_away=fixture.goals_away,
            status=fixture.status,
            stage=self._stage(fixture, rows, xg),
            statistics={None: "", COMPLETE: "complete", INCONSISTENT: "inconsistent", MISSING: "missing"}[quality],
            requested=max(responses.values(), default=None),
            requests=records.requests.get(fixture.id),
            team_rows=rows,
            xg=xg,
            mysql=None if self.loaded is None else fixture.id in self.loaded,
            issues=tuple(issues),
        )

    def _stage(self, fixture: CheckedFixture, rows: int, xg: int) -> Stage:
        if self.loaded and self.loaded.get(fixture.id):
            return "MySQL"
        if xg == 2:
            return "xG"
        if rows == 2:
            return "team rows"
        if self.records.quality(fixture.id) in (COMPLETE, INCONSISTENT):
            return "statistics"
        return "finished" if fixture.result else "planned"

    def _find_missing(self, fixture: CheckedFixture) -> Issue | None:
        """Return the first step that the fixture has not passed on the way to its xG."""
        if not fixture.is_known_status:
            status = fixture.status.removeprefix("Unknown (").removesuffix(")")
            return Issue(
                "status",
                "problem",
                f"This version of footlake does not know API-Football's status {status}.",
                "The fixture is kept without a result until its status changes. Please report the status.",
            )
        if not (fixture.home and fixture.away):
            return self._planned("The teams are not known yet.")
        if not fixture.is_stored:
            return Issue(
                "fixture",
                "problem",
                "The response of API-Football for this fixture could not be used.",
                Hint("To request it again, run ", self._command("ingest-fixtures"), "."),
            )
        if fixture.result is None:
            return self._find_missing_result(fixture)
        if fixture.result == "awarded" or self.records.has_xg(fixture):
            return None
        if fixture.id in self.duplicates:
            return Issue("duplicate", "explained", "It is the second id of another fixture, which counts.")
        return (
            self._find_missing_statistics(fixture) or self._find_missing_rows(fixture) or self._find_missing_xg(fixture)
        )

    def _planned(self, reason: str, what: str = "result") -> Issue:
        fetch = self.schedule.next_fetch_of(self.records.season)
        text = "The weekly run fetches it." if fetch else Hint("To fetch it, run ", FootlakeCommand("run-week"), ".")
        return Issue(what, "explained", reason, text, fetch)

    def _find_missing_result(self, fixture: CheckedFixture) -> Issue:
        """Return why a fixture has no result."""
        as_of = self.records.as_of
        if fixture.status not in WITHOUT_RESULT_YET:
            return self._planned(f"There is no result: {fixture.status}.")
        if fixture.kickoff is None:
            return self._planned("The kick-off is not known yet.")
        if as_of and fixture.kickoff + LONGEST_MATCH < as_of:
            reason = f"API-Football had no result when the fixtures were requested on {as_of:%Y-%m-%d %H:%M} UTC."
            return self._planned(reason, "late result")
        return self._planned("It was not finished when the fixtures were fetched.")

    def _find_missing_statistics(self, fixture: CheckedFixture) -> Issue | None:
        quality = self.records.quality(fixture.id)
        if quality == MISSING:
            return self._explain_refused_statistics(fixture)
        if quality is not None and self.records.has_statistics_row(fixture):
            return None
        reason = (
            "Its statistics were never requested."
            if quality is None
            else "Its statistics were fetched, but their row is lost or belongs to other teams."
        )
        if pending := next((entry for entry in self.work.pending if fixture.id in entry.ids), None):
            retry = max(pending.after, self.schedule.now + RETRY_INTERVAL)
            return Issue("statistics", "explained", reason, "etlGetStatistics continues.", retry)
        at = self.schedule.next_statistics_of(self.records.season, fixture.kickoff)
        if at:
            return Issue("statistics", "explained", reason, "The weekly run requests them.", at)
        return Issue("statistics", "problem", reason, Hint("Run ", self._command("ingest-stats"), "."))

    def _explain_refused_statistics(self, fixture: CheckedFixture) -> Issue:
        """Return why there are no statistics though they were requested."""
        requested = max(self.records.responses[fixture.id].values())
        requests = self.records.requests.get(fixture.id)
        reason = f"API-Football had no complete statistics of it on {requested:%Y-%m-%d}."
        at = self.schedule.next_statistics_of(self.records.season, fixture.kickoff)
        is_recent = bool(at and fixture.kickoff and at - fixture.kickoff < RECENT)
        if at and (is_recent or (requests or 1) < MAX_REQUESTS):
            return Issue("statistics", "explained", reason, "The weekly run requests them again.", at)
        command = self._command("ingest-stats --refresh" if (requests or 0) >= MAX_REQUESTS else "ingest-stats")
        return Issue("statistics", "explained", reason, Hint("To request them again, run ", command, "."))

    def _find_missing_rows(self, fixture: CheckedFixture) -> Issue | None:
        if self.records.team_rows.issuperset(fixture.team_keys):
            return None
        statistics, team_rows, _ = part_keys(self.records.season, fixture.id)
        fixtures = s3_keys.fixtures(s3_keys.part_of(self.records.season, fixture.id))
        sources = self.records.part_times(fixture, statistics, fixtures)
        rows = self.records.part_times(fixture, *team_rows)
        run = Hint("Run ", FootlakeCommand("run-glue"), ".")
        if len(rows) == len(team_rows) and min(rows) > max(sources):
            return Issue("team rows", "problem", "Glue made no team rows of its statistics: a value is missing.", run)
        step = self.schedule.team_rows
        if step.next and not step.has_missed(max(sources)):
            return Issue(
                "team rows", "explained", "Glue has not made its team rows yet.", "Glue makes them.", step.next
            )
        return Issue("team rows", "problem", "Glue has not made its team rows.", run)

    def _find_missing_xg(self, fixture: CheckedFixture) -> Issue:
        work = self.work
        missing = [key for key in fixture.team_keys if key not in self.records.xg]
        score = Hint("Run ", FootlakeCommand("transform-xgoals"), ".")
        if work.model is None:
            train = Hint("Run ", FootlakeCommand("train-autopilot"), ".")
            return Issue("xG", "problem", "The lake has no trained model.", train)
        rejected = [work.rejected[key] for key in missing if key in work.rejected]
        if len(rejected) == len(missing) and min(rejected) > work.model.since:
            reason = f"The model {work.model.name} predicted no valid number on {min(rejected):%Y-%m-%d}."
            retry = Hint("After a day, the next run or ", FootlakeCommand("transform-xgoals"), " scores it again.")
            at = min(rejected) + REJECTED_FOR
            return Issue("xG", "explained", reason, retry, at if at > self.schedule.now else None)
        _, team_rows, _ = part_keys(self.records.season, fixture.id)
        if any(key.rpartition("/")[2] in work.staged for key in team_rows):
            return Issue("xG", "explained", "It is not scored yet.", "A transform scores it now.")
        if work.model.runs == THIS_MACHINE:
            reason = f"The model {work.model.name} scores on the machine that trained it only."
            return Issue("xG", "problem", reason, score)
        if work.marks:
            next_invocation = self.schedule.now + RETRY_INTERVAL
            return Issue("xG", "explained", "It is not scored yet.", "etlGetXGoals continues.", next_invocation)
        return Issue("xG", "problem", "It was not scored.", score)

    def _find_unloaded(self, fixture: CheckedFixture) -> Issue | None:
        """Return whether MySQL lacks the fixture or its xG, if MySQL was read."""
        if self.loaded is None or fixture.result is None or not fixture.is_stored:
            return None
        needs_xg = fixture.result == "played" and self.records.has_xg(fixture)
        if fixture.id in self.loaded and (self.loaded[fixture.id] or not needs_xg):
            return None
        reason = "MySQL has it without its xG." if fixture.id in self.loaded else "MySQL does not have it."
        part = s3_keys.part_of(self.records.season, fixture.id)
        _, _, predictions = part_keys(self.records.season, fixture.id)
        newest = max(self.records.part_times(fixture, s3_keys.fixtures(part), *predictions), default=None)
        step = self.schedule.load
        if step.next and not step.has_missed(newest):
            return Issue("MySQL", "explained", reason, "The weekly run loads it.", step.next)
        return Issue("MySQL", "problem", reason, Hint("Run ", FootlakeCommand("load-mysql"), "."))

    def _command(self, command: str) -> FootlakeCommand:
        season = self.records.season
        return FootlakeCommand(f"{command} --league {season.league} --season {season.year}")
