"""Client of API-Football v3: requests, limits and errors.

Most errors come as HTTP 200 with an `errors` object in the body. The client returns complete responses only, retries
temporary errors and raises an ApiError for all others.
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
from urllib.parse import urlsplit

import requests

IDS_PER_REQUEST = 20
MAX_ATTEMPTS = 5
TIMEOUT_SECONDS = 8.0
MAX_BACKOFF_SECONDS = 8.0
MINUTE = 60.0


class ApiError(Exception):
    """API-Football did not return what was requested; the message is for users."""


class RequestRefused(ApiError):
    """The same request will fail again."""


class KeyRefused(RequestRefused):
    """The API key is missing, wrong or blocked."""


class PlanRefused(RequestRefused):
    """The plan does not include the requested data."""


class IdsRefused(PlanRefused):
    """The plan does not allow the `ids` parameter."""


class QuotaSpent(ApiError):
    """The daily quota is exhausted."""


class BudgetSpent(QuotaSpent):
    """The number of requests that the caller allowed is exhausted."""


class BadParameter(ApiError):
    """The API rejects a parameter."""


class NoSource(ApiError):
    """The local football API has no data; the message says which setting is missing."""


class Unavailable(ApiError):
    """The API could not be reached, or its responses were invalid, at each of several attempts."""


class OutOfTime(ApiError):
    """The caller's time is too short for the next request, which would have to wait `pause` seconds."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class UnexpectedBody(ApiError):
    """A response does not have the documented form."""


class _RetryRequest(Exception):
    """A temporary error: retry after `pause` seconds, or after the default back-off if that is None."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class FootballApi:
    """A client of API-Football v3 at `url`.

    `seconds_left` returns for how many seconds the caller can still wait (the remaining time of a Lambda invocation).
    `budget` is the maximum number of requests. Tests replace `sleep` and `clock` (seconds).
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
        # A proxy of the environment has no way to an address of this machine.
        self._session.trust_env = urlsplit(self.url).hostname not in ("127.0.0.1", "localhost")
        self._session.headers["x-apisports-key"] = key
        self._seconds_left = seconds_left
        self._sleep = sleep
        self._clock = clock
        self._server_time: datetime | None = None
        self._resume_at = 0.0
        self._recent_requests: deque[float] = deque()

    def fixtures(self, **parameters: str | int) -> dict[str, Any]:
        """Return the `/fixtures` envelope."""
        return self.get("fixtures", parameters)

    def standings(self, league: int, season: int) -> dict[str, Any]:
        """Return the `/standings` envelope of a league's season."""
        return self.get("standings", {"league": league, "season": season})

    def statistics(self, fixture_id: int) -> dict[str, Any]:
        """Return the `/fixtures/statistics` envelope for a fixture."""
        return self.get("fixtures/statistics", {"fixture": fixture_id})

    def status(self) -> dict[str, Any]:
        """Return the response of `/status`: the subscription and today's requests. It does not count as a request."""
        response: dict[str, Any] = self._request_with_retries("status", {})["response"]
        return response

    def now(self) -> datetime:
        """Return the API's time from its last response. Requests `/status` if there was no response yet."""
        if self._server_time is None:
            with suppress(Unavailable, BadParameter):
                self._request_with_retries("status", {})
        return self._server_time or datetime.now(UTC)

    def get(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """Return the v3 envelope of a list, with an empty `errors` and a list as `response`.

        Raises RequestRefused, QuotaSpent, BadParameter, Unavailable or OutOfTime.
        """
        return self._request_with_retries(path, parameters, counted=True)

    def _request_with_retries(
        self, path: str, parameters: Mapping[str, str | int], counted: bool = False
    ) -> dict[str, Any]:
        reason = ""
        for attempt in range(MAX_ATTEMPTS):
            self._wait(self._resume_at - self._clock())
            if counted:
                self._count_request()
            try:
                return self._parse(self._send(path, parameters), path)
            except _RetryRequest as error:
                reason = str(error)
                if attempt + 1 < MAX_ATTEMPTS:
                    back_off = min(MAX_BACKOFF_SECONDS, 0.25 * 2**attempt) * random.uniform(0.5, 1.5)
                    self._wait(back_off if error.pause is None else error.pause + random.random())
        raise Unavailable(f"API-Football failed in {MAX_ATTEMPTS} attempts to request /{path}: {reason}.")

    def _count_request(self) -> None:
        """Count a request, or raise BudgetSpent or QuotaSpent if none is left."""
        if self.budget is not None and self.requests_made >= self.budget:
            limit = f"{self.budget} request{'' if self.budget == 1 else 's'}"
            raise BudgetSpent(f"The limit of this call is reached: {limit} to API-Football.")
        if self._requests_left_today == 0:
            raise self._quota_spent()
        self.requests_made += 1
        self._recent_requests.append(self._clock())

    def _quota_spent(self) -> QuotaSpent:
        limit = f" ({self.requests_per_day} requests)" if self.requests_per_day else ""
        return QuotaSpent(f"The daily request quota of API-Football is used up{limit}.")

    def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if seconds >= self._seconds_left():
            raise OutOfTime(
                f"API-Football requires a pause of {seconds:.0f} seconds, which is longer than the time left.", seconds
            )
        self._sleep(seconds)

    def _send(self, path: str, parameters: Mapping[str, str | int]) -> requests.Response:
        timeout = min(TIMEOUT_SECONDS, self._seconds_left())
        if timeout <= 0:
            raise OutOfTime("No time is left for another request to API-Football.")
        try:
            # A redirect would send the API key to another server.
            response = self._session.get(
                f"{self.url}/{path}", params=dict(parameters), timeout=timeout, allow_redirects=False
            )
        except requests.Timeout:
            raise _RetryRequest(f"no answer within {timeout:.0f} seconds") from None
        except requests.RequestException as error:
            raise _RetryRequest(f"the connection failed ({type(error).__name__})") from None
        self._record_headers(response)
        return response

    def _parse(self, response: requests.Response, path: str) -> dict[str, Any]:
        """Return the body of a successful response, or raise the error that it contains."""
        status = response.status_code
        if status in (401, 403):
            raise KeyRefused(f"API-Football rejects the API key (HTTP {status}).")
        if status == 429 and self._requests_left_today == 0:
            raise self._quota_spent()
        if status == 429:
            raise _RetryRequest("too many requests (HTTP 429)", _retry_after(response))
        if status == 499 or status >= 500:
            raise _RetryRequest(f"HTTP {status}")
        try:
            body = json.loads(response.content)  # UTF-8, whatever the header says
        except (ValueError, RecursionError):
            raise _RetryRequest(f"a body that is not JSON (HTTP {status})") from None
        if not isinstance(body, dict) or "errors" not in body:
            raise _RetryRequest("a body without the documented form")
        if body["errors"]:
            raise _to_exception(body["errors"])
        expected_type = dict if path == "status" else list
        if status != 200 or not isinstance(body.get("response"), expected_type):
            raise _RetryRequest(f"a body without a response (HTTP {status})")
        if expected_type is list:
            _require_complete_list(body, path)
        return body

    def _record_headers(self, response: requests.Response) -> None:
        """Note the API's time, the rest of the daily quota, and when the limit per minute allows the next request.

        If this client's requests used up the limit, it allows one again a minute after the first of them. If other
        clients of the same key did, that time is unknown, and a full minute is enough.
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
            own_requests = 0 < limit <= len(self._recent_requests)
            self._resume_at = (self._recent_requests[-limit] if own_requests else now) + MINUTE


def _require_complete_list(body: Mapping[str, Any], path: str) -> None:
    """Raise an error if `results` is not the length of the list, or if `paging` says that it has several pages."""
    results, paging = body.get("results"), body.get("paging")
    if isinstance(results, int) and results != len(body["response"]):
        raise _RetryRequest(f"{len(body['response'])} of {results} results")
    pages = paging.get("total") if isinstance(paging, Mapping) else None
    if isinstance(pages, int) and pages > 1:
        raise Unavailable(f"API-Football returned /{path} in {pages} pages; footlake can read a single page only.")


def _integer_header(headers: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isdecimal() else default


def _retry_after(response: requests.Response) -> float | None:
    """Return the pause (seconds) after HTTP 429: that of the header, at most a minute; else until the minute is over.

    None, which means the default back-off, if requests are left in this minute.
    """
    seconds = _integer_header(response.headers, "Retry-After")
    if seconds is not None:
        return min(float(seconds), MINUTE)
    return None if _integer_header(response.headers, "X-RateLimit-Remaining") else MINUTE


def _to_exception(errors: Any) -> Exception:
    """Return the exception for an `errors` value: an object of messages, or sometimes a list of them."""
    items = (
        errors.items() if isinstance(errors, Mapping) else enumerate(errors if isinstance(errors, list) else [errors])
    )
    messages = {str(name).lower(): str(message) for name, message in items}
    text = " ".join(messages.values())
    if "requests" in messages:
        return QuotaSpent(f"The daily request quota of API-Football is used up: {text}")
    if "ratelimit" in messages:
        return _RetryRequest("the requests per minute are used up", MINUTE)
    if "plan" in messages:
        refused = IdsRefused if "ids" in text.lower().split() else PlanRefused
        return refused(f"The API-Football plan does not include this request: {text}")
    if messages.keys() & {"token", "access", "key", "ip", "domain"}:
        return KeyRefused(f"API-Football rejects the API key: {text}")
    if "source" in messages:
        return NoSource(text)
    if messages.keys() & {"bug", "report", "server"}:
        return _RetryRequest(text)
    return BadParameter(f"API-Football rejects the request: {text}")
