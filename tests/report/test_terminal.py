"""Print the report's tables, and export them as JSON."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from typing import Any

import pytest
from rich.console import Console

from footlake.report.matches import Match, Team
from footlake.report.season import LuckyMatch, build_report
from footlake.report.season_records import ReportRecords
from footlake.report.terminal import luck_table, report_as_dict, report_notes, standings_table, weeks_table

TEAMS = [Team(33, "MUN", "Manchester United"), Team(39, "WOL", "Wolverhampton Wanderers"), Team(40, "LIV", "Liverpool")]
MATCHES = [
    Match(1, None, 33, 39, 4, 0, 1.25, 0.5),
    Match(2, None, 40, 33, 0, 0, 2.5, 0.25),
    Match(3, None, 39, 40, 1, 3),
]
REPORT = build_report(ReportRecords(39, 2020, MATCHES, TEAMS))


def printed(width: int, **options: Any) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, **options).print(standings_table(REPORT.tables[0], "Premier League 2020/21"))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 76])
def test_a_narrow_terminal_shows_fewer_columns_in_full(width: int) -> None:
    _, heading, _, first, *_ = printed(width)
    assert " ".join(heading.split()) == "# Team P GD Pts xPts Pts±"
    whole = printed(80)[3].split()
    assert first.split()[-5:] == [whole[-14], whole[-8], whole[-7], whole[-4], whole[-1]]
    assert all(len(line.rstrip()) <= width for line in printed(width)[1:])


@pytest.mark.parametrize("width", [77, 80, 120])
def test_every_figure_is_printed_in_full_at_usual_widths(width: int) -> None:
    title, heading, _, first, *_ = printed(width)
    assert title.strip() == "Premier League 2020/21"
    assert " ".join(heading.split()) == "# Team P W D L GF GA GD Pts xGF xGA xPts GF± GA± Pts±"
    # 4 goals where 1.25 + 0.25 were expected, none where 0.5 + 2.5 were
    figures = [first.split()[-1 - n] for n in (2, 1)]
    assert figures == ["+2.5", "-3.0"]
    assert all(len(line.rstrip()) <= width for line in printed(width))


def test_a_name_is_cut_only_if_it_does_not_fit() -> None:
    name = "Sportverein Wolverhampton Wanderers 1877"
    [table] = build_report(ReportRecords(39, 2020, MATCHES, [TEAMS[0], Team(39, "WOL", name), TEAMS[2]])).tables
    text = {}
    for width in range(77, 130):
        stream = io.StringIO()
        Console(file=stream, width=width).print(standings_table(table))
        text[width] = stream.getvalue()
    enough = min(width for width in text if name in text[width])
    assert 77 < enough < 100
    assert all((name in text[width]) == (width >= enough) == ("…" not in text[width]) for width in text)
    cut = next(line for line in text[enough - 1].splitlines() if "…" in line)
    assert len(cut) == enough - 1  # the whole width is used
    assert f"{name[:-2]}…" in cut


def test_numbers_are_right_aligned() -> None:
    lines = [line.rstrip() for line in printed(80)[3:6]]
    assert len({len(line) for line in lines}) == 1


def test_matches_without_xg_are_counted_in_the_notes() -> None:
    assert report_notes(REPORT).plain.startswith("xG known for 2 of 3 matches; ")


def test_signs_are_printed_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = printed(80, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = printed(80, force_terminal=True, color_system="standard")
    assert "\x1b[32m" in "".join(coloured)
    assert "\x1b[32m" not in "".join(plain)
    assert "+2.5" in "".join(plain)


def test_json_has_plain_numbers_and_null_where_nothing_is_expected() -> None:
    rows = json.loads(json.dumps(report_as_dict(REPORT)))["table"]
    [united] = [row for row in rows if row["team"] == "Manchester United"]
    assert united["points"] == 4
    assert united["goal_difference"] == 4
    assert united["expected"]["matches"] == 2
    assert united["expected"]["xg_for"] == 1.5
    assert united["expected"]["goals_for_difference"] == 2.5
    only = report_as_dict(build_report(ReportRecords(39, 2020, MATCHES[2:], TEAMS)))["table"][0]
    assert only["expected"] is None


@pytest.mark.parametrize("width", [70, 80, 120])
def test_the_luck_table_cuts_names_but_not_figures(width: int) -> None:
    luck = LuckyMatch(1, date(2020, 10, 23), TEAMS[1], TEAMS[0], True, 10, 10, 10.9, 2.75, 1, 2.9, 1)
    stream = io.StringIO()
    Console(file=stream, width=width).print(luck_table("Luckiest and unluckiest matches", [luck]))
    row = next(line.split() for line in stream.getvalue().splitlines() if "2020" in line)
    assert row[0] == "2020-10-23"
    assert {"10:10", "10.9:2.8", "-1.9", "+1.0"} <= set(row)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_weeks_of_a_team_show_each_match_and_the_points_so_far(width: int) -> None:
    matches = [
        Match(1, datetime(2020, 9, 19, 14), 40, 33, 2, 1, 1.5, 0.5),
        Match(2, datetime(2020, 9, 21, 14), 39, 40, 0, 0, 2.5, 0.25),
        Match(3, datetime(2020, 12, 1, 14), 40, 39, 3, 0),
    ]
    report = build_report(ReportRecords(39, 2020, matches, TEAMS))
    weeks = [week for week in report.weeks if week.team.id == 40]
    stream = io.StringIO()
    Console(file=stream, width=width).print(weeks_table("Liverpool", weeks, report.teams))
    lines = [line.split() for line in stream.getvalue().splitlines() if line.startswith("2020")]
    assert [line[0] for line in lines] == ["2020-09-19", "2020-09-21", "2020-12-01"]
    assert [line[1] for line in lines] == ["v", "at", "v"]
    assert lines[0][-4:-1] == ["2:1", "1.5:0.5", "3"]
    assert "4" in lines[1][-4:]
    assert "–" in lines[2]


def test_a_team_name_is_not_parsed_as_rich_markup() -> None:
    stream = io.StringIO()
    title = "A [/] B, League 39"
    Console(file=stream, width=80).print(weeks_table(title, [], {}), luck_table(title, []))
    assert stream.getvalue().count(title) == 2


def test_an_empty_table_prints() -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(standings_table(build_report(ReportRecords(39, 2020, [], [])).tables[0]))
    assert "Team" in stream.getvalue()
