"""What a week and a season cost on AWS, beside the document's own set-up: an estimate, from footlake's price table.

    python -m bench.money

The document's set-up is what `bootstrap --as-documented` makes, run as the document says: one request to API-Football
per fixture, jobs on the ten workers that Glue's console proposes, 250 Autopilot candidates. Both are taken with the
same minutes per job, crawl, transform and candidate: footlake/deploy/costs.py has them, with the prices and their date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.measure import table
from footlake.config import Config
from footlake.deploy import costs
from footlake.deploy.catalogue import catalogue
from footlake.football.api import IDS_PER_REQUEST
from footlake.resources.glue import GlueJob

WEEKS, MONTHS = 38, 10
FIXTURES = 380
ROUND = FIXTURES // WEEKS
CANDIDATES = 250
CONSOLE_WORKERS = 10
DAY = 86_400


@dataclass(frozen=True)
class Cost:
    """Of one way: requests, DPU-hours and USD, the latter two at least and at most."""

    requests: tuple[int, int]
    dpu_hours: tuple[float, float]
    week: tuple[float, float]
    training: float
    monthly: float

    @property
    def season(self) -> tuple[float, float]:
        """One training, every week, and the months for which everything stands."""
        low, high = (WEEKS * week + self.training + MONTHS * self.monthly for week in self.week)
        return low, high


def main() -> None:
    config = Config(account="123456789012", region="us-east-1", alert_email="you@example.com")
    footlake = cost(config, per_request=IDS_PER_REQUEST, candidates=config.max_candidates)
    documented = cost(
        replace(config, as_documented=True, glue_workers=CONSOLE_WORKERS), per_request=1, candidates=CANDIDATES
    )
    both = (footlake, documented)
    rows = [
        ("requests to API-Football, a week", *(one.requests[0] for one in both)),
        ("requests to API-Football, a season", *(one.requests[1] for one in both)),
        ("Glue, a week (DPU-hours)", *(span(one.dpu_hours) for one in both)),
        ("a weekly run (USD)", *(span(one.week) for one in both)),
        ("a training (USD)", *(f"{one.training:.2f}" for one in both)),
        ("what stands, a month (USD)", *(f"{one.monthly:.2f}" for one in both)),
        (f"a season: {WEEKS} weeks, a training, {MONTHS} months (USD)", *(span(one.season) for one in both)),
    ]
    print(table("Money", ["", "footlake", "the document's set-up"], rows))
    print(f"An estimate, not a bill; prices: {costs.AS_OF}.")


def cost(config: Config, per_request: int, candidates: int) -> Cost:
    """What a lake of these settings costs that asks for so many fixtures at a time."""
    resources = catalogue(config)
    estimate = costs.estimate_costs(resources)
    workers = sum(one.workers for one in resources if isinstance(one, GlueJob) and one.name not in costs.TRAINING_JOBS)
    low, high = (
        (workers * job + 2 * crawl) / 60 for job, crawl in zip(costs.JOB_MINUTES, costs.CRAWLER_MINUTES, strict=True)
    )
    return Cost(
        (1 + -(-ROUND // per_request), 1 + -(-FIXTURES // per_request)),
        (low, high),
        (estimate.week_low, estimate.week_high),
        costs.autopilot_price(candidates, DAY)[0],
        estimate.monthly,
    )


def span(values: tuple[float, float]) -> str:
    """From … to …."""
    return f"{values[0]:.2f} to {values[1]:.2f}"


if __name__ == "__main__":
    main()
