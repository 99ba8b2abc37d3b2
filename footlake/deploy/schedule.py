"""When schedules fire: the document's, AWS cron expressions on certain weekdays of certain years, and rates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_FORM = re.compile(r"cron\((\d+) (\d+(?:,\d+)*) \? \* (\w{3}) (\d{4})-(\d{4})\)")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


def next_run(expression: str, now: datetime) -> datetime | None:
    """When a schedule of the form that `Config.weekly` makes fires next after `now` (aware), in UTC.

    A rate counts from when it was set up, which nobody tells: at the latest, then. None when its years are over, or
    when it is of another form.
    """
    if rate := _RATE.fullmatch(expression):
        return now.astimezone(UTC) + int(rate[1]) * timedelta(**{f"{rate[2]}s": 1})
    match = _FORM.fullmatch(expression)
    if not match or match[3] not in _DAYS:
        return None
    minute, hours = int(match[1]), sorted(int(hour) for hour in match[2].split(","))
    first, last = int(match[4]), int(match[5])
    day = max(now.astimezone(UTC), datetime(first, 1, 1, tzinfo=UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    day += timedelta(days=(_DAYS.index(match[3]) - day.weekday()) % 7)
    for start in (day, day + timedelta(days=7)):
        for hour in hours:
            moment = start.replace(hour=hour, minute=minute)
            if moment > now and moment.year <= last:
                return moment
    return None
