"""The API client against a server with scripted responses."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from footlake.aws_jobs import api_hint
from footlake.football import api
from footlake.football.api import FootballApi

FINE = {"get": "fixtures", "parameters": {}, "errors": [], "results": 0, "paging": {}, "response": []}


class ScriptedServer:
    """A server that sends its responses in turn and repeats the last one: (status, body, headers)."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.received: list[tuple[str, str | None]] = []
        script = self

        class AnsweringHandler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script.received.append((self.path, self.headers.get("x-apisports-key")))
                status, body, headers = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), AnsweringHandler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, *answers: Any) -> None:
        """Set the responses: bodies, or (status, body), or (status, body, headers)."""
        full = [answer if isinstance(answer, tuple) else (200, answer) for answer in answers]
        self.answers = [(answer[0], answer[1], answer[2] if len(answer) > 2 else {}) for answer in full]


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    script = ScriptedServer()
    yield script
    script.server.shutdown()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(script: ScriptedServer, slept: list[float]) -> FootballApi:
    return make_client(script, slept)


def make_client(
    script: ScriptedServer, slept: list[float], seconds_left: Callable[[], float] = lambda: 600.0
) -> FootballApi:
    """Return a client whose clock advances only when it sleeps."""

    def sleep(seconds: float) -> None:
        slept.append(seconds)

    url = f"http://127.0.0.1:{script.server.server_port}/"
    return FootballApi(url, "secret", seconds_left, sleep, lambda: sum(slept))


def error(**errors: str) -> dict[str, Any]:
    return FINE | {"errors": errors}


def test_the_client_returns_the_envelope_and_sends_the_key_in_a_header(
    script: ScriptedServer, client: FootballApi
) -> None:
    script.respond(FINE)
    assert client.fixtures(league=39, season=2020) == FINE
    assert script.received == [("/fixtures?league=39&season=2020", "secret")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error(token="Error/Missing application key."), api.RequestRefused),
        (error(access="Your account is suspended."), api.RequestRefused),
        (error(plan="Free plans do not have access to this season."), api.RequestRefused),
        (error(plan="Free plans do not have access to the Ids parameter."), api.IdsRefused),
        (error(Ip="This IP is not allowed to call the API."), api.KeyRefused),
        (error(requests="You have reached the request limit for the day."), api.QuotaSpent),
        (error(league="The League field must contain an integer."), api.BadParameter),
        (FINE | {"errors": ["something is wrong"]}, api.BadParameter),
    ],
)
def test_an_error_with_status_200_is_recognised_and_not_retried(
    script: ScriptedServer, client: FootballApi, body: Any, kind: type[Exception]
) -> None:
    script.respond(body)
    with pytest.raises(kind):
        client.fixtures(league=39)
    assert len(script.received) == 1


@pytest.mark.parametrize("name", ["quoted-plan-ids", "quoted-token", "quoted-requests-daily", "v3-error-plan-season"])
def test_recorded_errors_are_recognised(
    script: ScriptedServer, client: FootballApi, recordings: Path, name: str
) -> None:
    script.respond((recordings / "odd-bodies" / f"{name}.json").read_bytes())
    with pytest.raises((api.RequestRefused, api.QuotaSpent)):
        client.fixtures(league=39)


@pytest.mark.parametrize(
    "trouble",
    [
        (500, b"oops"),
        (499, b""),
        (502, FINE),
        (200, b"<html>not json</html>"),
        (200, b'{"half": '),
        (200, []),
        (200, {"errors": []}),
        (200, error(bug="This is on our side.")),
        (204, error(bug="This is on our side.")),
    ],
)
def test_server_errors_are_retried(
    script: ScriptedServer, client: FootballApi, slept: list[float], trouble: tuple[int, Any]
) -> None:
    script.respond(trouble, FINE)
    assert client.fixtures(league=39) == FINE
    assert 0 < sum(slept) < 2


def test_lasting_server_errors_are_reported(script: ScriptedServer, client: FootballApi) -> None:
    script.respond((503, b""))
    with pytest.raises(api.Unavailable, match="HTTP 503"):
        client.fixtures(league=39)
    assert len(script.received) == api.MAX_ATTEMPTS


@pytest.mark.parametrize("limit", [(429, b""), (200, error(rateLimit="Too many requests."))])
def test_too_many_requests_a_minute_waits_a_minute(
    script: ScriptedServer, client: FootballApi, slept: list[float], limit: tuple[int, Any]
) -> None:
    script.respond(limit, FINE)
    assert client.fixtures(league=39) == FINE
    assert 60 <= sum(slept) <= 61


def test_the_client_waits_when_the_minute_quota_is_used(
    script: ScriptedServer, client: FootballApi, slept: list[float]
) -> None:
    script.respond((200, FINE, {"X-RateLimit-Remaining": "0"}), FINE)
    client.fixtures(league=39)
    assert slept == []
    client.fixtures(league=39)
    assert sum(slept) == pytest.approx(60)


def test_a_wait_longer_than_the_time_left_raises_at_once(script: ScriptedServer, slept: list[float]) -> None:
    script.respond((200, FINE, {"X-RateLimit-Remaining": "0"}), FINE)
    client = make_client(script, slept, seconds_left=lambda: 30.0)
    client.fixtures(league=39)
    with pytest.raises(api.OutOfTime):
        client.fixtures(league=39)
    assert (len(script.received), slept) == (1, [])


def test_a_refused_connection_is_unavailable(script: ScriptedServer, slept: list[float]) -> None:
    script.server.shutdown()
    script.server.server_close()
    with pytest.raises(api.Unavailable, match="connection failed"):
        make_client(script, slept).fixtures(league=39)


def test_too_many_requests_before_the_minute_is_full_backs_off_shortly(
    script: ScriptedServer, client: FootballApi, slept: list[float]
) -> None:
    script.respond((429, b"", {"X-RateLimit-Remaining": "7"}), FINE)
    client.fixtures(league=39)
    assert 0 < sum(slept) < 1


@pytest.mark.parametrize(("asked", "pause"), [("17", 17), ("3600", 60)])
def test_retry_after_is_respected_up_to_a_minute(
    script: ScriptedServer, client: FootballApi, slept: list[float], asked: str, pause: float
) -> None:
    script.respond((429, b"", {"Retry-After": asked}), FINE)
    client.fixtures(league=39)
    assert pause <= sum(slept) <= pause + 1


def test_a_full_minute_ends_a_minute_after_its_first_request(
    script: ScriptedServer, client: FootballApi, slept: list[float]
) -> None:
    script.respond((200, FINE, {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1"}))
    client.fixtures(league=39)
    slept.append(40)  # time that passes meanwhile
    script.respond((200, FINE, {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0"}), FINE)
    client.fixtures(league=39)
    client.fixtures(league=39)
    assert sum(slept) == pytest.approx(60)


def test_no_request_is_sent_when_the_header_says_the_day_is_used(script: ScriptedServer, client: FootballApi) -> None:
    script.respond((200, FINE, {"x-ratelimit-requests-limit": "100", "x-ratelimit-requests-remaining": "0"}))
    client.fixtures(league=39)
    with pytest.raises(api.QuotaSpent, match="100"):
        client.fixtures(league=39)
    assert (len(script.received), client.requests_per_day) == (1, 100)


def test_a_429_of_a_used_day_is_not_waited_for(script: ScriptedServer, client: FootballApi, slept: list[float]) -> None:
    script.respond((429, b"", {"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-limit": "100"}))
    with pytest.raises(api.QuotaSpent, match=r"used up \(100 requests\)"):
        client.fixtures(date="2020-09-15")
    assert slept == []


def test_retries_count_towards_max_requests(script: ScriptedServer) -> None:
    script.respond((500, b""))
    client = FootballApi(f"http://127.0.0.1:{script.server.server_port}", "k", sleep=lambda _: None, budget=3)
    with pytest.raises(api.BudgetSpent):
        client.fixtures(league=39)
    assert len(script.received) == client.requests_made == 3


def test_the_api_time_comes_from_status_once_and_then_from_the_last_response(
    script: ScriptedServer, client: FootballApi
) -> None:
    status = FINE | {"response": {"account": {}, "subscription": {}, "requests": {}}}
    script.respond((200, status, {"Date": "Tue, 15 Sep 2020 08:00:00 GMT"}))
    assert client.now() == client.now() == datetime(2020, 9, 15, 8, tzinfo=UTC)
    assert [path for path, _ in script.received] == ["/status"]
    assert client.requests_made == 0  # it is free
    for written in ("Tue, 15 Sep 2020 08:00:05 GMT", "Tue, 15 Sep 2020 08:00:05 -0000", "yesterday"):
        script.respond((200, FINE, {"Date": written}))
        client.fixtures(league=39)
        assert client.now() == datetime(2020, 9, 15, 8, 0, 5, tzinfo=UTC)


def test_a_slow_server_is_reported_before_the_time_ends(slept: list[float]) -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = FootballApi(url, "k", lambda: 0.05, slept.append, lambda: sum(slept))
        with pytest.raises(api.OutOfTime):
            client.fixtures(league=39)
    assert time.monotonic() - began < api.TIMEOUT_SECONDS / 2


@pytest.mark.parametrize(
    ("errors", "kind", "hint"),
    [
        ({"token": "Missing application key."}, api.KeyRefused, "FOOTLAKE_API_KEY"),
        ({"access": "Your account is suspended."}, api.KeyRefused, "FOOTLAKE_API_KEY"),
        ({"plan": "Free plans do not have access to this season, try from 2022 to 2024."}, api.PlanRefused, "season"),
        ({"season": "The Season field must contain an integer."}, api.BadParameter, "Check the league id"),
    ],
)
def test_key_plan_and_parameter_errors_have_different_hints(
    script: ScriptedServer, client: FootballApi, errors: dict[str, str], kind: type[Exception], hint: str
) -> None:
    script.respond(error(**errors))
    with pytest.raises(kind) as refused:
        client.fixtures(league=39)
    assert type(refused.value) is kind
    assert hint in api_hint(refused.value)


def test_names_are_decoded_as_utf_8_despite_the_header(script: ScriptedServer, client: FootballApi) -> None:
    body = json.dumps(FINE | {"response": ["Atlético"], "results": 1}, ensure_ascii=False).encode()
    for content in (body, b"\xef\xbb\xbf" + body):
        script.respond((200, content, {"Content-Type": "text/html; charset=iso-8859-1"}))
        assert client.fixtures(league=140)["response"] == ["Atlético"]


def test_a_paged_response_is_rejected(script: ScriptedServer, client: FootballApi) -> None:
    part, whole = FINE | {"response": [1], "results": 2}, FINE | {"response": [1, 2], "results": 2}
    script.respond(part, whole)
    assert client.fixtures(league=39) == whole
    script.respond(part)
    with pytest.raises(api.Unavailable, match="1 of 2 results"):
        client.fixtures(league=39)
    script.respond(whole | {"paging": {"current": 1, "total": 3}})
    with pytest.raises(api.Unavailable, match="in 3 pages"):
        client.fixtures(league=39)


def test_the_key_is_not_sent_to_a_redirect_target(script: ScriptedServer, client: FootballApi) -> None:
    script.respond((302, b"", {"Location": "/elsewhere"}))
    with pytest.raises(api.Unavailable):
        client.fixtures(league=39)
    assert {path for path, _ in script.received} == {"/fixtures?league=39"}
