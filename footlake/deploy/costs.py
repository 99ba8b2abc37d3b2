"""What the lake costs, estimated from a dated price table."""

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
INTERFACE_ENDPOINT_HOUR = 0.01  # and zone
DPU_HOUR = 0.44
LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_INVOCATION = 0.0000002
ML_M5_LARGE_HOUR = 0.115
ML_M5_4XLARGE_HOUR = 0.922

# A week's run: minutes of each Glue job on its workers (a DPU each), of a crawler on two DPUs, of a transform instance.
JOB_MINUTES = (1.0, 3.0)
BEFORE_A_TRAINING = ("dropids",)
CRAWLER_MINUTES = (1.0, 10.0)
TRANSFORMS = (1, 2)
TRANSFORM_MINUTES = 5.0

# Autopilot: an analysis, then a training job for each candidate, up to ten at once until the runtime cap ends them.
AUTOPILOT_ANALYSIS_MINUTES = 10.0
AUTOPILOT_CANDIDATE_MINUTES = 4.0
AUTOPILOT_AT_ONCE = 10


@dataclass(frozen=True)
class Item:
    """Something that costs by standing there, in USD a month."""

    what: str
    monthly: float


@dataclass(frozen=True)
class Estimate:
    """The lake's price: what stands, and one weekly run at least and at most, in USD."""

    as_of: str
    standing: list[Item]
    monthly: float
    week_low: float
    week_high: float


def estimate(resources: Iterable[Resource], transform_instance: str = "ml.m5.large") -> Estimate:
    """The price of these resources; transforms on an instance whose price is not known here are left out, and told."""
    standing = []
    alarms = workers = 0
    for resource in resources:
        if isinstance(resource, DBInstance):
            standing += [
                Item(f"{resource.label}: db.t4g.micro", DB_T4G_MICRO_HOUR * HOURS),
                Item(f"{resource.label}: 20 GB gp3", GP3_20_GB_MONTH),
                Item(f"{resource.label}: public IPv4 address", PUBLIC_IPV4_HOUR * HOURS),
            ]
        elif isinstance(resource, S3InterfaceEndpoint):
            standing.append(Item(f"{resource.label}: one zone", INTERFACE_ENDPOINT_HOUR * HOURS))
        elif isinstance(resource, GlueJob) and resource.name not in BEFORE_A_TRAINING:
            workers += resource.workers
        alarms += isinstance(resource, Alarm)
    if alarms:
        standing.append(Item(f"{alarms} alarms", alarms * ALARM_MONTH))
    transform = transforms(TRANSFORM_MINUTES * 60, transform_instance)
    low, high = (
        DPU_HOUR * (workers * job + 2 * crawler) / 60 + number * (transform or 0)
        for job, crawler, number in zip(JOB_MINUTES, CRAWLER_MINUTES, TRANSFORMS, strict=True)
    )
    as_of = AS_OF if transform is not None else f"{AS_OF}, without transforms on {transform_instance}"
    return Estimate(as_of, standing, sum(item.monthly for item in standing), low, high)


def training(candidates: int, seconds: int) -> tuple[float, float]:
    """What an Autopilot job of so many candidates, capped at so many seconds, costs: as a rule, and at most."""
    usual = (AUTOPILOT_ANALYSIS_MINUTES + candidates * AUTOPILOT_CANDIDATE_MINUTES) / 60
    most = min(candidates, AUTOPILOT_AT_ONCE) * seconds / 3600
    return min(usual, most) * ML_M5_4XLARGE_HOUR, most * ML_M5_4XLARGE_HOUR


def invocations(number: int, seconds: float, memory: int) -> float:
    """What so many invocations of a function with so many MB cost that took so many seconds together."""
    return number * LAMBDA_INVOCATION + seconds * memory / 1024 * LAMBDA_GB_SECOND


def job_run(seconds: float, workers: int) -> float:
    """What a run of a Glue job on so many workers costs; a minute at least."""
    return workers * DPU_HOUR * max(seconds, 60.0) / 3600


def transforms(seconds: float, instance: str) -> float | None:
    """What batch transforms cost; None on an instance whose price is not known here."""
    return seconds / 3600 * ML_M5_LARGE_HOUR if instance == "ml.m5.large" else None


def crawl() -> tuple[float, float]:
    """What a run of the crawler costs, at least and at most."""
    low, high = (2 * DPU_HOUR * minutes / 60 for minutes in CRAWLER_MINUTES)
    return low, high
