"""Run one database server per DB instance of the local RDS, and set the instances' states accordingly.

A database is moto's DBInstance object. An operation sets an intermediate state (`creating`, `stopping` …) and returns;
a thread does the work and then sets the final state, as on AWS.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.local.daemon import TLS_FOLDER
from footlake.local.engines.eventbridge import emit, make_event
from footlake.local.engines.mysql import DatabaseServer

ENGINES = ("mysql", "mariadb")
LONGEST_STOP = timedelta(days=7)  # after which RDS starts a stopped instance
_FAILED = "failed"  # botocore's waiter for available instances stops at this state


def has_server(database: Any) -> bool:
    """Return whether the local AWS runs a server for this instance; members of clusters have none."""
    return database.engine in ENGINES and database.db_cluster_identifier is None


@dataclass
class InstanceServers:
    """The database servers of one local AWS. Each instance runs one operation at a time."""

    local: Local
    _servers: dict[str, DatabaseServer] = field(default_factory=dict)  # by the ARN of the instance
    _locks: dict[str, threading.RLock] = field(default_factory=dict)
    _closed: bool = False

    def create(self, database: Any) -> None:
        """Create and start the server of a new instance."""
        database.port = None
        self._run_operation(database, "creating", "available", lambda: self._create(database))

    def start(self, database: Any) -> None:
        """Start the instance's server, or restart it if it runs."""
        database.automatic_restart_time = None
        self._run_operation(database, "starting", "available", lambda: self._start(database))

    def start_expired(self, database: Any) -> None:
        """Start an instance that was stopped for the longest permitted time."""
        message = "DB instance is being started due to it exceeding the maximum allowed time being stopped."
        self._add_event(database, "notification", message, "RDS-EVENT-0154")
        self.start(database)

    def reboot(self, database: Any) -> None:
        """Restart the instance's server."""
        self._run_operation(database, "rebooting", "available", lambda: self._restart(database))

    def stop(self, database: Any) -> None:
        """Stop the instance's server."""
        self._run_operation(database, "stopping", "stopped", lambda: self._stop(database))

    def delete(self, database: Any) -> None:
        """Delete the instance's server with its data, and then the instance."""
        self._run_operation(database, "deleting", "deleted", lambda: self._delete(database))

    def set_password(self, database: Any, password: str) -> None:
        """Change the master user's password before returning."""
        with self._lock(database):
            self._server(database).set_master(database.master_username, password)

    def resume(self, database: Any) -> None:
        """Continue the operation that the stop of the last local AWS interrupted, or start the server if it was up."""
        operations: dict[str, Callable[[Any], None]] = {
            "creating": self.create,
            "stopping": self.stop,
            "stopped": lambda database: None,
            "deleting": self.delete,
            _FAILED: self.start if database.port else self.create,
        }
        operations.get(database.status, self.start)(database)

    def close(self) -> None:
        """Stop every server without changing the instances' states, which `resume` needs."""
        self._closed = True
        for arn, server in list(self._servers.items()):
            with self._locks.setdefault(arn, threading.RLock()):
                server.stop()

    def _server(self, database: Any) -> DatabaseServer:
        arn: str = database.arn
        if arn not in self._servers:
            folder = self.local.dir / "mysql" / database.region / database.db_instance_identifier.lower()
            self._servers[arn] = DatabaseServer(folder, database.port or 0, tls=self.local.dir / TLS_FOLDER)
        return self._servers[arn]

    def _create(self, database: Any) -> None:
        server = self._server(database)
        server.erase()  # files of an instance of this name that moto lost in a crash
        server.start()
        server.set_master(database.master_username, database._master_user_password)
        if database.db_name:
            server.create_database(database.db_name)
        database.port = server.port
        self._watch(database, server)

    def _start(self, database: Any) -> None:
        self._restart(database)
        self._add_event(database, "notification", "DB instance started.", "RDS-EVENT-0088")

    def _stop(self, database: Any) -> None:
        self._server(database).stop()
        database.automatic_restart_time = datetime.now(UTC) + LONGEST_STOP
        self._add_event(database, "notification", "DB instance stopped.", "RDS-EVENT-0087")

    def _restart(self, database: Any) -> None:
        server = self._server(database)
        server.stop()
        if not server.exists:
            raise FootlakeError(f"The data of {database.db_instance_identifier} is missing from {server.dir}.")
        server.start()
        database.port = server.port
        self._watch(database, server)

    def _delete(self, database: Any) -> None:
        self._server(database).erase()
        self._servers.pop(database.arn)
        database.backend.databases.pop(database.db_instance_identifier, None)

    def _watch(self, database: Any, server: DatabaseServer) -> None:
        """Start the server again if it ends unexpectedly, as RDS does."""

        def restart_on_exit() -> None:
            server.wait()
            with self._lock(database):
                if self._closed or database.status != "available" or server.running:
                    return
                message = "The database server ended unexpectedly and is being restarted."
                self._add_event(database, "availability", message, "RDS-EVENT-0221")
                self.start(database)

        self.local.background(restart_on_exit, f"guard {database.db_instance_identifier}")

    def _add_event(self, database: Any, category: str, message: str, event_id: str) -> None:
        """Add an event to those that DescribeEvents returns for the instance, and send it to EventBridge."""
        from moto.rds.models import Event

        event = Event("DB_INSTANCE_CREATE", database)  # moto accepts its own event types only
        event.event_categories = [category]
        event.message = message
        database.backend.events.append(event)
        detail = {
            "EventCategories": [category],
            "SourceType": "DB_INSTANCE",
            "SourceArn": database.arn,
            "Date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
            "Message": message,
            "SourceIdentifier": database.db_instance_identifier,
            "EventID": event_id,
        }
        emit(self.local, make_event("aws.rds", "RDS DB Instance Event", database.region, [database.arn], detail))

    def _lock(self, database: Any) -> threading.RLock:
        return self._locks.setdefault(database.arn, threading.RLock())

    def _run_operation(self, database: Any, state: str, final_state: str, operation: Callable[[], None]) -> None:
        """Set `state`, run `operation` in the background, then set `final_state`.

        A later operation that sets another state in the meantime cancels this one, or keeps its own state.
        """
        database.status = state

        def run() -> None:
            with self._lock(database):
                if self._closed or database.status != state:
                    return
                try:
                    operation()
                except Exception as error:
                    database.status = _FAILED
                    self._add_event(database, "failure", _describe_error(error), "RDS-EVENT-0031")
                    raise
                if database.status == state:
                    database.status = final_state

        self.local.background(run, f"{state} {database.db_instance_identifier}")


def _describe_error(error: Exception) -> str:
    return f"{error.message} {error.hint}".strip() if isinstance(error, FootlakeError) else str(error)
