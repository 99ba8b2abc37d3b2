"""Serve API-Football v3 on this machine, as a WSGI application: envelope, headers, quotas and errors.

https://www.api-football.com/documentation-v3
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from footlake.errors import FootlakeError
from footlake.local.football.endpoints import Endpoint, create_endpoints
from footlake.local.football.plans import PRO, ApiPlan, Quota, RequestCounts
from footlake.local.football.request import ApiRequest, RequestRejected
from footlake.local.football.source import Source
from footlake.local.football.table_rules import Rules

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def create_application(
    source: Source,
    clock: Callable[[], datetime],
    plan: ApiPlan = PRO,
    real_clock: Callable[[], float] = time.time,
    counts: RequestCounts | None = None,
    rules: Rules | None = None,
) -> WSGIApplication:
    """Return the API as a WSGI application that answers from `source` as of `clock()`, an aware time.

    Quotas depend on `real_clock`, in seconds since 1970; applications can share their `counts`. `rules` are those of
    computed standings. Thread-safe.
    """
    endpoints = create_endpoints(rules or {})
    quota = Quota(plan, counts or RequestCounts(real_clock))

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _parse_request(environ, clock())
        status, response, errors = HTTPStatus.OK, [], {}
        try:
            response = _answer(request, source, plan, quota, endpoints)
        except RequestRejected as rejection:
            status, errors = rejection.status, dict(rejection.errors)
        except FootlakeError as error:
            errors = {"source": f"{error.message} {error.hint}".strip()}
        body = json.dumps(_envelope(request, response, errors)).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Date": format_datetime(request.now, usegmt=True),
            **quota.headers(),
        }
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [body]

    return serve


class FootballServer(ThreadingMixIn, WSGIServer):
    """A threaded server of the standard library, because Werkzeug's replaces the application's Date header."""

    daemon_threads = True
    request_queue_size = 64


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def create_server(application: WSGIApplication, port: int = 0) -> FootballServer:
    """Return a server of the application on 127.0.0.1; it answers while `serve_forever` runs.

    Port 0 takes any free one, which is then in `server_port`.
    """
    return make_server("127.0.0.1", port, application, FootballServer, _SilentHandler)


def _parse_request(environ: WSGIEnvironment, now: datetime) -> ApiRequest:
    return ApiRequest(
        path=environ["PATH_INFO"].strip("/"),
        parameters=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        key=environ.get("HTTP_X_APISPORTS_KEY") or environ.get("HTTP_X_RAPIDAPI_KEY") or "",
        now=now.astimezone(UTC),
    )


def _answer(request: ApiRequest, source: Source, plan: ApiPlan, quota: Quota, endpoints: Mapping[str, Endpoint]) -> Any:
    """Check key, quota, endpoint, parameters and plan, in this order, and return the response's data."""
    if not request.key:
        raise RequestRejected(
            {
                "token": "Error/Missing application key. Go to https://www.api-football.com/documentation-v3 "
                "to learn how to get your API application key."
            }
        )
    if request.path == "status":  # does not count towards the quota
        return _status(source, plan, quota, request.now)
    quota.spend()
    endpoint = endpoints.get(request.path)
    if endpoint is None:
        raise RequestRejected({"endpoint": "This endpoint do not exist."})
    endpoint.rules.validate(request.parameters)
    plan.check_access(request)
    return endpoint.answer(request, source)


def _status(source: Source, plan: ApiPlan, quota: Quota, now: datetime) -> dict[str, Any]:
    return {
        "account": {"firstname": "footlake", "lastname": "local", "email": ""},
        "subscription": {"plan": plan.name, "end": (now + timedelta(days=365)).isoformat(), "active": True},
        "requests": {"current": quota.spent_today(), "limit_day": plan.per_day},
        "source": source.label,
    }


def _envelope(request: ApiRequest, response: Any, errors: dict[str, str]) -> dict[str, Any]:
    page = 0 if "token" in errors else 1
    return {
        "get": request.path,
        "parameters": request.parameters or [],  # an empty PHP array is a JSON list
        "errors": errors or [],
        "results": len(response) if isinstance(response, list) else 1,
        "paging": {"current": page, "total": page},
        "response": response,
    }
