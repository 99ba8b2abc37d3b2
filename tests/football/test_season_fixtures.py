"""All fixtures of a season: whatever the API sends, unknown teams and results among it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footlake.football.season_fixtures import (
    UNCOUNTED,
    Record,
    RoundLabel,
    parse_round,
    parse_season_fixtures,
    recorded_result,
)
from tests.football import bodies
from tests.support.competitions import InventedCompetition


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Regular Season - 12", ("Regular Season", 12)),
        ("Group A - 1", ("Group A", 1)),
        ("Apertura - Quarter-finals", ("Apertura - Quarter-finals", None)),
        ("Round of 16", ("Round of 16", None)),
        ("2nd Round", ("2nd Round", None)),
        ("Round 5", ("", 5)),
        ("17", ("", 17)),
        ("", ("", None)),
    ],
)
def test_rounds_have_a_prefix_and_a_number(label: str, expected: tuple[str, int | None]) -> None:
    assert parse_round(label) == RoundLabel(*expected)


@pytest.mark.parametrize(
    ("status", "goals", "winner", "home"),
    [
        ("FT", (2, 1), None, Record(won=1, goals_for=2, goals_against=1)),
        ("PEN", (1, 1), "home", Record(drawn=1, goals_for=1, goals_against=1)),
        ("AWD", (0, 3), "away", Record(lost=1, goals_against=3)),
        ("WO", (0, 0), "away", Record(lost=1)),
        ("AWD", (3, 0), "away", Record(won=1, goals_for=3)),
        ("AWD", (None, None), "home", Record()),
        ("ABD", (1, 0), None, Record()),
        ("PST", (None, None), None, Record()),
        ("FT", (None, None), None, Record()),
    ],
)
def test_a_result_counts_if_the_status_has_one(status: str, goals: Any, winner: str | None, home: Record) -> None:
    competition = InventedCompetition()
    competition.add("Regular Season - 1", 901, 902, goals, status=status, winner=winner)
    (fixture,) = parse_season_fixtures(competition.fixtures).fixtures
    result = recorded_result(fixture)
    assert result.home == home
    assert (result == UNCOUNTED) == (home == Record())


def test_a_fixture_without_teams_is_kept_and_has_no_result() -> None:
    competition = InventedCompetition()
    item = competition.add("Final", 901, 902, (None, None), status="TBD")
    item["teams"] = {"home": {"id": None, "name": "Winner SF 1"}, "away": None}
    parsed = parse_season_fixtures([item])
    assert (parsed.fixtures[0].teams, parsed.broken) == ((), [])
    assert recorded_result(parsed.fixtures[0]) == UNCOUNTED


def test_unknown_statuses_are_counted() -> None:
    competition = InventedCompetition()
    competition.add("Regular Season - 1", 901, 902, (1, 0), status="XYZ")
    competition.add("Regular Season - 1", 903, 904, (1, 0), status="ft")
    parsed = parse_season_fixtures(competition.fixtures)
    assert parsed.unknown_statuses == {"XYZ": 1}
    assert [fixture.status for fixture in parsed.fixtures] == ["XYZ", "FT"]


@settings(max_examples=100, deadline=None)
@given(st.lists(bodies.perhaps(bodies.fixtures), max_size=4))
def test_any_items_are_fixtures_or_broken(items: list[Any]) -> None:
    parsed = parse_season_fixtures(items)
    ids = {fixture.id for fixture in parsed.fixtures}
    assert len(ids) == len(parsed.fixtures) <= len(items) - len(parsed.broken)
    assert all(any(recorded_result(f).home) <= bool(f.teams) for f in parsed.fixtures)
