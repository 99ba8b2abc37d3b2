"""Names of clubs: decode them, compare them, and choose the newest."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from footlake.football import values

# Letters without a decomposition into a letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
# The dots of "F.C.", but not that of "1.".
_ABBREVIATION = re.compile(r"(?<=\b[^\W\d_])\.")
# Words for "club" or a sport, and legal forms. A source may leave them out.
_CLUB_WORDS = frozenset(
    re.findall(
        r"\w+",
        "ac afc as bk ca cd cf cfc cp cs ec fc fk fsv if ik jk kf kv nk ogc os rc rcd rsc sad sc scp sd sk sl ss ssc "
        "sv tsg tsv ud us vfb vfl stade club clube calcio football futbol fussball futebol de da do the 1",
    )
)


def decode_name(value: Any) -> str:
    """Return a name on one line with HTML entities decoded, also doubly encoded ones (`&amp;amp;`).

    Raises TypeError or ValueError like `values.parse_text`.
    """
    if isinstance(value, str):
        for _ in range(3):
            value = html.unescape(value)
    return values.parse_text(value)


def fold(text: str) -> str:
    """Return the text without case, accents, punctuation and repeated spaces, for comparisons."""
    without_dots = _ABBREVIATION.sub("", html.unescape(text).casefold())
    decomposed = unicodedata.normalize("NFKD", without_dots.translate(_LETTERS))
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.sub(r"[^\w]+", " ", letters.translate(_LETTERS)).split())


def fold_club(name: str) -> str:
    """Return the folded name without words for "club": `1. FC Köln` and `Koln` are the same."""
    words = fold(name).split()
    return " ".join([word for word in words if word not in _CLUB_WORDS] or words)


def newest_names(names: Iterable[tuple[int, str, datetime]]) -> dict[int, str]:
    """Return the name of each team id with the latest time; of equal times, the last one counts."""
    newest: dict[int, tuple[datetime, str]] = {}
    for team_id, name, time in names:
        if team_id not in newest or time >= newest[team_id][0]:
            newest[team_id] = (time, name)
    return {team_id: name for team_id, (_, name) in newest.items()}
