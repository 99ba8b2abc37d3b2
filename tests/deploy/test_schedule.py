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


@pytest.mark.parametrize(
    ("expression", "timezone", "expected"),
    [
        ("cron(30 12 * * ? *)", "UTC", datetime(2026, 11, 24, 12, 30)),
        ("cron(0 8 * * ? *)", "UTC", datetime(2026, 11, 25, 8, 0)),
        ("cron(0 8 L * ? *)", "UTC", datetime(2026, 11, 30, 8, 0)),
        ("cron(0 8 L-2W * ? *)", "UTC", datetime(2026, 11, 27, 8, 0)),  # the 28th is a Saturday
        ("cron(0 8 1W * ? *)", "UTC", datetime(2026, 12, 1, 8, 0)),
        ("cron(0 8 ? * 2#1 *)", "UTC", datetime(2026, 12, 7, 8, 0)),
        ("cron(0 8 ? * FRIL *)", "UTC", datetime(2026, 11, 27, 8, 0)),
        ("cron(0 8 ? * L *)", "UTC", datetime(2026, 11, 28, 8, 0)),
        ("cron(0/20 23-1 ? * SAT-MON *)", "UTC", datetime(2026, 11, 28, 0, 0)),
        ("cron(0 8 29 FEB ? *)", "UTC", datetime(2028, 2, 29, 8, 0)),
        ("cron(0 8 30 2 ? *)", "UTC", None),
        ("cron(30 9 * * ? *)", "Europe/Berlin", datetime(2026, 11, 24, 8, 30)),
        ("cron(30 2 28 3 ? 2027)", "Europe/Berlin", None),  # clocks skip this time
        ("cron(30 2 31 10 ? 2027)", "Europe/Berlin", datetime(2027, 10, 31, 0, 30)),  # clocks repeat this time
    ],
)
def test_the_next_run_of_any_cron_expression(expression: str, timezone: str, expected: datetime | None) -> None:
    assert next_run(expression, NOW, timezone) == (expected and expected.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "expression", [Config().weekly("30 8,9"), "rate(1 hour)", "rate(2 hours)", "cron(0/5 8 ? * 2#1 *)"]
)
def test_accepted_schedules(expression: str) -> None:
    assert is_schedule(expression)


@pytest.mark.parametrize("expression", ["rate(1 hours)", "rate(0 hours)", "cron(0 8 * * * *)", "cron(0 24 ? * TUE *)"])
def test_rejected_schedules(expression: str) -> None:
    assert not is_schedule(expression)
