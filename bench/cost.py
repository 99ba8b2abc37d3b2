"""Estimate what a week and a season cost on AWS, compared with the original walk-through, from footlake's price table.

    python -m bench.cost

The walk-through's set-up is what `bootstrap --as-documented` creates, used as the walk-through says: one request to
API-Football per fixture, jobs on the ten workers that Glue's console proposes, 250 Autopilot candidates. Both set-ups
use the same minutes per job, crawler, transform and candidate. footlake/deploy/costs.py has these minutes, the prices
and their date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.measure import Claim, format_claims, markdown_section
from footlake.config import Config
from footlake.deploy import costs
from footlake.deploy.catalogue import catalogue
from footlake.football.api import IDS_PER_REQUEST
from footlake.resources.glue import GlueJob

WEEKS, MONTHS = 38, 10
FIXTURES = 380
FIXTURES_PER_WEEK = FIXTURES // WEEKS
WALKTHROUGH_CANDIDATES = 250
CONSOLE_WORKERS = 10
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class SetupCost:
    """The cost of one set-up: requests per week and season, DPU-hours and USD. Pairs are minimum and maximum."""

    requests: tuple[int, int]
    dpu_hours: tuple[float, float]
    week: tuple[float, float]
    training: float
    monthly: float

    @property
    def season(self) -> tuple[float, float]:
        """USD for all weeks, one training, and the standing resources of the season's months."""
        low, high = (WEEKS * week + self.training + MONTHS * self.monthly for week in self.week)
        return low, high


def main() -> None:
    config = Config(account="123456789012", region="us-east-1", alert_email="you@example.com")
    walkthrough_config = replace(config, as_documented=True, glue_workers=CONSOLE_WORKERS)
    footlake = estimate_setup(config, 2, IDS_PER_REQUEST, config.max_candidates)  # fixtures and standings
    walkthrough = estimate_setup(walkthrough_config, 1, 1, WALKTHROUGH_CANDIDATES)
    setups = (footlake, walkthrough)
    rows = [
        ("requests to API-Football per week", *(setup.requests[0] for setup in setups)),
        ("requests to API-Football per season", *(setup.requests[1] for setup in setups)),
        ("Glue per week (DPU-hours)", *(format_range(setup.dpu_hours) for setup in setups)),
        ("weekly run (USD)", *(format_range(setup.week) for setup in setups)),
        ("training (USD)", *(f"{setup.training:.2f}" for setup in setups)),
        ("standing resources per month (USD)", *(f"{setup.monthly:.2f}" for setup in setups)),
        (
            f"season: {WEEKS} weeks, one training, {MONTHS} months (USD)",
            *(format_range(setup.season) for setup in setups),
        ),
    ]
    text = f"This is an estimate, not a bill. Prices: {costs.AS_OF}."
    print(markdown_section("Cost", ["", "footlake", "original walk-through"], rows, text))
    claim = Claim(
        "A season costs less than with the original walk-through's set-up (estimate)",
        f"{format_range(footlake.season)} USD",
        f"< {format_range(walkthrough.season)} USD",
        footlake.season[1] < walkthrough.season[0],
    )
    print(format_claims([claim]))


def estimate_setup(config: Config, season_requests: int, fixtures_per_request: int, candidates: int) -> SetupCost:
    """Estimate the cost of a lake with these settings, requests and number of Autopilot candidates.

    `season_requests` is the number of requests for a season without its statistics.
    """
    resources = catalogue(config)
    estimate = costs.estimate_costs(resources)
    jobs = [job for job in resources if isinstance(job, GlueJob) and job.name not in costs.TRAINING_JOBS]
    workers = sum(job.workers for job in jobs)
    low, high = (
        (workers * job + 2 * crawler) / 60
        for job, crawler in zip(costs.JOB_MINUTES, costs.CRAWLER_MINUTES, strict=True)
    )
    return SetupCost(
        (
            season_requests + -(-FIXTURES_PER_WEEK // fixtures_per_request),
            season_requests + -(-FIXTURES // fixtures_per_request),
        ),
        (low, high),
        (estimate.week_low, estimate.week_high),
        costs.autopilot_price(candidates, SECONDS_PER_DAY)[0],
        estimate.monthly,
    )


def format_range(values: tuple[float, float]) -> str:
    """Format a minimum and a maximum."""
    return f"{values[0]:.2f} to {values[1]:.2f}"


if __name__ == "__main__":
    main()
