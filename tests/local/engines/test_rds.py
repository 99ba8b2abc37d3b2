"""RDS of the local AWS through boto3: available instances answer SQL."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql
import pytest
from botocore.exceptions import ClientError, WaiterError

from footlake.errors import FootlakeError
from footlake.local import state
from footlake.local.context import ACCOUNT, REGION, Local
from footlake.local.engines import rds
from footlake.local.engines.mysql_program import find_database_program
from footlake.local.patches import rds as rds_patches

WAIT = {"WaiterConfig": {"Delay": 0.1, "MaxAttempts": 600}}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    local = Local(tmp_path_factory.mktemp("aws"), server.port)
    rds_patches.install()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        # The tests after these use the servers of the local AWS that was installed before.
        patch.setattr(rds, "_installed_servers", rds._installed_servers)
        rds.install(local)
        yield local
        server.shutdown()
        local.close()


@pytest.fixture(scope="module")
def aws(local: Local) -> Any:
    return local.client("rds")


def create(aws: Any, name: str, **changes: Any) -> dict[str, Any]:
    settings = {
        "DBInstanceIdentifier": name,
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "mysql",
        "EngineVersion": "8.4",
        "AllocatedStorage": 20,
        "StorageType": "gp3",
        "DBName": "mysqldb",
        "MasterUsername": "admin",
        "MasterUserPassword": "first-password",
    }
    instance: dict[str, Any] = aws.create_db_instance(**settings | changes)["DBInstance"]
    return instance


def wait_available(aws: Any, name: str) -> dict[str, Any]:
    aws.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, **WAIT)
    return describe(aws, name)


def wait_stopped(aws: Any, name: str) -> None:
    deadline = time.monotonic() + 60
    while (status := describe(aws, name)["DBInstanceStatus"]) == "stopping" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status == "stopped"


def describe(aws: Any, name: str) -> dict[str, Any]:
    instances: list[dict[str, Any]] = aws.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    [instance] = instances
    return instance


def delete(aws: Any, name: str) -> None:
    aws.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    aws.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=name, **WAIT)


@pytest.fixture(scope="module")
def shared(aws: Any) -> str:
    """Return the name of an instance that tests share and do not change."""
    create(aws, "shared")
    wait_available(aws, "shared")
    return "shared"


def connect(instance: dict[str, Any], password: str = "first-password") -> pymysql.Connection:
    endpoint = instance["Endpoint"]
    return pymysql.connect(
        host=endpoint["Address"],
        port=endpoint["Port"],
        user=instance["MasterUsername"],
        password=password,
        database=instance.get("DBName"),
        autocommit=True,
    )


def query(instance: dict[str, Any], statement: str) -> Any:
    with connect(instance) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def rejected(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    error = failure.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_new_instance_is_creating_without_an_endpoint_then_available_and_answers(aws: Any) -> None:
    created = create(aws, "fresh")
    assert created["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in created
    instance = wait_available(aws, "fresh")
    assert instance["Endpoint"]["Address"] == "127.0.0.1"
    assert query(instance, "SELECT DATABASE()") == (("mysqldb",),)
    delete(aws, "fresh")


def test_a_name_can_be_reused_after_deletion_without_the_old_data(aws: Any, local: Local) -> None:
    for _ in range(2):
        create(aws, "again")
        instance = wait_available(aws, "again")
        query(instance, "CREATE TABLE only_once (n INT)")
        delete(aws, "again")
        assert rejected(aws.describe_db_instances, DBInstanceIdentifier="again")[0] == "DBInstanceNotFound"
        with pytest.raises(pymysql.OperationalError, match="Can't connect"):
            connect(instance)
        assert not list(local.dir.glob("mysql/**/again"))


def test_stop_and_start_keep_the_rows_and_the_port(aws: Any) -> None:
    create(aws, "paused")
    before = wait_available(aws, "paused")
    query(before, "CREATE TABLE kept AS SELECT 7 AS n")

    assert aws.stop_db_instance(DBInstanceIdentifier="paused")["DBInstance"]["DBInstanceStatus"] == "stopping"
    wait_stopped(aws, "paused")
    with pytest.raises(pymysql.OperationalError, match="Can't connect"):
        connect(before)

    assert aws.start_db_instance(DBInstanceIdentifier="paused")["DBInstance"]["DBInstanceStatus"] == "starting"
    after = wait_available(aws, "paused")
    assert after["Endpoint"] == before["Endpoint"]
    assert query(after, "SELECT n FROM kept") == ((7,),)
    delete(aws, "paused")


def test_only_a_stopped_instance_starts_and_only_an_available_one_changes(aws: Any) -> None:
    create(aws, "sleeper")
    wait_available(aws, "sleeper")
    name = {"DBInstanceIdentifier": "sleeper"}
    startable = (
        "Instance sleeper cannot be started as it is not in one of the following statuses: 'stopped, "
        "inaccessible-encryption-credentials-recoverable, incompatible-network (only valid for non-SqlServer "
        "instances)'."
    )
    state = "InvalidDBInstanceState"
    assert rejected(aws.start_db_instance, **name) == (state, startable)
    aws.stop_db_instance(**name)
    for _ in ("stopping", "stopped"):
        assert rejected(aws.stop_db_instance, **name) == (state, "Instance sleeper is not in available state.")
        assert rejected(aws.reboot_db_instance, **name) == (state, "Instance sleeper is not in available state.")
        change = rejected(aws.modify_db_instance, **name, BackupRetentionPeriod=2, ApplyImmediately=True)
        assert change == (state, "Database instance is not in available state.")
        wait_stopped(aws, "sleeper")
    assert describe(aws, "sleeper")["BackupRetentionPeriod"] != 2
    aws.delete_db_instance(**name, SkipFinalSnapshot=True)  # while it is stopped
    aws.get_waiter("db_instance_deleted").wait(**name, **WAIT)


def test_an_instance_starts_after_seven_days_of_sleep(aws: Any) -> None:
    create(aws, "weeks")
    before = wait_available(aws, "weeks")
    query(before, "CREATE TABLE kept AS SELECT 7 AS n")
    assert "AutomaticRestartTime" not in before
    aws.stop_db_instance(DBInstanceIdentifier="weeks")
    wait_stopped(aws, "weeks")
    restart = describe(aws, "weeks")["AutomaticRestartTime"]
    assert timedelta(days=6, hours=23) < restart - datetime.now(UTC) <= timedelta(days=7)

    rds.start_expired(restart - timedelta(seconds=1))
    assert describe(aws, "weeks")["DBInstanceStatus"] == "stopped"
    rds.start_expired(restart)
    after = wait_available(aws, "weeks")
    assert "AutomaticRestartTime" not in after
    assert query(after, "SELECT n FROM kept") == ((7,),)
    events = aws.describe_events(SourceIdentifier="weeks", SourceType="db-instance")["Events"]
    assert [event["Message"] for event in events][-3:] == [
        "DB instance stopped.",
        "DB instance is being started due to it exceeding the maximum allowed time being stopped.",
        "DB instance started.",
    ]
    delete(aws, "weeks")


def test_reboot_closes_connections_and_restarts_the_server(aws: Any, shared: str) -> None:
    with connect(describe(aws, shared)) as connection:
        rebooting = aws.reboot_db_instance(DBInstanceIdentifier=shared)["DBInstance"]
        assert rebooting["DBInstanceStatus"] == "rebooting"
        instance = wait_available(aws, shared)
        with pytest.raises(pymysql.Error):
            connection.ping(reconnect=False)
    assert query(instance, "SELECT 1") == ((1,),)


def test_a_killed_server_restarts_with_its_rows_on_the_same_port(aws: Any, local: Local) -> None:
    create(aws, "mortal")
    before = wait_available(aws, "mortal")
    query(before, "CREATE TABLE kept AS SELECT 7 AS n")
    [pid_file] = local.dir.glob("mysql/**/mortal/data/mysqld.pid")
    for killed in (1, 2):
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not pid_file.exists() or int(pid_file.read_text() or pid) == pid:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        after = wait_available(aws, "mortal")
        assert after["Endpoint"] == before["Endpoint"]
        assert query(after, "SELECT n FROM kept") == ((7,),)
        events = aws.describe_events(SourceIdentifier="mortal", SourceType="db-instance")["Events"]
        assert sum("ended unexpectedly" in event["Message"] for event in events) == killed
    delete(aws, "mortal")


def test_a_changed_master_password_is_the_only_one_that_works(aws: Any) -> None:
    create(aws, "secret")
    instance = wait_available(aws, "secret")
    aws.modify_db_instance(DBInstanceIdentifier="secret", MasterUserPassword="second-password", ApplyImmediately=True)
    connect(instance, "second-password").close()
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        connect(instance, "first-password")
    delete(aws, "secret")


def test_deletion_protection_is_respected(aws: Any) -> None:
    create(aws, "guarded", DeletionProtection=True)
    instance = wait_available(aws, "guarded")
    code, message = rejected(aws.delete_db_instance, DBInstanceIdentifier="guarded", SkipFinalSnapshot=True)
    assert (code, "disable deletion protection" in message) == ("InvalidParameterCombination", True)
    assert query(instance, "SELECT 1") == ((1,),)
    aws.modify_db_instance(DBInstanceIdentifier="guarded", DeletionProtection=False)
    delete(aws, "guarded")


def test_deletion_without_a_choice_about_a_snapshot_is_rejected(aws: Any, shared: str) -> None:
    code, message = rejected(aws.delete_db_instance, DBInstanceIdentifier=shared)
    assert code == "InvalidParameterCombination"
    assert "FinalDBSnapshotIdentifier is required" in message
    assert describe(aws, shared)["DBInstanceStatus"] == "available"


def test_an_instance_may_be_deleted_while_it_is_being_created(aws: Any) -> None:
    create(aws, "hasty")
    aws.delete_db_instance(DBInstanceIdentifier="hasty", SkipFinalSnapshot=True)
    aws.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="hasty", **WAIT)
    assert rejected(aws.describe_db_instances, DBInstanceIdentifier="hasty")[0] == "DBInstanceNotFound"


def test_instances_of_two_regions_may_share_a_name(aws: Any, local: Local, shared: str) -> None:
    other_region = local.client("rds", "eu-west-1")
    create(other_region, shared)
    second, first = wait_available(other_region, shared), describe(aws, shared)
    assert second["Endpoint"] != first["Endpoint"]
    delete(other_region, shared)
    assert query(first, "SELECT 1") == ((1,),)


@pytest.mark.parametrize(
    ("change", "code", "part"),
    [
        ({"EngineVersion": "5.7.13"}, "InvalidParameterCombination", "Cannot find version 5.7.13 for mysql"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue", "8 to 41 characters"),
        ({"MasterUserPassword": "not/allowed@rds"}, "InvalidParameterValue", "Only printable ASCII"),
        ({"DBInstanceIdentifier": "shared"}, "DBInstanceAlreadyExists", "already exists"),
    ],
)
def test_invalid_settings_are_rejected_as_by_rds(
    aws: Any, shared: str, change: dict[str, str], code: str, part: str
) -> None:
    actual_code, message = rejected(lambda **_: create(aws, change.pop("DBInstanceIdentifier", "refused"), **change))
    assert actual_code == code
    assert part in message
    assert rejected(aws.describe_db_instances, DBInstanceIdentifier="refused")[0] == "DBInstanceNotFound"


def test_a_password_cannot_be_changed_before_the_instance_is_available(aws: Any) -> None:
    create(aws, "early")
    aws.delete_db_instance(DBInstanceIdentifier="early", SkipFinalSnapshot=True)
    code, _ = rejected(aws.modify_db_instance, DBInstanceIdentifier="early", MasterUserPassword="second-password")
    assert code in ("InvalidDBInstanceState", "DBInstanceNotFound")
    aws.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="early", **WAIT)


def test_engine_versions_include_the_one_that_an_instance_gets(aws: Any, shared: str) -> None:
    versions = aws.describe_db_engine_versions(Engine="mysql", EngineVersion="8.4")["DBEngineVersions"]
    [default] = aws.describe_db_engine_versions(Engine="mysql", DefaultOnly=True)["DBEngineVersions"]
    assert default in versions
    assert describe(aws, shared)["EngineVersion"] == default["EngineVersion"]
    assert default["DBParameterGroupFamily"] == "mysql8.4"
    assert aws.describe_db_engine_versions(Engine="mysql", EngineVersion="5.7")["DBEngineVersions"] == []


def test_the_smallest_instance_with_gp3_can_be_ordered(aws: Any) -> None:
    pages = aws.get_paginator("describe_orderable_db_instance_options").paginate(Engine="mysql")
    options = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
    assert any(option["DBInstanceClass"] == "db.t4g.micro" and option["StorageType"] == "gp3" for option in options)


def test_without_a_server_program_the_instance_fails_with_the_reason_in_its_events(
    aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FOOTLAKE_MYSQLD", str(tmp_path / "missing"))
    create(aws, "hopeless")
    with pytest.raises(WaiterError):
        wait_available(aws, "hopeless")
    assert describe(aws, "hopeless")["DBInstanceStatus"] == "failed"
    events = aws.describe_events(SourceIdentifier="hopeless", SourceType="db-instance")["Events"]
    [reason] = [event["Message"] for event in events if event["EventCategories"] == ["failure"]]
    assert "missing, which does not run" in reason
    assert "apt-get install mariadb-server-core" in reason
    with pytest.raises(FootlakeError, match="which does not run"):
        find_database_program()
    delete(aws, "hopeless")


def test_resume_tries_a_failed_instance_again(
    aws: Any, local: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as without_a_server:
        without_a_server.setenv("FOOTLAKE_MYSQLD", str(tmp_path / "missing"))
        create(aws, "unlucky")
        with pytest.raises(WaiterError):
            wait_available(aws, "unlucky")
    local.close()
    rds.install(local)
    rds.resume(local)
    assert query(wait_available(aws, "unlucky"), "SELECT DATABASE()") == (("mysqldb",),)
    delete(aws, "unlucky")


def test_resume_starts_available_instances_and_leaves_stopped_ones_alone(aws: Any, local: Local) -> None:
    for name in ("up", "down"):
        create(aws, name)
    before = wait_available(aws, "up")
    query(before, "CREATE TABLE kept AS SELECT 7 AS n")
    wait_available(aws, "down")
    aws.stop_db_instance(DBInstanceIdentifier="down")
    wait_stopped(aws, "down")

    local.close()
    with pytest.raises(pymysql.OperationalError, match="Can't connect"):
        connect(before)
    rds.install(local)
    rds.resume(local)

    after = wait_available(aws, "up")
    assert after["Endpoint"] == before["Endpoint"]
    assert query(after, "SELECT n FROM kept") == ((7,),)
    assert describe(aws, "down")["DBInstanceStatus"] == "stopped"
    for name in ("up", "down"):
        delete(aws, name)


def test_the_saved_state_of_an_instance_has_its_port(aws: Any, shared: str, tmp_path: Path) -> None:
    instance = describe(aws, shared)
    state.save(tmp_path / "state")
    saved = pickle.loads((tmp_path / "state").read_bytes())
    database = saved["rds"][ACCOUNT][REGION].databases[shared]
    assert (database.status, database.port) == ("available", instance["Endpoint"]["Port"])


def test_resume_finishes_interrupted_operations(aws: Any, local: Local) -> None:
    create(aws, "half")
    local.close()  # interrupts the operation at any point
    rds.install(local)
    rds.resume(local)
    assert query(wait_available(aws, "half"), "SELECT DATABASE()") == (("mysqldb",),)

    aws.delete_db_instance(DBInstanceIdentifier="half", SkipFinalSnapshot=True)
    local.close()
    rds.install(local)
    rds.resume(local)
    aws.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="half", **WAIT)
    assert not list(local.dir.glob("mysql/**/half"))
