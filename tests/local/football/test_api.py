"""Request the local football API over HTTP: envelope, parameters, plans, quotas and clock."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from importlib import resources
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from footlake.local.football.plans import FREE, ApiPlan
from footlake.local.football.recordings import Recordings
from footlake.local.football.simulator import Simulator
from footlake.local.football.source import Fixture
from tests.support.football_server import NOW, ApiClient, served

NO_KEY = (
    "Error/Missing application key. Go to https://www.api-football.com/documentation-v3 "
    "to learn how to get your API application key."
)


@pytest.fixture(scope="module")
def api() -> Iterator[ApiClient]:
    unlimited = ApiPlan("Pro", per_day=10**6, per_minute=10**6)
    with served(Simulator(), unlimited) as api:
        yield api


def ids(fixtures: list[Fixture]) -> list[int]:
    return [one["fixture"]["id"] for one in fixtures]


def dates(fixtures: list[Fixture]) -> list[str]:
    return [one["fixture"]["date"][:10] for one in fixtures]


# --- the envelope ---


def test_an_answer_has_the_envelope_of_v3(api: ApiClient) -> None:
    body = api.get("fixtures", league=39, season=2020).json()
    assert list(body) == ["get", "parameters", "errors", "results", "paging", "response"]
    assert body["get"] == "fixtures"
    assert body["parameters"] == {"league": "39", "season": "2020"}
    assert body["errors"] == []
    assert body["results"] == len(body["response"]) == 380
    assert body["paging"] == {"current": 1, "total": 1}


@pytest.mark.parametrize("headers", [{"x-apisports-key": "k"}, {"x-rapidapi-key": "k"}])
def test_both_key_headers_are_accepted(api: ApiClient, headers: dict[str, str]) -> None:
    assert api.get("fixtures", headers=headers, id=39_020_000).json()["results"] == 1


@pytest.mark.parametrize("headers", [{}, {"x-apisports-key": ""}])
@pytest.mark.parametrize("path", ["fixtures", "status", "nonsense"])
def test_a_request_without_a_key_is_rejected(api: ApiClient, path: str, headers: dict[str, str]) -> None:
    answer = api.get(path, headers=headers, id=123)
    assert answer.status_code == 200
    assert answer.json() == {
        "get": path,
        "parameters": {"id": "123"},
        "errors": {"token": NO_KEY},
        "results": 0,
        "paging": {"current": 0, "total": 0},
        "response": [],
    }


def test_the_date_header_is_the_football_time(api: ApiClient) -> None:
    assert parsedate_to_datetime(api.get("status").headers["Date"]) == NOW
    assert len(api.get("status").raw.headers.getlist("Date")) == 1


def test_the_date_header_is_in_gmt_whatever_zone_the_clock_is_in() -> None:
    with served(Simulator()) as api:
        api.now = NOW.astimezone(timezone(timedelta(hours=-5)))
        assert api.get("status").headers["Date"] == "Thu, 03 Dec 2020 10:30:00 GMT"


# --- fixtures ---


def test_the_clock_determines_which_matches_are_finished(api: ApiClient) -> None:
    fixtures = api.response("fixtures", league=39, season=2020)
    for fixture in fixtures:
        ended = datetime.fromisoformat(fixture["fixture"]["date"]) + timedelta(hours=2) <= NOW
        short = fixture["fixture"]["status"]["short"]
        assert short == "FT" if ended and short != "PST" else short in ("NS", "PST")
        assert (fixture["goals"]["home"] is None) == (short != "FT")
    assert 100 < sum(one["fixture"]["status"]["short"] == "FT" for one in fixtures) < 150


def test_fixtures_come_by_date(api: ApiClient) -> None:
    fixtures = api.response("fixtures", league=39, season=2020)
    timestamps = [one["fixture"]["timestamp"] for one in fixtures]
    assert timestamps == sorted(timestamps)


def test_from_and_to_include_both_days(api: ApiClient) -> None:
    whole = api.response("fixtures", league=39, season=2020)
    window = api.response("fixtures", league=39, season=2020, from_="2020-11-21", to="2020-11-28")
    assert window == [one for one in whole if "2020-11-21" <= one["fixture"]["date"][:10] <= "2020-11-28"]
    assert {"2020-11-21", "2020-11-28"} <= set(dates(window))


def test_a_window_that_ends_before_it_begins_is_empty(api: ApiClient) -> None:
    assert api.response("fixtures", league=39, season=2020, from_="2020-11-28", to="2020-11-21") == []


def test_one_day_of_all_leagues(api: ApiClient) -> None:
    fixtures = api.response("fixtures", date="2020-11-21")
    assert set(dates(fixtures)) == {"2020-11-21"}
    assert len({one["league"]["id"] for one in fixtures}) > 3


def test_team_and_status_narrow_a_season(api: ApiClient) -> None:
    played = api.response("fixtures", league=39, season=2020, team=42, status="FT")
    assert all(42 in (one["teams"]["home"]["id"], one["teams"]["away"]["id"]) for one in played)
    assert {one["fixture"]["status"]["short"] for one in played} == {"FT"}
    both = api.response("fixtures", league=39, season=2020, team=42, status="FT-NS-PST")
    assert len(both) == 38 > len(played)


def test_a_team_is_found_without_its_league(api: ApiClient) -> None:
    found = api.response("fixtures", team=42, season=2020)
    assert found == api.response("fixtures", league=39, season=2020, team=42)


def test_a_time_zone_moves_dates_and_days(api: ApiClient) -> None:
    utc = api.response("fixtures", league=39, season=2020, from_="2020-08-01", to="2020-11-30")
    late = next(one for one in utc if one["fixture"]["date"][11:16] == "20:00")
    there = api.response("fixtures", id=late["fixture"]["id"], timezone="Asia/Tokyo")[0]
    assert there["fixture"]["timezone"] == "Asia/Tokyo"
    assert there["fixture"]["date"].endswith("T05:00:00+09:00")
    assert there["fixture"]["timestamp"] == late["fixture"]["timestamp"]
    next_day = there["fixture"]["date"][:10]
    on_that_day = api.response("fixtures", league=39, season=2020, date=next_day, timezone="Asia/Tokyo")
    assert late["fixture"]["id"] in ids(on_that_day)
    assert late["fixture"]["id"] not in ids(api.response("fixtures", league=39, season=2020, date=next_day))


def test_by_ids_fixtures_come_with_their_statistics(api: ApiClient) -> None:
    some = ids(api.response("fixtures", league=39, season=2020, status="FT"))[:20]
    items = api.response("fixtures", ids="-".join(map(str, some)))
    assert sorted(ids(items)) == sorted(some)
    for item in items:
        assert list(item)[-4:] == ["events", "lineups", "statistics", "players"]
        assert item["statistics"] == api.response("fixtures/statistics", fixture=item["fixture"]["id"])
        assert len(item["statistics"]) == 2
        assert item["events"] == item["lineups"] == item["players"] == []


def test_by_id_one_fixture_comes_with_its_statistics(api: ApiClient) -> None:
    (item,) = api.response("fixtures", id=39_020_000)
    assert item["fixture"]["id"] == 39_020_000
    assert len(item["statistics"]) == 2


def test_ids_that_are_unknown_or_repeated_are_left_out(api: ApiClient) -> None:
    assert ids(api.response("fixtures", ids="39020001-5-39020001")) == [39_020_001]


@pytest.mark.parametrize("parameters", [{"league": 1, "season": 2020}, {"league": 39, "season": 1999}, {"id": 5}])
def test_unknown_leagues_seasons_and_ids_give_an_empty_response(api: ApiClient, parameters: dict[str, Any]) -> None:
    assert api.response("fixtures", **parameters) == []


def test_a_list_of_fixtures_carries_no_statistics(api: ApiClient) -> None:
    assert "statistics" not in api.response("fixtures", league=39, season=2020)[0]


# --- statistics ---


def test_statistics_of_one_match(api: ApiClient) -> None:
    home, away = api.response("fixtures/statistics", fixture=39_020_000)
    (fixture,) = api.response("fixtures", id=39_020_000)
    assert (home["team"]["id"], away["team"]["id"]) == tuple(team["id"] for team in fixture["teams"].values())
    assert api.response("fixtures/statistics", fixture=39_020_000, team=away["team"]["id"]) == [away]
    assert api.response("fixtures/statistics", fixture=39_020_000, team=1) == []


def test_a_match_still_to_come_has_no_statistics(api: ApiClient) -> None:
    body = api.get("fixtures/statistics", fixture=39_020_379).json()
    assert (body["get"], body["errors"], body["results"], body["response"]) == ("fixtures/statistics", [], 0, [])


# --- leagues, teams, status ---


def test_a_league_lists_its_seasons_and_the_current_one(api: ApiClient) -> None:
    (league,) = api.response("leagues", id=39)
    assert league["league"] == {
        "id": 39,
        "name": "Premier League (simulated)",
        "type": "League",
        "logo": "https://media.api-sports.io/football/leagues/39.png",
    }
    assert league["country"]["name"] == "England"
    assert [one["year"] for one in league["seasons"]] == list(range(2010, 2021))
    assert [one["year"] for one in league["seasons"] if one["current"]] == [2020]
    last = league["seasons"][-1]
    assert last["start"].startswith("2020-08") and last["end"].startswith("2021-05")
    assert last["coverage"]["fixtures"]["statistics_fixtures"] is True


def test_leagues_can_be_narrowed_to_a_season(api: ApiClient) -> None:
    leagues = api.response("leagues", season=2019)
    assert len(leagues) > 3
    assert all([one["year"] for one in league["seasons"]] == [2019] for league in leagues)
    assert api.response("leagues", id=1) == []


def test_the_teams_of_a_season_have_the_codes_of_the_original_walk_through(api: ApiClient) -> None:
    teams = api.response("teams", league=39, season=2020)
    text = resources.files("footlake").joinpath("data/teamcodes.csv").read_text(encoding="utf-8")
    rows = [(int(row["idTeam"]), row["code"], row["name"]) for row in csv.DictReader(text.splitlines())]
    assert [(one["team"]["id"], one["team"]["code"], one["team"]["name"]) for one in teams] == rows
    assert len(rows) == 20
    assert api.response("teams", league=39, season=1999) == []
    codes = {one["team"]["name"]: one["team"]["code"] for one in api.response("teams", league=39, season=2019)}
    assert codes["Norwich"] is None


def test_status_reports_plan_requests_and_source_and_does_not_count() -> None:
    with served(Simulator()) as api:
        api.get("fixtures", id=1)
        for _ in range(2):
            body = api.get("status").json()
        assert body["response"]["subscription"]["plan"] == "Pro"
        assert body["response"]["subscription"]["active"] is True
        assert body["response"]["requests"] == {"current": 1, "limit_day": 7500}
        assert body["response"]["source"] == "simulated league"
        assert (body["parameters"], body["results"]) == ([], 1)


# --- wrong parameters ---


@pytest.mark.parametrize(
    ("path", "parameters", "errors"),
    [
        ("fixtures", {}, {"required": "At least one parameter is required."}),
        ("teams", {}, {"required": "At least one parameter is required."}),
        ("fixtures/statistics", {}, {"fixture": "The Fixture field is required."}),
        ("fixtures", {"id": 1, "foo": 2}, {"foo": "The Foo field do not exist."}),
        (
            "teams",
            {"season": 2021, "leaguee": 123},
            {"league": "The League field is required.", "leaguee": "The Leaguee field do not exist."},
        ),
        ("fixtures", {"team": 3453}, {"season": "The Season field is required."}),
        ("fixtures", {"league": 39, "date": "2020-09-12"}, {"season": "The Season field is required."}),
        ("fixtures", {"season": 2020}, {"season": "The Season field need another parameter."}),
        (
            "fixtures",
            {"from_": "2024-03-21", "to": "2024-03-23"},
            {"from": "The From field need another parameter.", "to": "The To field need another parameter."},
        ),
        ("fixtures", {"league": 39, "season": 2020, "from_": "2020-09-12"}, {"to": "The To field is required."}),
        ("fixtures", {"league": 39, "season": 2020, "to": "2020-09-12"}, {"from": "The From field is required."}),
        ("leagues", {"season": "aaaa"}, {"season": "The Season field must contain an integer."}),
        (
            "fixtures",
            {"league": 39, "season": 20},
            {"season": "The Season field must be at least 4 characters in length."},
        ),
        (
            "fixtures",
            {"league": 39, "season": 20200},
            {"season": "The Season field cannot exceed 4 characters in length."},
        ),
        ("fixtures", {"id": "-1"}, {"id": "The Id field must contain an integer."}),
        ("fixtures", {"id": "²"}, {"id": "The Id field must contain an integer."}),
        ("fixtures", {"id": ""}, {"id": "The Id field must contain an integer."}),
        ("fixtures", {"date": "2020-13-01"}, {"date": "The Date field must contain a valid date."}),
        ("fixtures", {"date": "20200912"}, {"date": "The Date field must contain a valid date."}),
        ("fixtures", {"ids": "1--2"}, {"ids": "The Ids field is not in the correct format."}),
        ("fixtures", {"ids": "-".join(map(str, range(21)))}, {"ids": "The Ids field cannot exceed 20 ids."}),
        (
            "fixtures",
            {"id": 1, "timezone": "Europe/Atlantis"},
            {"timezone": "The Timezone field must be a valid timezone."},
        ),
        ("nonsense", {}, {"endpoint": "This endpoint do not exist."}),
    ],
)
def test_invalid_parameters_are_rejected_with_the_messages_of_the_api(
    api: ApiClient, path: str, parameters: dict[str, Any], errors: dict[str, str]
) -> None:
    assert api.errors(path, **parameters) == errors


def test_unusable_recordings_are_reported_to_the_client(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text("{")
    with served(Recordings(tmp_path)) as api:
        assert "cut.json" in api.errors("fixtures", league=39, season=2020)["source"]


# --- plans and quotas ---


def test_the_free_plan_has_no_ids() -> None:
    with served(Simulator(), FREE) as api:
        refusal = {"plan": "Free plans do not have access to the Ids parameter."}
        assert api.errors("fixtures", ids="39022000-39022001") == refusal
        assert api.get("status").json()["response"]["requests"]["current"] == 1  # the rejected request counts
        assert len(api.response("fixtures", id=39_022_000)) == 1


@pytest.mark.parametrize(("season", "allowed"), [(2021, False), (2022, True), (2024, True), (2025, False)])
def test_the_free_plan_has_three_seasons(season: int, allowed: bool) -> None:
    with served(Simulator(), FREE) as api:
        if allowed:
            assert len(api.response("fixtures", league=39, season=season)) == 380
        else:
            refusal = {"plan": "Free plans do not have access to this season, try from 2022 to 2024."}
            assert api.errors("fixtures", league=39, season=season) == refusal


def test_the_free_plan_sees_yesterday_to_tomorrow() -> None:
    with served(Simulator(), FREE) as api:
        refusal = {"plan": "Free plans do not have access to this date, try from 2020-12-02 to 2020-12-04."}
        assert api.errors("fixtures", date="2020-12-05") == refusal
        assert api.errors("fixtures", date="2020-12-01") == refusal
        for day in ("2020-12-02", "2020-12-03", "2020-12-04"):
            api.response("fixtures", date=day)


def limits(answer: requests.Response) -> tuple[int, ...]:
    names = (
        "x-ratelimit-requests-limit",
        "x-ratelimit-requests-remaining",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
    )
    return tuple(int(answer.headers[name]) for name in names)


def test_every_response_has_the_remaining_quota_in_its_headers() -> None:
    with served(Simulator()) as api:
        assert limits(api.get("fixtures", id=1)) == (7500, 7499, 300, 299)
        assert limits(api.get("fixtures")) == (7500, 7498, 300, 298)
        assert limits(api.get("fixtures", headers={}, id=1)) == (7500, 7498, 300, 298)
        api.real_seconds += 60
        assert limits(api.get("status")) == (7500, 7498, 300, 300)


def test_too_many_requests_in_a_minute_are_a_429_until_the_minute_is_over() -> None:
    with served(Simulator(), ApiPlan("Small", per_day=100, per_minute=2)) as api:
        for _ in range(2):
            api.response("fixtures", id=1)
        answer = api.get("fixtures", id=1)
        assert answer.status_code == 429
        assert answer.json()["errors"] == {
            "rateLimit": "Too many requests. You have exceeded the limit of requests per minute of your subscription."
        }
        assert limits(answer) == (100, 98, 2, 0)
        api.real_seconds += 60
        api.response("fixtures", id=1)


def test_the_exceeded_daily_quota_is_an_error_with_status_200_until_the_next_real_day() -> None:
    with served(Simulator(), ApiPlan("Small", per_day=2, per_minute=10)) as api:
        for _ in range(2):
            api.response("fixtures", id=1)
        assert api.errors("fixtures", id=1) == {
            "requests": "You have reached the request limit for the day, "
            "Go to https://dashboard.api-football.com to upgrade your plan."
        }
        assert api.get("status").json()["response"]["requests"] == {"current": 2, "limit_day": 2}
        api.now += timedelta(days=1)  # quotas depend on real time only
        assert api.errors("fixtures", id=1)
        api.real_seconds += 86_400
        api.response("fixtures", id=1)


def test_threads_share_one_quota() -> None:
    with served(Simulator(), ApiPlan("Small", per_day=1000, per_minute=1000)) as api:
        threads = [Thread(target=lambda: [api.get("fixtures", id=1) for _ in range(5)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert api.get("status").json()["response"]["requests"]["current"] == 40


# --- recordings behind it ---


def test_recordings_are_answered_over_http() -> None:
    folder = Path(os.environ.get("FOOTLAKE_RECORDINGS") or Path(__file__).parents[4] / "shared" / "api-football")
    if not folder.is_dir():
        pytest.skip("the shared recordings are not here")
    with served(Recordings(folder)) as api:
        assert api.get("status").json()["response"]["source"] == f"recordings from {folder}"
        week = api.response("fixtures", league=39, season=2020, from_="2020-11-26", to="2020-12-09")
        assert {one["fixture"]["status"]["short"] for one in week} == {"FT", "NS", "PST"}
        (league,) = api.response("leagues", id=39)
        assert [one["year"] for one in league["seasons"] if one["current"]] == [2020]
        assert len(api.response("teams", league=39, season=2020)) == 20
        postponed = api.response("fixtures", league=39, season=2020, status="PST")
        assert 592_141 in ids(postponed)
        assert api.response("fixtures/statistics", fixture=592_141) == []
