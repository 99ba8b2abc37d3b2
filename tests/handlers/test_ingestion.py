"""Ingestion against the football API as it behaves: requests, quotas, revisions, failures, deaths."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from footlake.football.api import BadParameter, FootballApi, IdsRefused, KeyRefused, UnexpectedBody
from footlake.football.fixtures import parse_fixtures
from footlake.handlers.pending_queue import MAX_TRIES, PendingQueue, RetriesExhausted
from footlake.handlers.statistics_ingest import ingest_statistics
from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window
from footlake.lake.tables import BadTable
from footlake.local.football.faults import FaultSettings
from footlake.local.football.plans import FREE, PRO, ApiPlan
from footlake.local.football.simulator import Simulator
from tests.support.ingestion_trial import DyingS3Client, IngestionTrial, ProcessDied, ingestion_trial

SEASON = Season(39, 2022)
KEY = s3_keys.raw_fixtures(SEASON)
LATER = datetime(2026, 3, 3, tzinfo=UTC)
NOVEMBER = datetime(2022, 11, 8, tzinfo=UTC)
WEEK = Window.of_week(NOVEMBER.date())
WEEK_KEY = s3_keys.raw_fixtures(SEASON, WEEK)
TRIAL = Callable[..., IngestionTrial]


@dataclass
class ChangingLeague:
    """The simulated league, with changed statistics, statuses or items for some fixtures."""

    statistics_of: dict[int, Any] = field(default_factory=dict)
    status_of: dict[int, str] = field(default_factory=dict)
    change_of: dict[int, Callable[[Any], Any]] = field(default_factory=dict)
    size: int | None = None
    label: str = "a league that changes"

    def __post_init__(self) -> None:
        self.league = Simulator()

    def seasons(self, now: datetime) -> list[Season]:
        return self.league.seasons(now)

    def fixtures(self, league: int, season: int, now: datetime) -> list[Any]:
        changed = map(self._changed, self.league.fixtures(league, season, now)[: self.size])
        return [one for one in changed if one is not None]

    def fixture(self, fixture_id: int, now: datetime) -> Any:
        found = self.league.fixture(fixture_id, now)
        return found and self._changed(found)

    def statistics(self, fixture_id: int, now: datetime) -> Any:
        change = self.statistics_of.get(fixture_id, lambda sides: sides)
        return change(self.league.statistics(fixture_id, now))

    def _changed(self, fixture: Any) -> Any:
        fixture = self.change_of.get(fixture["fixture"]["id"], lambda same: same)(fixture)
        if fixture is None:
            return None
        short = self.status_of.get(fixture["fixture"]["id"])
        if short is None:
            return fixture
        status = fixture["fixture"]["status"] | {"short": short, "long": "Match Finished"}
        return fixture | {"fixture": fixture["fixture"] | {"status": status}}


def no_statistics(sides: Any) -> Any:
    return []


def one_sided(sides: Any) -> Any:
    return sides[1:]


def increase(*kinds: str) -> Callable[[Any], Any]:
    """Return a change that adds 1 to some kinds of the home team's statistics."""

    def change(sides: Any) -> Any:
        home = [one | {"value": (one["value"] or 0) + (one["type"] in kinds)} for one in _numbers(sides[0])]
        home += [one for one in sides[0]["statistics"] if one not in _numbers(sides[0])]
        return [sides[0] | {"statistics": home}, *sides[1:]]

    return change


def _numbers(side: Any) -> list[Any]:
    return [one for one in side["statistics"] if not isinstance(one["value"], str)]


def small_league() -> ChangingLeague:
    """The first 45 fixtures of the season: three requests by ids."""
    return ChangingLeague(size=45)


@pytest.fixture
def start(client: Callable[[str], Any]) -> Iterator[TRIAL]:
    """Start trials that end with the test."""
    running: list[AbstractContextManager[IngestionTrial]] = []

    def begin(source: Any = None, date: datetime | None = LATER, plan: ApiPlan = PRO) -> IngestionTrial:
        running.append(ingestion_trial(client("s3"), source or ChangingLeague(), date, plan))
        return running[-1].__enter__()

    yield begin
    for one in running:
        one.__exit__(None, None, None)


def ids_of(trial: IngestionTrial, prefix: str) -> list[int]:
    return [int(row["idFixture"]) for row in trial.rows(prefix)]


# --- as few requests as the API allows ---


def test_a_season_takes_two_requests_and_one_for_twenty_fixtures_and_nothing_the_second_time(start: TRIAL) -> None:
    trial = start()
    trial.ingest(SEASON)
    assert trial.requests == 2 + 19
    assert len(set(ids_of(trial, s3_keys.STATISTICS))) == len(ids_of(trial, s3_keys.STATISTICS)) == 380
    assert trial.statistics(KEY)["progress"] == 0
    assert trial.requests == 2 + 19


def test_a_week_takes_three_requests(start: TRIAL) -> None:
    trial = start(date=NOVEMBER)
    trial.ingest(SEASON, WEEK)
    assert 0 < len(ids_of(trial, s3_keys.STATISTICS)) <= 20
    assert trial.requests == 3


@pytest.mark.parametrize(("hours", "tried_again"), [(20, 0), (25, 1)])
def test_refused_ids_are_remembered_for_a_day(start: TRIAL, hours: int, tried_again: int) -> None:
    trial = start(date=NOVEMBER, plan=FREE)
    trial.ingest(SEASON, WEEK)
    assert trial.requests_by_path["fixtures"] == 1 + 1
    trial.time.football_date = NOVEMBER + timedelta(hours=hours)
    trial.statistics(WEEK_KEY, refresh=after_now())
    assert trial.requests_by_path["fixtures"] == 1 + 1 + tried_again


def test_another_plan_is_tried_at_once(start: TRIAL) -> None:
    trial = start(date=NOVEMBER, plan=FREE)
    trial.ingest(SEASON, WEEK)
    trial.plan, before = PRO, trial.requests
    trial.time.football_date = NOVEMBER + timedelta(hours=1)
    trial.statistics(WEEK_KEY, refresh=after_now())
    assert trial.requests == before + 1


def test_inconsistent_statistics_take_no_request_before_their_waiting_time(start: TRIAL) -> None:
    """As when the arrival of a season starts the ingestion, and a command continues it."""
    source = ChangingLeague()
    trial = start(source)
    trial.fixtures(SEASON)
    known = ids_of(trial, s3_keys.FIXTURES)
    source.statistics_of = {known[5]: increase("Shots on Goal"), known[200]: one_sided, known[300]: no_statistics}
    trial.statistics(KEY)
    assert trial.statistics(KEY, since=after_now())["progress"] == 0
    assert trial.requests == 2 + 19
    trial.time.football_date = LATER + timedelta(hours=13)
    source.statistics_of = {}
    assert trial.statistics(KEY, since=after_now())["progress"] == 3
    assert trial.requests == 2 + 19 + 1


def test_a_used_quota_stops_and_the_next_day_continues_there(start: TRIAL) -> None:
    trial = start(small_league(), plan=ApiPlan("Small", per_day=3, per_minute=2))
    assert trial.ingest(SEASON).count("QuotaSpent") == 1
    assert trial.requests == 5
    assert trial.count_lost_and_duplicated({one["fixture"]["id"] for one in trial.source.fixtures(*SEASON, LATER)}) == (
        0,
        0,
    )


def test_requests_keep_to_the_minute_quota(start: TRIAL) -> None:
    trial = start(small_league(), plan=ApiPlan("Slow", per_day=100, per_minute=2))
    trial.fixtures(SEASON)
    trial.time.advance(60)
    began = trial.time.seconds
    while trial.statistics(KEY)["stopped"]:
        pass
    assert trial.requests == 2 + 3  # one that was refused would have been one more
    assert 60 <= trial.time.seconds - began < 62


def test_max_requests_is_kept_and_the_rest_is_counted(start: TRIAL) -> None:
    trial = start(small_league())
    trial.fixtures(SEASON)
    done = ingest_statistics(trial.store(), trial.api(budget=2), KEY)
    assert (done["stopped"], done["fetched"], done["remaining"]) == ("BudgetSpent", 40, 5)
    assert trial.requests == 2 + 2


# --- reasons to ask again ---


def test_recent_matches_are_fetched_again_and_revisions_replace_rows(
    start: TRIAL,
) -> None:
    source = ChangingLeague()
    trial = start(source, NOVEMBER)
    trial.ingest(SEASON)
    before = {row["idFixture"]: row for row in trial.rows(s3_keys.STATISTICS)}
    latest, oldest = max(before, key=int), min(before, key=int)
    source.statistics_of = dict.fromkeys(
        (int(latest), int(oldest)), increase("Shots on Goal", "Shots insidebox", "Total Shots")
    )
    trial.time.football_date = NOVEMBER + timedelta(days=1)
    trial.ingest(SEASON)
    after = {row["idFixture"]: row for row in trial.rows(s3_keys.STATISTICS)}
    assert after[oldest] == before[oldest]
    assert int(after[latest]["shotsOnGoalHomeTeam"]) == int(before[latest]["shotsOnGoalHomeTeam"]) + 1


def test_recent_matches_are_fetched_every_twelve_hours_for_eight_days(start: TRIAL) -> None:
    trial, moment = start(date=NOVEMBER), timedelta(seconds=1)
    trial.ingest(SEASON, WEEK)
    fixtures, _ = parse_fixtures(json.loads(trial.text(WEEK_KEY))["response"])
    ended = [fixture.kickoff + timedelta(hours=2) for fixture in fixtures if fixture.played]

    def asked_again(date: datetime) -> int:
        trial.time.football_date = date
        return int(trial.statistics(WEEK_KEY)["fetched"])

    assert asked_again(NOVEMBER + timedelta(hours=12) - moment) == 0
    assert asked_again(NOVEMBER + timedelta(hours=12)) == len(ended)
    assert asked_again(max(ended) + timedelta(days=8)) == 0
    assert asked_again(max(ended) + timedelta(days=8) - moment) == ended.count(max(ended))


def test_a_refresh_fetches_responses_of_the_second_in_which_it_started(start: TRIAL) -> None:
    trial = start(small_league())
    trial.ingest(SEASON)
    came = trial.store().list_objects(s3_keys.RAW_STATISTICS).values()
    first = min(came)
    assert trial.statistics(KEY, refresh=first)["fetched"] == list(came).count(first)


def test_a_refresh_fetches_everything_and_continues_after_a_stop(start: TRIAL) -> None:
    source = small_league()
    trial = start(source)
    trial.ingest(SEASON)
    first = trial.rows(s3_keys.STATISTICS)[0]
    source.statistics_of = {int(first["idFixture"]): increase("Shots insidebox", "Total Shots", "Shots off Goal")}
    moment = datetime.now(UTC)
    time.sleep(1.1 - moment.microsecond / 1e6)  # S3 tells times in seconds
    stopped = ingest_statistics(trial.store(), trial.api(budget=2), KEY, refresh=moment)
    assert (stopped["stopped"], stopped["fetched"], stopped["remaining"]) == ("BudgetSpent", 40, 5)
    assert ingest_statistics(trial.store(), trial.api(), KEY, refresh=moment)["fetched"] == 5
    assert int(trial.rows(s3_keys.STATISTICS)[0]["totalShotsHomeTeam"]) == int(first["totalShotsHomeTeam"]) + 1


@pytest.mark.parametrize("wrong", [no_statistics, one_sided])
def test_incomplete_statistics_are_fetched_again_a_limited_number_of_times(start: TRIAL, wrong: Any) -> None:
    source = small_league()
    trial = start(source)
    fixture_id = source.fixtures(*SEASON, LATER)[0]["fixture"]["id"]
    source.statistics_of = {fixture_id: wrong}
    trial.ingest(SEASON)
    assert trial.statistics(KEY)["without"] == [fixture_id]
    before = trial.requests
    for days in range(1, 8):
        trial.time.football_date = LATER + timedelta(days=days)
        trial.statistics(KEY, since=after_now())
    assert trial.requests == before + 4  # five times in all
    assert fixture_id not in ids_of(trial, s3_keys.STATISTICS)
    source.statistics_of = {}
    assert trial.statistics(KEY, refresh=after_now())["without"] == []
    assert fixture_id in ids_of(trial, s3_keys.STATISTICS)


@pytest.mark.parametrize("kind", ["Shots off Goal", "Shots outsidebox"])
def test_inconsistent_statistics_are_used_reported_and_replaced_later(start: TRIAL, kind: str) -> None:
    source = small_league()
    trial = start(source)
    fixture_id = source.fixtures(*SEASON, LATER)[0]["fixture"]["id"]
    source.statistics_of = {fixture_id: increase(kind)}
    trial.ingest(SEASON)
    assert fixture_id in ids_of(trial, s3_keys.STATISTICS)
    assert trial.statistics(KEY)["doubtful"] == [fixture_id]
    source.statistics_of = {}
    trial.time.football_date = LATER + timedelta(days=1)
    healed = trial.statistics(KEY, since=after_now())
    assert (healed["doubtful"], healed["fetched"]) == ([], 1)
    assert trial.statistics(KEY, since=after_now())["progress"] == 0


def test_a_good_answer_is_not_replaced_by_an_empty_one(start: TRIAL) -> None:
    source = small_league()
    trial = start(source)
    trial.ingest(SEASON)
    rows = trial.processed()
    source.statistics_of = dict.fromkeys(ids_of(trial, s3_keys.STATISTICS), no_statistics)
    assert trial.statistics(KEY, refresh=after_now())["without"] == []
    assert trial.processed() == rows


def test_a_moved_fixture_follows_its_new_date(start: TRIAL) -> None:
    def moved(now: datetime) -> list[Any]:
        return [one for one in Simulator().fixtures(*SEASON, now) if one["fixture"]["status"]["short"] == "PST"]

    day = next(day for day in (NOVEMBER + timedelta(days=7 * n) for n in range(30)) if moved(day))
    fixture_id = moved(day)[0]["fixture"]["id"]
    trial = start(date=day)
    trial.fixtures(SEASON)
    (postponed,) = (row for row in trial.rows(s3_keys.FIXTURES) if row["idFixture"] == str(fixture_id))
    trial.time.football_date = LATER
    trial.fixtures(SEASON)
    (played,) = (row for row in trial.rows(s3_keys.FIXTURES) if row["idFixture"] == str(fixture_id))
    assert (postponed["status"], played["status"]) == ("Match Postponed", "Match Finished")
    assert played["date"] > postponed["date"]


# --- what the lake has lost, and what others have done to it ---


def test_the_next_week_catches_up_a_missed_week(start: TRIAL) -> None:
    trial = start(date=NOVEMBER - timedelta(days=21))
    trial.ingest(SEASON)
    trial.time.football_date = NOVEMBER
    fetched = trial.fixtures(SEASON, WEEK)
    assert trial.statistics(s3_keys.raw_fixtures(SEASON, WEEK))["stopped"] == ""
    since = date.fromisoformat(fetched["caught_up_since"])
    assert NOVEMBER.date() - timedelta(days=21) <= since < WEEK.first and fetched["caught_up"] > 0
    results = [
        one["fixture"]["id"]
        for one in trial.source.fixtures(*SEASON, NOVEMBER)
        if one["fixture"]["status"]["short"] == "FT"
    ]
    assert trial.count_lost_and_duplicated(set(results)) == (0, 0)
    assert {row["status"] for row in trial.rows(s3_keys.FIXTURES) if int(row["idFixture"]) in results} == {
        "Match Finished"
    }


def test_lost_rows_are_rebuilt(start: TRIAL) -> None:
    trial = start(date=NOVEMBER)
    trial.ingest(SEASON)
    before = {key: text for key, text in trial.processed().items() if key.startswith(s3_keys.DATASETS)}
    # Fixtures of long before the week, which only the whole season's answer has; statistics of the week itself.
    old, recent = (s3_keys.part_of(SEASON, ids_of(trial, s3_keys.STATISTICS)[at]) for at in (0, -1))
    trial.store().delete([s3_keys.fixtures(old), s3_keys.statistics(recent), s3_keys.extended(recent)])
    trial.ingest(SEASON, WEEK)
    assert {key: trial.text(key) for key in before} == before


def test_a_lost_row_is_rebuilt_from_an_inconsistent_response(start: TRIAL) -> None:
    source = small_league()
    fixture_id = source.fixtures(*SEASON, LATER)[0]["fixture"]["id"]
    source.statistics_of = {fixture_id: increase("Blocked Shots")}
    trial = start(source)
    trial.ingest(SEASON)
    for _ in range(5):
        trial.statistics(KEY, since=after_now())
    assert trial.statistics(KEY, since=after_now())["progress"] == 0
    trial.store().delete([s3_keys.statistics(s3_keys.part_of(SEASON, fixture_id))])
    assert fixture_id in trial.statistics(KEY)["doubtful"]
    assert fixture_id in ids_of(trial, s3_keys.STATISTICS)


def test_statistics_are_fetched_again_when_the_teams_change(start: TRIAL) -> None:
    source = small_league()
    first = source.fixtures(*SEASON, LATER)[0]
    fixture_id, home, away = first["fixture"]["id"], first["teams"]["home"], first["teams"]["away"]
    trial = start(source)
    trial.ingest(SEASON)
    source.change_of = {fixture_id: lambda one: one | {"teams": {"home": away, "away": home}}}
    assert trial.fixtures(SEASON)["changed"] == 1
    assert trial.statistics(KEY)["fetched"] == 1
    (row,) = (row for row in trial.rows(s3_keys.STATISTICS) if row["idFixture"] == str(fixture_id))
    assert (row["idHomeTeam"], row["idAwayTeam"]) == (str(away["id"]), str(home["id"]))
    assert trial.statistics(KEY)["progress"] == 0


def test_a_week_without_a_valid_fixture_is_reported(start: TRIAL) -> None:
    source = ChangingLeague()
    source.change_of = {
        one["fixture"]["id"]: lambda one: one | {"teams": None} for one in source.fixtures(*SEASON, NOVEMBER)
    }
    trial = start(source, NOVEMBER)
    done = trial.fixtures(SEASON, WEEK)
    assert (done["fixtures"], done["stopped"]) == (0, "")
    assert done["broken"]


def test_a_table_saved_by_an_editor_is_read_and_a_corrupted_one_is_reported(start: TRIAL) -> None:
    trial = start(small_league())
    trial.fixtures(SEASON)
    text = trial.text(s3_keys.TEAMCODES)
    trial.store().put_if_changed(s3_keys.TEAMCODES, "\ufeff" + text.replace("\n", "\r\n") + "\r\n")
    assert trial.fixtures(SEASON)["stopped"] == ""
    trial.store().put_if_changed(s3_keys.TEAMCODES, text.replace(",", ";"))
    trial.source.size = 200  # teams that are new
    with pytest.raises(BadTable, match=r"teamcodes\.csv: the header lacks idTeam, code, name; it is: idTeam;code;name"):
        trial.fixtures(SEASON)


def after_now() -> datetime:
    """Return a time after the timestamp of any object in S3."""
    return datetime.now(UTC) + timedelta(seconds=2)


# --- statuses ---


@pytest.mark.parametrize(
    ("short", "text", "statistics"),
    [
        ("AET", "Match Finished After Extra Time", True),
        ("PEN", "Match Finished After Penalty", True),
        ("AWD", "Technical Loss", False),
        ("WO", "WalkOver", False),
        ("ABD", "Match Abandoned", False),
        ("NEW", "Unknown (NEW)", False),
    ],
)
def test_every_status_is_handled_deliberately(start: TRIAL, short: str, text: str, statistics: bool) -> None:
    source = small_league()
    fixture_id = source.fixtures(*SEASON, LATER)[0]["fixture"]["id"]
    source.status_of = {fixture_id: short}
    trial = start(source, LATER)
    trial.ingest(SEASON)
    (row,) = (row for row in trial.rows(s3_keys.FIXTURES) if row["idFixture"] == str(fixture_id))
    assert row["status"] == text
    assert (fixture_id in ids_of(trial, s3_keys.STATISTICS)) == statistics
    assert f'"short": "{short}"' in trial.text(KEY)


# --- failures ---


def test_all_failures_together_lose_and_duplicate_nothing(start: TRIAL) -> None:
    trial = start(small_league())
    kinds = ("429", "499", "5xx", "204", "cut", "html", "truncated", "fields", "error")
    trial.behaviour = FaultSettings(failures=dict.fromkeys(kinds, 0.06), seed=4)
    for _ in range(20):
        if not trial.fixtures(SEASON)["stopped"] and len(ids_of(trial, s3_keys.FIXTURES)) == 45:
            break
    for _ in range(20):
        if not trial.statistics(KEY)["stopped"]:
            break
    ids = {one["fixture"]["id"] for one in trial.source.fixtures(*SEASON, LATER)}
    assert trial.count_lost_and_duplicated(ids) == (0, 0)
    assert trial.requests > 4
    assert not any('"bug"' in trial.text(key) for key in trial.keys(s3_keys.RAW))


def test_failures_are_reported_by_fixture_and_stored_rows_are_kept(start: TRIAL) -> None:
    trial = start(small_league())
    trial.fixtures(SEASON)
    assert trial.statistics(KEY)["fetched"] == 45
    trial.behaviour = FaultSettings(failures={"5xx": 1.0})
    rows = trial.processed()
    failed = trial.statistics(KEY, refresh=after_now())
    assert failed["stopped"] == "Unavailable"
    assert len(failed["failed"]) == failed["remaining"] == 45
    assert all("failed in 5 attempts" in reason for reason in failed["failed"].values())
    assert trial.processed() == rows


class RejectingApi:
    """The football API, but it rejects requests that contain this fixture."""

    def __init__(self, api: FootballApi, fixture_id: int) -> None:
        self._api, self._id = api, str(fixture_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def fixtures(self, ids: str) -> Any:
        self._look(ids.split("-"))
        return self._api.fixtures(ids=ids)

    def statistics(self, fixture_id: int) -> Any:
        self._look([str(fixture_id)])
        return self._api.statistics(fixture_id)

    def _look(self, ids: list[str]) -> None:
        if self._id in ids:
            raise BadParameter("API-Football rejects the request.")


def test_a_rejected_fixture_does_not_prevent_the_others(start: TRIAL) -> None:
    trial = start(small_league())
    trial.fixtures(SEASON)
    ids = sorted(ids_of(trial, s3_keys.FIXTURES))
    followed = ingest_statistics(trial.store(), RejectingApi(trial.api(), ids[3]), KEY)  # type: ignore[arg-type]
    assert [*followed["failed"]] == [str(ids[3])]
    assert sorted(ids_of(trial, s3_keys.STATISTICS)) == [fixture_id for fixture_id in ids if fixture_id != ids[3]]
    assert trial.requests == 2 + 2 + 19  # those that came with it are asked for one by one


def test_an_object_that_cannot_be_deleted_is_reported(start: TRIAL) -> None:
    class Refusing:
        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}

    with pytest.raises(ClientError, match="AccessDenied"):
        start().store(Refusing()).delete(["a"])


# --- exactly once ---


@pytest.mark.parametrize(
    ("calls", "after"),
    [
        *((3, False), (9, True)),
        *(pytest.param(calls, False, marks=pytest.mark.thorough) for calls in (0, 9, 20)),
        *(pytest.param(calls, True, marks=pytest.mark.thorough) for calls in (0, 3, 20)),
    ],
)
def test_the_next_run_repairs_a_crash_at_any_call(start: TRIAL, calls: int, after: bool) -> None:
    trial = start(date=NOVEMBER)
    works: tuple[Callable[[], Any], ...] = (
        lambda: trial.fixtures(SEASON, WEEK, DyingS3Client(trial.s3, calls, after)),
        lambda: trial.statistics(WEEK_KEY, DyingS3Client(trial.s3, calls, after)),
    )
    for work in works:
        try:
            work()
        except ProcessDied:
            trial.time.advance(100)  # the lease of the dead runs out
        trial.fixtures(SEASON, WEEK)
    trial.ingest(SEASON, WEEK)
    week = [
        one["fixture"]["id"]
        for one in trial.source.fixtures(*SEASON, NOVEMBER)
        if str(WEEK.first) <= one["fixture"]["date"][:10] <= str(WEEK.last)
        and one["fixture"]["status"]["short"] == "FT"
    ]
    assert sorted(ids_of(trial, s3_keys.STATISTICS)) == sorted(week)
    assert len(set(ids_of(trial, s3_keys.FIXTURES))) == len(ids_of(trial, s3_keys.FIXTURES))


def test_a_second_invocation_returns_while_the_first_works(start: TRIAL) -> None:
    trial = start()
    trial.fixtures(SEASON)
    with trial.store().lease(s3_keys.season_lease("statistics", SEASON), 95):
        assert trial.statistics(KEY)["stopped"] == "Busy"
    with trial.store().lease(s3_keys.season_lease("fixtures", SEASON), 95):
        assert trial.fixtures(SEASON)["stopped"] == "Busy"
    assert trial.requests == 2


def test_four_parallel_invocations_lose_and_duplicate_nothing(start: TRIAL) -> None:
    trial = start(small_league())
    weeks = Window(date(2022, 8, 1), date(2022, 8, 28))
    works = [threading.Thread(target=trial.ingest, args=(SEASON, window)) for window in (None, weeks, None, weeks)]
    for work in works:
        work.start()
    for work in works:
        work.join()
    assert trial.count_lost_and_duplicated({one["fixture"]["id"] for one in trial.source.fixtures(*SEASON, LATER)}) == (
        0,
        0,
    )


# --- what does not fit is left for the next invocation, which is arranged ---


@pytest.fixture
def pending(start: TRIAL) -> tuple[PendingQueue, IngestionTrial]:
    trial = start(small_league(), plan=ApiPlan("Small", per_day=3, per_minute=1))
    return PendingQueue(trial.store(), "etlGetStatistics", trial.time.now), trial


def test_a_season_too_large_for_one_invocation_is_continued(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, trial = pending
    trial.fixtures(SEASON)
    queue.add(KEY)
    stops = [queue.attempt(KEY, trial.statistics)["stopped"]]
    for _ in range(100):
        trial.time.advance(1800)
        stops += [done["stopped"] for done in queue.process(queue.due(), trial.statistics)]
    assert {"OutOfTime", "QuotaSpent", ""} == set(stops)
    assert stops[-1] == ""
    assert stops.count("QuotaSpent") == 1  # no request before the next day
    assert len(ids_of(trial, s3_keys.STATISTICS)) == 45
    assert trial.keys(s3_keys.PENDING) == []


def test_a_timeout_does_not_use_up_the_attempts_of_other_entries(
    pending: tuple[PendingQueue, IngestionTrial],
) -> None:
    queue, _ = pending
    files = [s3_keys.raw_fixtures(Season(39, year)) for year in (2021, 2022, 2023)]
    for file in files:
        queue.add(file)

    def slow(file: str) -> dict[str, Any]:
        return {"stopped": "OutOfTime" if file == files[0] else "", "progress": 1}

    for _ in range(MAX_TRIES + 1):
        assert len(queue.process(queue.due(), slow)) == 1
    assert queue.due() == files
    queue.process(files[1:], slow)
    assert queue.due() == files[:1]


def test_a_finished_pending_entry_is_removed_and_stays_removed(
    pending: tuple[PendingQueue, IngestionTrial],
) -> None:
    queue, trial = pending
    queue.add(KEY)

    def busy(file: str) -> dict[str, Any]:
        queue.remove(file, queue.event_of(file))  # as another invocation does that finishes the work
        return {"stopped": "Busy", "progress": 0}

    assert queue.attempt(KEY, busy)["stopped"] == "Busy"
    assert trial.keys(s3_keys.PENDING) == []
    queue.remove(KEY, queue.event_of(KEY))
    assert trial.keys(s3_keys.PENDING) == []


def another_is_at_work(file: str) -> dict[str, Any]:
    return {"stopped": "Busy", "progress": 0}


def test_an_event_during_the_work_is_handled_by_the_invocation_at_work(
    pending: tuple[PendingQueue, IngestionTrial],
) -> None:
    queue, trial = pending
    queue.add(KEY)
    processed: list[str] = []

    def work(file: str) -> dict[str, Any]:
        processed.append(file)
        if len(processed) == 1:  # two events arrive, each with an invocation that returns at once
            for arrived in (KEY, WEEK_KEY):
                queue.add(arrived)
                assert queue.process([arrived], another_is_at_work)[-1]["stopped"] == "Busy"
        return {"stopped": "", "progress": 1}

    assert len(queue.process([KEY], work)) == 3
    assert sorted(processed) == sorted([KEY, KEY, WEEK_KEY])
    assert trial.keys(s3_keys.PENDING) == []


def test_an_event_during_a_command_stays_pending(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, _ = pending
    queue.add(KEY)
    event = queue.event_of(KEY)
    queue.add(KEY)
    queue.attempt(KEY, another_is_at_work)
    queue.remove(KEY, event)
    assert queue.due() == [KEY]


def test_finding_another_invocation_at_work_is_no_attempt(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, _ = pending
    queue.add(KEY)
    for _ in range(2 * MAX_TRIES):
        assert queue.attempt(KEY, another_is_at_work)["stopped"] == "Busy"
    assert queue.due() == [KEY]


def test_an_entry_stopped_by_max_requests_is_not_continued_automatically(
    pending: tuple[PendingQueue, IngestionTrial],
) -> None:
    queue, trial = pending
    trial.fixtures(SEASON)
    queue.add(KEY)
    trial.time.advance(60)
    assert (
        queue.attempt(KEY, partial(ingest_statistics, trial.store(), trial.api(budget=1)))["stopped"] == "BudgetSpent"
    )
    assert trial.keys(s3_keys.PENDING) == []


def test_a_crashed_invocation_leaves_its_pending_entry(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, trial = pending
    trial.fixtures(SEASON)
    queue.add(KEY)
    with pytest.raises(ProcessDied):
        queue.attempt(KEY, partial(trial.statistics, s3=DyingS3Client(trial.s3, 8, True)))
    assert queue.due() == [KEY]


def test_an_entry_without_progress_is_given_up_and_reported(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, trial = pending
    queue.add(KEY)

    def in_vain(file: str) -> dict[str, Any]:
        return {"stopped": "Unavailable", "progress": 0}

    attempts = 0
    with pytest.raises(RetriesExhausted):
        for _ in range(2 * MAX_TRIES):
            trial.time.advance(12 * 3600)
            for key in queue.due():
                attempts += 1
                queue.attempt(key, in_vain)
    assert attempts == MAX_TRIES
    assert queue.due() == []


def test_an_unreadable_entry_does_not_block_the_others(
    pending: tuple[PendingQueue, IngestionTrial],
) -> None:
    queue, _ = pending
    worked: list[str] = []

    def work(file: str) -> dict[str, Any]:
        worked.append(file)
        if file == KEY:
            raise UnexpectedBody("odd")
        return {"stopped": "", "progress": 1}

    for file in (KEY, WEEK_KEY):
        queue.add(file)
    with pytest.raises(UnexpectedBody):
        queue.process([KEY, WEEK_KEY], work)
    assert worked == [KEY, WEEK_KEY]
    assert queue.due() == [KEY]


def refuse(error: Exception) -> Callable[[str], dict[str, Any]]:
    def refused(file: str) -> dict[str, Any]:
        raise error

    return refused


def test_a_rejected_entry_is_not_retried(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, _ = pending
    queue.add(KEY)
    with pytest.raises(IdsRefused):
        queue.attempt(KEY, refuse(IdsRefused("no")))
    assert queue.due() == []


def test_entries_wait_until_the_key_is_accepted(pending: tuple[PendingQueue, IngestionTrial]) -> None:
    queue, _ = pending
    for file in (KEY, WEEK_KEY):
        queue.add(file)
    for _ in range(MAX_TRIES + 1):
        with pytest.raises(KeyRefused):
            queue.process(queue.due(), refuse(KeyRefused("no")))
    assert queue.due() == sorted([KEY, WEEK_KEY])
