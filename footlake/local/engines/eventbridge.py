"""EventBridge events that AWS services emit: to the targets of every matching rule on the default bus.

PutEvents is not the way in: on AWS it refuses sources that begin with `aws.`, and moto's knows no Lambda targets.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from footlake.local.context import ACCOUNT, Local, logger
from footlake.local.validation.service_rules import allows

Event = dict[str, Any]


def event(source: str, kind: str, region: str, resources: Sequence[str], detail: Mapping[str, Any]) -> Event:
    """An event in EventBridge's envelope; `kind` is its detail-type."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def emit(local: Local, event: Event) -> None:
    """Deliver to every target of every enabled rule that matches, in the background: who emits never waits or fails."""
    from moto.events.models import events_backends

    bus = events_backends[event["account"]][event["region"]].describe_event_bus("default")
    for rule in list(bus.rules.values()):
        if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
            for target in list(rule.targets):
                local.background(partial(deliver, rule, target, event), "event")


def deliver(rule: Any, target: Mapping[str, Any], event: Event) -> None:
    """Hand the event to one target of a rule."""
    logger.info("%s: %s to %s", rule.name, event["detail-type"], target["Arn"])
    service, region = target["Arn"].split(":")[2:4]
    if service == "lambda":
        from moto.awslambda.utils import get_backend

        lambdas = get_backend(event["account"], region)
        # EventBridge says which rule it comes from, and of which account nothing.
        context = {"aws:sourcearn": rule.arn, "aws:sourceaccount": ""}
        statements = lambdas.get_function(target["Arn"]).policy.statements
        if not allows(statements, "events.amazonaws.com", "lambda:InvokeFunction", context):
            logger.warning("%s may not invoke %s", rule.name, target["Arn"])
            return
        lambdas.invoke(target["Arn"], None, json.dumps(_input(target, event)), {}, {})
        return
    only = copy.copy(rule)
    only.targets = [target]
    only.send_to_targets(_for_moto(event))


def _input(target: Mapping[str, Any], event: Event) -> Any:
    """What the target receives: the event, or what the target's own settings make of it."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputTransformer" in target or "InputPath" in target:
        from moto.events.utils import EventTemplateParser

        transformer = target.get("InputTransformer") or {
            "InputPathsMap": {"whole": target["InputPath"]},
            "InputTemplate": "<whole>",
        }
        return EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), _for_moto(event)
        )
    return event


def _for_moto(event: Event) -> Event:
    """moto counts an event's time in seconds, and adds when it came in."""
    seconds = datetime.fromisoformat(event["time"]).timestamp()
    return event | {"time": seconds, "ingestion-time": seconds}
