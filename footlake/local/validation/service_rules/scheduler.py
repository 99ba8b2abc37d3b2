"""Rules of Amazon EventBridge Scheduler."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from footlake.deploy.schedule import is_schedule
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation
from footlake.local.validation.universal_targets import PREFIX, parse_target

# The services of templated targets.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
TEMPLATED = (
    *("codebuild", "codepipeline", "ecs", "events", "firehose", "inspector", "kinesis", "lambda", "sagemaker"),
    *("sns", "sqs", "states"),
)
NOT_ASSUMABLE = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


def check_schedule(call: ApiCall, propagation: Propagation) -> None:
    """Check expression, time zone, time window, target and role of a schedule."""
    schedule = call.parameters
    expression = schedule["ScheduleExpression"]
    if not is_schedule(expression) and not _is_time(expression):
        raise _invalid(f"Invalid Schedule Expression {expression}.")
    timezone = schedule.get("ScheduleExpressionTimezone")
    if timezone and timezone not in available_timezones():
        raise _invalid(f"Invalid Schedule Expression Timezone {timezone}.")
    _check_time_window(schedule["FlexibleTimeWindow"])
    _check_target(schedule["Target"])
    if not propagation.can_assume(call, schedule["Target"]["RoleArn"], "scheduler.amazonaws.com"):
        raise _invalid(NOT_ASSUMABLE)


def check_group_deletion(call: ApiCall, propagation: Propagation) -> None:
    """Keep the group that every account has."""
    if call.parameters["Name"] == "default":
        raise _invalid("The default schedule group cannot be deleted.")


def _is_time(expression: str) -> bool:
    """Return whether an expression is a one-time schedule such as `at(2026-11-24T10:00:00)`."""
    match = re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", expression)
    try:
        return match is not None and bool(datetime.fromisoformat(match[1]))
    except ValueError:
        return False


def _check_time_window(window: Mapping[str, Any]) -> None:
    if (window["Mode"] == "FLEXIBLE") != (window.get("MaximumWindowInMinutes") is not None):
        needed = "is required with" if window["Mode"] == "FLEXIBLE" else "cannot be set with"
        raise _invalid(f"MaximumWindowInMinutes {needed} the FlexibleTimeWindow mode {window['Mode']}.")


def _check_target(target: Mapping[str, Any]) -> None:
    arn = target["Arn"]
    if arn.startswith(PREFIX):
        parse_target(arn, target.get("Input"))
        return
    if not re.fullmatch(r"arn:aws[a-z-]*(:[^:]*){3}:.+", arn):
        raise _invalid(f"Provided Arn is not in correct format. {arn}")
    service = arn.split(":")[2]
    if service not in TEMPLATED:
        raise _invalid(f"{service} is not a supported service for a target.")


def _invalid(message: str) -> ServiceRejection:
    return ServiceRejection("ValidationException", message)


RULES = {
    "CreateSchedule": check_schedule,
    "UpdateSchedule": check_schedule,
    "DeleteScheduleGroup": check_group_deletion,
}
