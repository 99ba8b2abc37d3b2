"""EventBridge rules with one target each: on a schedule, or on an event of another service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none, is_temporary
from footlake.errors import FootlakeError
from footlake.resources.base import EventTarget, OwnedResource, differs, tag_list
from footlake.resources.sqs import SqsQueue

NOT_FOUND = "ResourceNotFoundException"
LISTED_PREFIX_LENGTH = 4
"""Characters of a rule's name: the rules that begin alike are listed together."""


@dataclass(frozen=True)
class EventRule(OwnedResource):
    """A rule with one target, and either `schedule`, a cron or rate expression, or `pattern`, an event pattern.

    The target receives the event, or `input` instead of it. An event that cannot be delivered goes to `dead_letters`.
    """

    kind = "event rule"
    arn_member = "Arn"

    name: str
    target: EventTarget
    schedule: str = ""
    pattern: Mapping[str, Any] | None = None
    input: Mapping[str, Any] | None = None
    dead_letters: SqsQueue | None = None

    @property
    def source_arn(self) -> str:
        """The ARN for a LambdaPermission, with placeholders for region and account."""
        return f"arn:aws:events:{{region}}:{{account}}:rule/{self.name}"

    def _create(self, aws: AwsContext) -> None:
        # EventBridge accepts tags for a new rule only.
        aws.client("events").put_rule(**self._desired(), Tags=tag_list(aws))
        self._put_missing_target(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        drifted = self._drifted(state)
        if drifted:
            aws.client("events").put_rule(**self._desired())
        return self._put_missing_target(aws) or drifted

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        events = aws.client("events")
        ids = [target["Id"] for target in events.list_targets_by_rule(Rule=self.name)["Targets"]]
        if ids:
            events.remove_targets(Rule=self.name, Ids=ids)
        events.delete_rule(Name=self.name)

    def _desired(self) -> dict[str, Any]:
        desired = {"Name": self.name, "State": "ENABLED"}
        desired |= {"ScheduleExpression": self.schedule} if self.schedule else {}
        return desired | ({"EventPattern": json.dumps(self.pattern)} if self.pattern else {})

    def _put_missing_target(self, aws: AwsContext) -> bool:
        """Add the target if the rule does not have it, and return whether it was added."""
        events = aws.client("events")
        desired: dict[str, Any] = {"Arn": self.target.arn(aws)}
        if self.input:
            desired["Input"] = json.dumps(self.input)
        if self.dead_letters:
            desired["DeadLetterConfig"] = {"Arn": self.dead_letters.arn(aws)}
        if desired.keys() == {"Arn"} and self._is_listed_with(aws, desired["Arn"]):
            return False
        targets = events.list_targets_by_rule(Rule=self.name)["Targets"]
        if any(not differs(target, desired) for target in targets):
            return False
        # A second target that is the same function would run it twice.
        target_id = next((target["Id"] for target in targets if target["Arn"] == desired["Arn"]), "1")
        # EventBridge reports a refused target in the response, not as an error.
        failed = events.put_targets(Rule=self.name, Targets=[{"Id": target_id, **desired}]).get("FailedEntries")
        if failed:
            raise FootlakeError(f"EventBridge rejected the target of the {self.label}: {failed[0].get('ErrorMessage')}")
        return True

    def _is_listed_with(self, aws: AwsContext, target_arn: str) -> bool:
        """Return whether the rule is in the list of the rules with this target, if the resources of a run share it."""
        if not self._may_list(aws, "events"):
            return False
        try:
            return self.name in aws.client("events").list_rule_names_by_target(TargetArn=target_arn)["RuleNames"]
        except ClientError as error:
            if is_temporary(error):
                raise
            return False  # such as with the policy of an earlier version

    def _drifted(self, state: dict[str, Any]) -> bool:
        pattern = json.loads(state["EventPattern"]) if state.get("EventPattern") else None
        actual = (state.get("ScheduleExpression") or "", pattern, state.get("State"))
        return actual != (self.schedule, dict(self.pattern) if self.pattern else None, "ENABLED")

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("events").list_tags_for_resource(ResourceARN=state["Arn"])["Tags"]

    def _read(self, aws: AwsContext) -> Any | None:
        prefix = self.name[:LISTED_PREFIX_LENGTH]
        listed = self._listed(aws, "events", "list_rules", "Rules", {"Name": self.name}, NamePrefix=prefix)
        return listed or get_or_none(aws.client("events").describe_rule, NOT_FOUND, Name=self.name)
