"""Serve the local football API over HTTP, with clocks that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import requests

from footlake.local.football.api import create_application, create_server
from footlake.local.football.plans import PRO, ApiPlan
from footlake.local.football.source import Source
from footlake.local.football.table_rules import Rules

NOW = datetime(2020, 12, 3, 10, 30, tzinfo=UTC)
KEY = {"x-apisports-key": "any"}


class ApiClient:
    """A client of a served API, with clocks that the test sets."""

    def __init__(self) -> None:
        self.now = NOW
        self.real_seconds = 1_600_000_000.0
        self.base = ""

    def get(self, path: str, headers: dict[str, str] = KEY, **parameters: Any) -> requests.Response:
        if "from_" in parameters:
            parameters["from"] = parameters.pop("from_")
        return requests.get(f"{self.base}/{path}", params=parameters, headers=headers, timeout=30)

    def response(self, path: str, **parameters: Any) -> Any:
        body = self.get(path, **parameters).json()
        assert body["errors"] == []
        return body["response"]

    def errors(self, path: str, **parameters: Any) -> Any:
        answer = self.get(path, **parameters)
        body = answer.json()
        assert answer.status_code == 200
        assert (body["results"], body["response"]) == (0, [])
        return body["errors"]


@contextmanager
def served(source: Source, plan: ApiPlan = PRO, rules: Rules | None = None) -> Iterator[ApiClient]:
    """Run the API until the end of the block."""
    api = ApiClient()
    httpd = create_server(create_application(source, lambda: api.now, plan, lambda: api.real_seconds, rules=rules))
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.base = f"http://127.0.0.1:{httpd.server_port}"
    try:
        yield api
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
