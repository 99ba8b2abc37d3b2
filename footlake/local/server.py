"""The local AWS: one process that answers AWS's API on one port and the football API's on another.

moto keeps the state of every resource; the executors attached here do the work that moto only records.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from footlake.config import LOCAL_SETTLE_SECONDS_VARIABLE
from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.local.daemon import Football, announce

# Read by moto when it is imported.
MOTO_SETTINGS = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_DISABLE_GLOBAL_CORS": "true"}


def main() -> None:
    """Run until SIGTERM or SIGINT; the state is loaded first and saved last."""
    parser = argparse.ArgumentParser(prog="footlake.local.server")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--football-port", type=int, required=True)
    options = parser.parse_args()
    os.umask(0o077)  # what is kept here has passwords in it
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)

    with (options.dir / "lock").open("w") as lock:
        # One that is stopping still has it, and whoever asks for it has it for a moment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        announce(options.dir, None, options.port, options.football_port)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        # As on AWS, where a new role or permission is not known at once; the default is not to wait for nothing.
        settle_seconds = float(os.environ.get(LOCAL_SETTLE_SECONDS_VARIABLE) or 0)
        try:
            aws = LocalAws(options.dir, options.port, options.football_port, settle_seconds)
        except FootlakeError as error:
            sys.exit(f"{error.message} {error.hint}")
        aws.start()
        ports = (aws.local.port, aws.football_port)
        announce(options.dir, os.getpid(), *ports)
        stopping.wait()
        aws.close()
        announce(options.dir, None, *ports)  # which says, too, that the state was saved


class LocalAws:
    """Both servers and everything behind them, startable inside any process; one per process, as moto is global."""

    def __init__(self, dir: Path, port: int, football_port: int = 0, settle_seconds: float = 0.0) -> None:
        os.environ.update(MOTO_SETTINGS)
        from moto.server import DomainDispatcherApplication, create_backend_app

        from footlake.local import patches
        from footlake.local.football.api import create_server as football_server
        from footlake.local.state import Keeper, load
        from footlake.local.validation import middleware

        self.local = Local(dir, port)
        patches.install()
        self._executors = _executors()
        for executor in self._executors:
            executor.install(self.local)
        load(dir / "state.pickle")
        self._keeper = Keeper(dir / "state.pickle")
        application = middleware.validate_requests(DomainDispatcherApplication(create_backend_app), settle_seconds)
        self._aws = serve(port, not_from_web_pages(self._keeper.around(application)))
        self._football = football_server(football_application(dir), football_port)
        self.local.port = self._aws.port
        self.football_port: int = self._football.server_port

    def start(self) -> None:
        """Answer, bring back what ran (database servers, unfinished jobs), and keep to the schedules."""
        from footlake.local.engines import scheduler

        for serve in (self._aws.serve_forever, self._football.serve_forever, self._keeper.run):
            threading.Thread(target=serve, daemon=True).start()
        for executor in self._executors:
            if hasattr(executor, "resume"):
                executor.resume(self.local)
        scheduler.start(self.local)

    def close(self) -> None:
        """Stop answering, end every child, save the state."""
        self._aws.shutdown()
        self._football.shutdown()
        self.local.close()
        self._keeper.close()


def football_application(dir: Path) -> Any:
    """The football API of this directory: it follows changes of its settings as it runs."""
    from footlake.local.football.api import create_application
    from footlake.local.football.faults import inject_faults
    from footlake.local.football.plans import PLANS, ApiPlan, RequestCounts
    from footlake.local.football.recordings import Recordings
    from footlake.local.football.simulator import Simulator

    served: dict[tuple[Path | None, ApiPlan], Any] = {}
    counts = RequestCounts()

    def now() -> datetime:
        return Football.read(dir).now()

    def dispatch(environ: dict[str, Any], start_response: Any) -> Any:
        football = Football.read(dir)
        plan = PLANS[football.behaviour.plan]
        plan = replace(
            plan,
            per_day=football.behaviour.per_day or plan.per_day,
            per_minute=football.behaviour.per_minute or plan.per_minute,
        )
        key = (football.recordings, plan)
        if key not in served:
            source = Recordings(football.recordings) if football.recordings else Simulator()
            served[key] = create_application(source, now, plan, counts=counts)
        return served[key](environ, start_response)

    return inject_faults(dispatch, lambda: Football.read(dir).behaviour)


def _executors() -> list[Any]:
    from footlake.local.engines import autopilot, crawler, lambda_functions, rds, spark, transform

    return [lambda_functions, spark, crawler, autopilot, transform, rds]


def not_from_web_pages(application: Any) -> Any:
    """The application, deaf to what a browser sends for a page: any page could ask 127.0.0.1 for the lake's secrets."""

    def gate(environ: dict[str, Any], start_response: Any) -> Any:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
        named = host == "127.0.0.1" or host == "localhost" or host.endswith(".localhost")
        of_a_page = "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site")
        if named and not of_a_page:
            return application(environ, start_response)
        said = b"The local AWS does not answer to web pages.\n"
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))])
        return [said]

    return gate


def serve(port: int, application: Any) -> Any:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):  # type: ignore[misc]
        protocol_version = "HTTP/1.1"  # keep-alive: boto3 reuses its connections

        def log_request(self, *_: object) -> None:
            pass

    return make_server("127.0.0.1", port, application, threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    main()
