"""Official tables against fixtures: which matches a table counts, decisions, deductions, and what does not fit."""

from __future__ import annotations

import copy
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footlake.football.league_tables import LeagueTable, SeasonTables
from footlake.football.reconciliation import reconcile_season
from footlake.football.round_selection import to_figures
from footlake.football.season_fixtures import NOTHING, Record, parse_season_fixtures
from footlake.football.standings import Standings, parse_standings
from tests.football import bodies
from tests.football.test_standings import standings_bodies
from tests.support import competitions
from tests.support.competitions import InventedCompetition, decide, teams

RECORDINGS = Path(os.environ.get("FOOTLAKE_RECORDINGS", Path(__file__).parents[3] / "shared" / "api-football"))


def reconcile(competition: InventedCompetition) -> SeasonTables:
    """Reconcile a competition's bodies and check what is true of every result."""
    standings = parse_standings(competition.standings_body)
    fixtures = parse_season_fixtures(competition.fixtures_body["response"]).fixtures
    season = reconcile_season(standings, fixtures)
    assert [table.number for table in season.tables] == [table.number for table in standings.tables]
    for table in season.tables:
        check_table(table)
    return season


def check_table(table: LeagueTable) -> None:
    """Check that the matches of a table add up to its official figures, unless it says that they do not."""
    sums: dict[int, Record] = {}
    for match in table.matches:
        sums[match.team_id] = sums.get(match.team_id, NOTHING).plus(match.record)
    for row in table.rows:
        official = row.official
        assert official is not None
        split = row.split_points
        assert official.points in (None, split.earned + split.carried + split.adjusted)
        if table.reconciled in ("equal", "decided", "stale", "not started"):
            assert row.team_id is not None
            assert to_figures(sums.get(row.team_id, NOTHING)) == (
                *(official.played, official.won, official.drawn, official.lost),
                *(official.goals_for, official.goals_against),
            )
    assert bool(table.differences) == (table.reconciled == "different")


def outcomes(season: SeasonTables) -> list[tuple[str, str]]:
    return [(table.kind, table.reconciled) for table in season.tables]


# --- kinds of competitions ---


def test_a_league_counts_its_rounds_and_no_play_offs() -> None:
    (table,) = reconcile(competitions.with_play_offs()).tables
    assert (table.kind, table.reconciled, table.rounds) == ("league", "equal", ("Regular Season",))
    assert len(table.matches) == 2 * 56


def test_deductions_are_shown_beside_the_points() -> None:
    (table,) = reconcile(competitions.with_deductions()).tables
    assert table.reconciled == "equal"
    adjusted = {row.team: row.split_points.adjusted for row in table.rows if row.split_points.adjusted}
    assert adjusted == {"Bravo": -8, "Carmo": -4}


def test_ranks_are_the_official_ones() -> None:
    (table,) = reconcile(competitions.head_to_head()).tables
    assert [(row.rank, row.team) for row in table.rows][:2] == [(1, "Alpha"), (2, "Bravo")]
    assert table.rows[0].points == table.rows[1].points


def test_groups_count_only_their_matches_and_third_placed_teams_are_a_ranking() -> None:
    season = reconcile(competitions.group_tournament())
    assert outcomes(season) == [("group", "equal")] * 4 + [("ranking", "derived")]
    assert [table.rounds for table in season.tables[:2]] == [("Group A",), ("Group B",)]
    assert season.tables[4].matches == ()
    assert season.current == season.tables[:4]


def test_a_ranking_without_the_matches_against_the_last_is_recognised() -> None:
    competition = competitions.group_tournament()
    for row in competition.tables[4]:
        group = next(t for t in competition.tables if any(r["team"] == row["team"] for r in t))
        last = group[3]["team"]["id"]
        items = [
            item
            for item in competition.items("Group")
            if last not in (item["teams"]["home"]["id"], item["teams"]["away"]["id"])
        ]
        row["all"] = competitions.sum_figures(row["team"]["id"], items)
    assert outcomes(reconcile(competition))[4] == ("ranking", "derived")


def test_before_the_first_match_groups_and_their_ranking_are_told_apart() -> None:
    competition = competitions.group_tournament()
    for item in competition.fixtures:
        item["fixture"]["status"]["short"], item["goals"] = "NS", {"home": None, "away": None}
    competition.tables = [
        competition.rank([row["team"]["id"] for row in rows], [], rows[0]["group"]) for rows in competition.tables
    ]
    assert outcomes(reconcile(competition)) == [("group", "not started")] * 4 + [("ranking", "derived")]


def test_a_match_between_conferences_counts_in_both() -> None:
    season = reconcile(competitions.conferences(overall=True))
    assert outcomes(season) == [("conference", "equal")] * 2 + [("overall", "equal")]
    east, west, _ = season.tables
    assert {m.fixture_id for m in east.matches} & {m.fixture_id for m in west.matches}
    assert not {(m.fixture_id, m.team_id) for m in east.matches} & {(m.fixture_id, m.team_id) for m in west.matches}
    assert season.current == (east, west)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("regular_table", [True, False])
@pytest.mark.parametrize("counts_all", [True, False])
@pytest.mark.parametrize("halved", [True, False])
def test_a_split_keeps_or_halves_points_without_deductions(
    halved: bool, counts_all: bool, regular_table: bool, labels: bool
) -> None:
    season = reconcile(competitions.split(halved, counts_all, regular_table, labels))
    groups = season.tables[regular_table:]
    assert [(table.kind, table.reconciled) for table in groups] == [("split", "equal")] * 2
    assert [table.carry_over for table in groups] == ["halved" if halved else ""] * 2
    assert all(row.split_points.adjusted == 0 for table in groups for row in table.rows)
    assert all(table.points_explained for table in groups)
    assert season.current == groups
    if regular_table:
        assert (season.tables[0].kind, season.tables[0].superseded) == ("league", True)


def test_the_first_phase_of_a_split_is_no_stage_if_most_teams_play_on_in_one_group() -> None:
    season = reconcile(competitions.split(counts_all=False, size=3))
    assert [(table.kind, table.superseded) for table in season.tables] == [
        *(("league", True), ("split", False), ("split", False))
    ]


def test_points_are_halved_before_the_first_match_after_the_split() -> None:
    competition = competitions.split(halved=True)
    regular, later = competition.fixtures[:56], competition.fixtures[56:]
    for item in later:
        item["fixture"]["status"] = {"long": "Not Started", "short": "NS", "elapsed": None}
        item["goals"] = {"home": None, "away": None}
    upper, lower = ([row["team"]["id"] for row in table] for table in competition.tables[1:])
    competition.tables[1:] = [
        competition.rank(group, regular, name, lambda team, row: -(-(3 * row["win"] + row["draw"]) // 2))
        for group, name in ((upper, "Championship Round"), (lower, "Relegation Round"))
    ]
    for table in reconcile(competition).tables[1:]:
        assert (table.reconciled, table.carry_over, table.points_explained) == ("equal", "halved", True)
        assert all(row.split_points.adjusted == 0 for row in table.rows)


def test_a_deduction_in_a_split_with_halved_points_is_a_deduction() -> None:
    competition = competitions.split(halved=True)
    competition.tables[1][2]["points"] -= 3
    table = reconcile(competition).tables[1]
    assert [row.split_points.adjusted for row in table.rows] == [0, 0, -3, 0]


def test_points_that_no_rule_explains_are_no_deductions() -> None:
    competition = competitions.league(8)
    for number, row in enumerate(competition.tables[0]):
        row["points"] -= number * number
    (table,) = reconcile(competition).tables
    assert not table.points_explained
    assert (table.kind, table.reconciled) == ("league", "equal")
    assert all(row.split_points.adjusted == 0 for row in table.rows)


@pytest.mark.parametrize("zones", [True, False])
def test_apertura_and_clausura_are_stages_and_their_sums_are_derived(zones: bool) -> None:
    season = reconcile(competitions.apertura_clausura(annual=True, averages=True, zones=zones))
    stages = 4 if zones else 2
    assert outcomes(season) == [("stage", "equal")] * stages + [("overall", "equal"), ("averages", "derived")]
    assert [table.rounds for table in season.tables[:stages]] == sorted([("Apertura",), ("Clausura",)] * (stages // 2))
    assert season.current == season.tables[stages // 2 : stages]


@pytest.mark.parametrize("names", [("Apertura", "Clausura"), ("Clausura", "Apertura"), ("Part 1", "Part 2")])
def test_stages_with_the_same_results_are_told_apart(names: tuple[str, str]) -> None:
    competition = InventedCompetition()
    for week, stage in ((0, "Apertura"), (24, "Clausura")):
        for number, (home, away) in enumerate([(901, 902), (902, 903), (903, 901)]):
            competition.add(f"{stage} - {number + 1}", home, away, (number + 1, 0), week=week + number)
    rows = {name: competition.rank([901, 902, 903], competition.items("Apertura"), name) for name in names}
    competition.tables = [rows[name] for name in names]
    rounds = [table.rounds for table in reconcile(competition).tables]
    assert rounds == ([(name,) for name in names] if "Apertura" in names else [("Apertura",), ("Clausura",)])


def test_an_empty_table_is_not_current_while_its_teams_play_another_stage() -> None:
    competition = competitions.apertura_clausura()
    for item in competition.items("Clausura"):
        item["fixture"]["status"]["short"], item["goals"] = "NS", {"home": None, "away": None}
    competition.tables[1] = competition.rank(teams(8), [], "Clausura")
    season = reconcile(competition)
    assert outcomes(season) == [("stage", "equal"), ("stage", "not started")]
    assert season.current == season.tables[:1]
    competition.tables = [competition.rank(teams(8), [], "Clausura")]
    season = reconcile(competition)
    assert season.current == season.tables


def test_an_annual_table_is_derived_before_the_second_stage_begins() -> None:
    competition = competitions.apertura_clausura()
    for item in competition.items("Clausura"):
        item["fixture"]["status"]["short"], item["goals"] = "NS", {"home": None, "away": None}
    apertura = competition.items("Apertura -")
    competition.tables = [
        competition.rank(teams(8), apertura, "Apertura"),
        competition.rank(teams(8), [], "Clausura"),
        competition.rank(teams(8), apertura, "Anual 2025"),
    ]
    assert outcomes(reconcile(competition)) == [("stage", "equal"), ("stage", "not started"), ("overall", "equal")]


def test_an_annual_table_is_derived_without_the_tables_of_the_first_stage() -> None:
    competition = competitions.apertura_clausura(annual=True, zones=True)
    competition.tables = competition.tables[2:]
    assert outcomes(reconcile(competition)) == [("conference", "equal")] * 2 + [("overall", "equal")]


def test_averages_of_two_seasons_are_recognised_before_the_first_match() -> None:
    competition = competitions.apertura_clausura(averages=True)
    for item in competition.fixtures:
        item["fixture"]["status"]["short"], item["goals"] = "NS", {"home": None, "away": None}
    for rows in competition.tables:
        for row in rows:
            played = 12 if rows is competition.tables[-1] else 0
            row["all"] = {"played": played, "win": 0, "draw": 0, "lose": 0, "goals": {"for": 0, "against": 0}}
    assert outcomes(reconcile(competition)) == [("stage", "not started")] * 2 + [("averages", "derived")]


def test_a_second_group_stage_is_no_ranking() -> None:
    competition = competitions.group_tournament(third_placed=False)
    for place in (0, 1):
        members = [rows[place]["team"]["id"] for rows in competition.tables[:4]]
        competition.add_rounds(members, "2nd Group Stage - {}", week=16)
        items = [item for item in competition.items("2nd") if item["teams"]["home"]["id"] in members]
        competition.tables.append(competition.rank(members, items, f"Group {place + 1}"))
    assert outcomes(reconcile(competition)) == [("group", "equal")] * 6


@pytest.mark.parametrize("decide", [True, False])
def test_points_for_shoot_outs_are_no_deductions(decide: bool) -> None:
    season = reconcile(competitions.with_shoot_outs(decide))
    assert outcomes(season) == [("group", "equal")] * 4
    assert all(table.points_explained and not table.decisions for table in season.tables)
    assert all(row.split_points.adjusted == 0 for table in season.tables for row in table.rows)


# --- results by decision ---


@pytest.mark.parametrize("form", ["null", "zero", "silent", "cancelled"])
def test_a_result_by_decision_counts_as_the_table_has_it(form: str) -> None:
    competition = competitions.with_award(form)
    (table,) = reconcile(competition).tables
    assert table.reconciled == "decided"
    decided = [match for match in table.matches if match.reason]
    assert {match.fixture_id for match in decided} == {competition.fixtures[9]["fixture"]["id"]}
    assert {match.record for match in decided} == {Record(lost=1, goals_against=3), Record(won=1, goals_for=3)}
    assert all("the table counts 0-3" in match.reason for match in decided)


def test_an_award_that_the_fixture_shows_is_no_decision() -> None:
    (table,) = reconcile(competitions.with_award("three")).tables
    assert table.reconciled == "equal"


def test_the_results_of_a_withdrawn_team_can_be_annulled() -> None:
    competition = competitions.league(8)
    valid = [item for item in competition.fixtures if 903 not in (item["teams"][side]["id"] for side in item["goals"])]
    competition.tables = [competition.rank(teams(8), valid)]
    (table,) = reconcile(competition).tables
    assert (table.kind, table.reconciled) == ("league", "equal")
    assert {match.fixture_id for match in table.matches} == {item["fixture"]["id"] for item in valid}
    assert len(table.omitted) == 14


def test_both_teams_can_lose() -> None:
    competition = competitions.with_award("cancelled")
    item = competition.fixtures[9]
    competition.tables = [competition.rank(teams(6))]
    for row in competition.tables[0]:
        if row["team"]["id"] in (item["teams"]["home"]["id"], item["teams"]["away"]["id"]):
            competitions.count_result(row["all"], 0, 3)
    (table,) = reconcile(competition).tables
    decided = [match for match in table.matches if match.reason]
    assert [match.record for match in decided] == [Record(lost=1, goals_against=3)] * 2
    assert "lost by both teams" in decided[0].reason


def test_several_decisions_are_found_with_typical_scores() -> None:
    competition = competitions.league(10)
    first, second = competition.fixtures[8], competition.fixtures[16]
    team = first["teams"]["home"]["id"]
    second = next(i for i in competition.fixtures[40:] if team in (i["teams"]["home"]["id"], i["teams"]["away"]["id"]))
    for item in (first, second):
        competitions.set_result(item, (1, 1))
    competition.tables = [competition.rank(teams(10))]
    decide(competition, first, (0, 3))
    decide(competition, second, (3, 0))
    (table,) = reconcile(competition).tables
    assert table.reconciled == "decided"
    assert {m.fixture_id for m in table.matches if m.reason} == {i["fixture"]["id"] for i in (first, second)}


def test_a_decision_between_conferences_is_found_in_both_tables() -> None:
    competition = competitions.conferences()
    regular = competition.items("Regular")
    item = next(i for i in regular if (i["teams"]["home"]["id"] < 907) != (i["teams"]["away"]["id"] < 907))
    competitions.set_result(item, (1, 1))
    competition.tables = [competition.rank(teams(6), regular), competition.rank(teams(6, 907), regular)]
    decide(competition, item, (0, 3))
    season = reconcile(competition)
    assert outcomes(season) == [("conference", "decided")] * 2
    assert {m.fixture_id for table in season.tables for m in table.matches if m.reason} == {item["fixture"]["id"]}


@pytest.mark.parametrize("withdrawn", [{903}, {903, 906}])
def test_withdrawn_teams_lose_their_last_matches(withdrawn: set[int]) -> None:
    competition = competitions.league(8)
    awarded = []
    for item in competition.fixtures[28:]:
        home, away = (item["teams"][side]["id"] in withdrawn for side in ("home", "away"))
        if home != away:
            competitions.set_result(item, (0, 3) if home else (3, 0))
            awarded.append(item)
    competition.tables = [competition.rank(teams(8))]
    for item in awarded:
        item["fixture"]["status"]["short"], item["goals"] = "WO", {"home": None, "away": None}
    (table,) = reconcile(competition).tables
    assert table.reconciled == "decided"
    assert {match.fixture_id for match in table.decisions} == {item["fixture"]["id"] for item in awarded}


# --- stale, incomplete and wrong tables ---


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 59))
def test_a_stale_table_equals_the_first_matches(count: int) -> None:
    competition = competitions.league(6, legs=4)
    in_time = sorted(competition.fixtures, key=lambda item: (item["fixture"]["date"], item["fixture"]["id"]))
    competition.tables = [competition.rank(teams(6), in_time[:count])]
    (table,) = reconcile(competition).tables
    assert table.reconciled == "stale"
    assert {match.fixture_id for match in table.matches} == {item["fixture"]["id"] for item in in_time[:count]}
    assert set(table.omitted) == {item["fixture"]["id"] for item in in_time[count:]}
    assert table.counted_until == datetime.fromisoformat(in_time[count - 1]["fixture"]["date"])


@pytest.mark.parametrize(("weeks", "state"), [(1, "stale"), (8, "decided")])
def test_a_table_can_lack_older_matches_than_its_newest(weeks: int, state: str) -> None:
    competition = competitions.league(10)
    newest = max(item["fixture"]["date"] for item in competition.fixtures)
    in_time = sorted(competition.fixtures, key=lambda item: (item["fixture"]["date"], item["fixture"]["id"]))
    before = datetime.fromisoformat(newest) - timedelta(weeks=weeks, hours=-1)
    older = [item for item in in_time if datetime.fromisoformat(item["fixture"]["date"]) <= before]
    late = {item["fixture"]["id"] for item in older[-4:]}
    competition.tables = [competition.rank(teams(10), [item for item in in_time if item["fixture"]["id"] not in late])]
    (table,) = reconcile(competition).tables
    assert (table.kind, table.reconciled) == ("league", state)
    assert set(table.omitted) == late


def test_an_empty_table_beside_played_matches_is_stale() -> None:
    competition = competitions.league(6)
    competition.tables = [competition.rank(teams(6), [])]
    (table,) = reconcile(competition).tables
    assert (table.reconciled, len(table.omitted)) == ("stale", 30)


def test_a_stale_table_can_have_a_decision_and_a_deduction() -> None:
    competition = competitions.league(8)
    competitions.set_result(competition.fixtures[3], (1, 1))
    competition.tables = [competition.rank(teams(8), competition.fixtures[:40])]
    decide(competition, competition.fixtures[3], (0, 3))
    competition.tables[0][1]["points"] -= 6
    (table,) = reconcile(competition).tables
    assert table.reconciled == "stale"
    assert {m.fixture_id for m in table.matches if m.reason} == {competition.fixtures[3]["fixture"]["id"]}
    assert [row.split_points.adjusted for row in table.rows][1] == -6


def test_a_wrong_figure_is_named_with_its_team() -> None:
    competition = competitions.league(6)
    row = competition.tables[0][2]
    row["all"]["goals"]["for"] += 1
    (table,) = reconcile(competition).tables
    goals = row["all"]["goals"]["for"]
    assert [str(difference) for difference in table.differences] == [
        f"{row['team']['name']}: official goals for {goals}, fixtures {goals - 1}"
    ]
    assert len(table.matches) == 60


def test_missing_fixtures_are_differences_and_no_deductions() -> None:
    competition = competitions.league(6)
    del competition.fixtures[20:]
    (table,) = reconcile(competition).tables
    assert table.reconciled == "different"
    assert any("official played 10, fixtures" in str(difference) for difference in table.differences)
    assert all(row.split_points.adjusted == 0 for row in table.rows)


def test_a_table_can_be_ahead_of_the_fixtures() -> None:
    competition = competitions.league(8)
    for item in competition.fixtures[-4:]:
        item["fixture"]["status"]["short"], item["goals"] = "NS", {"home": None, "away": None}
    (table,) = reconcile(competition).tables
    assert table.reconciled == "decided"
    assert {m.fixture_id for m in table.matches if m.reason} == {i["fixture"]["id"] for i in competition.fixtures[-4:]}
    assert all(m.reason.startswith("Not Started with no score: the table counts") for m in table.matches if m.reason)


def test_a_team_without_fixtures_is_a_difference() -> None:
    competition = competitions.league(6)
    competition.tables[0].append(
        {**copy.deepcopy(competition.tables[0][0]), "rank": 7, "team": {"id": 5, "name": "Nowhere"}}
    )
    (table,) = reconcile(competition).tables
    assert "Nowhere: no fixtures of this team" in [str(difference) for difference in table.differences]


# --- identity ---


def test_teams_with_other_ids_are_matched_by_name_record_and_elimination() -> None:
    competition = competitions.league(8)
    rows = {row["team"]["id"]: row for row in competition.tables[0]}
    rows[901]["team"].update(id=5001, name="F.C. ÁLPHA")
    rows[902]["team"].update(id=5002, name="Qwerty")
    rows[903]["team"].update(id=5003, name="Zzz")
    (table,) = reconcile(competition).tables
    assert table.reconciled == "equal"
    assert {row.team_id: row.matched_by for row in table.rows if row.matched_by != "id"} == {
        **{901: "name", 902: "record", 903: "record"}
    }


def test_the_last_team_is_matched_by_elimination_even_if_its_figures_differ() -> None:
    competition = competitions.league(8)
    row = next(row for row in competition.tables[0] if row["team"]["id"] == 904)
    row["team"].update(id=5004, name="Qwerty")
    row["all"]["goals"]["for"] += 1
    (table,) = reconcile(competition).tables
    assert {row.team_id: row.matched_by for row in table.rows}[904] == "elimination"
    assert len(table.differences) == 1


@pytest.mark.parametrize(("days", "status"), [(1, "FT"), (41, "FT"), (41, "PST"), (0, "NS")])
def test_a_match_under_two_ids_counts_once(days: int, status: str) -> None:
    competition = competitions.with_doubled_match(days, status)
    season = reconcile(competition)
    assert outcomes(season) == [("league", "equal")]
    original, again = (competition.fixtures[n]["fixture"]["id"] for n in (4, -1))
    (duplicate,) = season.duplicates
    expected = (original, again) if status == "FT" else (again, original)
    assert (duplicate.dropped, duplicate.kept) == expected


def test_a_match_under_two_ids_can_have_another_id_of_a_team() -> None:
    competition = competitions.with_doubled_match(status="PST")
    competition.fixtures[-1]["teams"] = copy.deepcopy(competition.fixtures[-1]["teams"])
    competition.fixtures[-1]["teams"]["home"]["id"] = 7001
    assert len(reconcile(competition).duplicates) == 1


def test_a_club_with_two_ids_in_the_fixtures_is_one_team() -> None:
    competition = competitions.league(8)
    for item in competition.fixtures[:28]:
        for team in item["teams"].values():
            team["id"] = 7001 if team["id"] == 901 else team["id"]
    (table,) = reconcile(competition).tables
    assert table.reconciled == "equal"
    assert {match.team_id for match in table.matches} == set(teams(8))


def test_the_table_decides_whether_two_equal_results_of_a_round_are_one_match() -> None:
    competition = competitions.with_doubled_match()
    competition.tables = [competition.rank(teams(6))]
    season = reconcile(competition)
    assert outcomes(season) == [("league", "equal")]
    assert season.duplicates == ()


def test_the_id_of_the_newest_answer_counts() -> None:
    competition = competitions.with_doubled_match()
    fixtures = parse_season_fixtures(competition.fixtures).fixtures
    newest = {fixture.id for fixture in fixtures[:-1]}
    (duplicate,) = reconcile_season(Standings(), fixtures, newest_answer=newest).duplicates
    assert duplicate.dropped == fixtures[-1].id
    statistics = {fixtures[4].id}
    (duplicate,) = reconcile_season(Standings(), fixtures, with_statistics=statistics).duplicates
    assert duplicate.dropped == fixtures[-1].id


# --- without official tables ---


def compute(competition: InventedCompetition) -> SeasonTables:
    fixtures = parse_season_fixtures(competition.fixtures_body["response"]).fixtures
    return reconcile_season(parse_standings({"response": []}), fixtures)


def test_without_standings_the_table_is_computed_and_unofficial() -> None:
    competition = competitions.with_play_offs()
    season = compute(competition)
    (table,) = season.tables
    assert (table.reconciled, table.official) == ("unofficial", False)
    assert [(row.rank, row.team, row.points) for row in table.rows] == [
        (row["rank"], row["team"]["name"], row["points"]) for row in competition.tables[0]
    ]
    assert season.problems == ("The response has no tables.",)


def test_computed_groups_are_ranked_apart() -> None:
    season = compute(competitions.group_tournament())
    assert [(table.name, len(table.rows)) for table in season.tables] == [(f"Group {letter}", 4) for letter in "ABCD"]


def test_a_computed_split_goes_on_with_its_points() -> None:
    (table,) = compute(competitions.split()).tables
    assert {row.record.played for row in table.rows} == {14 + 6}


def test_computed_stages_do_not_add_up_and_finals_are_outside() -> None:
    season = compute(competitions.apertura_clausura())
    assert [(table.name, table.rows[0].record.played, table.superseded) for table in season.tables] == [
        *(("Apertura", 7, True), ("Clausura", 7, False))
    ]


def test_a_computed_stage_is_current_until_the_next_one_has_a_result() -> None:
    competition = competitions.apertura_clausura()
    for item in competition.items("Clausura"):
        item["fixture"]["status"]["short"], item["goals"] = "NS", {"home": None, "away": None}
    assert [(table.name, table.superseded) for table in compute(competition).tables] == [
        *(("Apertura", False), ("Clausura", False))
    ]
    competitions.set_result(competition.items("Clausura")[0], (1, 0))
    competition.items("Clausura")[0]["fixture"]["status"]["short"] = "FT"
    assert [table.superseded for table in compute(competition).tables] == [True, False]


@pytest.mark.parametrize("name", ["Apertura - Play-In", "Apertura - Reclasificacion - 1", "Promotion Round - 1", None])
def test_ties_of_two_teams_count_in_no_computed_table(name: str | None) -> None:
    competition = competitions.apertura_clausura()
    is_for_promotion = name is None or name.startswith("Promotion")
    competition.add(name, 901, 925 if is_for_promotion else 905, (1, 0), week=11)
    names = ["Apertura", "Clausura"]
    if name == "Apertura - Play-In":
        competition.add(name, 902, 905, (1, 0), week=12)  # its three teams are not a group
    tables = compute(competition).tables
    assert [table.name for table in tables] == names
    assert {row.record.played for table in tables for row in table.rows} == {7}


def test_a_second_phase_of_two_teams_continues_the_computed_table() -> None:
    competition = competitions.league(4)
    competition.add("Championship Round - 1", 901, 902, (1, 0), week=8)
    competition.add("Relegation Round - 1", 903, 904, (1, 0), week=8)
    (table,) = compute(competition).tables
    assert {row.record.played for row in table.rows} == {6 + 1}


def test_a_group_with_the_name_of_play_offs_continues_the_computed_table() -> None:
    competition = competitions.split()
    for item in competition.items("Relegation Round"):
        item["league"]["round"] = item["league"]["round"].replace("Relegation Round", "Europa Play-off Group")
    (table,) = compute(competition).tables
    assert {row.record.played for row in table.rows} == {14 + 6}


# --- anything ---


@pytest.mark.parametrize("year", [2019, 2020])
def test_a_recorded_season_equals_its_own_sums(year: int) -> None:
    path = RECORDINGS / f"fixtures-{year}.json"
    if not path.exists():
        pytest.skip("no recordings")
    competition = InventedCompetition(fixtures=json.loads(path.read_text(encoding="utf-8"))["response"])
    ids = {item["teams"]["home"]["id"] for item in competition.fixtures}
    competition.tables = [competition.rank(ids)]
    (table,) = reconcile(competition).tables
    assert (table.reconciled, len(table.matches)) == ("equal", 760)


@settings(max_examples=100, deadline=None)
@given(standings_bodies | bodies.anything, st.lists(bodies.perhaps(bodies.fixtures), max_size=6))
def test_any_bodies_reconcile_or_say_why_not(standings: Any, items: list[Any]) -> None:
    parsed = parse_season_fixtures(items)
    season = reconcile_season(parse_standings(standings), parsed.fixtures)
    assert all(str(difference) for table in season.tables for difference in table.differences)


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 9), st.integers(1, 3), st.integers(0, 10_000), st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_any_single_decision_is_explained(count: int, legs: int, index: int, goals: tuple[int, int]) -> None:
    competition = competitions.league(count, legs)
    item = competition.fixtures[index % len(competition.fixtures)]
    decide(competition, item, goals)
    (table,) = reconcile(competition).tables
    same = tuple(item["goals"].values()) == goals
    assert table.reconciled == ("equal" if same else "decided")
