"""The statuses of fixtures: the one list of what the API may say and of what the lake makes of it.

The lake's tables hold the `text`, which is the API's long form where that is one form; the API says "Match Finished"
of extra time and penalties too, and its short form decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["played", "awarded"]


@dataclass(frozen=True)
class Status:
    """One status. A result is `played`, on the pitch and so with statistics, or `awarded`, by a decision; or none."""

    text: str
    result: Result | None = None


NOT_STARTED = "NS"
STATUSES = {
    "TBD": Status("Time to be defined"),
    NOT_STARTED: Status("Not Started"),
    "1H": Status("First Half"),
    "HT": Status("Halftime"),
    "2H": Status("Second Half"),
    "ET": Status("Extra Time"),
    "BT": Status("Break Time"),
    "P": Status("Penalty In Progress"),
    "LIVE": Status("In Progress"),
    "SUSP": Status("Match Suspended"),
    "INT": Status("Match Interrupted"),
    "FT": Status("Match Finished", "played"),
    "AET": Status("Match Finished After Extra Time", "played"),
    "PEN": Status("Match Finished After Penalty", "played"),
    "PST": Status("Match Postponed"),
    "CANC": Status("Match Cancelled"),
    "ABD": Status("Match Abandoned"),
    "AWD": Status("Technical Loss", "awarded"),
    "WO": Status("WalkOver", "awarded"),
}


def status(short: str) -> Status:
    """What a status means; one that is not on the list says so, and is no result."""
    return STATUSES.get(short) or Status(f"Unknown ({short})")


def texts(result: Result) -> tuple[str, ...]:
    """How the lake's tables call the statuses with this kind of result."""
    return tuple(one.text for one in STATUSES.values() if one.result == result)


# How the lake's tables call a match that is to come or under way: some time after its kick-off it is something else.
UNDER_WAY = frozenset(
    STATUSES[short].text for short in ("TBD", NOT_STARTED, "1H", "HT", "2H", "ET", "BT", "P", "LIVE", "SUSP", "INT")
)
