"""Do what is due: invoke the targets of EventBridge rules and schedules, and start instances stopped for seven days.

The clock is real time, as on AWS. Runs that are due while the local AWS is stopped are skipped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends

from footlake.deploy.schedule import next_run
from footlake.local.context import Local, logger
from footlake.local.engines import rds
from footlake.local.engines.eventbridge import deliver_to_all, make_event
from footlake.local.engines.schedules import ScheduleRunner

POLL_SECONDS = 15.0


def start(local: Local) -> None:
    """Do what is due in the background until the local AWS stops."""
    stopping = threading.Event()
    local.at_close(stopping.set)
    tasks = (RuleScheduler(local).fire_due_rules, ScheduleRunner(local).invoke_due, rds.start_expired)
    threading.Thread(target=_poll, args=(tasks, stopping), name="schedules", daemon=True).start()


def _poll(tasks: Iterable[Callable[[], None]], stopping: threading.Event) -> None:
    """Run the tasks again and again until `stopping` is set."""
    while not stopping.wait(POLL_SECONDS):
        for task in tasks:
            try:
                task()
            except Exception:
                logger.exception("schedules")


class RuleScheduler:
    """Polls the rules of all accounts and regions; `clock` returns the time, and tests replace it."""

    def __init__(self, local: Local, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._local = local
        self._clock = clock
        self._next_runs: dict[tuple[str, str], datetime | None] = {}  # by the rule's ARN and schedule expression

    def fire_due_rules(self) -> None:
        """Invoke the targets of each rule that became due since the last call; a new rule's first run is later."""
        now = self._clock()
        next_runs = {}
        for region, rule in _scheduled_rules():
            key = (rule.arn, rule.scheduled_expression)
            due = self._next_runs.get(key) or next_run(rule.scheduled_expression, now)
            if due is not None and due <= now:
                due = next_run(rule.scheduled_expression, now)
                event = make_event("aws.events", "Scheduled Event", region, [rule.arn], {})
                deliver_to_all(self._local, rule, event, "schedule")
            next_runs[key] = due
        self._next_runs = next_runs


def _scheduled_rules() -> list[tuple[str, Any]]:
    """Return region and rule of all enabled rules with a schedule."""
    return [
        (region, rule)
        for backends in list(events_backends.values())
        for region, backend in list(backends.items())
        for rule in list(backend.describe_event_bus("default").rules.values())
        if rule.state == "ENABLED" and rule.scheduled_expression
    ]
