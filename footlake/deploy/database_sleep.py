"""Wake the database for a block of work and put it back to sleep, for a lake whose setting `database` is weekly.

A command that starts the database holds a lease meanwhile. If it is killed, the next command finds the lease, which is
no longer renewed, and stops the database at its end. The schedule stops it at the latest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy.catalogue import STOP_SCHEDULE, mysql_instance, start_schedule
from footlake.deploy.leases import SILENT_SECONDS, take_lease
from footlake.deploy.schedule import next_run
from footlake.errors import FootlakeCommand, FootlakeError, Hint, NotReady, StepFailed
from footlake.lake import s3_keys
from footlake.lake.store import LakeStore, ObjectInfo
from footlake.resources.rds import DBInstance

LEASE = s3_keys.LEASES + "database"
STOP_NOW = FootlakeCommand("database stop")


class Operator(Protocol):
    """Who runs the command, and has to know of a database that is awake. The command line implements it."""

    def notify(self, message: Hint) -> None:
        """Say something."""

    def leave_behind(self, what: Hint | None) -> None:
        """State what remains on AWS if the command is interrupted from now on; None for nothing special."""

    def cleaning_up(self) -> AbstractContextManager[None]:
        """Return a context in which an interruption waits for the command to undo something."""


class Nobody:
    """An operator that is not told anything."""

    def notify(self, message: Hint) -> None:
        """Do nothing."""

    def leave_behind(self, what: Hint | None) -> None:
        """Do nothing."""

    def cleaning_up(self) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        return nullcontext()


NOBODY = Nobody()


@dataclass(frozen=True)
class DatabaseStatus:
    """The state of the database instance, and when it is started and stopped next (UTC; None for never).

    `status` is RDS's word for it, `absent` if the instance does not exist. `forgotten` says that a command which
    started it ended without stopping it. `restart` is the time at which RDS starts a stopped instance by itself.
    """

    setting: str
    instance: str
    status: str
    forgotten: bool = False
    start: datetime | None = None
    stop: datetime | None = None
    restart: datetime | None = None

    @property
    def awake(self) -> bool:
        """Whether the instance runs, or is about to."""
        return self.status not in ("absent", "stopped", "stopping", "deleting")


def database_status(aws: AwsContext, now: datetime) -> DatabaseStatus:
    """Read the state of the database."""
    config, server = aws.config, require_database(aws.config)
    try:
        description = server.description(aws)
    except NotReady:
        return DatabaseStatus(config.database, server.name, "absent")
    weekly = config.database == "weekly"
    lease = _lease(_store(aws), now) if weekly else None
    return DatabaseStatus(
        config.database,
        server.name,
        description["DBInstanceStatus"],
        lease is not None and now - lease.modified > timedelta(seconds=SILENT_SECONDS),
        next_run(start_schedule(config), now) if weekly else None,
        next_run(STOP_SCHEDULE, now) if weekly else None,
        description.get("AutomaticRestartTime"),
    )


def describe_database(status: DatabaseStatus) -> Iterator[Hint]:
    """Yield the sentences about the state of the database."""
    yield Hint(f"Database instance {status.instance} is {status.status}.")
    if status.setting == "weekly" and status.awake:
        if status.forgotten:
            yield Hint("A command that started it has ended without stopping it.")
        yield Hint(f"The schedule stops it at {_format(status.stop)}. To stop it now: ", STOP_NOW)
    elif status.setting == "weekly" and status.start:
        yield Hint(f"The schedule starts it at {_format(status.start)}.")
    elif status.setting == "always" and status.restart:
        yield Hint(f"AWS starts it at {_format(status.restart)}. To start it now: ", FootlakeCommand("database start"))


def require_database(config: Config) -> DBInstance:
    """Return the database instance. Raise NotReady if the lake has none."""
    if config.database == "none":
        raise NotReady(
            "The lake has no database (setting database = none).",
            Hint("To add one, set FOOTLAKE_DATABASE=weekly and run ", FootlakeCommand("bootstrap"), "."),
        )
    return mysql_instance(config)


@contextmanager
def awake(aws: AwsContext, operator: Operator = NOBODY) -> Iterator[DBInstance]:
    """Return the database instance, awake for the duration of a block.

    If it sleeps, it is started, and stopped at the end, also after a failure and Ctrl-C. An instance that another
    command has started is left to that command, unless it was killed. Raises StepFailed if the database is stopped
    during the block.
    """
    server = require_database(aws.config)
    with ExitStack() as stack:
        owned = aws.config.database == "weekly" and _take_responsibility(aws, server, stack)
        ready = False
        try:
            if owned:
                operator.leave_behind(still_awake(aws))
                _wake(aws, server, operator)
            server.address(aws)
            ready = True
            yield server
        except Exception as error:
            if ready and _was_stopped(aws, server):
                raise StepFailed(
                    f"The database was stopped while it was in use: {error}", "Run the same command again."
                ) from error
            raise
        finally:
            if owned:
                with operator.cleaning_up():
                    _put_to_sleep(aws, server, operator)


def _take_responsibility(aws: AwsContext, server: DBInstance, stack: ExitStack) -> bool:
    """Return whether this command has to stop the database at the end, and hold the lease if it has to.

    It does not if the schedule, `database start` or another command has started the database.
    """
    store = _store(aws)
    while _lease(store, datetime.now(UTC)) or server.status(aws) in ("stopped", "stopping"):
        if take_lease(aws, store, stack, LEASE, "the check whether another command uses the database"):
            return True
        if server.status(aws) == "available":
            return False
        aws.wait_until(
            "another command to start or stop the database",
            lambda: True if _lease(store, datetime.now(UTC)) is None or server.status(aws) == "available" else None,
            every=5,
            limit=1800,
        )
    return False


def _wake(aws: AwsContext, server: DBInstance, operator: Operator) -> None:
    if server.status(aws) == "available":
        return
    operator.notify(Hint(f"Starting database instance {server.name}, which takes some minutes …"))
    server.start(aws)


def _lease(store: LakeStore, now: datetime) -> ObjectInfo | None:
    """Return the lease of a command that has started the database since the schedule stopped it last, or None."""
    lease = store.head(LEASE)
    stopped = next_run(STOP_SCHEDULE, lease.modified) if lease else None
    return None if stopped and stopped <= now else lease


def _put_to_sleep(aws: AwsContext, server: DBInstance, operator: Operator) -> None:
    """Stop the database, and say so if that fails: it must not stay awake unnoticed."""
    try:
        if server.status(aws) not in ("available", "stopping", "stopped"):
            operator.notify(Hint("Waiting until the database has started, to stop it again. Ctrl-C leaves it running."))
        server.stop(aws)
        operator.leave_behind(None)
    except (ClientError, BotoCoreError, FootlakeError) as error:
        operator.notify(Hint(f"Could not stop the database: {error} ", still_awake(aws)))


def still_awake(aws: AwsContext) -> Hint:
    """Return the sentences on a database that stays awake without need."""
    stop = next_run(STOP_SCHEDULE, datetime.now(UTC))
    return Hint(f"The database is awake until the schedule stops it at {_format(stop)}. To stop it now: ", STOP_NOW)


def _was_stopped(aws: AwsContext, server: DBInstance) -> bool:
    try:
        return server.status(aws) in ("stopping", "stopped")
    except (ClientError, BotoCoreError, FootlakeError):  # the error of the block is reported
        return False


def _format(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if time else "no time"


def _store(aws: AwsContext) -> LakeStore:
    return LakeStore(aws.client("s3"), aws.config.bucket, aws.config.account)
