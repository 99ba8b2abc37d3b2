"""Log groups, created before the services that write to them, so that they have a retention and a tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.resources.base import BaseResource, Ensured, regional_arn

RETENTION_DAYS = 30


@dataclass(frozen=True)
class LogGroup(BaseResource):
    """A log group. An existing one without the lake's tag is used unchanged. A `shared` one has other writers too."""

    kind = "log group"

    name: str
    shared: bool = False

    def ensure(self, aws: AwsContext) -> Ensured:
        logs, group = aws.client("logs"), self._read(aws)
        if group is None:
            logs.create_log_group(logGroupName=self.name, tags=aws.config.tags)
        elif group.get("retentionInDays") == RETENTION_DAYS or not self._is_ours(aws, group):
            return "unchanged"
        logs.put_retention_policy(logGroupName=self.name, retentionInDays=RETENTION_DAYS)
        return "created" if group is None else "updated"

    def arn(self, aws: AwsContext) -> str:
        """Return the ARN, without the suffix `:*` that stands for the group's streams."""
        return regional_arn(aws, "logs", f"log-group:{self.name}")

    def streams(self, aws: AwsContext) -> list[str]:
        """Return the names of the group's streams; none if the group does not exist."""
        logs = aws.client("logs")
        pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=self.name)
        try:
            return [stream["logStreamName"] for page in pages for stream in page.get("logStreams", [])]
        except logs.exceptions.ResourceNotFoundException:
            return []

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("logs").delete_log_group(logGroupName=self.name)

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("logs").list_tags_for_resource(resourceArn=self.arn(aws))["tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        key, names = {"logGroupName": self.name}, self._names(aws)
        group: dict[str, Any] | None = self._listed(
            aws, "logs", "describe_log_groups", "logGroups", key, logGroupIdentifiers=names
        )
        if group is not None:
            return group
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=self.name).get("logGroups", [])
        return next((group for group in groups if group["logGroupName"] == self.name), None)
