"""bootstrap: how long it takes beside its own calls one after the other, and how many calls each command makes.

    python -m bench.bootstrap

The AWS is a local one in a process of its own, without its engines; each call takes as long as `SECONDS` says that
AWS takes, on the caller's side. MySQL takes 300 s to become available, scaled 1:100 like the pause between two looks
at it: what is beside it would not be seen beside 300 s. The critical path is the longest chain of resources that wait
for one another, by that table alone: what any number of hands could not go below, if neither the SDK nor Python took
any time.

Left out: AWS CDK. What it deploys is made by CloudFormation, in AWS and at AWS's own pace; the local AWS would do that
in no time, which tells nothing.
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

from bench.measure import table
from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.status import status
from footlake.commands.teardown import teardown
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import MAX_PARALLEL, dependencies
from footlake.deploy.plan import block_changes
from footlake.local import server
from footlake.resources.glue import GlueConnection
from tests.support.call_faults import SerialExecutor, start_aws

T = TypeVar("T")
# Seconds of a call that reads and of one that changes, from a machine in another region of the same continent; an
# assumption, rounded, as AWS promises none. The last line is for services that are not named.
SECONDS = {
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
READS = ("Get", "List", "Describe", "Head")
SCALE = 100
MYSQL_SECONDS = 300 / SCALE


class CallCounter:
    """What lies between the SDK and AWS: it takes its time, and counts the calls made for each resource."""

    def __init__(self, takes_time: bool) -> None:
        self.calls: list[tuple[str, str, float]] = []
        self._takes_time = takes_time
        self._at_work = threading.local()
        self._mysql_asked_for = float("inf")
        self.session: Any = boto3.Session("x", "x", region_name="us-east-1")
        self.session.events.register("before-call", self._asked)
        self.session.events.register("after-call.rds.CreateDBInstance", self._mysql_begun)
        self.session.events.register("after-call.rds.DescribeDBInstances", self._mysql_later)

    def lake(self, read_only: bool = False) -> AwsContext:
        """A lake for one command."""
        if read_only:
            block_changes(self.session)
        return ScaledLake(Config(api_key="k", client_address="203.0.113.7/32"), self.session, patient=not read_only)

    def doing(self, resource: str) -> None:
        """What this thread calls from now on is for this resource."""
        self._at_work.on = resource

    def _asked(self, model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        seconds = SECONDS.get(service, SECONDS[""])[not model.name.startswith(READS)]
        self.calls.append((getattr(self._at_work, "on", ""), f"{service}:{model.name}", seconds))
        if self._takes_time:
            time.sleep(seconds)

    def _mysql_begun(self, **_: Any) -> None:
        self._mysql_asked_for = time.monotonic()

    def _mysql_later(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._takes_time and time.monotonic() < self._mysql_asked_for + MYSQL_SECONDS:
            for instance in parsed.get("DBInstances", ()):
                instance["DBInstanceStatus"] = "creating"


class ScaledLake(AwsContext):
    """A lake that looks more often, as what it waits for is scaled."""

    def wait_until(self, what: str, check: Callable[[], T | None], every: float, limit: float) -> T:
        return super().wait_until(what, check, every / SCALE, limit)


class Hands(Executor):
    """A pool that does the work as the walk's own does, or one after the other, and says for whom."""

    def __init__(self, wire: CallCounter, in_turn: bool) -> None:
        self._wire = wire
        self._pool: Executor = SerialExecutor() if in_turn else ThreadPoolExecutor(MAX_PARALLEL)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def work() -> Any:
            self._wire.doing(args[0].label)
            return fn(*args, **kwargs)

        return self._pool.submit(work)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def serve() -> None:
    """An empty AWS, its engines left out; prints its endpoint."""
    start_aws(inside=False)
    from moto.server import DomainDispatcherApplication, create_backend_app

    aws = server.serve(0, DomainDispatcherApplication(create_backend_app))
    print(f"http://127.0.0.1:{aws.server_port}", flush=True)
    aws.serve_forever()


@contextmanager
def account(takes_time: bool) -> Iterator[CallCounter]:
    """A new account in a process of its own, and the wire to it."""
    serving = [sys.executable, "-m", "bench.bootstrap", "--serve"]
    with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as aws:
        assert aws.stdout
        os.environ["AWS_ENDPOINT_URL"] = aws.stdout.readline().strip()
        try:
            for work in (bootstrap, teardown):  # it imports what each of its services needs when first asked
                work(CallCounter(takes_time=False).lake())
            yield CallCounter(takes_time)
        finally:
            aws.terminate()


def timed(in_turn: bool) -> tuple[float, CallCounter]:
    """The seconds of a bootstrap of a new account, and its wire."""
    with account(takes_time=True) as wire:
        started = time.monotonic()
        bootstrap(wire.lake(), pool=Hands(wire, in_turn))
        return time.monotonic() - started, wire


def critical_path(wire: CallCounter) -> tuple[float, list[str]]:
    """The longest chain of resources that wait for one another: its seconds, and who is in it."""
    seconds: Counter[str] = Counter()
    for resource, call, taken in wire.calls:
        # What the connection looks up by the way, and whether MySQL is there yet, is part of MySQL's 300 s.
        if not resource.startswith("glue connection") or call == "glue:CreateConnection":
            seconds[resource] += taken
    ends: dict[str, tuple[float, list[str]]] = {"": (seconds[""], [])}
    for resource in catalogue(replace(Config(api_key="k"), account="123456789012", region="us-east-1")):
        waits = [one.label for one in dependencies(resource) if one.label in ends]
        begin, chain = max((ends[label] for label in waits), default=ends[""])
        if isinstance(resource, GlueConnection):
            begin = max(begin, ends[resource.instance.label][0] + MYSQL_SECONDS)
        ends[resource.label] = (begin + seconds[resource.label], [*chain, resource.label])
    return max(ends.values())


def counted() -> list[tuple[str, int, int]]:
    """Each command, its calls, and how many resources there are."""
    with account(takes_time=False) as wire:
        resources = len(catalogue(wire.lake().config))

        def calls(work: Callable[[AwsContext], Any], read_only: bool = False) -> int:
            wire.calls.clear()
            work(wire.lake(read_only))
            return len(wire.calls)

        rows = [
            ("bootstrap", calls(bootstrap), resources),
            ("bootstrap again", calls(bootstrap), resources),
            ("teardown", calls(teardown), resources),
        ]
    with account(takes_time=False) as wire:
        bootstrap(wire.lake())
        wire.calls.clear()
        status(wire.lake(read_only=True), datetime.now(UTC))
        return [*rows[:2], ("status", len(wire.calls), resources), *rows[2:]]


def main() -> None:
    if "--serve" in sys.argv:
        serve()
        return
    side_by_side, wire = timed(in_turn=False)
    in_turn, _ = timed(in_turn=True)
    path, chain = critical_path(wire)
    print(
        table(
            "bootstrap",
            ["", "seconds", "beside footlake"],
            [
                ("footlake, side by side", f"{side_by_side:.1f}", ""),
                ("the same calls one after the other", f"{in_turn:.1f}", f"{in_turn / side_by_side:.1f} ×"),
                ("the critical path", f"{path:.1f}", f"{side_by_side / path:.2f} × of it"),
            ],
        )
    )
    print(
        f"MySQL's {SCALE * MYSQL_SECONDS:.0f} s are {MYSQL_SECONDS:.0f} s here; calls take what they take.\n"
        f"\nThe critical path: {' → '.join(chain)}.\n"
    )
    print(
        table(
            "Calls",
            ["command", "calls", "resources", "calls per resource"],
            [(name, calls, there, f"{calls / there:.2f}") for name, calls, there in counted()],
        )
    )


if __name__ == "__main__":
    main()
