"""Log groups, made before what writes to them, so that they have a retention and an owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.resources.base import Destroyed, Ensured, is_owned

RETENTION_DAYS = 30


@dataclass(frozen=True)
class LogGroup:
    """A log group. One that was there before is used as it is."""

    name: str

    @property
    def label(self) -> str:
        return f"log group {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        logs, group = aws.client("logs"), self._read(aws)
        if group is None:
            logs.create_log_group(logGroupName=self.name, tags=aws.config.tags)
        elif group.get("retentionInDays") == RETENTION_DAYS or not self._ours(aws):
            return "unchanged"
        logs.put_retention_policy(logGroupName=self.name, retentionInDays=RETENTION_DAYS)
        return "created" if group is None else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not self._ours(aws):
            return "kept"
        aws.client("logs").delete_log_group(logGroupName=self.name)
        return "deleted"

    def _ours(self, aws: AwsContext) -> bool:
        arn = f"arn:aws:logs:{aws.config.region}:{aws.config.account}:log-group:{self.name}"
        return is_owned(aws, aws.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=self.name)["logGroups"]
        return next((group for group in groups if group["logGroupName"] == self.name), None)
