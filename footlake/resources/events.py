"""EventBridge rules with one target, such as a function: on a schedule, or on an event of another service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.base import (
    Destroyed,
    Ensured,
    Resource,
    differs,
    get_or_none,
    is_owned,
    require_owned,
    tag_list,
)

NOT_FOUND = "ResourceNotFoundException"


class Target(Resource, Protocol):
    """What a rule can send events to."""

    def arn(self, aws: AwsContext) -> str:
        """Its ARN."""


@dataclass(frozen=True)
class EventRule:
    """A rule with one target: `schedule` is a cron or rate expression, `pattern` an event pattern; one of them.

    The target is given the event, or `input` in its place.
    """

    name: str
    target: Target
    schedule: str = ""
    pattern: Mapping[str, Any] | None = None
    input: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        return f"event rule {self.name}"

    @property
    def source_arn(self) -> str:
        """The ARN for a permission, with region and account to be filled in."""
        return f"arn:aws:events:{{region}}:{{account}}:rule/{self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        events, rule = aws.client("events"), self._read(aws)
        outcome: Ensured = "unchanged"
        if rule is not None:
            require_owned(aws, self.label, lambda: self._tags(aws, rule), rule["Arn"])
        if rule is None or self._drifted(rule):
            wanted: dict[str, Any] = {"Name": self.name, "State": "ENABLED"}
            wanted |= {"ScheduleExpression": self.schedule} if self.schedule else {}
            wanted |= {"EventPattern": json.dumps(self.pattern)} if self.pattern else {}
            # Tags are for a new rule only: EventBridge refuses to tag by updating.
            events.put_rule(**wanted, **({"Tags": tag_list(aws)} if rule is None else {}))
            outcome = "created" if rule is None else "updated"
        target = {"Id": "1", "Arn": self.target.arn(aws)}
        if self.input:
            target["Input"] = json.dumps(self.input)
        targets = events.list_targets_by_rule(Rule=self.name)["Targets"]
        if all(differs(one, target) for one in targets):
            # A refusal comes as an answer here, not as an error.
            failed = events.put_targets(Rule=self.name, Targets=[target]).get("FailedEntries")
            if failed:
                raise FootlakeError(f"The {self.label} got no target: {failed[0].get('ErrorMessage')}")
            outcome = "created" if outcome == "created" else "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        events, rule = aws.client("events"), self._read(aws)
        if rule is None:
            return "absent"
        if not is_owned(aws, self._tags(aws, rule)):
            return "kept"
        targets = [target["Id"] for target in events.list_targets_by_rule(Rule=self.name)["Targets"]]
        if targets:
            events.remove_targets(Rule=self.name, Ids=targets)
        events.delete_rule(Name=self.name)
        return "deleted"

    def _drifted(self, rule: dict[str, Any]) -> bool:
        pattern = json.loads(rule["EventPattern"]) if rule.get("EventPattern") else None
        actual = (rule.get("ScheduleExpression") or "", pattern, rule.get("State"))
        return actual != (self.schedule, dict(self.pattern) if self.pattern else None, "ENABLED")

    def _tags(self, aws: AwsContext, rule: dict[str, Any]) -> Any:
        return aws.client("events").list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        return get_or_none(aws.client("events").describe_rule, NOT_FOUND, Name=self.name)
