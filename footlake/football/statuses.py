"""The statuses of fixtures: the one list of what the API may say and of what the lake makes of it.

The lake's tables hold the `text`, which is the API's long form where that is one form; the API says "Match Finished"
of extra time and penalties too, and its short form decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["played", "awarded"]


@dataclass(frozen=True)
class FixtureStatus:
    """One status. A result is `played`, on the pitch and so with statistics, or `awarded`, by a decision; or none."""

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
    """What a status means; one that is not on the list says so, and is no result."""
    return STATUSES.get(short) or FixtureStatus(f"Unknown ({short})")


def status_texts(result: Result) -> tuple[str, ...]:
    """How the lake's tables call the statuses with this kind of result."""
    return tuple(one.text for one in STATUSES.values() if one.result == result)


# How the lake's tables call a match that is to come or under way: some time after its kick-off it is something else.
WITHOUT_RESULT_YET = frozenset(
    STATUSES[short].text for short in ("TBD", NOT_STARTED, "1H", "HT", "2H", "ET", "BT", "P", "LIVE", "SUSP", "INT")
)
