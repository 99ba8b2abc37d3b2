"""Read AWS schedule expressions: `cron(minutes hours day month weekday year)` and `rate(30 minutes)`.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html describes them.
The module uses the standard library only: the local AWS validates schedules with it and runs them.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

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

    def values(self, text: str) -> list[int]:
        """Return the values of a list of values, ranges and steps, in ascending order."""
        return sorted({value for item in text.split(",") for value in self._item_values(item)})

    def _item_values(self, item: str) -> Iterator[int]:
        span, slash, step = item.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = self.minimum, self.maximum
        else:
            start = self._number(first)
            end = self._number(last) if dash else self.maximum if slash else start
        size = self.maximum - self.minimum + 1
        for offset in range(0, (end - start) % size + 1, int(step or 1)):
            yield (start - self.minimum + offset) % size + self.minimum

    def _number(self, text: str) -> int:
        return list(self.names).index(text) + self.minimum if text in self.names else int(text)


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


def next_run(expression: str, now: datetime, timezone: str = "UTC") -> datetime | None:
    """Return the first time after `now` (with a time zone) at which a schedule runs, in UTC.

    A cron expression is in the time of `timezone`, an IANA name. A time that clocks skip in spring has no run; a time
    that they repeat in autumn has one. AWS counts a rate from the creation of its rule, which no call returns; the
    result is the latest possible time. None when no run is left, and for an invalid expression.
    """
    if rate := _RATE.fullmatch(expression):
        return now.astimezone(UTC) + int(rate[1]) * timedelta(**{f"{rate[2]}s": 1})
    if not is_cron(expression):
        return None
    minutes, hours, *day_fields = expression[len("cron(") : -1].upper().split()
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    for day in _run_days(now.astimezone(zone).date(), *day_fields):
        for hour in _CRON_FIELDS[1].values(hours):
            for minute in _CRON_FIELDS[0].values(minutes):
                time = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
                if time > now and (time.astimezone(zone).hour, time.astimezone(zone).minute) == (hour, minute):
                    return time
    return None


def _run_days(first: date, days: str, months: str, weekdays: str, years: str) -> Iterator[date]:
    """Yield the dates from `first` on that match the last four fields of a cron expression, in ascending order."""
    for year in _CRON_FIELDS[5].values(years):
        for month in _CRON_FIELDS[3].values(months):
            if (year, month) < (first.year, first.month):
                continue
            for number in range(1, monthrange(year, month)[1] + 1):
                day = date(year, month, number)
                if day >= first and (_matches_weekday(weekdays, day) if days == "?" else _matches_day(days, day)):
                    yield day


def _matches_weekday(weekdays: str, day: date) -> bool:
    number, field = day.isoweekday() % 7 + 1, _CRON_FIELDS[4]
    for item in weekdays.split(","):
        if item == "L":  # the last day of the week
            matches = number == field.maximum
        elif item.endswith("L"):
            matches = number in field.values(item[:-1]) and day.day + 7 > monthrange(day.year, day.month)[1]
        elif "#" in item:
            weekday, _, week = item.partition("#")
            matches = number in field.values(weekday) and (day.day - 1) // 7 + 1 == int(week)
        else:
            matches = number in field.values(item)
        if matches:
            return True
    return False


def _matches_day(days: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    for item in days.split(","):
        if item.endswith("W"):
            text = item[:-1]
            matches = day.day == _nearest_workday(day, _from_last(text, last) if text[0] == "L" else int(text), last)
        elif item.startswith("L"):
            matches = day.day == _from_last(item, last)
        else:
            matches = day.day in _CRON_FIELDS[2].values(item)
        if matches:
            return True
    return False


def _from_last(text: str, last: int) -> int:
    """Return the day of the month that `L` or `L-3` means."""
    return last - int(text[2:] or 0)


def _nearest_workday(month: date, number: int, last: int) -> int:
    """Return the day from Monday to Friday that is nearest to a day of the month, within the month; 0 if it has none.

    A month without the day `number` has no such day.
    """
    if not 1 <= number <= last:
        return 0
    workdays = (day for day in range(1, last + 1) if month.replace(day=day).isoweekday() <= 5)
    return min(workdays, key=lambda day: abs(day - number))


def runs_per_week(expression: str) -> float:
    """Return how often a schedule runs in a week: a rate, or a cron expression of the form of `Config.weekly`.

    Raise ValueError for other forms, because an estimate must not leave their runs out.
    """
    if rate := _RATE.fullmatch(expression):
        return timedelta(weeks=1) / (int(rate[1]) * timedelta(**{f"{rate[2]}s": 1}))
    cron = _CRON.fullmatch(expression)
    weekly = _WEEKLY.fullmatch(cron[1]) if cron else None
    if not weekly:
        raise ValueError(f"runs per week of {expression}")
    return len(weekly[2].split(","))
