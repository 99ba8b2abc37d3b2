"""Rows of the tables' CSVs: official figures, empty cells for unknown ones, and findings."""

from __future__ import annotations

from collections import Counter

import pytest

from footlake.football.competitions import Competition
from footlake.football.reconciliation import reconcile_season
from footlake.football.season_fixtures import parse_season_fixtures
from footlake.football.standings import Standings, parse_standings
from footlake.football.table_rows import SeasonFindings, TableRows, build_table_rows
from footlake.lake import schemas
from tests.support import competitions
from tests.support.competitions import InventedCompetition

NAMED = Competition(39, "Invented League", "Nowhere")


def build(competition: InventedCompetition, official: bool = True, findings: SeasonFindings | None = None) -> TableRows:
    standings = parse_standings(competition.standings_body) if official else Standings()
    fixtures = parse_season_fixtures(competition.fixtures_body["response"]).fixtures
    return build_table_rows(reconcile_season(standings, fixtures), NAMED, "2023/24", findings)


def test_an_official_table_has_official_points_and_its_deductions() -> None:
    rows = build(competitions.with_deductions())
    (table,) = rows.league_tables
    assert (table["official"], table["reconciled"], table["derived"]) == ("1", "equal", "0")
    assert (table["competition"], table["country"], table["seasonLabel"]) == ("Invented League", "Nowhere", "2023/24")
    assert table["countedUntil"] == ""
    adjusted = {row["team"]: row["pointsAdjusted"] for row in rows.standings if row["pointsAdjusted"] != "0"}
    assert adjusted == {"Bravo": "-8", "Carmo": "-4"}
    for row in rows.standings:
        assert int(row["points"]) == sum(int(row[f"points{part}"]) for part in ("Earned", "Carried", "Adjusted"))
        matches = [match for match in rows.table_fixtures if match["idTeam"] == row["idTeam"]]
        assert int(row["played"]) == len(matches)
        assert int(row["goalsFor"]) == sum(int(match["goalsFor"]) for match in matches)


def test_an_unofficial_table_has_the_computed_figures() -> None:
    rows = build(competitions.with_deductions(), official=False)
    assert [table["official"] for table in rows.league_tables] == ["0"]
    assert [row["rank"] for row in rows.standings] == [str(n) for n in range(1, len(rows.standings) + 1)]
    assert {row["idTeamStandings"] for row in rows.standings} == {""}
    assert all(row["played"] == str(int(row["won"]) + int(row["drawn"]) + int(row["lost"])) for row in rows.standings)


def test_a_difference_is_a_finding_with_both_figures() -> None:
    competition = competitions.with_deductions()
    competition.tables[0][0]["all"]["goals"]["for"] += 5
    rows = build(competition)
    (finding,) = [finding for finding in rows.table_findings if finding["finding"] == "difference"]
    assert int(finding["official"]) == int(finding["computed"]) + 5
    assert (finding["tableNumber"], finding["figure"]) == ("1", "goals_for")
    assert finding["team"] in finding["text"]


def test_findings_of_the_season_have_no_table() -> None:
    findings = SeasonFindings({7: "Fixture 7 is gone."}, Counter({"XYZ": 2}), ("An item is broken.",))
    rows = build(competitions.with_deductions(), findings=findings)
    assert [(finding["tableNumber"], finding["finding"], finding["idFixture"]) for finding in rows.table_findings] == [
        ("", "withdrawn", "7"),
        ("", "unknown status", ""),
        ("", "problem", ""),
    ]


def test_a_team_without_any_id_gets_a_finding_and_no_row() -> None:
    competition = competitions.with_deductions()
    competition.tables[0][0]["team"] |= {"id": None, "name": "Completely Different"}
    competition.fixtures.clear()
    rows = build(competition)
    assert "Completely Different" not in {row["team"] for row in rows.standings}
    assert "Completely Different" in {finding["team"] for finding in rows.table_findings}


@pytest.mark.parametrize("official", [True, False])
def test_rows_have_the_columns_of_the_contract(official: bool) -> None:
    rows = build(competitions.with_deductions(), official, SeasonFindings({1: "gone"}))
    for table, columns in zip(
        rows,
        (
            schemas.LEAGUE_TABLE_COLUMNS,
            schemas.STANDINGS_COLUMNS,
            schemas.TABLE_FIXTURE_COLUMNS,
            schemas.TABLE_FINDING_COLUMNS,
        ),
        strict=True,
    ):
        assert table and {tuple(row) for row in table} == {columns}
