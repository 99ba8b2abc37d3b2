"""Invoke the targets of EventBridge Scheduler's schedules at their time.

Universal targets call the API of this local AWS with the credentials of the schedule's role. Of the templated targets,
only Lambda, SQS and SNS are invoked. A flexible time window is not used: the target is invoked at its start. Requests
that the service throttles or cannot answer (status 5xx) are tried again; other errors are final. Invocations that are
due while the local AWS is stopped are skipped.
"""

from __future__ import annotations

import math
import re
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from moto.scheduler.models import scheduler_backends

from footlake.deploy.schedule import next_run
from footlake.local.context import Local, logger
from footlake.local.validation.universal_targets import PREFIX, parse_target

# The retry policy of a schedule that sets none.
MAX_ATTEMPTS = 185
MAX_AGE_SECONDS = 86400
LONGEST_RETRY_SECONDS = 60.0


class ScheduleRunner:
    """Invokes the due schedules of all accounts and regions; `clock` returns the time, and tests replace it."""

    def __init__(self, local: Local, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._local = local
        self._clock = clock
        # By ARN and time of the last change. None if no invocation is left.
        self._next_runs: dict[tuple[str, float], datetime | None] = {}
        self._stopping = threading.Event()
        local.at_close(self._stopping.set)

    def invoke_due(self) -> None:
        """Invoke the targets of the schedules that became due since the last call."""
        now = self._clock()
        next_runs = {}
        for backends in list(scheduler_backends.values()):
            for region, backend in list(backends.items()):
                for group in list(backend.schedule_groups.values()):
                    for schedule in list(group.schedules.values()):
                        key = (schedule.arn, schedule.last_modified_date)
                        due = self._next_runs[key] if key in self._next_runs else next_invocation(schedule, now)
                        if due is not None and due <= now:
                            self._start(region, schedule, due)
                            due = next_invocation(schedule, now)
                            if due is None and schedule.action_after_completion == "DELETE":
                                group.schedules.pop(schedule.name, None)
                        next_runs[key] = due
        self._next_runs = next_runs

    def _start(self, region: str, schedule: Any, due: datetime) -> None:
        if schedule.state == "ENABLED":
            schedule.invoked_at = due.timestamp()
            invocation = partial(invoke, self._local, region, schedule, due, self._stopping)
            self._local.background(invocation, f"schedule {schedule.name}")


def next_invocation(schedule: Any, now: datetime) -> datetime | None:
    """Return the next time after `now` at which a schedule invokes its target, in UTC, or None.

    A one-time schedule that has not been invoked has its time, also if that is past.
    """
    start, end = _as_time(schedule.start_date), _as_time(schedule.end_date)
    after = now if start is None or start <= now else start - timedelta(microseconds=1)
    expression, timezone = schedule.schedule_expression, schedule.schedule_expression_timezone
    if once := re.fullmatch(r"at\((.+)\)", expression):
        if getattr(schedule, "invoked_at", None) is not None:
            return None
        return datetime.fromisoformat(once[1]).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    if expression.startswith("rate("):
        first = start or datetime.fromtimestamp(schedule.creation_date, UTC)
        period = (next_run(expression, first) or first) - first
        due: datetime | None = first + max(math.floor((after - first) / period) + 1, 0) * period
    else:
        due = next_run(expression, after, timezone)
    return None if due is None or (end and due > end) else due


def invoke(local: Local, region: str, schedule: Any, due: datetime, stopping: threading.Event) -> None:
    """Invoke the target of a schedule; retry as its policy says, then send the failure to its dead-letter queue."""
    policy = schedule.target.get("RetryPolicy") or {}
    attempts = policy.get("MaximumRetryAttempts", MAX_ATTEMPTS)
    deadline = time.monotonic() + policy.get("MaximumEventAgeInSeconds", MAX_AGE_SECONDS)
    retries, condition = 0, ""
    while True:
        try:
            call_target(local, region, schedule)
        except (BotoCoreError, ClientError) as error:
            logger.warning("schedule %s: %s", schedule.name, error)
            wait = min(2.0**retries, LONGEST_RETRY_SECONDS)
            if is_transient(error):
                condition = "MaximumRetryAttempts" if retries >= attempts else ""
                condition = condition or ("MaximumEventAgeInSeconds" if time.monotonic() + wait > deadline else "")
                if not condition and not stopping.wait(wait):
                    retries += 1
                    continue
            _send_to_dead_letter_queue(local, region, schedule, due, error, retries, condition)
        return


def call_target(local: Local, region: str, schedule: Any) -> None:
    """Call the API of the target with the credentials of the schedule's role."""
    target = schedule.target
    arn, text, role = target["Arn"], target.get("Input"), target["RoleArn"]
    if arn.startswith(PREFIX):
        service, operation, parameters = parse_target(arn, text)
    else:
        service, operation, parameters = _templated_call(arn, text or "{}")
    logger.info("schedule %s: %s:%s", schedule.name, service, operation)
    getattr(local.client(service, region, role), xform_name(operation))(**parameters)


def is_transient(error: Exception) -> bool:
    """Return whether a failed call can succeed when it is repeated."""
    if not isinstance(error, ClientError):
        return True
    status, code = error.response["ResponseMetadata"].get("HTTPStatusCode", 500), error.response["Error"]["Code"]
    return status >= 500 or status == 429 or "Throttl" in code or code in ("RequestLimitExceeded", "TooManyRequests")


def _templated_call(arn: str, text: str) -> tuple[str, str, dict[str, Any]]:
    service, name = arn.split(":")[2], arn.rsplit(":", 1)[-1]
    match service:
        case "lambda":
            return "lambda", "Invoke", {"FunctionName": arn, "Payload": text, "InvocationType": "Event"}
        case "sqs":
            return "sqs", "SendMessage", {"QueueUrl": name, "MessageBody": text}
        case "sns":
            return "sns", "Publish", {"TopicArn": arn, "Message": text}
    raise NotImplementedError(f"The local AWS does not invoke {service} from a schedule.")


def _send_to_dead_letter_queue(
    local: Local, region: str, schedule: Any, due: datetime, error: Exception, retries: int, condition: str
) -> None:
    """Send the input of a failed invocation to the dead-letter queue, if the schedule has one, with the reason."""
    queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    details = error.response["Error"] if isinstance(error, ClientError) else {}
    attributes = {
        "ERROR_CODE": details.get("Code") or type(error).__name__,
        "ERROR_MESSAGE": details.get("Message") or str(error),
        "EXECUTION_ID": str(uuid.uuid4()),
        "EXHAUSTED_RETRY_CONDITION": condition,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(retries),
        "SCHEDULED_TIME": f"{due:%Y-%m-%dT%H:%M:%SZ}",
        "SCHEDULE_ARN": schedule.arn,
        "TARGET_ARN": schedule.target["Arn"],
    }
    local.client("sqs", region, schedule.target["RoleArn"]).send_message(
        QueueUrl=queue.rsplit(":", 1)[-1],
        MessageBody=schedule.target.get("Input") or "{}",
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    )


def _as_time(value: Any) -> datetime | None:
    """Return a date of a request (seconds since 1970) as a time; None if the request has none."""
    return datetime.fromtimestamp(float(value), UTC) if value else None
