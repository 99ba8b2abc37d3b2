"""Estimate what a lake costs per month, per week and per training, before anything is billed.

footlake.deploy.prices has the prices, docs/costs.md the same calculation by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import get_args

from footlake.config import Config, DatabaseMode
from footlake.deploy.catalogue import DROP_IDS_JOB, catalogue
from footlake.deploy.prices import (
    AS_OF,
    CRAWL_DPUS,
    HOURS_PER_MONTH,
    PRICES,
    REGION,
    WEEKS_PER_MONTH,
    Price,
    crawl_dpu_hours,
    job_dpu_hours,
)
from footlake.deploy.schedule import runs_per_week
from footlake.errors import CostLimitExceeded
from footlake.resources.base import Resource
from footlake.resources.cloudwatch import Alarm
from footlake.resources.events import EventRule
from footlake.resources.glue import GlueCrawler, GlueJob, GlueTrigger
from footlake.resources.lambdas import LambdaFunction
from footlake.resources.rds import DBInstance
from footlake.resources.walkthrough_extras import S3InterfaceEndpoint

STORAGE_GB = 20  # of the database; with gp3, AWS offers no less
# How long a database that sleeps runs: from the schedule that starts it to the one that stops it, and for a command.
SCHEDULED_HOURS_AWAKE = 2.5
COMMAND_HOURS_AWAKE = 1.0
RETRY_SECONDS = 1.0  # of a function that finds no pending work, after it has listed the folder

# Assumptions on one run, lowest and highest. A crawl takes less than the minimum that AWS bills.
JOB_SECONDS = (60.0, 180.0)
TRANSFORMS = (1, 2)
TRANSFORM_SECONDS = 300.0
FUNCTION_SECONDS = (20.0, 120.0)  # all functions of a week together

# The jobs and crawlers of each step of run-week.
STEP_CRAWLS = {"run-glue": ("S3datalake",)}
WEEK_STEPS = ("ingest-fixtures", "ingest-stats", "run-glue", "transform-xgoals", "load-mysql")

# Autopilot runs an analysis, then a training job for each candidate, at most ten at once, until its time limit.
AUTOPILOT_INSTANCE = "ml.m5.4xlarge"
AUTOPILOT_ANALYSIS_SECONDS = 600.0
AUTOPILOT_CANDIDATE_SECONDS = 240.0
AUTOPILOT_MAX_PARALLEL = 10


@dataclass(frozen=True)
class StandingCost:
    """A resource that costs money while it exists: `quantity` units of `price`, in USD per month."""

    what: str
    monthly: float
    quantity: float
    price: Price


@dataclass(frozen=True)
class RunLine:
    """A part of a run, with its lowest and highest price in USD and quantity in units of `price`."""

    what: str
    low: float
    high: float
    low_quantity: float
    high_quantity: float
    price: Price


@dataclass(frozen=True)
class RunEstimate:
    """The lowest and highest price of a run in USD, and the lines of which it is the sum."""

    low: float
    high: float
    lines: list[RunLine]


@dataclass(frozen=True)
class Estimate:
    """The price of a lake in USD.

    `monthly` is the sum of `standing`, the resources. `scheduled_week` is a Tuesday on which only the schedules run,
    `manual_week` a `run-week`, with its lowest and highest price also in `week_low` and `week_high`. `month` is the
    lowest and highest price of a month in which only the schedules run, including the resources. `monthly_by_database`
    has `monthly` for each value of the setting database. `other_region` says that the prices are not those of the
    lake's region, if they are not.
    """

    as_of: str
    standing: list[StandingCost]
    monthly: float
    week_low: float
    week_high: float
    scheduled_week: RunEstimate
    manual_week: RunEstimate
    month: tuple[float, float]
    monthly_by_database: dict[str, float]
    other_region: str


def estimate_costs(config: Config) -> Estimate:
    """Estimate the price of the lake with these settings, which must have an account and a region.

    It leaves out transforms on an instance type without a known price, and says so in `as_of`.
    """
    standing = standing_costs(config)
    monthly = sum(item.monthly for item in standing)
    scheduled, manual = estimate_scheduled_week(config), estimate_week(config)
    month = (monthly + WEEKS_PER_MONTH * scheduled.low, monthly + WEEKS_PER_MONTH * scheduled.high)
    return Estimate(
        as_of(config),
        standing,
        monthly,
        manual.low,
        manual.high,
        scheduled,
        manual,
        month,
        {mode: monthly_price(replace(config, database=mode)) for mode in get_args(DatabaseMode)},
        "" if config.region == REGION else f"Those of the lake's region, {config.region}, can differ",
    )


def as_of(config: Config) -> str:
    """Return when and where the prices are valid, and what has none."""
    instance = config.transform_instance
    return AS_OF if instance in PRICES else f"{AS_OF}, without transforms on {instance}"


def monthly_price(config: Config) -> float:
    """Return what the resources of a lake with these settings cost a month, without any run, in USD."""
    return sum(item.monthly for item in standing_costs(config))


def check_limit(config: Config) -> None:
    """Raise CostLimitExceeded if the resources cost more a month than the setting max_monthly_cost."""
    limit = config.max_monthly_cost
    # Cents, as users see them in the plan.
    if limit is None or (price := round(monthly_price(config), 2)) <= limit:
        return
    modes = [
        mode for mode in get_args(DatabaseMode) if round(monthly_price(replace(config, database=mode)), 2) <= limit
    ]
    cheaper = " or ".join(f"database = {mode}" for mode in modes)
    raise CostLimitExceeded(
        f"The lake would cost {price:.2f} USD a month on AWS, more than max_monthly_cost ({limit:.2f} USD).",
        f"Raise max_monthly_cost{f', or set {cheaper}' if cheaper else ''}.",
    )


def standing_costs(config: Config, resources: Sequence[Resource] | None = None) -> list[StandingCost]:
    """Return what costs money while the lake, or only these `resources` of it, exist."""
    resources = _billed_resources(config) if resources is None else resources
    return [line for lines in (_database(resources, config), _other_resources(resources)) for line in lines]


@lru_cache(maxsize=8)
def _billed_resources(config: Config) -> list[Resource]:
    """Return the resources of the catalogue."""
    return catalogue(config)


def _database(resources: Iterable[Resource], config: Config) -> Iterator[StandingCost]:
    hours = HOURS_PER_MONTH if config.database == "always" else WEEKS_PER_MONTH * SCHEDULED_HOURS_AWAKE
    for resource in resources:
        if isinstance(resource, DBInstance):
            yield _standing(f"{resource.label}: db.t4g.micro", hours, "db.t4g.micro")
            # AWS bills the storage of a stopped instance, but not its hours.
            yield _standing(f"{resource.label}: storage", STORAGE_GB, "gp3")
            yield _standing(f"{resource.label}: public IPv4 address", hours, "public-ipv4")


def _other_resources(resources: Sequence[Resource]) -> Iterator[StandingCost]:
    for resource in resources:
        if isinstance(resource, S3InterfaceEndpoint):
            yield _standing(f"{resource.label}: one zone", HOURS_PER_MONTH, "interface-endpoint")
    alarms = [resource for resource in resources if isinstance(resource, Alarm)]
    if alarms:
        yield _standing(f"{len(alarms)} alarms", sum(alarm.metric_count for alarm in alarms), "alarm-metric")
    retries = [
        (WEEKS_PER_MONTH * runs_per_week(rule.schedule), rule.target.memory / 1024)
        for rule in _retry_rules(resources)
        if isinstance(rule.target, LambdaFunction)
    ]
    if retries:
        runs = sum(number for number, _ in retries)
        memory = sum(number * gigabytes for number, gigabytes in retries)
        what = f"{len(retries)} rules that continue unfinished work"
        yield _standing(f"{what}: requests", runs, "lambda-request")
        yield _standing(f"{what}: duration", memory * RETRY_SECONDS, "lambda-memory")
        yield _standing(f"{what}: listings of S3", runs, "s3-list")


def storage_cost(bucket: str, size: float) -> StandingCost:
    """Return the cost of a bucket with `size` bytes."""
    return _standing(f"bucket {bucket}: {format_size(size)}", size / 1e9, "s3-storage")


def format_size(size: float) -> str:
    """Return a number of bytes in MB, or in GB from 1 GB on."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _retry_rules(resources: Iterable[Resource]) -> list[EventRule]:
    """Return the rules with a rate. They run all the time, unlike the weekly ones."""
    return [one for one in resources if isinstance(one, EventRule) and one.schedule.startswith("rate(")]


def _standing(what: str, quantity: float, price: str) -> StandingCost:
    return StandingCost(what, quantity * PRICES[price].usd, quantity, PRICES[price])


def estimate_scheduled_week(config: Config) -> RunEstimate:
    """Estimate a week in which only the schedules run: their jobs and crawls, the functions, and the transforms."""
    resources = _billed_resources(config)
    crawls: Counter[str] = Counter()
    workers = runs = 0.0
    for resource in resources:
        if isinstance(resource, GlueCrawler):
            crawls[resource.name] = round(runs_per_week(resource.schedule))
        if isinstance(resource, GlueTrigger):
            times = runs_per_week(resource.schedule)
            jobs = [job for job in resource.jobs if job in resources]
            runs += times * len(jobs)
            workers += times * sum(job.workers for job in jobs)
    return _estimate([*_glue_lines(runs, workers, crawls), *_transform_lines(config), _function_line(resources)])


def estimate_week(config: Config, steps: Collection[str] = WEEK_STEPS) -> RunEstimate:
    """Estimate a `run-week`, or these steps of it."""
    resources = _billed_resources(config)
    jobs = [
        job
        for job in resources
        if isinstance(job, GlueJob) and job.name != DROP_IDS_JOB
        if ("load-mysql" if job.connection else "run-glue") in steps
    ]
    crawls = Counter(name for step in steps for name in STEP_CRAWLS.get(step, ()))
    lines = _glue_lines(len(jobs), sum(job.workers for job in jobs), crawls)
    if "transform-xgoals" in steps:
        lines += _transform_lines(config)
    if config.database == "weekly" and "load-mysql" in steps:
        for price in ("db.t4g.micro", "public-ipv4"):
            lines.append(_run_line(f"MySQL awake: {price}", COMMAND_HOURS_AWAKE, COMMAND_HOURS_AWAKE, price))
    return _estimate([*lines, _function_line(resources)])


def estimate_training(config: Config, on_this_machine: bool = False) -> RunEstimate:
    """Estimate a `train-autopilot`: the job dropids, a crawl, Autopilot and the transforms of all team rows.

    The highest price is that of candidates that train until the time limit.
    """
    jobs = [job for job in _billed_resources(config) if isinstance(job, GlueJob) and job.name == DROP_IDS_JOB]
    lines = _glue_lines(len(jobs), sum(job.workers for job in jobs), Counter(S3datalake=1))
    if on_this_machine:
        return _estimate(lines)
    candidates, seconds = config.max_candidates, config.max_runtime
    most = min(candidates, AUTOPILOT_MAX_PARALLEL) * seconds / 3600
    usual = (AUTOPILOT_ANALYSIS_SECONDS + candidates * AUTOPILOT_CANDIDATE_SECONDS) / 3600
    autopilot = _run_line(f"Autopilot: up to {candidates} candidates", min(usual, most), most, AUTOPILOT_INSTANCE)
    return _estimate([*lines, autopilot, *_transform_lines(config)])


def _glue_lines(runs: float, workers: float, crawls: Counter[str]) -> list[RunLine]:
    """Return the lines of a number of job runs with this sum of workers, and of the crawls by their crawlers."""
    lines = []
    if runs:
        low, high = (job_dpu_hours(seconds, workers) for seconds in JOB_SECONDS)
        lines.append(_run_line(f"{runs:g} Glue job runs, {workers:g} workers", low, high, "glue-dpu"))
    for crawler, number in crawls.items():
        hours = number * crawl_dpu_hours(0)
        what = f"{number} {'crawl' if number == 1 else 'crawls'} of {crawler}, {CRAWL_DPUS} DPUs, 10 minutes at least"
        lines.append(_run_line(what, hours, hours, "glue-dpu"))
    return lines


def _transform_lines(config: Config) -> list[RunLine]:
    if config.transform_instance not in PRICES:
        return []
    low, high = (number * TRANSFORM_SECONDS / 3600 for number in TRANSFORMS)
    return [_run_line(f"{TRANSFORMS[0]} to {TRANSFORMS[1]} batch transforms", low, high, config.transform_instance)]


def _function_line(resources: Iterable[Resource]) -> RunLine:
    memory = max((one.memory for one in resources if isinstance(one, LambdaFunction)), default=0)
    low, high = (seconds * memory / 1024 for seconds in FUNCTION_SECONDS)
    return _run_line("Lambda functions", low, high, "lambda-memory")


def _run_line(what: str, low: float, high: float, price: str) -> RunLine:
    usd = PRICES[price].usd
    return RunLine(what, low * usd, high * usd, low, high, PRICES[price])


def _estimate(lines: list[RunLine]) -> RunEstimate:
    return RunEstimate(sum(line.low for line in lines), sum(line.high for line in lines), lines)
