"""Rules of Amazon EventBridge."""

from __future__ import annotations

from footlake.deploy.schedule import is_schedule
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation


def check_rule(call: ApiCall, propagation: Propagation) -> None:
    """Require a schedule or an event pattern, and a valid schedule."""
    schedule, pattern = call.parameters.get("ScheduleExpression"), call.parameters.get("EventPattern")
    if not schedule and not pattern:
        message = "Parameter(s) EventPattern or ScheduleExpression must be specified."
        raise ServiceRejection("ValidationException", message)
    if schedule and not is_schedule(schedule):
        raise ServiceRejection("ValidationException", "Parameter ScheduleExpression is not valid.")


RULES = {"PutRule": check_rule}
