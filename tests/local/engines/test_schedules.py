"""Schedules of EventBridge Scheduler on the local AWS call the APIs of their targets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from footlake.local.context import ACCOUNT, Local
from footlake.local.engines.schedules import ScheduleRunner
from tests.conftest import service_role

STOP = "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance"
START = "arn:aws:scheduler:::aws-sdk:rds:startDBInstance"
WAIT = {"WaiterConfig": {"Delay": 0.1, "MaxAttempts": 600}}


class Account:
    """A schedule group, a queue for failures, and a role that may stop and start the instance `asleep`."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.scheduler, self.rds, self.sqs = local.client("scheduler"), local.client("rds"), local.client("sqs")
        self.role = service_role(local, "ScheduleRole", "scheduler.amazonaws.com")
        actions = ["rds:StartDBInstance", "rds:StopDBInstance"]
        statements = [
            {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:asleep"},
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        local.client("iam").put_role_policy(RoleName="ScheduleRole", PolicyName="anything", PolicyDocument=document)
        self.scheduler.create_schedule_group(Name="tested")
        self.queue = self.sqs.create_queue(QueueName="missed")["QueueUrl"]
        self.now = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.runner = ScheduleRunner(local, lambda: self.now)

    def create(self, name: str, expression: str, arn: str, database: str = "asleep", **changes: Any) -> None:
        target = {
            "Arn": arn,
            "RoleArn": self.role,
            "Input": json.dumps({"DbInstanceIdentifier": database}),
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:missed"},
            "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        }
        settings = {
            "Name": name,
            "GroupName": "tested",
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        self.scheduler.create_schedule(**settings | changes)

    def advance(self, **duration: int) -> None:
        """Invoke what is due now, and what becomes due within the duration."""
        self.runner.invoke_due()
        self.now += timedelta(**duration)
        self.runner.invoke_due()

    def wait_for(self, status: str) -> None:
        deadline = time.monotonic() + 60
        while self.status() != status:
            assert time.monotonic() < deadline, self.status()
            time.sleep(0.05)

    def status(self) -> str:
        [instance] = self.rds.describe_db_instances(DBInstanceIdentifier="asleep")["DBInstances"]
        return str(instance["DBInstanceStatus"])

    def failure(self) -> tuple[dict[str, str], Any]:
        """Return attributes and body of the next message in the queue for failures."""
        (message,) = self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=20, MessageAttributeNames=["All"])[
            "Messages"
        ]
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        return attributes, json.loads(message["Body"])


@pytest.fixture(scope="module")
def shared_account(local_aws: Local) -> Iterator[Account]:
    account = Account(local_aws)
    account.rds.create_db_instance(
        DBInstanceIdentifier="asleep",
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        AllocatedStorage=20,
        StorageType="gp3",
        MasterUsername="admin",
        MasterUserPassword="first-password",
    )
    account.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="asleep", **WAIT)
    yield account
    account.rds.delete_db_instance(DBInstanceIdentifier="asleep", SkipFinalSnapshot=True)
    account.rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="asleep", **WAIT)
    account.scheduler.delete_schedule_group(Name="tested")


@pytest.fixture
def account(shared_account: Account) -> Iterator[Account]:
    yield shared_account
    for schedule in shared_account.scheduler.list_schedules(GroupName="tested")["Schedules"]:
        shared_account.scheduler.delete_schedule(GroupName="tested", Name=schedule["Name"])


def test_schedules_stop_and_start_an_instance_at_their_time(account: Account) -> None:
    account.create("stop", "cron(0 12 * * ? *)", STOP)
    account.advance(hours=2, minutes=59)
    assert account.status() == "available"
    account.advance(minutes=1)
    account.wait_for("stopped")
    account.create("start", "cron(0 18 * * ? *)", START, ScheduleExpressionTimezone="Asia/Tokyo")  # 9:00 UTC
    account.advance(hours=20, minutes=59)
    assert account.status() == "stopped"
    account.advance(minutes=1)
    account.wait_for("available")


def test_a_failed_invocation_is_sent_to_the_dead_letter_queue(account: Account) -> None:
    account.create("start", "rate(1 hour)", START)  # the instance is not stopped
    account.advance(hours=1)
    attributes, body = account.failure()
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("InvalidDBInstanceState", "0")
    assert attributes["SCHEDULE_ARN"].endswith(":schedule/tested/start")
    assert body == {"DbInstanceIdentifier": "asleep"}


def test_the_role_of_a_schedule_limits_what_it_can_call(account: Account) -> None:
    account.create("stop", "rate(1 hour)", STOP, "another")
    account.advance(hours=1)
    attributes, _ = account.failure()
    assert attributes["ERROR_CODE"] == "AccessDenied"
    assert "rds:StopDBInstance" in attributes["ERROR_MESSAGE"]


def test_a_one_time_schedule_is_invoked_once_and_deleted(account: Account) -> None:
    time_of_stop = account.now + timedelta(minutes=30)
    expression = f"at({time_of_stop:%Y-%m-%dT%H:%M:%S})"
    account.create("once", expression, START, ActionAfterCompletion="DELETE")
    account.create("kept", expression, START)
    account.create("off", expression, START, State="DISABLED")
    account.advance(minutes=30)
    assert {account.failure()[0]["SCHEDULE_ARN"].rsplit("/", 1)[1] for _ in range(2)} == {"once", "kept"}
    account.advance(minutes=30)
    left = account.scheduler.list_schedules(GroupName="tested")["Schedules"]
    assert {schedule["Name"] for schedule in left} == {"kept", "off"}
    assert "Messages" not in account.sqs.receive_message(QueueUrl=account.queue)


def test_schedules_run_between_their_start_and_end(account: Account) -> None:
    start, end = account.now + timedelta(hours=2), account.now + timedelta(hours=3, minutes=30)
    account.create("some", "rate(1 hour)", START, StartDate=start, EndDate=end)
    times = []
    for _ in range(6):
        account.advance(hours=1)
        if account.now in (start, start + timedelta(hours=1)):
            times.append(account.failure()[0]["SCHEDULED_TIME"])
    assert times == [f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"]
    assert "Messages" not in account.sqs.receive_message(QueueUrl=account.queue)


def test_a_repeated_request_is_the_same_schedule_and_another_one_a_conflict(account: Account) -> None:
    for _ in range(2):
        account.create("again", "rate(1 hour)", STOP, ClientToken="same")
    for call, request in (
        (account.scheduler.create_schedule_group, {"Name": "tested"}),
        (account.scheduler.delete_schedule_group, {"Name": "missing"}),
        (account.scheduler.list_schedules, {"GroupName": "missing"}),
    ):
        with pytest.raises(ClientError, match=r"ConflictException|ResourceNotFoundException"):
            call(**request)
    with pytest.raises(ClientError, match="ConflictException"):
        account.create("again", "rate(1 hour)", STOP)


def test_groups_have_tags(account: Account) -> None:
    account.scheduler.create_schedule_group(Name="tagged", Tags=[{"Key": "footlake", "Value": "x"}])
    index = account.local.client("resourcegroupstaggingapi")
    found = index.get_resources(TagFilters=[{"Key": "footlake", "Values": ["x"]}])["ResourceTagMappingList"]
    assert [entry["ResourceARN"] for entry in found] == [f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/tagged"]
    account.scheduler.delete_schedule_group(Name="tagged")
    assert not index.get_resources(TagFilters=[{"Key": "footlake", "Values": ["x"]}])["ResourceTagMappingList"]
