"""The check of the tables of invented competitions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from footlake.data_check.pipeline import Level
from footlake.data_check.records import CheckedFixture, SeasonRecords
from footlake.data_check.tables import TableCheck, check_tables, season_notes
from footlake.football.competitions import Competition
from footlake.football.reconciliation import reconcile_season
from footlake.football.season_fixtures import SeasonFixture, parse_season_fixtures
from footlake.football.standings import parse_standings
from footlake.football.statuses import find_status
from footlake.football.table_rows import SeasonFindings, build_table_rows
from footlake.lake.s3_keys import Season
from tests.support import competitions
from tests.support.competitions import InventedCompetition


def records_of(competition: InventedCompetition, findings: SeasonFindings | None = None) -> SeasonRecords:
    """Return the records that the lake would have of a competition."""
    parsed = parse_season_fixtures(competition.fixtures)
    tables = reconcile_season(parse_standings(competition.standings_body), parsed.fixtures)
    rows = build_table_rows(tables, Competition(competition.league, competition.name), "2023/24", findings)
    return SeasonRecords(
        Season(competition.league, competition.season),
        tuple(to_checked(fixture) for fixture in parsed.fixtures),
        tables=tuple(rows.league_tables),
        standings=tuple(rows.standings),
        decisions=tuple(row for row in rows.table_fixtures if row["reason"]),
        findings=tuple(rows.table_findings),
    )


def to_checked(fixture: SeasonFixture) -> CheckedFixture:
    result = find_status(fixture.status).result
    return CheckedFixture(
        fixture.id, fixture.kickoff, fixture.round, fixture.status, result, True, fixture.home, fixture.away
    )


def levels(checks: list[TableCheck]) -> set[Level]:
    return {check.level for check in checks}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (competitions.league, {"ok"}),
        (competitions.head_to_head, {"ok"}),
        (competitions.with_play_offs, {"ok"}),
        (competitions.group_tournament, {"ok"}),
        (competitions.conferences, {"ok"}),
        (competitions.split, {"ok"}),
        (lambda: competitions.apertura_clausura(annual=True, averages=True), {"ok"}),
        (competitions.with_deductions, {"explained"}),
        (lambda: competitions.with_award("three"), {"ok"}),
        (lambda: competitions.with_award("silent"), {"explained"}),
        (lambda: competitions.with_award("null"), {"explained"}),
    ],
)
def test_tables_that_agree_with_the_fixtures_leave_nothing_open(
    make: Callable[[], InventedCompetition], expected: set[Level]
) -> None:
    records = records_of(make())
    assert levels(check_tables(records)) == expected
    assert [note for note in season_notes(records) if note.level == "problem"] == []


def test_deductions_are_named() -> None:
    (table,) = check_tables(records_of(competitions.with_deductions()))
    assert {(deduction.team, deduction.points) for deduction in table.deductions} == {("Bravo", -8), ("Carmo", -4)}
    assert "Bravo: 8 points deducted" in table.text


def test_a_decided_match_is_named_with_the_reason() -> None:
    (table,) = check_tables(records_of(competitions.with_award("silent")))
    assert (table.reconciled, table.decisions) == ("decided", 1)
    assert table.text.startswith("agrees with the fixtures except 1 match (decided again: ")


def test_a_finished_match_that_the_table_leaves_out_is_no_decision() -> None:
    competition = competitions.league(8)
    competition.tables = [
        competition.rank(competitions.teams(8), competition.fixtures[:30] + competition.fixtures[31:])
    ]
    records = records_of(competition)
    (table,) = check_tables(records)
    assert (table.level, table.text) == ("explained", "agrees with the fixtures, but does not count all of them")
    assert [note.fixtures for note in season_notes(records)] == [(competition.fixtures[30]["fixture"]["id"],)]


def test_a_table_that_differs_is_a_problem_with_team_and_figure() -> None:
    competition = competitions.league()
    row = competition.tables[0][0]
    row["all"]["goals"]["for"] += 3
    (table,) = check_tables(records_of(competition))
    assert table.level == "problem"
    goals = row["all"]["goals"]["for"]
    assert (
        table.text
        == f"differs from the fixtures: {row['team']['name']}: official goals for {goals}, fixtures {goals - 3}"
    )


def test_a_stale_table_says_until_when_it_counts() -> None:
    competition = competitions.league(8)
    competition.tables = [competition.rank(competitions.teams(8), competition.fixtures[:-8])]
    (table,) = check_tables(records_of(competition))
    assert (table.level, table.reconciled) == ("explained", "stale")
    assert f"the matches up to {table.counted_until} only" in table.text


def test_a_stale_table_names_its_decisions() -> None:
    competition = competitions.league(8)
    competitions.set_result(competition.fixtures[3], (1, 1))
    competition.tables = [competition.rank(competitions.teams(8), competition.fixtures[:40])]
    competitions.decide(competition, competition.fixtures[3], (0, 3))
    (table,) = check_tables(records_of(competition))
    assert (table.reconciled, table.decisions) == ("stale", 1)
    assert table.text.endswith("; it counts 1 match as decided")


def test_matches_that_no_table_counts_are_named_in_one_note() -> None:
    competition = competitions.league(8)
    late = competition.fixtures[-8:]
    competition.tables = [competition.rank(competitions.teams(8), competition.fixtures[:-8])]
    (note,) = season_notes(records_of(competition))
    names = [f"{item['teams']['home']['name']} – {item['teams']['away']['name']}" for item in late]
    assert (note.what, note.level) == ("not counted", "explained")
    assert note.text.startswith(f"8 fixtures: {names[0]} (2023-11-")
    assert note.text.endswith(" and 5 more. No table counts them.")
    assert note.fixtures == tuple(item["fixture"]["id"] for item in late)


def test_matches_that_a_wrong_table_leaves_out_are_a_problem() -> None:
    competition = competitions.league(8)
    competition.tables = [competition.rank(competitions.teams(8), competition.fixtures[:-8])]
    for row in competition.tables[0][:3]:
        row["all"]["goals"]["for"] += 30
    problems = [note for note in season_notes(records_of(competition)) if note.level == "problem"]
    assert [(note.what, len(note.fixtures)) for note in problems] == [("not counted", 8)]


def test_an_unofficial_table_is_labelled_and_explained() -> None:
    competition = competitions.league()
    competition.tables = []
    records = records_of(competition)
    (table,) = check_tables(records)
    assert (table.level, table.official) == ("explained", False)
    assert table.text == "no official standings; unofficial: goal difference, no deductions"
    assert {note.level for note in season_notes(records)} == {"explained"}


def test_findings_of_a_season_are_explained_unless_something_was_not_used() -> None:
    competition = competitions.with_doubled_match()
    competition.tables = []
    found = SeasonFindings({7: "Fixture 7 is gone."}, {"XYZ": 2}, ["Fixture 8 cannot be read."])
    notes = list(season_notes(records_of(competition, found)))
    by_kind = {note.what: note.level for note in notes if "no tables" not in note.text}
    assert by_kind == {
        "duplicates": "explained",
        "withdrawn": "explained",
        "unknown status": "problem",
        "response": "problem",
    }
    assert [note.fixtures for note in notes if note.what == "withdrawn"] == [(7,)]
