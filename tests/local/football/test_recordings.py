"""Replay recorded seasons as of any time: the shared recordings, if present, and small ones made by the tests."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from footlake.errors import FootlakeError
from footlake.local.football.recordings import Recordings
from footlake.local.football.source import Fixture
from tests.support.football_server import served

SHARED = Path(os.environ.get("FOOTLAKE_RECORDINGS") or Path(__file__).parents[4] / "shared" / "api-football")
SNAPSHOTS = sorted(SHARED.glob("snapshots/*.json"))
AFTERWARDS = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = {"home": None, "away": None}

recorded = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared recordings are not here")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def kickoff(fixture: Fixture | None) -> datetime:
    assert fixture
    return datetime.fromisoformat(fixture["fixture"]["date"])


def shown(fixture: Fixture | None) -> tuple[str, str]:
    """Return the status and the date of a fixture."""
    assert fixture
    return fixture["fixture"]["status"]["short"], fixture["fixture"]["date"][:16]


def not_played(fixture: Fixture | None) -> bool:
    assert fixture
    return (
        fixture["goals"] == NOBODY
        and all(part == NOBODY for part in fixture["score"].values())
        and all(team["winner"] is None for team in fixture["teams"].values())
        and not any(fixture["fixture"]["periods"].values())
        and fixture["fixture"]["status"]["elapsed"] is None
    )


# --- the shared recordings ---


@pytest.fixture(scope="module")
def shared() -> Recordings:
    return Recordings(SHARED)


@recorded
@pytest.mark.parametrize("hour", [0, 9, 23])
@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.stem)
def test_future_matches_are_shown_as_in_the_snapshot_of_the_day(shared: Recordings, path: Path, hour: int) -> None:
    body = json.loads(path.read_text())
    snapshot = {one["fixture"]["id"]: one for one in body["response"]}
    now = at(path.stem[-10:]) + timedelta(hours=hour)
    season = body["response"][0]["league"]["season"]
    final = {one["fixture"]["id"]: one for one in shared.fixtures(39, season, AFTERWARDS)}
    answered = shared.fixtures(39, season, now)
    assert {one["fixture"]["id"] for one in answered} == set(snapshot)
    assert [kickoff(one) for one in answered] == sorted(kickoff(one) for one in answered)
    for fixture in answered:
        then, ended = snapshot[fixture["fixture"]["id"]], final[fixture["fixture"]["id"]]
        if kickoff(ended) + timedelta(hours=2) <= now:
            assert fixture == ended
        else:
            assert not_played(fixture)
            assert shared.statistics(fixture["fixture"]["id"], now) == []
            short = then["fixture"]["status"]["short"]
            if short == "NS" and kickoff(then) <= now:  # called off that very day
                then = ended
            assert fixture["fixture"]["date"] == then["fixture"]["date"]
            assert fixture["fixture"]["timestamp"] == then["fixture"]["timestamp"]
            assert shown(fixture)[0] == (short if short != "FT" else "NS")  # one was taken in the evening of its day


@recorded
@pytest.mark.parametrize(("season", "goals"), [(2019, 1034), (2020, 1024)])
def test_a_finished_season_is_returned_as_recorded(shared: Recordings, season: int, goals: int) -> None:
    fixtures = shared.fixtures(39, season, AFTERWARDS)
    assert fixtures == json.loads((SHARED / f"fixtures-{season}.json").read_text())["response"]
    assert sum(sum(one["goals"].values()) for one in fixtures) == goals
    statistics = json.loads((SHARED / f"statistics-{season}.json").read_text())
    for fixture in fixtures:
        one = fixture["fixture"]["id"]
        assert shared.statistics(one, AFTERWARDS) == statistics[str(one)]["response"]


@recorded
def test_no_result_is_shown_before_the_match_is_over(shared: Recordings) -> None:
    final = {one["fixture"]["id"]: one for one in shared.fixtures(39, 2020, AFTERWARDS)}
    now = at("2020-08-18T10:00")
    while now < at("2021-06-08"):
        for fixture in shared.fixtures(39, 2020, now):
            ended = final[fixture["fixture"]["id"]]
            if kickoff(ended) + timedelta(hours=2) <= now:
                assert fixture == ended
            else:
                assert not_played(fixture)
                assert shown(fixture)[0] in ("PST", "TBD") or kickoff(fixture) + timedelta(hours=2) > now
        now += timedelta(days=7)


@recorded
def test_both_recorded_seasons_are_listed(shared: Recordings) -> None:
    assert shared.seasons(AFTERWARDS) == [(39, 2019), (39, 2020)]
    assert shared.fixtures(39, 2021, AFTERWARDS) == []
    assert shared.fixtures(40, 2020, AFTERWARDS) == []


# --- recordings made here ---


def v3_fixture(
    fixture_id: int,
    date: str,
    status: str = "FT",
    league: int = 39,
    season: int = 2020,
    home_goals: int = 2,
    away_goals: int = 1,
) -> Fixture:
    played = status in ("FT", "AET", "ABD")
    kickoff_time = at(date)
    return {
        "fixture": {
            "id": fixture_id,
            "referee": "A. Referee",
            "timezone": "UTC",
            "date": kickoff_time.isoformat(),
            "timestamp": int(kickoff_time.timestamp()),
            "periods": {"first": 1, "second": 2} if played else {"first": None, "second": None},
            "venue": {"id": None, "name": "Ground", "city": "Town"},
            "status": {"long": status, "short": status, "elapsed": 90 if played else None, "extra": None},
        },
        "league": {"id": league, "name": "League", "country": "Here", "season": season, "round": "Regular Season - 1"},
        "teams": {
            "home": {"id": 1, "name": "One", "logo": "", "winner": True if played else None},
            "away": {"id": 2, "name": "Two", "logo": "", "winner": False if played else None},
        },
        "goals": {"home": home_goals, "away": away_goals} if played else NOBODY,
        "score": dict.fromkeys(("halftime", "fulltime", "extratime", "penalty"), NOBODY),
    }


def response(*fixtures: Any, **changes: Any) -> dict[str, Any]:
    return {"get": "fixtures", "parameters": {}, "errors": [], "results": len(fixtures), "response": fixtures} | changes


@pytest.fixture
def folder(tmp_path: Path) -> RecordingsFolder:
    return RecordingsFolder(tmp_path)


class RecordingsFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "snapshots").mkdir()

    def write(self, name: str, body: Any) -> RecordingsFolder:
        (self.path / name).write_text(body if isinstance(body, str) else json.dumps(body))
        return self

    def snapshot(self, day: str, *fixtures: Fixture) -> RecordingsFolder:
        return self.write(f"snapshots/seen-asof-{day}.json", response(*fixtures))

    def shown(self, now: str, fixture_id: int = 1) -> tuple[str, str]:
        return shown(Recordings(self.path).fixture(fixture_id, at(now)))


def test_league_and_season_are_read_from_the_content_not_the_file_name(folder: RecordingsFolder) -> None:
    folder.write("b.json", response(v3_fixture(1, "2020-10-01T15:00"), v3_fixture(2, "2021-09-01T15:00", season=2021)))
    folder.write("a.json", response(v3_fixture(3, "2020-10-02T15:00", league=78)))
    folder.write("numbers.json", {"1": {"response": [{"team": "home"}, {"team": "away"}]}})
    folder.write(
        "one.json", {"get": "fixtures/statistics", "parameters": {"fixture": "3"}, "response": [{"team": "only"}]}
    )
    source = Recordings(folder.path)
    assert source.seasons(AFTERWARDS) == [(39, 2020), (39, 2021), (78, 2020)]
    assert [one["fixture"]["id"] for one in source.fixtures(39, 2021, AFTERWARDS)] == [2]
    assert [one["fixture"]["id"] for one in source.fixtures(78, 2020, AFTERWARDS)] == [3]
    assert source.statistics(1, AFTERWARDS) == [{"team": "home"}, {"team": "away"}]
    assert source.statistics(2, AFTERWARDS) == []
    assert source.statistics(3, AFTERWARDS) == [{"team": "only"}]
    assert source.fixture(4, AFTERWARDS) is None
    assert source.statistics(4, AFTERWARDS) == []


def test_without_snapshots_a_match_is_not_started_at_its_final_date_until_it_is_over(folder: RecordingsFolder) -> None:
    folder.write("f.json", response(v3_fixture(1, "2020-10-01T15:00")))
    assert folder.shown("2020-01-01") == ("NS", "2020-10-01T15:00")
    assert folder.shown("2020-10-01T16:59") == ("NS", "2020-10-01T15:00")
    assert folder.shown("2020-10-01T17:00") == ("FT", "2020-10-01T15:00")


def test_a_snapshot_counts_from_the_first_minute_of_its_day_until_the_next(folder: RecordingsFolder) -> None:
    folder.write("f.json", response(v3_fixture(1, "2020-12-20T15:00")))
    folder.snapshot("2020-08-10", v3_fixture(1, "2020-12-05T15:00", "NS"))
    folder.snapshot("2020-11-10", v3_fixture(1, "2020-12-06T16:30", "NS"))
    assert folder.shown("2020-08-09T23:59") == ("NS", "2020-12-20T15:00")
    assert folder.shown("2020-08-10") == ("NS", "2020-12-05T15:00")
    assert folder.shown("2020-11-09T23:59") == ("NS", "2020-12-05T15:00")
    assert folder.shown("2020-11-10") == ("NS", "2020-12-06T16:30")


def test_a_match_not_played_at_its_announced_date_moves_to_the_final_date(folder: RecordingsFolder) -> None:
    folder.write("f.json", response(v3_fixture(1, "2020-12-20T15:00")))
    folder.snapshot("2020-08-10", v3_fixture(1, "2020-12-05T15:00", "NS"))
    assert folder.shown("2020-12-05T14:59") == ("NS", "2020-12-05T15:00")
    assert folder.shown("2020-12-05T15:00") == ("NS", "2020-12-20T15:00")


@pytest.mark.parametrize("status", ["PST", "TBD"])
def test_a_postponed_match_stays_postponed_until_a_later_snapshot(folder: RecordingsFolder, status: str) -> None:
    folder.write("f.json", response(v3_fixture(1, "2021-01-12T20:15")))
    folder.snapshot("2020-09-17", v3_fixture(1, "2020-09-12T14:00", status))
    assert folder.shown("2020-09-17") == (status, "2020-09-12T14:00")
    assert folder.shown("2021-01-12T22:14") == (status, "2020-09-12T14:00")
    assert folder.shown("2021-01-12T22:15") == ("FT", "2021-01-12T20:15")
    folder.snapshot("2020-12-30", v3_fixture(1, "2021-01-12T20:15", "NS"))
    assert folder.shown("2020-12-30") == ("NS", "2021-01-12T20:15")


def test_a_result_in_a_snapshot_is_not_shown(folder: RecordingsFolder) -> None:
    folder.write("f.json", response(v3_fixture(1, "2020-10-01T15:00")))
    folder.snapshot("2020-10-01", v3_fixture(1, "2020-10-01T15:00", "FT"))
    fixture = Recordings(folder.path).fixture(1, at("2020-10-01T10:00"))
    assert shown(fixture) == ("NS", "2020-10-01T15:00")
    assert not_played(fixture)


@pytest.mark.parametrize("status", ["PST", "CANC", "ABD"])
def test_an_unfinished_match_is_returned_as_recorded_once_its_date_has_passed(
    folder: RecordingsFolder, status: str
) -> None:
    final = v3_fixture(1, "2020-10-01T15:00", status)
    folder.write("f.json", response(final))
    assert Recordings(folder.path).fixture(1, at("2020-10-02")) == final
    early = Recordings(folder.path).fixture(1, at("2020-09-01"))
    assert shown(early) == ("NS", "2020-10-01T15:00")
    assert not_played(early)


def test_fixtures_come_in_order_of_the_dates_known_at_the_time(folder: RecordingsFolder) -> None:
    folder.write("f.json", response(v3_fixture(1, "2020-12-20T15:00"), v3_fixture(2, "2020-12-10T15:00")))
    folder.snapshot("2020-08-10", v3_fixture(1, "2020-12-05T15:00", "NS"))

    def order(now: str) -> list[int]:
        return [one["fixture"]["id"] for one in Recordings(folder.path).fixtures(39, 2020, at(now))]

    assert order("2020-08-01") == [2, 1]
    assert order("2020-08-10") == [1, 2]
    assert order("2020-12-31") == [2, 1]


def test_a_date_in_another_time_zone_is_understood(folder: RecordingsFolder) -> None:
    fixture = v3_fixture(1, "2020-10-01T15:00")
    fixture["fixture"]["date"] = "2020-10-01T17:00:00+02:00"
    folder.write("f.json", response(fixture))
    assert folder.shown("2020-10-01T16:59") == ("NS", "2020-10-01T15:00")
    assert folder.shown("2020-10-01T17:00")[0] == "FT"


def test_a_fixture_without_a_date_is_served_as_recorded(folder: RecordingsFolder) -> None:
    undated = v3_fixture(1, "2020-10-01T15:00", "TBD")
    undated["fixture"] |= {"date": None, "timestamp": None}
    folder.write("f.json", response(v3_fixture(2, "2020-10-01T15:00"), undated))
    folder.snapshot("2020-08-10", undated)
    window_parameters = {"league": 39, "season": 2020, "from": "2020-09-01", "to": "2020-12-31"}
    with served(Recordings(folder.path)) as api:
        season, window, numbered = (
            api.get("fixtures", **parameters).json()["response"]
            for parameters in ({"league": 39, "season": 2020}, window_parameters, {"ids": "1-2"})
        )
        (league,) = api.get("leagues", id=39).json()["response"]
    for fixtures in (season, numbered):
        assert [(one["fixture"]["id"], one["fixture"]["date"]) for one in fixtures] == [
            (1, None),
            (2, "2020-10-01T15:00:00+00:00"),
        ]
    assert [one["fixture"]["id"] for one in window] == [2]
    assert (league["seasons"][0]["start"], league["seasons"][0]["end"]) == ("2020-10-01", "2020-10-01")


def test_a_folder_without_fixtures_is_named_in_the_error(folder: RecordingsFolder) -> None:
    with pytest.raises(FootlakeError, match=str(folder.path)):
        Recordings(folder.path).seasons(AFTERWARDS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.json", '{"get": "fixtures", "response": [{"fixt'),
        ("binary.json", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
        ("list.json", "[1, 2]"),
        ("text.json", '"nothing"'),
        ("refused.json", json.dumps(response(errors={"plan": "Free plans do not have access to this season."}))),
        ("half.json", json.dumps(response({"fixture": {"id": 7, "date": "2020-10-01T15:00:00+00:00"}}))),
        ("undated.json", json.dumps(response(v3_fixture(1, "2020-10-01") | {"fixture": {"id": 7, "date": "soon"}}))),
        ("statistics.json", '{"one": {"response": []}}'),
        ("bare.json", '{"7": []}'),
    ],
)
def test_an_unusable_file_is_named_in_the_error(folder: RecordingsFolder, name: str, content: str) -> None:
    folder.write("good.json", response(v3_fixture(1, "2020-10-01T15:00")))
    folder.write(name, content)
    with pytest.raises(FootlakeError, match=name) as raised:
        Recordings(folder.path).fixtures(39, 2020, AFTERWARDS)
    assert raised.value.hint


def test_a_folder_named_like_a_file_is_named_in_the_error(folder: RecordingsFolder) -> None:
    (folder.path / "odd.json").mkdir()
    with pytest.raises(FootlakeError, match=r"odd\.json"):
        Recordings(folder.path).fixtures(39, 2020, AFTERWARDS)


@pytest.mark.parametrize("name", ["snapshots/undated.json", "snapshots/asof-2020-13-45.json"])
def test_a_snapshot_without_a_date_in_its_name_is_named_in_the_error(folder: RecordingsFolder, name: str) -> None:
    folder.write("f.json", response(v3_fixture(1, "2020-10-01T15:00")))
    folder.write(name, response(v3_fixture(1, "2020-10-01T15:00", "NS")))
    with pytest.raises(FootlakeError, match=Path(name).name):
        Recordings(folder.path).fixture(1, at("2020-09-01"))


def test_the_label_contains_the_folder(folder: RecordingsFolder) -> None:
    assert Recordings(folder.path).label == f"recordings from {folder.path}"
