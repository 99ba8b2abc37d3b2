"""API-Football v3: requests, its limits, and its way of saying no.

Most of its refusals are HTTP 200 with an `errors` object, so that a body has to be understood before it may be
believed. What is returned from here is an answer; everything else is raised.
"""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

IDS_PER_REQUEST = 20
ATTEMPTS = 5
TIMEOUT_SECONDS = 8.0
LONGEST_PAUSE_SECONDS = 8.0
MINUTE = 60.0


class ApiError(Exception):
    """API-Football did not answer the question; the message is a sentence for people."""


class RequestRefused(ApiError):
    """Asking again will not help."""


class KeyRefused(RequestRefused):
    """The key is missing, wrong or blocked."""


class PlanRefused(RequestRefused):
    """The plan does not include what was asked for."""


class IdsRefused(PlanRefused):
    """The plan does not allow the `ids` parameter."""


class QuotaSpent(ApiError):
    """The day's requests are used up."""


class BudgetSpent(QuotaSpent):
    """The requests that the caller allowed are used up."""


class BadParameter(ApiError):
    """The API does not take this question."""


class NoSource(ApiError):
    """The local football API has nothing to answer from; the message says what to set."""


class Unavailable(ApiError):
    """The API could not be reached or did not make sense, several times in a row."""


class OutOfTime(ApiError):
    """Waiting for the API would take longer than there is time; it asks for a `pause` of so many seconds."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class UnexpectedBody(ApiError):
    """An answer that is not of the API's documented form."""


class _RetryRequest(Exception):
    """Worth another attempt, after `pause` seconds or the usual back-off."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class FootballApi:
    """A client of API-Football v3 at `url`.

    `seconds_left` tells how long the caller may still wait (a Lambda's remaining time), `budget` how many requests it
    may make; `sleep` and `clock` are time itself, to be replaced in tests.
    """

    def __init__(
        self,
        url: str,
        key: str,
        seconds_left: Callable[[], float] = lambda: float("inf"),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        budget: int | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.budget = budget
        self.requests_made = 0
        self.requests_per_day: int | None = None
        self._requests_left_today: int | None = None
        self._session = requests.Session()
        self._session.headers["x-apisports-key"] = key
        self._seconds_left = seconds_left
        self._sleep = sleep
        self._clock = clock
        self._server_time: datetime | None = None
        self._resume_at = 0.0
        self._recent_requests: deque[float] = deque()

    def fixtures(self, **parameters: str | int) -> dict[str, Any]:
        """The whole `/fixtures` answer."""
        return self.get("fixtures", parameters)

    def statistics(self, fixture_id: int) -> dict[str, Any]:
        """The whole `/fixtures/statistics` answer for one fixture."""
        return self.get("fixtures/statistics", {"fixture": fixture_id})

    def status(self) -> dict[str, Any]:
        """The response of `/status`, which is free: the subscription, and the day's requests."""
        answer: dict[str, Any] = self._request_with_retries("status", {})["response"]
        return answer

    def now(self) -> datetime:
        """The API's own time, as its last answer told it; if there was none yet, `/status` is asked, which is free."""
        if self._server_time is None:
            with suppress(Unavailable, BadParameter):
                self._request_with_retries("status", {})
        return self._server_time or datetime.now(UTC)

    def get(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """The answer to one question: the v3 envelope with an empty `errors` and a list as `response`.

        Raises RequestRefused, QuotaSpent, BadParameter, Unavailable or OutOfTime.
        """
        return self._request_with_retries(path, parameters, counted=True)

    def _request_with_retries(
        self, path: str, parameters: Mapping[str, str | int], counted: bool = False
    ) -> dict[str, Any]:
        reason = ""
        for attempt in range(ATTEMPTS):
            self._wait(self._resume_at - self._clock())
            if counted:
                self._count_request()
            try:
                return self._request_once(path, parameters)
            except _RetryRequest as again:
                reason = str(again)
                if attempt + 1 < ATTEMPTS:
                    back_off = min(LONGEST_PAUSE_SECONDS, 0.25 * 2**attempt) * random.uniform(0.5, 1.5)
                    self._wait(back_off if again.pause is None else again.pause + random.random())
        raise Unavailable(f"API-Football failed {ATTEMPTS} times in a row at /{path}: {reason}.")

    def _count_request(self) -> None:
        """Allow one more request, or say which limit is reached."""
        if self.budget is not None and self.requests_made >= self.budget:
            raise BudgetSpent(f"The {self.budget} requests to API-Football that were allowed are used up.")
        if self._requests_left_today == 0:
            raise self._quota_spent()
        self.requests_made += 1
        self._recent_requests.append(self._clock())

    def _quota_spent(self) -> QuotaSpent:
        of_the_day = f"{self.requests_per_day} requests" if self.requests_per_day else "requests"
        return QuotaSpent(f"The day's {of_the_day} to API-Football are used up.")

    def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if seconds >= self._seconds_left():
            raise OutOfTime(f"API-Football asks for a pause of {seconds:.0f} seconds.", seconds)
        self._sleep(seconds)

    def _request_once(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        timeout = min(TIMEOUT_SECONDS, self._seconds_left())
        if timeout <= 0:
            raise OutOfTime("No time is left for another request to API-Football.")
        try:
            # A redirect would carry the key to wherever it leads.
            response = self._session.get(
                f"{self.url}/{path}", params=dict(parameters), timeout=timeout, allow_redirects=False
            )
        except requests.Timeout:
            raise _RetryRequest(f"no answer within {timeout:.0f} seconds") from None
        except requests.RequestException as error:
            raise _RetryRequest(f"the connection failed ({type(error).__name__})") from None
        self._record_headers(response)
        if response.status_code in (401, 403):
            raise KeyRefused(f"API-Football refuses the key (HTTP {response.status_code}).")
        if response.status_code == 429 and self._requests_left_today == 0:
            raise self._quota_spent()
        if response.status_code == 429:
            raise _RetryRequest("too many requests (HTTP 429)", _retry_after(response))
        if response.status_code == 499 or response.status_code >= 500:
            raise _RetryRequest(f"HTTP {response.status_code}")
        try:
            body = json.loads(response.content)  # UTF-8, whatever the header says
        except (ValueError, RecursionError):
            raise _RetryRequest(f"a body that is not JSON (HTTP {response.status_code})") from None
        if not isinstance(body, dict) or "errors" not in body:
            raise _RetryRequest("a body that is not of the API's form")
        errors = body["errors"]
        if errors:
            raise _to_exception(errors)
        form = dict if path == "status" else list
        if response.status_code != 200 or not isinstance(body.get("response"), form):
            raise _RetryRequest(f"a body without a response (HTTP {response.status_code})")
        if form is list:
            _require_complete_list(body, path)
        return body

    def _record_headers(self, response: requests.Response) -> None:
        """What the headers tell: the API's time, what is left of the day, and when the minute's limit allows more.

        A limit that was reached by our own requests is free again a minute after the first of them; for one that
        others reached, nobody tells when their minute ends.
        """
        headers, now = response.headers, self._clock()
        with suppress(KeyError, ValueError, TypeError, OverflowError):
            date = parsedate_to_datetime(headers["Date"])
            self._server_time = date if date.tzinfo else date.replace(tzinfo=UTC)
        self.requests_per_day = _integer_header(headers, "x-ratelimit-requests-limit", self.requests_per_day)
        self._requests_left_today = _integer_header(
            headers, "x-ratelimit-requests-remaining", self._requests_left_today
        )
        while self._recent_requests and self._recent_requests[0] <= now - MINUTE:
            self._recent_requests.popleft()
        if _integer_header(headers, "X-RateLimit-Remaining") == 0:
            limit = _integer_header(headers, "X-RateLimit-Limit") or 0
            ours = 0 < limit <= len(self._recent_requests)
            self._resume_at = (self._recent_requests[-limit] if ours else now) + MINUTE


def _require_complete_list(body: Mapping[str, Any], path: str) -> None:
    """Raise where a list is not all that was asked for: `results` says how long it is, `paging` of how many."""
    results, paging = body.get("results"), body.get("paging")
    if isinstance(results, int) and results != len(body["response"]):
        raise _RetryRequest(f"{len(body['response'])} of {results} results")
    pages = paging.get("total") if isinstance(paging, Mapping) else None
    if isinstance(pages, int) and pages > 1:
        raise Unavailable(f"API-Football answers /{path} in {pages} pages, where it is known to have one.")


def _integer_header(headers: Mapping[str, str], name: str, otherwise: int | None = None) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isdecimal() else otherwise


def _retry_after(response: requests.Response) -> float | None:
    """How long to wait after "too many requests": as long as it says, or until the minute is over if that is full."""
    asked = _integer_header(response.headers, "Retry-After")
    if asked is not None:
        return min(float(asked), MINUTE)
    return None if _integer_header(response.headers, "X-RateLimit-Remaining") else MINUTE


def _to_exception(errors: Any) -> Exception:
    """The exception that an `errors` object stands for: an object, or sometimes a list, of sentences."""
    items = (
        errors.items() if isinstance(errors, Mapping) else enumerate(errors if isinstance(errors, list) else [errors])
    )
    messages = {str(name).lower(): str(text) for name, text in items}
    said = " ".join(messages.values())
    if "requests" in messages:
        return QuotaSpent(f"The day's requests to API-Football are used up: {said}")
    if "ratelimit" in messages:
        return _RetryRequest("the requests per minute are used up", MINUTE)
    if "plan" in messages and "ids" in said.lower().split():
        return IdsRefused(f"API-Football's plan does not allow this: {said}")
    if "plan" in messages:
        return PlanRefused(f"API-Football's plan does not allow this: {said}")
    if messages.keys() & {"token", "access", "key", "ip", "domain"}:
        return KeyRefused(f"API-Football refuses the key: {said}")
    if "source" in messages:
        return NoSource(said)
    if messages.keys() & {"bug", "report", "server"}:
        return _RetryRequest(said)
    return BadParameter(f"API-Football does not take this question: {said}")
