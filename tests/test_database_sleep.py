"""A database that sleeps between weekly runs, a lake without one, and the way from one to the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from footlake.aws import AwsContext
from footlake.deploy.database_sleep import LEASE, awake, database_status
from footlake.errors import Hint, StepFailed
from footlake.lake.store import LakeStore
from tests.conftest import Cli
from tests.support.call_faults import refusal

SECONDS = 60
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
INSTANCE = {"DBInstanceIdentifier": "rds-mysql"}


class SleepingLake:
    """The command line with a lake whose database sleeps."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.aws: AwsContext = cli.lake()
        self.aws.config = replace(self.aws.config, database="weekly", mysql_ca=self.certificate())
        self.earlier_runs: set[str] = set()

    def certificate(self) -> str:
        return str(self.cli.dir / "mysql-tls" / "certificate.pem")

    def __call__(self, *arguments: str, database: str = "weekly") -> subprocess.CompletedProcess[str]:
        return self.cli("--local", *arguments, FOOTLAKE_DATABASE=database)

    def start_command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a new session, as a terminal would."""
        return subprocess.Popen(
            [sys.executable, "-m", "footlake", "--local", *arguments],
            env=self.cli.environment(FOOTLAKE_DATABASE="weekly", PYTHONUNBUFFERED="1"),
            cwd=self.cli.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def status(self) -> str:
        [instance] = self.aws.client("rds").describe_db_instances(**INSTANCE)["DBInstances"]
        return str(instance["DBInstanceStatus"])

    def wait_for(self, check: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not check():
            assert time.monotonic() < deadline, self.status()
            time.sleep(0.05)

    def sleep(self) -> None:
        """Let the database sleep, with no command that has started it."""
        assert self("database", "stop").returncode == 0
        self.wait_for(lambda: self.status() == "stopped")
        assert not self.has_lease()
        self.earlier_runs = set(self.load_runs())

    def load_runs(self) -> dict[str, str]:
        """Return the states of the runs of a Glue job that loads MySQL, by their ids."""
        runs = self.aws.client("glue").get_job_runs(JobName="teamsmysqldbingestion")["JobRuns"]
        return {run["Id"]: run["JobRunState"] for run in runs}

    def is_loading(self) -> bool:
        """Return whether a load runs that began after `sleep`. A run of an earlier test may not have ended yet."""
        return any(state == "RUNNING" for run, state in self.load_runs().items() if run not in self.earlier_runs)

    def has_lease(self) -> bool:
        return LakeStore(self.aws.client("s3"), self.aws.config.bucket).head(LEASE) is not None


@pytest.fixture(scope="module")
def bootstrapped(cli: Cli) -> SleepingLake:
    cli("local", "start")
    done = cli("--local", "bootstrap", FOOTLAKE_DATABASE="weekly")
    assert done.returncode == 0, done.stderr
    assert "The database is awake until the schedule stops it at " in done.stdout
    return SleepingLake(cli)


@pytest.fixture
def lake(bootstrapped: SleepingLake) -> Iterator[SleepingLake]:
    bootstrapped.sleep()
    yield bootstrapped


def test_status_tells_when_the_database_runs(lake: SleepingLake) -> None:
    aws = lake.aws
    aws.config = replace(aws.config, seasons=(2026,))
    state = database_status(aws, NOW)
    assert (state.status, state.awake, state.forgotten) == ("stopped", False, False)
    assert state.start == NOW.replace(hour=9, minute=30)
    assert state.stop == NOW.replace(hour=12)
    assert state.restart is not None
    assert state.restart > datetime.now(UTC) + timedelta(days=6)
    document = json.loads(lake("--output", "json", "database", "status").stdout)
    assert (document["setting"], document["status"]) == ("weekly", "stopped")
    assert "Database\nDatabase instance rds-mysql is stopped." in lake("status").stdout
    doctor = lake("doctor").stdout
    assert "ok         MySQL: rds-mysql is stopped; commands that need it start it." in doctor


def test_a_load_wakes_the_database_and_puts_it_back_to_sleep(lake: SleepingLake) -> None:
    done = lake("load-mysql")
    assert done.returncode == 0, done.stderr
    assert "Starting database instance rds-mysql, which takes some minutes …" in done.stderr
    assert "MySQL has 0 fixtures and 20 teams" in done.stdout
    assert lake.status() in ("stopping", "stopped")
    assert not lake.has_lease()


def test_a_failed_report_puts_the_database_back_to_sleep(lake: SleepingLake) -> None:
    done = lake("report", "--source", "mysql")
    assert (done.returncode, "MySQL has no fixtures" in done.stderr) == (1, True)
    assert lake.status() in ("stopping", "stopped")


def test_a_report_does_not_wake_the_database(lake: SleepingLake) -> None:
    done = lake("report")
    assert (done.returncode, "The lake has no fixtures yet." in done.stderr) == (1, True)
    assert lake.status() == "stopped"


def test_a_database_that_somebody_started_stays_awake(lake: SleepingLake) -> None:
    started = lake("database", "start")
    assert started.returncode == 0, started.stderr
    assert "Database instance rds-mysql is available.\nThe schedule stops it at " in started.stdout
    assert "MySQL has no fixtures" in lake("report", "--source", "mysql").stderr
    assert lake.status() == "available"


def test_an_interrupted_load_puts_the_database_back_to_sleep(lake: SleepingLake) -> None:
    process = lake.start_command("load-mysql")
    lake.wait_for(lake.is_loading)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, "Interrupted after" in errors) == (130, True)
    assert "The database is awake" not in errors
    lake.wait_for(lambda: lake.status() == "stopped")
    assert not lake.has_lease()


@pytest.mark.thorough
def test_a_killed_load_is_reported_and_the_next_command_stops_the_database(lake: SleepingLake) -> None:
    process = lake.start_command("load-mysql")
    lake.wait_for(lake.is_loading)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    later = datetime.now(UTC) + timedelta(seconds=30)
    state = database_status(lake.aws, later)
    assert (state.status, state.forgotten) == ("available", True)
    after_the_stop = datetime.now(UTC) + timedelta(hours=7)  # which the schedule makes every six hours
    assert not database_status(lake.aws, after_the_stop).forgotten
    lake.wait_for(lambda: not lake.is_loading())
    done = lake("report", "--source", "mysql")
    assert "MySQL has no fixtures" in done.stderr
    lake.wait_for(lambda: lake.status() == "stopped")
    assert not lake.has_lease()


def test_a_stop_during_a_load_is_reported(lake: SleepingLake) -> None:
    process = lake.start_command("load-mysql")
    lake.wait_for(lake.is_loading)
    lake.aws.client("rds").stop_db_instance(**INSTANCE)
    _, errors = process.communicate(timeout=SECONDS * 2)
    assert process.returncode == 1
    assert "The database was stopped while it was in use" in errors
    assert "Run the same command again." in errors
    lake.wait_for(lambda: lake.status() == "stopped")
    assert lake("load-mysql").returncode == 0


class Witness:
    """An operator that keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[Hint] = []
        self.left: Hint | None = None

    def notify(self, message: Hint) -> None:
        self.messages.append(message)

    def leave_behind(self, what: Hint | None) -> None:
        self.left = what

    def cleaning_up(self) -> Any:
        return nullcontext()


def fail(aws: AwsContext, operation: str, answer: Callable[[Any], Any]) -> Callable[[], None]:
    """Let `answer` replace or precede the calls of an operation of RDS. Return a function that ends this."""
    events = aws.client("rds").meta.events

    def before(model: Any, **_: Any) -> Any:
        return answer(model) if model.name == operation else None

    events.register("before-call", before)
    return lambda: events.unregister("before-call", before)


def test_a_throttled_start_leaves_the_database_asleep(lake: SleepingLake) -> None:
    end = fail(lake.aws, "StartDBInstance", lambda model: refusal("throttled", model))
    witness = Witness()
    try:
        with pytest.raises(ClientError, match="Throttling"), awake(lake.aws, witness):
            pytest.fail("the database is not awake")
    finally:
        end()
    assert (lake.status(), witness.left, lake.has_lease()) == ("stopped", None, False)


def test_a_start_whose_answer_is_lost_is_stopped_again(lake: SleepingLake) -> None:
    def start_and_fail(model: Any) -> Any:
        end()
        lake.aws.client("rds").start_db_instance(**INSTANCE)
        raise EndpointConnectionError(endpoint_url="rds")

    end = fail(lake.aws, "StartDBInstance", start_and_fail)
    witness = Witness()
    with pytest.raises(EndpointConnectionError), awake(lake.aws, witness):
        pytest.fail("the database may not be awake")
    lake.wait_for(lambda: lake.status() == "stopped")
    assert witness.left is None


def test_a_stop_that_aws_refuses_is_reported(lake: SleepingLake) -> None:
    witness = Witness()
    end = fail(lake.aws, "StopDBInstance", lambda model: refusal("denied", model))
    with awake(lake.aws, witness):
        pass
    end()
    assert lake.status() == "available"
    assert "Could not stop the database: " in witness.messages[-1]
    assert "The database is awake until the schedule stops it at " in witness.messages[-1]
    assert "footlake database stop" in witness.messages[-1]


def test_two_commands_share_the_database(lake: SleepingLake) -> None:
    """The second one finds it awake, and does not stop it while the first one needs it."""
    with awake(lake.aws):
        done = lake("report", "--source", "mysql")
        assert "MySQL has no fixtures" in done.stderr
        assert lake.status() == "available"
    assert lake.status() in ("stopping", "stopped")


@pytest.mark.thorough
def test_the_setting_none_has_no_database(lake: SleepingLake) -> None:
    plan = lake("bootstrap", "--plan", database="none")
    assert "delete     db instance rds-mysql" in plan.stdout
    unconfirmed = lake("bootstrap", database="none")
    assert unconfirmed.returncode == 1
    assert "Data that is deleted: the MySQL database. load-mysql can load it from the lake again." in unconfirmed.stderr
    assert "Not confirmed, so nothing was changed." in unconfirmed.stderr
    assert lake.status() == "stopped"

    done = lake("bootstrap", "--yes", database="none")
    assert done.returncode == 0, done.stderr
    assert "deleted    db instance rds-mysql" in done.stdout
    assert not lake.aws.client("rds").describe_db_instances()["DBInstances"]
    assert not lake.aws.client("glue").get_connections()["ConnectionList"]
    assert [group["Name"] for group in lake.aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]] == [
        "default"
    ]
    assert {
        step["outcome"]
        for step in json.loads(lake("--output", "json", "bootstrap", database="none").stdout)["resources"]
    } == {"unchanged"}
    load = ("run-week", "--from", "load-mysql")
    for command in (("load-mysql",), ("report", "--source", "mysql"), load, ("database", "start")):
        refused = lake(*command, database="none")
        assert (refused.returncode, refused.stderr) == (
            1,
            "Error: The lake has no database (setting database = none).\n"
            "  To add one, set FOOTLAKE_DATABASE=weekly and run footlake --local bootstrap.\n",
        )
    assert "MySQL" not in lake("doctor", database="none").stdout
    assert "The lake has no fixtures yet." in lake("report", database="none").stderr

    back = lake("bootstrap", database="always")
    assert back.returncode == 0, back.stderr
    assert "The database is empty. Load it from the lake: footlake --local load-mysql" in back.stdout
    assert "MySQL has 0 fixtures and 20 teams" in lake("load-mysql", database="always").stdout
    assert lake.status() == "available"
    assert lake("bootstrap").returncode == 0


def test_the_setting_always_wakes_a_database_that_slept(lake: SleepingLake) -> None:
    done = lake("bootstrap", "--yes", database="always")
    assert done.returncode == 0, done.stderr
    assert "updated    db instance rds-mysql" in done.stdout
    assert "deleted    schedule database-stop" in done.stdout
    lake.wait_for(lambda: lake.status() == "available")
    assert lake("bootstrap").returncode == 0


def test_a_database_that_is_stopped_in_the_block_is_an_error(lake: SleepingLake) -> None:
    match = "was stopped while it was in use: the connection is lost"
    with pytest.raises(StepFailed, match=match) as failure, awake(lake.aws) as server:
        server.stop(lake.aws)
        raise RuntimeError("the connection is lost")
    assert failure.value.hint == "Run the same command again."
