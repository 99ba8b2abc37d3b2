"""A season of weekly runs gives the same reports with each value of the setting `database`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args

import pytest

from footlake.config import DatabaseMode
from tests.conftest import Cli

FIRST, LAST = date(2020, 9, 15), date(2021, 5, 25)
# A run fetches all that was played since the last one, so that a few runs cover the season. With 7 each week has one.
DAYS_BETWEEN_RUNS = 63
SEASON = {"FOOTLAKE_SEASONS": "2020"}


def replay_season(cli: Cli, database: str) -> list[tuple[Any, str]]:
    """Train on a season and replay the next one in an empty lake; return each run's report, as JSON and as text."""
    settings = SEASON | {"FOOTLAKE_DATABASE": database}
    cli.json("bootstrap", **settings)
    cli.json("local", "clock", "2020-08-01")
    for command in ("ingest-fixtures", "ingest-stats"):
        cli.json(command, "--season", "2019", **settings)
    cli.json("run-glue", **settings)
    cli.json("train-autopilot", **settings)
    reports = []
    for number in range((LAST - FIRST).days // DAYS_BETWEEN_RUNS + 1):
        day = str(FIRST + timedelta(days=number * DAYS_BETWEEN_RUNS))
        cli.json("local", "clock", day)
        cli.json("run-week", "--date", day, **settings)
        text = cli("--local", "report", **settings)
        assert text.returncode == 0, text.stderr
        reports.append((cli.json("report", **settings), text.stdout))
    return reports


@pytest.mark.thorough
def test_each_database_setting_gives_the_same_reports_over_a_season(cli: Cli) -> None:
    cli("local", "start")
    reports = {}
    for database in get_args(DatabaseMode):
        reports[database] = replay_season(cli, database)
        cli.json("local", "clock", "now")
        cli.json("teardown", "--yes", FOOTLAKE_DATABASE=database)
    last = reports["always"][-1][0]
    assert {row["played"] for row in last["table"]} == {38}
    assert all(row["expected"] for row in last["table"])
    assert reports["weekly"] == reports["always"]
    assert reports["none"] == reports["always"]
