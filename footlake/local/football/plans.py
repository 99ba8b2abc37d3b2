"""The subscription plans of API-Football: their quotas, and what they give access to.

https://www.api-football.com/pricing and https://www.api-football.com/documentation-v3
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from footlake.local.football.request import ApiRequest, RequestRejected


@dataclass(frozen=True)
class ApiPlan:
    """What a subscription allows: requests per day and minute, seasons, the `ids` parameter.

    `days_around` is how far the `date` parameter reaches from today. None means no limit.
    """

    name: str
    per_day: int
    per_minute: int
    seasons: range | None = None
    ids: bool = True
    days_around: int | None = None

    def check_access(self, request: ApiRequest) -> None:
        """Raise RequestRejected if the plan has no access to what a request with valid parameters asks for."""
        if "ids" in request.parameters and not self.ids:
            raise self._no_access("the Ids parameter.")
        season = request.integer("season")
        if season is not None and self.seasons is not None and season not in self.seasons:
            raise self._no_access(f"this season, try from {self.seasons[0]} to {self.seasons[-1]}.")
        day = request.day("date")
        if day is not None and self.days_around is not None:
            today, reach = request.now.date(), timedelta(days=self.days_around)
            if abs(day - today) > reach:
                raise self._no_access(f"this date, try from {today - reach} to {today + reach}.")

    def _no_access(self, to: str) -> RequestRejected:
        return RequestRejected({"plan": f"{self.name} plans do not have access to {to}"})


PRO = ApiPlan("Pro", per_day=7500, per_minute=300)
FREE = ApiPlan("Free", per_day=100, per_minute=10, seasons=range(2022, 2025), ids=False, days_around=1)
PLANS = {plan.name.lower(): plan for plan in (PRO, FREE)}


class RequestCounts:
    """The requests of this real day (UTC) and minute; `clock` returns real time in seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._day = self._minute = 0
        self.lock = threading.Lock()
        self.today = self.this_minute = 0

    def update(self) -> None:
        """Set the counts to zero if a new minute or day has begun. Call it with the lock held."""
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self.this_minute = minute, 0
        if minute // 1440 != self._day:
            self._day, self.today = minute // 1440, 0


class Quota:
    """A plan's limits on requests; a request that exceeds one is rejected and not counted. Thread-safe."""

    def __init__(self, plan: ApiPlan, counts: RequestCounts) -> None:
        self._plan = plan
        self._counts = counts

    def spend(self) -> None:
        """Count a request. Raises RequestRejected if the quota of the minute or the day is used up."""
        with self._counts.lock:
            self._counts.update()
            if self._counts.this_minute >= self._plan.per_minute:
                raise RequestRejected(
                    {
                        "rateLimit": "Too many requests. You have exceeded the limit of requests per minute "
                        "of your subscription."
                    },
                    HTTPStatus.TOO_MANY_REQUESTS,
                )
            if self._counts.today >= self._plan.per_day:
                raise RequestRejected(
                    {
                        "requests": "You have reached the request limit for the day, "
                        "Go to https://dashboard.api-football.com to upgrade your plan."
                    }
                )
            self._counts.today += 1
            self._counts.this_minute += 1

    def spent_today(self) -> int:
        """Return the number of requests counted today."""
        with self._counts.lock:
            self._counts.update()
            return self._counts.today

    def headers(self) -> dict[str, str]:
        """Return the response headers with the limits and the remaining requests."""
        with self._counts.lock:
            self._counts.update()
            return {
                "x-ratelimit-requests-limit": str(self._plan.per_day),
                "x-ratelimit-requests-remaining": str(max(0, self._plan.per_day - self._counts.today)),
                "X-RateLimit-Limit": str(self._plan.per_minute),
                "X-RateLimit-Remaining": str(max(0, self._plan.per_minute - self._counts.this_minute)),
            }
