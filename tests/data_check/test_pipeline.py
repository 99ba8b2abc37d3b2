"""Why a fixture is not further, from records: what is explained, what is a problem, and what happens next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footlake.config import Config
from footlake.data_check.pipeline import FixtureTrace, Issue, PipelineTracer
from footlake.data_check.records import (
    CheckedFixture,
    FetchTimes,
    LoadedFixtures,
    PendingStatistics,
    SeasonRecords,
    WorkInProgress,
)
from footlake.data_check.schedules import WeeklySchedule
from footlake.data_check.season import check_season
from footlake.football.fixtures import FixtureTeam
from footlake.handlers.scoring import ScoringModel
from footlake.lake import s3_keys
from footlake.lake.s3_keys import COMPLETE, MISSING, Season
from footlake.lake.schemas import LEAGUE_TABLE_COLUMNS

SEASON = Season(39, 2026)
CONFIG = Config(leagues=(39,), seasons=(2026,))
# A Thursday; the weekly steps run on Tuesdays at 8, 9 and 10 o'clock.
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LAST_FETCH, NEXT_FETCH = datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 12, 1, 8, tzinfo=UTC)
BEFORE_LAST, AFTER_LAST = LAST_FETCH - timedelta(days=1), LAST_FETCH + timedelta(hours=3)
FIXTURE = CheckedFixture(
    390005,
    datetime(2026, 11, 25, 20, tzinfo=UTC),
    "Regular Season - 12",
    "Match Finished",
    "played",
    True,
    FixtureTeam(1, "Alpha"),
    FixtureTeam(2, "Bravo"),
    2,
    1,
)
PART = s3_keys.part_of(SEASON, FIXTURE.id)
TEAM_KEYS = frozenset(FIXTURE.team_keys)
MODEL = ScoringModel("m", "sagemaker", (), datetime(2026, 8, 1, tzinfo=UTC))
NOT_READ = LoadedFixtures(problem="It is stopped.")


def tracer(
    records: dict[str, Any],
    fixture: CheckedFixture = FIXTURE,
    work: WorkInProgress | None = None,
    loaded: LoadedFixtures = NOT_READ,
    now: datetime = NOW,
) -> PipelineTracer:
    schedule = WeeklySchedule.of(CONFIG, now)
    return PipelineTracer(SeasonRecords(SEASON, (fixture,), **records), work or WorkInProgress(), schedule, loaded)


def trace(records: dict[str, Any], fixture: CheckedFixture = FIXTURE, **others: Any) -> FixtureTrace:
    return tracer(records, fixture, **others).trace(fixture)


def issue(records: dict[str, Any], fixture: CheckedFixture = FIXTURE, **others: Any) -> Issue:
    (found,) = trace(records, fixture, **others).issues
    return found


def with_statistics(written: datetime = AFTER_LAST, **others: Any) -> dict[str, Any]:
    rows = frozenset([(FIXTURE.id, 1, 2)])
    times = {s3_keys.statistics(PART): written, s3_keys.fixtures(PART): written}
    return {"responses": {FIXTURE.id: {COMPLETE: written}}, "statistics": rows, "written": times} | others


def with_team_rows(**others: Any) -> dict[str, Any]:
    return with_statistics() | {"team_rows": TEAM_KEYS} | others


def test_a_planned_fixture_names_the_next_weekly_run() -> None:
    planned = replace(FIXTURE, status="Not Started", result=None, goals_home=None, goals_away=None)
    found = trace({}, planned)
    assert found.stage == "planned"
    assert found.issues[0] == Issue(
        "result",
        "explained",
        "It was not finished when the fixtures were fetched.",
        "The weekly run fetches it.",
        NEXT_FETCH,
    )


def test_a_missing_result_of_the_api_is_told_from_one_that_was_not_fetched() -> None:
    unfinished = replace(FIXTURE, status="Not Started", result=None)
    late = issue({"as_of": datetime(2026, 11, 26, 8, tzinfo=UTC)}, unfinished)
    assert late.reason == "API-Football had no result when the fixtures were requested on 2026-11-26 08:00 UTC."
    assert late.what == "late result"
    early = issue({"as_of": datetime(2026, 11, 25, 21, tzinfo=UTC)}, unfinished)
    assert early.reason == "It was not finished when the fixtures were fetched."


def test_statistics_that_the_next_week_covers_are_explained() -> None:
    assert issue({}) == Issue(
        "statistics",
        "explained",
        "Its statistics were never requested.",
        "The weekly run requests them.",
        NEXT_FETCH,
    )


def test_statistics_of_an_earlier_week_are_a_problem_unless_they_are_pending() -> None:
    earlier = replace(FIXTURE, kickoff=datetime(2026, 11, 22, 15, tzinfo=UTC))
    found = issue({}, earlier)
    assert (found.level, str(found.next)) == ("problem", "Run footlake ingest-stats --league 39 --season 2026.")
    after = NOW + timedelta(hours=12)
    pending = issue({}, earlier, work=WorkInProgress((PendingStatistics(frozenset([FIXTURE.id]), after, 1),)))
    assert (pending.level, pending.next, pending.at) == ("explained", "etlGetStatistics continues.", after)


@pytest.mark.parametrize(("requests", "again"), [(1, "ingest-stats"), (5, "ingest-stats --refresh")])
def test_statistics_that_the_api_does_not_have_are_explained(requests: int, again: str) -> None:
    earlier = replace(FIXTURE, kickoff=datetime(2026, 10, 3, 15, tzinfo=UTC))
    records = {"responses": {FIXTURE.id: {MISSING: BEFORE_LAST}}, "requests": {FIXTURE.id: requests}}
    found = issue(records, earlier)
    assert (found.level, found.at) == ("explained", None)
    assert found.reason == "API-Football had no complete statistics of it on 2026-11-23."
    assert str(found.next) == f"To request them again, run footlake {again} --league 39 --season 2026."
    recent = issue(records)
    assert (recent.next, recent.at) == ("The weekly run requests them again.", NEXT_FETCH)


def test_team_rows_are_explained_until_a_run_of_glue_has_passed() -> None:
    waiting = issue(with_statistics())
    assert (waiting.what, waiting.level, waiting.at) == ("team rows", "explained", NEXT_FETCH + timedelta(hours=1))
    missed = issue(with_statistics(BEFORE_LAST))
    assert (missed.level, str(missed.next)) == ("problem", "Run footlake run-glue.")
    newer = {s3_keys.team_rows(PART, side): NOW for side in ("home", "away")}
    records = with_statistics()
    refused = issue(records | {"written": records["written"] | newer})
    assert (refused.level, refused.reason) == (
        "problem",
        "Glue made no team rows of its statistics: a value is missing.",
    )


@pytest.mark.parametrize(
    ("work", "level", "words"),
    [
        (WorkInProgress(), "problem", "no trained model"),
        (WorkInProgress(model=MODEL), "problem", "It was not scored."),
        (WorkInProgress(model=replace(MODEL, runs="here")), "problem", "on the machine that trained it"),
        (WorkInProgress(model=MODEL, marks=True), "explained", "not scored yet"),
        (WorkInProgress(model=MODEL, staged=frozenset([f"{PART}-home.csv"])), "explained", "not scored yet"),
        (
            WorkInProgress(model=MODEL, rejected=dict.fromkeys(TEAM_KEYS, BEFORE_LAST)),
            "explained",
            "The model m predicted no valid number on 2026-11-23.",
        ),
        # Those of an earlier model are scored by this one.
        (WorkInProgress(model=replace(MODEL, since=NOW), rejected=dict.fromkeys(TEAM_KEYS, LAST_FETCH)), "problem", ""),
    ],
)
def test_missing_xg(work: WorkInProgress, level: str, words: str) -> None:
    found = issue(with_team_rows(), work=work)
    assert (found.what, found.level) == ("xG", level)
    assert words in found.reason


def test_a_rejected_prediction_is_made_again_after_a_day() -> None:
    rejected = NOW - timedelta(hours=3)
    found = issue(with_team_rows(), work=WorkInProgress(model=MODEL, rejected=dict.fromkeys(TEAM_KEYS, rejected)))
    assert found.at == NOW + timedelta(hours=21)
    assert str(found.next) == "After a day, the next run or footlake transform-xgoals scores it again."


def test_mysql_lacks_a_fixture_or_its_xg() -> None:
    records = with_team_rows(xg=TEAM_KEYS)
    assert trace(records).issues == ()
    assert trace(records, loaded=LoadedFixtures({SEASON: {FIXTURE.id: True}})).stage == "MySQL"
    absent = issue(records, loaded=LoadedFixtures({SEASON: {}}))
    assert (absent.what, absent.level, absent.reason) == ("MySQL", "explained", "MySQL does not have it.")
    assert absent.at == NEXT_FETCH + timedelta(hours=2)
    old = with_team_rows(xg=TEAM_KEYS, written={s3_keys.fixtures(PART): BEFORE_LAST})
    without_xg = issue(old, loaded=LoadedFixtures({SEASON: {FIXTURE.id: False}}))
    assert (without_xg.level, without_xg.reason) == ("problem", "MySQL has it without its xG.")


def test_a_season_after_its_schedule_names_commands_instead() -> None:
    found = issue({}, now=datetime(2029, 1, 1, tzinfo=UTC))
    assert (found.level, found.at) == ("problem", None)


def test_awarded_unknown_and_undecided_fixtures() -> None:
    assert trace({}, replace(FIXTURE, status="Technical Loss", result="awarded")).issues == ()
    unknown = replace(FIXTURE, status="Unknown (XYZ)", result=None, is_known_status=False)
    assert "status XYZ" in issue({}, unknown).reason
    postponed = issue({}, replace(FIXTURE, status="Match Postponed", result=None))
    assert (postponed.level, postponed.reason) == ("explained", "There is no result: Match Postponed.")
    undecided = replace(FIXTURE, status="Time to be defined", result=None, away=None, is_stored=False)
    assert issue({}, undecided).reason == "The teams are not known yet."


def findings(times: FetchTimes, **others: Any) -> list[tuple[str, str]]:
    table = dict.fromkeys(LEAGUE_TABLE_COLUMNS, "") | {"tableNumber": "1", "reconciled": "equal"}
    checked = check_season(tracer(with_team_rows(xg=TEAM_KEYS, tables=(table,), times=times), **others))
    return [(finding.what, finding.level) for finding in checked.findings]


def test_a_missed_weekly_run_is_a_problem() -> None:
    assert findings(FetchTimes(fixtures=AFTER_LAST)) == []
    assert findings(FetchTimes(fixtures=BEFORE_LAST)) == [("fixtures", "problem")]
    # The run has just begun.
    assert findings(FetchTimes(fixtures=BEFORE_LAST), now=LAST_FETCH + timedelta(minutes=5)) == []
