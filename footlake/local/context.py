"""What every executor of the local AWS is given: its directory, its endpoint, its log."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "footlake-local", "aws_secret_access_key": "footlake-local"}

logger = logging.getLogger("footlake.local")


@dataclass
class Local:
    """One local AWS. Executors keep threads, children and clients here, never on moto's objects, which are pickled."""

    dir: Path
    port: int
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _cleanups: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        """Where this AWS answers."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of this very AWS."""
        import boto3

        make: Any = boto3.Session
        session = make(region_name=region, **CREDENTIALS)
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = session.client(service, endpoint_url=self.endpoint)
            return self._clients[service, region]

    def environment(self, region: str = REGION) -> dict[str, str]:
        """The environment of a child process whose AWS is this one, without the user's own credentials."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOOTLAKE_"))}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def log(self, group: str, stream: str, lines: Iterable[str], region: str = REGION) -> None:
        """Append lines to a CloudWatch log stream, creating group and stream as AWS does."""
        logs = self.client("logs", region)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        for start in range(0, len(events), 1000):
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[start : start + 1000])

    def background(self, work: Callable[[], None], name: str) -> None:
        """Run `work` in a thread; what it raises is logged, not lost."""

        def run() -> None:
            try:
                work()
            except Exception:
                logger.exception("%s failed", name)

        threading.Thread(target=run, name=name, daemon=True).start()

    def at_close(self, cleanup: Callable[[], None]) -> None:
        """Run `cleanup` when the local AWS stops."""
        self._cleanups.append(cleanup)

    def close(self) -> None:
        """Stop every child, the last started first."""
        while self._cleanups:
            self._cleanups.pop()()
