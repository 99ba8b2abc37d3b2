"""Invented competitions as API-Football would answer them: `/fixtures` and `/standings` of a league's season.

Each builder returns a Competition that can be changed before its bodies are used. The official rows are summed here,
independently of the product. Results are drawn with a fixed seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Item = dict[str, Any]
TEAM_NAMES = (
    *("Alpha", "Bravo", "Carmo", "Delta", "Echo", "Fonte", "Golfo", "Hotel", "India", "Julio", "Kilo", "Lima", "Mike"),
    *("Norte", "Oscar", "Porto", "Quebec", "Romeo", "Sierra", "Tango", "Union", "Victor", "Whisky", "Xray", "Yankee"),
    "Zulu",
)


@dataclass
class InventedCompetition:
    """A league's season; `fixtures` are items of a response, `tables` lists of rows."""

    league: int = 39
    season: int = 2023
    name: str = "Invented League"
    country: str = "Nowhere"
    start: datetime = datetime(2023, 8, 12, 15, tzinfo=UTC)
    fixtures: list[Item] = field(default_factory=list)
    tables: list[list[Item]] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def fixtures_body(self) -> Item:
        """The response of `/fixtures?league=L&season=S`."""
        parameters = {"league": str(self.league), "season": str(self.season)}
        return envelope("fixtures", parameters, self.fixtures)

    @property
    def standings_body(self) -> Item:
        """The response of `/standings?league=L&season=S`."""
        league = {**self._league(None), "standings": self.tables}
        parameters = {"league": str(self.league), "season": str(self.season)}
        return envelope("standings", parameters, [{"league": league}] if self.tables else [])

    def add(
        self,
        round_name: str | None,
        home: int,
        away: int,
        goals: tuple[int | None, int | None] | None = None,
        week: float = 0,
        status: str = "FT",
        winner: str | None = None,
    ) -> Item:
        """Add a match `week` weeks after the start; without `goals` the result is drawn. Returns the item."""
        if goals is None:
            goals = (self.rng.choice((0, 0, 1, 1, 2, 3)), self.rng.choice((0, 0, 1, 1, 2)))
        kickoff = self.start + timedelta(weeks=week, hours=len(self.fixtures) % 5)
        if winner is None and goals[0] is not None and goals[1] is not None:
            winner = "home" if goals[0] > goals[1] else "away" if goals[0] < goals[1] else None
        flags = {"home": (True, False), "away": (False, True)}.get(winner or "", (None, None))
        item = {
            "fixture": {
                "id": self.league * 1000 + len(self.fixtures) + 1,
                "timezone": "UTC",
                "date": kickoff.isoformat(),
                "timestamp": int(kickoff.timestamp()),
                "status": {"long": status, "short": status, "elapsed": 90},
            },
            "league": self._league(round_name),
            "teams": {
                "home": {"id": home, "name": team_name(home), "logo": "", "winner": flags[0]},
                "away": {"id": away, "name": team_name(away), "logo": "", "winner": flags[1]},
            },
            "goals": {"home": goals[0], "away": goals[1]},
        }
        self.fixtures.append(item)
        return item

    def add_rounds(
        self, teams: Sequence[int], label: str | None, first: int = 1, week: float = 0, legs: int = 1
    ) -> int:
        """Add a round robin with rounds named by `label` ("Regular Season - {}"). Returns the number after the last."""
        number = first
        for leg in range(legs):
            for pairs in round_robin(teams):
                for home, away in pairs:
                    name = label.format(number) if label else label
                    self.add(name, *((home, away) if leg % 2 == 0 else (away, home)), week=week + number - first)
                number += 1
        return number

    def items(self, *prefixes: str) -> list[Item]:
        """Return the fixtures whose round begins with one of these texts."""
        return [item for item in self.fixtures if (item["league"]["round"] or "").startswith(prefixes or "")]

    def rank(
        self,
        teams: Iterable[int],
        items: Iterable[Item] | None = None,
        group: str | None = None,
        points: Callable[[int, Item], int] = lambda team, row: 3 * row["win"] + row["draw"],
        order: Callable[[Item], Any] | None = None,
    ) -> list[Item]:
        """Return the official rows of these teams for these fixtures: any match of a team counts for it.

        `points` gives a team's points from its figures, `order` the key to rank by (points and goal difference).
        """
        rows = []
        for team in teams:
            figures = sum_figures(team, self.fixtures if items is None else items)
            difference = figures["goals"]["for"] - figures["goals"]["against"]
            rows.append(
                {
                    "rank": 0,
                    "team": {"id": team, "name": team_name(team), "logo": f"https://media.example/{team}.png"},
                    "points": points(team, figures),
                    "goalsDiff": difference,
                    "group": group or self.name,
                    "form": "WDLWW",
                    "status": "same",
                    "description": None,
                    "all": figures,
                    "update": "2024-05-20T00:00:00+00:00",
                }
            )
        rows.sort(key=order or by_goal_difference)
        for rank, row in enumerate(rows, 1):
            row["rank"] = rank
        return rows

    def _league(self, round_name: str | None) -> Item:
        return {
            "id": self.league,
            "name": self.name,
            "country": self.country,
            "logo": "",
            "flag": None,
            "season": self.season,
            "round": round_name,
        }


def envelope(get: str, parameters: Item, response: list[Any]) -> Item:
    """Return a v3 envelope."""
    return {
        "get": get,
        "parameters": parameters,
        "errors": [],
        "results": len(response),
        "paging": {"current": 1, "total": 1},
        "response": response,
    }


def by_goal_difference(row: Item) -> tuple[int, int, int, str]:
    """Return the key to rank rows by: points, goal difference, goals, name."""
    return (-row["points"], -row["goalsDiff"], -row["all"]["goals"]["for"], row["team"]["name"])


def team_name(team: int) -> str:
    """Return the name of a team; ids begin at 901."""
    return TEAM_NAMES[(team - 901) % len(TEAM_NAMES)]


def teams(count: int, first: int = 901) -> list[int]:
    """Return the ids of `count` teams."""
    return list(range(first, first + count))


def round_robin(members: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return rounds in which every pair of teams meets once (circle method); an odd team rests."""
    circle: list[int | None] = [*members, *([None] if len(members) % 2 else [])]
    rounds = []
    for turn in range(len(circle) - 1):
        pairs = [(circle[i], circle[-1 - i]) for i in range(len(circle) // 2)]
        rounds.append([(a, b) if turn % 2 else (b, a) for a, b in pairs if a is not None and b is not None])
        circle = [circle[0], circle[-1], *circle[1:-1]]
    return rounds


def set_result(item: Item, goals: tuple[int, int]) -> None:
    """Give a fixture another score, with the flags of the winner."""
    item["goals"] = {"home": goals[0], "away": goals[1]}
    for side, mine, theirs in (("home", *goals), ("away", goals[1], goals[0])):
        item["teams"][side]["winner"] = None if mine == theirs else mine > theirs


def sum_figures(team: int, items: Iterable[Item]) -> Item:
    """Return the `all` object of a team: its finished and awarded matches with goals."""
    figures = {"played": 0, "win": 0, "draw": 0, "lose": 0, "goals": {"for": 0, "against": 0}}
    for item in items:
        for side, other in (("home", "away"), ("away", "home")):
            mine, theirs = item["goals"][side], item["goals"][other]
            status = item["fixture"]["status"]["short"].upper()
            if item["teams"][side]["id"] == team and status in ("FT", "AET", "PEN", "AWD", "WO") and mine is not None:
                count_result(figures, mine, theirs)
    return figures


def count_result(figures: Item, mine: int, theirs: int, times: int = 1) -> None:
    """Add a result to the `all` object of a team, or take it away with `times` -1."""
    figures["played"] += times
    figures["win" if mine > theirs else "draw" if mine == theirs else "lose"] += times
    figures["goals"]["for"] += mine * times
    figures["goals"]["against"] += theirs * times


def decide(competition: InventedCompetition, item: Item, goals: tuple[int, int]) -> None:
    """Let the tables count a match with these goals instead of the recorded ones, as after a league's decision."""
    old = item["goals"]["home"], item["goals"]["away"]
    had_result = None not in old and item["fixture"]["status"]["short"].upper() in ("FT", "AET", "PEN", "AWD", "WO")
    for rows in competition.tables:
        for row in rows:
            for index, side in enumerate(("home", "away")):
                if row["team"]["id"] == item["teams"][side]["id"]:
                    figures = row["all"]
                    before = 3 * figures["win"] + figures["draw"]
                    if had_result:
                        count_result(figures, old[index], old[1 - index], -1)
                    count_result(figures, goals[index], goals[1 - index])
                    row["points"] += 3 * figures["win"] + figures["draw"] - before
                    row["goalsDiff"] = figures["goals"]["for"] - figures["goals"]["against"]


# --- competitions ---


def league(count: int = 6, legs: int = 2, **fields: Any) -> InventedCompetition:
    """A league with one table."""
    made = InventedCompetition(**fields)
    made.add_rounds(teams(count), "Regular Season - {}", legs=legs)
    made.tables = [made.rank(teams(count))]
    return made


def with_deductions() -> InventedCompetition:
    """Bravo loses 8 points and Carmo 4."""
    made = league(8)
    deducted = {902: 8, 903: 4}
    made.tables = [made.rank(teams(8), points=lambda team, row: 3 * row["win"] + row["draw"] - deducted.get(team, 0))]
    return made


def head_to_head() -> InventedCompetition:
    """Alpha is before Bravo because it won their matches, though Bravo's goal difference is better."""
    made = InventedCompetition()
    for number, (home, away, goals) in enumerate(
        [
            (901, 902, (1, 0)),
            (902, 903, (9, 0)),
            (903, 901, (1, 0)),
            (902, 901, (0, 1)),
            (903, 902, (0, 5)),
            (901, 903, (0, 1)),
        ],
        1,
    ):
        made.add(f"Regular Season - {number}", home, away, goals, week=number)
    made.tables = [made.rank(teams(3), order=lambda row: (-row["points"], row["team"]["name"]))]
    return made


def group_tournament(third_placed: bool = True) -> InventedCompetition:
    """Four groups of four after a qualifying round; the third-placed teams are ranked; then knockouts."""
    made = InventedCompetition(name="Invented Cup", country="World")
    for number, team in enumerate(teams(8, 917)):
        made.add("1st Qualifying Round", 901 + number, team, (2, 0), week=number % 2)
    groups = [teams(4, 901 + 4 * n) for n in range(4)]
    for letter, group in zip("ABCD", groups, strict=True):
        made.add_rounds(group, f"Group {letter} - {{}}", week=4, legs=2)
    made.tables = [
        made.rank(group, made.items("Group"), f"Group {letter}") for letter, group in zip("ABCD", groups, strict=True)
    ]
    thirds = [table[2]["team"]["id"] for table in made.tables]
    firsts = [table[0]["team"]["id"] for table in made.tables]
    if third_placed:
        made.tables.append(made.rank(thirds, made.items("Group"), "Ranking of third-placed teams"))
    for home, away in ((firsts[0], thirds[1]), (firsts[1], thirds[0]), (thirds[2], thirds[3])):
        made.add("Quarter-finals", home, away, (1, 1), week=16, status="PEN", winner="home")
    made.add("Final", firsts[0], firsts[1], (2, 1), week=20, status="AET")
    return made


def conferences(overall: bool = False) -> InventedCompetition:
    """Two conferences in a calendar year; matches between them count in both tables. Play-offs follow."""
    made = InventedCompetition(
        league=253, season=2024, name="Invented Soccer", country="USA", start=datetime(2024, 2, 24, 20, tzinfo=UTC)
    )
    east, west = teams(6), teams(6, 907)
    made.add_rounds(east, "Regular Season - {}")
    made.add_rounds(west, "Regular Season - {}")
    made.add_rounds([*east, *west], "Regular Season - {}", first=6, week=5)
    made.tables = [made.rank(east, group="Eastern Conference"), made.rank(west, group="Western Conference")]
    if overall:
        made.tables.append(made.rank([*east, *west], group="Overall"))
    for rows in made.tables[:2]:
        made.add("MLS Cup - Quarter-finals", rows[0]["team"]["id"], rows[3]["team"]["id"], (3, 0), week=30)
    return made


def split(
    halved: bool = False, counts_all: bool = True, regular_table: bool = True, labels: bool = True, size: int = 4
) -> InventedCompetition:
    """Eight teams, then a championship group of `size` and a relegation group; points, or half of them, are kept."""
    made = InventedCompetition(league=179, name="Invented Split")
    everyone = teams(8)
    made.add_rounds(everyone, "Regular Season - {}" if labels else None, legs=2)
    regular = list(made.fixtures)
    table = made.rank(everyone, regular, "Regular Season")
    upper, lower = ([row["team"]["id"] for row in rows] for rows in (table[:size], table[size:]))
    made.add_rounds(upper, "Championship Round - {}" if labels else None, first=1, week=20, legs=2)
    made.add_rounds(lower, "Relegation Round - {}" if labels else None, first=1, week=20, legs=2)
    later = made.fixtures[len(regular) :]

    def points(team: int, row: Item) -> int:
        first, second = sum_figures(team, regular), sum_figures(team, later)
        earlier = 3 * first["win"] + first["draw"]
        kept: int = -(-earlier // 2) if halved else earlier
        return kept + int(3 * second["win"] + second["draw"])

    counted = made.fixtures if counts_all else later
    made.tables = [table] if regular_table else []
    made.tables += [
        made.rank(upper, counted, "Championship Round", points),
        made.rank(lower, counted, "Relegation Round", points),
    ]
    return made


def apertura_clausura(annual: bool = False, averages: bool = False, zones: bool = False) -> InventedCompetition:
    """Two tournaments with finals; optionally in two zones with matches between them, an annual table, and averages."""
    made = InventedCompetition(
        league=128, season=2025, name="Invented Primera", country="Sur", start=datetime(2025, 1, 24, 20, tzinfo=UTC)
    )
    everyone = teams(8)
    for week, stage in ((0, "Apertura"), (24, "Clausura")):
        if zones:
            made.add_rounds(everyone[:4], f"{stage} - {{}}", week=week, legs=2)
            made.add_rounds(everyone[4:], f"{stage} - {{}}", week=week, legs=2)
            for home, away in zip(everyone[:4], everyone[4:], strict=True):
                made.add(f"{stage} - 7", home, away, week=week + 7)
        else:
            made.add_rounds(everyone, f"{stage} - {{}}", week=week)
        for groups in ([everyone[:4], everyone[4:]] if zones else [everyone],):
            for letter, group in zip("AB", groups, strict=False):
                title = f"Primera 2025, {stage}" + (f", Group {letter}" if zones else "")
                made.tables.append(made.rank(group, made.items(f"{stage} -"), title))
        made.add(f"{stage} Play-offs - Semi-finals", everyone[0], everyone[1], (1, 0), week=week + 12)
        made.add(f"{stage} Play-offs - Final", everyone[0], everyone[2], (2, 1), week=week + 13)
    if annual:
        made.tables.append(made.rank(everyone, made.items("Apertura -", "Clausura -"), "Anual 2025"))
    if averages:
        rows = made.rank(everyone, made.items("Apertura -", "Clausura -"), "Promedios 2025")
        for row in rows:
            row["all"] = {"played": 98, "win": 0, "draw": 0, "lose": 0, "goals": {"for": 0, "against": 0}}
            row["goalsDiff"] = 0
        made.tables.append(rows)
    return made


def with_play_offs() -> InventedCompetition:
    """A league whose last but one plays a team of another division under the same league id."""
    made = league(8, league=78)
    last_but_one = made.tables[0][-2]["team"]["id"]
    made.add("Relegation Round", 925, last_but_one, (1, 2), week=30)
    made.add("Relegation Round", last_but_one, 925, (0, 0), week=31)
    return made


def with_shoot_outs(decide: bool) -> InventedCompetition:
    """Groups of three in which a shoot-out follows every draw: two points for its winner, one for the loser.

    The tables count it as a victory if `decide` is true, and as a draw otherwise.
    """
    made = InventedCompetition(name="Invented Cup", start=datetime(2023, 7, 21, 20, tzinfo=UTC))
    groups = [teams(3, 901 + 3 * n) for n in range(4)]
    for group in groups:
        made.add_rounds(group, "Group Stage - {}")
    won: dict[int, int] = dict.fromkeys(teams(12), 0)
    lost: dict[int, int] = dict(won)
    for number, item in enumerate(made.fixtures):
        if number % 3 != 1:  # two of three matches of a group
            set_result(item, (1, 1))
            item["fixture"]["status"]["short"] = "PEN"
            for side, mine in (("home", number % 2 == 0), ("away", number % 2 == 1)):
                item["teams"][side]["winner"] = mine
                (won if mine else lost)[item["teams"][side]["id"]] += 1
        else:
            set_result(item, (2, 0))

    def points(team: int, row: Item) -> int:
        return int(3 * row["win"] + row["draw"]) + won[team]

    made.tables = [made.rank(group, group=f"Group {n}", points=points) for n, group in enumerate(groups, 1)]
    for row in (row for rows in made.tables for row in rows if decide):
        figures, team = row["all"], row["team"]["id"]
        figures["draw"] -= won[team] + lost[team]
        figures["win"] += won[team]
        figures["lose"] += lost[team]
    made.add("Round of 16", groups[0][0], groups[1][0], (1, 1), week=4, status="PEN", winner="away")
    return made


def with_award(form: str) -> InventedCompetition:
    """A match that the league decided 0-3; `form` is how the fixture shows it.

    "null": AWD without goals · "zero": WO with 0-0 · "three": AWD 0-3 · "silent": FT 1-1 as played · "cancelled":
    CANC without goals.
    """
    status, goals, winner = {
        "null": ("AWD", (None, None), "away"),
        "zero": ("WO", (0, 0), "away"),
        "three": ("AWD", (0, 3), "away"),
        "silent": ("FT", (1, 1), None),
        "cancelled": ("Canc", (None, None), None),
    }[form]
    made = league(6)
    item = made.fixtures[9]
    item["fixture"]["status"] = {"long": status, "short": status, "elapsed": None}
    item["goals"] = {"home": goals[0], "away": goals[1]}
    flags = {"away": (False, True)}.get(winner or "", (None, None))
    item["teams"]["home"]["winner"], item["teams"]["away"]["winner"] = flags
    made.tables = [made.rank(teams(6))]
    decide(made, item, (0, 3))
    made.tables = [sorted(made.tables[0], key=by_goal_difference)]
    for rank, row in enumerate(made.tables[0], 1):
        row["rank"] = rank
    return made


def with_doubled_match(days: int = 41, status: str = "FT") -> InventedCompetition:
    """A league in which the API repeats a match under a second id, `days` later."""
    made = league(6, legs=1)
    original = made.fixtures[4]
    again = made.add(original["league"]["round"], 0, 0, tuple(original["goals"].values()), status=status)
    moved = datetime.fromisoformat(original["fixture"]["date"]) + timedelta(days=days)
    again["teams"] = original["teams"]
    again["fixture"]["date"] = moved.isoformat()
    return made
