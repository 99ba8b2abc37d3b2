"""Schedule expressions as EventBridge and Glue read them: `cron(minutes hours day month weekday year)` or `rate(…)`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
    )
}
_WEEKDAYS = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.*)\)")


@dataclass(frozen=True)
class Field:
    """One field of a cron expression: its range, its names and the forms that only it knows."""

    least: int
    most: int
    names: Collection[str] = ()
    special: str = "(?!)"  # matches nothing

    def holds(self, text: str) -> bool:
        """Whether `text` is a list of values, ranges, steps, and this field's own forms."""
        items = text.split(",")
        # AWS takes one `#` a field only.
        if "#" in text and len(items) > 1:
            return False
        return all(self._holds_item(item) for item in items)

    def _holds_item(self, item: str) -> bool:
        if re.fullmatch(self.special, item):
            return True
        span, slash, step = item.partition("/")
        if slash and not (step.isdigit() and 0 < int(step) <= self.most):
            return False
        if span == "*":
            return True
        first, dash, last = span.partition("-")
        if not self._value(first) or (dash and not self._value(last)):
            return False
        # Hours and days may run over midnight or the week's end; years cannot.
        return not dash or self.most < 1000 or int(first) <= int(last)

    def _value(self, text: str) -> bool:
        return text in self.names or (text.isdigit() and self.least <= int(text) <= self.most)


_FIELDS = (
    Field(0, 59),
    Field(0, 23),
    Field(1, 31, special=r"L(-([1-9]|[12]\d|30))?W?|([1-9]|[12]\d|3[01])W"),
    Field(1, 12, _MONTHS),
    Field(1, 7, _WEEKDAYS, special=rf"L|([1-7]|{'|'.join(_WEEKDAYS)})(L|#[1-5])"),
    Field(1970, 2199),
)


def is_cron(expression: str) -> bool:
    """Whether this is a cron expression of AWS: six fields, and `?` as just one of day and weekday."""
    match = _CRON.fullmatch(expression)
    fields = match[1].upper().split() if match else []
    if len(fields) != len(_FIELDS) or [fields[2], fields[4]].count("?") != 1:
        return False
    return all(
        (text == "?" and number in (2, 4)) or field.holds(text)
        for number, (field, text) in enumerate(zip(_FIELDS, fields, strict=True))
    )


def is_schedule(expression: str) -> bool:
    """Whether EventBridge takes this as a rule's schedule: a cron expression, or `rate(1 hour)`, `rate(2 hours)`."""
    rate = _RATE.fullmatch(expression)
    if rate:
        return int(rate[1]) > 0 and (rate[3] == "s") == (int(rate[1]) > 1)
    return is_cron(expression)
