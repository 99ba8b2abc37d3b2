"""Draw up the calendar of a simulated season: rounds, kick-offs and postponed matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from random import Random

from footlake.local.football.simulated_leagues import Club
from footlake.local.football.source import Announcement, latest_announcement

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_SCHEDULED_BEFORE = timedelta(days=35)
"""How long before a round its kick-offs are announced; before that, every match is at the usual time."""
_POSTPONED_BEFORE = timedelta(days=1)
"""How long before its kick-off a match is postponed."""
_RESCHEDULED_BEFORE = timedelta(days=14)
"""How long before it is played the new date of a postponed match is announced."""
_POSTPONED_SHARE = 0.03
REGULAR_SEASON = "Regular Season"


@dataclass(frozen=True, slots=True)
class ScheduledMatch:
    """A match, with everything that is announced about it, in order of time."""

    round: int
    home: Club
    away: Club
    announcements: tuple[Announcement, ...]
    stage: str = REGULAR_SEASON

    @property
    def kickoff(self) -> datetime:
        """When the match is played."""
        return self.announcements[-1].kickoff

    def announced(self, now: datetime) -> Announcement:
        """Return what is known of the match before it is played."""
        announcement = latest_announcement(self.announcements, now)
        assert announcement, "the first announcement is valid at any time"
        return announcement


def create_calendar(rng: Random, clubs: Sequence[Club], year: int) -> list[ScheduledMatch]:
    """Return the matches of the season that begins in `year`, by round."""
    return _postpone_some(rng, year, _schedule(rng, clubs, year))


def split_calendar(
    calendar: Sequence[ScheduledMatch], after: int, groups: Sequence[tuple[str, Sequence[Club]]]
) -> list[ScheduledMatch]:
    """Return the season with matches within the named groups at the usual dates of the rounds after `after`."""
    matches = [match for match in calendar if match.round <= after]
    nobody = Club(0, "")
    rounds = {name: _round_robin([*clubs, *[nobody] * (len(clubs) % 2)]) for name, clubs in groups}
    for number in range(after + 1, calendar[-1].round + 1):
        dates = (match.announcements[:2] for match in calendar if match.round == number)
        for name, pairs in rounds.items():
            turn = number - after - 1
            known = (pair for pair in pairs[turn % len(pairs)] if nobody not in pair)
            matches += [
                ScheduledMatch(turn + 1, home, away, announcements, name)
                for (home, away), announcements in zip(known, dates, strict=False)
            ]
    return matches


def _schedule(rng: Random, clubs: Sequence[Club], year: int) -> list[ScheduledMatch]:
    """Return the season before any match is postponed."""
    shuffled = list(clubs)
    rng.shuffle(shuffled)
    rounds = _round_robin(shuffled)
    saturdays = _saturdays(year)
    midweek_count = max(3, len(rounds) - len(saturdays) + 2)
    tuesdays = [
        saturdays[(index + 1) * len(saturdays) // (midweek_count + 1)] + timedelta(days=3)
        for index in range(midweek_count)
    ]
    weekend_count = len(rounds) - midweek_count
    weekends = [saturdays[round(index * (len(saturdays) - 1) / (weekend_count - 1))] for index in range(weekend_count)]
    matches = []
    for number, (day, pairs) in enumerate(zip(sorted(weekends + tuesdays), rounds, strict=True), 1):
        if day in tuesdays:
            usual, others = _midweek_kickoffs(day, len(pairs))
        elif number == len(rounds):
            usual, others = _datetime(day + timedelta(days=1), "15:00"), []
        else:
            usual, others = _weekend_kickoffs(day, midweek_follows=day + timedelta(days=3) in tuesdays)
        kickoffs = others + [usual] * (len(pairs) - len(others))
        rng.shuffle(kickoffs)
        scheduled = _datetime(day, "00:00") - _SCHEDULED_BEFORE
        matches += [
            ScheduledMatch(number, home, away, (Announcement(_ALWAYS, usual), Announcement(scheduled, kickoff)))
            for (home, away), kickoff in zip(pairs, kickoffs, strict=True)
        ]
    return matches


def _datetime(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def _saturdays(year: int) -> list[date]:
    """Return the Saturdays from August to May, except the four of national teams."""
    days = []
    day = date(year, 8, 8)
    day += timedelta(days=(5 - day.weekday()) % 7)
    while day <= date(year + 1, 5, 25):
        if not _is_international_break(day):
            days.append(day)
        day += timedelta(weeks=1)
    return days


def _is_international_break(saturday: date) -> bool:
    return (saturday.month in (9, 10, 11) and 8 <= saturday.day <= 14) or (saturday.month == 3 and saturday.day >= 25)


def _round_robin(clubs: list[Club]) -> list[list[tuple[Club, Club]]]:
    """Return rounds of (home, away) in which every club meets every other twice, by the circle method."""
    ring = list(clubs)
    first_half = []
    for turn in range(len(ring) - 1):
        pairs = list(zip(ring, reversed(ring), strict=True))[: len(ring) // 2]
        # The first club stays in its place, so it alternates by turn; the others alternate because the ring rotates.
        first_half.append([(b, a) if (index or turn) % 2 else (a, b) for index, (a, b) in enumerate(pairs)])
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return first_half + [[(b, a) for a, b in pairs] for pairs in first_half]


def _midweek_kickoffs(tuesday: date, matches: int) -> tuple[datetime, list[datetime]]:
    """Return the usual kick-off of a midweek round, and those that differ."""
    return _datetime(tuesday, "19:45"), [_datetime(tuesday + timedelta(days=1), "20:00")] * (matches // 2)


def _weekend_kickoffs(saturday: date, midweek_follows: bool) -> tuple[datetime, list[datetime]]:
    """Return the usual kick-off of a weekend round, and those that differ.

    No Monday match precedes a midweek round, as a club would play again on Tuesday.
    """
    friday, sunday, monday = (saturday + timedelta(days=days) for days in (-1, 1, 2))
    return _datetime(saturday, "15:00"), [
        _datetime(friday, "20:00"),
        _datetime(saturday, "12:30"),
        _datetime(saturday, "17:30"),
        _datetime(sunday, "14:00"),
        _datetime(sunday, "16:30"),
        _datetime(sunday, "12:00") if midweek_follows else _datetime(monday, "20:00"),
    ]


def _postpone_some(rng: Random, year: int, matches: list[ScheduledMatch]) -> list[ScheduledMatch]:
    """Postpone some matches to the first Wednesday, three weeks later or more, on which both clubs are free."""
    wednesdays = [saturday + timedelta(days=4) for saturday in _saturdays(year)[:-1]]
    busy = {(club, match.kickoff.date()) for match in matches for club in (match.home, match.away)}
    last_round = matches[-1].round
    result = []
    for match in matches:
        if rng.random() < _POSTPONED_SHARE and match.round <= last_round - 5:
            day = next((day for day in wednesdays if _is_free(match, day, busy)), None)
            if day is not None:
                busy.update(product((match.home, match.away), [day]))
                match = _postpone(match, _datetime(day, "20:00"))
        result.append(match)
    return result


def _is_free(match: ScheduledMatch, day: date, busy: set[tuple[Club, date]]) -> bool:
    """Return whether a postponed match can be played on a day: neither club plays then, the day before or after."""
    days = (day + timedelta(days=offset) for offset in (-1, 0, 1))
    return day >= match.kickoff.date() + timedelta(weeks=3) and busy.isdisjoint(product((match.home, match.away), days))


def _postpone(match: ScheduledMatch, kickoff: datetime) -> ScheduledMatch:
    postponed = Announcement(match.kickoff - _POSTPONED_BEFORE, match.kickoff, "PST")
    rescheduled = Announcement(kickoff - _RESCHEDULED_BEFORE, kickoff)
    return replace(match, announcements=(*match.announcements, postponed, rescheduled))
