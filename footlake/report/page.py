"""Render season reports as one HTML page that needs no network.

The page holds tables, charts as inline SVG and a little JavaScript. Everything in a chart is also in the page as text
or as a table, and without JavaScript nothing is hidden. This module prepares the data; templates/ holds the HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from footlake.report.charts import PointsChart, PointsScale, ScatterChart, points_chart, scatter_chart, sparkline_path
from footlake.report.formatting import format_number, format_signed, rate_difference
from footlake.report.matches import Team
from footlake.report.season import SeasonReport
from footlake.report.table import TableReport, TableRow
from footlake.report.team_matches import TeamMatch, describe_opponent
from footlake.report.weeks import TeamWeek


def _format_date(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _format_scores(matches: Iterable[TeamMatch], teams: Mapping[int, Team]) -> str:
    """Return the scores of a team's matches, its own goals first, such as "2:1 v Leeds, 0:0 at Burnley"."""
    return ", ".join(f"{match.goals_for}:{match.goals_against} {describe_opponent(match, teams)}" for match in matches)


def _format_coordinate(value: float) -> str:
    return f"{value:.1f}"


TEMPLATES = Environment(
    loader=PackageLoader("footlake.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters |= {
    "coordinate": _format_coordinate,
    "day": _format_date,
    "number": format_number,
    "rating": rate_difference,
    "scores": _format_scores,
    "signed": format_signed,
}


def render_page(reports: Sequence[SeasonReport], note: str = "") -> str:
    """Return the HTML page of one or several season reports.

    `note` is text below each title, for example that the results are simulated.
    """
    views = [_season_view(report) for report in reports]
    return TEMPLATES.get_template("page.html.j2").render(views=views, note=note)


class _Highlight(NamedTuple):
    """A tile at the top of a report: a team that stands out."""

    title: str
    team: Team
    figure: str


class _Column(NamedTuple):
    """A column of the league table.

    `good_sign` is 1 or -1 for a difference that is good if positive or negative, and 0 for any other column.
    `sorts_ascending` is the order of the first click on the heading.
    """

    name: str  # a key of TableRow.all_columns()
    heading: str
    description: str
    css_class: str = ""
    sorts_ascending: bool = False
    good_sign: int = 0


class _Cell(NamedTuple):
    """A cell of the league table; `difference` and `bar_percent` are set in columns of differences only.

    `detail` follows the text: a deduction.
    """

    column: _Column
    sort_value: str | float
    text: str
    detail: str = ""
    difference: float | None = None
    bar_percent: float = 0


class _TableView(NamedTuple):
    """A table: the title of its section, the cells of each team, and notes."""

    number: int
    title: str
    rows: list[tuple[Team, list[_Cell]]]
    notes: tuple[str, ...]


class _TeamView(NamedTuple):
    """A team's season by week in a table.

    `key` identifies it in the report. `table_name` is empty if there is one table only.
    """

    key: str
    team: Team
    table_name: str
    weeks: list[TeamWeek]
    chart: PointsChart
    sparkline: str

    @property
    def label(self) -> str:
        """The name of the team, and of the table if there are several."""
        return f"{self.team.name} ({self.table_name})" if self.table_name else self.team.name

    @property
    def last_week(self) -> TeamWeek:
        return self.weeks[-1]


@dataclass(frozen=True)
class _SeasonView:
    """The data of report.html.j2."""

    report: SeasonReport
    highlights: list[_Highlight]
    tables: list[_TableView]
    attack: ScatterChart | None
    defence: ScatterChart | None
    teams: list[_TeamView]
    columns: tuple[_Column, ...]


def _season_view(report: SeasonReport) -> _SeasonView:
    expected = [(row.team, row.expected) for row in report.rows if row.expected]
    attack = [(team, totals.xg_for, totals.xg_for + totals.goals_for_difference) for team, totals in expected]
    defence = [
        (team, totals.xg_against, totals.xg_against + totals.goals_against_difference) for team, totals in expected
    ]
    return _SeasonView(
        report=report,
        highlights=_highlights(report),
        tables=[_table_view(table, report) for table in report.tables],
        attack=scatter_chart(attack, good_sign=1) if attack else None,
        defence=scatter_chart(defence, good_sign=-1) if defence else None,
        teams=_team_views(report),
        columns=_COLUMNS,
    )


def _highlights(report: SeasonReport) -> list[_Highlight]:
    teams = [(row.team, row.expected) for row in report.rows if row.expected]
    if not teams:
        return []
    best, best_totals = max(teams, key=lambda team: team[1].points_difference)
    worst, worst_totals = min(teams, key=lambda team: team[1].points_difference)
    attack, attack_totals = max(teams, key=lambda team: team[1].xg_for_per_match)
    defence, defence_totals = min(teams, key=lambda team: team[1].xg_against_per_match)
    return [
        _Highlight("Most points above expected", best, f"{format_signed(best_totals.points_difference)} points"),
        _Highlight("Most points below expected", worst, f"{format_signed(worst_totals.points_difference)} points"),
        _Highlight("Best attack", attack, f"{attack_totals.xg_for_per_match:.2f} xG per match"),
        _Highlight("Best defence", defence, f"{defence_totals.xg_against_per_match:.2f} xG against per match"),
    ]


# The groups of columns (Points, Goals for, Goals against, Results) are in league_table.html.j2.
_COLUMNS = (
    _Column("position", "#", "Position", "rank", sorts_ascending=True),
    _Column("team", "Team", "Team", "team", sorts_ascending=True),
    _Column("played", "P", "Played"),
    _Column("points", "Pts", "Points", "from strong"),
    _Column("xpoints", "xPts", "Expected points"),
    _Column("points_difference", "±", "Points minus expected points", "diff", good_sign=1),
    _Column("expected_position", "x#", "Position by expected points", "rank", sorts_ascending=True),
    _Column("goals_for", "GF", "Goals for", "from"),
    _Column("xg_for", "xGF", "Expected goals for"),
    _Column("goals_for_difference", "±", "Goals for minus expected goals for", "diff", good_sign=1),
    _Column("goals_against", "GA", "Goals against", "from"),
    _Column("xg_against", "xGA", "Expected goals against"),
    _Column("goals_against_difference", "±", "Goals against minus expected goals against", "diff", good_sign=-1),
    _Column("won", "W", "Won", "from"),
    _Column("drawn", "D", "Drawn"),
    _Column("lost", "L", "Lost"),
    _Column("goal_difference", "GD", "Goal difference"),
)


def _table_view(table: TableReport, report: SeasonReport) -> _TableView:
    rows = [(row, row.all_columns()) for row in table.rows]

    def largest(*names: str) -> float:
        return max((abs(row[name]) for _, row in rows for name in names if row[name] is not None), default=0)

    goals = largest("goals_for_difference", "goals_against_difference")
    bar_scales = {
        "points_difference": largest("points_difference"),
        "goals_for_difference": goals,
        "goals_against_difference": goals,
    }

    def cells(row: TableRow, figures: Mapping[str, Any]) -> list[_Cell]:
        made = [_cell(column, figures[column.name], bar_scales.get(column.name, 0)) for column in _COLUMNS]
        return [cell._replace(detail=row.adjustment) if cell.column.name == "points" else cell for cell in made]

    name = table.name if report.has_several_tables else "League table"
    return _TableView(
        table.number,
        f"{name}: actual and expected",
        [(row.team, cells(row, figures)) for row, figures in rows],
        table.notes,
    )


def _cell(column: _Column, value: str | float | None, bar_scale: float) -> _Cell:
    """Return the cell of a value; a bar as long as half the cell stands for a difference of `bar_scale`."""
    if value is None:
        return _Cell(column, "", "–")
    if isinstance(value, str):
        return _Cell(column, value, value)
    sort_value = round(value, 3)
    if column.good_sign:
        bar_percent = 50 * abs(value) / bar_scale if bar_scale else 0
        return _Cell(column, sort_value, format_signed(value), difference=value, bar_percent=bar_percent)
    if column.name == "goal_difference":
        return _Cell(column, sort_value, f"{value:+d}".replace("-", "−"))
    return _Cell(column, sort_value, format_number(value) if isinstance(value, float) else str(value))


def _team_views(report: SeasonReport) -> list[_TeamView]:
    """Return the teams of each table that have both weeks and matches with xG, in order of the table."""
    by_team: dict[tuple[int, int], list[TeamWeek]] = {}
    for week in report.weeks:
        by_team.setdefault((week.table_number, week.team.id), []).append(week)
    teams = [
        (table, row.team)
        for table in report.tables
        for row in table.rows
        if row.expected and (table.number, row.team.id) in by_team
    ]
    weeks = [week for table, team in teams for week in by_team[table.number, team.id]]
    if not weeks:
        return []
    last_week = max(week.week for week in weeks)
    scale = PointsScale(last_week, max(max(week.points_with_xg, week.xpoints) for week in weeks) or 1)
    max_difference = max(abs(week.points_difference) for week in weeks) or 1
    several = len(report.tables) > 1
    return [
        _TeamView(
            f"{table.number}-{team.id}" if several else str(team.id),
            team,
            table.name if several else "",
            by_team[table.number, team.id],
            points_chart(by_team[table.number, team.id], scale),
            sparkline_path(by_team[table.number, team.id], last_week, max_difference),
        )
        for table, team in teams
    ]
