"""Format numbers the same way in the terminal tables and on the HTML page."""

from __future__ import annotations

from typing import Literal

Rating = Literal["good", "bad", "even"]


def format_number(value: float) -> str:
    """Return the value with one decimal, without a negative zero."""
    return f"{value:z.1f}"


def format_signed(value: float) -> str:
    """Return the value with one decimal and its sign (a typographic minus)."""
    return f"{value:+z.1f}".replace("-", "−")


def rate_difference(value: float, good_sign: int) -> Rating:
    """Rate a difference as displayed, with one decimal.

    `good_sign` is 1 where a positive difference is good for the team, -1 where a negative one is.
    """
    displayed = float(format_number(value)) * good_sign
    return "good" if displayed > 0 else "bad" if displayed < 0 else "even"
