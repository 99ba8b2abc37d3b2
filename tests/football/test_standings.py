"""Standings as the API sends them, from usual to odd, and the tables that are read from them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footlake.football.standings import parse_standings
from tests.football import bodies
from tests.support import competitions


def with_row(**changes: Any) -> dict[str, Any]:
    """The body of a league whose first row has other values; `all__played` is the key `played` of `all`."""
    body = copy.deepcopy(competitions.league(4).standings_body)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = body["response"][0]["league"]["standings"][0][0]
        for parent in parents:
            target = target[parent]
        target[last] = value
    return body


def test_a_table_has_the_official_figures() -> None:
    competition = competitions.with_deductions()
    standings = parse_standings(competition.standings_body)
    assert standings.problems == ()
    (table,) = standings.tables
    assert (table.number, table.name) == (1, "Invented League")
    first, sent = table.rows[0], competition.tables[0][0]
    assert (first.team_id, first.team, first.rank, first.points) == (
        *(sent["team"]["id"], sent["team"]["name"], 1, sent["points"]),
    )
    assert (first.played, first.won, first.drawn, first.lost, first.goals_for, first.goals_against) == (
        *(sent["all"][key] for key in ("played", "win", "draw", "lose")),
        *(sent["all"]["goals"][key] for key in ("for", "against")),
    )
    assert (first.form, first.update) == ("WDLWW", "2024-05-20T00:00:00+00:00")


def test_texts_are_decoded_and_none_is_no_text() -> None:
    body = with_row(team__name="Uni&atilde;o &amp; Irm&amp;atilde;os", status="None", description=None, group=None)
    row = parse_standings(body).tables[0].rows[0]
    assert (row.team, row.status, row.description) == ("União & Irmãos", "", "")


@pytest.mark.parametrize("value", ["7", 7, 7.0, " 7 "])
def test_numbers_can_be_texts(value: Any) -> None:
    standings = parse_standings(with_row(points=value, all__played=value))
    assert standings.tables[0].rows[0].points == standings.tables[0].rows[0].played == 7
    assert standings.problems == ()


@pytest.mark.parametrize("change", [{"rank": None}, {"points": None}, {"all__goals": None}])
def test_a_missing_number_is_none_and_no_problem(change: dict[str, Any]) -> None:
    standings = parse_standings(with_row(**change))
    row = standings.tables[0].rows[0]
    assert None in (row.rank, row.points, row.goals_for)
    assert standings.problems == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (None, "no list"),
        ({}, "no list"),
        ({"response": []}, "no tables"),
        ({"response": [{"team": 1}]}, "no league"),
        ({"response": [{"league": {"standings": None}}]}, "not a list"),
        ({"response": [{"league": {"standings": [None, "x"]}}]}, "not a list"),
        (with_row(team=None), "no team"),
        (with_row(team={"id": None, "name": None}), "neither the id nor the name"),
        (with_row(points="many"), "points is not a number"),
        (with_row(all=None), "no figures"),
        (with_row(all__played=-1), "played is not a number"),
    ],
)
def test_what_cannot_be_used_is_a_problem(body: Any, problem: str) -> None:
    assert any(problem in found for found in parse_standings(body).problems)


def test_a_broken_row_does_not_cost_the_others() -> None:
    assert len(parse_standings(with_row(team=None)).tables[0].rows) == 3


def test_one_list_of_all_groups_is_split_by_group() -> None:
    competition = competitions.group_tournament()
    nested = parse_standings(competition.standings_body)
    competition.tables = [row for rows in competition.tables for row in rows]  # type: ignore[misc]
    assert parse_standings(competition.standings_body) == nested


def test_one_list_without_groups_is_split_where_ranks_begin_again() -> None:
    competition = competitions.group_tournament()
    rows = [row | {"group": None} for table in competition.tables for row in table]
    competition.tables = [rows]
    tables = parse_standings(competition.standings_body).tables
    assert [len(table.rows) for table in tables] == [4, 4, 4, 4, 4]
    assert [table.name for table in tables[:2]] == ["Invented Cup", "Invented Cup (2)"]


def test_equal_ranks_do_not_split_a_table() -> None:
    body = with_row()
    for row in body["response"][0]["league"]["standings"][0]:
        row["rank"] = 1
    assert len(parse_standings(body).tables) == 1


def test_a_repeated_row_does_not_split_a_table() -> None:
    competition = competitions.league()
    competition.tables[0].insert(3, competition.tables[0][2])
    (table,) = parse_standings(competition.standings_body).tables
    assert [row.rank for row in table.rows] == [1, 2, 3, 4, 5, 6]


def test_tables_with_the_same_group_have_different_names() -> None:
    competition = competitions.conferences()
    for row in [*competition.tables[0], *competition.tables[1]]:
        row["group"] = "Regular Season"
    assert [t.name for t in parse_standings(competition.standings_body).tables] == [
        *("Regular Season", "Regular Season (2)")
    ]


def test_a_repeated_table_is_used_once_and_reported() -> None:
    competition = competitions.league(4)
    competition.tables *= 2
    standings = parse_standings(competition.standings_body)
    assert len(standings.tables) == 1
    assert standings.problems == ("A table repeats table 1 (Invented League).",)


rows = bodies.record(
    rank=st.integers(0, 5),
    team=bodies.team,
    points=st.integers(-9, 99),
    goalsDiff=st.integers(-9, 9),
    group=st.sampled_from(["Group A", "Group B"]) | st.none(),
    all=bodies.record(
        played=st.integers(0, 40),
        win=st.integers(0, 40),
        draw=st.integers(0, 40),
        lose=st.integers(0, 40),
        goals=bodies.record(**{"for": bodies.goals, "against": bodies.goals}),
    ),
)
standings_bodies = bodies.record(
    response=st.lists(
        bodies.record(
            league=bodies.record(
                id=bodies.ids, standings=st.lists(st.lists(bodies.perhaps(rows), max_size=4), max_size=3)
            )
        ),
        max_size=2,
    )
)


@settings(max_examples=150, deadline=None)
@given(standings_bodies | bodies.anything)
def test_any_body_is_tables_or_problems(body: Any) -> None:
    standings = parse_standings(body)
    assert standings.tables or standings.problems
    assert len({table.name for table in standings.tables}) == len(standings.tables)
    assert [table.number for table in standings.tables] == list(range(1, len(standings.tables) + 1))
    assert all(table.rows for table in standings.tables)
