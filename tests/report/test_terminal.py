"""Print the report's tables, and export them as JSON."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from footlake.report.matches import Match, Team
from footlake.report.season import LuckyMatch
from footlake.report.table import league_table
from footlake.report.terminal import LeagueTable, luck_table, table_as_dicts, weeks_table

TEAMS = [Team(33, "MUN", "Manchester United"), Team(39, "WOL", "Wolverhampton Wanderers"), Team(40, "LIV", "Liverpool")]
MATCHES = [
    Match(1, None, 33, 39, 4, 0, 1.25, 0.5),
    Match(2, None, 40, 33, 0, 0, 2.5, 0.25),
    Match(3, None, 39, 40, 1, 3),
]
ROWS = league_table(MATCHES, TEAMS)


def printed(width: int, **options: Any) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, **options).print(LeagueTable(ROWS, "Premier League 2020/21"))
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


def test_names_are_printed_in_full_on_a_wide_terminal() -> None:
    assert any("Wolverhampton Wanderers" in line for line in printed(120))
    assert any("Wolverhampton …" in line for line in printed(80))


def test_numbers_are_right_aligned() -> None:
    lines = [line.rstrip() for line in printed(80)[3:6]]
    assert len({len(line) for line in lines}) == 1


def test_matches_without_xg_are_counted_in_the_caption() -> None:
    assert "xG known for 2 of 3 matches" in " ".join(printed(80))


def test_signs_are_printed_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = printed(80, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = printed(80, force_terminal=True, color_system="standard")
    assert "\x1b[32m" in "".join(coloured)
    assert "\x1b[32m" not in "".join(plain)
    assert "+2.5" in "".join(plain)


def test_json_has_plain_numbers_and_null_where_nothing_is_expected() -> None:
    [united, *_] = [row for row in json.loads(json.dumps(table_as_dicts(ROWS))) if row["team"] == "Manchester United"]
    assert united["points"] == 4
    assert united["goal_difference"] == 4
    assert united["expected"]["matches"] == 2
    assert united["expected"]["xg_for"] == 1.5
    assert united["expected"]["goals_for_difference"] == 2.5
    [only, _] = table_as_dicts(league_table([Match(1, None, 33, 39, 4, 0)], TEAMS))
    assert only["expected"] is None


@pytest.mark.parametrize("width", [70, 80, 120])
def test_the_luck_table_cuts_names_but_not_figures(width: int) -> None:
    luck = LuckyMatch(1, date(2020, 10, 23), TEAMS[1], TEAMS[0], False, 10, 0, 10.9, 2.75, 0, 2.4)
    stream = io.StringIO()
    Console(file=stream, width=width).print(luck_table("Unluckiest matches", [luck]))
    *_, row = stream.getvalue().rstrip().splitlines()
    assert row.split()[0] == "2020-10-23"
    assert row.split()[-5:] == ["10:0", "10.9:2.8", "0", "2.4", "-2.4"]


def test_a_team_name_is_not_parsed_as_rich_markup() -> None:
    stream = io.StringIO()
    title = "A [/] B, League 39"
    Console(file=stream, width=80).print(weeks_table(title, []), luck_table(title, []))
    assert stream.getvalue().count(title) == 2


def test_an_empty_table_prints() -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(LeagueTable([]))
    assert "Team" in stream.getvalue()
