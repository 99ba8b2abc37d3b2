"""Single values of an answer, held to what the lake's tables can take. ValueError or TypeError for any other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

# Whatever the lake counts fits the INT columns of its tables.
MAX_ID = 2**31 - 1
MAX_COUNT = 9999
MAX_TEXT_LENGTH = 100


def parse_integer(value: Any, least: int, most: int) -> int:
    """A whole number from `least` to `most`, which may come as text; never a fraction cut short."""
    if type(value) is int and least <= value <= most:  # as nearly all are
        return value
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise TypeError(f"{_shown(value)} is not a number")
    number = int(value)
    if (isinstance(value, float) and number != value) or not least <= number <= most:
        raise ValueError(f"{_shown(value)} is not a whole number from {least} to {most}")
    return number


def parse_id(value: Any) -> int:
    """An id of the API."""
    return parse_integer(value, 1, MAX_ID)


def parse_count(value: Any) -> int:
    """How often something happened."""
    return parse_integer(value, 0, MAX_COUNT)


def parse_text(value: Any) -> str:
    """Words on one line, with nothing in them that a table could not hold."""
    if not isinstance(value, str):
        raise TypeError(f"{_shown(value)} is not text")
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    words = value.split()
    if not words:
        raise ValueError("a text is empty")
    return " ".join(words)[:MAX_TEXT_LENGTH].rstrip()


def parse_timestamp(value: Any) -> datetime:
    """A time in UTC."""
    if not isinstance(value, str):
        raise TypeError(f"{_shown(value)} is not a time")
    parsed = datetime.fromisoformat(value)
    parsed = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    if not 1800 <= parsed.year <= 2200:
        raise ValueError(f"{value} is not a time of football")
    return parsed


def _shown(value: Any) -> str:
    return ascii(value)[:60]
