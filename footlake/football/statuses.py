"""Fixture statuses: the short forms that API-Football may send, and what the lake stores for each.

The lake's tables hold `text`, which is the API's long form unless several statuses share one: the API also says "Match
Finished" after extra time and penalties, so the short form decides.

The Glue jobs import this module: it must not import anything but the standard library.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
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
# Other spellings, as capital letters and digits only.
_SPELLINGS = {
    **{status: status for status in STATUSES},
    **{re.sub(r"[^0-9A-Z]", "", status.text.upper()): short for short, status in STATUSES.items()},
    **dict.fromkeys(("TBA", "TOBEDEFINED", "TIMETOBECONFIRMED", "TBC"), "TBD"),
    **dict.fromkeys(("NOTSTARTED", "SCHEDULED", "SCHED", "FIXTURE"), "NS"),
    **dict.fromkeys(("FIRSTHALFKICKOFF", "1STHALF"), "1H"),
    **dict.fromkeys(("HALFTIME", "BREAK"), "HT"),
    **dict.fromkeys(("SECONDHALF2NDHALFSTARTED", "2NDHALF"), "2H"),
    **dict.fromkeys(("INPLAY", "LIVEMATCH"), "LIVE"),
    **dict.fromkeys(("SUS", "SUSPENDED", "MATCHSUSPENDED"), "SUSP"),
    **dict.fromkeys(("INTERRUPTED", "INTR"), "INT"),
    **dict.fromkeys(("FULLTIME", "FINISHED", "ENDED", "FIN"), "FT"),
    **dict.fromkeys(("AFTEREXTRATIME", "FINISHEDAFTEREXTRATIME"), "AET"),
    **dict.fromkeys(("PENS", "AP", "AFTERPENALTIES", "AFTERPENALTY", "MATCHFINISHEDAFTERPENALTIES"), "PEN"),
    **dict.fromkeys(("POST", "POSTP", "POSTPONED", "PPD", "PPND", "PSTP"), "PST"),
    **dict.fromkeys(("CAN", "CANCL", "CANCELLED", "CANCELED", "MATCHCANCELED"), "CANC"),
    **dict.fromkeys(("ABAN", "ABN", "ABAND", "ABANDONED"), "ABD"),
    **dict.fromkeys(("AW", "AWA", "AWARD", "AWARDED", "MATCHAWARDED"), "AWD"),
    **dict.fromkeys(("WALKOVER", "WALK"), "WO"),
}


def normalise_status(short: str) -> str:
    """Return the API's short form for a status in any case or spelling; an unknown one unchanged.

    The API's long form is no help with an unknown one: it also says "Match Finished" of other statuses.
    """
    if short in STATUSES:  # the usual case, for speed
        return short
    return _SPELLINGS.get(re.sub(r"[^0-9A-Z]", "", short.upper()), short)


def find_status(short: str) -> FixtureStatus:
    """Return the status with this short form; an unknown one has no result and says so in its text."""
    return STATUSES.get(normalise_status(short)) or FixtureStatus(f"Unknown ({short})")


def count_unknown(statuses: Iterable[str]) -> Counter[str]:
    """Return how often each status occurs that is unknown in any spelling."""
    return Counter(short for short in statuses if normalise_status(short) not in STATUSES)


def status_texts(result: Result) -> tuple[str, ...]:
    """Return the texts of the statuses with this kind of result."""
    return tuple(status.text for status in STATUSES.values() if status.result == result)


# Texts of matches that are scheduled or in progress: some time after kick-off the API reports another status.
WITHOUT_RESULT_YET = frozenset(
    STATUSES[short].text for short in ("TBD", NOT_STARTED, "1H", "HT", "2H", "ET", "BT", "P", "LIVE", "SUSP", "INT")
)
