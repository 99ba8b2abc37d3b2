"""What bootstrap tells the handlers through their environment."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3

from footlake.football.api import FootballApi
from footlake.handlers.store import Store

# Time kept back for writing what was fetched before Lambda ends the invocation.
RESERVE_SECONDS = 3.0


def leagues() -> list[int]:
    """The leagues that a scheduled run asks for."""
    return [int(league) for league in os.environ["FOOTLAKE_LEAGUES"].split(",")]


def season() -> int:
    """The year in which the season of scheduled runs begins."""
    return int(os.environ["FOOTLAKE_SEASON"])


@cache
def store() -> Store:
    """The data lake's bucket."""
    return Store(boto3.client("s3"), os.environ["FOOTLAKE_BUCKET"])


def football_api(context: Any) -> FootballApi:
    """A client that stops in time for the invocation to end well. The key is read from SSM, and kept nowhere else."""
    parameter = boto3.client("ssm").get_parameter(Name=os.environ["FOOTLAKE_API_KEY_PARAMETER"], WithDecryption=True)
    return FootballApi(
        os.environ["FOOTLAKE_API_URL"],
        parameter["Parameter"]["Value"],
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS,
    )
