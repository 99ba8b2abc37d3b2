"""Tests of the functions' log lines: one line for each outcome, which names what was fetched and why it stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from footlake.handlers.log_lines import finished_line, fixtures_line, postponed_line, scoring_line, statistics_line
from footlake.logs import is_error

FIXTURES = {"key": "k", "fixtures": 1, "played": 0, "changed": 0, "broken": [], "stopped": ""}
STATISTICS = {
    **{"key": "k", "played": 2, "fetched": 0, "without": [], "doubtful": [], "failed": {}},
    **{"remaining": 0, "stopped": "", "progress": 0},
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "k: 1 fixture, 0 played, none changed"),
        (
            {"fixtures": 2, "changed": 1, "broken": ["b"]},
            "k: 2 fixtures, 0 played, 1 object changed, 1 cannot be read: b",
        ),
        (
            {"caught_up": 2, "caught_up_since": "2023-09-02"},
            "k: 1 fixture, 0 played, none changed; 2 earlier matches caught up, since 2023-09-02",
        ),
        ({"stopped": "Busy", "reason": "leases/x"}, "k: not fetched: another invocation is working on this season"),
        ({"stopped": "Unavailable", "reason": "r"}, "k: not fetched: API-Football is not available (r)"),
    ],
)
def test_the_line_of_a_fixtures_request(changes: dict[str, Any], line: str) -> None:
    assert fixtures_line(FIXTURES | changes) == line
    assert not is_error(line)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "k: 2 played fixtures, no statistics to fetch"),
        (
            {"fetched": 1, "progress": 2, "without": [7]},
            "k: 2 played fixtures, statistics of 1 fetched, 1 without statistics (7)",
        ),
        (
            {"stopped": "QuotaSpent", "remaining": 2},
            "k: 2 played fixtures, no statistics fetched; stopped with 2 left: the daily request quota of API-Football"
            " is used up",
        ),
        (
            {"failed": {"7": "why"}, "stopped": "Unavailable", "remaining": 1},
            "k: 2 played fixtures, no statistics fetched, 1 not fetched (7): why; stopped with 1 left: API-Football is"
            " not available",
        ),
    ],
)
def test_the_line_of_a_statistics_request(changes: dict[str, Any], line: str) -> None:
    assert statistics_line(STATISTICS | changes) == line
    assert not is_error(line)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ({"skipped": "why"}, "No transform started: why"),
        ({"job": None, "model": "m", "files": 0, "rows": 0}, "No transform started: every team row is scored by m"),
        ({"job": "j", "model": "m", "files": 1, "rows": 20}, "Started transform j: 20 team rows in 1 object"),
    ],
)
def test_the_line_of_a_scoring(result: dict[str, Any], line: str) -> None:
    assert scoring_line(result) == line


def test_the_line_of_a_transform_that_ended() -> None:
    assert finished_line("j", "Completed", 2, 3) == (
        "Transform j ended (Completed): predictions for 2 of 3 objects (the transform failed, or rows or model changed)"
    )
    assert finished_line("j", "Completed", 1, 1) == "Transform j ended (Completed): predictions for 1 of 1 object"


def test_the_line_of_postponed_work() -> None:
    after = datetime(2026, 3, 4, 0, 5, tzinfo=UTC)
    line = postponed_line("k", "QuotaSpent", after, 0)
    assert line == "k: continues at 2026-03-04 00:05 UTC or later: the daily request quota of API-Football is used up"
    assert ", after 1 try without progress: " in postponed_line("k", "Unavailable", after, 1)
    assert not is_error(line)
