"""etlGetFixtures against answers of the football API that are incomplete, malformed, or not those of the request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footlake.handlers import environment, etl_get_fixtures
from footlake.handlers.log_lines import fixtures_line
from footlake.handlers.pending_queue import PendingQueue
from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window
from footlake.local.football.plans import ApiPlan
from tests.handlers.test_season_tables import AFTERWARDS, KEY, SEASON, CompetitionSource, findings, later, named
from tests.support import competitions
from tests.support.competitions import InventedCompetition
from tests.support.ingestion_trial import IngestionTrial, ProcessDied, ingestion_trial

Start = Callable[..., IngestionTrial]


@pytest.fixture
def start(client: Callable[[str], Any]) -> Iterator[Start]:
    running: list[AbstractContextManager[IngestionTrial]] = []

    def begin(competition: InventedCompetition, **settings: Any) -> IngestionTrial:
        trial = ingestion_trial(client("s3"), CompetitionSource(competition), AFTERWARDS, **settings)
        running.append(trial)
        return trial.__enter__()

    yield begin
    for trial in running:
        trial.__exit__(None, None, None)


def fixture_ids(trial: IngestionTrial) -> set[int]:
    return {int(row["idFixture"]) for row in trial.rows(s3_keys.FIXTURES)}


# --- standings ---


def change_rows(key: str, value: Any) -> Callable[[InventedCompetition], None]:
    """Return a change of one value of every third row; `all.goals` is a path."""

    def change(competition: InventedCompetition) -> None:
        *path, last = key.split(".")
        for row in competition.tables[0][::3]:
            for name in path:
                row = row[name]
            row[last] = value

    return change


def drop_group(competition: InventedCompetition) -> None:
    for row in competition.tables[0]:
        del row["group"]


def points_as_text(competition: InventedCompetition) -> None:
    for row in competition.tables[0]:
        row["points"] = str(row["points"])


def flat(competition: InventedCompetition) -> None:
    """One list of all rows instead of a list of tables."""
    competition.tables = competition.tables[0]  # type: ignore[assignment]


def table_twice(competition: InventedCompetition) -> None:
    competition.tables.append(json.loads(json.dumps(competition.tables[0])))


def no_rows(competition: InventedCompetition) -> None:
    competition.tables = [[]]


# Each change with whether the table is still official, and the number of its rows in the lake.
MALFORMED: dict[str, tuple[Callable[[InventedCompetition], None], bool, int]] = {
    "form null": (change_rows("form", None), True, 6),
    "description null": (change_rows("description", None), True, 6),
    "group null": (change_rows("group", None), True, 6),
    "group missing": (drop_group, True, 6),
    "goals null": (change_rows("all.goals", None), True, 6),
    "figures null": (change_rows("all", None), True, 6),
    "rank null": (change_rows("rank", None), True, 6),
    "rank text": (change_rows("rank", "1st"), True, 6),
    "points text": (points_as_text, True, 6),
    "points null": (change_rows("points", None), True, 6),
    "team without id": (change_rows("team.id", None), True, 6),
    "team null": (change_rows("team", None), True, 4),
    "flat": (flat, True, 6),
    "table twice": (table_twice, True, 6),
    "no rows": (no_rows, False, 6),
    "a table of null": (lambda competition: competition.tables.append(None), True, 6),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_standings_lose_no_team_and_say_what_is_wrong(start: Start, name: str) -> None:
    change, official, rows = MALFORMED[name]
    competition = competitions.league()
    change(competition)
    trial = start(competition)
    result = trial.fixtures(SEASON)
    assert (result["stopped"], result["official"], len(fixture_ids(trial))) == ("", official, 30)
    assert len(trial.rows(s3_keys.STANDINGS)) == rows
    assert len({(row["tableNumber"], row["idTeam"]) for row in trial.rows(s3_keys.STANDINGS)}) == rows
    harmless = ("form null", "description null", "group missing", "points text", "flat", "goals null", "rank null")
    told = result["unreconciled"] or result["standings_problem"] or findings(trial, "problem")
    assert bool(told) != (name in (*harmless, "points null", "team without id", "group null"))
    assert fixtures_line(result).count("\n") == 0


@pytest.mark.parametrize("body", [[], [{}], [{"league": None}], [{"league": {"id": 39, "season": 2023}}], [None]])
def test_a_season_without_standings_gets_a_computed_table(start: Start, body: list[Any]) -> None:
    trial = start(competitions.league())
    trial.source.standings = lambda *_: body
    for _ in range(2):
        result = trial.fixtures(SEASON)
        assert (result["stopped"], result["official"], result["tables"]) == ("", False, 1)
        assert result["standings_problem"].startswith("API-Football has no standings of this season. ")
        (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
        assert (table["official"], table["reconciled"]) == ("0", "unofficial")
    assert trial.requests_by_path["standings"] == 1  # API-Football updates them once an hour
    assert "1 unofficial table; no new standings: API-Football has no standings" in fixtures_line(result)


def test_standings_of_another_season_are_not_used(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    trial.fixtures(SEASON)
    before = trial.rows(s3_keys.STANDINGS)
    other = json.loads(json.dumps(competition.standings_body["response"]))
    other[0]["league"]["season"] = 2022
    other[0]["league"]["standings"][0][0]["points"] += 50
    trial.source.standings = lambda *_: other
    later(trial, hours=2)
    result = trial.fixtures(SEASON)
    assert "The response is that of season 39-2022" in result["standings_problem"]
    assert (result["official"], trial.rows(s3_keys.STANDINGS)) == (True, before)


def test_a_plan_without_standings_is_reported_and_leaves_the_table_unofficial(start: Start) -> None:
    from footlake.football.api import FootballApi, PlanRefused

    trial = start(competitions.league())
    api = trial.api()

    def refuse(league: int, season: int) -> dict[str, Any]:
        raise PlanRefused("The API-Football plan does not include this request: try from 2021 to 2023.")

    assert isinstance(api, FootballApi)
    api.standings = refuse  # type: ignore[method-assign]
    result = etl_get_fixtures.fetch_fixtures(trial.store(), api, SEASON, None)
    assert (result["stopped"], result["standings_stopped"], result["official"]) == ("", "", False)
    assert result["standings_problem"].startswith("The API-Football plan does not include this request")
    assert len(fixture_ids(trial)) == 30


@pytest.mark.parametrize(
    ("plan", "stopped"), [(ApiPlan("Daily", 1, 99), "QuotaSpent"), (ApiPlan("Slow", 99, 1), "OutOfTime")]
)
def test_the_schedule_continues_with_standings_that_a_quota_prevented(
    start: Start, monkeypatch: pytest.MonkeyPatch, plan: ApiPlan, stopped: str
) -> None:
    trial = start(competitions.league(), plan=plan)
    monkeypatch.setattr(environment, "lake_store", trial.store)
    monkeypatch.setattr(environment, "football_api", lambda *_: trial.api(20))
    monkeypatch.setattr(environment, "weekly_windows", lambda day: [(SEASON, Window.of_week(day))])
    (result,) = etl_get_fixtures.handler({"time": "2023-08-15T08:00:00Z"}, None)["seasons"]
    assert (result["stopped"], result["official"], len(fixture_ids(trial))) == (stopped, False, 30)
    assert result["standings_problem"]
    queue = PendingQueue(trial.store(), "etlGetFixtures", lambda: datetime.now(UTC) + timedelta(days=2))
    (file,) = queue.due()
    trial.plan = ApiPlan("Enough", 99, 99)
    trial.time.advance_to_next_day()
    monkeypatch.setattr(etl_get_fixtures, "PendingQueue", lambda *_: queue)
    (result,) = etl_get_fixtures.handler({"left": True}, None)["seasons"]
    assert (result["key"], result["stopped"], result["official"]) == (file, "", True)
    assert queue.files() == []


# --- incomplete seasons ---


@pytest.mark.parametrize("left", [0, 340, *(pytest.param(left, marks=pytest.mark.thorough) for left in (1, 200))])
def test_one_incomplete_response_withdraws_nothing(start: Start, left: int) -> None:
    competition = competitions.league(20)
    trial = start(competition)
    trial.fixtures(SEASON)
    responses = iter([competition.fixtures[:left], competition.fixtures])
    trial.source.fixtures = lambda *_: next(responses)
    result = trial.fixtures(SEASON)
    assert (result["withdrawn"], result["missing"], len(fixture_ids(trial))) == ([], [], 380)
    assert len(json.loads(trial.text(KEY))["response"]) == 380


@pytest.mark.parametrize(
    ("left", "withdrawn"),
    [
        *((379, 1), (341, 39), (180, 0)),
        *(pytest.param(*numbers, marks=pytest.mark.thorough) for numbers in ((345, 35), (200, 180), (0, 0))),
    ],
)
def test_fixtures_that_two_responses_miss_are_withdrawn_unless_most_are_missing(
    start: Start, left: int, withdrawn: int
) -> None:
    competition = competitions.league(20)
    trial = start(competition)
    trial.fixtures(SEASON)
    before = trial.requests_by_path["fixtures"]
    del competition.fixtures[left:]
    result = trial.fixtures(SEASON)
    assert len(result["withdrawn"]) == withdrawn
    assert len(result["missing"]) == 380 - left
    assert len(fixture_ids(trial)) == 380 - withdrawn
    assert trial.requests_by_path["fixtures"] - before == (1 if left >= 345 else 2)
    if not withdrawn:
        assert f"{380 - left} fixtures (" in fixtures_line(result) and "and kept" in fixtures_line(result)


@pytest.mark.parametrize(
    "dies_before",
    [
        *("", "withdraw_fixtures"),
        *(pytest.param(name, marks=pytest.mark.thorough) for name in ("store_fixtures", "update_tables")),
    ],
)
def test_a_season_whose_ids_were_all_replaced_is_in_the_lake_once(
    start: Start, monkeypatch: pytest.MonkeyPatch, dies_before: str
) -> None:
    competition = competitions.league(8)
    trial = start(competition)
    trial.ingest(SEASON)
    for item in competition.fixtures:
        item["fixture"]["id"] += 500_000
    if dies_before:

        def die(*_: Any) -> None:
            raise ProcessDied

        with monkeypatch.context() as patch, pytest.raises(ProcessDied):
            patch.setattr(etl_get_fixtures, dies_before, die)
            trial.fixtures(SEASON)
    trial.ingest(SEASON)
    assert fixture_ids(trial) == {item["fixture"]["id"] for item in competition.fixtures}
    assert len(trial.rows(s3_keys.STATISTICS)) == 56
    (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
    assert table["reconciled"] == "equal"


def test_a_postponed_match_with_a_new_id_replaces_the_old_one(start: Start) -> None:
    competition = competitions.league()
    old = competition.fixtures[0]
    result = old["goals"]
    old["fixture"]["status"]["short"], old["goals"] = "PST", {"home": None, "away": None}
    trial = start(competition)
    trial.fixtures(SEASON)
    new = json.loads(json.dumps(old))
    new["fixture"] |= {"id": 999_999, "status": {"long": "Match Finished", "short": "FT", "elapsed": 90}}
    new["fixture"]["date"], new["goals"] = "2024-03-06T19:45:00+00:00", result
    competition.fixtures[0] = new
    done = trial.fixtures(SEASON)
    assert done["withdrawn"] == [old["fixture"]["id"]]
    assert "now has the id 999999" in findings(trial, "withdrawn")[0]["text"]
    (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
    assert table["reconciled"] == "equal"


def test_a_match_under_two_ids_counts_with_its_result(start: Start) -> None:
    competition = competitions.with_doubled_match(days=20, status="PST")
    again = competition.fixtures[-1]
    again["goals"] = {"home": None, "away": None}
    trial = start(competition)
    result = trial.fixtures(SEASON)
    assert result["duplicates"] == [again["fixture"]["id"]]
    assert len({row["idFixture"] for row in trial.rows(s3_keys.TABLE_FIXTURES)}) == 15


def test_fixtures_of_another_season_are_left_out_and_reported(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    stranger = json.loads(json.dumps(competition.fixtures[0]))
    stranger["fixture"]["id"], stranger["league"]["id"] = 77, 40
    competition.fixtures.append(stranger)
    result = trial.fixtures(SEASON)
    assert result["broken"] == ["Fixture 77 is one of season 40-2023, which was not requested."]
    assert trial.keys(f"{s3_keys.FIXTURES}40-") == []
    assert "77" not in trial.text(s3_keys.table_fixtures(SEASON))
    (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
    assert table["reconciled"] == "equal"


# --- fixtures that cannot be used ---


def test_an_item_that_stays_broken_is_requested_again_only_once(start: Start) -> None:
    competition = competitions.league()
    broken = competition.fixtures[3]
    broken["goals"] = {"home": None, "away": None}
    trial = start(competition)
    assert len(trial.fixtures(SEASON)["broken"]) == 1
    assert trial.requests_by_path["fixtures"] == 3
    gone = competition.fixtures.pop(0)["fixture"]["id"]
    result = trial.fixtures(SEASON)
    assert trial.requests_by_path["fixtures"] == 4
    assert result["broken"][0].startswith(f"Fixture {broken['fixture']['id']} does not have the documented form")
    assert result["withdrawn"] == [gone]  # an item with an id hides no other fixture
    assert [text for text in findings(trial, "problem") if "documented form" in text["text"]]


def test_a_quota_that_ends_during_the_second_request_keeps_the_first_response(start: Start) -> None:
    competition = competitions.league()
    competition.fixtures[3]["goals"] = {"home": None, "away": None}
    trial = start(competition)
    result = etl_get_fixtures.fetch_fixtures(trial.store(), trial.api(budget=1), SEASON, None)
    assert (result["stopped"], len(result["broken"]), len(fixture_ids(trial))) == ("", 1, 29)


@pytest.mark.parametrize(
    "teams",
    [
        None,
        {"home": None, "away": None},
        {"home": {"id": 901, "name": "Alpha"}, "away": {"name": "TBD"}},
        {"home": {"id": 0, "name": "TBD"}, "away": {"id": 901, "name": "Alpha"}},
        {"home": {"id": 15000, "name": "TBD"}, "away": {"id": 15000, "name": "TBD"}},
    ],
)
def test_every_form_of_unknown_teams_costs_one_request(start: Start, teams: Any) -> None:
    competition = competitions.league()
    final = competition.add("Final", 901, 902, (None, None), week=30, status="NS")
    final["teams"] = teams
    trial = start(competition)
    result = trial.fixtures(SEASON)
    assert (result["broken"], result["undecided"], trial.requests_by_path["fixtures"]) == ([], 1, 1)
    assert "1 fixture with teams that are not known yet" in fixtures_line(result)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"long": "Match Finished", "short": "ft"}, "Match Finished"),
        ({"long": "", "short": " F.T. "}, "Match Finished"),
        ({"long": "Match Finished", "short": "Full Time"}, "Match Finished"),
        ({"long": "x", "short": "match finished"}, "Match Finished"),
        ({"long": "Match Finished", "short": None}, "Match Finished"),
        ({"long": "Match Postponed", "short": ""}, "Match Postponed"),
        ({"long": "Match Finished", "short": "XYZ"}, "Unknown (XYZ)"),
        ({"long": None, "short": None}, "Unknown (missing)"),
        (None, "Unknown (missing)"),
    ],
)
def test_a_status_in_any_form_keeps_its_fixture(start: Start, status: Any, text: str) -> None:
    competition = competitions.league()
    item = competition.fixtures[0]
    item["fixture"]["status"] = status
    trial = start(competition)
    result = trial.fixtures(SEASON)
    (row,) = [row for row in trial.rows(s3_keys.FIXTURES) if row["idFixture"] == str(item["fixture"]["id"])]
    assert (row["status"], result["broken"]) == (text, [])
    unknown = text.removeprefix("Unknown (").removesuffix(")")
    assert result["unknown_statuses"] == ({unknown: 1} if text.startswith("Unknown") else {})
    assert len(findings(trial, "unknown status")) == text.startswith("Unknown")
    (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
    assert table["reconciled"] in ("equal", "decided") or text == "Match Postponed"


@pytest.mark.parametrize("form", ["null", "zero", "three", "silent", "cancelled"])
def test_an_awarded_match_counts_as_the_standings_have_it(start: Start, form: str) -> None:
    trial = start(competitions.with_award(form))
    result = trial.fixtures(SEASON)
    assert (result["broken"], result["unreconciled"]) == ([], [])
    matches = [row for row in trial.rows(s3_keys.TABLE_FIXTURES) if row["idFixture"] == "39010"]
    assert [(row["goalsFor"], row["goalsAgainst"], row["lost"]) for row in matches] == [
        ("0", "3", "1"),
        ("3", "0", "0"),
    ]
    assert all(row["reason"] for row in matches) == (form != "three")


# --- weeks ---


def test_a_caught_up_match_stays_in_its_week_until_its_statistics_are_there(start: Start) -> None:
    competition = competitions.league()
    item, result = competition.fixtures[0], competition.fixtures[0]["goals"]
    item["fixture"]["status"]["short"], item["goals"] = "PST", {"home": None, "away": None}
    cancelled = competition.fixtures[1]
    cancelled["fixture"]["status"]["short"], cancelled["goals"] = "CANC", {"home": None, "away": None}
    trial = start(competition)
    trial.fixtures(SEASON)
    item["fixture"]["status"]["short"], item["goals"] = "FT", result
    window = Window(competition.start.date() + timedelta(days=7), competition.start.date() + timedelta(days=13))
    in_window = 3
    for _ in range(2):
        assert trial.fixtures(SEASON, window)["fixtures"] == in_window + 1
    assert trial.statistics(s3_keys.raw_fixtures(SEASON, window))["fetched"] == in_window + 1


# --- names of clubs ---


def test_damaged_raw_responses_are_replaced(start: Start) -> None:
    window = Window(AFTERWARDS.date(), AFTERWARDS.date())
    competition = competitions.league()
    trial = start(competition)
    trial.fixtures(SEASON, window)
    keys = (KEY, s3_keys.raw_standings(SEASON), s3_keys.raw_fixtures(SEASON, window))
    before = trial.processed()
    for key, text in zip(keys, ("{half", "[]", '{"response": null}'), strict=True):
        trial.store().overwrite(key, text)
    result = trial.fixtures(SEASON, window)
    assert (result["stopped"], result["official"], trial.processed()) == ("", True, before)
    assert len(json.loads(trial.text(KEY))["response"]) == len(competition.fixtures)


def test_an_edited_name_makes_no_later_run_read_other_seasons(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    trial.fixtures(SEASON)
    trial.store().put_if_changed(s3_keys.TEAMCODES, trial.text(s3_keys.TEAMCODES).replace(",Bravo", ",My Bravo"))
    other = s3_keys.raw_fixtures(Season(40, 2023))
    trial.store().overwrite(other, "not JSON")
    assert trial.fixtures(SEASON)["stopped"] == ""
    assert named(trial)["902"] == "My Bravo"
