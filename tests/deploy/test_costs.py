"""Estimates: what is counted, at which price, and the limit that the user may set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from footlake.config import Config
from footlake.deploy import costs
from footlake.deploy.catalogue import STOP_SCHEDULE, start_schedule
from footlake.deploy.prices import PRICES, REGION, WEEKS_PER_MONTH
from footlake.deploy.schedule import next_run, runs_per_week
from footlake.errors import CostLimitExceeded

CONFIG = Config(account="123456789012", region=REGION)
ALL_MODES = ("always", "weekly", "none")


def line(estimate: costs.RunEstimate, what: str) -> costs.RunLine:
    (found,) = [one for one in estimate.lines if what in one.what]
    return found


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        (CONFIG.weekly("30 10"), 1),
        (CONFIG.weekly("30 8,9"), 2),
        ("rate(30 minutes)", 336),
        ("rate(1 hour)", 168),
        ("rate(2 days)", 3.5),
    ],
)
def test_the_runs_of_a_schedule_in_a_week(expression: str, runs: float) -> None:
    assert runs_per_week(expression) == runs


def test_a_sleeping_database_is_billed_from_its_start_to_its_stop() -> None:
    start = next_run(start_schedule(CONFIG), datetime(CONFIG.season, 1, 1, tzinfo=UTC))
    assert start
    stop = next_run(STOP_SCHEDULE, start)
    assert stop
    assert (stop - start) / timedelta(hours=1) == costs.SCHEDULED_HOURS_AWAKE


def test_runs_that_cannot_be_counted_are_not_left_out() -> None:
    with pytest.raises(ValueError, match="cron"):
        runs_per_week("cron(0 8 L * ? *)")


def test_a_scheduled_tuesday_makes_three_crawls_of_ten_minutes() -> None:
    week = costs.estimate_scheduled_week(CONFIG)
    crawls = [one for one in week.lines if "crawl" in one.what]
    assert sum(one.low_quantity for one in crawls) == pytest.approx(3 * 2 * 10 / 60)
    assert sum(one.low for one in crawls) == pytest.approx(0.44)
    assert all(one.low == one.high for one in crawls)
    assert line(week, "Glue job").what == "3 Glue job runs, 6 workers"


def test_a_run_by_hand_makes_one_crawl_and_four_job_runs() -> None:
    week = costs.estimate_week(CONFIG)
    assert line(week, "crawl").low == pytest.approx(0.44 / 3)
    assert line(week, "Glue job").low == pytest.approx(4 * 2 * 0.44 / 60)
    rest = costs.estimate_week(CONFIG, ("load-mysql",))
    assert [one.what for one in rest.lines] == ["2 Glue job runs, 4 workers", "Lambda functions"]


def test_more_workers_cost_more() -> None:
    larger = costs.estimate_costs(replace(CONFIG, glue_workers=10))
    assert line(larger.scheduled_week, "Glue job").high == pytest.approx(3 * 10 * 3 * 0.44 / 60)
    assert larger.monthly == costs.monthly_price(CONFIG)


def test_without_a_database_nothing_of_it_is_priced() -> None:
    none = costs.estimate_costs(replace(CONFIG, database="none"))
    assert not [item for item in none.standing if "db instance" in item.what]
    assert line(none.scheduled_week, "Glue job").what == "2 Glue job runs, 4 workers"
    assert not [one for one in none.scheduled_week.lines if "mysqldb" in one.what]


def test_a_database_that_sleeps_is_billed_for_its_storage_and_the_hours_of_the_weekly_run() -> None:
    weekly = {item.price.name: item for item in costs.standing_costs(replace(CONFIG, database="weekly"))}
    always = {item.price.name: item for item in costs.standing_costs(CONFIG)}
    assert weekly["gp3"].monthly == always["gp3"].monthly == 20 * 0.115
    for price in ("db.t4g.micro", "public-ipv4"):
        assert weekly[price].quantity == pytest.approx(2.5 * WEEKS_PER_MONTH)
        assert always[price].quantity == 730
    assert line(costs.estimate_week(replace(CONFIG, database="weekly")), "awake: db.t4g.micro").low == 0.016


def test_the_plan_compares_the_settings_of_the_database() -> None:
    for mode in ALL_MODES:
        estimate = costs.estimate_costs(replace(CONFIG, database=mode))  # type: ignore[arg-type]
        assert estimate.monthly == estimate.monthly_by_database[mode]
        assert tuple(estimate.monthly_by_database) == ALL_MODES
    assert estimate.monthly_by_database["weekly"] < 4
    assert estimate.monthly_by_database["none"] < 1


@pytest.mark.parametrize("extras", [False, True])
@pytest.mark.parametrize("mode", ALL_MODES)
def test_every_line_is_a_quantity_at_a_dated_price(mode: Any, extras: bool) -> None:
    config = replace(CONFIG, database=mode, as_documented=extras, alert_email="a@example.org")
    estimate = costs.estimate_costs(config)
    assert estimate.monthly == pytest.approx(sum(item.quantity * item.price.usd for item in estimate.standing))
    for run in (estimate.scheduled_week, estimate.manual_week, costs.estimate_training(config)):
        assert run.low == pytest.approx(sum(one.low_quantity * one.price.usd for one in run.lines))
        assert run.high == pytest.approx(sum(one.high_quantity * one.price.usd for one in run.lines))
        assert all(one.price is PRICES[one.price.name] for one in run.lines)
    assert all(item.price is PRICES[item.price.name] for item in estimate.standing)
    assert estimate.month[0] == pytest.approx(estimate.monthly + WEEKS_PER_MONTH * estimate.scheduled_week.low)


def test_every_price_has_a_page_of_aws_a_date_and_a_region() -> None:
    for price in PRICES.values():
        assert price.source.startswith("https://aws.amazon.com/"), price
        assert date(2026, 11, 1) <= price.looked_up <= date.today(), price
        assert price.region == REGION
        assert 0 < price.usd < 10


def test_an_instance_without_a_price_is_named() -> None:
    estimate = costs.estimate_costs(replace(CONFIG, transform_instance="ml.p5.48xlarge"))
    assert estimate.as_of.endswith("without transforms on ml.p5.48xlarge")
    assert not [one for one in estimate.manual_week.lines if "transform" in one.what]
    priced = costs.estimate_costs(replace(CONFIG, transform_instance="ml.m5.4xlarge"))
    assert line(priced.manual_week, "transform").low == pytest.approx(0.922 / 12)


def test_the_prices_of_another_region_can_differ() -> None:
    assert costs.estimate_costs(CONFIG).other_region == ""
    assert "eu-west-3" in costs.estimate_costs(replace(CONFIG, region="eu-west-3")).other_region


def test_a_training_includes_its_job_its_crawl_and_the_scoring() -> None:
    training = costs.estimate_training(CONFIG)
    autopilot = line(training, "Autopilot")
    assert [autopilot.low, autopilot.high] == pytest.approx([50 / 60 * 0.922, 10 * 0.922])
    assert line(training, "crawl").low == pytest.approx(0.44 / 3)
    assert line(training, "Glue job").low == pytest.approx(2 * 0.44 / 60)
    here = costs.estimate_training(CONFIG, on_this_machine=True)
    assert here.high == pytest.approx(0.44 / 3 + 2 * 3 * 0.44 / 60)


@pytest.mark.parametrize(
    ("limit", "hint"),
    [
        (18.0, "Raise max_monthly_cost, or set database = weekly or database = none."),
        (1.0, "Raise max_monthly_cost, or set database = none."),
        (0.0, "Raise max_monthly_cost."),
    ],
)
def test_a_price_above_the_limit_is_refused_with_what_is_cheaper(limit: float, hint: str) -> None:
    with pytest.raises(CostLimitExceeded, match=f"more than max_monthly_cost \\({limit:.2f} USD\\)") as refused:
        costs.check_limit(replace(CONFIG, max_monthly_cost=limit))
    assert refused.value.hint == hint
    assert refused.value.exit_code == 5


def test_a_price_within_the_limit_is_accepted() -> None:
    costs.check_limit(CONFIG)
    costs.check_limit(replace(CONFIG, max_monthly_cost=costs.monthly_price(CONFIG)))
    costs.check_limit(replace(CONFIG, max_monthly_cost=4.0, database="weekly"))
