"""How the local football API misbehaves on demand: its plan, its quotas, its slowness, and a rate for each failure."""

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
    "429": "too many requests, although the minute's limit is not reached",
    "499": "HTTP 499",
    "5xx": "HTTP 500, 502 or 503, with a page",
    "204": "HTTP 204",
    "timeout": f"no answer for {TIMEOUT_SECONDS:.0f} seconds",
    "cut": "the connection ends in the middle of the body",
    "html": "HTTP 200 with a page that is not JSON",
    "truncated": "HTTP 200 with half of the JSON",
    "fields": "something that every answer has is missing",
    "error": "HTTP 200 with an error in it",
    "empty": "a match's statistics are an empty list",
    "one-sided": "a match has one team's statistics only",
    "incoherent": "a team has more shots in detail than in all",
}
_OF_A_MATCH = ("empty", "one-sided", "incoherent")


@dataclass(frozen=True)
class FaultSettings:
    """What is asked of the local football API. `failures`: how often each happens, from 0 to 1.

    Those of a match (its statistics) are drawn for each match of an answer, the others for each request.
    """

    plan: str = "pro"
    per_minute: int | None = None
    per_day: int | None = None
    latency: float = 0.0
    seed: int = 1
    failures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        limits = [f"{limit} a {of}" for limit, of in ((self.per_minute, "minute"), (self.per_day, "day")) if limit]
        slow = [f"{self.latency:g} s late"] if self.latency else []
        failures = [f"{kind} {rate:.0%}" for kind, rate in self.failures.items()]
        seeded = [f"seed {self.seed}"] if failures else []
        return ", ".join([f"plan {self.plan}", *limits, *slow, *failures, *seeded])


def inject_faults(application: WSGIApplication, behaviour: Callable[[], FaultSettings]) -> WSGIApplication:
    """The application as `behaviour()` spoils it at the time of each request; the same seed spoils the same ones."""
    lock = threading.Lock()
    drawn: dict[int, Random] = {}

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wanted = behaviour()
        if wanted.latency:
            time.sleep(wanted.latency)
        if not wanted.failures:
            return application(environ, start_response)
        with lock:
            random = Random(drawn.setdefault(wanted.seed, Random(wanted.seed)).random())
        of_requests = {kind: rate for kind, rate in wanted.failures.items() if kind not in _OF_A_MATCH}
        failure = _drawn(random, of_requests)
        if failure == "timeout":
            time.sleep(TIMEOUT_SECONDS)
        if failure in _REFUSALS:
            status, body = random.choice(_REFUSALS[failure])
            start_response(status, [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
            return [body]
        status, headers, body = _answer(application, environ)
        body = _spoilt_matches(random, wanted.failures, body)
        said = body
        if failure in _SPOILT:
            said = body = _SPOILT[failure](random, body)
        if failure == "cut":
            said = body[: len(body) // 2]
        length = {"Content-Length": str(len(body))}
        start_response(status, list((dict(headers) | length).items()))
        return [said]

    return serve


_REFUSALS = {
    "429": [("429 Too Many Requests", b"<html>Too many requests</html>")],
    "499": [("499 Client Closed Request", b"")],
    "5xx": [(status, b"<html>Sorry</html>") for status in ("500 Oops", "502 Bad Gateway", "503 Unavailable")],
    "204": [("204 No Content", b"")],
}


def _drawn(random: Random, rates: Mapping[str, float]) -> str | None:
    """One of these kinds, each as often as its rate, or none."""
    lot = random.random()
    for kind, rate in rates.items():
        if lot < rate:
            return kind
        lot -= rate
    return None


def _answer(application: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    """What the application would have said."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((status, headers))

    body = b"".join(application(environ, start_response))
    status, headers = started[0]
    return status, headers, body


def _without_a_field(random: Random, body: bytes) -> bytes:
    answer = json.loads(body)
    items = answer["response"]
    victim = random.choice(items) if items and isinstance(items, list) and random.random() < 0.5 else answer
    victim.pop(random.choice([name for name in victim if name not in ("get", "parameters", "paging", "results")]))
    return json.dumps(answer).encode()


def _with_an_error(random: Random, body: bytes) -> bytes:
    error = {"bug": "This is on our side, please report it."}
    return json.dumps(json.loads(body) | {"errors": error, "results": 0, "response": []}).encode()


_SPOILT: dict[str, Callable[[Random, bytes], bytes]] = {
    "html": lambda random, body: b"<html><body>Please wait</body></html>",
    "truncated": lambda random, body: body[: random.randrange(1, len(body))],
    "fields": _without_a_field,
    "error": _with_an_error,
}


def _spoilt_matches(random: Random, failures: Mapping[str, float], body: bytes) -> bytes:
    """The answer with some matches' statistics spoilt."""
    rates = {kind: failures[kind] for kind in _OF_A_MATCH if kind in failures}
    if not rates:
        return body
    answer = json.loads(body)
    if answer["get"] == "fixtures/statistics":
        answer["response"] = _spoilt(random, rates, answer["response"])
    elif answer["get"] == "fixtures":
        for item in answer["response"]:
            if "statistics" in item:
                item["statistics"] = _spoilt(random, rates, item["statistics"])
    return json.dumps(answer).encode()


def _spoilt(random: Random, rates: Mapping[str, float], sides: list[Any]) -> list[Any]:
    kind = _drawn(random, rates)
    if kind is None:
        return sides
    if kind == "empty" or not sides:
        return []
    if kind == "one-sided":
        return sides[:1]
    for figure in sides[0]["statistics"]:
        if figure["type"] == "Shots off Goal":
            figure["value"] = (figure["value"] or 0) + 1
    return sides
