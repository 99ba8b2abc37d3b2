"""Fixtures as the API tells them, and the rows that the lake keeps of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from footlake.football.api import UnexpectedBody
from footlake.football.fixtures import parse_fixture, parse_fixtures
from footlake.lake.s3_keys import Season

ITEM: dict[str, Any] = {
    "fixture": {
        "id": 592143,
        "date": "2020-09-12T13:30:00+02:00",
        "status": {"long": "Match Finished", "short": "FT", "elapsed": 90},
    },
    "league": {"id": 39, "season": 2020, "round": "Regular Season - 1"},
    "teams": {"home": {"id": 36, "name": "Fulham"}, "away": {"id": 42, "name": "Arsenal"}},
    "goals": {"home": 0, "away": 3},
}

INVALID_ROUNDS: tuple[Any, ...] = (None, "", " \n", 12, 1.5, True, [], {"name": "Final"}, float("nan"))


def item(**changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(ITEM)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = changed
        for parent in parents:
            target = target[parent]
        target[last] = value
    return changed


def test_a_played_fixture_is_one_row_with_its_time_in_utc() -> None:
    fixture = parse_fixture(ITEM)
    assert fixture.season == Season(39, 2020)
    assert fixture.played
    assert list(fixture.row.values()) == [
        *("592143", "Match Finished", "2020-09-12", "11:30", "36", "42", "0", "3", "Regular Season - 1")
    ]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Relegation Round", "Relegation Round"),
        ("  Promotion Play-offs -\n Semi-finals ", "Promotion Play-offs - Semi-finals"),
        ("""The "A", 'B'; --""", """The "A", 'B'; --"""),
        ("Round " * 1000, ("Round " * 17)[:100].rstrip()),
        *((invalid, "") for invalid in INVALID_ROUNDS),
    ],
)
def test_a_round_name_is_one_short_line_and_never_rejects_a_fixture(told: Any, kept: str) -> None:
    fixture = parse_fixture(item(league__round=told))
    assert fixture.id == 592143
    assert fixture.row["round"] == kept
    assert len(fixture.row["round"]) <= 100


def test_a_fixture_without_a_round_has_an_empty_one() -> None:
    assert parse_fixture(item(league={"id": 39, "season": 2020})).row["round"] == ""


def test_an_unplayed_fixture_has_empty_goals() -> None:
    unplayed = item(fixture__status={"long": "Not Started", "short": "NS"}, goals={"home": None, "away": None})
    fixture = parse_fixture(unplayed)
    assert not fixture.played
    assert fixture.row["goalsHomeTeam"] == fixture.row["goalsAwayTeam"] == ""


@pytest.mark.parametrize("status", ["PST", "TBD", "CANC", "ABD", "AWD", "WO", "1H", "XYZ"])
def test_other_statuses_are_not_played(status: str) -> None:
    assert not parse_fixture(item(fixture__status={"long": "?", "short": status})).played


@pytest.mark.parametrize("status", ["FT", "AET", "PEN"])
def test_results_on_the_pitch_are_played(status: str) -> None:
    assert parse_fixture(item(fixture__status={"long": "?", "short": status})).played


@pytest.mark.parametrize(
    "broken",
    [
        {},
        None,
        item(fixture=None),
        item(fixture__id="many"),
        item(fixture__date="soon"),
        item(fixture__date=None),
        item(teams__home=None),
        item(teams__away={"id": 36, "name": "Fulham"}),  # who would play itself
        item(goals=[]),
        item(goals={"home": None, "away": 2}),
    ],
)
def test_a_fixture_without_required_members_is_an_unexpected_body(broken: Any) -> None:
    with pytest.raises(UnexpectedBody):
        parse_fixture(broken)


def test_one_invalid_fixture_does_not_reject_the_others() -> None:
    fixtures, broken = parse_fixtures([ITEM, item(goals=None), item(fixture__id=592144)])
    assert [fixture.id for fixture in fixtures] == [592143, 592144]
    assert len(broken) == 1
    assert "592143" in broken[0]
