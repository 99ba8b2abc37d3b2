"""AWS's prices. Every estimate and every cost that footlake prints is computed from this table.

To update a price, change its entry and the date on which it was looked up, then docs/costs.md, which a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

REGION = "us-east-1"
_RDS = "https://aws.amazon.com/rds/mysql/pricing/"
_VPC = "https://aws.amazon.com/vpc/pricing/"
_PRIVATE_LINK = "https://aws.amazon.com/privatelink/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_GLUE = "https://aws.amazon.com/glue/pricing/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_SAGEMAKER = "https://aws.amazon.com/sagemaker/ai/pricing/"
_COST_EXPLORER = "https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/"

# AWS bills Glue and RDS by the second, with these minimums.
JOB_MINIMUM_SECONDS = 60.0  # a run of a Spark job, https://aws.amazon.com/glue/pricing/
CRAWL_MINIMUM_SECONDS = 600.0  # a crawl, https://aws.amazon.com/glue/pricing/
CRAWL_DPUS = 2
HOURS_PER_MONTH = 730.0
WEEKS_PER_MONTH = HOURS_PER_MONTH / (7 * 24)


@dataclass(frozen=True)
class Price:
    """The price of one `unit` in USD, on the page `source` as of the day `looked_up`, without tax and free tier."""

    name: str
    usd: float
    unit: str
    source: str
    looked_up: date
    region: str = REGION


_FIRST, _SECOND = date(2026, 11, 23), date(2026, 11, 28)

PRICES = {
    price.name: price
    for price in (
        Price("db.t4g.micro", 0.016, "hour", _RDS, _FIRST),
        Price("gp3", 0.115, "GB-month", _RDS, _FIRST),
        Price("public-ipv4", 0.005, "hour", _VPC, _FIRST),
        Price("interface-endpoint", 0.01, "hour", _PRIVATE_LINK, _FIRST),
        Price("alarm-metric", 0.10, "metric-month", _CLOUDWATCH, _FIRST),
        Price("glue-dpu", 0.44, "DPU-hour", _GLUE, _FIRST),
        Price("lambda-request", 0.0000002, "request", _LAMBDA, _SECOND),
        Price("lambda-memory", 0.0000166667, "GB-second", _LAMBDA, _SECOND),
        Price("s3-storage", 0.023, "GB-month", _S3, _SECOND),
        Price("s3-list", 0.000005, "request", _S3, _SECOND),
        Price("ml.m5.large", 0.115, "hour", _SAGEMAKER, _FIRST),
        Price("ml.m5.xlarge", 0.23, "hour", _SAGEMAKER, _SECOND),
        Price("ml.m5.2xlarge", 0.461, "hour", _SAGEMAKER, _SECOND),
        Price("ml.m5.4xlarge", 0.922, "hour", _SAGEMAKER, _FIRST),
        Price("cost-explorer", 0.01, "request", _COST_EXPLORER, _SECOND),
    )
}
AS_OF = f"{min(price.looked_up for price in PRICES.values()):%B %Y}, {REGION}, USD, without tax or free tier"


@dataclass(frozen=True)
class CostLine:
    """What `quantity` units of something cost, in USD."""

    what: str
    cost: float
    quantity: float
    price: Price


def cost_line(what: str, quantity: float, price: str) -> CostLine:
    """Return the cost of a quantity at the price of this name. KeyError for a name that the table does not have."""
    return CostLine(what, quantity * PRICES[price].usd, quantity, PRICES[price])


def job_dpu_hours(seconds: float, workers: float) -> float:
    """Return the billed DPU-hours of a run of a Glue job on `workers` G.1X workers, each of which is a DPU."""
    return workers * max(seconds, JOB_MINIMUM_SECONDS) / 3600


def crawl_dpu_hours(seconds: float, reported: float = 0.0) -> float:
    """Return the billed DPU-hours of a crawl. `reported` are those that Glue reports, without the minimum."""
    return max(reported, CRAWL_DPUS * max(seconds, CRAWL_MINIMUM_SECONDS) / 3600)


def format_range(low: float, high: float) -> str:
    """Return two amounts in USD as `0.26 to 0.42`, or as `0.26` if they do not differ."""
    return " to ".join(dict.fromkeys(f"{amount:.2f}" for amount in (low, high)))


def format_quantity(quantity: float, price: Price, high: float | None = None) -> str:
    """Return a quantity or its range with its price, such as `730 hours at 0.016 USD`."""
    numbers = dict.fromkeys(
        f"{number:,.4g}" if number < 10_000 else f"{number:,.0f}" for number in (quantity, high or quantity)
    )
    amount = f"{price.usd:.10f}".rstrip("0")
    plural = "" if list(numbers) == ["1"] else "s"
    return f"{' to '.join(numbers)} {price.unit}{plural} at {amount} USD"
