"""A simulated league: the football API's answers where there is neither a key nor a recording.

Everything follows from a seed: calendar, postponements, results, statistics. Shots are drawn first and goals
from the chances that they are, so that statistics and goals belong together as they do in recorded seasons.
The numbers that shape a match were fitted to the Premier League of 2019/20 and 2020/21 (see the test of them).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from importlib import resources
from itertools import product
from random import Random
from typing import Any, NamedTuple

from footlake.football.statuses import NOT_STARTED
from footlake.lake.s3_keys import Season
from footlake.local.football.source import Fixture, TeamStatistics, as_not_played, is_finished, kickoff_fields

YEARS = range(2010, 2101)
FIRST_WITH_XG = 2022
FIRST_WITH_GOALS_PREVENTED = 2023

# Fixture 39_020_007 is the eighth of league 39's season 2020: whatever id comes in, its season is known at once.
# Real ids are nowhere near, so a simulated row cannot pass for a real one.
_LEAGUE_STEP = 1_000_000
_SEASON_STEP = 1_000


def is_simulated(season: Season, fixture_id: int) -> bool:
    """Whether this id, of a fixture of that season, is the simulator's."""
    return divmod(fixture_id // _SEASON_STEP, _LEAGUE_STEP // _SEASON_STEP) == (season.league, season.year - 2000)


class Club(NamedTuple):
    """A team: its API id and name."""

    id: int
    name: str


@dataclass(frozen=True)
class League:
    """A league to simulate: its clubs are the `regulars`, and three guests who change from season to season."""

    id: int
    name: str
    country: str
    flag: str
    regulars: tuple[Club, ...]
    guests: tuple[tuple[Club, Club, Club], ...]

    def clubs(self, year: int) -> tuple[Club, ...]:
        """Who plays in the season that begins in `year`."""
        return self.regulars + self.guests[(2020 - year) % len(self.guests)]


def _premier_league() -> League:
    """The clubs of 2020/21 by their API ids; those relegated or promoted then make room for others."""
    text = resources.files("footlake").joinpath("data/teamcodes.csv").read_text(encoding="utf-8")
    clubs = {int(row["idTeam"]): Club(int(row["idTeam"]), row["name"]) for row in csv.DictReader(text.splitlines())}
    of_2020 = (clubs.pop(36), clubs.pop(60), clubs.pop(63))
    of_2019 = (Club(35, "Bournemouth"), Club(38, "Watford"), Club(71, "Norwich"))
    of_2018 = (Club(37, "Huddersfield"), Club(43, "Cardiff"), Club(55, "Brentford"))
    return League(39, "Premier League", "England", "gb-eng", tuple(clubs.values()), (of_2020, of_2019, of_2018))


def _invented(id: int, name: str, country: str, flag: str, size: int, places: str, forms: str) -> League:
    """A league of invented clubs, a name for each place and form."""
    names = [form.format(place) for form, place in product(forms.split(","), places.split(","))]
    Random(name).shuffle(names)
    clubs = [Club(id * 10_000 + number, name) for number, name in enumerate(names[: size + 6], 1)]
    guests = tuple((clubs[at], clubs[at + 1], clubs[at + 2]) for at in range(size - 3, size + 6, 3))
    return League(id, name, country, flag, tuple(clubs[: size - 3]), guests)


_LEAGUES = {
    league.id: league
    for league in (
        _premier_league(),
        _invented(
            40, "Championship", "England", "gb-eng", 24,
            "Ashcombe,Thornwick,Harrowdale,Millbeck,Saltmere,Kingsholt,Redbourne,Wexcliffe,Oakhaven,Dunmarsh",
            "{} Town,{} City,{} Rovers",
        ),
        _invented(
            61, "Ligue 1", "France", "fr", 18,
            "Montclair,Valombre,Saint-Aurèle,Rochebrune,Belleval,Port-Marais,Clairmont,Beaulac",
            "FC {},Olympique {},AS {}",
        ),
        _invented(
            78, "Bundesliga", "Germany", "de", 18,
            "Altenbrück,Neuwalde,Steinau,Rothenfels,Grünhagen,Lindenberg,Königsau,Falkenried",
            "FC {},SV {},Union {}",
        ),
        _invented(
            88, "Eredivisie", "Netherlands", "nl", 18,
            "Westerdam,Oudehaven,Lindeveen,Noordwoud,Zuidmeer,Kasteelrode,Veldhuizen,Hogebrug",
            "FC {},{} Boys,Sparta {}",
        ),
        _invented(
            94, "Primeira Liga", "Portugal", "pt", 18,
            "Vila Clara,Monte Alvo,Ribeira Nova,Porto Seco,Santa Luz,Campo Belo,Serra Alta,Foz do Vale",
            "FC {},Desportivo {},União {}",
        ),
        _invented(
            135, "Serie A", "Italy", "it", 20,
            "Montefiore,Castelverde,Rivabella,Pontenero,Valdoro,Borgosole,Terralba,Acquachiara,Roccavento",
            "AC {},{} Calcio,US {}",
        ),
        _invented(
            140, "La Liga", "Spain", "es", 20,
            "Valdeoro,Puerto Claro,Montealto,Villarroja,Campoverde,Torreblanca,Riofrío,Peñamar,Altozano",
            "CF {},Real {},Deportivo {}",
        ),
    )
}  # fmt: skip


class Simulator:
    """Simulated leagues as a source of the local football API: the same seed, the same football."""

    label = "simulated league"

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed

    def seasons(self, now: datetime) -> list[Season]:
        """The seasons of every league up to the year of `now`; later ones can be asked for all the same."""
        return [Season(league, year) for league in _LEAGUES for year in YEARS if year <= now.year]

    def fixtures(self, league: int, season: int, now: datetime) -> list[Fixture]:
        """The season as of `now`, in order of the dates known then."""
        if league not in _LEAGUES or season not in YEARS:
            return []
        played = _season(self._seed, league, season)
        fixtures = [played.fixture(number, now) for number in range(len(played.matches))]
        return sorted(fixtures, key=lambda fixture: (fixture["fixture"]["timestamp"], fixture["fixture"]["id"]))

    def fixture(self, fixture_id: int, now: datetime) -> Fixture | None:
        """The fixture as of `now`, or None if no league has one of that id."""
        found = self._find(fixture_id)
        return found and found[0].fixture(found[1], now)

    def statistics(self, fixture_id: int, now: datetime) -> list[TeamStatistics]:
        """Both teams' statistics of a match that is over."""
        found = self._find(fixture_id)
        return found[0].statistics(found[1], now) if found else []

    def _find(self, fixture_id: int) -> tuple[_Season, int] | None:
        league, rest = divmod(fixture_id, _LEAGUE_STEP)
        years, number = divmod(rest, _SEASON_STEP)
        if league not in _LEAGUES or 2000 + years not in YEARS:
            return None
        season = _season(self._seed, league, 2000 + years)
        return (season, number) if number < len(season.matches) else None


# --- a season -------------------------------------------------------------------------------------------------------


class _Stage(NamedTuple):
    """What is known of a match from `since` on: when it begins, and whether it is postponed."""

    since: datetime
    kickoff: datetime
    status: str = NOT_STARTED


@dataclass(frozen=True, slots=True)
class _Match:
    round: int
    home: Club
    away: Club
    history: tuple[_Stage, ...]

    @property
    def kickoff(self) -> datetime:
        """When it is played in the end."""
        return self.history[-1].kickoff

    def known(self, now: datetime) -> _Stage:
        return next(stage for stage in reversed(self.history) if stage.since <= now)


class _Season:
    """One league's season. Each match is played when somebody looks."""

    def __init__(self, seed: int, league: League, year: int) -> None:
        self._seed = seed
        self._league = league
        self._year = year
        self._root = f"{seed}/{league.id}/{year}"
        self._results: dict[int, tuple[_Side, _Side]] = {}

    @cached_property
    def matches(self) -> list[_Match]:
        """Every match, by round."""
        rng = Random(f"{self._root}/calendar")
        return _postpone(rng, self._year, _schedule(rng, self._league.clubs(self._year), self._year))

    def fixture(self, number: int, now: datetime) -> Fixture:
        match = self.matches[number]
        if not is_finished(match.kickoff, now):
            stage = match.known(now)
            return as_not_played(self._blank(number), stage.kickoff, stage.status)
        home, away = self.play(number)
        first = int(match.kickoff.timestamp())
        blank = self._blank(number)
        return {
            "fixture": blank["fixture"]
            | kickoff_fields(match.kickoff)
            | {
                "referee": Random(f"{self._root}/{number}/referee").choice(_REFEREES),
                "timezone": "UTC",
                "periods": {"first": first, "second": first + 3600},
                "status": {"long": "Match Finished", "short": "FT", "elapsed": 90, "extra": None},
            },
            "league": blank["league"],
            "teams": {
                "home": blank["teams"]["home"] | {"winner": _won(home, away)},
                "away": blank["teams"]["away"] | {"winner": _won(away, home)},
            },
            "goals": {"home": home.goals, "away": away.goals},
            "score": {
                "halftime": {"home": home.goals_by_half_time, "away": away.goals_by_half_time},
                "fulltime": {"home": home.goals, "away": away.goals},
                "extratime": {"home": None, "away": None},
                "penalty": {"home": None, "away": None},
            },
        }

    def statistics(self, number: int, now: datetime) -> list[TeamStatistics]:
        match = self.matches[number]
        if not is_finished(match.kickoff, now):
            return []
        home, away = self.play(number)
        rng = Random(f"{self._root}/{number}/nulls")
        return [
            {"team": _team(club), "statistics": _listed(side, other, self._year, rng)}
            for club, side, other in ((match.home, home, away), (match.away, away, home))
        ]

    def play(self, number: int) -> tuple[_Side, _Side]:
        """How the match went for home and away."""
        if number not in self._results:
            match = self.matches[number]
            skill = self._skills[match.home] - self._skills[match.away]
            self._results[number] = _play(Random(f"{self._root}/{number}"), skill)
        return self._results[number]

    @cached_property
    def _skills(self) -> dict[Club, float]:
        """How good each club is: its standing over the years and this season's form; guests are mostly weaker."""
        clubs = self._league.clubs(self._year)
        form = Random(f"{self._root}/form")
        return {
            club: Random(f"{self._seed}/{club.id}").gauss(0, 0.75)
            + form.gauss(0, 0.5)
            - (0.0 if club in self._league.regulars else 0.7)
            for club in clubs
        }

    def _blank(self, number: int) -> Fixture:
        """What is said of a match whatever the time is."""
        match = self.matches[number]
        league = self._league
        return {
            "fixture": {
                "id": league.id * _LEAGUE_STEP + (self._year - 2000) * _SEASON_STEP + number,
                "referee": None,
                "timezone": "UTC",
                "date": None,
                "timestamp": None,
                "periods": None,
                "venue": {"id": match.home.id, "name": f"{match.home.name} Stadium", "city": match.home.name},
                "status": None,
            },
            "league": {
                "id": league.id,
                "name": f"{league.name} (simulated)",
                "country": league.country,
                "logo": f"https://media.api-sports.io/football/leagues/{league.id}.png",
                "flag": f"https://media.api-sports.io/flags/{league.flag}.svg",
                "season": self._year,
                "round": f"Regular Season - {match.round}",
                "standings": True,
            },
            "teams": {"home": _team(match.home), "away": _team(match.away)},
        }


@lru_cache(maxsize=64)
def _season(seed: int, league: int, year: int) -> _Season:
    return _Season(seed, _LEAGUES[league], year)


def _team(club: Club) -> dict[str, Any]:
    return {
        "id": club.id,
        "name": club.name,
        "logo": f"https://media.api-sports.io/football/teams/{club.id}.png",
    }


_REFEREES = (
    "A. Hartwell", "B. Lindqvist", "C. Okafor", "D. Pemberton", "E. Marchetti", "F. Ashdown", "G. Novak",
    "H. Castellan", "I. Brennan", "J. Whitlock", "K. Adeyemi", "L. Fairbank", "M. Sorensen", "N. Kilbride",
)  # fmt: skip


# --- its calendar ---------------------------------------------------------------------------------------------------

_EVER = datetime.min.replace(tzinfo=UTC)
_SETTLED = timedelta(days=35)
"""How long before a round its kick-offs are settled; until then every match stands at the usual hour."""
_CALLED_OFF = timedelta(days=1)
"""How long before its kick-off a match is postponed."""
_REARRANGED = timedelta(days=14)
"""How long before it is played the new date of a postponed match is known."""
_POSTPONED = 0.03
"""The share of matches that are postponed."""


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def _saturdays(year: int) -> list[date]:
    """From August to May, without the four weekends on which national teams play."""
    days = []
    day = date(year, 8, 8)
    day += timedelta(days=(5 - day.weekday()) % 7)
    while day <= date(year + 1, 5, 25):
        if not _international(day):
            days.append(day)
        day += timedelta(weeks=1)
    return days


def _international(saturday: date) -> bool:
    return (saturday.month in (9, 10, 11) and 8 <= saturday.day <= 14) or (saturday.month == 3 and saturday.day >= 25)


def _rounds(clubs: list[Club]) -> list[list[tuple[Club, Club]]]:
    """Rounds of (home, away) in which everybody meets everybody twice, by the circle method."""
    ring = list(clubs)
    half = []
    for turn in range(len(ring) - 1):
        pairs = list(zip(ring, reversed(ring), strict=True))[: len(ring) // 2]
        # Whoever stays put changes sides each round; the others do so because the ring turns.
        half.append([(b, a) if (at or turn) % 2 else (a, b) for at, (a, b) in enumerate(pairs)])
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return half + [[(b, a) for a, b in pairs] for pairs in half]


def _schedule(rng: Random, clubs: tuple[Club, ...], year: int) -> list[_Match]:
    """The season as it is drawn up, no match postponed yet."""
    shuffled = list(clubs)
    rng.shuffle(shuffled)
    rounds = _rounds(shuffled)
    saturdays = _saturdays(year)
    in_week = max(3, len(rounds) - len(saturdays) + 2)
    tuesdays = [saturdays[(at + 1) * len(saturdays) // (in_week + 1)] + timedelta(days=3) for at in range(in_week)]
    at_weekends = len(rounds) - in_week
    weekends = [saturdays[round(at * (len(saturdays) - 1) / (at_weekends - 1))] for at in range(at_weekends)]
    matches = []
    for number, (day, pairs) in enumerate(zip(sorted(weekends + tuesdays), rounds, strict=True), 1):
        if day in tuesdays:
            usual, moved = _midweek(day, len(pairs))
        elif number == len(rounds):
            usual, moved = _at(day + timedelta(days=1), "15:00"), []
        else:
            usual, moved = _weekend(day, day + timedelta(days=3) in tuesdays)
        kickoffs = moved + [usual] * (len(pairs) - len(moved))
        rng.shuffle(kickoffs)
        settled = _at(day, "00:00") - _SETTLED
        matches += [
            _Match(number, home, away, (_Stage(_EVER, usual), _Stage(settled, kickoff)))
            for (home, away), kickoff in zip(pairs, kickoffs, strict=True)
        ]
    return matches


def _midweek(tuesday: date, matches: int) -> tuple[datetime, list[datetime]]:
    """The usual kick-off of a round in the week, and the others."""
    return _at(tuesday, "19:45"), [_at(tuesday + timedelta(days=1), "20:00")] * (matches // 2)


def _weekend(saturday: date, tuesday_next: bool) -> tuple[datetime, list[datetime]]:
    """The usual kick-off of a round at the weekend, and the others; nobody plays on Monday and on Tuesday again."""
    friday, sunday, monday = (saturday + timedelta(days=days) for days in (-1, 1, 2))
    return _at(saturday, "15:00"), [
        _at(friday, "20:00"),
        _at(saturday, "12:30"),
        _at(saturday, "17:30"),
        _at(sunday, "14:00"),
        _at(sunday, "16:30"),
        _at(sunday, "12:00") if tuesday_next else _at(monday, "20:00"),
    ]


def _postpone(rng: Random, year: int, matches: list[_Match]) -> list[_Match]:
    """Some matches are called off, and played on the first Wednesday, three weeks on or more, that suits both teams."""
    wednesdays = [saturday + timedelta(days=4) for saturday in _saturdays(year)[:-1]]
    busy = {(club, match.kickoff.date()) for match in matches for club in (match.home, match.away)}
    last_round = matches[-1].round

    def suits(match: _Match, day: date) -> bool:
        around = (day + timedelta(days=off) for off in (-1, 0, 1))
        return day >= match.kickoff.date() + timedelta(weeks=3) and busy.isdisjoint(
            product((match.home, match.away), around)
        )

    def fate(match: _Match) -> _Match:
        if rng.random() >= _POSTPONED or match.round > last_round - 5:
            return match
        day = next((day for day in wednesdays if suits(match, day)), None)
        if day is None:
            return match
        busy.update(product((match.home, match.away), [day]))
        return _moved(match, _at(day, "20:00"))

    return [fate(match) for match in matches]


def _moved(match: _Match, kickoff: datetime) -> _Match:
    off = _Stage(match.kickoff - _CALLED_OFF, match.kickoff, "PST")
    again = _Stage(kickoff - _REARRANGED, kickoff)
    return _Match(match.round, match.home, match.away, (*match.history, off, again))


# --- a match --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """One team's match."""

    goals: int
    goals_by_half_time: int
    saved: int
    """Its shots that the other goalkeeper saved."""
    off: int
    blocked: int
    inside: int
    outside: int
    xg: float
    possession: int
    passes: int
    accurate: int
    fouls: int
    corners: int
    offsides: int
    yellow: int
    red: int

    @property
    def on_goal(self) -> int:
        return self.goals + self.saved

    @property
    def shots(self) -> int:
        return self.inside + self.outside


def _won(side: _Side, other: _Side) -> bool | None:
    return None if side.goals == other.goals else side.goals > other.goals


def _play(rng: Random, skill: float) -> tuple[_Side, _Side]:
    """A match; `skill` is by how much the home team is the better one."""
    possession = round(min(max(rng.gauss(50.6 + 6.8 * skill, 9.0), 18), 82))
    passes = rng.gauss(920, 100)
    return (
        _side(rng, 0.05, skill, possession, passes),
        _side(rng, -0.05, -skill, 100 - possession, passes),
    )


def _side(rng: Random, at_home: float, skill: float, possession: int, passes_of_both: float) -> _Side:
    volume = 0.0155 * (possession - 50) + 0.02 * skill + at_home + rng.gauss(0, 0.19)
    expected_shots = min(11.7 * math.exp(volume), 26)
    shots = _poisson(rng, expected_shots)
    inside_share = min(max(rng.gauss(0.64 + 0.01 * skill, 0.11), 0.2), 0.95)
    # The many shots of a siege are worse ones; the better team's are better ones.
    quality = math.exp(0.2 * skill + at_home - 0.8 * math.log(expected_shots / 12) + rng.gauss(0, 0.1))
    inside = goals = by_half_time = saved = blocked = 0
    xg = 0.0
    for _ in range(shots):
        close = rng.random() < inside_share
        chance = min(quality * (rng.betavariate(1.1, 6.4) if close else rng.betavariate(1.2, 32)), 0.95)
        inside += close
        xg += chance
        if rng.random() < chance:
            goals += 1
            by_half_time += rng.random() < 0.44
        else:
            fate = rng.random()
            saved += fate < 0.272
            blocked += fate > 1 - 0.305
    accuracy = min(max(rng.gauss(0.789 + 0.0042 * (possession - 50), 0.045), 0.45), 0.95)
    passes = round(max(passes_of_both * (possession / 100) ** 1.0 + rng.gauss(0, 35), 60))
    return _Side(
        goals=goals,
        goals_by_half_time=by_half_time,
        saved=saved,
        off=shots - goals - saved - blocked,
        blocked=blocked,
        inside=inside,
        outside=shots - inside,
        xg=xg,
        possession=possession,
        passes=passes,
        accurate=round(passes * accuracy),
        fouls=_poisson(rng, 10.75),
        corners=_poisson(rng, 1.9 + 0.27 * shots),
        offsides=_poisson(rng, 1.7),
        yellow=_poisson(rng, 1.6),
        red=int(rng.random() < 0.06),
    )


def _poisson(rng: Random, mean: float) -> int:
    count, left = 0, rng.random()
    floor = math.exp(-mean)
    while left > floor:
        left *= rng.random()
        count += 1
    return count


def _listed(side: _Side, other: _Side, year: int, rng: Random) -> list[dict[str, Any]]:
    """The statistics under the API's names, in its order. A zero of the rarer counts is often null there."""

    def often_null(count: int, share: float) -> int | None:
        return None if rng.random() < share and count == 0 else count

    values: dict[str, Any] = {
        "Shots on Goal": side.on_goal,
        "Shots off Goal": side.off,
        "Total Shots": side.shots,
        "Blocked Shots": side.blocked,
        "Shots insidebox": side.inside,
        "Shots outsidebox": side.outside,
        "Fouls": side.fouls,
        "Corner Kicks": side.corners,
        "Offsides": often_null(side.offsides, 0.25),
        "Ball Possession": f"{side.possession}%",
        "Yellow Cards": often_null(side.yellow, 0.3),
        "Red Cards": often_null(side.red, 0.95),
        "Goalkeeper Saves": other.saved,
        "Total passes": side.passes,
        "Passes accurate": side.accurate,
        "Passes %": f"{round(100 * side.accurate / side.passes)}%",
    }
    if year >= FIRST_WITH_XG:
        values["expected_goals"] = f"{side.xg:.2f}"
    if year >= FIRST_WITH_GOALS_PREVENTED:
        values["goals_prevented"] = f"{other.xg - other.goals:.2f}"
    return [{"type": type, "value": value} for type, value in values.items()]
