"""Report official tables: deductions, several tables, names, and what does not agree."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date, datetime

import pytest
from rich.console import Console

from footlake.report.matches import Match, Team
from footlake.report.page import render_page
from footlake.report.season import SeasonReport, build_report
from footlake.report.season_records import CountedRecord, ReportRecords, StandingRecord, TableRecord
from footlake.report.table import TableRow
from footlake.report.terminal import report_as_dict, report_notes, standings_table, table_csv, weeks_csv
from tests.support import competitions
from tests.support.competitions import InventedCompetition
from tests.support.season_tables import store_season


def report_on(competition: InventedCompetition, official: bool = True) -> SeasonReport:
    return build_report(store_season(competition, official).records)


def find_row(report: SeasonReport, team: str) -> TableRow:
    (row,) = [row for row in report.rows if row.team.name == team]
    return row


def printed(report: SeasonReport, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width).print(*(standings_table(table) for table in report.tables), report_notes(report))
    return text.getvalue()


def test_a_deduction_follows_the_points() -> None:
    report = report_on(competitions.with_deductions())
    bravo = find_row(report, "Bravo")
    assert (bravo.points_adjusted, bravo.adjustment) == (-8, "8 deducted")
    shown = f"{bravo.points}, 8 deducted"
    wide = next(line for line in printed(report, 120).splitlines() if "Bravo" in line)
    assert re.search(rf"  {shown}  ", wide)
    assert f"{bravo.points}<small>, 8 deducted</small>" in render_page([report])
    narrow = printed(report, 80).splitlines()
    assert f"Bravo: {shown}." in [line.strip() for line in narrow]
    assert not any(shown in line for line in narrow if re.match(r" *\d+ +Bravo", line))
    assert all(len(line.rstrip()) <= 80 for line in narrow)


def test_differences_compare_the_points_of_the_matches() -> None:
    report = report_on(competitions.with_deductions())
    without = report_on(competitions.league(8))
    for team in ("Bravo", "Carmo", "Delta"):
        row, other = find_row(report, team), find_row(without, team)
        assert row.expected and other.expected
        assert row.expected.points_difference == pytest.approx(other.expected.points_difference)
    assert (find_row(report, "Bravo").points or 0) + 8 == find_row(without, "Bravo").points


def test_points_can_be_added() -> None:
    competition = competitions.league(6)
    competition.tables[0][0]["points"] += 3
    report = report_on(competition)
    assert [row.adjustment for row in report.rows] == ["3 added", *[""] * 5]
    assert f"{report.rows[0].points}, 3 added" in printed(report, 120)


def test_ranks_are_the_official_ones() -> None:
    assert [row.team.name for row in report_on(competitions.head_to_head()).rows[:2]] == ["Alpha", "Bravo"]


def test_a_calendar_year_competition_is_named_with_its_country_and_year() -> None:
    report = report_on(competitions.conferences(overall=True))
    assert (report.title, report.subtitle) == ("Invented Soccer 2024", "USA, season 2024")
    assert [report.table_title(table) for table in report.tables] == [
        "Invented Soccer 2024: Eastern Conference",
        "Invented Soccer 2024: Western Conference",
    ]
    assert "USA, season 2024." in printed(report, 80)
    document, [first, *_] = report_as_dict(report), csv.DictReader(io.StringIO(table_csv([report])))
    names = {"competition": "Invented Soccer", "country": "USA", "season_label": "2024"}
    assert names.items() <= document.items()
    assert names.items() <= first.items()
    assert "<title>Invented Soccer 2024</title>" in render_page([report])


@pytest.mark.parametrize(
    ("days", "title"),
    [
        ([], "League 39, season 2020/21"),
        ([datetime(2020, 8, 1), datetime(2021, 5, 1)], "League 39, season 2020/21"),
        ([datetime(2020, 3, 1), datetime(2020, 11, 1)], "League 39, season 2020"),
    ],
)
def test_without_a_name_the_league_has_its_number(days: list[datetime], title: str) -> None:
    matches = [Match(number, day, 1, 2, 0, 0) for number, day in enumerate(days)]
    report = build_report(ReportRecords(39, 2020, matches, []))
    assert (report.title, report.subtitle, report.season_label) == (title, "", None)


def test_derived_tables_are_named_but_not_shown() -> None:
    report = report_on(competitions.apertura_clausura(annual=True, averages=True))
    assert [table.name for table in report.tables] == ["Primera 2025, Clausura"]
    assert [table["table_name"] for table in report_as_dict(report)["other_tables"]] == [
        "Primera 2025, Apertura",
        "Anual 2025",
        "Promedios 2025",
    ]
    assert report.notes[-1] == (
        "Not shown: Primera 2025, Apertura (earlier stage); Anual 2025 (derived from other tables);"
        " Promedios 2025 (averages over seasons)."
    )
    assert report.notes[-1] in render_page([report])


def test_groups_are_ranked_apart() -> None:
    report = report_on(competitions.group_tournament())
    assert [row.position for row in report.rows] == [1, 2, 3, 4] * 4
    page = render_page([report])
    assert re.findall(r"<h2[^>]*>(Group .)", page) == ["Group A", "Group B", "Group C", "Group D"]
    assert page.count('class="panel"') == 16


@pytest.mark.parametrize(
    ("halved", "counts_all", "note"),
    [
        (False, False, "Pts and xPts include the points of an earlier phase; "),
        (True, False, "Pts and xPts include half of the points of an earlier phase; "),
        (True, True, "Pts includes half of the points of the earlier phase; "),
        (False, True, None),
    ],
)
def test_points_of_an_earlier_phase_are_no_expectations(halved: bool, counts_all: bool, note: str | None) -> None:
    report = report_on(competitions.split(halved=halved, counts_all=counts_all))
    for table in report.tables:
        assert [text for text in table.notes if text.startswith("Pts")] == [
            text for text in table.notes if note and text.startswith(note)
        ]
        assert bool(table.notes) == bool(note)
        for row in table.rows:
            assert row.expected
            assert bool(row.points_carried) == (not counts_all)
            matches = 20 if counts_all else 6
            # 3 points for each match are the most that can be expected.
            assert 0 < row.expected.xpoints - row.points_carried < 3 * matches
            if row.expected.matches == row.played and not counts_all:
                earned = (row.points or 0) - row.points_carried
                expected = row.expected.xpoints - row.points_carried
                assert row.expected.points_difference == pytest.approx(earned - expected)


def test_a_table_that_does_not_agree_says_so_with_team_and_figure() -> None:
    competition = competitions.league(6)
    removed = competition.fixtures.pop(7)
    report = report_on(competition)
    [table] = report.tables
    assert table.record.reconciled == "different"
    assert table.notes[0] == "The official table does not agree with the matches."
    for side in ("home", "away"):
        name = removed["teams"][side]["name"]
        assert any(text.startswith(f"{name}: 10 matches played officially, 9 here; ") for text in table.notes)
    assert table.notes[1] in render_page([report])
    assert table.notes[0] in printed(report, 80)
    assert report_as_dict(report)["tables"][0]["notes"] == table.notes


@pytest.mark.parametrize("decide", [True, False])
def test_points_for_shoot_outs_have_a_note(decide: bool) -> None:
    note = "Pts are not only 3 for a victory and 1 for a draw: shoot-outs or another rule count."
    report = report_on(competitions.with_shoot_outs(decide))
    assert [table.notes for table in report.tables] == [(note,)] * 4
    assert note not in [note for table in report_on(competitions.with_deductions()).tables for note in table.notes]


def test_a_stale_table_says_until_when_it_counts() -> None:
    competition = competitions.league(6, legs=4)
    items = sorted(competition.fixtures, key=lambda item: str(item["fixture"]["date"]))[:30]
    competition.tables = [competition.rank(competitions.teams(6), items)]
    report = report_on(competition)
    until = max(date.fromisoformat(item["fixture"]["date"][:10]) for item in items)
    assert report.tables[0].notes[0] == f"The official table counts matches until {until} only."
    assert re.fullmatch(
        r"Not counted: (\w+ v \w+ \(2023-\d\d-\d\d\), ){4}\w+ v \w+ \(2023-.{5}\) and 25 more\.",
        report.tables[0].notes[1],
    )
    assert report_as_dict(report)["tables"][0]["counted_until"] == until.isoformat()
    assert (report.outside_regular_season, report.notes) == (30, ())


def test_a_decision_is_explained_and_is_no_luck() -> None:
    competition = competitions.with_award("silent")
    report = report_on(competition)
    item = competition.fixtures[9]
    home, away = (item["teams"][side]["name"] for side in ("home", "away"))
    assert f"{home} v {away}: decided again: the fixture has 1-1, the table counts 0-3." in report.tables[0].notes
    listed = (*report.luckiest, *report.unluckiest)
    assert item["fixture"]["id"] not in {match.idfixture for match in listed}


def test_without_standings_the_table_is_labelled_unofficial() -> None:
    for report in (report_on(competitions.league(6), official=False), build_report(ReportRecords(39, 2020, [], []))):
        assert "This table is unofficial: goal difference, no deductions." in report.tables[0].notes
        assert "unofficial: goal difference, no deductions" in printed(report, 80)
        assert "unofficial: goal difference, no deductions" in render_page([report])
        assert report_as_dict(report)["tables"][0]["official"] is False


def one_match(**tables: list[CountedRecord]) -> ReportRecords:
    """Return a season with one match and these current tables, by name, with what they count."""
    records = [
        TableRecord(number, name, "stage", False, False, official=True, reconciled="equal")
        for number, name in enumerate(tables, 1)
    ]
    counted = [match._replace(table_number=n) for n, rows in enumerate(tables.values(), 1) for match in rows]
    figures = (None, 0, 0, None, None, None, None, None, None)
    standings = [StandingRecord(row.table_number, None, row.team_id, "Alpha", *figures) for row in counted]
    match = Match(7, datetime(2020, 9, 12, 14), 1, 2, 1, 1, 1.5, 0.5)
    teams = [Team(1, None, "Alpha"), Team(2, None, "Beta")]
    return ReportRecords(39, 2020, [match], teams, tables=records, standings=standings, counted=counted)


DRAWN = CountedRecord(1, 7, "home", 1, 0, 1, 0, 1, 1)


def test_a_match_can_be_lost_by_the_opponent_only_by_decision() -> None:
    report = build_report(one_match(League=[DRAWN, CountedRecord(1, 7, "away", 2, 0, 0, 1, 1, 1, "decided")]))
    [match] = report.lucky_matches
    assert (match.team.name, match.points, match.opponent_points) == ("Alpha", 1, 0)
    assert match.opponent_luck == pytest.approx(-match.opponent_xpoints)


def test_a_team_in_two_tables_has_weeks_in_each() -> None:
    report = build_report(one_match(First=[DRAWN], Second=[DRAWN]))
    rows = list(csv.DictReader(io.StringIO(weeks_csv([report]))))
    assert [(row["team"], row["table_number"], row["played"]) for row in rows] == [
        ("Alpha", "1", "1"),
        ("Alpha", "2", "1"),
    ]
    assert report.matches == 1
    assert len({match.idfixture for match in report.luckiest + report.unluckiest}) == 1
    assert render_page([report]).count('class="panel"') == 2


def test_unknown_official_figures_are_shown_as_unknown() -> None:
    report = build_report(one_match(League=[DRAWN]))
    [row] = report.rows
    assert (row.position, row.points, row.goal_difference) == (None, None, None)
    assert "–" in printed(report, 120)
    assert 'data-name="points" data-value="">–</td>' in render_page([report])


def test_a_season_of_derived_tables_only_has_a_report() -> None:
    records = one_match(Averages=[])
    report = build_report(replace(records, tables=[records.tables[0]._replace(kind="averages", derived=True)]))
    assert report.rows == [] == report.weeks
    assert report.outside_regular_season == 1
    assert "Averages (averages over seasons)" in render_page([report])
    assert table_csv([report]) == ""
