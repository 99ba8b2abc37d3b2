"""Fixture statuses: the short forms that API-Football may send, and what the lake stores for each.

The lake's tables hold `text`, which is the API's long form unless several statuses share one: the API also says "Match
Finished" after extra time and penalties, so the short form decides.

The Glue jobs import this module: it must not import anything but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["played", "awarded"]


@dataclass(frozen=True)
class FixtureStatus:
    """A status. `result` is `played` (on the pitch, so there are statistics), `awarded` (by a decision) or None."""

    text: str
    result: Result | None = None


NOT_STARTED = "NS"
STATUSES = {
    "TBD": FixtureStatus("Time to be defined"),
    NOT_STARTED: FixtureStatus("Not Started"),
    "1H": FixtureStatus("First Half"),
    "HT": FixtureStatus("Halftime"),
    "2H": FixtureStatus("Second Half"),
    "ET": FixtureStatus("Extra Time"),
    "BT": FixtureStatus("Break Time"),
    "P": FixtureStatus("Penalty In Progress"),
    "LIVE": FixtureStatus("In Progress"),
    "SUSP": FixtureStatus("Match Suspended"),
    "INT": FixtureStatus("Match Interrupted"),
    "FT": FixtureStatus("Match Finished", "played"),
    "AET": FixtureStatus("Match Finished After Extra Time", "played"),
    "PEN": FixtureStatus("Match Finished After Penalty", "played"),
    "PST": FixtureStatus("Match Postponed"),
    "CANC": FixtureStatus("Match Cancelled"),
    "ABD": FixtureStatus("Match Abandoned"),
    "AWD": FixtureStatus("Technical Loss", "awarded"),
    "WO": FixtureStatus("WalkOver", "awarded"),
}


def find_status(short: str) -> FixtureStatus:
    """Return the status with this short form; an unknown one has no result and says so in its text."""
    return STATUSES.get(short) or FixtureStatus(f"Unknown ({short})")


def status_texts(result: Result) -> tuple[str, ...]:
    """Return the texts of the statuses with this kind of result."""
    return tuple(status.text for status in STATUSES.values() if status.result == result)


# Texts of matches that are scheduled or in progress: some time after kick-off the API reports another status.
WITHOUT_RESULT_YET = frozenset(
    STATUSES[short].text for short in ("TBD", NOT_STARTED, "1H", "HT", "2H", "ET", "BT", "P", "LIVE", "SUSP", "INT")
)
