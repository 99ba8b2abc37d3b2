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
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from footlake.report.formatting import Rating, format_number, rate_difference
from footlake.report.matches import Team
from footlake.report.season import LuckyMatch, SeasonReport
from footlake.report.season_records import TableRecord
from footlake.report.table import TableReport, TableRow
from footlake.report.team_matches import TeamMatch, describe_opponent
from footlake.report.weeks import TeamWeek

NARROW = 77  # terminal columns below which a table leaves out some columns
NARROW_HEADINGS = ("#", "Team", "P", "GD", "Pts", "xPts", "Pts±")
MIN_NAME_WIDTH = 8  # of a team's name that is cut because the terminal is too narrow


# JSON and CSV


def report_as_dict(report: SeasonReport) -> dict[str, Any]:
    """Return the whole report for JSON."""
    return {
        "league": report.league,
        "season": report.season,
        "seasons": report.seasons,
        "outside_regular_season": report.outside_regular_season,
        "table": [_row_as_dict(table, row) for table in report.tables for row in table.rows],
        "weeks": [_week_as_dict(week) for week in report.weeks],
        "luckiest": [_match_as_dict(match) for match in report.luckiest],
        "unluckiest": [_match_as_dict(match) for match in report.unluckiest],
        "title": report.title,
        **_names(report),
        "tables": [_table_as_dict(table.record) | {"notes": table.notes} for table in report.tables],
        "other_tables": [_table_as_dict(table) for table in report.other_tables],
        "notes": report.notes,
    }


def table_csv(reports: Iterable[SeasonReport]) -> str:
    """Return the tables as CSV, in the columns of the SQL view `expected_table`."""
    return _csv(
        {
            **{"idleague": report.league, "season": report.season},
            **_round_values(row.all_columns()),
            **_table_columns(table, row),
            **{"official": int(table.record.official), **_names(report)},
        }
        for report in reports
        for table in report.tables
        for row in table.rows
    )


def weeks_csv(reports: Iterable[SeasonReport]) -> str:
    """Return the weeks as CSV, in the columns of the SQL view `team_weeks`."""
    return _csv(
        {"idleague": report.league, "season": report.season, **_week_as_dict(week)}
        for report in reports
        for week in report.weeks
    )


def _row_as_dict(table: TableReport, row: TableRow) -> dict[str, Any]:
    """Return the row; `expected` is rounded to thousandths, or None without xG."""
    expected = row.expected and _round_values(asdict(row.expected))
    return {
        **row.actual_columns(),
        "expected": expected,
        **_table_columns(table, row),
        "official": table.record.official,
    }


def _table_columns(table: TableReport, row: TableRow) -> dict[str, Any]:
    return {
        "table_number": table.number,
        "table_name": table.name,
        "points_adjusted": row.points_adjusted,
        "points_carried": row.points_carried,
    }


def _names(report: SeasonReport) -> dict[str, str | None]:
    return {"competition": report.competition, "country": report.country, "season_label": report.season_label}


def _table_as_dict(table: TableRecord) -> dict[str, Any]:
    return {
        "table_number": table.number,
        "table_name": table.name,
        "kind": table.kind,
        "official": table.official,
        "reconciled": table.reconciled,
        "counted_until": _round_value(table.counted_until),
        "carry_over": table.carry_over,
    }


def _week_as_dict(week: TeamWeek) -> dict[str, Any]:
    figures = {name: getattr(week, name) for name in week.__dataclass_fields__ if name not in ("team", "matches")}
    return {"idteam": week.team.id, "code": week.team.code, "team": week.team.name} | _round_values(figures)


def _match_as_dict(match: LuckyMatch) -> dict[str, Any]:
    figures = {name: getattr(match, name) for name in match.__dataclass_fields__ if name != "opponent_points"}
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


def luck_table(title: str, matches: Sequence[LuckyMatch]) -> ReportTable:
    """Return the table of matches with much luck, one line for each; `matches` must be from the home team's side."""
    columns = [
        *(_Heading("Date"), _Heading("Home", is_name=True), _Heading("Score", is_number=True)),
        *(_Heading("Away", is_name=True), _Heading("xG", is_number=True), _Heading("xPts", is_number=True, wide=True)),
        *(_Heading("Home±", is_number=True), _Heading("Away±", is_number=True)),
    ]
    rows = [
        [
            Text(str(match.date or "")),
            Text(match.team.name),
            Text(f"{match.goals_for}:{match.goals_against}"),
            Text(match.opponent.name),
            Text(f"{format_number(match.xg_for)}:{format_number(match.xg_against)}"),
            Text(f"{format_number(match.xpoints)}:{format_number(match.opponent_xpoints)}"),
            _difference_text(match.luck, good_sign=1),
            _difference_text(match.opponent_luck, good_sign=1),
        ]
        for match in matches
    ]
    return ReportTable(columns, rows, title, "Home±, Away±: the team's points minus its expected points (xPts).")


def weeks_table(title: str, weeks: Sequence[TeamWeek], teams: Mapping[int, Team]) -> ReportTable:
    """Return the table of one team's weeks, one line for each match; `teams` are the opponents by id.

    The team's running totals are on the line of a week's last match.
    """
    columns = [
        *(_Heading("Date"), _Heading("Opponent", is_name=True), _Heading("Score", is_number=True)),
        *(_Heading("xG", is_number=True), _Heading("Pts", is_number=True), _Heading("xPts", is_number=True)),
        *(_Heading("Total", is_number=True), _Heading("GF±", is_number=True, wide=True)),
        *(_Heading("GA±", is_number=True, wide=True), _Heading("Pts±", is_number=True)),
    ]
    rows = []
    for week in weeks:
        totals = [
            Text(str(week.points), "bold"),
            _difference_text(week.goals_for_difference, good_sign=1),
            _difference_text(week.goals_against_difference, good_sign=-1),
            _difference_text(week.points_difference, good_sign=1),
        ]
        for match in week.matches:
            last = match is week.matches[-1]
            rows.append([*_match_cells(match, teams), *(totals if last else [Text("")] * len(totals))])
    note = (
        "Score and xG: the team's own first. At the end of each week (Monday), Total: points so far;\n"
        "±: actual minus expected so far, over the matches with xG."
    )
    return ReportTable(columns, rows, title, note)


def _match_cells(match: TeamMatch, teams: Mapping[int, Team]) -> list[Text]:
    expected = match.expected
    return [
        Text(str(match.kickoff.date()) if match.kickoff else ""),
        Text(describe_opponent(match, teams)),
        Text(f"{match.goals_for}:{match.goals_against}"),
        Text(f"{format_number(expected.xg_for)}:{format_number(expected.xg_against)}" if expected else "–"),
        Text(str(match.points)),
        Text(format_number(expected.xpoints) if expected else "–"),
    ]


class _Heading(NamedTuple):
    """A column of a ReportTable. `wide` columns are left out on a narrow terminal; columns of names may be cut."""

    text: str
    is_number: bool = False
    is_name: bool = False
    wide: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table that rich can print at any width. Figures are never cut; names only if there is no room for them.

    `compact` is printed instead if this table needs more than the width of the terminal.
    """

    columns: Sequence[_Heading]
    rows: Sequence[Sequence[Text]]
    title: str = ""
    note: str = ""
    compact: ReportTable | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        padded = self._build(padding=1, narrow=False)
        if Measurement.get(console, options.update(width=_UNLIMITED), padded).maximum <= options.max_width:
            yield padded
        elif self.compact:
            yield self.compact
        else:
            yield self._build(padding=0, narrow=options.max_width < NARROW)

    def _build(self, padding: int, narrow: bool) -> Table:
        table = Table(
            title=Text(self.title, "bold") if self.title else None,  # as Text: a name may look like rich markup
            title_justify="left",
            caption=Text(self.note, "dim") if self.note else None,
            caption_justify="left",
            box=box.SIMPLE_HEAD,  # its space between columns comes in addition to padding
            show_edge=False,
            padding=(0, padding, 0, 0),
            pad_edge=False,
        )
        shown = [index for index, column in enumerate(self.columns) if not (narrow and column.wide)]
        for index in shown:
            column = self.columns[index]
            if column.is_name:  # the only columns that rich may shrink
                table.add_column(column.text, min_width=MIN_NAME_WIDTH)
            else:
                table.add_column(column.text, justify="right" if column.is_number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*(_cut(row[index]) if self.columns[index].is_name else row[index] for index in shown))
        return table


def _cut(name: Text) -> Text:
    """Return the name as one line, which ends with an ellipsis if its column is too narrow."""
    return Text(name.plain, no_wrap=True, overflow="ellipsis")


_UNLIMITED = 1000  # terminal columns


_STYLES: dict[Rating, str] = {"good": "green", "bad": "red", "even": ""}


def _difference_text(value: float, good_sign: int) -> Text:
    """Return a difference with its sign, green if it is good for the team (see rate_difference)."""
    return Text(f"{value:+z.1f}", _STYLES[rate_difference(value, good_sign)])


def standings_table(table: TableReport, title: str = "") -> ReportTable:
    """Return a table of a season with its notes below.

    Deductions follow the points if the terminal is wide enough; otherwise they are among the notes.
    """
    headings = [
        _Heading(
            column.heading,
            is_number=column.heading != "Team",
            is_name=column.heading == "Team",
            wide=column.heading not in NARROW_HEADINGS,
        )
        for column in _COLUMNS
    ]
    cells = [[column.cell(figures[column.name]) for column in _COLUMNS] for figures in _figures(table)]
    adjusted = [row for row in table.rows if row.adjustment]
    named = [f"{row.team.name}: {row.points}, {row.adjustment}." for row in adjusted]
    compact = ReportTable(headings, cells, title, "\n".join((*named, *table.notes)))
    if not adjusted:
        return compact
    points = [column.name for column in _COLUMNS].index("points")
    beside = [
        [*line[:points], _append(line[points], row.adjustment), *line[points + 1 :]]
        for line, row in zip(cells, table.rows, strict=True)
    ]
    return ReportTable(headings, beside, title, "\n".join(table.notes), compact)


def _figures(table: TableReport) -> list[dict[str, Any]]:
    return [row.all_columns() for row in table.rows]


def _append(points: Text, adjustment: str) -> Text:
    return Text.assemble(points, f", {adjustment}") if adjustment else points


def report_notes(report: SeasonReport) -> Text:
    """Return the notes on a season: its country, what is not shown, how many matches have xG, and the columns."""
    coverage = f"xG known for all {report.matches} matches."
    if report.with_xg != report.matches:
        coverage = f"xG known for {report.with_xg} of {report.matches} matches; xGF, xGA, xPts and ± cover only these."
    columns = "xGF, xGA: expected goals for and against. xPts: expected points.\n±: actual minus expected."
    subtitle = f"{report.subtitle}." if report.subtitle else ""
    return Text("\n".join(filter(None, (subtitle, *report.notes, coverage, columns))), "dim")


class _TableColumn(NamedTuple):
    heading: str
    name: str  # a key of TableRow.all_columns()
    cell: Callable[[Any], Text]


def _plain_text(value: Any) -> Text:
    return Text("–" if value is None else str(value))


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
    _TableColumn("GD", "goal_difference", lambda value: Text("–" if value is None else f"{value:+d}")),
    _TableColumn("Pts", "points", lambda value: Text("–" if value is None else str(value), "bold")),
    _TableColumn("xGF", "xg_for", _expected_text),
    _TableColumn("xGA", "xg_against", _expected_text),
    _TableColumn("xPts", "xpoints", _expected_text),
    _TableColumn("GF±", "goals_for_difference", _difference_cell(good_sign=1)),
    _TableColumn("GA±", "goals_against_difference", _difference_cell(good_sign=-1)),
    _TableColumn("Pts±", "points_difference", _difference_cell(good_sign=1)),
)
