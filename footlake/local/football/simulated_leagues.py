"""The leagues and clubs of the simulator: the real Premier League clubs, and invented clubs elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from random import Random
from typing import NamedTuple

from footlake.local.football.source import read_team_codes


class Club(NamedTuple):
    """A club with its id in the API."""

    id: int
    name: str


@dataclass(frozen=True)
class SimulatedLeague:
    """A league: clubs that play every season (`regulars`), and groups of three that take turns (`promoted`)."""

    id: int
    name: str
    country: str
    flag: str
    regulars: tuple[Club, ...]
    promoted: tuple[tuple[Club, Club, Club], ...]

    def clubs(self, year: int) -> tuple[Club, ...]:
        """Return the clubs of the season that begins in `year`."""
        return self.regulars + self.promoted[(2020 - year) % len(self.promoted)]


def _premier_league() -> SimulatedLeague:
    """Return the league with the clubs of 2020/21 by their API ids; those relegated or promoted then take turns."""
    clubs = {team.id: Club(team.id, team.name) for team in read_team_codes()}
    of_2020 = (clubs.pop(36), clubs.pop(60), clubs.pop(63))
    of_2019 = (Club(35, "Bournemouth"), Club(38, "Watford"), Club(71, "Norwich"))
    of_2018 = (Club(37, "Huddersfield"), Club(43, "Cardiff"), Club(55, "Brentford"))
    regulars = tuple(clubs.values())
    return SimulatedLeague(39, "Premier League", "England", "gb-eng", regulars, (of_2020, of_2019, of_2018))


def _invented_league(
    league_id: int, name: str, country: str, flag: str, size: int, places: str, forms: str
) -> SimulatedLeague:
    """Return a league of `size` clubs at a time, named by combining places and forms, which are comma-separated."""
    names = [form.format(place) for form, place in product(forms.split(","), places.split(","))]
    Random(name).shuffle(names)
    clubs = [Club(league_id * 10_000 + number, name) for number, name in enumerate(names[: size + 6], 1)]
    promoted = tuple((clubs[at], clubs[at + 1], clubs[at + 2]) for at in range(size - 3, size + 6, 3))
    return SimulatedLeague(league_id, name, country, flag, tuple(clubs[: size - 3]), promoted)


LEAGUES = {
    league.id: league
    for league in (
        _premier_league(),
        _invented_league(
            40, "Championship", "England", "gb-eng", 24,
            "Ashcombe,Thornwick,Harrowdale,Millbeck,Saltmere,Kingsholt,Redbourne,Wexcliffe,Oakhaven,Dunmarsh",
            "{} Town,{} City,{} Rovers",
        ),
        _invented_league(
            61, "Ligue 1", "France", "fr", 18,
            "Montclair,Valombre,Saint-Aurèle,Rochebrune,Belleval,Port-Marais,Clairmont,Beaulac",
            "FC {},Olympique {},AS {}",
        ),
        _invented_league(
            78, "Bundesliga", "Germany", "de", 18,
            "Altenbrück,Neuwalde,Steinau,Rothenfels,Grünhagen,Lindenberg,Königsau,Falkenried",
            "FC {},SV {},Union {}",
        ),
        _invented_league(
            88, "Eredivisie", "Netherlands", "nl", 18,
            "Westerdam,Oudehaven,Lindeveen,Noordwoud,Zuidmeer,Kasteelrode,Veldhuizen,Hogebrug",
            "FC {},{} Boys,Sparta {}",
        ),
        _invented_league(
            94, "Primeira Liga", "Portugal", "pt", 18,
            "Vila Clara,Monte Alvo,Ribeira Nova,Porto Seco,Santa Luz,Campo Belo,Serra Alta,Foz do Vale",
            "FC {},Desportivo {},União {}",
        ),
        _invented_league(
            135, "Serie A", "Italy", "it", 20,
            "Montefiore,Castelverde,Rivabella,Pontenero,Valdoro,Borgosole,Terralba,Acquachiara,Roccavento",
            "AC {},{} Calcio,US {}",
        ),
        _invented_league(
            140, "La Liga", "Spain", "es", 20,
            "Valdeoro,Puerto Claro,Montealto,Villarroja,Campoverde,Torreblanca,Riofrío,Peñamar,Altozano",
            "CF {},Real {},Deportivo {}",
        ),
    )
}  # fmt: skip
