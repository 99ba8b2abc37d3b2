"""Deliver the EventBridge events of AWS services to the targets of matching rules on the default bus.

PutEvents cannot be used: AWS rejects sources that begin with `aws.`, and moto delivers no events to Lambda.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.cloudwatch.models import cloudwatch_backends
from moto.events.models import events_backends
from moto.events.utils import EventTemplateParser
from moto.sqs.models import sqs_backends

from footlake.local.context import ACCOUNT, Local, logger
from footlake.local.validation.policies import resource_policy_allows

Event = dict[str, Any]


def make_event(
    source: str, detail_type: str, region: str, resources: Sequence[str], detail: Mapping[str, Any]
) -> Event:
    """Return an event in EventBridge's envelope; `resources` are ARNs."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def emit(local: Local, event: Event) -> None:
    """Deliver an event to all targets of the enabled rules that match it, in the background; errors are logged."""
    bus = events_backends[event["account"]][event["region"]].describe_event_bus("default")
    for rule in list(bus.rules.values()):
        if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
            deliver_to_all(local, rule, event, "event")


def deliver_to_all(local: Local, rule: Any, event: Event, thread_name: str) -> None:
    """Deliver an event in the background to all targets of a rule."""
    put_metric(rule, event, "TriggeredRules")
    for target in list(rule.targets):
        local.background(partial(deliver, rule, target, event), thread_name)


def put_metric(rule: Any, event: Event, name: str) -> None:
    """Count one in a metric of a rule. PutMetricData rejects the namespace AWS/, so moto's backend is called."""
    dimensions = [{"Name": "RuleName", "Value": rule.name}]
    data = [{"MetricName": name, "Value": 1.0, "Unit": "Count", "Dimensions": dimensions}]
    cloudwatch_backends[event["account"]][event["region"]].put_metric_data("AWS/Events", data)


def deliver(rule: Any, target: Mapping[str, Any], event: Event) -> None:
    """Deliver an event to one target of a rule."""
    logger.info("%s: %s to %s", rule.name, event["detail-type"], target["Arn"])
    service, region = target["Arn"].split(":")[2:4]
    if service == "lambda":
        if error := _invoke_lambda(rule, target, event, region):
            logger.warning("%s: %s", rule.name, error)
            put_metric(rule, event, "FailedInvocations")
            _send_to_dead_letters(rule, target, event, error)
        return
    single_target_rule = copy.copy(rule)
    single_target_rule.targets = [target]
    single_target_rule.send_to_targets(_as_moto_event(event))


def _invoke_lambda(rule: Any, target: Mapping[str, Any], event: Event, region: str) -> str:
    """Invoke the function asynchronously. Return why that failed, or an empty text."""
    backend = get_backend(event["account"], region)
    # EventBridge sends the rule's ARN with the invocation, but no source account.
    context = {"aws:sourcearn": rule.arn, "aws:sourceaccount": ""}
    try:
        statements = backend.get_function(target["Arn"]).policy.statements
    except UnknownFunctionException:
        return f"Function not found: {target['Arn']}"
    if not resource_policy_allows(statements, "events.amazonaws.com", "lambda:InvokeFunction", context):
        return f"The rule is not allowed to invoke {target['Arn']}"
    backend.invoke(target["Arn"], None, json.dumps(_target_input(target, event)), {}, {})
    return ""


def _send_to_dead_letters(rule: Any, target: Mapping[str, Any], event: Event, error: str) -> None:
    """Send an event that could not be delivered to the target's queue, if its policy admits the rule."""
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not arn:
        return
    queue = sqs_backends[event["account"]][arn.split(":")[3]].queues.get(arn.rpartition(":")[2])
    statements = json.loads(queue.policy or "{}").get("Statement", []) if queue else []
    context = {"aws:sourcearn": rule.arn, "aws:sourceaccount": event["account"]}
    if not queue or not resource_policy_allows(statements, "events.amazonaws.com", "sqs:SendMessage", context):
        put_metric(rule, event, "InvocationsFailedToBeSentToDlq")
        return
    attributes = {"RULE_ARN": rule.arn, "TARGET_ARN": target["Arn"], "ERROR_MESSAGE": error}
    sqs_backends[event["account"]][arn.split(":")[3]].send_message(
        queue.name,
        json.dumps(event),
        {name: {"data_type": "String", "string_value": value} for name, value in attributes.items()},
    )


def _target_input(target: Mapping[str, Any], event: Event) -> Any:
    """Return the event, or the input that the target's Input, InputPath or InputTransformer makes of it."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputTransformer" in target or "InputPath" in target:
        transformer = target.get("InputTransformer") or {
            "InputPathsMap": {"whole": target["InputPath"]},
            "InputTemplate": "<whole>",
        }
        return EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), _as_moto_event(event)
        )
    return event


def _as_moto_event(event: Event) -> Event:
    """Return the event with its time in Unix seconds and an ingestion time, as moto expects it."""
    seconds = datetime.fromisoformat(event["time"]).timestamp()
    return event | {"time": seconds, "ingestion-time": seconds}
