"""The process of the local AWS: AWS's API on one port and the football API on another, on 127.0.0.1 only.

moto keeps the state of every resource. `footlake.local.engines` do the work that moto only records,
`footlake.local.patches` change what moto answers, and `footlake.local.validation` rejects what AWS would reject.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from footlake.config import LOCAL_SETTLE_SECONDS_VARIABLE
from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.local.daemon import ENGINES_PATH, FootballSettings, write_address

# moto reads these environment variables when it is imported, so modules that import moto are imported in functions.
MOTO_SETTINGS = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_DISABLE_GLOBAL_CORS": "true"}


def main() -> None:
    """Run until SIGTERM, SIGINT or SIGHUP. Load the state first and save it last."""
    parser = argparse.ArgumentParser(prog="footlake.local.server")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--football-port", type=int, required=True)
    options = parser.parse_args()
    os.umask(0o077)  # the state contains passwords
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)

    with (options.dir / "lock").open("w", encoding="utf-8") as lock:
        # Wait for a server that is stopping, and for processes that test the lock.
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_address(options.dir, None, options.port, options.football_port)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        # How long new roles and permissions stay invisible. On AWS it is some seconds.
        settle_seconds = float(os.environ.get(LOCAL_SETTLE_SECONDS_VARIABLE) or 0)
        try:
            aws = LocalAws(options.dir, options.port, options.football_port, settle_seconds)
        except FootlakeError as error:
            sys.exit(f"{error.message} {error.hint}")
        aws.start()
        ports = (aws.local.port, aws.football_port)
        write_address(options.dir, os.getpid(), *ports)
        stopping.wait()
        aws.close()
        write_address(options.dir, None, *ports)  # without a process id it means that the state was saved


class LocalAws:
    """Both servers and their engines, in this process. One per process at a time, because moto's state is global."""

    def __init__(self, folder: Path, port: int, football_port: int = 0, settle_seconds: float = 0.0) -> None:
        os.environ.update(MOTO_SETTINGS)
        from moto.server import DomainDispatcherApplication, create_backend_app

        from footlake.local import patches, state
        from footlake.local.football.api import create_server
        from footlake.local.http_server import HttpServer
        from footlake.local.validation.middleware import validate_requests

        self.local = Local(folder, port)
        patches.install()
        self._engines = _load_engines()
        for engine in self._engines:
            engine.install(self.local)
        state.load(folder / "state.pickle")
        self._state_saver = state.StateSaver(folder / "state.pickle")
        application = validate_requests(DomainDispatcherApplication(create_backend_app), settle_seconds)
        application = start_engines_on_request(self._state_saver.track_requests(application), self._warm_up)
        self._aws = HttpServer(port, reject_web_pages(application))
        self._football = create_server(football_application(folder), football_port)
        self.local.port = self._aws.port
        self.football_port: int = self._football.server_port

    def start(self) -> None:
        """Start both servers, resume database servers and unfinished jobs, and start the schedules."""
        from footlake.local.engines import scheduler

        for run in (self._aws.serve_forever, self._football.serve_forever, self._state_saver.run):
            threading.Thread(target=run, daemon=True).start()
        for engine in self._engines:
            if hasattr(engine, "resume"):
                engine.resume(self.local)
        scheduler.start(self.local)

    def _warm_up(self) -> None:
        for engine in self._engines:
            if hasattr(engine, "warm_up"):
                engine.warm_up(self.local)

    def close(self) -> None:
        """Stop both servers and all child processes, and save the state."""
        for server in (self._aws, self._football):
            server.shutdown()
            server.server_close()  # the next process takes the same ports, which resources contain
        self.local.close()
        self._state_saver.close()


def _load_engines() -> list[Any]:
    from footlake.local.engines import autopilot, crawler, lambda_functions, rds, spark, transform

    return [lambda_functions, spark, crawler, autopilot, transform, rds]


def football_application(folder: Path) -> Any:
    """Return the WSGI application of the football API. It uses changed settings and files from the next request on."""
    from footlake.local.football.api import create_application
    from footlake.local.football.faults import inject_faults
    from footlake.local.football.plans import PLANS, ApiPlan, RequestCounts
    from footlake.local.football.recordings import Recordings, folder_state
    from footlake.local.football.simulator import Simulator
    from footlake.local.football.table_rules import parse_rules

    applications: dict[tuple[Path | None, ApiPlan, str], tuple[Any, Any]] = {}  # with the state of the recordings
    counts = RequestCounts()

    def dispatch(environ: dict[str, Any], start_response: Any) -> Any:
        settings = FootballSettings.read(folder)
        plan = PLANS[settings.behaviour.plan]
        plan = replace(
            plan,
            per_day=settings.behaviour.per_day or plan.per_day,
            per_minute=settings.behaviour.per_minute or plan.per_minute,
        )
        key = (settings.recordings, plan, json.dumps(settings.standings))
        recordings_state = folder_state(settings.recordings) if settings.recordings else None
        application, known_state = applications.get(key, (None, None))
        if application is None or known_state != recordings_state:
            rules = parse_rules(settings.standings)
            source = Recordings(settings.recordings) if settings.recordings else Simulator(rules=rules)
            application = create_application(
                source,
                lambda: FootballSettings.read(folder).now(),
                plan,
                counts=counts,
                rules=rules,
            )
            applications[key] = application, recordings_state
        return application(environ, start_response)

    return inject_faults(dispatch, lambda: FootballSettings.read(folder).behaviour)


def reject_web_pages(application: Any) -> Any:
    """Return the application with an answer of 403 to requests that a browser sends on behalf of a web page.

    Otherwise any page could read the lake's secrets from 127.0.0.1, also through a domain that resolves to 127.0.0.1.
    """

    def check_origin(environ: dict[str, Any], start_response: Any) -> Any:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
        is_local = host == "127.0.0.1" or host == "localhost" or host.endswith(".localhost")
        from_page = "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site")
        if is_local and not from_page:
            return application(environ, start_response)
        body = b"The local AWS rejects requests from web pages.\n"
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    return check_origin


def start_engines_on_request(application: Any, start_engines: Callable[[], None]) -> Any:
    """Return the application with ENGINES_PATH, which calls `start_engines`."""

    def dispatch(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO") != ENGINES_PATH:
            return application(environ, start_response)
        start_engines()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    return dispatch


if __name__ == "__main__":
    main()
