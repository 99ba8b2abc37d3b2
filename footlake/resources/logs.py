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

    def exists(self, lake: AwsContext) -> bool:
        return self._read(lake) is not None

    def ensure(self, lake: AwsContext) -> Ensured:
        logs, group = lake.client("logs"), self._read(lake)
        if group is None:
            logs.create_log_group(logGroupName=self.name, tags=lake.config.tags)
        elif group.get("retentionInDays") == RETENTION_DAYS or not self._ours(lake):
            return "unchanged"
        logs.put_retention_policy(logGroupName=self.name, retentionInDays=RETENTION_DAYS)
        return "created" if group is None else "updated"

    def destroy(self, lake: AwsContext) -> Destroyed:
        if not self.exists(lake):
            return "absent"
        if not self._ours(lake):
            return "kept"
        lake.client("logs").delete_log_group(logGroupName=self.name)
        return "deleted"

    def _ours(self, lake: AwsContext) -> bool:
        arn = f"arn:aws:logs:{lake.config.region}:{lake.config.account}:log-group:{self.name}"
        return is_owned(lake, lake.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])

    def _read(self, lake: AwsContext) -> dict[str, Any] | None:
        groups = lake.client("logs").describe_log_groups(logGroupNamePrefix=self.name)["logGroups"]
        return next((group for group in groups if group["logGroupName"] == self.name), None)
