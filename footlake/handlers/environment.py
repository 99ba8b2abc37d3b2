"""Settings and clients of the Lambda functions, from the environment variables that bootstrap sets."""

from __future__ import annotations

import os
from datetime import date
from functools import cache
from typing import Any

import boto3

from footlake.football.api import FootballApi
from footlake.handlers import variables
from footlake.lake.s3_keys import Season, Window
from footlake.lake.store import LakeStore

# Time to store what was fetched before Lambda ends the invocation.
RESERVE_SECONDS = 3.0


def weekly_windows(day: date) -> list[tuple[Season, Window]]:
    """Return what the weekly run on `day` requests: its window, for each season that can have matches in it."""
    window = Window.of_week(day)
    leagues, years = (
        [int(number) for number in os.environ[name].split(",")] for name in (variables.LEAGUES, variables.SEASONS)
    )
    return [(Season(league, year), window) for league in leagues for year in years if window.touches(year)]


@cache
def lake_store() -> LakeStore:
    """Return the data lake's bucket."""
    return LakeStore(boto3.client("s3"), os.environ[variables.BUCKET])


def football_api(context: Any, budget: int | None = None, reserve: float = RESERVE_SECONDS) -> FootballApi:
    """Return a client that stops `reserve` seconds before the invocation times out.

    The API key is read from SSM at each call.
    """
    parameter = boto3.client("ssm").get_parameter(Name=os.environ[variables.API_KEY_PARAMETER], WithDecryption=True)
    return FootballApi(
        os.environ[variables.API_URL],
        parameter["Parameter"]["Value"],
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - reserve,
        budget=budget,
    )
