"""Simulate a league: calendar, statistics, and which of them are visible at a given time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import correlation, mean, stdev
from typing import Any

import pytest

from footlake.lake.s3_keys import Season
from footlake.local.football.simulator import Simulator, is_simulated
from footlake.local.football.source import Fixture, Source

TeamRow = dict[str, Any]

LATER = datetime(2030, 7, 1, tzinfo=UTC)
TYPES = [
    "Shots on Goal",
    "Shots off Goal",
    "Total Shots",
    "Blocked Shots",
    "Shots insidebox",
    "Shots outsidebox",
    "Fouls",
    "Corner Kicks",
    "Offsides",
    "Ball Possession",
    "Yellow Cards",
    "Red Cards",
    "Goalkeeper Saves",
    "Total passes",
    "Passes accurate",
    "Passes %",
]
EVERY_LEAGUE = sorted({season.league for season in Simulator().seasons(LATER)})


def kickoff(fixture: Fixture | None) -> datetime:
    assert fixture
    return datetime.fromisoformat(fixture["fixture"]["date"])


def status(fixture: Fixture | None) -> str:
    assert fixture
    return str(fixture["fixture"]["status"]["short"])


def team_rows(source: Source, year: int, league: int = 39) -> list[TeamRow]:
    """Return each team's match as a dict: goals, home or away, and its statistics as numbers."""
    rows = []
    for fixture in source.fixtures(league, year, LATER):
        for side, team in zip(("home", "away"), source.statistics(fixture["fixture"]["id"], LATER), strict=True):
            assert team["team"]["id"] == fixture["teams"][side]["id"]
            values = {one["type"]: one["value"] for one in team["statistics"]}
            numbers = {name: float(str(value or 0).rstrip("%")) for name, value in values.items()}
            rows.append({"goals": fixture["goals"][side], "side": side, "raw": values, **numbers})
    return rows


def opponents(rows: list[TeamRow]) -> list[TeamRow]:
    return [rows[at + 1 - 2 * (at % 2)] for at in range(len(rows))]


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator()


@pytest.mark.parametrize("league", EVERY_LEAGUE)
def test_each_team_plays_each_other_team_home_and_away(simulator: Simulator, league: int) -> None:
    fixtures = simulator.fixtures(league, 2021, LATER)
    pairs = [(one["teams"]["home"]["id"], one["teams"]["away"]["id"]) for one in fixtures]
    teams = {home for home, _ in pairs}
    assert len(teams) % 2 == 0
    assert sorted(pairs) == sorted((home, away) for home in teams for away in teams if home != away)


@pytest.mark.parametrize("league", EVERY_LEAGUE)
@pytest.mark.parametrize("year", [2010, 2019, 2020, 2100])
def test_a_season_lasts_from_august_to_may_with_two_days_between_matches(
    simulator: Simulator, league: int, year: int
) -> None:
    days = defaultdict(list)
    for fixture in simulator.fixtures(league, year, datetime(2102, 1, 1, tzinfo=UTC)):
        assert datetime(year, 8, 1, tzinfo=UTC) < kickoff(fixture) < datetime(year + 1, 6, 1, tzinfo=UTC)
        for team in fixture["teams"].values():
            days[team["id"]].append(kickoff(fixture))
    for matches in days.values():
        for one, next_one in pairwise(sorted(matches)):
            assert next_one - one >= timedelta(hours=48)


def test_rounds_are_named_and_ids_ascend_with_them(simulator: Simulator) -> None:
    fixtures = sorted(simulator.fixtures(39, 2020, LATER), key=lambda one: one["fixture"]["id"])
    rounds = [int(one["league"]["round"].removeprefix("Regular Season - ")) for one in fixtures]
    assert rounds == sorted(rounds)
    assert Counter(rounds) == dict.fromkeys(range(1, 39), 10)


def test_no_team_plays_more_than_three_times_running_at_home(simulator: Simulator) -> None:
    fixtures = sorted(simulator.fixtures(39, 2020, LATER), key=lambda one: one["fixture"]["id"])
    where: defaultdict[int, str] = defaultdict(str)
    for fixture in fixtures:
        where[fixture["teams"]["home"]["id"]] += "h"
        where[fixture["teams"]["away"]["id"]] += "a"
    assert not [places for places in where.values() if "hhhh" in places or "aaaa" in places]


def test_ids_are_unique_fit_a_mysql_int_and_lead_back_to_their_fixture(simulator: Simulator) -> None:
    ids = [
        one["fixture"]["id"]
        for league in EVERY_LEAGUE
        for year in (2010, 2020, 2021, 2100)
        for one in simulator.fixtures(league, year, LATER)
    ]
    assert len(set(ids)) == len(ids)
    assert max(ids) < 2**31
    for fixture in simulator.fixtures(78, 2021, LATER)[::17]:
        assert simulator.fixture(fixture["fixture"]["id"], LATER) == fixture


@pytest.mark.parametrize("unknown", [0, -1, 7, 39_020_380, 39_005_000, 38_020_000, 39_101_000, 10**12])
def test_an_unknown_id_has_neither_fixture_nor_statistics(simulator: Simulator, unknown: int) -> None:
    assert simulator.fixture(unknown, LATER) is None
    assert simulator.statistics(unknown, LATER) == []


@pytest.mark.parametrize(("league", "year"), [(39, 2009), (39, 2101), (38, 2020), (0, 2020)])
def test_an_unknown_league_or_season_is_empty(simulator: Simulator, league: int, year: int) -> None:
    assert simulator.fixtures(league, year, LATER) == []


def test_the_premier_league_of_2020_has_its_twenty_clubs_and_each_season_swaps_three(simulator: Simulator) -> None:
    def clubs(year: int) -> set[tuple[int, str]]:
        return {
            (one["teams"]["home"]["id"], one["teams"]["home"]["name"]) for one in simulator.fixtures(39, year, LATER)
        }

    assert {(33, "Manchester United"), (36, "Fulham"), (62, "Sheffield Utd")} < clubs(2020)
    assert clubs(2019) - clubs(2020) == {(71, "Norwich"), (35, "Bournemouth"), (38, "Watford")}
    assert clubs(2020) - clubs(2019) == {(36, "Fulham"), (60, "West Brom"), (63, "Leeds")}
    for year in range(2010, 2030):
        assert len(clubs(year)) == 20
        assert len(clubs(year) - clubs(year + 1)) == 3


def test_names_of_clubs_are_unique_across_leagues(simulator: Simulator) -> None:
    clubs = {
        (one["teams"]["home"]["id"], one["teams"]["home"]["name"])
        for league in EVERY_LEAGUE
        for year in (2019, 2020, 2021)
        for one in simulator.fixtures(league, year, LATER)
    }
    assert len({club_id for club_id, _ in clubs}) == len({name for _, name in clubs}) == len(clubs)


def test_the_label_and_the_league_name_say_simulated(simulator: Simulator) -> None:
    assert simulator.label == "simulated league"
    assert {one["league"]["name"] for one in simulator.fixtures(39, 2020, LATER)} == {"Premier League (simulated)"}


@pytest.mark.parametrize("league", EVERY_LEAGUE)
def test_simulated_ids_are_recognized(simulator: Simulator, league: int) -> None:
    for year in (2010, 2020, 2100):
        ids = [one["fixture"]["id"] for one in simulator.fixtures(league, year, LATER)]
        assert all(
            is_simulated(Season(league, year), number) for number in (*ids, *(number // 10 * 10 for number in ids))
        )
    assert not is_simulated(Season(39, 2020), 592141)


DIGEST = """
import hashlib, json
from datetime import UTC, datetime
from footlake.local.football.simulator import Simulator

source, later = Simulator(seed=7), datetime(2030, 7, 1, tzinfo=UTC)
fixtures = source.fixtures(39, 2023, later)
statistics = [source.statistics(one["fixture"]["id"], later) for one in fixtures]
print(hashlib.sha256(json.dumps([fixtures, statistics]).encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_football_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1


def test_another_seed_gives_other_football() -> None:
    assert Simulator(1).fixtures(39, 2020, LATER) != Simulator(2).fixtures(39, 2020, LATER)


def test_the_order_of_requests_does_not_change_results() -> None:
    one = Simulator(3).fixture(39_020_200, LATER)
    assert one == next(x for x in Simulator(3).fixtures(39, 2020, LATER) if x["fixture"]["id"] == 39_020_200)


# --- as of the clock ---


def test_before_the_season_no_match_has_a_result(simulator: Simulator) -> None:
    for fixture in simulator.fixtures(39, 2020, datetime(2020, 7, 1, tzinfo=UTC)):
        assert status(fixture) == "NS"
        assert not_played(fixture)
        assert simulator.statistics(fixture["fixture"]["id"], datetime(2020, 7, 1, tzinfo=UTC)) == []


def not_played(fixture: Fixture | None) -> bool:
    assert fixture
    return (
        fixture["goals"] == {"home": None, "away": None}
        and all(part == {"home": None, "away": None} for part in fixture["score"].values())
        and all(team["winner"] is None for team in fixture["teams"].values())
        and fixture["fixture"]["periods"] == {"first": None, "second": None}
        and fixture["fixture"]["status"]["elapsed"] is None
    )


def test_a_match_is_finished_two_hours_after_its_kickoff_and_not_a_second_before(simulator: Simulator) -> None:
    final = simulator.fixture(39_020_123, LATER)
    end = kickoff(final) + timedelta(hours=2)
    just_before = end - timedelta(seconds=1)
    assert not_played(simulator.fixture(39_020_123, just_before))
    assert simulator.statistics(39_020_123, just_before) == []
    assert simulator.fixture(39_020_123, end) == final
    assert len(simulator.statistics(39_020_123, end)) == 2


def test_every_week_shows_the_past_as_it_ended_and_the_future_as_not_played(simulator: Simulator) -> None:
    final = {one["fixture"]["id"]: one for one in simulator.fixtures(39, 2020, LATER)}
    now = datetime(2020, 8, 4, 9, tzinfo=UTC)
    while now < datetime(2021, 6, 8, tzinfo=UTC):
        seen = simulator.fixtures(39, 2020, now)
        assert {one["fixture"]["id"] for one in seen} == set(final)
        assert [kickoff(one) for one in seen] == sorted(kickoff(one) for one in seen)
        for fixture in seen:
            ended = final[fixture["fixture"]["id"]]
            if kickoff(ended) + timedelta(hours=2) <= now:
                assert fixture == ended
            else:
                assert not_played(fixture)
                assert fixture["fixture"]["timestamp"] == int(kickoff(fixture).timestamp())
                assert status(fixture) == "PST" or kickoff(fixture) + timedelta(hours=2) > now
        now += timedelta(days=7)


def test_some_matches_are_postponed_and_then_played_on_a_later_wednesday(simulator: Simulator) -> None:
    postponed = 0
    for year in (2018, 2019):
        for final in simulator.fixtures(39, year, LATER):
            one = final["fixture"]["id"]
            views = [simulator.fixture(one, kickoff(final) - timedelta(days=days)) for days in range(200, 0, -1)]
            shown = [(status(view), kickoff(view)) for view in views]
            if "PST" not in [status for status, _ in shown]:
                continue
            postponed += 1
            states = [status for status, _ in shown]
            first, last = states.index("PST"), len(states) - 1 - states[::-1].index("PST")
            assert set(states[first : last + 1]) == {"PST"}  # one spell,
            assert len({day for _, day in shown[first : last + 1]}) == 1  # at the old date,
            assert shown[last + 1] == ("NS", kickoff(final))  # then the new one
            assert kickoff(final) - shown[first][1] >= timedelta(days=20)
            assert kickoff(final).strftime("%a %H:%M") == "Wed 20:00"
    assert 0.01 < postponed / (2 * 380) < 0.05


def test_kickoffs_are_settled_some_weeks_before(simulator: Simulator) -> None:
    early = {
        one["fixture"]["id"]: kickoff(one) for one in simulator.fixtures(39, 2020, datetime(2020, 7, 1, tzinfo=UTC))
    }
    final = {one["fixture"]["id"]: kickoff(one) for one in simulator.fixtures(39, 2020, LATER)}
    moved = [one for one in early if early[one] != final[one]]
    assert 100 < len(moved) < 300
    assert {day.strftime("%a") for day in final.values()} >= {"Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}
    weekend = [day for day in final.values() if day.strftime("%a") in ("Sat", "Sun")]
    assert len(weekend) > 0.6 * len(final)


# --- results and statistics ---


def test_scores_winners_and_half_times_agree(simulator: Simulator) -> None:
    for fixture in simulator.fixtures(39, 2020, LATER):
        home, away = fixture["goals"]["home"], fixture["goals"]["away"]
        assert fixture["score"]["fulltime"] == fixture["goals"]
        assert fixture["score"]["halftime"]["home"] <= home
        assert fixture["score"]["halftime"]["away"] <= away
        winners = (fixture["teams"]["home"]["winner"], fixture["teams"]["away"]["winner"])
        assert winners == ((None, None) if home == away else (home > away, away > home))
        assert fixture["fixture"]["status"] == {"long": "Match Finished", "short": "FT", "elapsed": 90, "extra": None}


def test_statistics_add_up(simulator: Simulator) -> None:
    rows = team_rows(simulator, 2020)
    assert len(rows) == 760
    for row, other in zip(rows, opponents(rows), strict=True):
        assert row["Shots on Goal"] + row["Shots off Goal"] + row["Blocked Shots"] == row["Total Shots"]
        assert row["Shots insidebox"] + row["Shots outsidebox"] == row["Total Shots"]
        assert row["goals"] <= row["Shots on Goal"]
        assert row["Goalkeeper Saves"] == other["Shots on Goal"] - other["goals"]
        assert row["Ball Possession"] + other["Ball Possession"] == 100
        assert row["Passes accurate"] <= row["Total passes"]
        assert row["Passes %"] == round(100 * row["Passes accurate"] / row["Total passes"])


def test_statistics_have_the_types_of_their_time(simulator: Simulator) -> None:
    def types(year: int) -> set[tuple[str, ...]]:
        return {tuple(row["raw"]) for row in team_rows(simulator, year)}

    assert types(2021) == {tuple(TYPES)}
    assert types(2022) == {(*TYPES, "expected_goals")}
    assert types(2023) == {(*TYPES, "expected_goals", "goals_prevented")}


def test_values_are_typed_as_the_api_types_them(simulator: Simulator) -> None:
    nulls: Counter[str] = Counter()
    for row in team_rows(simulator, 2023):
        for stat, value in row["raw"].items():
            if stat in ("Ball Possession", "Passes %"):
                assert value.endswith("%") and value[:-1].isdigit()
            elif stat in ("expected_goals", "goals_prevented"):
                assert isinstance(value, str) and f"{float(value):.2f}" == value
            elif value is None:
                nulls[stat] += 1
            else:
                assert isinstance(value, int)
    assert set(nulls) == {"Red Cards", "Yellow Cards", "Offsides"}
    assert nulls["Red Cards"] > 600


# What 2019/20 and 2020/21 were like in the recorded Premier League (1520 team rows) is in the comments.
MEANS = {
    "goals": (1.25, 1.45),  # 1.35
    "Shots on Goal": (4.0, 4.6),  # 4.29
    "Shots off Goal": (4.3, 4.9),  # 4.59
    "Blocked Shots": (3.1, 3.5),  # 3.31
    "Total Shots": (11.7, 12.7),  # 12.18
    "Shots insidebox": (7.4, 8.3),  # 7.84
    "Shots outsidebox": (4.0, 4.7),  # 4.34
    "Fouls": (10.3, 11.2),  # 10.75
    "Corner Kicks": (4.8, 5.6),  # 5.19
    "Offsides": (1.5, 1.9),  # 1.70
    "Yellow Cards": (1.4, 1.8),  # 1.60
    "Red Cards": (0.03, 0.09),  # 0.06
    "Goalkeeper Saves": (2.7, 3.2),  # 2.94
    "Total passes": (440, 480),  # 460
    "Passes accurate": (350, 390),  # 371
    "Passes %": (77.5, 80.5),  # 78.9
}
SPREADS = {
    "goals": (1.1, 1.4),  # 1.26
    "Shots on Goal": (2.2, 2.7),  # 2.48
    "Total Shots": (4.6, 5.6),  # 5.37
    "Shots insidebox": (3.6, 4.3),  # 3.94
    "Ball Possession": (11.5, 14.0),  # 12.9
    "Total passes": (120, 150),  # 139
}
CORRELATIONS = {
    ("goals", "Shots on Goal"): (0.54, 0.68),  # 0.615
    ("goals", "Shots insidebox"): (0.36, 0.53),  # 0.40
    ("goals", "Total Shots"): (0.32, 0.48),  # 0.36
    ("goals", "Ball Possession"): (0.12, 0.34),  # 0.16
    ("Shots on Goal", "Total Shots"): (0.65, 0.78),  # 0.69
    ("Shots insidebox", "Total Shots"): (0.79, 0.90),  # 0.88
    ("Ball Possession", "Total Shots"): (0.43, 0.60),  # 0.54
    ("Ball Possession", "Total passes"): (0.82, 0.95),  # 0.89
    ("Corner Kicks", "Total Shots"): (0.43, 0.60),  # 0.56
}


@pytest.fixture(scope="module", params=[1, 2])
def two_seasons(request: pytest.FixtureRequest) -> list[TeamRow]:
    source = Simulator(request.param)
    return team_rows(source, 2019) + team_rows(source, 2020)


@pytest.mark.parametrize("stat", MEANS)
def test_means_are_those_of_the_recorded_league(two_seasons: list[TeamRow], stat: str) -> None:
    low, high = MEANS[stat]
    assert low < mean(row[stat] for row in two_seasons) < high


@pytest.mark.parametrize("stat", SPREADS)
def test_values_spread_as_in_the_recorded_league(two_seasons: list[TeamRow], stat: str) -> None:
    low, high = SPREADS[stat]
    assert low < stdev(row[stat] for row in two_seasons) < high


@pytest.mark.parametrize("pair", CORRELATIONS)
def test_statistics_correlate_as_in_the_recorded_league(two_seasons: list[TeamRow], pair: tuple[str, str]) -> None:
    low, high = CORRELATIONS[pair]
    assert low < correlation(*([row[stat] for row in two_seasons] for stat in pair)) < high


def test_home_teams_have_an_advantage(two_seasons: list[TeamRow]) -> None:
    home = [row for row in two_seasons if row["side"] == "home"]
    away = [row for row in two_seasons if row["side"] == "away"]
    assert 1.05 < mean(row["goals"] for row in home) / mean(row["goals"] for row in away) < 1.4  # 1.13
    assert 1.05 < mean(row["Total Shots"] for row in home) / mean(row["Total Shots"] for row in away) < 1.25  # 1.15
    won = mean(one["goals"] > other["goals"] for one, other in zip(home, away, strict=True))
    drawn = mean(one["goals"] == other["goals"] for one, other in zip(home, away, strict=True))
    assert 0.37 < won < 0.49  # 0.42
    assert 0.18 < drawn < 0.29  # 0.23


def test_teams_differ_in_strength_as_in_the_recorded_league() -> None:
    tables = []
    for seed in range(1, 6):
        points: Counter[int] = Counter()
        for fixture in Simulator(seed).fixtures(39, 2020, LATER):
            home, away = fixture["goals"]["home"], fixture["goals"]["away"]
            points[fixture["teams"]["home"]["id"]] += 3 * (home > away) + (home == away)
            points[fixture["teams"]["away"]["id"]] += 3 * (away > home) + (home == away)
        tables.append(sorted(points.values()))
    assert 75 < mean(table[-1] for table in tables) < 96  # champions had 99 and 86
    assert 16 < mean(table[0] for table in tables) < 34  # the last had 21 and 23


def test_expected_goals_correlate_better_with_goals_than_shots_do(simulator: Simulator) -> None:
    rows = team_rows(simulator, 2022) + team_rows(simulator, 2023)
    goals = [row["goals"] for row in rows]
    xg = [row["expected_goals"] for row in rows]
    assert abs(mean(xg) - mean(goals)) < 0.1
    assert correlation(xg, goals) > correlation([row["Total Shots"] for row in rows], goals) + 0.05
