"""API-Football v3: requests, its limits, and its way of saying no.

Most of its refusals are HTTP 200 with an `errors` object, so that a body has to be understood before it may be
believed. What is returned from here is an answer; everything else is raised.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

IDS_PER_REQUEST = 20
ATTEMPTS = 5
TIMEOUT_SECONDS = 8.0
LONGEST_PAUSE_SECONDS = 8.0
MINUTE = 60.0


class ApiError(Exception):
    """API-Football did not answer the question; the message is a sentence for people."""


class Refused(ApiError):
    """The key, the plan or the season is not allowed this. Asking again will not help."""


class IdsRefused(Refused):
    """The plan does not allow the `ids` parameter."""


class QuotaSpent(ApiError):
    """The day's requests are used up."""


class BadParameter(ApiError):
    """The API does not take this question."""


class NoSource(ApiError):
    """The local football API has nothing to answer from; the message says what to set."""


class Unavailable(ApiError):
    """The API could not be reached or did not make sense, several times in a row."""


class OutOfTime(ApiError):
    """Waiting for the API's limit would take longer than there is time."""


class UnexpectedBody(ApiError):
    """An answer that is not of the API's documented form."""


class _Again(Exception):
    """Worth another attempt, after `pause` seconds or the usual back-off."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class FootballApi:
    """A client of API-Football v3 at `url`.

    `seconds_left` tells how long the caller may still wait (a Lambda's remaining time); `sleep` and `clock` are
    time itself, to be replaced in tests.
    """

    def __init__(
        self,
        url: str,
        key: str,
        seconds_left: Callable[[], float] = lambda: float("inf"),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url.rstrip("/")
        self.requests_made = 0
        self._http = requests.Session()
        self._http.headers["x-apisports-key"] = key
        self._seconds_left = seconds_left
        self._sleep = sleep
        self._clock = clock
        self._resume_at = 0.0

    def fixtures(self, **parameters: str | int) -> dict[str, Any]:
        """The whole `/fixtures` answer."""
        return self.get("fixtures", parameters)

    def statistics(self, fixture_id: int) -> dict[str, Any]:
        """The whole `/fixtures/statistics` answer for one fixture."""
        return self.get("fixtures/statistics", {"fixture": fixture_id})

    def get(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """The answer to one question: the v3 envelope with an empty `errors`.

        Raises Refused, QuotaSpent, BadParameter, Unavailable or OutOfTime.
        """
        reason = ""
        for attempt in range(ATTEMPTS):
            self._wait_for(self._resume_at - self._clock())
            try:
                return self._ask(path, parameters)
            except _Again as again:
                reason = str(again)
                if attempt + 1 < ATTEMPTS:
                    back_off = min(LONGEST_PAUSE_SECONDS, 0.25 * 2**attempt) * random.uniform(0.5, 1.5)
                    self._wait_for(back_off if again.pause is None else again.pause)
        raise Unavailable(f"API-Football failed {ATTEMPTS} times in a row at /{path}: {reason}.")

    def _wait_for(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if seconds >= self._seconds_left():
            raise OutOfTime(f"API-Football's limit per minute asks for a pause of {seconds:.0f} seconds.")
        self._sleep(seconds)

    def _ask(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        timeout = min(TIMEOUT_SECONDS, self._seconds_left())
        if timeout <= 0:
            raise OutOfTime("No time is left for another request to API-Football.")
        self.requests_made += 1
        try:
            response = self._http.get(f"{self.url}/{path}", params=dict(parameters), timeout=timeout)
        except requests.Timeout:
            raise _Again(f"no answer within {timeout:.0f} seconds") from None
        except requests.RequestException as error:
            raise _Again(f"the connection failed ({type(error).__name__})") from None
        self._heed(response)
        if response.status_code in (401, 403):
            raise Refused(f"API-Football refuses the key (HTTP {response.status_code}).")
        if response.status_code == 429:
            raise _Again("too many requests (HTTP 429)", MINUTE)
        if response.status_code == 499 or response.status_code >= 500:
            raise _Again(f"HTTP {response.status_code}")
        try:
            body = response.json()
        except ValueError:
            raise _Again(f"a body that is not JSON (HTTP {response.status_code})") from None
        if not isinstance(body, dict) or "errors" not in body:
            raise _Again("a body that is not of the API's form")
        errors = body["errors"]
        if errors:
            raise _understood(errors)
        if response.status_code != 200 or not isinstance(body.get("response"), list):
            raise _Again(f"a body without a response (HTTP {response.status_code})")
        return body

    def _heed(self, response: requests.Response) -> None:
        """Do not ask again before the minute's limit allows it."""
        remaining = response.headers.get("X-RateLimit-Remaining", "")
        if remaining.strip() == "0":
            self._resume_at = self._clock() + MINUTE


def _understood(errors: Any) -> Exception:
    """The exception that an `errors` object stands for: an object, or sometimes a list, of sentences."""
    items = (
        errors.items() if isinstance(errors, Mapping) else enumerate(errors if isinstance(errors, list) else [errors])
    )
    messages = {str(name): str(text) for name, text in items}
    said = " ".join(messages.values())
    if "requests" in messages:
        return QuotaSpent(f"The day's requests to API-Football are used up: {said}")
    if "rateLimit" in messages:
        return _Again("the requests per minute are used up", MINUTE)
    if "plan" in messages and "ids" in said.lower().split():
        return IdsRefused(f"API-Football's plan does not allow this: {said}")
    if "plan" in messages:
        return Refused(f"API-Football's plan does not allow this: {said}")
    if messages.keys() & {"token", "access", "key"}:
        return Refused(f"API-Football refuses the key: {said}")
    if "source" in messages:
        return NoSource(said)
    if messages.keys() & {"bug", "report", "server"}:
        return _Again(said)
    return BadParameter(f"API-Football does not take this question: {said}")
