"""Any JSON in: a value out that the lake's tables can hold, or the one documented exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from footlake.football import api
from footlake.football.api import ApiError, UnexpectedBody
from footlake.football.fixtures import Fixture, is_undecided, parse_fixture, parse_fixtures
from footlake.football.statistics import parse_statistics
from footlake.lake.schemas import EXTENDED_COLUMNS, FIXTURE_COLUMNS, STATISTICS_COLUMNS
from footlake.lake.tables import append_new_teams, merge_rows, read_table
from tests.football import bodies
from tests.football.test_api import ScriptedServer, make_client
from tests.football.test_fixtures import ITEM

FIXTURE = parse_fixture(ITEM)
EXAMPLES = settings(max_examples=100, deadline=None)


def check_fixture(item: Any) -> Fixture | None:
    """Parse a fixture, if it is valid, and check that its table row is one line that reads back the same."""
    try:
        fixture = parse_fixture(item)
    except UnexpectedBody:
        return None
    table = merge_rows(FIXTURE_COLUMNS, [fixture.row], None)
    assert len(table.encode().splitlines()) == 2
    assert read_table(table) == [fixture.row]
    teams = append_new_teams(None, {team.id: team.name for team in (fixture.home, fixture.away)})
    assert len(teams.encode().splitlines()) == 3
    return fixture


def check_statistics(items: Any, fixture: Fixture = FIXTURE) -> None:
    """Parse statistics and check that their numbers are possible, if there are any."""
    try:
        statistics = parse_statistics(fixture, items)
    except UnexpectedBody:
        return
    if statistics:
        table = merge_rows(STATISTICS_COLUMNS, [statistics.row], None)
        assert read_table(table) == [statistics.row]
        further = merge_rows(EXTENDED_COLUMNS, [statistics.extended_row], None)
        assert read_table(further) == [statistics.extended_row]
        assert all(0 <= int(cell) <= 2**31 - 1 for cell in statistics.row.values())
        for side in (statistics.home, statistics.away):
            assert side.shots_on_goal <= side.total_shots
            assert 0 <= side.ball_possession <= 100


@EXAMPLES
@given(bodies.fixtures | bodies.anything)
def test_any_fixture_is_parsed_or_raises_unexpected_body(item: Any) -> None:
    check_fixture(item)


@EXAMPLES
@given(bodies.statistics | bodies.anything)
def test_any_statistics_are_parsed_or_raise_unexpected_body(items: Any) -> None:
    check_statistics(items)


@EXAMPLES
@given(bodies.envelopes)
def test_valid_and_invalid_fixtures_are_separated(body: Any) -> None:
    response = body.get("response")
    if isinstance(response, list):
        fixtures, broken = parse_fixtures(response)
        assert len(fixtures) + len(broken) + sum(map(is_undecided, response)) == len(response)


@settings(max_examples=40, deadline=None)
@given(bodies.envelopes | bodies.anything)
def test_any_response_is_parsed_or_raises_an_api_error(body: Any) -> None:
    script, slept = ScriptedServer(), list[float]()
    script.respond(json.dumps(body).encode())
    try:
        answer = make_client(script, slept).fixtures(league=39)
        assert not answer["errors"]
        assert isinstance(answer["response"], list)
    except ApiError:
        pass
    finally:
        script.server.shutdown()
        script.server.server_close()


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_a_deeply_nested_body_is_a_server_error(depth: int) -> None:
    script, slept = ScriptedServer(), list[float]()
    script.respond(b"[" * depth)
    with pytest.raises(api.Unavailable):
        make_client(script, slept).fixtures(league=39)
    script.server.shutdown()
