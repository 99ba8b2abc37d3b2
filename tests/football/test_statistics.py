"""Match statistics: by type, whatever their order, and never invented."""

from __future__ import annotations

import random
from typing import Any

import pytest

from footlake.football.api import UnexpectedBody
from footlake.football.fixtures import parse_fixture
from footlake.football.statistics import parse_statistics
from tests.football.test_fixtures import ITEM

FIXTURE = parse_fixture(ITEM)
HOME = {"Shots on Goal": 2, "Shots insidebox": 1, "Total Shots": 5, "Ball Possession": "45%", "Red Cards": None}
AWAY = {"Shots on Goal": 6, "Shots insidebox": 9, "Total Shots": 13, "Ball Possession": "55%", "Red Cards": None}


def team_statistics(team: int, values: dict[str, Any]) -> dict[str, Any]:
    kinds = list(values)
    random.shuffle(kinds)
    return {"team": {"id": team, "name": "?"}, "statistics": [{"type": kind, "value": values[kind]} for kind in kinds]}


def match_statistics(home: dict[str, Any], away: dict[str, Any]) -> list[dict[str, Any]]:
    return [team_statistics(36, home), team_statistics(42, away)]


def test_statistics_are_read_by_type_and_team_in_any_order() -> None:
    statistics = parse_statistics(FIXTURE, match_statistics(HOME, AWAY)[::-1])
    assert statistics is not None
    assert list(statistics.row.values()) == ["592143", "36", "42", "2", "6", "1", "9", "5", "13", "45", "55"]


def test_a_null_count_is_zero() -> None:
    statistics = parse_statistics(FIXTURE, match_statistics(HOME | {"Shots on Goal": None}, AWAY))
    assert statistics is not None
    assert statistics.home.shots_on_goal == 0


def test_missing_shots_are_zero_if_other_statistics_of_the_side_exist() -> None:
    statistics = parse_statistics(FIXTURE, match_statistics(dict.fromkeys(HOME) | {"Fouls": 9}, AWAY))
    assert statistics is not None
    assert (statistics.home.total_shots, statistics.home.ball_possession) == (0, 45)


def test_missing_possession_is_computed_from_the_other_side() -> None:
    statistics = parse_statistics(FIXTURE, match_statistics(HOME | {"Ball Possession": None}, AWAY))
    assert statistics is not None
    assert (statistics.home.ball_possession, statistics.away.ball_possession) == (45, 55)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [team_statistics(36, HOME)],
        [team_statistics(42, AWAY)],
        [team_statistics(36, HOME), team_statistics(99, AWAY)],
        match_statistics(HOME | {"Ball Possession": None}, AWAY | {"Ball Possession": None}),
        match_statistics({kind: value for kind, value in HOME.items() if kind != "Shots on Goal"}, AWAY),
        match_statistics(dict.fromkeys(HOME), AWAY),
        match_statistics(HOME, dict.fromkeys(AWAY)),
        match_statistics(
            dict.fromkeys(HOME) | {"Ball Possession": "45%"}, dict.fromkeys(AWAY) | {"Ball Possession": "55%"}
        ),
        match_statistics(dict.fromkeys(HOME) | {"Ball Possession": "45%"}, AWAY),
        match_statistics(
            dict.fromkeys(HOME) | {"Fouls": 9}, dict.fromkeys(AWAY) | {"Ball Possession": "55%", "Fouls": 7}
        ),
        match_statistics(HOME | {"Shots insidebox": None, "Shots outsidebox": None}, AWAY),
        match_statistics(HOME, AWAY | {"Shots on Goal": None, "Shots off Goal": None, "Blocked Shots": None}),
    ],
)
def test_incomplete_statistics_are_none(items: Any) -> None:
    assert parse_statistics(FIXTURE, items) is None


@pytest.mark.parametrize(
    "items", [None, {}, "x", [1], [{"team": None}], match_statistics(HOME | {"Total Shots": "many"}, AWAY)]
)
def test_a_statistics_body_of_another_form_is_unexpected(items: Any) -> None:
    with pytest.raises(UnexpectedBody):
        parse_statistics(FIXTURE, items)


def test_extended_statistics_are_empty_when_the_season_has_none() -> None:
    home = HOME | {"Fouls": 11, "Offsides": None, "Passes %": "81%", "expected_goals": "1.37"}
    statistics = parse_statistics(
        FIXTURE, match_statistics(home, AWAY | {"Fouls": 9, "Offsides": 2, "expected_goals": None})
    )
    assert statistics is not None
    row = statistics.extended_row
    assert (row["idFixture"], row["idHomeTeam"], row["idAwayTeam"]) == ("592143", "36", "42")
    assert (row["foulsHomeTeam"], row["foulsAwayTeam"]) == ("11", "9")
    assert (row["offsidesHomeTeam"], row["redCardsAwayTeam"]) == ("0", "0")  # a named count without a value
    assert (row["passesPercentHomeTeam"], row["passesPercentAwayTeam"]) == ("81", "")
    assert (row["expectedGoalsHomeTeam"], row["expectedGoalsAwayTeam"]) == ("1.37", "")
    assert row["cornerKicksHomeTeam"] == ""


def test_null_passes_are_missing_instead_of_zero() -> None:
    statistics = parse_statistics(
        FIXTURE, match_statistics(HOME | {"Total passes": None, "Passes accurate": None}, AWAY)
    )
    assert statistics is not None
    row = statistics.extended_row
    assert (row["totalPassesHomeTeam"], row["passesAccurateHomeTeam"], row["redCardsHomeTeam"]) == ("", "", "0")


def test_an_invalid_extended_statistic_does_not_reject_the_match() -> None:
    odd = {"Fouls": "many", "expected_goals": "nan", "Passes %": [], "Offsides": {}}
    statistics = parse_statistics(FIXTURE, match_statistics(HOME | odd, AWAY))
    assert statistics is not None
    assert set(statistics.home.extended) == {"", "0"}  # the red cards
    assert statistics.home.shots_on_goal == 2
