"""Request `/standings` of the local football API over HTTP: computed as of the clock by each rule, or recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from footlake.local.football.plans import FREE, PRO, ApiPlan
from footlake.local.football.recordings import Recordings
from footlake.local.football.simulator import Simulator
from footlake.local.football.table_rules import TableRules, check_rules, parse_rules
from tests.conftest import ROOT, Cli
from tests.support import competitions
from tests.support.competitions import InventedCompetition, Item, teams
from tests.support.football_server import served

AFTERWARDS = datetime(2026, 6, 1, tzinfo=UTC)


def record_in(folder: Path, competition: InventedCompetition, standings: bool = False) -> Recordings:
    """Return recordings of a competition."""
    folder.mkdir(exist_ok=True)
    (folder / "fixtures.json").write_text(json.dumps(competition.fixtures_body))
    if standings:
        (folder / "standings.json").write_text(json.dumps(competition.standings_body))
    return Recordings(folder)


def request_tables(
    source: Any, season: tuple[int, int], rules: Any = None, now: datetime = AFTERWARDS, **parameters: Any
) -> list[list[Item]]:
    """Return the tables that the API answers, empty if it has none. `rules` are those of the season."""
    document = {} if rules is None else {f"{season[0]}-{season[1]}": rules}
    with served(source, PRO, parse_rules(document)) as api:
        api.now = now
        response = api.response("standings", league=season[0], season=season[1], **parameters)
    tables: list[list[Item]] = response[0]["league"]["standings"] if response else []
    return tables


@pytest.fixture
def tables(tmp_path: Path) -> Callable[..., list[list[Item]]]:
    """A function that returns the computed tables of a competition."""

    def compute(
        competition: InventedCompetition, rules: Any = None, now: datetime = AFTERWARDS, **more: Any
    ) -> list[Any]:
        source = record_in(tmp_path, competition)
        return request_tables(source, (competition.league, competition.season), rules, now, **more)

    return compute


Tables = Callable[..., list[list[Item]]]


def figures(table: Iterable[Item]) -> list[tuple[Any, ...]]:
    """Return what an independent sum of the matches also has: all columns except form, side, day and logo."""
    return [
        (row["rank"], row["team"]["id"], row["team"]["name"], row["points"], row["goalsDiff"], row["group"], row["all"])
        for row in table
    ]


def names(table: Iterable[Item]) -> list[str]:
    return [row["team"]["name"] for row in table]


def points(table: Iterable[Item]) -> dict[str, int]:
    return {row["team"]["name"]: row["points"] for row in table}


# --- the response ---


def test_the_response_has_the_shape_of_the_api(tmp_path: Path) -> None:
    competition = InventedCompetition()
    competition.add("Regular Season - 1", 901, 902, (3, 1))
    competition.add("Regular Season - 2", 902, 901, (0, 0), week=1)
    with served(record_in(tmp_path, competition)) as api:
        api.now = AFTERWARDS
        body = api.get("standings", league=39, season=2023).json()
    first, second = body.pop("response")[0]["league"].pop("standings")[0]
    assert body == {
        "get": "standings",
        "parameters": {"league": "39", "season": "2023"},
        "errors": [],
        "results": 1,
        "paging": {"current": 1, "total": 1},
    }
    drawn = {"played": 1, "win": 0, "draw": 1, "lose": 0, "goals": {"for": 0, "against": 0}}
    assert first == {
        "rank": 1,
        "team": {"id": 901, "name": "Alpha", "logo": ""},
        "points": 4,
        "goalsDiff": 2,
        "group": "Invented League",
        "form": "DW",  # the newest first
        "status": "same",
        "description": None,
        "all": {"played": 2, "win": 1, "draw": 1, "lose": 0, "goals": {"for": 3, "against": 1}},
        "home": {"played": 1, "win": 1, "draw": 0, "lose": 0, "goals": {"for": 3, "against": 1}},
        "away": drawn,
        "update": "2023-08-19T00:00:00+00:00",
    }
    assert (second["form"], second["home"], list(second)) == ("DL", drawn, list(first))


def test_the_league_is_that_of_the_fixtures(tmp_path: Path) -> None:
    with served(Simulator()) as api:
        (item,) = api.response("standings", league=140, season=2020)
    league = item["league"]
    assert list(league) == ["id", "name", "country", "logo", "flag", "season", "standings"]
    assert (league["name"], league["country"], league["season"]) == ("La Liga (simulated)", "Spain", 2020)
    assert [len(table) for table in league["standings"]] == [20]
    assert {row["group"] for row in league["standings"][0]} == {"La Liga (simulated)"}


def test_a_team_gets_its_rows_only_in_any_league(tables: Tables) -> None:
    (table,) = tables(competitions.league())
    assert tables(competitions.league(), team=903) == [[row for row in table if row["team"]["id"] == 903]]
    assert tables(competitions.league(), team=33) == []
    with served(Simulator()) as api:
        (item,) = api.response("standings", team=400_001, season=2020)
        assert (item["league"]["id"], len(item["league"]["standings"][0])) == (40, 1)
        assert api.response("standings", team=1, season=2020) == []


@pytest.mark.parametrize(
    ("parameters", "errors"),
    [
        ({}, {"required": "At least one parameter is required."}),
        ({"league": 39}, {"season": "The Season field is required."}),
        ({"team": 39}, {"season": "The Season field is required."}),
        ({"season": 2020}, {"season": "The Season field need another parameter."}),
        ({"league": 39, "season": 20}, {"season": "The Season field must be at least 4 characters in length."}),
        ({"league": "PL", "season": 2020}, {"league": "The League field must contain an integer."}),
        ({"league": 39, "season": 2020, "date": "2020-10-01"}, {"date": "The Date field do not exist."}),
    ],
)
def test_invalid_parameters_are_rejected(parameters: dict[str, Any], errors: dict[str, str]) -> None:
    with served(Simulator()) as api:
        assert api.errors("standings", **parameters) == errors


@pytest.mark.parametrize("season", [{"league": 1, "season": 2020}, {"league": 39, "season": 1999}])
def test_an_unknown_season_has_no_standings(season: dict[str, int]) -> None:
    with served(Simulator()) as api:
        assert api.response("standings", **season) == []


def test_the_plan_and_the_quota_apply() -> None:
    with served(Simulator(), FREE) as api:
        refusal = {"plan": "Free plans do not have access to this season, try from 2022 to 2024."}
        assert api.errors("standings", league=39, season=2020) == refusal
        assert api.response("standings", league=39, season=2022)
        assert api.get("status").json()["response"]["requests"]["current"] == 2
    with served(Simulator(), ApiPlan("Small", per_day=1, per_minute=9)) as api:
        api.response("standings", league=39, season=2020)
        assert list(api.errors("standings", league=39, season=2020)) == ["requests"]


# --- as of the clock ---


def test_a_table_counts_the_matches_that_are_over(tables: Tables) -> None:
    competition = competitions.league(8)
    last = max(datetime.fromisoformat(item["fixture"]["date"]) for item in competition.fixtures)
    for now in (
        *(competition.start + timedelta(weeks=weeks, hours=4, minutes=59) for weeks in (0, 3, 9)),
        last + timedelta(hours=1, minutes=59),
        last + timedelta(hours=2),
    ):
        over = [
            item
            for item in competition.fixtures
            if datetime.fromisoformat(item["fixture"]["date"]) + timedelta(hours=2) <= now
        ]
        (table,) = tables(competition, now=now)
        assert figures(table) == figures(competition.rank(teams(8), over))
    assert len(over) == len(competition.fixtures)


def test_a_season_that_has_not_begun_has_a_table_of_zeros(tables: Tables) -> None:
    (table,) = tables(competitions.league(4), now=datetime(2023, 8, 1, 12, tzinfo=UTC))
    assert names(table) == ["Alpha", "Bravo", "Carmo", "Delta"]
    assert {(row["points"], row["all"]["played"], row["form"], row["update"][:10]) for row in table} == {
        (0, 0, None, "2023-08-01")
    }


def test_the_form_is_of_the_last_five_matches(tables: Tables) -> None:
    competition = InventedCompetition()
    for week, goals in enumerate([(9, 0), (1, 0), (0, 1), (0, 0), (2, 0), (0, 3)]):
        competition.add(f"Regular Season - {week + 1}", 901, 902, goals, week=week)
    (table,) = tables(competition)
    assert {row["team"]["name"]: row["form"] for row in table} == {"Alpha": "LWDLW", "Bravo": "WLDWL"}


def test_a_cup_has_no_standings(tables: Tables) -> None:
    cup = InventedCompetition(league=45, name="Invented Cup")
    cup.add("Play-offs - 1", 901, 902)
    cup.add("Round of 16", 901, 903, week=1)
    cup.add("Final", 901, 904, week=2)
    assert tables(cup) == []
    assert tables(competitions.league(), {"standings": False}) == []


# --- rules ---


def test_play_offs_do_not_count(tables: Tables) -> None:
    competition = competitions.with_play_offs()
    assert [figures(table) for table in tables(competition)] == [figures(competition.tables[0])]


@pytest.mark.parametrize("days", [0, 41])
def test_a_match_under_two_ids_counts_once(tables: Tables, days: int) -> None:
    competition = competitions.with_doubled_match(days)
    (table,) = tables(competition)
    assert {row["all"]["played"] for row in table} == {5}


@pytest.mark.parametrize(
    ("league", "season", "rules", "order"),
    [
        (39, 2023, None, ["Carmo", "Bravo", "Alpha", "Delta"]),
        (39, 2023, {"ranking": "head to head"}, ["Carmo", "Alpha", "Bravo", "Delta"]),
        (135, 2023, None, ["Carmo", "Alpha", "Bravo", "Delta"]),
        (135, 2023, {"ranking": "goal difference"}, ["Carmo", "Bravo", "Alpha", "Delta"]),
        (2, 2023, None, ["Carmo", "Alpha", "Bravo", "Delta"]),
        (2, 2024, None, ["Carmo", "Bravo", "Alpha", "Delta"]),
    ],
)
def test_teams_with_equal_points_are_ranked_by_the_tie_break(
    tables: Tables, league: int, season: int, rules: Any, order: list[str]
) -> None:
    competition = InventedCompetition(league, season)
    for number, (home, away, goals) in enumerate(
        [(901, 902, (1, 0)), (902, 903, (9, 0)), (903, 901, (1, 0)), (903, 904, (1, 0))], 1
    ):
        competition.add(f"Regular Season - {number}", home, away, goals, week=number)
    (table,) = tables(competition, rules)
    assert names(table) == order


@pytest.mark.parametrize(("season", "first"), [(2022, "Bravo"), (2023, "Alpha")])
def test_more_wins_come_first_in_some_leagues(tables: Tables, season: int, first: str) -> None:
    competition = InventedCompetition(league=61, season=season)
    competition.add("Regular Season - 1", 901, 903, (1, 0))
    competition.add("Regular Season - 2", 903, 901, (9, 0), week=1)
    for week in (2, 3, 4):
        competition.add(f"Regular Season - {week + 1}", 902, 904, (2, 2), week=week)
    (table,) = tables(competition, {"groups": {"Table": [901, 902]}})
    assert (names(table)[0], points(table)) == (first, {"Alpha": 3, "Bravo": 3})


def test_deductions_change_points_and_ranks(tables: Tables) -> None:
    competition = competitions.with_deductions()
    assert figures(tables(competition, {"deductions": {"902": 8, "903": 4}})[0]) == figures(competition.tables[0])


def test_a_deduction_can_begin_and_be_reduced_later(tables: Tables) -> None:
    deductions = [{"points": 10, "from": "2023-11-17"}, {"points": -4, "from": "2024-02-26"}]
    competition = competitions.league(4)
    (plain,) = tables(competition)
    for day, deducted in (("2023-11-16", 0), ("2023-11-17", 10), ("2024-02-25", 10), ("2024-02-26", 6)):
        now = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        (table,) = tables(competition, {"deductions": {"902": deductions}}, now)
        assert points(table) == points(plain) | {"Bravo": points(plain)["Bravo"] - deducted}


@pytest.mark.parametrize("form", ["null", "three", "silent", "cancelled"])
def test_a_decided_result_counts_instead_of_the_score(tables: Tables, form: str) -> None:
    competition = competitions.with_award(form)
    decided = competition.fixtures[9]["fixture"]
    (table,) = tables(competition, {"results": {str(decided["id"]): [0, 3]}})
    assert figures(table) == figures(competition.tables[0])
    before = datetime.fromisoformat(decided["date"]) + timedelta(hours=1)
    assert tables(competition, {"results": {str(decided["id"]): [0, 3]}}, before) == tables(competition, {}, before)


def test_an_awarded_match_without_goals_counts_as_three_goals(tables: Tables) -> None:
    competition = competitions.with_award("null")
    assert figures(tables(competition)[0]) == figures(competition.tables[0])


def test_groups_and_a_ranking_of_their_third_teams(tables: Tables) -> None:
    competition = competitions.group_tournament()
    groups = {f"Group {letter}": teams(4, 901 + 4 * n) for n, letter in enumerate("ABCD")}
    computed = tables(competition, {"groups": groups, "places": {"Ranking of third-placed teams": 3}})
    assert [figures(table) for table in computed] == [figures(table) for table in competition.tables]


def test_groups_that_the_rounds_name_need_no_rules(tables: Tables) -> None:
    competition = competitions.group_tournament(third_placed=False)
    assert [figures(table) for table in tables(competition)] == [figures(table) for table in competition.tables]


def test_conferences_count_the_matches_between_them(tables: Tables) -> None:
    competition = competitions.conferences(overall=True)
    rules = {
        "groups": {"Eastern Conference": teams(6), "Western Conference": teams(6, 907)},
        "overall": "Overall",
        "ranking": "goal difference",
    }
    computed = tables(competition, rules)
    assert [figures(table) for table in computed] == [figures(table) for table in competition.tables]


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("counts_all", [True, False])
@pytest.mark.parametrize("halved", [False, True])
def test_a_split_carries_points(tables: Tables, halved: bool, counts_all: bool, labels: bool) -> None:
    competition = competitions.split(halved, counts_all, regular_table=True)
    if not labels:  # the numbers of the rounds continue, as in Scotland
        for item in competition.fixtures[56:]:
            number = int(item["league"]["round"].rpartition(" ")[2])
            item["league"]["round"] = f"Regular Season - {14 + number}"
    rules = {
        "split": {
            "after": 14,
            "groups": {"Championship Round": 4, "Relegation Round": 4},
            "points": "halved" if halved else "kept",
            "matches": "all" if counts_all else "later",
            "regular_table": True,
        }
    }
    regular, *groups = tables(competition, rules)
    assert [row[:5] + row[6:] for row in figures(regular)] == [
        row[:5] + row[6:] for row in figures(competition.tables[0])
    ]
    assert [figures(table) for table in groups] == [figures(table) for table in competition.tables[1:]]
    (before,) = tables(competition, rules, competition.start + timedelta(weeks=13))
    assert {row["all"]["played"] for row in before} == {13}


def test_half_a_point_is_rounded_as_the_rule_says(tables: Tables) -> None:
    competition = competitions.split(regular_table=True)
    (regular, *_) = competition.tables
    after_first_phase = competition.start + timedelta(weeks=19)

    def halves(how: str) -> dict[str, int]:
        rules = {"split": {"after": 14, "groups": {"Top": 4, "Bottom": 4}, "points": how}}
        top, bottom = tables(competition, rules, after_first_phase)
        return points(top) | points(bottom)

    assert halves("halved") == {name: (earned + 1) // 2 for name, earned in points(regular).items()}
    assert halves("halved down") == {name: earned // 2 for name, earned in points(regular).items()}
    assert halves("dropped") == dict.fromkeys(points(regular), 0)
    assert any(earned % 2 for earned in points(regular).values())


def test_a_split_does_not_wait_for_a_match_that_is_never_played(tables: Tables) -> None:
    competition = competitions.split(regular_table=False)
    cancelled = competition.fixtures[3]
    cancelled["fixture"]["status"] = {"long": "CANC", "short": "CANC", "elapsed": None}
    cancelled["goals"] = {"home": None, "away": None}
    rules = {"split": {"after": 14, "groups": {"Top": 4, "Bottom": 4}}}
    assert len(tables(competition, rules, competition.start + timedelta(weeks=19))) == 1
    assert [len(table) for table in tables(competition, rules)] == [4, 4]


@pytest.mark.parametrize("zones", [False, True])
def test_two_tournaments_have_a_table_each_and_an_annual_one(tables: Tables, zones: bool) -> None:
    competition = competitions.apertura_clausura(annual=True, zones=zones)
    rules: dict[str, Any] = {"overall": "Anual 2025"}
    if zones:
        rules["groups"] = {"Group A": teams(4), "Group B": teams(4, 905)}
    computed = tables(competition, rules)
    stages = ["Apertura, Group A", "Apertura, Group B", "Clausura, Group A", "Clausura, Group B"]
    expected = [*(stages if zones else ["Apertura", "Clausura"]), "Anual 2025"]
    assert [table[0]["group"] for table in computed] == expected
    for table, official in zip(computed, competition.tables, strict=True):
        assert [row[:5] + row[6:] for row in figures(table)] == [row[:5] + row[6:] for row in figures(official)]


def test_averages_sum_several_seasons(tmp_path: Path) -> None:
    seasons = [competitions.league(4, season=year, league=128) for year in (2023, 2024, 2025)]
    for number, competition in enumerate(seasons):
        for item in competition.fixtures:
            item["fixture"]["id"] += 1000 * number
        (tmp_path / f"{competition.season}.json").write_text(json.dumps(competition.fixtures_body))
    _, averages = request_tables(Recordings(tmp_path), (128, 2025), {"averages": {"Promedios 2025": 3}})
    once = points(seasons[0].tables[0])
    assert points(averages) == {name: 3 * earned for name, earned in once.items()}
    assert {(row["all"]["played"], row["all"]["win"], row["goalsDiff"], row["group"]) for row in averages} == {
        (18, 0, 0, "Promedios 2025")
    }
    assert [row["points"] for row in averages] == sorted((row["points"] for row in averages), reverse=True)


def test_a_simulated_league_plays_on_in_the_groups_of_a_split() -> None:
    rules = {"88-2020": {"split": {"after": 26, "groups": {"Top": 6, "Bottom": 12}, "points": "halved"}}}
    source = Simulator(rules=parse_rules(rules))
    with served(source, ApiPlan("Large", 10**6, 10**6), parse_rules(rules)) as api:
        api.now = datetime(2021, 2, 1, tzinfo=UTC)
        assert len(api.response("fixtures", league=88, season=2020)) == 26 * 9
        (table,) = api.response("standings", league=88, season=2020)[0]["league"]["standings"]
        assert len(table) == 18
        assert api.response("fixtures", id=88_020_305) == []
        api.now = datetime(2021, 6, 30, tzinfo=UTC)
        fixtures = api.response("fixtures", league=88, season=2020)
        top, bottom = api.response("standings", league=88, season=2020)[0]["league"]["standings"]
        assert len(api.response("fixtures", id=88_020_305)[0]["statistics"]) == 2
    first = [item for item in fixtures if item["league"]["round"].startswith("Regular Season - ")]
    assert len(fixtures) == 34 * 9 and len(first) == 26 * 9
    for table, name in ((top, "Top"), (bottom, "Bottom")):
        members = {row["team"]["id"] for row in table}
        later = [item for item in fixtures if item["league"]["round"].startswith(f"{name} - ")]
        assert {team["id"] for item in later for team in item["teams"].values()} == members
        assert {row["all"]["played"] for row in table} == {34}
        assert {item["league"]["round"] for item in later} == {f"{name} - {number}" for number in range(1, 9)}
    simulator = Simulator()
    assert source.fixtures(39, 2020, AFTERWARDS) == simulator.fixtures(39, 2020, AFTERWARDS)
    ranked = InventedCompetition(fixtures=first).rank({row["team"]["id"] for row in top + bottom})
    assert {row["team"]["id"] for row in ranked[:6]} == {row["team"]["id"] for row in top}


# --- recordings ---


def test_recorded_standings_are_served_as_they_are(tmp_path: Path) -> None:
    competition = competitions.with_deductions()
    competition.tables[0][0]["description"] = "Promotion"
    source = record_in(tmp_path, competition, standings=True)
    with served(source) as api:
        api.now = AFTERWARDS
        assert api.response("standings", league=39, season=2023) == competition.standings_body["response"]
        (item,) = api.response("standings", league=39, season=2023, team=902)
        assert item["league"]["standings"] == [[row for row in competition.tables[0] if row["team"]["id"] == 902]]


def test_before_the_last_recorded_match_tables_are_computed(tmp_path: Path) -> None:
    competition = competitions.with_deductions()
    source = record_in(tmp_path, competition, standings=True)
    last = max(datetime.fromisoformat(item["fixture"]["date"]) for item in competition.fixtures)
    (table,) = request_tables(source, (39, 2023), now=last + timedelta(minutes=119))
    assert min(row["all"]["played"] for row in table) == 13
    assert request_tables(source, (39, 2023), now=last + timedelta(minutes=120)) == competition.tables


def test_rules_replace_recorded_standings(tmp_path: Path) -> None:
    competition = competitions.with_deductions()
    source = record_in(tmp_path, competition, standings=True)
    (table,) = request_tables(source, (39, 2023), {"deductions": {"904": 1}})
    assert points(table)["Bravo"] == points(competition.tables[0])["Bravo"] + 8


def test_a_snapshot_of_standings_is_valid_until_the_next_match_is_over(tmp_path: Path) -> None:
    competition = competitions.league(4)
    source = record_in(tmp_path, competition)
    known = [item for item in competition.fixtures if item["fixture"]["date"] < "2023-08-20"]
    snapshot = InventedCompetition(tables=[competition.rank(teams(4), known, points=lambda team, row: 77)])
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "standings-39-2023-asof-2023-08-22.json").write_text(json.dumps(snapshot.standings_body))

    def is_recorded(now: str) -> bool:
        (table,) = request_tables(source, (39, 2023), now=datetime.fromisoformat(f"{now}+00:00"))
        return {row["points"] for row in table} == {77}

    first = min(item["fixture"]["date"] for item in competition.fixtures if item["fixture"]["date"] > "2023-08-22")
    over = datetime.fromisoformat(first) + timedelta(hours=2)
    assert not is_recorded("2023-08-21T23:59")
    assert is_recorded("2023-08-22T00:00")
    assert is_recorded((over - timedelta(minutes=1)).isoformat()[:16])
    assert not is_recorded(over.isoformat()[:16])
    # Taken before or after the matches of its day: unknown, so that the table is computed.
    (tmp_path / "snapshots" / "standings-39-2023-asof-2023-08-22.json").rename(
        tmp_path / "snapshots" / "standings-39-2023-asof-2023-08-19.json"
    )
    source = Recordings(tmp_path)
    assert not is_recorded("2023-08-19T00:00") and not is_recorded("2023-08-20T00:00")


# --- the command line ---


def test_the_command_line_saves_rules_and_resets_them(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "aws", tmp_path)
    (tmp_path / "rules.json").write_text('{"39-2020": {"deductions": {"45": 8}}}', encoding="utf-8-sig")
    shown = cli("local", "football", "--standings", "rules.json")
    assert shown.stdout == "Football API: plan pro, no failures, standings by the rules of 39-2020.\n", shown.stderr
    assert cli("local", "football", "--plan", "free").stdout.endswith("standings by the rules of 39-2020.\n")
    assert cli("local", "football", "--well").stdout == "Football API: plan pro, no failures.\n"


def test_the_documented_rules_are_accepted() -> None:
    text = (ROOT / "docs" / "local-aws.md").read_text()
    (example,) = re.findall(r"^    \{\n.*?^    \}$", text, re.MULTILINE | re.DOTALL)
    rules = parse_rules(json.loads(example))
    check_rules(rules, Simulator(), AFTERWARDS)
    assert rules["39-2023"].deductions[45][1].points == -4
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", text, re.MULTILINE)
    assert {name for name, _ in rows} == {one.name for one in fields(TableRules)}
    for name, value in rows:
        parse_rules({"39": {name: json.loads(value)}})


WRONG = {
    "{half": "Expecting property name",
    "[]": "the file: expected an object, not []",
    '{"PL": {}}': "'PL' is not a season such as 39-2023 or a league such as 39",
    '{"39-2020": {"deduction": {}}}': "39-2020: key 'deduction' is unknown; expected one of: deductions, results",
    '{"39-2020": {"deductions": {"45": 1000}}}': "39-2020 deductions 45: expected a number from -200 to 200, not 1000",
    '{"39-2020": {"deductions": {"45": "8"}}}': "not '8'",
    '{"39-2020": {"deductions": {"45": [{"points": 8, "from": "May"}]}}}': "'May' is not a date such as 2023-11-17",
    '{"39-2020": {"deductions": {"Everton": 8}}}': "39-2020 deductions: 'Everton' is not an id",
    '{"39-2020": {"deductions": {"35": 8}}}': "39-2020: no team with the id 35 in these fixtures",
    '{"39": {"groups": {"A": [33, 9]}}}': "39: no team with the id 9 in these fixtures",
    '{"39-2020": {"groups": {"A": [33], "B": [33]}}}': "a team is in two groups",
    '{"39-2020": {"results": {"7": [0, 3]}}}': "39-2020: no fixture with the id 7 in these fixtures",
    '{"39-2020": {"results": {"39020001": [3]}}}': "expected the goals of both teams such as [0, 3]",
    '{"39-2020": {"ranking": "luck"}}': "'luck' is unknown; expected one of: goal difference, head to head, wins",
    '{"39-2020": {"split": {"groups": {"A": 20}}}}': "39-2020 split after: expected a number from 1 to 99.",
    '{"39-2020": {"split": {"after": 40, "groups": {"A": 20}}}}': "39-2020 split after: the last round is 38",
    '{"39-2020": {"split": {"after": 33, "groups": {"A": 6}}}}': "add up to 6, but the league has 20 teams",
    '{"39-1999": {}}': "39-1999: no fixtures of this season (simulated league)",
    '{"39-2020": {"standings": "no"}}': "expected true or false, not 'no'",
}


def test_wrong_rules_are_rejected_with_the_place(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "aws", tmp_path)
    for text, words in WRONG.items():
        (tmp_path / "rules.json").write_text(text)
        refused = cli("local", "football", "--standings", "rules.json")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "Invalid value for --standings: Cannot use rules.json: " in refused.stderr
        assert words in refused.stderr, refused.stderr
    assert cli("local", "football").stdout == "Football API: plan pro, no failures.\n"


def test_rules_are_checked_with_the_fixtures_of_the_recordings(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "aws", tmp_path)
    record_in(tmp_path / "recordings", competitions.league())
    (tmp_path / "rules.json").write_text('{"39-2023": {"deductions": {"902": 8}}}')
    settings = {"FOOTLAKE_RECORDINGS": str(tmp_path / "recordings")}
    assert cli("local", "football", "--standings", "rules.json", **settings).returncode == 0
    refused = cli("local", "football", "--standings", "rules.json")
    assert "39-2023: no team with the id 902" in refused.stderr
