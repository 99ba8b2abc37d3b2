"""The report for people, as tables that rich prints, and for machines, as JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from footlake.report.season import LuckyMatch, SeasonReport
from footlake.report.table import ExpectedTotals, TableRow
from footlake.report.weeks import TeamWeek

WIDE = 112  # columns of terminal from which on there is room for air
NARROW = 77  # below which not every figure fits
FEW = ("#", "Team", "P", "GD", "Pts", "xPts", "Pts±")  # what is shown then
NAME = 15  # columns that a team's name gets in less


def render(rows: Sequence[TableRow], title: str = "", note: str = "") -> LeagueTable:
    """The table as something that rich prints: whole from 77 columns of terminal on, with air from 112 on.

    The note is a line below it.
    """
    return LeagueTable(tuple(rows), title, note)


def as_dicts(rows: Sequence[TableRow]) -> list[dict[str, Any]]:
    """The rows for JSON: plain numbers under stable keys; `expected` is rounded to thousandths, or null without xG."""
    return [
        {
            "position": row.position,
            "idteam": row.team.id,
            "code": row.team.code,
            "team": row.team.name,
            "played": row.played,
            "won": row.won,
            "drawn": row.drawn,
            "lost": row.lost,
            "goals_for": row.goals_for,
            "goals_against": row.goals_against,
            "goal_difference": row.goal_difference,
            "points": row.points,
            "expected": row.expected and {name: round(figure, 3) for name, figure in asdict(row.expected).items()},
        }
        for row in rows
    ]


def document(report: SeasonReport) -> dict[str, Any]:
    """The whole report for JSON."""
    return {
        "league": report.league,
        "season": report.season,
        "seasons": report.seasons,
        "outside_regular_season": report.outside,
        "table": as_dicts(report.rows),
        "weeks": [_week(week) for week in report.weeks],
        "luckiest": [_luck(one) for one in report.luckiest],
        "unluckiest": [_luck(one) for one in report.unluckiest],
    }


def table_csv(reports: Iterable[SeasonReport]) -> str:
    """The tables as CSV, in the columns of the SQL view `expected_table`."""
    return _csv(
        {"idleague": report.league, "season": report.season, **_flat(row)}
        for report in reports
        for row in as_dicts(report.rows)
    )


def weeks_csv(reports: Iterable[SeasonReport]) -> str:
    """The weeks as CSV, in the columns of the SQL view `team_weeks`."""
    return _csv(
        {"idleague": report.league, "season": report.season, **_week(week)}
        for report in reports
        for week in report.weeks
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the table without a table in it."""
    expected = row.pop("expected") or dict.fromkeys(ExpectedTotals.__dataclass_fields__)
    prefixed = {f"expected_{name}": expected.pop(name) for name in ("position", "matches")}
    prefixed["expected_matches"] = prefixed["expected_matches"] or 0
    return row | prefixed | expected


def _week(week: TeamWeek) -> dict[str, Any]:
    return {"idteam": week.team.id, "code": week.team.code, "team": week.team.name} | {
        name: _plain(getattr(week, name)) for name in week.__dataclass_fields__ if name != "team"
    }


def _luck(one: LuckyMatch) -> dict[str, Any]:
    figures = {name: _plain(getattr(one, name)) for name in one.__dataclass_fields__}
    names = {"team": one.team.name, "opponent": one.opponent.name, "luck": round(one.luck, 3)}
    return figures | {"idteam": one.team.id, "idopponent": one.opponent.id, **names}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    text, all_rows = io.StringIO(), list(rows)
    if all_rows:
        writer = csv.DictWriter(text, list(all_rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(all_rows)
    return text.getvalue()


def luck_table(title: str, luck: Sequence[LuckyMatch]) -> Table:
    """The matches with the most luck, or the least, for people."""
    table = _plain_table(title)
    table.add_column("Date", no_wrap=True, min_width=10)
    for heading in ("Team", ""):  # where it is narrow, names give way, never figures
        table.add_column(heading, min_width=8)
    for heading, least in (("Score", 5), ("xG", 7), ("Pts", 3), ("xPts", 4), ("Pts±", 4)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=least)
    for one in luck:
        table.add_row(
            str(one.date or ""),
            Text(one.team.name, no_wrap=True, overflow="ellipsis"),
            Text(f"{'v' if one.at_home else 'at'} {one.opponent.name}", no_wrap=True, overflow="ellipsis"),
            f"{one.goals_for}:{one.goals_against}",
            f"{one.xg_for:z.1f}:{one.xg_against:z.1f}",
            str(one.points),
            f"{one.xpoints:z.1f}",
            _signed(one.luck, 1),
        )
    return table


def weeks_table(title: str, weeks: Sequence[TeamWeek]) -> Table:
    """The weeks of one team, for people."""
    table = _plain_table(title)
    for heading in ("Week", "from", "P", "Pts", "xPts", "GF±", "GA±", "Pts±"):
        table.add_column(heading, justify="right", no_wrap=True)
    for week in weeks:
        table.add_row(
            str(week.week),
            str(week.week_start),
            str(week.played),
            Text(str(week.points), "bold"),
            f"{week.xpoints:z.1f}",
            _signed(week.goals_for_difference, 1),
            _signed(week.goals_against_difference, -1),
            _signed(week.points_difference, 1),
        )
    return table


def _plain_table(title: str) -> Table:
    return Table(
        title=Text(title, "bold"),  # a team's name is no markup
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _signed(value: float, welcome: int) -> Text:
    """A difference with its sign; green if it is welcome, which more of it is (1) or less of it (-1)."""
    shown = f"{value:+z.1f}"
    worth = float(shown) * welcome
    return Text(shown, "green" if worth > 0 else "red" if worth < 0 else "")


@dataclass(frozen=True)
class LeagueTable:
    """A league table that rich can print at any width."""

    rows: tuple[TableRow, ...]
    title: str
    note: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        table = Table(
            title=self.title or None,
            title_justify="left",
            title_style="bold",
            caption="\n".join(filter(None, (self._caption(), self.note))),
            caption_justify="left",
            caption_style="dim",
            box=box.SIMPLE_HEAD,  # a space between columns, to which padding adds
            show_edge=False,
            padding=(0, 1 if wide else 0),
            pad_edge=False,
        )
        columns = [one for one in _COLUMNS if options.max_width >= NARROW or one.heading in FEW]
        for column in columns:
            if column.heading == "Team":
                table.add_column("Team", no_wrap=True, max_width=None if wide else NAME)
            else:
                table.add_column(column.heading, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*(column.cell(row) for column in columns))
        yield table

    def _caption(self) -> str:
        played = sum(row.played for row in self.rows) // 2
        known = sum(row.expected.matches for row in self.rows if row.expected) // 2
        if known == played:
            return f"xG known for all {played} matches; ± is real less expected."
        return f"xG known for {known} of {played} matches, which x and ± (real less expected) cover."


class _TableColumn(NamedTuple):
    heading: str
    cell: Callable[[TableRow], Text]


def _real(of: Callable[[TableRow], str | int], style: str = "") -> Callable[[TableRow], Text]:
    return lambda row: Text(str(of(row)), style)


def _expected(of: Callable[[ExpectedTotals], float]) -> Callable[[TableRow], Text]:
    return lambda row: Text(f"{of(row.expected):z.1f}" if row.expected else "–")


def _beyond(of: Callable[[ExpectedTotals], float], welcome: int) -> Callable[[TableRow], Text]:
    return lambda row: _signed(of(row.expected), welcome) if row.expected else Text("–")


_COLUMNS = (
    _TableColumn("#", _real(lambda row: row.position)),
    _TableColumn("Team", _real(lambda row: row.team.name)),
    _TableColumn("P", _real(lambda row: row.played)),
    _TableColumn("W", _real(lambda row: row.won)),
    _TableColumn("D", _real(lambda row: row.drawn)),
    _TableColumn("L", _real(lambda row: row.lost)),
    _TableColumn("GF", _real(lambda row: row.goals_for)),
    _TableColumn("GA", _real(lambda row: row.goals_against)),
    _TableColumn("GD", _real(lambda row: f"{row.goal_difference:+d}")),
    _TableColumn("Pts", _real(lambda row: row.points, "bold")),
    _TableColumn("xGF", _expected(lambda expected: expected.xg_for)),
    _TableColumn("xGA", _expected(lambda expected: expected.xg_against)),
    _TableColumn("xPts", _expected(lambda expected: expected.xpoints)),
    _TableColumn("GF±", _beyond(lambda expected: expected.goals_for_difference, welcome=1)),
    _TableColumn("GA±", _beyond(lambda expected: expected.goals_against_difference, welcome=-1)),
    _TableColumn("Pts±", _beyond(lambda expected: expected.points_difference, welcome=1)),
)
