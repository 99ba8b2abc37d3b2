"""Compare what a lake costs with each value of the setting `database`, and with the original walk-through's set-up.

    python -m bench.money

The walk-through's set-up is what `bootstrap --as-documented` creates, used as the walk-through says: a database that
always runs, one request to API-Football per fixture, jobs on the ten workers that Glue's console proposes, and 250
Autopilot candidates. All set-ups use the same time per job, crawl, transform and candidate. footlake/deploy/costs.py
has these times, footlake/deploy/prices.py the prices, their sources and dates; docs/costs.md calculates by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from bench.measure import Claim, format_claims, markdown_section
from footlake.config import Config, DatabaseMode
from footlake.deploy import costs
from footlake.deploy.prices import AS_OF, format_range
from footlake.football.api import IDS_PER_REQUEST

WEEKS, MONTHS = 38, 10
FIXTURES = 380
FIXTURES_PER_WEEK = FIXTURES // WEEKS
WALKTHROUGH = "original walk-through"
WALKTHROUGH_CANDIDATES = 250
CONSOLE_WORKERS = 10
SECONDS_PER_DAY = 86_400
# USD a month for the resources of a lake
TARGETS = {"weekly": 4.0, "none": 1.0}


@dataclass(frozen=True)
class SetupCost:
    """The cost of one set-up: requests to API-Football per week and season, and its prices in USD."""

    requests: tuple[int, int]
    estimate: costs.Estimate
    training: costs.RunEstimate

    @property
    def season(self) -> tuple[float, float]:
        """USD for the resources of the season's months, all scheduled weeks, and one training at its usual price."""
        week, standing = self.estimate.scheduled_week, MONTHS * self.estimate.monthly
        return standing + WEEKS * week.low + self.training.low, standing + WEEKS * week.high + self.training.low


def main() -> None:
    config = Config(account="123456789012", region="us-east-1", alert_email="you@example.com")
    setups = {
        mode: estimate_setup(replace(config, database=mode), IDS_PER_REQUEST, standings=1)
        for mode in get_args(DatabaseMode)
    }
    walkthrough = replace(
        config,
        as_documented=True,
        glue_workers=CONSOLE_WORKERS,
        max_candidates=WALKTHROUGH_CANDIDATES,
        max_runtime=SECONDS_PER_DAY,
    )
    setups[WALKTHROUGH] = estimate_setup(walkthrough, 1, standings=0)
    rows = [
        ("requests to API-Football per week", *(setup.requests[0] for setup in setups.values())),
        ("requests to API-Football per season", *(setup.requests[1] for setup in setups.values())),
        ("resources per month (USD)", *(f"{setup.estimate.monthly:.2f}" for setup in setups.values())),
        ("Tuesday on which only the schedules run (USD)", *map(_scheduled_week, setups.values())),
        ("`run-week` (USD)", *map(_manual_week, setups.values())),
        ("month with the schedules (USD)", *(format_range(*setup.estimate.month) for setup in setups.values())),
        ("training (USD)", *(f"{setup.training.low:.2f}" for setup in setups.values())),
        (
            f"season: {WEEKS} scheduled weeks, one training, {MONTHS} months (USD)",
            *(format_range(*setup.season) for setup in setups.values()),
        ),
    ]
    columns = ["", *(f"database = {mode}" for mode in get_args(DatabaseMode)), WALKTHROUGH]
    text = f"This is an estimate, not a bill. Prices: {AS_OF}."
    print(markdown_section("Cost", columns, rows, text))
    print(format_claims(_claims(setups)))


def _claims(setups: dict[str, SetupCost]) -> list[Claim]:
    dearest = max(setups[mode].season[1] for mode in get_args(DatabaseMode))
    cheapest = min(setups[mode].season[0] for mode in get_args(DatabaseMode))
    walkthrough = setups[WALKTHROUGH].season
    targets = [
        Claim(
            f"The resources of a lake with database = {mode} cost less than {limit:.0f} USD a month (estimate)",
            f"{setups[mode].estimate.monthly:.2f} USD",
            f"< {limit:.2f} USD",
            setups[mode].estimate.monthly < limit,
        )
        for mode, limit in TARGETS.items()
    ]
    season = Claim(
        "A season costs less than with the original walk-through's set-up (estimate)",
        f"{format_range(cheapest, dearest)} USD",
        f"< {format_range(*walkthrough)} USD",
        dearest < walkthrough[0],
    )
    return [season, *targets]


def estimate_setup(config: Config, fixtures_per_request: int, standings: int) -> SetupCost:
    """Estimate the cost of a lake with these settings, request size, and requests for standings per week or season."""
    week, season = (1 + standings + -(-number // fixtures_per_request) for number in (FIXTURES_PER_WEEK, FIXTURES))
    return SetupCost((week, season), costs.estimate_costs(config), costs.estimate_training(config))


def _scheduled_week(setup: SetupCost) -> str:
    return format_range(setup.estimate.scheduled_week.low, setup.estimate.scheduled_week.high)


def _manual_week(setup: SetupCost) -> str:
    return format_range(setup.estimate.manual_week.low, setup.estimate.manual_week.high)


if __name__ == "__main__":
    main()
