"""Services for the engines of the local AWS: clients with the credentials of a role, logs, background threads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.loaders import Loader, create_loader

from footlake.local.environment import inherited_environment

ACCOUNT = "123456789012"  # moto's default account
REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "footlake-local", "aws_secret_access_key": "footlake-local"}

logger = logging.getLogger("footlake.local")


@dataclass
class Local:
    """One local AWS.

    Engines keep threads, child processes and clients here and never on moto's objects, which are pickled. The clients
    share the loader of AWS's service models, so that each is in memory once.
    """

    dir: Path
    port: int
    _service_models: Loader = field(default_factory=create_loader)
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    _sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    _cleanups: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sessions_lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        """The AWS endpoint URL."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, region: str = REGION, role: str = "") -> Any:
        """Return a boto3 client for this AWS, with the credentials of the root user or of a role (ARN or name)."""
        import boto3
        import botocore.session

        create_session: Any = boto3.Session
        credentials = self.credentials(role)
        with self._lock:
            if (service, region, role) not in self._clients:
                core = botocore.session.get_session()
                core.register_component("data_loader", self._service_models)
                session = create_session(botocore_session=core, region_name=region, **credentials)
                self._clients[service, region, role] = session.client(service, endpoint_url=self.endpoint)
            return self._clients[service, region, role]

    def credentials(self, role: str = "") -> dict[str, str]:
        """Return boto3's credential arguments for the root user or for a session of a role (ARN or name)."""
        if not role:
            return CREDENTIALS
        if not role.startswith("arn:"):
            role = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        with self._sessions_lock:
            if role not in self._sessions:
                session = self.client("sts").assume_role(RoleArn=role, RoleSessionName="footlake-local")["Credentials"]
                self._sessions[role] = {
                    "aws_access_key_id": session["AccessKeyId"],
                    "aws_secret_access_key": session["SecretAccessKey"],
                    "aws_session_token": session["SessionToken"],
                }
            return self._sessions[role]

    def environment(self, region: str = REGION, role: str = "") -> dict[str, str]:
        """Return the environment of a child process that is to use this AWS, without the user's settings."""
        return inherited_environment() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **{name.upper(): value for name, value in self.credentials(role).items()},
        }

    def log(self, group: str, stream: str, lines: Iterable[str], region: str = REGION, role: str = "") -> None:
        """Append lines to a CloudWatch log stream. Create group and stream if necessary.

        Without permission to write logs there is no log and no error, as on AWS.
        """
        logs = self.client("logs", region, role)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        try:
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=group)
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
            for start in range(0, len(events), 1000):
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[start : start + 1000])
        except logs.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            logger.warning("cannot write to log group %s: %s", group, error)

    def background(self, work: Callable[[], None], name: str) -> None:
        """Run `work` in a thread, and log the exception if it raises one."""

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
        """Run the clean-ups, the last registered first."""
        while self._cleanups:
            try:
                self._cleanups.pop()()
            except Exception:  # the other clean-ups and the last save must still run
                logger.exception("clean-up failed")
