"""Inject faults into the local football API: slow, failing or incomplete responses, at configured rates."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# Longer than the client of the football API waits.
TIMEOUT_SECONDS = 10.0

FAULTS = {
    "429": "HTTP 429 although the limit per minute is not reached",
    "499": "HTTP 499",
    "5xx": "HTTP 500, 502 or 503 with an HTML page",
    "204": "HTTP 204",
    "timeout": f"no answer for {TIMEOUT_SECONDS:.0f} seconds",
    "cut": "the connection closes in the middle of the response",
    "html": "HTTP 200 with an HTML page instead of JSON",
    "truncated": "HTTP 200 with incomplete JSON",
    "fields": "a required field is missing",
    "error": "HTTP 200 with an error in the response",
    "empty": "the statistics of a match are an empty list",
    "one-sided": "the statistics of one of the two teams are missing",
    "incoherent": "the shots of a team add up to more than its total",
}
_STATISTICS_FAULTS = ("empty", "one-sided", "incoherent")


@dataclass(frozen=True)
class FaultSettings:
    """How the local football API behaves; `failures` has the rate of each kind of fault, from 0 to 1.

    Faults of statistics are drawn for each match of a response, the others for each request. `latency` is in seconds.
    """

    plan: str = "pro"
    per_minute: int | None = None
    per_day: int | None = None
    latency: float = 0.0
    seed: int = 1
    failures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        limits = [
            f"{limit} requests per {unit}"
            for limit, unit in ((self.per_minute, "minute"), (self.per_day, "day"))
            if limit
        ]
        latency = [f"latency {self.latency:g} s"] if self.latency else []
        failures = [f"{kind} {rate:.0%}" for kind, rate in self.failures.items()]
        seed = [f"seed {self.seed}"] if failures else []
        return ", ".join([f"plan {self.plan}", *limits, *latency, *failures, *seed])


def inject_faults(application: WSGIApplication, settings: Callable[[], FaultSettings]) -> WSGIApplication:
    """Return the application with faults as `settings()` asks for at the time of each request.

    The same seed injects the same faults into the same sequence of requests.
    """
    lock = threading.Lock()
    generators: dict[int, Random] = {}

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        current = settings()
        if current.latency:
            time.sleep(current.latency)
        if not current.failures:
            return application(environ, start_response)
        with lock:
            rng = Random(generators.setdefault(current.seed, Random(current.seed)).random())
        return _faulty_response(application, environ, start_response, current.failures, rng)

    return serve


def _faulty_response(
    application: WSGIApplication,
    environ: WSGIEnvironment,
    start_response: StartResponse,
    rates: Mapping[str, float],
    rng: Random,
) -> Iterable[bytes]:
    fault = _draw_fault(rng, {kind: rate for kind, rate in rates.items() if kind not in _STATISTICS_FAULTS})
    if fault == "timeout":
        time.sleep(TIMEOUT_SECONDS)
    if fault in _ERROR_RESPONSES:
        status, body = rng.choice(_ERROR_RESPONSES[fault])
        start_response(status, [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return [body]
    status, headers, body = _call(application, environ)
    body = _corrupt_statistics(rng, rates, body)
    if fault in _CORRUPTIONS:
        body = _CORRUPTIONS[fault](rng, body)
    start_response(status, list((dict(headers) | {"Content-Length": str(len(body))}).items()))
    return [body[: len(body) // 2] if fault == "cut" else body]


_ERROR_RESPONSES = {
    "429": [("429 Too Many Requests", b"<html>Too many requests</html>")],
    "499": [("499 Client Closed Request", b"")],
    "5xx": [(status, b"<html>Sorry</html>") for status in ("500 Oops", "502 Bad Gateway", "503 Unavailable")],
    "204": [("204 No Content", b"")],
}


def _draw_fault(rng: Random, rates: Mapping[str, float]) -> str | None:
    """Return one of these kinds, each with the probability of its rate, or None."""
    number = rng.random()
    for kind, rate in rates.items():
        if number < rate:
            return kind
        number -= rate
    return None


def _call(application: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return the status, headers and body of the application's response."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((status, headers))

    body = b"".join(application(environ, start_response))
    return *started[0], body


def _remove_field(rng: Random, body: bytes) -> bytes:
    response = json.loads(body)
    items = response["response"]
    target = rng.choice(items) if items and isinstance(items, list) and rng.random() < 0.5 else response
    target.pop(rng.choice([name for name in target if name not in ("get", "parameters", "paging", "results")]))
    return json.dumps(response).encode()


def _add_error(rng: Random, body: bytes) -> bytes:
    error = {"bug": "This is on our side, please report it."}
    return json.dumps(json.loads(body) | {"errors": error, "results": 0, "response": []}).encode()


_CORRUPTIONS: dict[str, Callable[[Random, bytes], bytes]] = {
    "html": lambda rng, body: b"<html><body>Please wait</body></html>",
    "truncated": lambda rng, body: body[: rng.randrange(1, len(body))],
    "fields": _remove_field,
    "error": _add_error,
}


def _corrupt_statistics(rng: Random, rates: Mapping[str, float], body: bytes) -> bytes:
    """Return the body with the statistics of some matches corrupted."""
    rates = {kind: rates[kind] for kind in _STATISTICS_FAULTS if kind in rates}
    if not rates:
        return body
    response = json.loads(body)
    if response["get"] == "fixtures/statistics":
        response["response"] = _corrupt_match(rng, rates, response["response"])
    elif response["get"] == "fixtures":
        for item in response["response"]:
            if "statistics" in item:
                item["statistics"] = _corrupt_match(rng, rates, item["statistics"])
    return json.dumps(response).encode()


def _corrupt_match(rng: Random, rates: Mapping[str, float], teams: list[Any]) -> list[Any]:
    """Return the statistics of a match's teams with one of the faults, or unchanged."""
    kind = _draw_fault(rng, rates)
    if kind is None:
        return teams
    if kind == "empty" or not teams:
        return []
    if kind == "one-sided":
        return teams[:1]
    for figure in teams[0]["statistics"]:
        if figure["type"] == "Shots off Goal":
            figure["value"] = (figure["value"] or 0) + 1
    return teams
