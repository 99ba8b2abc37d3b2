"""Schedule expressions of AWS: which ones it accepts, and when they run next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from footlake.config import Config
from footlake.deploy.schedule import is_schedule, next_run

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("season", "time", "expected"),
    [
        (2026, "0 8", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),
        (2026, "0 9", datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
        (2026, "30 8,9", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        (2027, "0 8", datetime(2027, 1, 5, 8, 0, tzinfo=UTC)),
        (2025, "0 8", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),  # a season ends in its second year
        (2020, "0 8", None),
    ],
)
def test_the_next_run_of_a_schedule(season: int, time: str, expected: datetime | None) -> None:
    assert next_run(Config(seasons=(season,)).weekly(time), NOW) == expected


def test_a_rate_runs_within_its_period() -> None:
    assert next_run("rate(30 minutes)", NOW) == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def test_a_schedule_of_another_form_has_no_next_run() -> None:
    assert is_schedule("cron(0 8 L * ? *)")
    assert next_run("cron(0 8 L * ? *)", NOW) is None


@pytest.mark.parametrize(
    "expression", [Config().weekly("30 8,9"), "rate(1 hour)", "rate(2 hours)", "cron(0/5 8 ? * 2#1 *)"]
)
def test_accepted_schedules(expression: str) -> None:
    assert is_schedule(expression)


@pytest.mark.parametrize("expression", ["rate(1 hours)", "rate(0 hours)", "cron(0 8 * * * *)", "cron(0 24 ? * TUE *)"])
def test_rejected_schedules(expression: str) -> None:
    assert not is_schedule(expression)
