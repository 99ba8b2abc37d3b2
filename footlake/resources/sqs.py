"""The SQS queue for events that Lambda functions could not process or did not receive."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.resources.base import OwnedResource, differs, regional_arn, same_policy

NOT_FOUND = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
ATTRIBUTES = {
    "MessageRetentionPeriod": str(14 * 24 * 3600),  # seconds; the longest that SQS allows
    "SqsManagedSseEnabled": "true",
}


@dataclass(frozen=True)
class SqsQueue(OwnedResource):
    """A standard queue that keeps messages for 14 days. It costs nothing while no message arrives.

    The EventBridge rules with these names may send to it. The functions may by the policy of their role.
    """

    kind = "sqs queue"

    name: str
    rules: tuple[str, ...] = ()

    def arn(self, aws: AwsContext) -> str:
        """Return the queue's ARN."""
        return regional_arn(aws, "sqs", self.name)

    def _create(self, aws: AwsContext) -> None:
        # SQS refuses the name of a queue that was deleted less than 60 seconds ago.
        aws.retry_until_consistent(
            f"the name {self.name} to be free",
            lambda: aws.client("sqs").create_queue(
                QueueName=self.name, Attributes=self._desired(aws), tags=aws.config.tags
            ),
            "QueueDeletedRecently",
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        actual, desired = state["Attributes"], self._desired(aws)
        same = same_policy(actual.get("Policy", "{}"), json.loads(desired.get("Policy", "{}")))
        if same and not differs(actual, ATTRIBUTES):
            return False
        aws.client("sqs").set_queue_attributes(QueueUrl=state["QueueUrl"], Attributes=desired)
        return True

    def _desired(self, aws: AwsContext) -> dict[str, str]:
        if not self.rules:
            return ATTRIBUTES
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn(aws),
            "Condition": {
                "ArnEquals": {"aws:SourceArn": [regional_arn(aws, "events", f"rule/{rule}") for rule in self.rules]}
            },
        }
        return {**ATTRIBUTES, "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("sqs").delete_queue(QueueUrl=state["QueueUrl"])

    def _indexed_arn(self, aws: AwsContext, state: Any) -> str:
        return self.arn(aws)

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("sqs").list_queue_tags(QueueUrl=state["QueueUrl"]).get("Tags", {})

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        """Return the URL and the attributes of the queue."""
        sqs = aws.client("sqs")
        found = get_or_none(sqs.get_queue_url, *NOT_FOUND, QueueName=self.name)
        if found is None:
            return None
        answer = get_or_none(
            sqs.get_queue_attributes, *NOT_FOUND, QueueUrl=found["QueueUrl"], AttributeNames=[*ATTRIBUTES, "Policy"]
        )
        return {"QueueUrl": found["QueueUrl"], "Attributes": answer.get("Attributes", {})} if answer else None
