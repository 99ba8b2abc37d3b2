"""Validate single values of an API response against the limits of the lake's tables.

Each function raises TypeError or ValueError for a value that a table cannot hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

# MySQL's INT and the lengths of its text columns.
MAX_ID = 2**31 - 1
MAX_COUNT = 9999
MAX_TEXT_LENGTH = 100


def parse_integer(value: Any, least: int, most: int) -> int:
    """Return an integer from `least` to `most`, which may come as text. A fraction is an error and not truncated."""
    if type(value) is int and least <= value <= most:  # the usual case, for speed
        return value
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise TypeError(f"{_shorten(value)} is not a number")
    number = int(value)
    if (isinstance(value, float) and number != value) or not least <= number <= most:
        raise ValueError(f"{_shorten(value)} is not a whole number from {least} to {most}")
    return number


def parse_id(value: Any) -> int:
    """Return an id of the API."""
    return parse_integer(value, 1, MAX_ID)


def parse_count(value: Any) -> int:
    """Return a number of events."""
    return parse_integer(value, 0, MAX_COUNT)


def parse_text(value: Any) -> str:
    """Return a text on one line, without characters that are not printable, shortened to MAX_TEXT_LENGTH."""
    if not isinstance(value, str):
        raise TypeError(f"{_shorten(value)} is not text")
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    words = value.split()
    if not words:
        raise ValueError("a text is empty")
    return " ".join(words)[:MAX_TEXT_LENGTH].rstrip()


def parse_timestamp(value: Any) -> datetime:
    """Return a time in UTC; a time without offset is UTC."""
    if not isinstance(value, str):
        raise TypeError(f"{_shorten(value)} is not a time")
    parsed = datetime.fromisoformat(value)
    parsed = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    if not 1800 <= parsed.year <= 2200:
        raise ValueError(f"{value} is not in the years 1800 to 2200")
    return parsed


def _shorten(value: Any) -> str:
    """Return the value as ASCII for an error message."""
    return ascii(value)[:60]
