"""Schedules of EventBridge Scheduler that stop and start the database without a function, and their group."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.resources.base import Ensured, OwnedResource, differs, regional_arn, tag_list
from footlake.resources.iam import IamRole
from footlake.resources.rds import DBInstance

NOT_FOUND = "ResourceNotFoundException"
# EventBridge Scheduler's message until the role is visible to it.
_NO_ROLE_YET = "must allow AWS EventBridge Scheduler to assume the role"
# How often and how long a call that fails is repeated. One that comes too late is worse than none: a late stop meets
# the next load.
_RETRIES = {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 900}


@dataclass(frozen=True)
class ScheduleGroup(OwnedResource):
    """The group of the lake's schedules. It has the tag, as AWS has no tags on schedules."""

    kind = "schedule group"
    arn_member = "Arn"

    name: str

    def _create(self, aws: AwsContext) -> None:
        aws.client("scheduler").create_schedule_group(Name=self.name, Tags=tag_list(aws))

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        return False

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("scheduler").delete_schedule_group(Name=self.name)
        self._wait_until_gone(aws)

    def _wait_until_gone(self, aws: AwsContext) -> None:
        aws.wait_until(
            f"schedule group {self.name} to be deleted",
            lambda: True if self._get(aws) is None else None,
            every=2,
            limit=300,
        )

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("scheduler").list_tags_for_resource(ResourceArn=self.arn(aws))["Tags"]

    def arn(self, aws: AwsContext) -> str:
        """Return the group's ARN."""
        return regional_arn(aws, "scheduler", f"schedule-group/{self.name}")

    def ensure(self, aws: AwsContext) -> Ensured:
        """Create the group. One that is being deleted is created again after its deletion."""
        state = self._get(aws)
        if state is not None and state["State"] == "DELETING":
            self._wait_until_gone(aws)
            state = None
        return self._create_or_update(aws, state)

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        state = self._get(aws)
        return None if state is None or state["State"] == "DELETING" else state

    def _get(self, aws: AwsContext) -> dict[str, Any] | None:
        state: dict[str, Any] | None = get_or_none(
            aws.client("scheduler").get_schedule_group, NOT_FOUND, Name=self.name
        )
        return state


@dataclass(frozen=True)
class DatabaseSchedule(OwnedResource):
    """A schedule (UTC) that calls StartDBInstance or StopDBInstance. It belongs to the owner of its group."""

    kind = "schedule"

    name: str
    schedule: str
    action: Literal["start", "stop"]
    instance: DBInstance
    group: ScheduleGroup
    role: IamRole

    def _create(self, aws: AwsContext) -> None:
        create = aws.client("scheduler").create_schedule
        desired = self._desired(aws)
        aws.retry_until_consistent("the schedules to see their role", lambda: create(**desired), _NO_ROLE_YET)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        desired = self._desired(aws)
        if not differs(state, desired):
            return False
        aws.client("scheduler").update_schedule(**desired)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("scheduler").delete_schedule(GroupName=self.group.name, Name=self.name)

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        return {
            "Name": self.name,
            "GroupName": self.group.name,
            "State": "ENABLED",
            "ScheduleExpression": self.schedule,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": f"arn:aws:scheduler:::aws-sdk:rds:{self.action}DBInstance",
                "RoleArn": self.role.arn(aws),
                # Universal targets take the names of the AWS SDK for Java, not those of the API.
                "Input": json.dumps({"DbInstanceIdentifier": self.instance.name}),
                "RetryPolicy": _RETRIES,
            },
        }

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("scheduler").list_tags_for_resource(ResourceArn=self.group.arn(aws))["Tags"]

    def _read(self, aws: AwsContext) -> Any | None:
        return get_or_none(aws.client("scheduler").get_schedule, NOT_FOUND, GroupName=self.group.name, Name=self.name)
