"""Invoke the targets of EventBridge rules on schedule.

The clock is real time, as on AWS. Runs that are due while the local AWS is stopped are skipped. Supported schedules are
`rate(…)` and the weekly form of the original walk-through (see footlake.deploy.schedule).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from footlake.deploy.schedule import next_run
from footlake.local.context import Local, logger
from footlake.local.engines.eventbridge import deliver, event

LOOK_EVERY_SECONDS = 15.0


@dataclass
class Schedules:
    """Looks at the rules again and again; `clock` is real time, to be replaced in tests."""

    local: Local
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _fires: dict[tuple[str, str], datetime | None] = field(default_factory=dict)

    def look(self) -> None:
        """Invoke the targets of every rule whose time has come since the last look; a new rule's time begins now."""
        from moto.events.models import events_backends

        now = self.clock()
        seen = {}
        for backends in list(events_backends.values()):
            for region, backend in list(backends.items()):
                for rule in list(backend.describe_event_bus("default").rules.values()):
                    if rule.state != "ENABLED" or not rule.scheduled_expression:
                        continue
                    key = (rule.arn, rule.scheduled_expression)
                    seen[key] = self._fires.get(key) or next_run(rule.scheduled_expression, now)
                    if (time := seen[key]) is not None and time <= now:
                        seen[key] = next_run(rule.scheduled_expression, now)
                        self._fire(rule, region)
        self._fires = seen

    def run(self, stopping: threading.Event) -> None:
        """Look until told to stop."""
        while not stopping.wait(LOOK_EVERY_SECONDS):
            try:
                self.look()
            except Exception:
                logger.exception("schedules")

    def _fire(self, rule: Any, region: str) -> None:
        happened = event("aws.events", "Scheduled Event", region, [rule.arn], {})
        for target in list(rule.targets):
            self.local.background(partial(deliver, rule, target, happened), "schedule")


def start(local: Local) -> None:
    """Keep looking until the local AWS stops."""
    stopping = threading.Event()
    local.at_close(stopping.set)
    threading.Thread(target=Schedules(local).run, args=(stopping,), name="schedules", daemon=True).start()
