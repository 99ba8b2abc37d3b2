"""Measure bootstrap against the same calls made sequentially, and count the API calls of each command.

    python -m bench.bootstrap            measure
    python -m bench.bootstrap --calls    only list the calls of a bootstrap of an unchanged lake by operation

AWS is a local AWS in another process, without its engines. Each call is delayed on the caller's side by the latency
assumed in `CALL_SECONDS`. MySQL takes 300 s to become available; this wait and the polling interval are scaled 1:100,
because 300 s would hide everything that runs at the same time. The critical path is the longest chain of resources
that depend on one another, computed from the assumed latencies alone. It is the lower bound for any number of threads
if the SDK and Python took no time.

Left out: AWS CDK. CloudFormation creates its resources inside AWS at AWS's own pace, which a local AWS cannot show.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import boto3

from bench.measure import Claim, format_claims, markdown_section
from footlake.aws import READ_PREFIXES, AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.status import status
from footlake.commands.teardown import teardown
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import MAX_PARALLEL, dependencies
from footlake.deploy.plan import block_changes
from footlake.resources.glue import GlueConnection
from tests.support.call_faults import SerialExecutor, start_aws

T = TypeVar("T")
# Seconds per reading and per changing call from another region of the same continent. AWS promises no latencies, so
# these are rounded assumptions. The empty name is the default for other services.
CALL_SECONDS = {
    "budgets": (0.25, 0.40),
    "cloudwatch": (0.07, 0.12),
    "ec2": (0.15, 0.35),
    "events": (0.06, 0.09),
    "glue": (0.08, 0.18),
    "iam": (0.08, 0.15),
    "lakeformation": (0.15, 0.30),
    "lambda": (0.07, 0.40),
    "logs": (0.06, 0.09),
    "rds": (0.20, 0.70),
    "s3": (0.06, 0.10),
    "sagemaker": (0.10, 0.25),
    "": (0.06, 0.10),
}
MOST_CALLS = 75  # of a bootstrap of an unchanged lake
SCALE = 100
MYSQL_SECONDS = 300 / SCALE


class CallRecorder:
    """Records the calls made for each resource, and delays them by their assumed latency if `delay` is set."""

    def __init__(self, delay: bool) -> None:
        self.calls: list[tuple[str, str, float]] = []  # resource label, service:operation, assumed seconds
        self._delay = delay
        self._thread = threading.local()
        self._mysql_requested = float("inf")
        self.session: Any = boto3.Session("x", "x", region_name="us-east-1")
        self.session.events.register("before-call", self._record)
        self.session.events.register("after-call.rds.CreateDBInstance", self._note_mysql_request)
        self.session.events.register("after-call.rds.DescribeDBInstances", self._keep_mysql_creating)

    def context(self, read_only: bool = False) -> AwsContext:
        """Return an AWS context for one command."""
        if read_only:
            block_changes(self.session)
        return ScaledContext(Config(api_key="k", client_address="203.0.113.7/32"), self.session, patient=not read_only)

    def attribute_to(self, resource: str) -> None:
        """Attribute the following calls of this thread to a resource."""
        self._thread.resource = resource

    def _record(self, model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        seconds = CALL_SECONDS.get(service, CALL_SECONDS[""])[not model.name.startswith(READ_PREFIXES)]
        self.calls.append((getattr(self._thread, "resource", ""), f"{service}:{model.name}", seconds))
        if self._delay:
            time.sleep(seconds)

    def _note_mysql_request(self, **_: Any) -> None:
        self._mysql_requested = time.monotonic()

    def _keep_mysql_creating(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._delay and time.monotonic() < self._mysql_requested + MYSQL_SECONDS:
            for instance in parsed.get("DBInstances", ()):
                instance["DBInstanceStatus"] = "creating"


class ScaledContext(AwsContext):
    """An AWS context with scaled polling intervals, because MySQL's start is scaled."""

    def wait_until(self, what: str, check: Callable[[], T | None], every: float, limit: float) -> T:
        return super().wait_until(what, check, every / SCALE, limit)


class AttributingExecutor(Executor):
    """Runs bootstrap's work in parallel or sequentially, and attributes the calls to the resource."""

    def __init__(self, recorder: CallRecorder, sequential: bool) -> None:
        self._recorder = recorder
        self._pool: Executor = SerialExecutor() if sequential else ThreadPoolExecutor(MAX_PARALLEL)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def work() -> Any:
            self._recorder.attribute_to(args[0].label)
            return fn(*args, **kwargs)

        return self._pool.submit(work)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def serve() -> None:
    """Serve an empty AWS without engines and print its endpoint."""
    start_aws(inside=False)
    from moto.server import DomainDispatcherApplication, create_backend_app

    from footlake.local.http_server import HttpServer

    aws = HttpServer(0, DomainDispatcherApplication(create_backend_app))
    print(f"http://127.0.0.1:{aws.port}", flush=True)
    aws.serve_forever()


@contextmanager
def new_account(delay: bool) -> Iterator[CallRecorder]:
    """Start an AWS with a new account in another process and yield the recorder of the calls to it."""
    command = [sys.executable, "-m", "bench.bootstrap", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as aws:
        assert aws.stdout
        os.environ["AWS_ENDPOINT_URL"] = aws.stdout.readline().strip()
        try:
            for run_command in (bootstrap, teardown):  # moto imports each service at its first request
                run_command(CallRecorder(delay=False).context())
            yield CallRecorder(delay)
        finally:
            aws.terminate()


def time_bootstrap(sequential: bool) -> tuple[float, CallRecorder]:
    """Bootstrap a new account; return the seconds and the recorder of its calls."""
    with new_account(delay=True) as recorder:
        started = time.monotonic()
        bootstrap(recorder.context(), pool=AttributingExecutor(recorder, sequential))
        return time.monotonic() - started, recorder


def find_critical_path(recorder: CallRecorder) -> tuple[float, list[str]]:
    """Return the seconds and the labels of the longest chain of dependent resources."""
    seconds = {"": 0.0}
    for label, call, call_seconds in recorder.calls:
        # The connection's lookups happen during MySQL's 300 s; only its creation comes afterwards.
        if not label.startswith("glue connection") or call == "glue:CreateConnection":
            seconds[label] = seconds.get(label, 0.0) + call_seconds
    ends: dict[str, tuple[float, list[str]]] = {"": (seconds[""], [])}
    for resource in catalogue(replace(Config(api_key="k"), account="123456789012", region="us-east-1")):
        parents = [parent.label for parent in dependencies(resource) if parent.label in ends]
        start, chain = max((ends[label] for label in parents), default=ends[""])
        if isinstance(resource, GlueConnection):
            start = max(start, ends[resource.instance.label][0] + MYSQL_SECONDS)
        ends[resource.label] = (start + seconds.get(resource.label, 0.0), [*chain, resource.label])
    return max(ends.values())


def count_calls() -> list[tuple[str, int, int]]:
    """Return the name, the number of calls and the number of resources of each command."""
    with new_account(delay=False) as recorder:
        resources = len(catalogue(recorder.context().config))

        def count(run_command: Callable[[AwsContext], Any]) -> int:
            recorder.calls.clear()
            run_command(recorder.context())
            return len(recorder.calls)

        rows = [
            ("bootstrap", count(bootstrap), resources),
            ("bootstrap again", count(bootstrap), resources),
            ("teardown", count(teardown), resources),
        ]
    with new_account(delay=False) as recorder:
        bootstrap(recorder.context())
        recorder.calls.clear()
        status(recorder.context(read_only=True), datetime.now(UTC))
        return [*rows[:2], ("status", len(recorder.calls), resources), *rows[2:]]


def list_calls() -> list[tuple[str, int]]:
    """Return the operations of a bootstrap of an unchanged lake, each with the number of its calls, most first."""
    with new_account(delay=False) as recorder:
        bootstrap(recorder.context())
        recorder.calls.clear()
        bootstrap(recorder.context())
        return Counter(call for _, call, _ in recorder.calls).most_common()


def main() -> None:
    if "--serve" in sys.argv:
        serve()
        return
    if "--calls" in sys.argv:
        calls = list_calls()
        total = f"Together: {sum(number for _, number in calls)} calls."
        print(markdown_section("bootstrap again", ["operation", "calls"], calls, total))
        return
    parallel, recorder = time_bootstrap(sequential=False)
    sequential, _ = time_bootstrap(sequential=True)
    critical, chain = find_critical_path(recorder)
    rows = [
        ("footlake, in parallel", f"{parallel:.1f}", ""),
        ("the same calls, sequential", f"{sequential:.1f}", f"{sequential / parallel:.1f} × footlake"),
        ("critical path (lower bound)", f"{critical:.1f}", f"footlake: {parallel / critical:.2f} × this"),
    ]
    text = (
        f"MySQL's {SCALE * MYSQL_SECONDS:.0f} s are scaled to {MYSQL_SECONDS:.0f} s; call latencies are not scaled."
        f"\n\nCritical path: {' → '.join(chain)}."
    )
    print(markdown_section("bootstrap", ["", "seconds", "ratio"], rows, text))
    counts = count_calls()
    rows_of_calls = [(name, calls, resources, f"{calls / resources:.2f}") for name, calls, resources in counts]
    print(markdown_section("API calls", ["command", "calls", "resources", "calls per resource"], rows_of_calls))
    again = next(calls for name, calls, _ in counts if name == "bootstrap again")
    claims = [
        Claim(
            "`bootstrap` is faster than the same calls made sequentially",
            f"{parallel:.1f} s",
            f"< {sequential:.1f} s",
            parallel < sequential,
        ),
        Claim(
            f"`bootstrap` of an unchanged lake makes at most {MOST_CALLS} calls",
            str(again),
            f"≤ {MOST_CALLS}",
            again <= MOST_CALLS,
        ),
    ]
    print(format_claims(claims))


if __name__ == "__main__":
    main()
