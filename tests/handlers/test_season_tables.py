"""etlGetFixtures: standings and tables, withdrawn fixtures, second ids, unknown statuses, teams not known yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from footlake.handlers.pending_queue import PendingQueue
from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window
from footlake.local.football.faults import FaultSettings
from footlake.local.football.plans import ApiPlan
from tests.support import competitions
from tests.support.competitions import InventedCompetition
from tests.support.ingestion_trial import IngestionTrial, ingestion_trial

SEASON = Season(39, 2023)
KEY = s3_keys.raw_fixtures(SEASON)
AFTERWARDS = datetime(2024, 7, 1, tzinfo=UTC)


@dataclass
class CompetitionSource:
    """An invented competition as a source of the football API; its standings are a recorded body."""

    competition: InventedCompetition
    statistics_of: dict[int, Any] = field(default_factory=dict)
    label: str = "an invented competition"

    def seasons(self, now: datetime) -> list[Season]:
        return [SEASON]

    def fixtures(self, league: int, season: int, now: datetime) -> list[Any]:
        return json.loads(json.dumps(self.competition.fixtures)) if (league, season) == SEASON else []

    def fixture(self, fixture_id: int, now: datetime) -> Any:
        item = next((item for item in self.competition.fixtures if item["fixture"]["id"] == fixture_id), None)
        return json.loads(json.dumps(item))

    def statistics(self, fixture_id: int, now: datetime) -> list[Any]:
        types = ("Shots on Goal", "Shots insidebox", "Total Shots")
        numbers = [{"type": kind, "value": 5} for kind in types] + [{"type": "Ball Possession", "value": "50%"}]
        sides = self.fixture(fixture_id, now)["teams"]
        return [{"team": sides[side], "statistics": numbers} for side in ("home", "away")]

    def standings(self, league: int, season: int, now: datetime) -> list[Any]:
        response: list[Any] = self.competition.standings_body["response"]
        return response


@pytest.fixture
def start(client: Callable[[str], Any]) -> Iterator[Callable[..., IngestionTrial]]:
    running: list[AbstractContextManager[IngestionTrial]] = []

    def begin(competition: InventedCompetition, **settings: Any) -> IngestionTrial:
        trial = ingestion_trial(client("s3"), CompetitionSource(competition), AFTERWARDS, **settings)
        running.append(trial)
        return trial.__enter__()

    yield begin
    for trial in running:
        trial.__exit__(None, None, None)


Start = Callable[..., IngestionTrial]


def later(trial: IngestionTrial, **time: float) -> None:
    """Move the football API's clock."""
    trial.time.football_date = trial.time.football_now() + timedelta(**time)


def findings(trial: IngestionTrial, kind: str) -> list[dict[str, str]]:
    return [row for row in trial.rows(s3_keys.TABLE_FINDINGS) if row["finding"] == kind]


# --- standings ---


def test_official_points_reach_the_lake(start: Start) -> None:
    trial = start(competitions.with_deductions())
    result = trial.fixtures(SEASON)
    assert (result["tables"], result["official"], result["unreconciled"], result["standings_problem"]) == (
        (1, True, [], "")
    )
    (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
    assert (table["reconciled"], table["competition"], table["seasonLabel"]) == ("equal", "Invented League", "2023/24")
    rows = {row["team"]: row for row in trial.rows(s3_keys.STANDINGS)}
    assert (rows["Bravo"]["pointsAdjusted"], rows["Carmo"]["pointsAdjusted"]) == ("-8", "-4")
    assert len(trial.rows(s3_keys.TABLE_FIXTURES)) == 2 * 56
    assert trial.keys(s3_keys.RAW_STANDINGS) == [s3_keys.raw_standings(SEASON)]


def test_a_deduction_arrives_though_no_fixture_changes(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    trial.fixtures(SEASON)
    competition.tables[0][0]["points"] -= 6
    later(trial, hours=1)
    trial.fixtures(SEASON)
    assert "-6" in {row["pointsAdjusted"] for row in trial.rows(s3_keys.STANDINGS)}


def test_standings_are_not_requested_twice_an_hour_unless_a_fixture_changes(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    for _ in range(2):
        trial.fixtures(SEASON)
        later(trial, minutes=59)
    assert (trial.requests_by_path["fixtures"], trial.requests_by_path["standings"]) == (2, 1)
    competition.fixtures[0]["goals"]["home"] += 1
    trial.fixtures(SEASON)
    assert trial.requests_by_path["standings"] == 2


def test_a_refusal_of_standings_does_not_stop_the_fixtures(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition, plan=ApiPlan("Small", per_day=1, per_minute=9))
    result = trial.fixtures(SEASON)
    assert (result["stopped"], result["fixtures"], result["official"]) == ("", len(competition.fixtures), False)
    assert "daily request quota" in result["standings_problem"]
    assert [table["official"] for table in trial.rows(s3_keys.LEAGUE_TABLES)] == ["0"]
    assert trial.rows(s3_keys.FIXTURES)
    trial.time.advance_to_next_day()
    trial.plan = ApiPlan("Large", per_day=100, per_minute=9)
    assert trial.fixtures(SEASON)["official"]


def test_older_standings_stay_in_use(start: Start) -> None:
    competition = competitions.with_deductions()
    trial = start(competition)
    trial.fixtures(SEASON)
    before = trial.rows(s3_keys.STANDINGS)
    competition.tables = []
    later(trial, hours=2)
    result = trial.fixtures(SEASON)
    assert (result["official"], result["standings_problem"]) == (
        True,
        "API-Football has no standings of this season. The response has no tables.",
    )
    assert trial.rows(s3_keys.STANDINGS) == before


def test_a_limit_of_requests_includes_the_standings(start: Start) -> None:
    from footlake.handlers.etl_get_fixtures import fetch_fixtures

    trial = start(competitions.league())
    result = fetch_fixtures(trial.store(), trial.api(budget=1), SEASON, None)
    assert (result["stopped"], trial.requests, result["official"]) == ("", 1, False)
    assert "The limit of this call is reached" in result["standings_problem"]
    assert fetch_fixtures(trial.store(), trial.api(budget=2), SEASON, None)["official"]


def test_a_table_that_does_not_agree_is_reported(start: Start) -> None:
    competition = competitions.league()
    competition.tables[0][0]["all"]["goals"]["for"] += 3
    trial = start(competition)
    (text,) = trial.fixtures(SEASON)["unreconciled"]
    assert competition.tables[0][0]["team"]["name"] in text and "goals for" in text
    assert [finding["figure"] for finding in findings(trial, "difference")] == ["goals_for"]


# --- windows ---


def test_a_window_stores_the_season_but_is_followed_by_its_own_statistics_only(start: Start) -> None:
    competition = competitions.league()
    first = competition.start.date()
    window = Window(first, first + timedelta(days=6))
    trial = start(competition)
    trial.ingest(SEASON, window)
    in_window = [item for item in competition.fixtures if item["fixture"]["date"][:10] <= str(window.last)]
    stored = json.loads(trial.text(s3_keys.raw_fixtures(SEASON, window)))
    assert stored["response"] == in_window and stored["results"] == len(in_window)
    assert len(trial.rows(s3_keys.FIXTURES)) == len(competition.fixtures)
    head = trial.store().head(KEY)
    assert head and s3_keys.NO_FOLLOW_UP in head.metadata
    assert len(trial.rows(s3_keys.STATISTICS)) == len(in_window)


# --- withdrawn fixtures ---


def add_derived_rows(trial: IngestionTrial) -> None:
    """Write the team rows and predictions that Glue and the model would make."""
    for row in trial.rows(s3_keys.FIXTURES):
        part = s3_keys.part_of(SEASON, int(row["idFixture"]))
        for side, team in (("home", row["idHomeTeam"]), ("away", row["idAwayTeam"])):
            rows, predictions = s3_keys.team_rows(part, side), s3_keys.predictions(part, side)  # type: ignore[arg-type]
            header = "idfixture,idteam,goals,shotsongoal,shotsinsidebox,totalshots,ballpossession\n"
            text = trial.text(rows) or header
            trial.store().put_if_changed(rows, f"{text}{row['idFixture']},{team},1,1,1,1,50\n")
            text = trial.text(predictions)
            trial.store().put_if_changed(predictions, f"{text}{row['idFixture']},{team},1.5\n")


def test_a_fixture_that_the_season_no_longer_has_is_withdrawn_everywhere(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    trial.ingest(SEASON)
    add_derived_rows(trial)
    window = Window(competition.start.date(), competition.start.date() + timedelta(days=6))
    trial.fixtures(SEASON, window)
    PendingQueue(trial.store(), "etlGetStatistics").add(s3_keys.raw_fixtures(SEASON, window))
    gone = competition.fixtures.pop(0)["fixture"]["id"]
    result = trial.fixtures(SEASON)
    assert (result["missing"], result["withdrawn"]) == ([gone], [gone])
    processed = {key: text for key, text in trial.processed().items() if str(gone) in text}
    assert [*processed] == [s3_keys.table_findings(SEASON)]
    assert [finding["idFixture"] for finding in findings(trial, "withdrawn")] == [str(gone)]
    assert str(gone) not in trial.text(s3_keys.raw_fixtures(SEASON, window))
    assert trial.fixtures(SEASON)["withdrawn"] == []
    assert [finding["idFixture"] for finding in findings(trial, "withdrawn")] == [str(gone)]


def test_a_part_without_rows_keeps_its_fixtures_object_but_has_no_team_rows(start: Start) -> None:
    competition = competitions.league()
    for number, item in enumerate(competition.fixtures):
        item["fixture"]["id"] = 1000 + 10 * number
    trial = start(competition)
    trial.ingest(SEASON)
    add_derived_rows(trial)
    gone = competition.fixtures.pop(0)["fixture"]["id"]
    trial.fixtures(SEASON)
    part = s3_keys.part_of(SEASON, gone)
    assert trial.text(s3_keys.fixtures(part)).count("\n") == 1
    assert trial.text(s3_keys.team_rows(part, "home")) == trial.text(s3_keys.predictions(part, "home")) == ""


def test_a_withdrawn_fixture_that_returns_is_ingested_again(start: Start) -> None:
    competition = competitions.league()
    trial = start(competition)
    trial.ingest(SEASON)
    item = competition.fixtures.pop(0)
    trial.ingest(SEASON)
    competition.fixtures.insert(0, item)
    trial.ingest(SEASON)
    ids = {int(row["idFixture"]) for row in trial.rows(s3_keys.STATISTICS)}
    assert item["fixture"]["id"] in ids
    assert findings(trial, "withdrawn") == []


@pytest.mark.parametrize("how", ["half gone", "broken item"])
def test_an_implausible_response_withdraws_nothing(start: Start, how: str) -> None:
    competition = competitions.league()
    trial = start(competition)
    trial.ingest(SEASON)
    before = len(competition.fixtures)
    if how == "half gone":
        del competition.fixtures[: before // 2 + 1]
    else:
        del competition.fixtures[0]["fixture"]["id"]
    later(trial, hours=2)
    result = trial.fixtures(SEASON)
    assert result["withdrawn"] == []
    assert len(result["missing"]) == (before // 2 + 1 if how == "half gone" else 1)
    assert len(trial.rows(s3_keys.FIXTURES)) == len(json.loads(trial.text(KEY))["response"]) - (how == "broken item")
    assert len(trial.rows(s3_keys.FIXTURES)) == before
    (table,) = trial.rows(s3_keys.LEAGUE_TABLES)
    assert table["reconciled"] == "equal"
    assert findings(trial, "problem")


def test_a_truncated_response_stops_and_keeps_everything(start: Start) -> None:
    trial = start(competitions.league())
    trial.ingest(SEASON)
    before = trial.processed()
    trial.behaviour = FaultSettings(failures={"truncated": 1.0})
    assert trial.fixtures(SEASON)["stopped"] == "Unavailable"
    assert trial.processed() == before


# --- identity, statuses, names, teams that are not known yet ---


def test_the_same_match_under_two_ids_counts_once(start: Start) -> None:
    competition = competitions.with_doubled_match()
    competition.tables = []
    trial = start(competition)
    (dropped,) = trial.fixtures(SEASON)["duplicates"]
    assert str(dropped) not in {row["idFixture"] for row in trial.rows(s3_keys.TABLE_FIXTURES)}
    assert [finding["idFixture"] for finding in findings(trial, "duplicate")] == [str(dropped)]


def test_unknown_statuses_are_counted_and_kept_and_case_does_not_matter(start: Start) -> None:
    competition = competitions.league()
    for item, status in zip(competition.fixtures, ("Ft", "XYZ", "XYZ"), strict=False):
        item["fixture"]["status"]["short"] = status
    trial = start(competition)
    assert trial.fixtures(SEASON)["unknown_statuses"] == {"XYZ": 2}
    statuses = [row["status"] for row in trial.rows(s3_keys.FIXTURES)]
    assert (statuses.count("Unknown (XYZ)"), statuses[0]) == (2, "Match Finished")
    assert [finding["text"] for finding in findings(trial, "unknown status")] == ["2 fixtures with status XYZ."]


@pytest.mark.parametrize("team", [None, {"id": None, "name": None}, {"id": None, "name": "Winner SF 1"}])
def test_fixtures_whose_teams_are_not_known_cost_no_further_request(start: Start, team: Any) -> None:
    competition = competitions.league()
    final = competition.add("Final", 901, 902, (None, None), week=30, status="TBD")
    final["teams"]["away"] = team
    trial = start(competition)
    result = trial.fixtures(SEASON)
    assert (result["broken"], result["undecided"], trial.requests_by_path["fixtures"]) == ([], 1, 1)
    ids = {row["idFixture"] for row in trial.rows(s3_keys.FIXTURES)}
    assert str(final["fixture"]["id"]) not in ids and len(ids) == len(competition.fixtures) - 1
    final["teams"]["away"] = {"id": 902, "name": "Bravo", "winner": None}
    trial.fixtures(SEASON)
    assert str(final["fixture"]["id"]) in {row["idFixture"] for row in trial.rows(s3_keys.FIXTURES)}


def test_a_club_gets_its_newest_name_unless_a_user_changed_it(start: Start) -> None:
    def rename(name: str, club: int, items: list[Any]) -> None:
        for item in items:
            for team in item["teams"].values():
                if team["id"] == club:
                    team["name"] = name

    competition = competitions.league()
    rename("Uni&atilde;o &amp; Irm&atilde;os", 901, competition.fixtures)
    trial = start(competition)
    trial.fixtures(SEASON)
    assert named(trial)["901"] == "União & Irmãos"
    trial.store().put_if_changed(s3_keys.TEAMCODES, trial.text(s3_keys.TEAMCODES).replace(",Bravo", ",My Bravo"))
    for club in (901, 902):
        rename(f"Renamed {club}", club, competition.fixtures[-10:])
    trial.fixtures(SEASON)
    assert (named(trial)["901"], named(trial)["902"]) == ("Renamed 901", "My Bravo")


def named(trial: IngestionTrial) -> dict[str, str]:
    return {row["idTeam"]: row["name"] for row in trial.rows(s3_keys.TEAMCODES)}
