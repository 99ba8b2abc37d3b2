"""Estimate the costs of the lake from a table of prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from footlake.resources.base import Resource
from footlake.resources.cloudwatch import Alarm
from footlake.resources.glue import GlueJob
from footlake.resources.rds import DBInstance
from footlake.resources.walkthrough_extras import S3InterfaceEndpoint

AS_OF = "November 2026, us-east-1, USD, without tax or free tier"
HOURS = 730.0

# USD
DB_T4G_MICRO_HOUR = 0.016
GP3_20_GB_MONTH = 2.30
PUBLIC_IPV4_HOUR = 0.005
ALARM_MONTH = 0.10
INTERFACE_ENDPOINT_HOUR = 0.01  # per zone
DPU_HOUR = 0.44
LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_INVOCATION = 0.0000002
ML_M5_LARGE_HOUR = 0.115
ML_M5_4XLARGE_HOUR = 0.922

# Assumptions on a weekly run, lowest and highest: minutes of a Glue job (each worker is a DPU) and of the crawler (two
# DPUs), number of batch transforms; and the minutes of one transform.
JOB_MINUTES = (1.0, 3.0)
TRAINING_JOBS = ("dropids",)  # not part of the weekly run
CRAWLER_MINUTES = (1.0, 10.0)
TRANSFORMS = (1, 2)
TRANSFORM_MINUTES = 5.0

# Autopilot runs an analysis, then a training job for each candidate, at most ten at once, until its time limit.
AUTOPILOT_ANALYSIS_MINUTES = 10.0
AUTOPILOT_CANDIDATE_MINUTES = 4.0
AUTOPILOT_MAX_PARALLEL = 10


@dataclass(frozen=True)
class StandingCost:
    """A resource that costs money while it exists, in USD per month."""

    what: str
    monthly: float


@dataclass(frozen=True)
class Estimate:
    """The price in USD: of the resources per month, and of one weekly run from `week_low` to `week_high`."""

    as_of: str
    standing: list[StandingCost]
    monthly: float
    week_low: float
    week_high: float


def estimate_costs(resources: Iterable[Resource], transform_instance: str = "ml.m5.large") -> Estimate:
    """Estimate the price of these resources and of a weekly run.

    It leaves out transforms on an instance type without a known price, and says so in `as_of`.
    """
    standing = []
    alarms = workers = 0
    for resource in resources:
        if isinstance(resource, DBInstance):
            standing += [
                StandingCost(f"{resource.label}: db.t4g.micro", DB_T4G_MICRO_HOUR * HOURS),
                StandingCost(f"{resource.label}: 20 GB gp3", GP3_20_GB_MONTH),
                StandingCost(f"{resource.label}: public IPv4 address", PUBLIC_IPV4_HOUR * HOURS),
            ]
        elif isinstance(resource, S3InterfaceEndpoint):
            standing.append(StandingCost(f"{resource.label}: one zone", INTERFACE_ENDPOINT_HOUR * HOURS))
        elif isinstance(resource, GlueJob) and resource.name not in TRAINING_JOBS:
            workers += resource.workers
        alarms += isinstance(resource, Alarm)
    if alarms:
        standing.append(StandingCost(f"{alarms} alarms", alarms * ALARM_MONTH))
    transform = transforms_price(TRANSFORM_MINUTES * 60, transform_instance)
    low, high = (
        DPU_HOUR * (workers * job + 2 * crawler) / 60 + number * (transform or 0)
        for job, crawler, number in zip(JOB_MINUTES, CRAWLER_MINUTES, TRANSFORMS, strict=True)
    )
    as_of = AS_OF if transform is not None else f"{AS_OF}, without transforms on {transform_instance}"
    return Estimate(as_of, standing, sum(item.monthly for item in standing), low, high)


def autopilot_price(candidates: int, seconds: int) -> tuple[float, float]:
    """Return the usual and the highest price of an Autopilot job with a number of candidates and a time limit."""
    usual = (AUTOPILOT_ANALYSIS_MINUTES + candidates * AUTOPILOT_CANDIDATE_MINUTES) / 60
    most = min(candidates, AUTOPILOT_MAX_PARALLEL) * seconds / 3600
    return min(usual, most) * ML_M5_4XLARGE_HOUR, most * ML_M5_4XLARGE_HOUR


def invocations_price(number: int, seconds: float, memory: int) -> float:
    """Return the price of a number of Lambda invocations: total `seconds`, `memory` in MB."""
    return number * LAMBDA_INVOCATION + seconds * memory / 1024 * LAMBDA_GB_SECOND


def job_run_price(seconds: float, workers: int) -> float:
    """Return the price of a run of a Glue job. AWS charges for at least one minute."""
    return workers * DPU_HOUR * max(seconds, 60.0) / 3600


def transforms_price(seconds: float, instance: str) -> float | None:
    """Return the price of batch transforms, or None for an instance type without a known price."""
    return seconds / 3600 * ML_M5_LARGE_HOUR if instance == "ml.m5.large" else None


def crawler_price() -> tuple[float, float]:
    """Return the lowest and the highest price of a run of the crawler."""
    low, high = (2 * DPU_HOUR * minutes / 60 for minutes in CRAWLER_MINUTES)
    return low, high
