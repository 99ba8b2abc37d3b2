"""Read AWS schedule expressions: `cron(minutes hours day month weekday year)` and `rate(30 minutes)`.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html describes them.
The module uses the standard library only: the local AWS validates schedules with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # in cron 1 to 7
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.*)\)")
# The form of Config.weekly: minute, hours, weekday, and the first and last year.
_WEEKLY = re.compile(r"(\d+) (\d+(?:,\d+)*) \? \* ([A-Z]{3}) (\d{4})-(\d{4})")


@dataclass(frozen=True)
class CronField:
    """The values that one field of a cron expression accepts: a range, names, and forms that only this field has."""

    minimum: int
    maximum: int
    names: Collection[str] = ()
    special: str = "(?!)"  # matches nothing

    def accepts(self, text: str) -> bool:
        """Whether `text` is a list of values, ranges, steps and special forms."""
        items = text.split(",")
        # AWS accepts a single `#` in a field, not in a list.
        if "#" in text and len(items) > 1:
            return False
        return all(self._accepts_item(item) for item in items)

    def _accepts_item(self, item: str) -> bool:
        if re.fullmatch(self.special, item):
            return True
        span, slash, step = item.partition("/")
        if slash and not (step.isdigit() and 0 < int(step) <= self.maximum):
            return False
        if span == "*":
            return True
        first, dash, last = span.partition("-")
        if not self._is_value(first) or (dash and not self._is_value(last)):
            return False
        # A range of hours or days can pass midnight or the end of the week; a range of years cannot run backwards.
        return not dash or self.maximum < 1000 or int(first) <= int(last)

    def _is_value(self, text: str) -> bool:
        return text in self.names or (text.isdigit() and self.minimum <= int(text) <= self.maximum)


_CRON_FIELDS = (
    CronField(0, 59),
    CronField(0, 23),
    CronField(1, 31, special=r"L(-([1-9]|[12]\d|30))?W?|([1-9]|[12]\d|3[01])W"),
    CronField(1, 12, _MONTHS),
    CronField(1, 7, _WEEKDAYS, special=rf"L|([1-7]|{'|'.join(_WEEKDAYS)})(L|#[1-5])"),
    CronField(1970, 2199),
)


def is_cron(expression: str) -> bool:
    """Whether AWS accepts this cron expression: six fields, `?` in exactly one of day and weekday."""
    match = _CRON.fullmatch(expression)
    fields = match[1].upper().split() if match else []
    if len(fields) != len(_CRON_FIELDS) or [fields[2], fields[4]].count("?") != 1:
        return False
    return all(
        (text == "?" and position in (2, 4)) or field.accepts(text)
        for position, (field, text) in enumerate(zip(_CRON_FIELDS, fields, strict=True))
    )


def is_schedule(expression: str) -> bool:
    """Whether EventBridge accepts this schedule of a rule: a cron expression, `rate(1 hour)` or `rate(2 hours)`."""
    rate = _RATE.fullmatch(expression)
    if rate:
        return int(rate[1]) > 0 and (rate[3] == "s") == (int(rate[1]) > 1)
    return is_cron(expression)


def next_run(expression: str, now: datetime) -> datetime | None:
    """Return the first time after `now` (with a time zone) at which a schedule runs, in UTC.

    AWS counts a rate from the creation of its rule, which no call returns; the result is the latest possible time.
    None when the last year of the schedule is over, and for cron expressions of another form than `Config.weekly` has.
    """
    if rate := _RATE.fullmatch(expression):
        return now.astimezone(UTC) + int(rate[1]) * timedelta(**{f"{rate[2]}s": 1})
    cron = _CRON.fullmatch(expression)
    weekly = _WEEKLY.fullmatch(cron[1]) if cron else None
    if not weekly or weekly[3] not in _WEEKDAYS:
        return None
    minute, hours = int(weekly[1]), sorted(int(hour) for hour in weekly[2].split(","))
    first_year, last_year = int(weekly[4]), int(weekly[5])
    day = max(now.astimezone(UTC), datetime(first_year, 1, 1, tzinfo=UTC))
    day = day.replace(hour=0, minute=0, second=0, microsecond=0)
    day += timedelta(days=(_WEEKDAYS.index(weekly[3]) - day.isoweekday()) % 7)
    for start in (day, day + timedelta(days=7)):
        for hour in hours:
            time = start.replace(hour=hour, minute=minute)
            if time > now and time.year <= last_year:
                return time
    return None
