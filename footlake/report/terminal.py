"""Print reports as tables with rich, and export them as JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from footlake.report.formatting import Rating, format_number, rate_difference
from footlake.report.season import LuckyMatch, SeasonReport
from footlake.report.table import TableRow
from footlake.report.weeks import TeamWeek

WIDE = 112  # terminal columns from which on the table has padding between columns
NARROW = 77  # terminal columns below which the table shows NARROW_HEADINGS only
NARROW_HEADINGS = ("#", "Team", "P", "GD", "Pts", "xPts", "Pts±")
NAME_WIDTH = 15  # of team names below WIDE


# JSON and CSV


def table_as_dicts(rows: Sequence[TableRow]) -> list[dict[str, Any]]:
    """Return the rows for JSON; `expected` is rounded to thousandths, or None without xG."""
    return [row.actual_columns() | {"expected": row.expected and _round_values(asdict(row.expected))} for row in rows]


def report_as_dict(report: SeasonReport) -> dict[str, Any]:
    """Return the whole report for JSON."""
    return {
        "league": report.league,
        "season": report.season,
        "seasons": report.seasons,
        "outside_regular_season": report.outside_regular_season,
        "table": table_as_dicts(report.rows),
        "weeks": [_week_as_dict(week) for week in report.weeks],
        "luckiest": [_match_as_dict(match) for match in report.luckiest],
        "unluckiest": [_match_as_dict(match) for match in report.unluckiest],
    }


def table_csv(reports: Iterable[SeasonReport]) -> str:
    """Return the tables as CSV, in the columns of the SQL view `expected_table`."""
    return _csv(
        {"idleague": report.league, "season": report.season, **_round_values(row.all_columns())}
        for report in reports
        for row in report.rows
    )


def weeks_csv(reports: Iterable[SeasonReport]) -> str:
    """Return the weeks as CSV, in the columns of the SQL view `team_weeks`."""
    return _csv(
        {"idleague": report.league, "season": report.season, **_week_as_dict(week)}
        for report in reports
        for week in report.weeks
    )


def _week_as_dict(week: TeamWeek) -> dict[str, Any]:
    figures = {name: getattr(week, name) for name in week.__dataclass_fields__ if name != "team"}
    return {"idteam": week.team.id, "code": week.team.code, "team": week.team.name} | _round_values(figures)


def _match_as_dict(match: LuckyMatch) -> dict[str, Any]:
    figures = {name: getattr(match, name) for name in match.__dataclass_fields__}
    names = {"team": match.team.name, "opponent": match.opponent.name, "luck": match.luck}
    return _round_values(figures | {"idteam": match.team.id, "idopponent": match.opponent.id} | names)


def _round_values(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Round floats to thousandths and write dates in ISO 8601."""
    return {name: _round_value(value) for name, value in figures.items()}


def _round_value(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return value.isoformat() if isinstance(value, date) else value


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    text, all_rows = io.StringIO(), list(rows)
    if all_rows:
        writer = csv.DictWriter(text, list(all_rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(all_rows)
    return text.getvalue()


# Tables for the terminal


def luck_table(title: str, matches: Sequence[LuckyMatch]) -> Table:
    """Return the table of the luckiest or unluckiest matches."""
    table = _plain_table(title)
    table.add_column("Date", no_wrap=True, min_width=10)
    for heading in ("Team", ""):  # on a narrow terminal names are cut, figures never
        table.add_column(heading, min_width=8)
    for heading, min_width in (("Score", 5), ("xG", 7), ("Pts", 3), ("xPts", 4), ("Pts±", 4)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=min_width)
    for match in matches:
        table.add_row(
            str(match.date or ""),
            Text(match.team.name, no_wrap=True, overflow="ellipsis"),
            Text(f"{'v' if match.at_home else 'at'} {match.opponent.name}", no_wrap=True, overflow="ellipsis"),
            f"{match.goals_for}:{match.goals_against}",
            f"{format_number(match.xg_for)}:{format_number(match.xg_against)}",
            str(match.points),
            format_number(match.xpoints),
            _difference_text(match.luck, good_sign=1),
        )
    return table


def weeks_table(title: str, weeks: Sequence[TeamWeek]) -> Table:
    """Return the table of one team's weeks."""
    table = _plain_table(title)
    for heading in ("Week", "from", "P", "Pts", "xPts", "GF±", "GA±", "Pts±"):
        table.add_column(heading, justify="right", no_wrap=True)
    for week in weeks:
        table.add_row(
            str(week.week),
            str(week.week_start),
            str(week.played),
            Text(str(week.points), "bold"),
            format_number(week.xpoints),
            _difference_text(week.goals_for_difference, good_sign=1),
            _difference_text(week.goals_against_difference, good_sign=-1),
            _difference_text(week.points_difference, good_sign=1),
        )
    return table


def _plain_table(title: str) -> Table:
    return Table(
        title=Text(title, "bold"),  # as Text, because a team's name may look like rich markup
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


_STYLES: dict[Rating, str] = {"good": "green", "bad": "red", "even": ""}


def _difference_text(value: float, good_sign: int) -> Text:
    """Return a difference with its sign, green if it is good for the team (see rate_difference)."""
    return Text(f"{value:+z.1f}", _STYLES[rate_difference(value, good_sign)])


@dataclass(frozen=True)
class LeagueTable:
    """A league table that rich can print at any width, with a note below it.

    It shows every column from 77 terminal columns on, with padding from 112 on.
    """

    rows: Sequence[TableRow]
    title: str = ""
    note: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        table = Table(
            title=self.title or None,
            title_justify="left",
            title_style="bold",
            caption="\n".join(filter(None, (self._caption(), self.note))),
            caption_justify="left",
            caption_style="dim",
            box=box.SIMPLE_HEAD,  # its space between columns comes in addition to padding
            show_edge=False,
            padding=(0, 1 if wide else 0),
            pad_edge=False,
        )
        columns = [column for column in _COLUMNS if options.max_width >= NARROW or column.heading in NARROW_HEADINGS]
        for column in columns:
            if column.heading == "Team":
                table.add_column("Team", no_wrap=True, max_width=None if wide else NAME_WIDTH)
            else:
                table.add_column(column.heading, justify="right", no_wrap=True)
        for row in self.rows:
            figures = row.all_columns()
            table.add_row(*(column.cell(figures[column.name]) for column in columns))
        yield table

    def _caption(self) -> str:
        played = sum(row.played for row in self.rows) // 2
        with_xg = sum(row.expected.matches for row in self.rows if row.expected) // 2
        if with_xg == played:
            return f"xG known for all {played} matches; ± is real less expected."
        return f"xG known for {with_xg} of {played} matches, which x and ± (real less expected) cover."


class _TableColumn(NamedTuple):
    heading: str
    name: str  # a key of TableRow.all_columns()
    cell: Callable[[Any], Text]


def _plain_text(value: Any) -> Text:
    return Text(str(value))


def _expected_text(value: float | None) -> Text:
    return Text("–" if value is None else format_number(value))


def _difference_cell(good_sign: int) -> Callable[[float | None], Text]:
    return lambda value: Text("–") if value is None else _difference_text(value, good_sign)


_COLUMNS = (
    _TableColumn("#", "position", _plain_text),
    _TableColumn("Team", "team", _plain_text),
    _TableColumn("P", "played", _plain_text),
    _TableColumn("W", "won", _plain_text),
    _TableColumn("D", "drawn", _plain_text),
    _TableColumn("L", "lost", _plain_text),
    _TableColumn("GF", "goals_for", _plain_text),
    _TableColumn("GA", "goals_against", _plain_text),
    _TableColumn("GD", "goal_difference", lambda value: Text(f"{value:+d}")),
    _TableColumn("Pts", "points", lambda value: Text(str(value), "bold")),
    _TableColumn("xGF", "xg_for", _expected_text),
    _TableColumn("xGA", "xg_against", _expected_text),
    _TableColumn("xPts", "xpoints", _expected_text),
    _TableColumn("GF±", "goals_for_difference", _difference_cell(good_sign=1)),
    _TableColumn("GA±", "goals_against_difference", _difference_cell(good_sign=-1)),
    _TableColumn("Pts±", "points_difference", _difference_cell(good_sign=1)),
)
