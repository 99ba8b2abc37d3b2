"""The schedules of a sleeping database call RDS with the permissions of their role, at their time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy.catalogue import SharedResources, database_schedules
from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.local.engines.schedules import ScheduleRunner
from footlake.resources.scheduler import ScheduleGroup
from tests.resources.services.conftest import new_session

REGION = "eu-north-1"
TUESDAY = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
INSTANCE = {"DBInstanceIdentifier": "rds-mysql"}


@pytest.fixture
def sleepy(local_aws: Local, monkeypatch: pytest.MonkeyPatch) -> AwsContext:
    """A region that no other test uses, for a lake whose database sleeps."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    config = Config(lake="sleepy", database="weekly", seasons=(2026,), client_address="127.0.0.1/32")
    return AwsContext(config, new_session(REGION))


def wait_for(aws: AwsContext, status: str) -> None:
    deadline = time.monotonic() + 60
    while aws.client("rds").describe_db_instances(**INSTANCE)["DBInstances"][0]["DBInstanceStatus"] != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_schedules_start_the_database_for_the_load_and_stop_it(sleepy: AwsContext, local_aws: Local) -> None:
    aws, shared = sleepy, SharedResources(sleepy.config, everything=False)
    aws.client("rds").create_db_instance(
        **INSTANCE,
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        AllocatedStorage=20,
        StorageType="gp3",
        MasterUsername="admin",
        MasterUserPassword="first-password",
    )
    wait_for(aws, "available")
    resources = [shared.boundary, *database_schedules(shared)]
    assert [resource.ensure(aws) for resource in resources] == ["created"] * 5
    assert [resource.ensure(aws) for resource in resources] == ["unchanged"] * 5

    now = [TUESDAY - timedelta(hours=3, seconds=1)]
    runner = ScheduleRunner(local_aws, lambda: now[0])
    runner.invoke_due()
    for moment, status in (
        (TUESDAY - timedelta(hours=3), "stopped"),  # 6:00
        (TUESDAY + timedelta(minutes=29), "stopped"),
        (TUESDAY + timedelta(minutes=30), "available"),
        (TUESDAY + timedelta(hours=2, minutes=59), "available"),
        (TUESDAY + timedelta(hours=3), "stopped"),  # 12:00
        (TUESDAY + timedelta(days=1, minutes=30), "stopped"),  # Wednesday 9:30
        (TUESDAY + timedelta(days=7, minutes=30), "available"),
    ):
        now[0] = moment
        runner.invoke_due()
        wait_for(aws, status)

    assert [resource.destroy(aws) for resource in reversed(resources)] == ["deleted"] * 5
    assert [resource.exists(aws) for resource in resources] == [False] * 5
    aws.client("rds").delete_db_instance(**INSTANCE, SkipFinalSnapshot=True)


def test_a_schedule_group_of_another_owner_is_kept(sleepy: AwsContext) -> None:
    sleepy.client("scheduler").create_schedule_group(Name="sleepy")
    group = ScheduleGroup("sleepy")
    with pytest.raises(FootlakeError, match="does not belong to this lake"):
        group.ensure(sleepy)
    assert group.destroy(sleepy) == "kept"
    sleepy.client("scheduler").delete_schedule_group(Name="sleepy")
